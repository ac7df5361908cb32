"""Wrong input → the exact paths and messages. Everything of the issue's bad-input list that can be seen without a cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from builders import LLM, llm
from llm_operator.api.errors import InvalidSpec
from llm_operator.api.validation import validate
from llm_operator.plan.inputs import DEFAULT_POLICY, Policy
from llm_operator.plan.resolve import resolve

NOW = datetime(2026, 1, 1, tzinfo=UTC)
M = "spec.models[0]"
RESERVED = "is reserved (a path of the OpenAI API, or Ray's name of the head): choose another name"
NAME = "must be at most 40 characters, lower case letters, digits and '-', and start with a letter"
OWNED = "is set by the operator or by Ray: remove it (a hub token goes to source.tokenSecretRef)"
MODEL_FIELDS = (
    "accelerators, aliases, cache, disaggregation, engine, health, ingress, kvCache, lora, name, parallelism, preset, resources, "
    "routing, scaling, source, task"
)
URI = (
    "is not possible here: `hf://ORG/REPO`, `s3://BUCKET/PATH`, `gs://BUCKET/PATH`, `azure://CONTAINER@ACCOUNT.blob.core.windows.net/PATH`, "
    "`abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH`, `pvc://CLAIM/PATH` or `file:///PATH`"
)
IMAGE_RULE = "required with a version other than the default 2.60.0: version must be the one inside the image"
POSITIVE = "input should be greater than or equal to 1"
NOT_NEGATIVE = "input should be greater than or equal to 0"


def errors(made: LLM, policy: Policy = DEFAULT_POLICY) -> list[str]:
    """As the operator sees them: schema and cross-field checks, then the checks of the plan."""
    body = made.object()
    name = body["metadata"]["name"]
    try:
        spec = validate(name, body["spec"])
        resolve(spec, name=name, namespace="llm", uid="u", routes={}, now=NOW, policy=policy)
    except InvalidSpec as invalid:
        return [str(error) for error in invalid.errors]
    return []


def model(**fields: Any) -> LLM:
    return llm().model(**fields)


def cpu(**fields: Any) -> LLM:
    return llm().model(accelerators=[{"type": "CPU", **fields}])


def accelerator(**fields: Any) -> LLM:
    return llm().model(accelerators=[{"type": "L4", **fields}])


def env(*variables: dict[str, Any]) -> LLM:
    return llm().model(engine={"env": list(variables)})


def args(**values: Any) -> LLM:
    return llm().model(engine={"args": values})


def toleration(**fields: Any) -> LLM:
    return accelerator(tolerations=[fields])


def shape(tensor: int, count: int) -> str:
    return (
        f"a replica needs tensor x pipeline = {tensor} x 1 = {tensor} accelerators, which pods of {count} cannot hold: "
        f"accelerators[].count must be a multiple of {tensor}, or a divisor of it that {tensor} divides (then a replica takes "
        "several pods)"
    )


WINDOW = {"name": "work", "start": "08:00", "end": "18:00"}
APPLICATION = {"name": "b", "importPath": "llm_serve_app.batch:build", "deployments": [{"name": "BatchedSentiment"}]}
R = f"{M}.routing"


def window(**fields: Any) -> LLM:
    return llm().model(scaling={"schedules": [{**WINDOW, **fields}]})


def routing(strategy: str, **options: Any) -> LLM:
    return llm().model(routing={"strategy": strategy, **options})


TOLERATION = f"{M}.accelerators[0].tolerations[0]"
SECRET = {"name": "s", "key": "k"}

WRONG: list[tuple[str, LLM, list[str]]] = [
    # --- names
    ("name too long", llm("a" * 41), [f"metadata.name: {NAME}", f"{M}.name: string should have at most 40 characters"]),
    ("name of a model too long", model(name="a" * 41), [f"{M}.name: string should have at most 40 characters"]),
    ("name begins with a digit", llm("7b").model(name="x"), [f"metadata.name: {NAME}"]),
    ("name with a dot", llm("a.b"), [f"metadata.name: {NAME}"]),
    ("name in upper case", model(name="Qwen"), [f'{M}.name: "Qwen" does not match ^[a-z]([-a-z0-9.]*[a-z0-9])?$']),
    ("name ends with a dash", model(name="q-"), [f'{M}.name: "q-" does not match ^[a-z]([-a-z0-9.]*[a-z0-9])?$']),
    ("name reserved, a route", model(name="v1"), [f'{M}.name: "v1" {RESERVED}']),
    ("name reserved, the head", model(name="headgroup"), [f'{M}.name: "headgroup" {RESERVED}']),
    ("two models with one name", llm("a").add_model("a"),
     ['spec.models[1].name: the name "a" is used already at spec.models[0].name: names must be unique']),
    ("two models with one group", llm("x").model(name="q-1").add_model("q.1"),
     ['spec.models[1].name: with dots as dashes the name "q-1" is used already at spec.models[0].name: names must be unique']),
    ("alias of another model", llm("a").with_("spec.ray", {"image": "i"}).add_model("b", aliases=["a"]),
     ['spec.models[1].aliases[0]: the name "a" is used already at spec.models[0].name: names must be unique']),
    ("alias twice", model(aliases=["x", "x"]).with_("spec.ray", {"image": "i"}),
     [f'{M}.aliases[1]: the name "x" is used already at {M}.aliases[0]: names must be unique']),
    ("warm-up in the replica without an image that knows it", model(health={"warmUp": "Replica"}),
     [f"{M}.health.warmUp: Replica: need an image that contains llm_serve_app: set spec.ray.image to one (the default image has none)"]),
    ("alias without an image that knows aliases", model(aliases=["x"]),
     [f"{M}.aliases: need an image that contains llm_serve_app: set spec.ray.image to one (the default image has none)"]),
    ("alias with a blank", model(aliases=["a b"]).with_("spec.ray", {"image": "i"}),
     [f'{M}.aliases[0]: "a b" does not match ^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$']),
    # --- shape
    ("no models", llm().with_("spec.models", []), ["spec: must have at least one of models and applications"]),
    ("no spec.models", llm().with_("spec", {}), ["spec: must have at least one of models and applications"]),
    ("empty spec", llm().with_("spec", None), ["spec: must have at least one of models and applications"]),
    ("spec is a list", llm().with_("spec", []), ["spec: must be a map of fields"]),
    ("too many models", llm("m").with_("spec.models", [{**llm(f"m{i}").object()["spec"]["models"][0]} for i in range(17)]),
     ["spec.models: must have at most 16 item(s)"]),
    ("no source", llm().with_("spec.models.0", {"name": "a", "accelerators": [{"type": "L4"}]}), [f"{M}.source: required"]),
    ("no accelerators", llm().with_("spec.models.0", {"name": "a", "source": {"uri": "hf://a/b"}}), [f"{M}.accelerators: required"]),
    ("empty accelerators", model(accelerators=[]), [f"{M}.accelerators: must have at least 1 item(s)"]),
    ("five kinds of accelerators", model(accelerators=[{"type": kind} for kind in ("L4", "T4", "H100", "H200", "A10G")]),
     [f"{M}.accelerators: must have at most 4 item(s)"]),
    ("a text where a number belongs", model(scaling={"minReplicas": "many"}),
     [f"{M}.scaling.minReplicas: input should be a valid integer"]),
    ("a number in quotes", model(scaling={"minReplicas": "3"}), [f"{M}.scaling.minReplicas: input should be a valid integer"]),
    ("a truth where a number belongs", model(scaling={"minReplicas": True}), [f"{M}.scaling.minReplicas: input should be a valid integer"]),
    ("a truth in quotes", llm().with_("spec.paused", "true"), ["spec.paused: input should be a valid boolean"]),
    ("several mistakes at once", llm("X").model(source={"uri": "x"}).scaling(minReplicas=-1),
     [f"metadata.name: {NAME}", f'{M}.name: "X" does not match ^[a-z]([-a-z0-9.]*[a-z0-9])?$',
      f'{M}.source.uri: "x" {URI}', f"{M}.scaling.minReplicas: {NOT_NEGATIVE}"]),
    # --- unknown fields and values
    ("unknown field, near", model(engine={"contextLenght": 1}), [f'{M}.engine.contextLenght: unknown field; did you mean "contextLength"?']),
    ("unknown field, far", model(zzz=1), [f"{M}.zzz: unknown field; known fields: {MODEL_FIELDS}"]),
    ("unknown field of spec", llm().with_("spec.model", []), ['spec.model: unknown field; did you mean "models"?']),
    ("snake case is not the API", llm().scaling(min_replicas=2), [f'{M}.scaling.min_replicas: unknown field; did you mean "minReplicas"?']),
    ("unknown accelerator, near", model(accelerators=[{"type": "H1000"}]),
     [f'{M}.accelerators[0].type: unknown value "H1000"; did you mean "H100"?']),
    ("unknown engine", model(engine={"type": "vllm"}), [f'{M}.engine.type: unknown value "vllm"; one of vLLM, Simulated']),
    ("unknown dtype", model(engine={"dtype": "half"}), [f'{M}.engine.dtype: unknown value "half"; one of auto, bfloat16, float16, float32']),
    ("unknown quantization", model(engine={"quantization": "fp-8"}), [f'{M}.engine.quantization: unknown value "fp-8"; did you mean "fp8"?']),
    ("unknown effect", toleration(key="a", effect="NoRun"),
     [f'{TOLERATION}.effect: unknown value "NoRun"; one of NoSchedule, PreferNoSchedule, NoExecute']),
    # --- source
    ("uri with an option", model(source={"uri": "hf://--x/b"}), [f'{M}.source.uri: "hf://--x/b" {URI}']),
    ("uri that climbs", model(source={"uri": "file:///models/../etc"}), [f'{M}.source.uri: "file:///models/../etc" {URI}']),
    ("uri without a path", model(source={"uri": "s3://"}), [f'{M}.source.uri: "s3://" {URI}']),
    ("uri of the web", model(source={"uri": "https://x/y"}), [f'{M}.source.uri: "https://x/y" {URI}']),
    ("revision of a file", model(source={"uri": "file:///m", "revision": "main"}),
     [f"{M}.source.revision: only a hf:// source has revisions: remove revision"]),
    ("token of a file", model(source={"uri": "file:///m", "tokenSecretRef": SECRET}),
     [f"{M}.source.tokenSecretRef: only a hf:// source needs a token: remove tokenSecretRef"]),
    ("secret without a key", model(source={"uri": "hf://a/b", "tokenSecretRef": {"name": "s"}}), [f"{M}.source.tokenSecretRef.key: required"]),
    ("secret with a bad name", model(source={"uri": "hf://a/b", "tokenSecretRef": {"name": "S", "key": "k"}}),
     [f'{M}.source.tokenSecretRef.name: "S" does not match ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$']),
    # --- hardware
    ("tensor that does not fit", model(parallelism={"tensor": 2}), [f"{M}.parallelism: {shape(2, 1)}"]),
    ("tensor that does not divide", llm().gpu("H100", 8).model(parallelism={"tensor": 3}), [f"{M}.parallelism: {shape(3, 8)}"]),
    ("tensor 0", model(parallelism={"tensor": 0}), [f"{M}.parallelism.tensor: {POSITIVE}"]),
    ("17 accelerators", accelerator(count=17), [f"{M}.accelerators[0].count: input should be less than or equal to 16"]),
    ("CPU twice", cpu(count=2), [f"{M}.accelerators[0].count: must be 1 with type CPU"]),
    ("CPU with a device", cpu(resourceName="a.b/c"), [f"{M}.accelerators[0].resourceName: type CPU has no device: remove resourceName"]),
    ("CPU with tensor", cpu().model(parallelism={"tensor": 2}),
     [f"{M}.parallelism: tensor and pipeline must be 1 with accelerator type CPU, and with share"]),
    ("CPU with GPU memory", cpu().model(engine={"gpuMemoryUtilization": 0.5}),
     [f"{M}.engine.gpuMemoryUtilization: has no effect with accelerator type CPU: remove it"]),
    ("toleration without a key", toleration(value="x"),
     [f"{TOLERATION}.operator: without a key, operator must be Exists (every taint is tolerated)"]),
    ("toleration Exists with a value", toleration(key="a", operator="Exists", value="x"),
     [f"{TOLERATION}.value: operator Exists compares no value: remove it"]),
    ("toleration with a time", toleration(key="a", tolerationSeconds=3),
     [f"{TOLERATION}.tolerationSeconds: only effect NoExecute has a time: remove it or set effect to NoExecute"]),
    ("node label with a bad value", accelerator(nodeSelector={"a": "b c"}),
     [f'{M}.accelerators[0].nodeSelector.a: "b c" does not match ^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$']),
    # --- resources
    ("memory is no quantity", model(resources={"memory": "8GB"}),
     [f'{M}.resources.memory: "8GB" does not match ^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$']),
    ("cpu is negative", model(resources={"cpu": "-1"}),
     [f'{M}.resources.cpu: "-1" does not match ^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$']),
    ("shared memory as large as memory", model(resources={"memory": "8Gi", "sharedMemory": "8192Mi"}),
     [f"{M}.resources.sharedMemory: must be less than memory: /dev/shm counts against it"]),
    ("shared memory above the default memory", model(resources={"sharedMemory": "32Gi"}),
     [f"{M}.resources.sharedMemory: 32Gi must be less than memory (32768Mi): it counts against it"]),
    # --- scaling and health
    ("min above max", llm().scaling(minReplicas=3, maxReplicas=2), [f"{M}.scaling.minReplicas: 3 must not be greater than maxReplicas (2)"]),
    ("fewer than none", llm().scaling(minReplicas=-1), [f"{M}.scaling.minReplicas: {NOT_NEGATIVE}"]),
    ("default min above max", llm().scaling(maxReplicas=0), [f"{M}.scaling.maxReplicas: {POSITIVE}"]),
    ("target above the most", llm().scaling(targetOngoingRequests=9, maxOngoingRequests=8),
     [f"{M}.scaling.targetOngoingRequests: 9 must not be greater than maxOngoingRequests: autoscaling would never happen (8)"]),
    ("default target above the most", llm().scaling(maxOngoingRequests=63),
     [f"{M}.scaling.targetOngoingRequests: 64 must not be greater than maxOngoingRequests: autoscaling would never happen (63)"]),
    ("average of one report", llm().scaling(lookBackSeconds=5, metricsIntervalSeconds=5),
     [f"{M}.scaling.lookBackSeconds: 5 must be greater than metricsIntervalSeconds: an average needs more than one report (5)"]),
    ("average of less than a report, default interval", llm().scaling(lookBackSeconds=9),
     [f"{M}.scaling.lookBackSeconds: 9 must be greater than metricsIntervalSeconds: an average needs more than one report (10)"]),
    ("reports rarer than the default average", llm().scaling(metricsIntervalSeconds=60),
     [f"{M}.scaling.lookBackSeconds: 30 must be greater than metricsIntervalSeconds: an average needs more than one report (60)"]),
    ("delay of two days", llm().scaling(scaleDownDelaySeconds=172_800),
     [f"{M}.scaling.scaleDownDelaySeconds: input should be less than or equal to 86400"]),
    ("start in no time", model(health={"startupSeconds": 1}), [f"{M}.health.startupSeconds: input should be greater than or equal to 10"]),
    # --- engine
    ("context of nothing", model(engine={"contextLength": 0}), [f"{M}.engine.contextLength: input should be greater than or equal to 16"]),
    ("all of the GPU and more", model(engine={"gpuMemoryUtilization": 1.5}),
     [f"{M}.engine.gpuMemoryUtilization: input should be less than or equal to 1"]),
    ("none of the GPU", model(engine={"gpuMemoryUtilization": 0}), [f"{M}.engine.gpuMemoryUtilization: input should be greater than 0"]),
    ("image with a blank", model(engine={"image": "a b"}), [f'{M}.engine.image: "a b" does not match ^[A-Za-z0-9][A-Za-z0-9._/:@-]*$']),
    ("unknown argument, near", args(**{"max-model-length": 1}),
     [f'{M}.engine.args.max-model-length: vLLM 0.29 has no such argument; did you mean "max_model_len"?']),
    ("unknown argument, far", args(qqqqqqq=1), [f"{M}.engine.args.qqqqqqq: vLLM 0.29 has no such argument; see `vllm serve --help`"]),
    ("argument that runs code", args(**{"worker-cls": "x.Y"}), [f"{M}.engine.args.worker-cls: runs code of the caller's choice and is refused"]),
    ("code out of the model's repository", args(**{"trust-remote-code": True}),
     [f"{M}.engine.args.trust-remote-code: runs code out of the model's repository, which is not allowed in this cluster: use a model "
      "that vLLM knows, or ask the operator's administrator to set LLM_OPERATOR_ALLOW_REMOTE_CODE (chart value operator.allowRemoteCode)"]),
    ("argument with a secret", args(hf_token="x"), [f"{M}.engine.args.hf_token: would put a secret into the spec: use source.tokenSecretRef"]),
    ("argument with its own field", args(tensor_parallel_size=2),
     [f"{M}.engine.args.tensor_parallel_size: is set by the operator: use parallelism.tensor"]),
    ("argument of another server", args(port=1), [f"{M}.engine.args.port: belongs to vLLM's own HTTP server process, which Ray Serve replaces"]),
    ("argument twice", args(**{"block-size": 16, "block_size": 32}), [f"{M}.engine.args.block_size: is set twice: once with '-' and once with '_'"]),
    ("argument and field", model(engine={"contextLength": 512, "args": {"max-model-len": 1024}}),
     [f"{M}.engine.args.max-model-len: is set twice: here and by engine.contextLength"]),
    ("argument in upper case", args(Seed=1), [f'{M}.engine.args.Seed: "Seed" does not match ^[a-z][a-z0-9_-]*$']),
    # --- environment
    ("variable of the operator", env({"name": "HF_TOKEN", "value": "x"}), [f"{M}.engine.env[0]: HF_TOKEN {OWNED}"]),
    ("variable of Ray", env({"name": "RAY_AUTH_MODE", "value": "x"}), [f"{M}.engine.env[0]: RAY_AUTH_MODE {OWNED}"]),
    ("variable of the loader", env({"name": "LD_PRELOAD", "value": "x"}), [f"{M}.engine.env[0]: LD_PRELOAD {OWNED}"]),
    ("variable with no value", env({"name": "A"}), [f"{M}.engine.env[0]: set exactly one of value and secretKeyRef"]),
    ("variable with two values", env({"name": "A", "value": "x", "secretKeyRef": SECRET}),
     [f"{M}.engine.env[0]: set exactly one of value and secretKeyRef"]),
    ("variable twice", env({"name": "A", "value": "x"}, {"name": "A", "value": "y"}),
     [f'{M}.engine.env[1].name: the variable "A" is used already at {M}.engine.env[0].name: names must be unique']),
    ("variable with a dash", env({"name": "A-B", "value": "x"}), [f'{M}.engine.env[0].name: "A-B" does not match ^[A-Za-z_][A-Za-z0-9_]*$']),
    # --- scaling: the start, zero, windows
    ("start outside the bounds", llm().scaling(minReplicas=2, maxReplicas=3, initialReplicas=5),
     [f"{M}.scaling.initialReplicas: 5 must be between minReplicas and maxReplicas (2 and 3)"]),
    ("zero that never is", model(scaling={"scaleToZero": {"idleSeconds": 60}}),
     [f"{M}.scaling.scaleToZero: has no effect unless minReplicas is 0, here or in a schedule"]),
    ("an end to the digits", model(scaling={"upscalingFactor": 11}), [f"{M}.scaling.upscalingFactor: input should be less than or equal to 10"]),
    ("window without numbers", window(), [f"{M}.scaling.schedules[0]: set at least one of minReplicas and maxReplicas"]),
    ("window upside down", window(minReplicas=3, maxReplicas=2),
     [f"{M}.scaling.schedules[0].minReplicas: minReplicas 3 would be greater than maxReplicas 2 in this window"]),
    ("window below the fewest", model(scaling={"minReplicas": 3, "schedules": [{**WINDOW, "maxReplicas": 2}]}),
     [f"{M}.scaling.schedules[0].maxReplicas: minReplicas 3 would be greater than maxReplicas 2 in this window"]),
    ("two windows of one name", model(scaling={"schedules": [{**WINDOW, "minReplicas": 1}, {**WINDOW, "minReplicas": 2}]}),
     [f'{M}.scaling.schedules[1].name: the name "work" is used already at {M}.scaling.schedules[0].name: names must be unique']),
    ("a day twice", window(minReplicas=1, days=["Mon", "Mon"]), [f"{M}.scaling.schedules[0].days: a day is named twice"]),
    ("a day in full", window(minReplicas=1, days=["Monday"]), [f'{M}.scaling.schedules[0].days[0]: unknown value "Monday"; did you mean "Mon"?']),
    ("no day", window(minReplicas=1, days=[]), [f"{M}.scaling.schedules[0].days: must have at least 1 item(s)"]),
    ("a time that there is not", window(minReplicas=1, start="24:00"),
     [f'{M}.scaling.schedules[0].start: "24:00" does not match ^([01][0-9]|2[0-3]):[0-5][0-9]$']),
    ("a time zone that there is not", window(minReplicas=1, timeZone="Europe/Berlim"),
     [f'{M}.scaling.schedules[0].timeZone: unknown time zone "Europe/Berlim"; did you mean "Europe/Berlin"?']),
    ("always open", window(minReplicas=2, end="08:00"),
     [f"{M}.scaling.schedules[0]: is always open (08:00 to 08:00 every day): set scaling's own bounds"]),
    ("window without an end", model(scaling={"schedules": [{"name": "a", "start": "08:00", "minReplicas": 1}]}),
     [f"{M}.scaling.schedules[0].end: required"]),
    ("17 windows", model(scaling={"schedules": [{**WINDOW, "name": f"w{i}", "minReplicas": 1} for i in range(17)]}),
     [f"{M}.scaling.schedules: must have at most 16 item(s)"]),
    ("ingress upside down", model(ingress={"minReplicas": 3, "maxReplicas": 2}),
     [f"{M}.ingress.minReplicas: 3 must not be greater than maxReplicas (2)"]),
    ("ingress at zero", model(ingress={"minReplicas": 0}), [f"{M}.ingress.minReplicas: {POSITIVE}"]),
    # --- routing and the way there
    ("unknown strategy", routing("LeastLoaded"),
     [f'{R}.strategy: unknown value "LeastLoaded"; one of PowerOfTwo, RoundRobin, Session, PrefixCacheAffinity, KVAware']),
    ("prefix options of another strategy", routing("RoundRobin", prefixCacheAffinity={"matchRate": 0.5}),
     [f"{R}.prefixCacheAffinity: only with strategy PrefixCacheAffinity: remove it or set the strategy"]),
    ("session options of another strategy", routing("RoundRobin", session={"virtualNodes": 5}),
     [f"{R}.session: only with strategy Session: remove it or set the strategy"]),
    ("session options without a strategy", model(routing={"session": {"virtualNodes": 5}}),
     [f"{R}.session: only with strategy Session: remove it or set the strategy"]),
    ("forgetting that is off", routing("PrefixCacheAffinity", prefixCacheAffinity={"evictionTargetChars": 5}),
     [f"{R}.prefixCacheAffinity.evictionTargetChars: has no effect unless evict is true: set it, or remove this"]),
    ("forgetting more than there is", routing("PrefixCacheAffinity", prefixCacheAffinity={"evict": True, "evictionThresholdChars": 5}),
     [f"{R}.prefixCacheAffinity.evictionTargetChars: 360000, the default, must not be greater than evictionThresholdChars (5)"]),
    ("more than the whole prompt", routing("PrefixCacheAffinity", prefixCacheAffinity={"matchRate": 1.5}),
     [f"{R}.prefixCacheAffinity.matchRate: input should be less than or equal to 1"]),
    ("prompts of embeddings", routing("PrefixCacheAffinity").model(task="Embed"),
     [f"{R}.strategy: PrefixCacheAffinity and KVAware compare prompts, which only task Generate has: choose another strategy"]),
    ("KV events of the default image", routing("KVAware"),
     [f"{R}.strategy: KVAware needs an image that contains the package ai-dynamo (dynamo.llm), which the default has not: set "
      "spec.ray.image"]),
    ("a header with a blank", routing("Session", session={"header": "X User"}),
     [f'{R}.session.header: "X User" does not match ^[A-Za-z][A-Za-z0-9-]*$']),
    ("two session headers", llm("a").model(routing={"strategy": "Session", "session": {"header": "X-A"}})
     .add_model("b", routing={"strategy": "Session"}),
     [f'spec.models[1].routing.session.header: "x-session-id" differs from "X-A" of {R}.session.header: one header for the whole object']),
    ("next replicas on the fast path", routing("Session", session={"fallbackReplicas": 1}),
     [f"{R}.session.fallbackReplicas: has an effect only with spec.performance.profile Classic: on the fast path no replica is asked "
      "before it gets a request; remove it or set the profile"]),
    ("unknown profile", llm().with_("spec.performance", {"profile": "Fast"}),
     ['spec.performance.profile: unknown value "Fast"; one of Auto, Throughput, Classic']),
    ("an ingress where there is none", model(ingress={}).with_("spec.performance", {"profile": "Throughput"}),
     [f"{M}.ingress: IngressIsScaled: not with spec.performance.profile Throughput: remove it (the fast path has no ingress to scale), "
      "or set the profile to Auto or Classic"]),
    # --- task, adapters, caches, scheduling: bounds and shape (their rules: tests/unit/plan/test_*_refused.py)
    ("unknown task", model(task="Rerank"), [f'{M}.task: unknown value "Rerank"; one of Generate, Embed, Score, Transcribe']),
    ("an adapter's name for another model", llm("a").model(lora={"root": "s3://b/l", "adapters": [{"name": "x", "aliases": ["b"]}]})
     .add_model("b").with_("spec.ray", {"image": "i"}),
     [f'{M}.lora.adapters[0].aliases[0]: the name "b" is used already at spec.models[1].name: names must be unique']),
    ("no adapter at a time", model(lora={"root": "s3://b/l", "maxAdaptersPerReplica": 0}), [f"{M}.lora.maxAdaptersPerReplica: {POSITIVE}"]),
    ("a claim without a name", model(cache={"weights": {"pvc": {}}}), [f"{M}.cache.weights.pvc.claimName: required"]),
    ("a folder that is not absolute", model(cache={"weights": {"hostPath": {"path": "models"}}}),
     [f'{M}.cache.weights.hostPath.path: "models" does not match ^(/[A-Za-z0-9][A-Za-z0-9._-]*)+$']),
    ("no RDMA device", model(resources={"rdma": {"resourceName": "rdma/ib", "count": 0}}), [f"{M}.resources.rdma.count: {POSITIVE}"]),
    ("a spread of nothing", llm().with_("spec.scheduling", {"topologySpread": [{"topologyKey": "zone", "maxSkew": 0}]}),
     [f"spec.scheduling.topologySpread[0].maxSkew: {POSITIVE}"]),
    ("unknown gang scheduler", llm().with_("spec.scheduling", {"gang": "volcano"}),
     ['spec.scheduling.gang: unknown value "volcano"; did you mean "Volcano"?']),
    ("a queue with a slash", llm().with_("spec.scheduling", {"queueName": "a/b"}),
     ['spec.scheduling.queueName: "a/b" does not match ^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$']),
    ("an application with a model's name", llm("a").with_("spec.ray", {"image": "i"}).with_("spec.applications", [{**APPLICATION, "name": "a"}]),
     ['spec.applications[0].name: the name "a" is used already at spec.models[0].name: names must be unique']),
    ("an application without deployments", llm().with_("spec.applications", [{"name": "b", "importPath": "llm_serve_app.batch:build"}]),
     ["spec.applications[0].deployments: required"]),
    ("an import path of a file", llm().with_("spec.applications", [{**APPLICATION, "importPath": "./batch.py"}]),
     ['spec.applications[0].importPath: "./batch.py" does not match '
      "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"]),
    # --- ray
    ("a user of Redis without a password",
     llm().with_("spec.ray", {"head": {"faultTolerance": {"redis": {"address": "r:6379", "username": "u"}}}}),
     ["spec.ray.head.faultTolerance.redis.username: a user of Redis needs a password: set passwordSecretRef"]),
    ("version with holes", llm().with_("spec.ray", {"version": "2.53.0", "image": "i"}),
     ["spec.ray.version: 2.53.0 has known security holes: use 2.54.0 or newer"]),
    ("version without an image", llm().with_("spec.ray", {"version": "2.61.0"}), [f"spec.ray.image: {IMAGE_RULE}"]),
    ("version that is none", llm().with_("spec.ray", {"version": "latest", "image": "i"}),
     ['spec.ray.version: "latest" does not match ^2\\.[0-9]{1,3}\\.[0-9]{1,3}$']),
    ("pods that go at once", llm().with_("spec.ray", {"autoscaler": {"idleTimeoutSeconds": 1}}),
     ["spec.ray.autoscaler.idleTimeoutSeconds: input should be greater than or equal to 10"]),
    ("unknown upscaling", llm().with_("spec.ray", {"autoscaler": {"upscalingMode": "aggressive"}}),
     ['spec.ray.autoscaler.upscalingMode: unknown value "aggressive"; did you mean "Aggressive"?']),
    ("head has no devices", llm().with_("spec.ray", {"head": {"resources": {"sharedMemory": "1Gi"}}}),
     ["spec.ray.head.resources.sharedMemory: unknown field; known fields: cpu, ephemeralStorage, memory"]),
]  # fmt: skip


@pytest.mark.parametrize(("made", "want"), [pytest.param(made, want, id=name) for name, made, want in WRONG])
def test_wrong(made: LLM, want: list[str]) -> None:
    assert errors(made) == want


RIGHT = [
    ("the smallest", llm()),
    ("name of 40 characters", llm("a" * 40)),
    ("dots in a model's name", llm("x").model(name="llama-3.1-8b")),
    ("fixed size", llm().scaling(minReplicas=3)),
    ("min equals max", llm().scaling(minReplicas=3, maxReplicas=3)),
    ("target equals the most", llm().scaling(targetOngoingRequests=8, maxOngoingRequests=8)),
    ("tensor divides", llm().gpu("H100", 8).model(parallelism={"tensor": 4})),
    ("every taint", toleration(operator="Exists")),
    ("a taint for a while", toleration(key="a", operator="Exists", effect="NoExecute", tolerationSeconds=0)),
    ("empty value", env({"name": "A", "value": ""})),
    ("the oldest Ray", llm().with_("spec.ray", {"version": "2.54.0", "image": "i"})),
    ("an argument in either spelling", args(**{"max-num-batched-tokens": 1, "enforce_eager": True})),
    ("shared memory just below memory", model(resources={"memory": "8Gi", "sharedMemory": "8191Mi"})),
    ("all of the GPU", model(engine={"gpuMemoryUtilization": 1})),
]


@pytest.mark.parametrize("made", [pytest.param(made, id=name) for name, made in RIGHT])
def test_right(made: LLM) -> None:
    assert errors(made) == []


@pytest.mark.parametrize("name", ["trust-remote-code", "trust_remote_code"])
def test_code_out_of_the_models_repository_is_the_administrators_decision(name: str) -> None:
    made = args(**{name: True})
    assert errors(made, Policy(allow_remote_code=True)) == []
    assert errors(args(**{name: "yes"}), Policy(allow_remote_code=True)) == [
        f'{M}.engine.args.{name}: must be true or false, not "yes"'
    ]
    plan = resolve(
        validate("m", made.object()["spec"]),
        name="m",
        namespace="llm",
        uid="u",
        routes={},
        now=NOW,
        policy=Policy(allow_remote_code=True),
    )
    assert ("trust_remote_code", True) in plan.models[0].serving.servers[0].engine.engine_kwargs


def test_the_exception_says_everything() -> None:
    with pytest.raises(InvalidSpec) as caught:
        validate("X", {"models": []})
    assert str(caught.value) == f"metadata.name: {NAME}; spec: must have at least one of models and applications"
