"""/v1/chat/completions: vLLM's response classes around a generation."""

import time
import uuid
from collections.abc import AsyncGenerator
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import (
    ChatCompletionRequest,
    ChatCompletionResponse,
    ChatCompletionStreamResponse,
)
from vllm.entrypoints.generate.base.protocol import (
    DeltaFunctionCall,
    DeltaMessage,
    DeltaToolCall,
    FunctionCall,
    ToolCall,
)
from vllm.entrypoints.openai.chat_completion.protocol import (
    ChatCompletionResponseChoice,
    ChatCompletionResponseStreamChoice,
    ChatMessage,
)

from llm_serve_app.simulated import prompts, tokens
from llm_serve_app.simulated.answer import Answer, echo, fixed
from llm_serve_app.simulated.generation import Generation, handover, is_prefilled
from llm_serve_app.simulated.served import Served
from llm_serve_app.simulated.usage import stream_usage, usage


class Chat:
    """One chat request: `whole` gives the answer at once, `stream` its server-sent events."""

    def __init__(self, request: ChatCompletionRequest, served: Served, request_id: str) -> None:
        """Raises prompts.Refused."""
        prompts.check_fields(request)
        self._request, self._served = request, served
        self._tool = prompts.called_tool(request)
        rendered, last, media = prompts.render(request.messages, served.media)
        self._prompt_ids = tokens.encode(rendered)
        count = len(self._prompt_ids) + media * prompts.MEDIA_TOKENS
        most = request.max_completion_tokens if request.max_completion_tokens is not None else request.max_tokens
        limits = prompts.limits(request, most, count, served.context_length, served.settings.output_tokens)
        text = prompts.arguments(self._tool) if self._tool else prompts.structured(request)
        reasoning = served.reasons(request)
        make = (
            echo(last, limits, reasoning=reasoning) if text is None else fixed(text, last, limits, reasoning=reasoning)
        )
        parameters = request.kv_transfer_params
        self._generation = Generation(request_id, count, [make] * (request.n or 1), is_prefilled(parameters))
        self._handover = handover(parameters, request_id, count)
        self._id, self._created = f"chatcmpl-{request_id}", int(time.time())

    def _finish(self, answer: Answer) -> str:
        required = self._tool is not None and self._request.tool_choice == "required"
        return "tool_calls" if required and answer.finish == "stop" else answer.finish

    async def whole(self) -> ChatCompletionResponse:
        async for _ in self._generation.run(self._served.scheduler, self._served.settings):
            pass
        answers = self._generation.answers
        return ChatCompletionResponse(
            id=self._id,
            model=self._request.model or self._served.model_id,
            choices=[self._choice(index, answer) for index, answer in enumerate(answers)],
            usage=usage(self._generation, reasoning=self._served.has_reasoning),
            prompt_token_ids=self._prompt_ids if self._request.return_token_ids else None,
            kv_transfer_params=self._handover,
        )

    def _choice(self, index: int, answer: Answer) -> ChatCompletionResponseChoice:
        content, reasoning = "".join(answer.content), "".join(answer.reasoning) or None
        if self._tool:
            call = ToolCall(
                id=self._call_id(index), function=FunctionCall(name=self._tool.function.name, arguments=content)
            )
            message = ChatMessage(role="assistant", content=None, reasoning=reasoning, tool_calls=[call])
        else:
            message = ChatMessage(role="assistant", content=content, reasoning=reasoning)
        ids = [tokens.token_id(piece) for piece in (*answer.reasoning, *answer.content)]
        return ChatCompletionResponseChoice(
            index=index,
            message=message,
            finish_reason=self._finish(answer),
            stop_reason=answer.stop_reason,
            token_ids=ids if self._request.return_token_ids else None,
        )

    def _call_id(self, index: int) -> str:
        return f"chatcmpl-tool-{uuid.uuid5(uuid.NAMESPACE_OID, f'{self._id}/{index}').hex}"

    async def stream(self) -> AsyncGenerator[str, None]:
        generation, per_chunk, at_end = self._generation, *stream_usage(self._request)
        yield self._event(
            [self._delta(index, {"role": "assistant", "content": ""}) for index in range(len(generation.answers))]
        )
        done = 0
        async for tick in generation.run(self._served.scheduler, self._served.settings):
            done += sum(answer.length > tick for answer in generation.answers)
            choices = [
                self._token(index, answer, tick)
                for index, answer in enumerate(generation.answers)
                if max(answer.length, 1) > tick
            ]
            yield self._event(choices, usage(generation, done) if per_chunk else None)
        if at_end:
            yield self._event([], usage(generation, reasoning=self._served.has_reasoning))
        yield "data: [DONE]\n\n"

    def _token(self, index: int, answer: Answer, tick: int) -> ChatCompletionResponseStreamChoice:
        """The last token's chunk says how the answer ends; an answer without tokens has that chunk alone."""
        ended = max(answer.length, 1) == tick + 1
        parts: dict[str, Any] = (
            {"finish_reason": self._finish(answer), "stop_reason": answer.stop_reason} if ended else {}
        )
        if tick < len(answer.reasoning):
            return self._delta(index, {"reasoning": answer.reasoning[tick]}, **parts)
        at = tick - len(answer.reasoning)
        text = "".join(answer.content[at : at + 1])
        if not self._tool:
            return self._delta(index, {"content": text}, **parts)
        named = {"name": self._tool.function.name} if at == 0 else {}
        function = DeltaFunctionCall(arguments=text, **named)
        first = {"id": self._call_id(index), "type": "function"} if at == 0 else {}
        return self._delta(index, {"tool_calls": [DeltaToolCall(index=0, function=function, **first)]}, **parts)

    def _delta(self, index: int, delta: dict[str, Any], **parts: Any) -> ChatCompletionResponseStreamChoice:
        whole = {"logprobs": None, "finish_reason": None, **parts}
        return ChatCompletionResponseStreamChoice(index=index, delta=DeltaMessage(**delta), **whole)

    def _event(self, choices: list[ChatCompletionResponseStreamChoice], used: Any = None) -> str:
        """Like vLLM's: what is not set is left out, so that a delta holds only what changes."""
        chunk = ChatCompletionStreamResponse(
            id=self._id,
            object="chat.completion.chunk",
            created=self._created,
            model=self._request.model or self._served.model_id,
            choices=choices,
            **({} if used is None else {"usage": used}),
        )
        return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"
