"""/v1/completions: vLLM's response classes around a generation."""

from collections.abc import AsyncGenerator
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import (
    CompletionRequest,
    CompletionResponse,
    CompletionStreamResponse,
)
from vllm.entrypoints.openai.completion.protocol import CompletionResponseChoice, CompletionResponseStreamChoice

from llm_serve_app.simulated import prompts, tokens
from llm_serve_app.simulated.answer import Answer, echo, fixed
from llm_serve_app.simulated.generation import Generation, handover, is_prefilled
from llm_serve_app.simulated.served import Served
from llm_serve_app.simulated.usage import stream_usage, usage

DEFAULT_MAX_TOKENS = 16


class Completion:
    """One completion request, of one or more prompts; choices are in the order of the prompts, n of each."""

    def __init__(self, request: CompletionRequest, served: Served, request_id: str) -> None:
        """Raises prompts.Refused."""
        prompts.check_fields(request)
        self._request, self._served = request, served
        self._prompts = [text for text in prompts.prompt_texts(request.prompt) for _ in range(request.n)]
        text = prompts.structured(request)
        counts = [len(tokens.split(prompt)) for prompt in self._prompts]
        answers = [self._answer(prompt, text, count) for prompt, count in zip(self._prompts, counts, strict=True)]
        count = sum(counts[:: request.n])
        parameters = request.kv_transfer_params
        self._generation = Generation(request_id, count, answers, is_prefilled(parameters))
        self._handover = handover(parameters, request_id, count)
        self._id = f"cmpl-{request_id}"

    def _answer(self, prompt: str, text: str | None, count: int) -> Answer:
        natural = self._served.settings.output_tokens
        most = DEFAULT_MAX_TOKENS if self._request.max_tokens is None else self._request.max_tokens
        limits = prompts.limits(self._request, most, count, self._served.context_length, natural)
        if text is None:
            return echo(prompt, limits, reasoning=False)
        return fixed(text, prompt, limits, reasoning=False)

    async def whole(self) -> CompletionResponse:
        async for _ in self._generation.run(self._served.scheduler, self._served.settings):
            pass
        return CompletionResponse(
            id=self._id,
            model=self._request.model or self._served.model_id,
            choices=[self._choice(index, answer) for index, answer in enumerate(self._generation.answers)],
            usage=usage(self._generation),
            kv_transfer_params=self._handover,
        )

    def _choice(self, index: int, answer: Answer) -> CompletionResponseChoice:
        ids = bool(self._request.return_token_ids)
        return CompletionResponseChoice(
            index=index,
            text=(self._prompts[index] if self._request.echo else "") + "".join(answer.content),
            finish_reason=answer.finish,
            stop_reason=answer.stop_reason,
            token_ids=[tokens.token_id(piece) for piece in answer.content] if ids else None,
            prompt_token_ids=tokens.encode(self._prompts[index]) if ids else None,
        )

    async def stream(self) -> AsyncGenerator[str, None]:
        generation, per_chunk, at_end = self._generation, *stream_usage(self._request)
        if self._request.echo:
            yield self._event([self._chunk(index, text) for index, text in enumerate(self._prompts)])
        done = 0
        async for tick in generation.run(self._served.scheduler, self._served.settings):
            done += sum(answer.length > tick for answer in generation.answers)
            choices = [
                self._chunk(
                    index,
                    "".join(answer.content[tick : tick + 1]),
                    answer if max(answer.length, 1) == tick + 1 else None,
                )
                for index, answer in enumerate(generation.answers)
                if max(answer.length, 1) > tick
            ]
            yield self._event(choices, usage(generation, done) if per_chunk else None)
        if at_end:
            yield self._event([], usage(generation))
        yield "data: [DONE]\n\n"

    def _chunk(self, index: int, text: str, ended: Answer | None = None) -> CompletionResponseStreamChoice:
        finish = (ended.finish, ended.stop_reason) if ended else (None, None)
        return CompletionResponseStreamChoice(index=index, text=text, finish_reason=finish[0], stop_reason=finish[1])

    def _event(self, choices: list[CompletionResponseStreamChoice], used: Any = None) -> str:
        chunk = CompletionStreamResponse(
            id=self._id, model=self._request.model or self._served.model_id, choices=choices, usage=used
        )
        return f"data: {chunk.model_dump_json()}\n\n"
