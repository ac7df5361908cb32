import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from llm_serve_app.simulated.answer import Answer
from llm_serve_app.simulated.generation import Generation, handover, is_prefilled
from llm_serve_app.simulated.prompts import Refused
from llm_serve_app.simulated.scheduler import Work
from llm_serve_app.simulated.served import Served, report_load, served
from llm_serve_app.simulated.settings import InvalidSettings, Settings


class Loads:
    def __init__(self) -> None:
        self.count = 0

    def load(self, running: int, waiting: int, kv_cache_usage: float) -> None:
        self.count += 1

    def first_token(self, seconds: float, prompt_tokens: int) -> None: ...

    def tokens(self, count: int) -> None: ...

    def gap(self, seconds: float) -> None: ...

    def finished(self, reason: str, seconds: float, sequences: int) -> None: ...


def model(settings: Any = None, **arguments: Any) -> Served:
    return served("demo", arguments, settings, Loads())


def test_context_length_and_media_come_from_the_engine_arguments() -> None:
    made = model(
        max_model_len=4096, limit_mm_per_prompt={"image": 2, "video": {"count": 1}}, allowed_media_domains=["a.org"]
    )
    assert made.context_length == 4096
    assert (made.media.limits, made.media.domains) == ({"image": 2, "video": 1}, ("a.org",))
    assert model().context_length == model(max_model_len="auto").context_length == 32_768


def test_a_cache_smaller_than_the_context_is_refused() -> None:
    with pytest.raises(
        InvalidSettings, match="kv_cache_tokens: 100 tokens cannot hold one request of max_model_len 4096"
    ):
        model({"kv_cache_tokens": 100}, max_model_len=4096)


@pytest.mark.parametrize(
    ("runner", "task", "possible"),
    [
        ("auto", "generate", True),
        ("auto", "embed", True),
        ("generate", "transcription", True),
        ("generate", "score", False),
        ("pooling", "embed", True),
        ("pooling", "generate", False),
    ],
)
def test_the_runner_decides_what_a_model_does(runner: str, task: str, possible: bool) -> None:
    made = model(runner=runner)
    if possible:
        made.check("demo", task, "some")
        return
    with pytest.raises(Refused, match=f"does not support the '{task}' task. The some endpoint"):
        made.check("demo", task, "some")


def test_only_the_model_and_its_loaded_adapters_are_known(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 16}))
    made = model(enable_lora=True)
    made.check(None, "generate", "chat")
    with pytest.raises(Refused) as caught:
        made.check("demo:kind", "generate", "chat")
    assert caught.value.status == 404
    made.load_lora("demo:kind", str(tmp_path))
    made.check("demo:kind", "generate", "chat")


@pytest.mark.parametrize(
    ("switches", "effort", "include", "expected"),
    [
        (None, None, True, True),
        ({"enable_thinking": False}, None, True, False),
        ({"enable_thinking": True}, None, True, True),
        ({"thinking": False}, None, True, False),
        (None, "none", True, False),
        (None, "high", True, True),
        (None, None, False, False),
    ],
)
def test_the_request_switches_reasoning(
    switches: dict[str, bool] | None, effort: str | None, include: bool, expected: bool
) -> None:
    request = SimpleNamespace(chat_template_kwargs=switches, reasoning_effort=effort, include_reasoning=include)
    assert model(reasoning_parser="qwen3").reasons(request) == expected
    assert not model().reasons(request)


def test_the_models_default_is_below_the_requests_switch() -> None:
    made = model(reasoning_parser="qwen3", default_chat_template_kwargs={"enable_thinking": False})
    off = SimpleNamespace(chat_template_kwargs=None, reasoning_effort=None, include_reasoning=True)
    on = SimpleNamespace(chat_template_kwargs={"enable_thinking": True}, reasoning_effort=None, include_reasoning=True)
    assert (made.reasons(off), made.reasons(on)) == (False, True)


class Taken:
    """Stands where the scheduler is and keeps the work."""

    def run(self, work: Work) -> Work:
        return work


def test_a_prefilled_request_computes_no_prompt() -> None:
    answer = Answer((), ("a", "b", "c"), "length")
    settings = Settings(time_to_first_token_ms=900, time_per_output_token_ms=10)
    whole: Any = Generation("id", 50, [answer]).run(Taken(), settings)  # type: ignore[arg-type]
    handed: Any = Generation("id", 50, [answer], prefilled=True).run(Taken(), settings)  # type: ignore[arg-type]
    assert (whole.gaps, whole.computed_tokens, whole.finish) == ([0.9, 0.01, 0.01], 50, "length")
    assert (handed.gaps, handed.computed_tokens) == ([0.01, 0.01, 0.01], 0)


def test_what_prefill_hands_over_is_what_decode_takes() -> None:
    asked = {"do_remote_decode": True, "do_remote_prefill": False}
    given = handover(asked, "id", 33)
    assert given is not None
    assert given["remote_block_ids"] == [[0, 1, 2]]
    assert is_prefilled(given)
    assert not is_prefilled(asked)
    assert handover(given, "id", 33) is handover(None, "id", 33) is None


async def test_the_load_is_repeated() -> None:
    loads = Loads()
    made = served("demo", {}, None, loads)
    task = asyncio.create_task(report_load(made.scheduler, 0.001))
    async with asyncio.timeout(10):
        while loads.count < 5:  # noqa: ASYNC110  # the loop under test has no end to wait for
            await asyncio.sleep(0.001)
    task.cancel()
