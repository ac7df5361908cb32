"""Custom applications whose actors fit their pods."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st
from llm_operator.api.crd import spec_schema
from unit.drawing.hardware import entry, scaling
from unit.drawing.schema import Schema, values

IMPORT_PATH: Final = "my_app.main:build"
_APPLICATION: Final[Schema] = spec_schema()["properties"]["applications"]["items"]
_DEPLOYMENT: Final[Schema] = _APPLICATION["properties"]["deployments"]["items"]


@st.composite
def _deployment(draw: st.DrawFn, name: str, gpus: int) -> dict[str, Any]:
    made: dict[str, Any] = draw(values(_DEPLOYMENT, ("deployments",), frozenset({"name", "scaling"})))
    made["name"] = name
    if draw(st.booleans()):
        made.pop("replicas", None)
        made["scaling"] = draw(scaling())
        made["scaling"].pop("maxOngoingRequests", None)
        made["scaling"].pop("maxQueuedRequests", None)
        most = made.get("maxOngoingRequests")
        if most is not None:
            made["scaling"]["targetOngoingRequests"] = min(most, 8)
    made.get("actor", {}).pop("gpu", None)
    if gpus:
        made.setdefault("actor", {})["gpu"] = draw(st.sampled_from([0.5, 1, gpus]))
    return made


@st.composite
def applications(draw: st.DrawFn) -> dict[str, Any]:
    """Without name and route."""
    made: dict[str, Any] = draw(
        values(_APPLICATION, ("applications",), frozenset({"name", "routePrefix", "workers", "deployments"}))
    )
    gpus = draw(st.sampled_from([0, 0, 1, 2]))
    workers = draw(values(_APPLICATION["properties"]["workers"], ("workers",), frozenset({"accelerators"})))
    workers["resources"] = {**workers.get("resources", {}), "cpu": draw(st.sampled_from(["2", "8"]))}
    if gpus:
        workers["accelerators"] = [draw(entry("H100", gpus))]
    elif draw(st.booleans()):
        workers["accelerators"] = [draw(entry("CPU"))]
    names = draw(st.lists(st.sampled_from(["Main", "A.b", "c:d"]), min_size=1, max_size=2, unique=True))
    deployments = [draw(_deployment(name, gpus)) for name in names]
    return {**made, "importPath": IMPORT_PATH, "workers": workers, "deployments": deployments}
