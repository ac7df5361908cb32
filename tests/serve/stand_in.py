"""An application of the shape that Ray Serve LLM's builder makes, of the same arguments, without an engine: what Serve restarts
does not depend on what a replica does. Ray's processes import this file."""

from __future__ import annotations

from typing import Any

from ray import serve


class Engine:
    """Answers anything."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """As AliasServer: new names in place."""
        self._names = user_config

    async def __call__(self, request: Any) -> str:
        return str(self._config["model_loading_config"]["model_id"])


def build_openai_app(args: dict[str, Any]) -> serve.Application:
    """One engine's deployment, by the name that the real builder gives it (Ray 2.60.0,
    llm/_internal/serve/core/server/builder.py: the class, a colon, the model)."""
    (config,) = args["llm_configs"]
    server = config.get("server_cls", "LLMServer").rpartition(":")[2]
    deployment = serve.deployment(Engine, name=f"{server}:{config['model_loading_config']['model_id']}")
    options = deployment.options(ray_actor_options={"num_cpus": 0}, graceful_shutdown_wait_loop_s=0.1)
    return options.bind(config)
