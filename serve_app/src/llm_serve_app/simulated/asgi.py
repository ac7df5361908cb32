"""The engine's own HTTP routes, for direct streaming: vLLM's paths, around SimulatedEngine.

Ray 2.60.0 (LLMServer.__serve_build_asgi_app__) adds GET /v1/models/{id} and its LoRA middleware; the P/D server replaces
the chat and completion routes. vLLM's /metrics is not here: the metrics go through Ray, as with vLLM in Ray.
"""

import os
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from ray.llm._internal.serve.core.configs.openai_api_models import (
    ChatCompletionRequest,
    CompletionRequest,
    DetokenizeRequest,
    EmbeddingRequest,
    ErrorInfo,
    ErrorResponse,
    TokenizeRequest,
    TranscriptionRequest,
)
from ray.llm._internal.serve.core.protocol import RawRequestInfo
from vllm.entrypoints.pooling.scoring.protocol import RerankRequest, ScoreRequest
from vllm.entrypoints.serve.engine.protocol import ModelCard, ModelList
from vllm.entrypoints.serve.middleware.authenticate import AuthenticationMiddleware

GENERATE_ROUTES: dict[str, tuple[str, Any]] = {
    "/v1/chat/completions": ("chat", ChatCompletionRequest),
    "/v1/completions": ("completions", CompletionRequest),
    "/v1/embeddings": ("embeddings", EmbeddingRequest),
    "/v1/score": ("score", ScoreRequest),
    "/score": ("score", ScoreRequest),
    "/v1/rerank": ("rerank", RerankRequest),
    "/v2/rerank": ("rerank", RerankRequest),
    "/rerank": ("rerank", RerankRequest),
    "/tokenize": ("tokenize", TokenizeRequest),
    "/detokenize": ("detokenize", DetokenizeRequest),
}


def build_app(engine: Any) -> FastAPI:
    """The app of one engine. With `api_key` in engine_kwargs or VLLM_API_KEY, /v1 and /v2 need it, as in vLLM."""
    app = FastAPI(title="simulated engine")
    for path, (method, model) in GENERATE_ROUTES.items():
        app.add_api_route(path, _endpoint(engine, method, model), methods=["POST"], response_model=None)
    app.add_api_route("/v1/audio/transcriptions", _transcriptions(engine), methods=["POST"], response_model=None)
    app.add_api_route("/v1/models", _models(engine), methods=["GET"], response_model=None)
    for path in ("/health", "/ping"):
        app.add_api_route(path, _health(engine), methods=["GET"], response_model=None)
    app.add_exception_handler(RequestValidationError, _invalid)
    keys = engine.served.arguments.get("api_key") or os.environ.get("VLLM_API_KEY")
    if keys:
        app.add_middleware(AuthenticationMiddleware, tokens=keys if isinstance(keys, list) else [keys])
    return app


def _endpoint(engine: Any, method: str, model: Any) -> Any:
    async def endpoint(body: Any, request: Request) -> Response:
        return await _response(getattr(engine, method)(body, RawRequestInfo.from_starlette_request(request)))

    endpoint.__annotations__["body"] = model
    return endpoint


def _transcriptions(engine: Any) -> Any:
    async def endpoint(body: Annotated[TranscriptionRequest, Form()], request: Request) -> Response:
        return await _response(engine.transcriptions(body, RawRequestInfo.from_starlette_request(request)))

    return endpoint


async def _response(answers: AsyncGenerator[Any, None]) -> Response:
    """A stream when the engine's first item is an event, else JSON with the status of the error or 200."""
    first = await anext(answers)
    if isinstance(first, ErrorResponse):
        return JSONResponse(first.model_dump(), status_code=first.error.code)
    if not isinstance(first, str):
        return JSONResponse(first.model_dump())

    async def events() -> AsyncGenerator[str, None]:
        yield first
        async for event in answers:
            yield event

    return StreamingResponse(events(), media_type="text/event-stream")


def _models(engine: Any) -> Any:
    async def models() -> ModelList:
        served = engine.served
        names = (served.model_id, *served.aliases)
        base = [ModelCard(id=name, root=served.model_id, max_model_len=served.context_length) for name in names]
        adapters = [ModelCard(id=name, root=path, parent=served.model_id) for name, path in served.loras.items()]
        return ModelList(data=[*base, *adapters])

    return models


def _health(engine: Any) -> Any:
    async def health() -> Response:
        try:
            await engine.check_health()
        except RuntimeError:
            return Response(status_code=503)
        return Response(status_code=200)

    return health


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """vLLM answers 400 where FastAPI would answer 422."""
    details = error.errors() if isinstance(error, RequestValidationError) else []
    problems = [f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}" for detail in details]
    info = ErrorInfo(message="; ".join(problems), type="Bad Request", code=400)
    return JSONResponse(ErrorResponse(error=info).model_dump(), status_code=400)
