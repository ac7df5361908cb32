"""Versions of the rendering, and what each changed. An object keeps the one that it was made with (stages/versions.py), so a new
operator restarts nothing; tests/golden/render-N holds what version N made.

| version | what it brought |
|---|---|
| 1 | the first |
| 2 | pods without the variables of Services (enableServiceLinks): a Service named `vllm` gave VLLM_PORT=tcp://..., on which vLLM ends |
| 3 | workers whose pod is deleted may end requests as long as gracefulShutdownSeconds says (render/drain.py): Ray's own 30 s cut longer ones |
"""

from typing import Any, Final

from llm_operator.api import names
from llm_operator.plan.inputs import Object
from llm_operator.plan.plan import Plan

_FIRST: Final = names.RENDER_VERSIONS[0]


def number(version: str) -> int:
    """Versions in their order; one that this operator does not know is newer than all."""
    known = names.RENDER_VERSIONS
    return known.index(version) + 1 if version in known else len(known) + 1


def version_of(child: Object | None) -> str:
    """What a live RayService of ours was rendered as; empty when there is none."""
    if child is None:
        return ""
    annotations = child["metadata"].get("annotations") or {}
    return str(annotations.get(names.RENDER_VERSION_ANNOTATION) or _FIRST)


def version_annotation(plan: Plan) -> dict[str, str]:
    """Of the RayService. The first version had none."""
    return {} if plan.render_version == _FIRST else {names.RENDER_VERSION_ANNOTATION: plan.render_version}


def service_links(plan: Plan) -> dict[str, Any]:
    """Of every pod of Ray."""
    return {"enableServiceLinks": False} if number(plan.render_version) >= 2 else {}
