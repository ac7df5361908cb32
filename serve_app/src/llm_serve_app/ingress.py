"""AliasIngress: Ray Serve LLM's OpenAI ingress, in which clients may use other names for a model or for one of its LoRA adapters.

The aliases arrive through Serve's `user_config`, so editing them changes no code version and restarts nothing. Needs
vLLM, like ray.serve.llm itself. Ray 2.60.0: ray/llm/_internal/serve/core/ingress/{ingress,builder}.py.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import ModelCard, ModelList
from ray.llm._internal.serve.core.ingress.ingress import OpenAiIngress

from llm_serve_app.aliases import InvalidAliases, parse_aliases

logger = logging.getLogger("ray.serve")  # so that the line lands in the replica's log


class AliasIngress(OpenAiIngress):  # type: ignore[misc]  # Ray's class is untyped
    """Serves `model: <alias>` by the model that the alias stands for, and lists aliases in /v1/models.

    Named in `args.ingress_cls_config.ingress_cls`; the Serve deployment is then called "AliasIngress". Answers carry
    the model's own id, as vLLM does when one model is served under several names.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._aliases: dict[str, str] = {}

    async def reconfigure(self, user_config: Mapping[str, Any]) -> None:
        """Called by Serve at start and on each change of `user_config`; replaces all aliases.

        A bad map is logged and the aliases stay as they were: an exception here would make Serve kill this replica and
        every one after it, so one wrong alias would take the models down (seen on Ray 2.60).
        """
        try:
            self._aliases = parse_aliases(user_config, self._model_cards, with_adapters=self._lora_paths)
        except InvalidAliases as error:
            logger.error("%s; the aliases stay %s", error, self._aliases)

    async def _get_response(self, *, body: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """The one way of every request to an engine; the engine knows only its own id, so the body has to name it."""
        if body.model in self._aliases:
            body = body.model_copy(update={"model": self._aliases[body.model]})
        async for chunk in super()._get_response(body=body, **kwargs):
            yield chunk

    async def model(self, model_id: str) -> ModelCard | None:
        """The card of a model; an alias has the card of its target, with its own id and the target's id as `root`.

        None for an unknown model, and for an adapter whose configuration cannot be read from the bucket.
        """
        if model_id not in self._aliases:
            return await super().model(model_id)
        root = self._aliases[model_id]
        card = await super().model(root)
        return card and card.model_copy(update={"id": model_id, "metadata": {**card.metadata, "root": root}})

    async def models(self) -> ModelList:
        """Ray's list, and the aliases; as Ray does, without adapters that cannot be read."""
        listed = await super().models()
        cards = [await self.model(alias) for alias in sorted(self._aliases)]
        return ModelList(data=[*listed.data, *[card for card in cards if card is not None]])
