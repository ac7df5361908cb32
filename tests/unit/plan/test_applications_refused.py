"""Wrong applications → the paths and messages that a user sees."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.engine_args_refused import REFUSED
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy
from llm_operator.plan.resolve import resolve

Object = dict[str, Any]
A = "spec.applications[0]"
D = f"{A}.deployments[0]"
IMAGE = {"image": "registry.example/serve:1"}
MODEL = {"name": "qwen", "source": {"uri": "hf://Qwen/Qwen3-8B"}, "accelerators": [{"type": "L4"}]}
TWICE = "is set twice: here and by scaling."
FOR_MODELS = "share, maxReplicas and topology are for models: an actor says its share (deployments[].actor.gpu)"


def batch(*, deployment: Object | None = None, **fields: Any) -> Object:
    only = {"name": "BatchedSentiment", **(deployment or {})}
    return {"name": "b", "importPath": "llm_serve_app.batch:build", "deployments": [only], **fields}


def pipeline(*names: str) -> Object:
    return {"name": "p", "importPath": "llm_serve_app.pipeline:build", "deployments": [{"name": n} for n in names]}


def vllm(**engine_args: Any) -> Object:
    args = {"model": "/models/demo", "engine_args": engine_args}
    deployments = [{"name": "CustomVLLM"}]
    return {"name": "v", "importPath": "llm_serve_app.custom_vllm:build", "args": args, "deployments": deployments}


def router(user_config: Object, **args: Any) -> Object:
    given = {"targets": {"a": {"url": "/a"}, "b": {"url": "/b"}}, **args}
    deployments = [{"name": "ABRouter", "userConfig": user_config}]
    return {"name": "r", "importPath": "llm_serve_app.ab_router:build", "args": given, "deployments": deployments}


def own(path: str = "shop.search:app", **fields: Any) -> Object:
    return {"name": "o", "importPath": path, "deployments": [{"name": "Search"}], **fields}


def actor(**fields: Any) -> Object:
    return batch(deployment={"actor": fields})


def on(accelerator: Object, **fields: Any) -> Object:
    return batch(deployment={"actor": fields or {"gpu": 1}}, workers={"accelerators": [accelerator]})


def errors(
    *applications: Object,
    models: list[Object] | None = None,
    ray: Object | None = None,
    policy: Policy = DEFAULT_POLICY,
) -> list[str]:
    spec = {"applications": list(applications), "ray": IMAGE if ray is None else ray} | (
        {"models": models} if models else {}
    )
    try:
        made = validate("x", copy.deepcopy(spec))
        now = datetime(2026, 1, 1, tzinfo=UTC)
        resolve(made, name="x", namespace="llm", uid="u", routes={}, now=now, policy=policy)
    except InvalidSpec as invalid:
        return [str(error) for error in invalid.errors]
    return []


WRONG: list[tuple[str, Object, list[str]]] = [
    # --- the administrator's policy
    ("module not allowed", own(),
     [f'{A}.importPath: module "shop.search" is not allowed (allowed: llm_serve_app); the operator\'s administrator can add its '
      "package with the chart's operator.applicationImportPaths"]),
    ("a name that only begins like an allowed one", own("llm_serve_appx.batch:build"),
     [f'{A}.importPath: module "llm_serve_appx.batch" is not allowed (allowed: llm_serve_app); the operator\'s administrator can '
      "add its package with the chart's operator.applicationImportPaths"]),
    ("import path without an attribute", own("llm_serve_app.batch"),
     [f'{A}.importPath: "llm_serve_app.batch" does not match '
      "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"]),
    # --- serve_app's own
    ("application that is not there, near", own("llm_serve_app.pipline:build"),
     [f'{A}.importPath: llm_serve_app has no application "llm_serve_app.pipline:build"; did you mean "llm_serve_app.pipeline:build"?']),
    ("code of serve_app that is no application", own("llm_serve_app.simulated.engine:SimulatedEngine"),
     [f'{A}.importPath: llm_serve_app has no application "llm_serve_app.simulated.engine:SimulatedEngine"; there are '
      "llm_serve_app.ab_router:build, llm_serve_app.batch:build, llm_serve_app.custom_vllm:build, llm_serve_app.pipeline:build"]),
    ("deployment misspelt", pipeline("Pipeline", "Preprocess", "Sentimnet", "Summary"),
     [f'{A}.deployments[2].name: llm_serve_app.pipeline:build has no deployment "Sentimnet"; did you mean "Sentiment"?']),
    ("deployment of another application", batch(deployment={"name": "Zzz"}),
     [f'{D}.name: llm_serve_app.batch:build has no deployment "Zzz"; it has BatchedSentiment']),
    ("deployments missing", pipeline("Pipeline", "Sentiment"),
     [f"{A}.deployments: Preprocess, Summary of llm_serve_app.pipeline:build missing: every deployment must be listed, else it "
      "runs on any pod with a free CPU"]),
    ("deployment twice", pipeline("Pipeline", "Preprocess", "Sentiment", "Summary", "Summary"),
     [f'{A}.deployments[4].name: the deployment "Summary" is used already at {A}.deployments[3].name: names must be unique']),
    ("no deployment", batch() | {"deployments": []}, [f"{A}.deployments: must have at least 1 item(s)"]),
    ("unknown argument", batch(args={"model": "/x"}), [f'{A}.args.model: unknown field; did you mean "models"?']),
    ("argument of another type", {**pipeline("Pipeline", "Preprocess", "Sentiment", "Summary"), "args": {"max_characters": "9"}},
     [f'{A}.args.max_characters: must be an integer, not "9" (without the quotes)']),
    ("argument missing", {**vllm(), "args": {}}, [f"{A}.args.model: required"]),
    ("setting unknown", batch(deployment={"userConfig": {"batch_size": 4}}),
     [f'{D}.userConfig.batch_size: unknown field; did you mean "max_batch_size"?']),
    ("setting out of bounds", batch(deployment={"userConfig": {"max_batch_size": 0}}),
     [f"{D}.userConfig.max_batch_size: must be at least 1, not 0"]),
    ("settings of a deployment that takes none",
     {**pipeline("Pipeline", "Preprocess", "Sentiment", "Summary"),
      "deployments": [{"name": "Pipeline"}, {"name": "Preprocess", "userConfig": {"x": 1}}, {"name": "Sentiment"}, {"name": "Summary"}]},
     [f"{A}.deployments[1].userConfig: Preprocess takes none; Pipeline, Sentiment, Summary would"]),
    ("split of a target that is not there", router({"split": {"a": 1, "c": 1}}),
     [f"{D}.userConfig.split.c: no such target; args.targets has a, b"]),
    ("split of nothing", router({"split": {"a": 0, "b": 0}}),
     [f"{D}.userConfig.split: the shares add up to 0: one of them must be more"]),
    ("one target", router({}, targets={"a": {"url": "/a"}}), [f"{A}.args.targets: must have at least 2 entries, not 1"]),
    # --- the engine's arguments of the hand-written vLLM
    ("code of the caller's choice", vllm(trust_remote_code=True),
     [f"{A}.args.engine_args.trust_remote_code: " + REFUSED["trust_remote_code"]]),
    ("executor class", vllm(distributed_executor_backend="x.Y"),
     [f"{A}.args.engine_args.distributed_executor_backend: is set by the operator"]),
    ("engine argument unknown", vllm(max_model_length=1),
     [f'{A}.args.engine_args.max_model_length: vLLM has no such argument; did you mean "max_model_len"?']),
    ("engine argument unlike any", vllm(zzzzzzzzzzzz=1),
     [f"{A}.args.engine_args.zzzzzzzzzzzz: vLLM has no such argument; see its AsyncEngineArgs"]),
    ("accelerators that are no GPUs", batch(workers={"accelerators": [{"type": "TPU-V6E", "topology": "2x2"}]}),
     [f"{A}.workers.accelerators[0].type: TPU-V6E is no GPU for Ray, and actors ask for GPUs only: use a model"]),
    ("engine argument of another type", vllm(max_num_seqs="many"),
     [f'{A}.args.engine_args.max_num_seqs: must be an integer, not "many"']),
    ("secret in the spec", vllm(hf_token="x"),
     [f"{A}.args.engine_args.hf_token: would put a secret into the spec: use source.tokenSecretRef"]),
    # --- numbers
    ("replicas and scaling", batch(deployment={"replicas": 1, "scaling": {}}), [f"{D}.replicas: set at most one of replicas and scaling"]),
    ("ongoing twice", batch(deployment={"maxOngoingRequests": 200, "scaling": {"maxOngoingRequests": 200}}),
     [f"{D}.maxOngoingRequests: {TWICE}maxOngoingRequests"]),
    ("queued twice", batch(deployment={"maxQueuedRequests": 2, "scaling": {"maxQueuedRequests": 2}}),
     [f"{D}.maxQueuedRequests: {TWICE}maxQueuedRequests"]),
    ("target above the limit", batch(deployment={"maxOngoingRequests": 8, "scaling": {}}),
     [f"{D}.scaling.targetOngoingRequests: 64 must not be greater than maxOngoingRequests: autoscaling would never happen (8)"]),
    ("fewest above most", batch(deployment={"scaling": {"minReplicas": 3, "maxReplicas": 2}}),
     [f"{D}.scaling.minReplicas: 3 must not be greater than maxReplicas (2)"]),
    ("no replica", batch(deployment={"replicas": 0}), [f"{D}.replicas: input should be greater than or equal to 1"]),
    # --- actors that fit nowhere
    ("CPU of an actor", batch(deployment={"actor": {"cpu": 4}}, workers={"resources": {"cpu": "2"}}),
     [f"{D}.actor.cpu: a replica of 4 CPUs fits no pod of 2: raise workers.resources.cpu to 4 or lower it"]),
    ("memory of an actor", actor(memory="9Gi"),
     [f"{D}.actor.memory: a replica of 9Gi fits no pod of 8Gi: raise workers.resources.memory or lower it"]),
    ("GPU without any", actor(gpu=1), [f"{D}.actor.gpu: a replica of 1 GPUs fits no pod without any: set workers.accelerators"]),
    ("GPU on CPU pods", on({"type": "CPU"}), [f"{D}.actor.gpu: a replica of 1 GPUs fits no pod without any: set workers.accelerators"]),
    ("more GPUs than a pod has", on({"type": "L4", "count": 2}, gpu=4),
     [f"{D}.actor.gpu: a replica of 4 GPUs fits no pod of 2: raise workers.accelerators[0].count to 4 or lower it"]),
    ("part of a GPU above one", on({"type": "L4", "count": 2}, gpu=1.5),
     [f"{D}.actor.gpu: 1.5 is no number of GPUs that Ray can give: above 1, a replica takes whole GPUs only"]),
    ("GPUs that nobody uses", batch(workers={"accelerators": [{"type": "L4", "count": 2}]}),
     [f"{A}.workers.accelerators[0]: no replica would use the 2 GPUs of each pod: set deployments[].actor.gpu"]),
    ("share of an accelerator", on({"type": "L4", "share": 0.5}), [f"{A}.workers.accelerators[0].share: {FOR_MODELS}"]),
    ("limit of an accelerator", on({"type": "L4", "maxReplicas": 2}), [f"{A}.workers.accelerators[0].maxReplicas: {FOR_MODELS}"]),
    ("two accelerators", batch(workers={"accelerators": [{"type": "L4"}, {"type": "T4"}]}),
     [f"{A}.workers.accelerators: must have at most 1 item(s)"]),
    ("shared memory", batch(workers={"resources": {"memory": "1Gi", "sharedMemory": "1Gi"}}),
     [f"{A}.workers.resources.sharedMemory: must be less than memory: /dev/shm counts against it"]),
    # --- names, environment, fields
    ("owned variable", batch(env=[{"name": "RAY_ADDRESS", "value": "x"}]),
     [f"{A}.env[0]: RAY_ADDRESS is set by the operator or by Ray: remove it (a hub token goes to source.tokenSecretRef)"]),
    ("unknown field", batch(route="/x"), [f'{A}.route: unknown field; did you mean "routePrefix"?']),
    ("route with a query", batch(routePrefix="/a?b"),
     [f'{A}.routePrefix: "/a?b" does not match ^/[A-Za-z0-9._~-]*(/[A-Za-z0-9._~-]+)*$']),
    ("reserved route", batch(routePrefix="/v1/reviews"),
     [f'{A}.routePrefix: "/v1/reviews" is reserved (Serve\'s own paths and the OpenAI API): choose another']),
    ("route of Serve itself", batch(routePrefix="/-/routes"),
     [f'{A}.routePrefix: "/-/routes" is reserved (Serve\'s own paths and the OpenAI API): choose another']),
]  # fmt: skip


@pytest.mark.parametrize(("application", "want"), [pytest.param(a, want, id=name) for name, a, want in WRONG])
def test_refused(application: Object, want: list[str]) -> None:
    assert errors(application) == want


def test_the_table_starts_from_what_is_right() -> None:
    assert errors(batch()) == errors(pipeline("Pipeline", "Preprocess", "Sentiment", "Summary")) == errors(vllm()) == []
    assert errors(router({"split": {"a": 90}})) == errors(vllm(tensor_parallel_size=1, max_model_len=512)) == []
    assert errors(own(), policy=Policy(application_import_paths=("shop",))) == []


@pytest.mark.parametrize(
    ("application", "want"),
    [
        (
            batch(routePrefix="/score"),
            '"/score" would take requests of model "qwen", whose route is "/": choose another',
        ),
        (
            batch(routePrefix="/tokenize/x"),
            '"/tokenize/x" would take requests of model "qwen", whose route is "/": choose another',
        ),
    ],
)
def test_in_the_way_of_a_model_at_the_root(application: Object, want: str) -> None:
    assert errors(application, models=[MODEL]) == [f"{A}.routePrefix: {want}"]
    assert errors(application) == []


@pytest.mark.parametrize(
    ("route", "want"),
    [
        ("/qwen", '"/qwen" is the route of model "qwen" already: choose another'),
        (
            "/qwen/x",
            '"/qwen/x" lies below "/qwen", the route of model "qwen", and would take its requests: choose another',
        ),
    ],
)
def test_in_the_way_of_one_of_two_models(route: str, want: str) -> None:
    models = [MODEL, {**MODEL, "name": "other"}]
    assert errors(batch(routePrefix=route), models=models) == [f"{A}.routePrefix: {want}"]


def test_routes_of_two_applications() -> None:
    first, second = batch(routePrefix="/a/b"), {**batch(routePrefix="/a"), "name": "c"}
    told = '"/a/b", the route of application "b", lies below "/a" and would take its requests: choose another'
    assert errors(first, second) == [f"spec.applications[1].routePrefix: {told}"]
    same = {**batch(routePrefix="/a/b"), "name": "c"}
    assert errors(first, same) == [
        'spec.applications[1].routePrefix: "/a/b" is the route of application "b" already: choose another'
    ]


@pytest.mark.parametrize("image", [None, "registry.example/own:1"])
def test_the_heads_image_must_hold_the_code(image: str | None) -> None:
    more = " (applications[0].image alone is not enough)" if image else ""
    told = "and the head imports it when it builds the application: set spec.ray.image to an image that does"
    given: Object = {} if image is None else {"image": image}
    assert errors(batch(**given), ray={}) == [f"{A}.importPath: the default image holds no llm_serve_app, {told}{more}"]
    allowed = Policy(application_import_paths=("ray.serve.experimental", "shop"))
    assert errors(own("ray.serve.experimental.x:app"), ray={}, policy=allowed) == []
    assert errors(own(), ray={}, policy=allowed) == [f"{A}.importPath: the default image holds no shop, {told}"]


def test_a_policy_that_allows_nothing() -> None:
    (told,) = errors(batch(), policy=Policy(application_import_paths=()))
    assert "(allowed: none)" in told


def test_names_of_models_and_applications() -> None:
    assert errors({**batch(), "name": "qwen"}, models=[MODEL]) == [
        f'{A}.name: the name "qwen" is used already at spec.models[0].name: names must be unique'
    ]


def test_code_out_of_the_models_repository_is_the_administrators_decision() -> None:
    assert errors(vllm(trust_remote_code=True), policy=Policy(allow_remote_code=True)) == []
