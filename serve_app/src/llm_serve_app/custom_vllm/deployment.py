"""The deployment: one vLLM engine per replica."""

import dataclasses
import importlib.util
import logging.handlers
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import Field, field_validator
from ray import serve

from llm_serve_app.custom_vllm.requests import CHAT, COMPLETION, END, Answer, Chat, Completion, Generation, event
from llm_serve_app.problem import did_you_mean
from llm_serve_app.settings import Settings, parse, reconfigured

DEPLOYMENTS = ("CustomVLLM",)
SET_BY_ARGS = {"model": "args.model", "served_model_name": "args.served_model_name"}
logger = logging.getLogger("ray.serve")


class Args(Settings):
    """`model`: a folder or a hub id; `served_model_name`: the name that clients say, by default `model`."""

    model: str = Field(min_length=1)
    served_model_name: str | None = Field(default=None, min_length=1)
    engine_args: dict[str, Any] = Field(default_factory=dict)

    @field_validator("engine_args")
    @classmethod
    def _known(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Names are checked where vLLM is: in the image, before a replica starts."""
        for key in value:
            if key in SET_BY_ARGS:
                raise ValueError(f"{key} is set by {SET_BY_ARGS[key]}; leave it out")
        known = engine_arguments()
        for key in value:
            if known is not None and key not in known:
                raise ValueError(f"vLLM has no engine argument {key!r}{did_you_mean(key, known)}")
        return value


class EngineConfig(Settings):
    """Limits of a request: tokens when it does not say, and at most."""

    default_max_tokens: int = Field(default=128, ge=1)
    limit_max_tokens: int = Field(default=4096, ge=1)


USER_CONFIGS: dict[str, type[Settings]] = {"CustomVLLM": EngineConfig}


def engine_arguments() -> list[str] | None:
    """The fields of vLLM's AsyncEngineArgs; None where vLLM is not installed."""
    if importlib.util.find_spec("vllm") is None:
        return None
    from vllm.engine.arg_utils import AsyncEngineArgs

    return [field.name for field in dataclasses.fields(AsyncEngineArgs)]


def import_vllm() -> None:
    """Imports vLLM and keeps the replica's log: vLLM sets up logging anew, which cuts Serve's buffer off its file."""
    buffers = [item for item in logger.handlers if isinstance(item, logging.handlers.MemoryHandler)]
    files = [item.target for item in buffers]
    import vllm  # noqa: F401

    for buffer, file in zip(buffers, files, strict=True):
        buffer.setTarget(file)


async def _events(first: Any, rest: AsyncGenerator[Any, None], answer: Answer) -> AsyncIterator[str]:
    """An engine that dies in the middle ends the stream with an error event and without [DONE]."""
    try:
        output = first.outputs[0]
        yield answer.piece(output.text, output.finish_reason, first=True)
        async for item in rest:
            output = item.outputs[0]
            yield answer.piece(output.text, output.finish_reason, first=False)
        yield END
    except Exception:
        logger.exception("the engine failed during a stream")
        yield event({"error": {"message": "the engine failed", "type": "server_error"}})
    finally:
        await rest.aclose()


# Helpers stand above the deployment: `serve.ingress` copies it, with the names that exist at that line.
api = FastAPI(title="Custom vLLM")


@serve.deployment(
    name="CustomVLLM",
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=256,
    graceful_shutdown_timeout_s=60,  # streams that run may end
    health_check_period_s=10,
    health_check_timeout_s=30,
)
@serve.ingress(api)
class CustomVLLM:
    async def __init__(self, args: dict[str, Any]) -> None:  # type: ignore[misc]  # Serve awaits it
        import_vllm()
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        settings = parse(Args, args, "args")
        self._name = settings.served_model_name or settings.model
        self._config = EngineConfig()
        self._engine = AsyncLLM.from_engine_args(AsyncEngineArgs(model=settings.model, **settings.engine_args))
        self._defaults: dict[str, Any] = self._engine.model_config.get_diff_sampling_param()

    def reconfigure(self, user_config: Any) -> None:
        self._config = reconfigured(self._config, user_config)

    async def check_health(self) -> None:
        """Raises when the engine's process is dead; Serve then replaces the replica."""
        await self._engine.check_health()

    def __del__(self) -> None:
        """Called by Serve after the last request; without it the engine's process would outlive the replica."""
        if engine := getattr(self, "_engine", None):
            engine.shutdown()

    @api.get("/v1/models")
    async def models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": self._name, "object": "model", "owned_by": "llm-operator"}]}

    @api.get("/stats")
    async def stats(self) -> dict[str, int]:
        return {"unfinished_requests": self._engine.get_num_unfinished_requests()}

    @api.post("/v1/completions")
    async def completions(self, request: Completion) -> Any:
        return await self._answer(request, request.prompt, COMPLETION, "cmpl")

    @api.post("/v1/chat/completions")
    async def chat(self, request: Chat) -> Any:
        tokenizer = self._engine.get_tokenizer()
        messages = [message.model_dump() for message in request.messages]
        try:
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        except Exception as error:  # jinja2's, or the template's own refusal
            raise HTTPException(422, f"messages: the model's chat template refuses them: {error}") from None
        prompt = {"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)}
        return await self._answer(request, prompt, CHAT, "chatcmpl")

    async def _answer(self, request: Generation, prompt: Any, kind: str, prefix: str) -> Any:
        """The first output is awaited before the answer begins, so that a refusal has a status of its own."""
        from vllm.exceptions import VLLMClientError

        self._refuse(request)
        request_id = f"{prefix}-{uuid.uuid4().hex}"
        answer = Answer(kind, request_id, self._name)
        try:
            outputs = self._generate(request, prompt, request_id)
            first = await anext(outputs)
        except (VLLMClientError, ValueError) as error:  # vLLM's refusal of a prompt or a parameter
            raise HTTPException(422, str(error)) from None
        if request.stream:
            return StreamingResponse(_events(first, outputs, answer), media_type="text/event-stream")
        last = first.outputs[0]
        return answer.whole(last.text, last.finish_reason, len(first.prompt_token_ids or ()), len(last.token_ids))

    def _refuse(self, request: Generation) -> None:
        if request.model != self._name:
            raise HTTPException(404, f"model: no model {request.model!r}; there is {self._name!r}")
        limit = self._config.limit_max_tokens
        if request.max_tokens is not None and request.max_tokens > limit:
            raise HTTPException(422, f"max_tokens: {request.max_tokens} is more than the {limit} allowed")

    def _generate(self, request: Generation, prompt: Any, request_id: str) -> AsyncGenerator[Any, None]:
        """Closing the generator, as a cancelled request does, aborts the request in the engine."""
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        kind = RequestOutputKind.DELTA if request.stream else RequestOutputKind.FINAL_ONLY
        default = min(self._config.default_max_tokens, self._config.limit_max_tokens)
        sampling = SamplingParams(**request.sampling(self._defaults, default), output_kind=kind)
        return self._engine.generate(prompt, sampling, request_id)  # type: ignore[no-any-return]


def build(args: dict[str, Any]) -> serve.Application:
    """Serve's entry: raises InvalidSettings, which Serve shows as the reason of DEPLOY_FAILED."""
    parse(Args, args, "args")
    return CustomVLLM.bind(args)  # type: ignore[attr-defined]
