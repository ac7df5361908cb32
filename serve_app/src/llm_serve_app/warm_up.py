"""Engines that answer one short request before they count as started, so that no client meets a cold one.

The first request to a vLLM engine takes far longer than those after it (kernels and graphs are made then), and Ray Serve sends
requests to a replica as soon as its engine has started. Named by the environment variable RAYLLM_VLLM_ENGINE_CLS of the
replica, which every server class of Ray Serve LLM reads (Ray 2.60.0, llm/_internal/serve/core/server/llm_server.py), data
parallel and disaggregated ones too. Needs vLLM.
"""

import io
import logging
import time
import wave
from collections.abc import AsyncIterator, Callable
from typing import Any

from ray.llm._internal.serve.core.configs.llm_config import LLMConfig
from ray.llm._internal.serve.core.configs.openai_api_models import (
    CompletionRequest,
    EmbeddingCompletionRequest,
    ErrorResponse,
    ScoreRequest,
    TranscriptionRequest,
)
from starlette.datastructures import UploadFile

from llm_serve_app.engine_errors import ExplainingVLLMEngine
from llm_serve_app.simulated.engine import SimulatedEngine

logger = logging.getLogger("ray.serve")  # so that the line lands in the replica's log

_RATE = 16_000
_SILENCE_SECONDS = 0.1


def _silence() -> UploadFile:
    """A moment of nothing, as a client would upload it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(bytes(2 * int(_RATE * _SILENCE_SECONDS)))
    out.seek(0)
    return UploadFile(out, filename="silence.wav")


# Method of the engine -> the shortest request for it. The first that the engine does not refuse is the warm-up.
REQUESTS: dict[str, Callable[[str], Any]] = {
    "completions": lambda model: CompletionRequest(model=model, prompt="a", max_tokens=1, temperature=0),
    "embeddings": lambda model: EmbeddingCompletionRequest(model=model, input="a"),
    "score": lambda model: ScoreRequest(model=model, text_1="a", text_2="b"),
    "transcriptions": lambda model: TranscriptionRequest(model=model, file=_silence()),
}


async def warm_up(engine: Any, model: str) -> str | None:
    """The method that was answered, or None when the engine refuses every kind of request. Raises what the engine raises, and
    RuntimeError for an answer that says the engine failed: such an engine must not count as started."""
    for method, request in REQUESTS.items():
        began = time.monotonic()
        answers: AsyncIterator[Any] = getattr(engine, method)(request(model))
        async for answer in answers:
            if not isinstance(answer, ErrorResponse):
                logger.info("the first request (%s) was answered after %.1f s", method, time.monotonic() - began)
                return method
            if answer.error.code >= 500:
                raise RuntimeError(f"the engine cannot answer its first request ({method}): {answer.error.message}")
    logger.warning("the engine refuses every kind of first request; it starts cold")
    return None


class WarmVLLMEngine(ExplainingVLLMEngine):
    """Ray's vLLM engine, warm when it has started."""

    _warm = False

    def __init__(self, llm_config: LLMConfig) -> None:
        super().__init__(llm_config)
        self._model_id = llm_config.model_id

    async def start(self) -> None:
        await super().start()
        if not self._warm:
            await warm_up(self, self._model_id)
            self._warm = True


class WarmSimulatedEngine(SimulatedEngine):
    """The simulated engine, likewise."""

    _warm = False

    async def start(self) -> None:
        await super().start()
        if not self._warm:
            await warm_up(self, self._llm_config.model_id)
            self._warm = True
