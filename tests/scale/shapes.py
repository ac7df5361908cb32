"""LLMDeployments of a fleet: a few different shapes, so that one cannot be kept as a copy of another."""

import json
from typing import Any, Final

from builders import LLM, llm


def _shapes() -> list[LLM]:
    env = [{"name": "VLLM_LOGGING_LEVEL", "value": "WARNING"}, {"name": "HF_HUB_DISABLE_TELEMETRY", "value": "1"}]
    return [
        llm("@NAME@"),
        llm("@NAME@").gpu("H100", 2).model(parallelism={"tensor": 2}).scaling(minReplicas=1, maxReplicas=4),
        llm("@NAME@").model(
            resources={"cpu": "6", "memory": "48Gi"}, source={"uri": "hf://org/@NAME@", "revision": "main"}
        ),
        llm("@NAME@").model(engine={"contextLength": 16384, "maxNumSeqs": 64, "env": env}),
        llm("@NAME@").add_model("second", scaling={"minReplicas": 1, "maxReplicas": 2}),
    ]


def bodies() -> list[str]:
    """As JSON, with @NAME@ for the name and without what the API server sets."""

    def body(shape: LLM) -> dict[str, Any]:
        made = shape.object()
        made["metadata"] = {"name": "@NAME@", "namespace": "llm"}
        return made

    return [json.dumps(body(shape)) for shape in _shapes()]


BODIES: Final = bodies()
