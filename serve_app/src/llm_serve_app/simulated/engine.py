"""SimulatedEngine: Ray Serve LLM's engine interface without a model.

Ray 2.60.0, ray/llm/_internal/serve/core/engine/protocol.py; what LLMServer, DPServer and the P/D servers expect of an
engine beyond it is in core/server/llm_server.py and serving_patterns/. No model is downloaded: node initialisation is part
of VLLMEngine.start, which is not called.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any

from ray.llm._internal.serve.core.configs.llm_config import DiskMultiplexConfig, LLMConfig
from ray.llm._internal.serve.core.configs.openai_api_models import ErrorInfo, ErrorResponse
from ray.llm._internal.serve.core.engine.protocol import LLMEngine
from ray.llm._internal.serve.core.protocol import RawRequestInfo
from ray.llm._internal.serve.engines.vllm.kv_transfer.base import DefaultConnectorBackend
from ray.llm._internal.serve.engines.vllm.vllm_engine import VLLMPauseConfig, VLLMSleepConfig, VLLMWakeupConfig
from ray.llm._internal.serve.routing_policies.kv_aware.kv_aware_router import is_kv_aware

from llm_serve_app.simulated import pooling
from llm_serve_app.simulated.chat import Chat
from llm_serve_app.simulated.completion import Completion
from llm_serve_app.simulated.metrics import NoMetrics, RayMetrics
from llm_serve_app.simulated.prompts import Refused
from llm_serve_app.simulated.scheduler import RequestAborted, RequestFailed
from llm_serve_app.simulated.served import report_load, served
from llm_serve_app.simulated.transcription import Transcription

Answers = AsyncGenerator[Any, None]


class SimulatedEngine(LLMEngine):  # type: ignore[misc]  # Ray's class is untyped
    """One replica's engine. Named by the environment variable RAYLLM_VLLM_ENGINE_CLS of the replica."""

    def __init__(self, llm_config: LLMConfig) -> None:
        """Raises InvalidSettings, and ValueError for KV-aware routing, whose cache events only a real engine has."""
        super().__init__(llm_config)
        if is_kv_aware(llm_config):
            raise ValueError(
                "request_router_config: KV-aware routing needs the KV-cache events of a real engine; choose another "
                "request_router_class for a simulated model"
            )
        self._llm_config = llm_config
        _set_up_connector(llm_config)
        arguments = dict(llm_config.engine_kwargs)
        rank = int(arguments.get("data_parallel_rank") or 0)
        observer = RayMetrics(llm_config.model_id, rank) if llm_config.log_engine_metrics else NoMetrics()
        self.served = served(llm_config.model_id, arguments, llm_config.experimental_configs.get("simulated"), observer)
        self._started: float | None = None
        self._sleeping = False
        self._reporter: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes `startup_seconds`. Checks the names in engine_kwargs and creates a placement group that Ray deferred (TPU).

        callback_config is not run: its hooks are around the download of a model.
        """
        if self._started is not None:
            return
        engine_config = self._llm_config.get_engine_config()
        engine_config.get_or_create_pg()
        await asyncio.sleep(self.served.settings.startup_seconds)
        self._started = time.monotonic()
        self._reporter = asyncio.create_task(report_load(self.served.scheduler))

    async def shutdown(self) -> None:
        if self._reporter is not None:
            self._reporter.cancel()

    def routing_stats(self) -> dict[str, Any]:
        """Nothing: only KV-aware routing reads it."""
        return {}

    async def resolve_lora(self, lora_model: DiskMultiplexConfig) -> None:
        """LLMServer has downloaded the adapter. Raises ValueError as vLLM does."""
        self.served.load_lora(lora_model.model_id, lora_model.local_path)

    def serve_aliases(self, aliases: Sequence[str]) -> None:
        """Take further names for the model; replaces those of before."""
        self.served.aliases = tuple(aliases)

    async def chat(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        try:
            self.served.check(request.model, "generate", "chat completion")
            work = Chat(request, self.served, request_id(request, raw_request_info))
        except Refused as refused:
            yield _error(refused)
            return
        async for item in _answers(work, stream=bool(request.stream)):
            yield item

    async def completions(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        try:
            self.served.check(request.model, "generate", "completion")
            work = Completion(request, self.served, request_id(request, raw_request_info))
        except Refused as refused:
            yield _error(refused)
            return
        async for item in _answers(work, stream=bool(request.stream)):
            yield item

    async def transcriptions(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        try:
            self.served.check(request.model, "transcription", "transcription")
            audio = await request.file.read()
            work = Transcription(audio, request, self.served, request_id(request, raw_request_info))
        except Refused as refused:
            yield _error(refused)
            return
        async for item in _answers(work, stream=bool(request.stream)):
            yield item

    async def embeddings(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        yield await self._pooled("embed", "embedding", pooling.embeddings, request, raw_request_info)

    async def score(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        yield await self._pooled("score", "score", pooling.scores, request, raw_request_info)

    async def rerank(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        """Of the engine's own routes only; Ray's ingress has none for it."""
        yield await self._pooled("score", "score", pooling.rerank, request, raw_request_info)

    async def _pooled(self, task: str, endpoint: str, compute: Any, request: Any, info: RawRequestInfo | None) -> Any:
        try:
            self.served.check(request.model, task, endpoint)
            return await compute(request, self.served, request_id(request, info))
        except (Refused, RequestFailed, RequestAborted) as error:
            return _error(error)

    async def tokenize(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        try:
            yield pooling.tokenized(request, self.served)
        except Refused as refused:
            yield _error(refused)

    async def detokenize(self, request: Any, raw_request_info: RawRequestInfo | None = None) -> Answers:
        try:
            yield pooling.detokenized(request)
        except Refused as refused:
            yield _error(refused)

    async def check_health(self) -> None:
        """Raises RuntimeError before the start and from `health_fails_after_seconds` on."""
        limit = self.served.settings.health_fails_after_seconds
        if self._started is None:
            raise RuntimeError("the simulated engine has not started")
        if limit is not None and time.monotonic() - self._started >= limit:
            raise RuntimeError(
                f"simulated failure: unhealthy since {limit} s after the start (health_fails_after_seconds)"
            )

    async def build_asgi_app(self) -> Any:
        """vLLM's routes, for direct streaming."""
        from llm_serve_app.simulated.asgi import build_app

        return build_app(self)

    async def reset_prefix_cache(self) -> None:
        """Nothing to do: no prefix is kept."""

    async def sleep(self, **kwargs: Any) -> None:
        """Requests wait until `wakeup`. Options as vLLM's: level 1 or 2."""
        VLLMSleepConfig(**kwargs)
        self._sleeping = True
        await self.served.scheduler.pause("wait")

    async def wakeup(self, **kwargs: Any) -> None:
        VLLMWakeupConfig(**kwargs)
        self._sleeping = False
        self.served.scheduler.resume()

    async def is_sleeping(self) -> bool:
        return self._sleeping

    async def pause(self, **kwargs: Any) -> None:
        """Options as vLLM's: mode abort (default), wait or keep."""
        await self.served.scheduler.pause(VLLMPauseConfig(**kwargs).mode)

    async def resume(self, **kwargs: Any) -> None:
        self.served.scheduler.resume()

    async def is_paused(self) -> bool:
        return self.served.scheduler.paused

    async def start_profile(self) -> None:
        raise RuntimeError("the simulated engine has nothing to profile")

    async def stop_profile(self) -> None:
        raise RuntimeError("the simulated engine has nothing to profile")


