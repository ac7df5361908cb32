"""Specs that served, as ControllerRevisions: the newest is the one to go back to."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_operator.plan.inputs import Object, Scope
from llm_operator.plan.ownership import owned
from llm_operator.render.sticky import Retry, Sticky

API_VERSION: Final = "apps/v1"
KIND: Final = "ControllerRevision"
# What a rollback puts back. The rest (rollout, paused, ...) says how, and stays the user's newest word.
WORKLOAD: Final = ("models", "applications", "performance", "scheduling", "ray")


@dataclass(frozen=True, slots=True)
class Revision:
    """One spec that served."""

    name: str
    number: int
    """Rises with every spec that serves; of a spec that serves again, too."""
    spec: Mapping[str, Any]
    """Its workload part, as the user wrote it."""
    sticky: Sticky

    @property
    def data(self) -> dict[str, Any]:
        """Of the ControllerRevision. One text, since the operator holds the revisions of all objects in memory."""
        retries = {name: [retry.code, retry.number] for name, retry in self.sticky.retries.items()}
        kept: dict[str, Any] = {
            "forced": self.sticky.forced,
            "restartedAt": self.sticky.restarted_at,
            "retries": retries,
        }
        kept["renderVersion"] = self.sticky.render_version
        if self.sticky.drain_seconds:  # else as operators before it wrote it: no other name for the same
            kept["drainSeconds"] = self.sticky.drain_seconds
        return {"served": json.dumps({"spec": self.spec, "rendered": kept}, sort_keys=True, separators=(",", ":"))}

    @property
    def manifest(self) -> dict[str, Any]:
        """To be stamped as a child (render.children)."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": self.name},
            "data": self.data,
            "revision": self.number,
        }


def workload(spec: Any) -> dict[str, Any]:
    """The part of a spec that a revision keeps."""
    return {key: spec[key] for key in WORKLOAD if key in spec} if isinstance(spec, Mapping) else {}


def _name(owner: str, data: Mapping[str, Any]) -> str:
    return f"{owner}-{hashlib.sha256(str(data['served']).encode()).hexdigest()[:10]}"


def _read(obj: Object) -> Revision | None:
    try:
        served = json.loads(obj["data"]["served"])
        kept = served["rendered"]
        retries = {str(name): Retry(str(code), int(number)) for name, (code, number) in kept["retries"].items()}
        sticky = Sticky(
            str(kept["forced"]),
            str(kept["restartedAt"]),
            retries,
            str(kept["renderVersion"]),
            int(kept.get("drainSeconds", 0)),
        )
        return Revision(str(obj["metadata"]["name"]), int(obj["revision"]), dict(served["spec"]), sticky)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None  # somebody else's idea of a revision


def revisions(scope: Scope) -> tuple[Revision, ...]:
    """Those of this LLMDeployment that can be read, the newest first."""
    ours = (obj for obj in scope.others if obj.get("kind") == KIND and owned(scope, obj))
    found = (_read(obj) for obj in ours if "deletionTimestamp" not in obj["metadata"])
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.number, reverse=True))


def served(scope: Scope, sticky: Sticky) -> Revision:
    """The revision of what serves now: the user's spec of this scope."""
    spec = workload(scope.parent.get("spec"))
    known, sticky = revisions(scope), replace(sticky, head_serves=False)
    draft = Revision("", 0, spec, sticky)
    name = _name(scope.name, draft.data)
    newest = known[0] if known else None
    if newest is not None and newest.name == name:
        return newest
    return Revision(name, (newest.number if newest is not None else 0) + 1, spec, sticky)


def kept(scope: Scope, current: Revision | None, limit: int) -> tuple[Revision, ...]:
    """All that should be there: `current` (what serves now, if anything new does) and the newest others, `limit` in all."""
    others = [each for each in revisions(scope) if current is None or each.name != current.name]
    return tuple([current, *others] if current is not None else others)[:limit]
