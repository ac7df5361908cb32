"""The `args` of Ray Serve LLM's application builders, and the Serve deployments that each of them makes."""

from collections.abc import Iterator, Mapping
from typing import Any

from llm_serve_app.check.llm_config import check_llm_config
from llm_serve_app.check.overrides import KV_AWARE, PREFIX_AWARE, check_options, dotted, router_class
from llm_serve_app.check.patterns import Builder
from llm_serve_app.check.server import Pods, Server, model_id_of
from llm_serve_app.check.tries import mapping, unknown
from llm_serve_app.problem import Problem

INGRESS_ARGS = ("ingress_cls_config", "ingress_deployment_config")
INGRESS_CONFIG_KEYS = ("ingress_cls", "ingress_extra_kwargs")
DEFAULT_INGRESS, ROUTER = "OpenAiIngress", "LLMRouter"


def check_builder(builder: Builder, args: Any, path: str, pods: Pods) -> Iterator[Problem]:
    """Problems of the `args` of one of Ray's builders."""
    if not isinstance(args, Mapping):
        yield Problem(path, f"must be a mapping, but is {type(args).__name__}")
        return
    yield from unknown(args, (*builder.config_keys, *INGRESS_ARGS), path)
    yield from _check_ingress(args, path, pods)
    yield from builder.rules(args, path, pods)
    for server in builder.servers(args, path):
        yield from check_llm_config(server.config, server.path)
        yield from _check_routing(server, pods)


def deployments(builder: Builder, args: Any, path: str, pods: Pods) -> list[str]:
    """The names of the application's Serve deployments, as `deployments[].name` must say them."""
    front = ROUTER if pods.direct_streaming else _ingress_name(mapping(args))
    return [*(server.name for server in builder.servers(mapping(args), path)), front]


def model_ids(builder: Builder, args: Any, *, with_lora: bool = False) -> list[str]:
    """The ids that clients may name, in the order of the document; `with_lora`: only of models that have adapters."""
    servers = builder.servers(mapping(args), "")
    found = [model_id_of(server.config) for server in servers if not with_lora or server.config.get("lora_config")]
    return [model_id for model_id in found if model_id is not None]


def _check_ingress(args: Mapping[str, Any], path: str, pods: Pods) -> Iterator[Problem]:
    ingress, options = args.get("ingress_cls_config"), args.get("ingress_deployment_config")
    if isinstance(ingress, Mapping):
        yield from unknown(ingress, INGRESS_CONFIG_KEYS, f"{path}.ingress_cls_config")
    if isinstance(options, Mapping):
        yield from check_options(options, f"{path}.ingress_deployment_config")
    if not pods.direct_streaming:
        return
    if options:
        yield Problem(
            f"{path}.ingress_deployment_config", "not with direct streaming: the model's server is the ingress"
        )
    if _ingress_name(args) != DEFAULT_INGRESS or mapping(ingress).get("ingress_extra_kwargs"):
        yield Problem(f"{path}.ingress_cls_config", "not with direct streaming: the model's server is the ingress")


def _ingress_name(args: Mapping[str, Any]) -> str:
    """A Serve deployment is called like its class, unless its options name it."""
    named = mapping(args.get("ingress_deployment_config")).get("name")
    cls = dotted(mapping(args.get("ingress_cls_config")).get("ingress_cls")).rpartition(".")[2]
    return named if isinstance(named, str) else cls or DEFAULT_INGRESS


def _check_routing(server: Server, pods: Pods) -> Iterator[Problem]:
    """Routers and LoRA in the light of the pods: without an ingress the router sees bodies only when they are forwarded."""
    options = mapping(server.config.get("deployment_config"))
    at = f"{server.path}.deployment_config.request_router_config"
    router = router_class(options)
    if router == KV_AWARE and not pods.direct_streaming:
        yield Problem(at, "KVAwareRouter works with direct streaming only: its tracker lives in LLMRouter")
    if not pods.direct_streaming or pods.body_forwarded:
        return
    needs = "with direct streaming needs RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY=1 in the pods"
    if router in (KV_AWARE, PREFIX_AWARE):
        yield Problem(at, f"{router.rpartition('.')[2]} {needs}")
    if server.config.get("lora_config") is not None:
        yield Problem(f"{server.path}.lora_config", f"LoRA {needs}")
