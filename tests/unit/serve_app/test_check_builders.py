"""The check knows each builder of Ray Serve LLM: arguments, deployment names, and what the pods' environment changes."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from llm_serve_app.check import Problem, check, server_name

LORA = {"dynamic_lora_loading_path": "s3://models/lora", "max_num_adapters_per_replica": 2}
ROUTER = "request_router_config"
PREFIX = {"request_router_class": "ray.serve.llm.request_router.PrefixCacheAffinityRouter"}
KV = {"request_router_class": "ray.serve.llm.request_router:KVAwareRouter"}
NIXL = {"kv_connector": "NixlConnector", "kv_role": "kv_both"}


def llm(**engine: Any) -> dict[str, Any]:
    return {
        "model_loading_config": {"model_id": "m-1.5", "model_source": "/models/demo"},
        "accelerator_type": "L4",
        "engine_kwargs": engine,
    }


def application(builder: str, args: dict[str, Any], *names: str) -> dict[str, Any]:
    scaling = {"min_replicas": 4, "max_replicas": 8, "target_ongoing_requests": 4}
    return {
        "name": "app",
        "route_prefix": "/",
        "import_path": f"ray.serve.llm:{builder}",
        "args": args,
        "deployments": [{"name": name, "autoscaling_config": dict(scaling)} for name in names],
    }


VALID = {
    "openai": application(
        "build_openai_app", {"llm_configs": [llm(tensor_parallel_size=2)]}, "LLMServer:m-1_5", "OpenAiIngress"
    ),
    "dp": application(
        "build_dp_openai_app", {"llm_config": llm(data_parallel_size=4)}, "DPServer:m-1_5", "OpenAiIngress"
    ),
    "pd": application(
        "build_pd_openai_app",
        {"prefill_config": llm(kv_transfer_config=NIXL), "decode_config": llm(kv_transfer_config=NIXL)},
        "Prefill:m-1_5",
        "Decode:m-1_5",
        "OpenAiIngress",
    ),
}


def found(
    kind: str, edit: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None, **flags: bool
) -> list[Problem]:
    app = copy.deepcopy(VALID[kind])
    if edit:
        edit(app, app["args"])
    return check({"applications": [app]}, **flags)


@pytest.mark.parametrize("kind", VALID)
def test_valid(kind: str) -> None:
    assert found(kind) == []


@pytest.mark.parametrize("kind", VALID)
def test_valid_with_direct_streaming(kind: str) -> None:
    def router(app: dict[str, Any], args: dict[str, Any]) -> None:
        app["deployments"][-1]["name"] = "LLMRouter"

    assert found(kind, router, direct_streaming=True) == []
    assert [p.path for p in found(kind, router)] == [
        f"applications[0].deployments[{len(VALID[kind]['deployments']) - 1}].name"
    ]
    [problem] = found(kind, direct_streaming=True)
    assert "has no deployment 'OpenAiIngress'" in problem.message
    assert "'LLMRouter'" in problem.message


def test_names_follow_class_and_options() -> None:
    def own(app: dict[str, Any], args: dict[str, Any]) -> None:
        args["llm_configs"][0]["server_cls"] = "my.module:MyServer"
        args["ingress_deployment_config"] = {"name": "front"}
        app["deployments"][0]["name"], app["deployments"][1]["name"] = "MyServer:m-1_5", "front"

    assert found("openai", own) == []

    def named(app: dict[str, Any], args: dict[str, Any]) -> None:
        args["llm_configs"][0]["deployment_config"] = {"name": "short"}
        app["deployments"][0]["name"] = "LLMServer:short"

    assert found("openai", named) == []
    assert server_name("Qwen/Qwen3-0.6B", "Decode") == "Decode:Qwen--Qwen3-0_6B"


def test_routers_and_lora_that_work() -> None:
    def prefix(app: dict[str, Any], args: dict[str, Any]) -> None:
        config = args["llm_configs"][0]
        config["deployment_config"] = {ROUTER: {**PREFIX, "request_router_kwargs": {"match_rate_threshold": 0.2}}}
        config["lora_config"] = dict(LORA)
        config["engine_kwargs"].update(enable_lora=True, max_loras=2)

    assert found("openai", prefix) == []

    def streaming(app: dict[str, Any], args: dict[str, Any]) -> None:
        prefix(app, args)
        app["deployments"].pop()

    assert found("openai", streaming, direct_streaming=True, body_forwarded=True) == []
    paths = [problem.path for problem in found("openai", streaming, direct_streaming=True)]
    at = "applications[0].args.llm_configs[0]"
    assert paths == [f"{at}.deployment_config.request_router_config", f"{at}.lora_config"]


def config(edit: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    return lambda app, args: edit(args["llm_configs"][0])


def override(edit: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    return lambda app, args: edit(app["deployments"][0])


APP, ARGS, ONE = "applications[0]", "applications[0].args", "applications[0].args.llm_configs[0]"
MISTAKES: list[tuple[str, str, Callable[[dict[str, Any], dict[str, Any]], Any], str, str]] = [
    (
        "plural",
        "dp",
        lambda a, args: args.update(llm_configs=[args.pop("llm_config")]),
        f"{ARGS}.llm_configs",
        "did you mean 'llm_config'",
    ),
    ("singular missing", "dp", lambda a, args: args.pop("llm_config"), f"{ARGS}.llm_config", "missing"),
    (
        "data parallel of 1",
        "dp",
        lambda a, args: args["llm_config"].update(engine_kwargs={}),
        f"{ARGS}.llm_config.engine_kwargs.data_parallel_size",
        "2 or more",
    ),
    (
        "data parallel in text",
        "dp",
        lambda a, args: args["llm_config"]["engine_kwargs"].update(data_parallel_size="4"),
        f"{ARGS}.llm_config.engine_kwargs.data_parallel_size",
        "'4'",
    ),
    (
        "server of the other builder",
        "dp",
        override(lambda o: o.update(name="LLMServer:m-1_5")),
        f"{APP}.deployments[0].name",
        "did you mean 'DPServer:m-1_5'",
    ),
    (
        "no whole groups",
        "dp",
        override(lambda o: o["autoscaling_config"].update(min_replicas=6)),
        f"{APP}.deployments[0].autoscaling_config.min_replicas",
        "6 replicas are no whole gangs of 4 (data_parallel_size); use 4 or 8",
    ),
    (
        "other gang",
        "dp",
        override(lambda o: o.update(gang_scheduling_config={"gang_size": 2})),
        f"{APP}.deployments[0].gang_scheduling_config.gang_size",
        "must be data_parallel_size (4), but is 2",
    ),
    (
        "place of a gang",
        "dp",
        override(lambda o: o.update(placement_group_strategy="SPREAD", placement_group_bundles=[{"CPU": 1}])),
        f"{APP}.deployments[0].placement_group_strategy",
        "as a gang",
    ),
    (
        "data parallel with the plain builder",
        "openai",
        config(lambda c: c["engine_kwargs"].update(data_parallel_size=2)),
        f"{ONE}.engine_kwargs.data_parallel_size",
        "build_dp_openai_app",
    ),
    (
        "no transfer",
        "pd",
        lambda a, args: args["prefill_config"]["engine_kwargs"].clear(),
        f"{ARGS}.prefill_config.engine_kwargs.kv_transfer_config",
        "kv_connector",
    ),
    (
        "transfer without connector",
        "pd",
        lambda a, args: args["decode_config"]["engine_kwargs"].update(kv_transfer_config={"kv_role": "kv_both"}),
        f"{ARGS}.decode_config.engine_kwargs.kv_transfer_config",
        "kv_connector",
    ),
    (
        "two models",
        "pd",
        lambda a, args: args["decode_config"]["model_loading_config"].update(model_id="n"),
        f"{ARGS}.decode_config.model_loading_config.model_id",
        "'n' is not the id of prefill_config ('m-1.5')",
    ),
    (
        "adapters on one side",
        "pd",
        lambda a, args: args["decode_config"].update(lora_config=LORA),
        f"{ARGS}.decode_config.lora_config",
        "None and 's3://models/lora'",
    ),
    ("no decode", "pd", lambda a, args: args.pop("decode_config"), f"{ARGS}.decode_config", "missing"),
    (
        "adapters in a folder",
        "openai",
        config(lambda c: c.update(lora_config={**LORA, "dynamic_lora_loading_path": "/models/lora"})),
        f"{ONE}.lora_config.dynamic_lora_loading_path",
        'must start with "s3://"',
    ),
    (
        "adapters nowhere",
        "openai",
        config(lambda c: c.update(lora_config={})),
        f"{ONE}.lora_config.dynamic_lora_loading_path",
        "missing",
    ),
    (
        "adapters without the engine",
        "openai",
        config(lambda c: c.update(lora_config=LORA)),
        f"{ONE}.engine_kwargs.enable_lora",
        "must be true",
    ),
    (
        "too few slots",
        "openai",
        config(lambda c: c.update(lora_config=LORA, engine_kwargs={"enable_lora": True})),
        f"{ONE}.engine_kwargs.max_loras",
        "1 is less than lora_config.max_num_adapters_per_replica (2)",
    ),
    (
        "misspelt in lora",
        "openai",
        config(lambda c: c.update(lora_config={**LORA, "max_adapters": 2})),
        f"{ONE}.lora_config.max_adapters",
        "unknown key",
    ),
    (
        "model id with adapter",
        "openai",
        config(lambda c: c["model_loading_config"].update(model_id="a:b")),
        f"{ONE}.model_loading_config.model_id",
        "colon",
    ),
    (
        "model twice",
        "openai",
        config(lambda c: c["engine_kwargs"].update(model="x")),
        f"{ONE}.engine_kwargs.model",
        "set by Ray",
    ),
    (
        "no such router",
        "openai",
        override(
            lambda o: o.update({ROUTER: {"request_router_class": "ray.serve.llm.request_router.PrefixAffinityRouter"}})
        ),
        f"{APP}.deployments[0].{ROUTER}.request_router_class",
        "did you mean 'ray.serve.llm.request_router.PrefixCacheAffinityRouter'",
    ),
    (
        "keyword of no router",
        "openai",
        override(lambda o: o.update({ROUTER: {**PREFIX, "request_router_kwargs": {"match_rate": 1}}})),
        f"{APP}.deployments[0].{ROUTER}.request_router_kwargs.match_rate",
        "did you mean 'match_rate_threshold'",
    ),
    (
        "misspelt in router",
        "openai",
        override(lambda o: o.update({ROUTER: {**PREFIX, "router_kwargs": {}}})),
        f"{APP}.deployments[0].{ROUTER}.router_kwargs",
        "'request_router_kwargs'",
    ),
    (
        "backoff below 0",
        "openai",
        override(lambda o: o.update({ROUTER: {"max_backoff_s": -1}})),
        f"{APP}.deployments[0].{ROUTER}.max_backoff_s",
        "greater than 0",
    ),
    (
        "kv aware with an ingress",
        "openai",
        config(lambda c: c.update(deployment_config={ROUTER: KV})),
        f"{ONE}.deployment_config.{ROUTER}",
        "direct streaming only",
    ),
    (
        "kv aware as an override",
        "openai",
        override(lambda o: o.update({ROUTER: KV})),
        f"{APP}.deployments[0].{ROUTER}",
        "deployment_config of the LLMConfig",
    ),
    (
        "gang policy",
        "openai",
        override(
            lambda o: o.update(gang_scheduling_config={"gang_size": 2, "runtime_failure_policy": "RESTART_REPLICA"})
        ),
        f"{APP}.deployments[0].gang_scheduling_config",
        "not yet implemented",
    ),
    (
        "gang of another size",
        "openai",
        override(lambda o: o.update(autoscaling_config=None, num_replicas=3, gang_scheduling_config={"gang_size": 2})),
        f"{APP}.deployments[0].num_replicas",
        "use 2 or 4",
    ),
    (
        "misspelt in gang",
        "openai",
        override(lambda o: o.update(gang_scheduling_config={"gang_size": 2, "gang_strategy": "PACK"})),
        f"{APP}.deployments[0].gang_scheduling_config.gang_strategy",
        "unknown key",
    ),
    (
        "option of no deployment",
        "openai",
        config(lambda c: c.update(deployment_config={"replicas": 2})),
        f"{ONE}.deployment_config.replicas",
        "'num_replicas'",
    ),
    (
        "bundles in the wrong place",
        "openai",
        config(lambda c: c.update(deployment_config={"placement_group_bundles": [{"GPU": 1}]})),
        f"{ONE}.deployment_config.placement_group_bundles",
        "placement_group_config",
    ),
    (
        "scaling that Ray refuses",
        "openai",
        config(lambda c: c.update(deployment_config={"autoscaling_config": {"min_replicas": 3, "max_replicas": 1}})),
        f"{ONE}.deployment_config.autoscaling_config",
        "max_replicas (1)",
    ),
    (
        "two ways of bundles",
        "openai",
        config(lambda c: c.update(placement_group_config={"bundles": [], "bundle_per_worker": {}})),
        f"{ONE}.placement_group_config",
        "Cannot specify both",
    ),
    (
        "overridden twice",
        "openai",
        lambda a, args: a["deployments"].append(a["deployments"][0]),
        f"{APP}.deployments[2].name",
        "overridden twice",
    ),
    (
        "ingress option",
        "openai",
        lambda a, args: args.update(ingress_deployment_config={"max_ongoing_requests": 0}),
        f"{ARGS}.ingress_deployment_config.max_ongoing_requests",
        "greater than",
    ),
]


@pytest.mark.parametrize(("name", "kind", "edit", "path", "message"), MISTAKES, ids=[case[0] for case in MISTAKES])
def test_mistake(name: str, kind: str, edit: Callable[..., Any], path: str, message: str) -> None:
    problems = found(kind, edit)
    assert any(p.path.startswith(path) and message in p.message for p in problems), "\n".join(map(str, problems))


STREAMING_MISTAKES: list[tuple[str, Callable[[dict[str, Any], dict[str, Any]], Any], str]] = [
    ("second model", lambda a, args: args["llm_configs"].append(llm()), "exactly one model, but there are 2"),
    (
        "own ingress",
        lambda a, args: args.update(ingress_cls_config={"ingress_cls": "a:B"}),
        "not with direct streaming",
    ),
    ("ingress options", lambda a, args: args.update(ingress_deployment_config={"num_replicas": 2}), "not with direct"),
]


@pytest.mark.parametrize(("name", "edit", "message"), STREAMING_MISTAKES, ids=[case[0] for case in STREAMING_MISTAKES])
def test_mistake_with_direct_streaming(name: str, edit: Callable[..., Any], message: str) -> None:
    assert message in "\n".join(map(str, found("openai", edit, direct_streaming=True)))


def test_the_document_is_left_as_it_was() -> None:
    document = {"applications": [copy.deepcopy(VALID["openai"])]}
    document["applications"][0]["deployments"][0]["gang_scheduling_config"] = {"gang_size": 2}
    before = copy.deepcopy(document)
    check(document)
    assert document == before
