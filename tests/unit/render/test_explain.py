"""`explain`: whole texts of samples (`--update` writes them; read what it wrote), and single sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from builders import LLM, llm
from llm_operator.api.validation import validate
from llm_operator.plan.resolve import resolve
from llm_operator.plan.schedules import widest
from llm_operator.render.explain import explain

SAMPLES: Final = Path(__file__).parents[3] / "manifests" / "samples"
TEXTS: Final = Path(__file__).parent / "explained"
MONDAY: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)
SATURDAY: Final = datetime(2026, 1, 3, 12, tzinfo=UTC)


def explained(document: dict[str, Any], now: datetime = MONDAY) -> str:
    name = document["metadata"]["name"]
    spec = validate(name, document["spec"])
    now_plan, week = (
        resolve(made, name=name, namespace="llm", uid="", routes={}, now=now) for made in (spec, widest(spec))
    )
    return explain(spec, now_plan, week)


def flat(made: LLM) -> str:
    """Without line breaks: a sentence may be wrapped anywhere."""
    return " ".join(explained(made.object()).split())


@pytest.mark.parametrize(
    "name", ["small", "llama-70b", "deepseek-r1", "prefill-decode", "multi-lora", "scale-to-zero", "ab-router"]
)
def test_text_of_a_sample(name: str, request: pytest.FixtureRequest) -> None:
    document = yaml.safe_load((SAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    text, want = explained(document), TEXTS / f"{name}.txt"
    if request.config.getoption("--update"):
        TEXTS.mkdir(exist_ok=True)
        want.write_text(text, encoding="utf-8")
    assert text == want.read_text(encoding="utf-8")


def test_lines_are_short_enough_to_read() -> None:
    texts = [path.read_text(encoding="utf-8") for path in TEXTS.glob("*.txt")]
    assert len(texts) >= 7
    assert max(len(line) for text in texts for line in text.splitlines()) <= 100
    assert not any(line.endswith(" ") for text in texts for line in text.splitlines())


def test_no_text_is_forgotten() -> None:
    assert {path.stem for path in TEXTS.iterdir()} <= {path.stem for path in SAMPLES.glob("*.yaml")}


def test_a_window_that_is_open_and_one_that_is_not() -> None:
    document = yaml.safe_load((SAMPLES / "scale-to-zero.yaml").read_text(encoding="utf-8"))
    assert "Window        open now: office" in explained(document, MONDAY)
    closed = explained(document, SATURDAY)
    assert "open now" not in closed
    assert "0 x L4 at the fewest, 2 at the most" in closed


@pytest.mark.parametrize(
    ("made", "want"),
    [
        (llm().model(source={"uri": "hf://deepseek-ai/DeepSeek-R1"}, accelerators=[{"type": "H100", "count": 8}],
                     parallelism={"tensor": 8}),
         "DOES NOT FIT: the weights alone need 76.6 GiB more."),
        (llm().model(source={"uri": "hf://Qwen/Qwen3-8B"}, accelerators=[{"type": "L4"}]),
         "DOES NOT FIT: one sequence of full length is longer than what is left, and vLLM would not start. Set "
         "engine.contextLength to at most 38,519,"),
        (llm().model(source={"uri": "hf://Qwen/Qwen3-8B"}, accelerators=[{"type": "L4"}]),
         "Preset none; there is one for it: qwen3"),
        (llm().model(source={"uri": "s3://bucket/x"}, accelerators=[{"type": "L4"}]),
         "Memory unknown (s3://bucket/x: facts are kept by names on the hub only)"),
        (llm().with_("spec.performance", {"profile": "Classic"}),
         "off (ClassicIngress): requests go through Ray Serve's proxy and OpenAI ingress; spec.performance.profile is Classic"),
        (llm().model(accelerators=[{"type": "L4", "maxReplicas": 1}, {"type": "T4"}], scaling={"minReplicas": 2}),
         "Accelerators 1 x L4; 1 x T4 at the fewest, 2 at the most Worker pods 2"),
        (llm().with_("spec.suspend", True), "Now suspended: nothing runs"),
    ],
)  # fmt: skip
def test_sentence(made: LLM, want: str) -> None:
    assert want in flat(made)
