"""What is known of a model's size, for causes that are about memory."""

import math

from llm_operator.api import quantity
from llm_operator.plan.presets import size_of
from llm_operator.status.diagnosis.evidence import Subject

_HUB = "hf://"


def weights_gib(subject: Subject) -> float | None:
    """GiB of the published weights of a model; None when nobody knows (plan/data/presets has the facts)."""
    uri = subject.get("source", "uri")
    if subject.kind != "model" or not isinstance(uri, str) or not uri.startswith(_HUB):
        return None
    size = size_of(uri.removeprefix(_HUB))
    return None if size is None else float(size.weight_bytes) / quantity.GIB


def on_cpu(subject: Subject) -> bool:
    """Whether a model runs without accelerators: then weights and KV cache are in the pod's memory."""
    kinds = subject.get("accelerators")
    return isinstance(kinds, list) and any(isinstance(each, dict) and each.get("type") == "CPU" for each in kinds)


def memory_that_fits(subject: Subject) -> str:
    """A quantity of memory that the pod of a CPU model needs at least: three quarters of it hold the weights, one is the KV
    cache (plan/groups.py). "" when nobody knows."""
    weights = weights_gib(subject)
    return f"{math.ceil(weights * 4 / 3) + 1}Gi" if weights is not None and on_cpu(subject) else ""
