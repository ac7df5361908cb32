"""What the engines' recorded texts mean for models of other sources and hardware than they were recorded with, word for word in
`sentences_of_engines.yaml` (`--update` rewrites it; read the difference)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from llm_operator.status.diagnosis.engine import recognised
from llm_operator.status.diagnosis.evidence import Subject
from unit.status.test_recorded import TEXTS, text_of

WANT = Path(__file__).parent / "sentences_of_engines.yaml"
CPU, GPU, SHARED = [{"type": "CPU"}], [{"type": "L4"}], [{"type": "L4", "share": 0.5}]
TOKEN = {"tokenSecretRef": {"name": "s", "key": "k"}}
ENTRIES: dict[str, dict[str, Any]] = {
    "hub, token, shared GPU": {"source": {"uri": "hf://Qwen/Qwen3-8B", **TOKEN}, "accelerators": SHARED},
    "hub, CPU, facts known": {"source": {"uri": "hf://Qwen/Qwen3-8B"}, "accelerators": CPU},
    "bucket, GPU": {"source": {"uri": "s3://b/m"}, "accelerators": GPU},
    "image": {"source": {"uri": "file:///models/m"}, "accelerators": GPU},
    "volume": {"source": {"uri": "pvc://weights/m"}, "accelerators": GPU},
    "half a token": {"source": {"uri": "hf://Qwen/Qwen3-8B", "tokenSecretRef": {"name": "s"}}, "accelerators": SHARED},
    "nobody knows": {},
}
MORE_TEXTS = {
    # Named in test_diagnosis_words.py and at the rules.
    "killed by Ray": "2 worker(s) were killed due to the node running low on memory. Memory on the node was 7.9GB / 8GB, 99% of "
    "8589934592B limit",
    "weights not whole": "Root cause: SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered",
    "heads": "ValueError: Total number of attention heads (32) must be divisible by tensor parallel size (3).",
    "bfloat16": "Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your T4",
    "capability": "The quantization method fp8 is not supported for the current GPU. Minimum capability: 89. Current capability: 80.",
    "argument": "TypeError: AsyncEngineArgs.__init__() got an unexpected keyword argument 'no_such'",
    "engine died": "RuntimeError: Engine core initialization failed. See root cause above.",
    "no disk": "OSError: [Errno 28] No space left on device",
    "no memory": "DefaultCPUAllocator: can't allocate memory",
}


def _sentences() -> dict[str, dict[str, str]]:
    """Of the first entry all, of the others those that differ from it."""
    texts = {**{name: text_of(name)[0] for name in TEXTS}, **MORE_TEXTS}
    got: dict[str, dict[str, str]] = {}
    for about, entry in ENTRIES.items():
        subject = Subject("model", "chat", "spec.models[0]", entry)
        known = {name: recognised(text, subject) for name, text in texts.items()}
        said = {name: f"{found[0].value}: {found[1]}" for name, found in known.items() if found is not None}
        assert said.keys() == texts.keys(), "no rule knows it"
        first = next(iter(got.values()), {})
        got[about] = {name: text for name, text in said.items() if text != first.get(name)}
    return got


def test_sentences_of_engines(request: pytest.FixtureRequest) -> None:
    got = _sentences()
    if request.config.getoption("--update"):
        WANT.write_text(yaml.safe_dump(got, sort_keys=False, width=150, allow_unicode=True), encoding="utf-8")
    assert yaml.safe_load(WANT.read_text(encoding="utf-8")) == got
