"""/v1/embeddings, /v1/score, /v1/rerank and the tokenizer's routes: answers that come in one piece."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import (
    DetokenizeRequest,
    DetokenizeResponse,
    EmbeddingResponse,
    ScoreResponse,
    TokenizeResponse,
)
from vllm.entrypoints.pooling.embed.protocol import EmbeddingResponseData
from vllm.entrypoints.pooling.scoring.protocol import (
    RerankDocument,
    RerankRequest,
    RerankResponse,
    RerankResult,
    RerankUsage,
    ScoreResponseData,
)
from vllm.entrypoints.serve.engine.protocol import UsageInfo

from llm_serve_app.simulated import prompts, tokens, vectors
from llm_serve_app.simulated.draws import draw
from llm_serve_app.simulated.scheduler import Work
from llm_serve_app.simulated.served import Served


async def embeddings(request: Any, served: Served, request_id: str) -> EmbeddingResponse:
    """Raises prompts.Refused, RequestFailed, RequestAborted."""
    if request.encoding_format not in ("float", "base64"):
        raise prompts.Refused(f"encoding_format {request.encoding_format} is not possible with the simulated engine")
    size = served.settings.embedding_size if request.dimensions is None else request.dimensions
    if size < 1:
        raise prompts.Refused(f"dimensions: must be at least 1, but is {size}")
    messages = getattr(request, "messages", None)
    texts = prompts.prompt_texts(request.input) if messages is None else [prompts.render(messages, served.media)[0]]
    count = await _compute(texts, served, request_id)
    made = [vectors.embedding(text, size) for text in texts]
    if request.encoding_format == "base64":
        data: Sequence[Any] = [base64.b64encode(struct.pack(f"={size}f", *vector)).decode() for vector in made]
    else:
        data = made
    return EmbeddingResponse(
        id=f"embd-{request_id}",
        model=request.model or served.model_id,
        data=[EmbeddingResponseData(index=index, embedding=vector) for index, vector in enumerate(data)],
        usage=UsageInfo(prompt_tokens=count, total_tokens=count, completion_tokens=0),
    )


async def scores(request: Any, served: Served, request_id: str) -> ScoreResponse:
    """Of one text with each of the others, or of pairs. Raises prompts.Refused, RequestFailed, RequestAborted."""
    first, second = _texts(request.data_1), _texts(request.data_2)
    if len(first) == 1:
        first = first * len(second)
    if len(first) != len(second):
        raise prompts.Refused(f"Input lengths must be either 1:1, 1:N or N:N, but are {len(first)}:{len(second)}")
    pairs = list(zip(first, second, strict=True))
    count = await _compute([f"{one}\n{two}" for one, two in pairs], served, request_id)
    data = [ScoreResponseData(index=index, score=vectors.score(*pair)) for index, pair in enumerate(pairs)]
    used = UsageInfo(prompt_tokens=count, total_tokens=count, completion_tokens=0)
    return ScoreResponse(id=f"score-{request_id}", model=request.model or served.model_id, data=data, usage=used)


async def rerank(request: RerankRequest, served: Served, request_id: str) -> RerankResponse:
    """Documents by falling score. Raises prompts.Refused, RequestFailed, RequestAborted."""
    query, documents = _texts(request.query)[0], _texts(request.documents)
    count = await _compute([f"{query}\n{document}" for document in documents], served, request_id)
    results = [
        RerankResult(index=index, document=RerankDocument(text=text), relevance_score=vectors.score(query, text))
        for index, text in enumerate(documents)
    ]
    results.sort(key=lambda result: -result.relevance_score)
    return RerankResponse(
        id=f"score-{request_id}",
        model=request.model or served.model_id,
        results=results[: request.top_n or len(results)],
        usage=RerankUsage(prompt_tokens=count, total_tokens=count),
    )


def tokenized(request: Any, served: Served) -> TokenizeResponse:
    """Raises prompts.Refused."""
    messages = getattr(request, "messages", None)
    text = request.prompt if messages is None else prompts.render(messages, served.media)[0]
    pieces = tokens.split(text)
    return TokenizeResponse(
        count=len(pieces),
        max_model_len=served.context_length,
        tokens=[tokens.token_id(piece) for piece in pieces],
        token_strs=pieces if request.return_token_strs else None,
    )


def detokenized(request: DetokenizeRequest) -> DetokenizeResponse:
    """Raises prompts.Refused for an id outside the vocabulary."""
    try:
        return DetokenizeResponse(prompt=tokens.decode(request.tokens))
    except ValueError as error:
        raise prompts.Refused(str(error)) from error


async def _compute(texts: list[str], served: Served, request_id: str) -> int:
    """Occupies the engine as long as a prefill does; returns the number of prompt tokens."""
    counts = [len(tokens.split(text)) for text in texts]
    if max(counts) > served.context_length:
        raise prompts.Refused(
            f"This model's maximum context length is {served.context_length} tokens. However, your request has "
            f"{max(counts)} input tokens. Please reduce the length of the input."
        )
    fate = draw(served.settings, request_id)
    seconds = served.settings.time_to_first_token_ms / 1000
    work = Work(sum(counts), [0] * len(texts), [seconds], "stop", fate.fails, fate.stalls, computed_tokens=sum(counts))
    async for _ in served.scheduler.run(work):
        pass
    return sum(counts)


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) for item in values):
        raise prompts.Refused("score: the simulated engine compares text only, at least one of each side")
    return values
