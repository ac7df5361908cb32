"""AliasServer: Ray Serve LLM's engine deployment, in which clients may use other names for its model.

For direct streaming, where the engine's own API is what clients reach and no ingress stands before it. As with
AliasIngress the names come with Serve's `user_config`: editing them restarts nothing. Needs vLLM. Ray 2.60.0:
ray/llm/_internal/serve/core/server/llm_server.py, engines/vllm/vllm_engine.py.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, HTTPException
from ray.llm._internal.serve.core.configs.openai_api_models import ModelCard, to_model_metadata
from ray.llm._internal.serve.core.server.llm_server import LLMServer

from llm_serve_app.aliases import InvalidAliases, parse_aliases

logger = logging.getLogger("ray.serve")  # so that the line lands in the replica's log

MODEL_PATH = "/v1/models/{model:path}"


class AliasServer(LLMServer):  # type: ignore[misc]  # Ray's class is untyped
    """Serves `model: <alias>` by its one model and lists aliases in /v1/models; answers carry the model's own id.

    Named in `server_cls` of the LLMConfig; the Serve deployment is then called "AliasServer:<model id>".
    """

    _aliases: tuple[str, ...] = ()

    async def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Called by Serve after the engine has started and on each change of `user_config`; replaces all aliases.

        A bad map is logged and the aliases stay as they were: an exception here would make Serve kill this replica.
        """
        try:
            self._aliases = tuple(sorted(parse_aliases(user_config, (self._llm_config.model_id,))))
        except InvalidAliases as error:
            logger.error("%s; the aliases stay %s", error, list(self._aliases))
            return
        serve_aliases(self.engine, self._aliases)

    async def __serve_build_asgi_app__(self) -> FastAPI:
        """The engine's app, in which GET /v1/models/{id} knows the aliases too."""
        app: FastAPI = await super().__serve_build_asgi_app__()
        app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", "") != MODEL_PATH]
        app.add_api_route(MODEL_PATH, self._card, methods=["GET"], response_model=ModelCard)
        return app

    async def _card(self, model: str) -> ModelCard:
        model_id = self._llm_config.model_id
        card = to_model_metadata(model_id, self._llm_config)
        if model == model_id:
            return card
        if model in self._aliases:
            return card.model_copy(update={"id": model, "metadata": {**card.metadata, "root": model_id}})
        raise HTTPException(status_code=404, detail=f"Unknown model: {model}")


def serve_aliases(engine: Any, aliases: Sequence[str]) -> None:
    """Make an engine take further names; an engine of our own is asked, vLLM's list of names is changed in place.

    vLLM 0.29 (entrypoints/openai/models/serving.py): the first name is the one in answers; every route asks this list.
    """
    if hasattr(engine, "serve_aliases"):
        engine.serve_aliases(aliases)
        return
    paths = engine._app_state.openai_serving_models.base_model_paths
    paths[1:] = [type(paths[0])(name=alias, model_path=paths[0].model_path) for alias in aliases]
