"""/v1/audio/transcriptions: a text that says how much audio came in."""

import io
import math
import time
import wave
from collections.abc import AsyncGenerator
from typing import Any

from ray.llm._internal.serve.core.configs.openai_api_models import (
    TranscriptionRequest,
    TranscriptionResponse,
    TranscriptionStreamResponse,
)
from vllm.entrypoints.generate.base.protocol import DeltaMessage
from vllm.entrypoints.speech_to_text.transcription.protocol import (
    TranscriptionResponseStreamChoice,
    TranscriptionUsageAudio,
)

from llm_serve_app.simulated import prompts
from llm_serve_app.simulated.answer import Limits, fixed
from llm_serve_app.simulated.generation import Generation
from llm_serve_app.simulated.served import Served
from llm_serve_app.simulated.usage import usage

TOKENS_PER_SECOND = 50  # of audio, as Whisper's encoder has
BYTES_PER_SECOND = 16_000  # of a format that is not WAV: 128 kbit/s


class Transcription:
    """One transcription request."""

    def __init__(self, audio: bytes, request: TranscriptionRequest, served: Served, request_id: str) -> None:
        """Raises prompts.Refused."""
        if request.response_format != "json":
            raise prompts.Refused(
                f"response_format {request.response_format} is not possible with the simulated engine"
            )
        self._request, self._served = request, served
        self._seconds = _seconds(audio)
        self._text = f"simulated: transcription of {len(audio)} bytes"
        most = request.max_completion_tokens or served.context_length
        answer = fixed(self._text, "", Limits(served.settings.output_tokens, most), reasoning=False)
        count = max(1, math.ceil(self._seconds * TOKENS_PER_SECOND))
        self._generation = Generation(request_id, count, [answer])
        self._id = f"trsc-{request_id}"

    async def whole(self) -> TranscriptionResponse:
        async for _ in self._generation.run(self._served.scheduler, self._served.settings):
            pass
        text = "".join(self._generation.answers[0].content)
        return TranscriptionResponse(
            text=text, usage=TranscriptionUsageAudio(type="duration", seconds=math.ceil(self._seconds))
        )

    async def stream(self) -> AsyncGenerator[str, None]:
        answer = self._generation.answers[0]
        async for tick in self._generation.run(self._served.scheduler, self._served.settings):
            finish = answer.finish if answer.length == tick + 1 else None
            delta = DeltaMessage(content=answer.content[tick])
            yield self._event([TranscriptionResponseStreamChoice(delta=delta, finish_reason=finish)])
        if self._request.stream_include_usage:
            yield self._event([], usage(self._generation))
        yield "data: [DONE]\n\n"

    def _event(self, choices: list[Any], used: Any = None) -> str:
        chunk = TranscriptionStreamResponse(
            id=self._id,
            object="transcription.chunk",
            created=int(time.time()),
            model=self._request.model or self._served.model_id,
            choices=choices,
            **({} if used is None else {"usage": used}),
        )
        return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"


def _seconds(audio: bytes) -> float:
    """Duration of a WAV file; of anything else an estimate from its size."""
    try:
        with wave.open(io.BytesIO(audio)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return len(audio) / BYTES_PER_SECOND
