"""What a Ray pod's metrics say of the engines in it. Pure: text in, numbers out. Tests: tests/unit/probe/test_replica_metrics.py.

Names as Ray 2.60.0 exports vLLM 0.29.0's (vllm/v1/metrics/ray_wrappers.py: ":" becomes "_"; Ray puts `ray_` before it).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

_RUNNING: Final = "ray_vllm_num_requests_running"
# A long prompt is read for many steps before its first token: these count the tokens of steps and of prompts too.
_TOKENS: Final = frozenset(
    {"ray_vllm_generation_tokens_total", "ray_vllm_prompt_tokens_total", "ray_vllm_iteration_tokens_total_sum"}
)


@dataclass(frozen=True, slots=True)
class Load:
    """One replica at one moment."""

    running: float
    """Requests in the engine's batches."""
    tokens: float
    """All that it has processed so far; only differences mean something."""


def replica_loads(text: str) -> Mapping[str, Load]:
    """Replica → its load, of the replicas whose gauge is there: Ray forgets that of a replica that has ended. Raises
    ValueError for a text in another format."""
    running: dict[str, float] = {}
    tokens: dict[str, float] = {}
    for family in text_string_to_metric_families(_only_of_engines(text)):
        for sample in family.samples:
            replica = sample.labels.get("ReplicaId", "")
            if not replica:
                continue
            if sample.name == _RUNNING:
                running[replica] = running.get(replica, 0.0) + sample.value
            elif sample.name in _TOKENS:
                tokens[replica] = tokens.get(replica, 0.0) + sample.value
    return {replica: Load(number, tokens.get(replica, 0.0)) for replica, number in running.items()}


def _only_of_engines(text: str) -> str:
    """A Ray pod exports thousands of lines; parsing them all costs 100 times more than these."""
    names = (_RUNNING, *_TOKENS)
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith(names))
