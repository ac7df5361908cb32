"""One chat or completion request on the scheduler: answers in, due tokens out. Needs neither Ray nor vLLM."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from llm_serve_app.simulated.answer import Answer
from llm_serve_app.simulated.draws import draw, gaps
from llm_serve_app.simulated.scheduler import Scheduler, Work
from llm_serve_app.simulated.settings import Settings


@dataclass(frozen=True, slots=True)
class Generation:
    """`answers`: one per choice. `prefilled`: a prefill engine has computed the prompt (P/D disaggregation)."""

    request_id: str
    prompt_tokens: int
    answers: Sequence[Answer]
    prefilled: bool = False

    @property
    def completion_tokens(self) -> int:
        return sum(answer.length for answer in self.answers)

    @property
    def reasoning_tokens(self) -> int:
        return sum(len(answer.reasoning) for answer in self.answers)

    def run(self, scheduler: Scheduler, settings: Settings) -> AsyncIterator[int]:
        """Indexes of tokens as they get due (Scheduler.run)."""
        fate = draw(settings, self.request_id)
        longest = max(1, *(answer.length for answer in self.answers))
        work = Work(
            prompt_tokens=self.prompt_tokens,
            lengths=[answer.length for answer in self.answers],
            gaps=gaps(settings, fate, longest, prefilled=self.prefilled),
            finish=self.answers[0].finish,
            fails=fate.fails,
            stalls=fate.stalls,
            computed_tokens=0 if self.prefilled else self.prompt_tokens,
        )
        return scheduler.run(work)


def handover(parameters: Any, request_id: str, prompt_tokens: int) -> dict[str, Any] | None:
    """kv_transfer_params of a prefill engine's answer, when the request asks for them (`do_remote_decode`)."""
    if not isinstance(parameters, dict) or not parameters.get("do_remote_decode"):
        return None
    return {
        "do_remote_prefill": True,
        "do_remote_decode": False,
        "remote_engine_id": "simulated",
        "remote_request_id": request_id,
        "remote_block_ids": [list(range((prompt_tokens + 15) // 16))],
        "remote_host": None,
        "remote_port": None,
    }


def is_prefilled(parameters: Any) -> bool:
    """Whether a prefill engine has handed this request over."""
    return isinstance(parameters, dict) and bool(parameters.get("do_remote_prefill"))