def request_id(request: Any, info: RawRequestInfo | None) -> str:
    """The client's X-Request-Id, else the id that LLMServer has put into the request, else a new one."""
    given = getattr(request, "request_id", None)
    header = {key.lower(): value for key, value in info.headers.items()}.get("x-request-id") if info else None
    explicit = given if "request_id" in getattr(request, "model_fields_set", ()) else None
    return str(explicit or header or given or uuid.uuid4().hex)


async def _answers(work: Chat | Completion | Transcription, *, stream: bool) -> AsyncIterator[Any]:
    """A failed stream ends with an error event, a failed single answer is an ErrorResponse: both as vLLM does it."""
    try:
        if not stream:
            yield await work.whole()
            return
        async for event in work.stream():
            yield event
    except (RequestFailed, RequestAborted) as error:
        if not stream:
            yield _error(error)
            return
        yield f"data: {json.dumps(_error(error).model_dump())}\n\n"
        yield "data: [DONE]\n\n"


def _error(error: Exception) -> ErrorResponse:
    status, kind = (error.status, error.kind) if isinstance(error, Refused) else (500, "InternalServerError")
    return ErrorResponse(error=ErrorInfo(message=str(error), type=kind, code=status))


def _set_up_connector(llm_config: LLMConfig) -> None:
    """P/D servers ask the connector how to shape requests. Its package may be missing here: no KV block is moved."""
    try:
        llm_config.setup_engine_backend()
    except ImportError:
        llm_config._kv_connector_backend = DefaultConnectorBackend(llm_config)
