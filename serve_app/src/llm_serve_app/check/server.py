"""What the environment of the pods decides, and one engine deployment of an application with its name in Serve."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_serve_app.check.tries import mapping


@dataclass(frozen=True, slots=True)
class Pods:
    """What the environment of the pods decides; both are Ray's defaults when False."""

    direct_streaming: bool = False  # RAY_SERVE_LLM_ENABLE_DIRECT_STREAMING=1
    body_forwarded: bool = False  # RAY_SERVE_INGRESS_REQUEST_ROUTER_FORWARD_BODY=1


@dataclass(frozen=True, slots=True)
class Server:
    """One engine deployment of an application: its name in Serve, its LLMConfig and where that is written."""

    name: str
    config: Mapping[str, Any]
    path: str

    @property
    def gang_size(self) -> int:
        """Replicas that form one data-parallel group; 1 where there is none."""
        size = mapping(self.config.get("engine_kwargs")).get("data_parallel_size", 1)
        return size if isinstance(size, int) and size > 0 else 1


def server_name(model_id: str, server: str = "LLMServer") -> str:
    """Name of the Serve deployment of a model; `server` is the name of its class, or Prefill, Decode."""
    return f"{server}:{model_id.replace('/', '--').replace('.', '_')}"


def model_id_of(config: Mapping[str, Any]) -> str | None:
    model_id = mapping(config.get("model_loading_config")).get("model_id")
    return None if model_id is None else str(model_id)


def server_of(config: Any, path: str, kind: str) -> Server:
    """`deployment_config.name` replaces the part that comes from the model's id (core/server/builder.py)."""
    found = mapping(config)
    name = mapping(found.get("deployment_config")).get("name")
    of_model = server_name(model_id_of(found) or "", kind)
    return Server(f"{kind}:{name}" if isinstance(name, str) else of_model, found, path)
