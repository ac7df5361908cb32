"""As which version of the rendering a RayService is made: the one that it has, until a new Ray cluster comes anyway."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from llm_operator.api import names
from llm_operator.api.conditions import Reason
from llm_operator.api.way import Way
from llm_operator.plan.inputs import Scope
from llm_operator.render.sticky import Sticky
from llm_operator.rollout.choice import Choice
from llm_operator.rollout.decide import Decision

_NEW_CLUSTER: Final = (Way.NEW_CLUSTER, Way.INCREMENTAL, Way.RECREATE)


def asked(scope: Scope) -> bool:
    """The user wants the newest rendering now, whatever it restarts."""
    annotations = scope.parent["metadata"].get("annotations") or {}
    return annotations.get(names.RENDER_ANNOTATION) == names.RENDER_LATEST


def upgrade(scope: Scope, live: str) -> str | None:
    """What people should know of a RayService that was rendered as version `live`; None when it is the newest."""
    newest = scope.policy.render_version
    if live in ("", newest) or live not in names.RENDER_VERSIONS or asked(scope):
        return None
    return (
        f"rendered as version {live}; version {newest} comes with the next new Ray cluster, or at once, with a new Ray cluster, by the "
        f"annotation {names.RENDER_ANNOTATION}: {names.RENDER_LATEST}"
    )


def versioned(scope: Scope, sticky: Sticky, decide: Callable[[Sticky], Decision]) -> Decision:
    """The decision at the RayService's own version, and with its own time to drain; at the newest, and as the spec says, where the user
    asks for it, or changed something that needs a new Ray cluster. A version of a newer operator is left alone."""
    newest = replace(sticky, render_version=scope.policy.render_version, drain_seconds=0)
    older = sticky.render_version != newest.render_version
    if not sticky.render_version or (older and asked(scope)):
        return decide(newest)
    if sticky.render_version not in names.RENDER_VERSIONS:
        return replace(decide(newest), choice=Choice(Way.HOLD, _unknown(sticky.render_version)))
    decision = decide(sticky)
    edited = scope.status.get("observedGeneration") != scope.generation
    return decide(newest) if (edited or _waited(scope)) and decision.choice.way in _NEW_CLUSTER else decision


def _waited(scope: Scope) -> bool:
    """The change of this generation was held back so far."""
    conditions = scope.status.get("conditions") or ()
    held = (each for each in conditions if each.get("reason") == Reason.CHANGE_HELD.value)
    return any(each.get("observedGeneration") == scope.generation for each in held)


def _unknown(version: str) -> str:
    return (
        f"the RayService was rendered as version {version} by a newer operator, and this one knows {', '.join(names.RENDER_VERSIONS)}: "
        f"install the newer one again, or give its rendering up (new Ray cluster) by the annotation {names.RENDER_ANNOTATION}: "
        f"{names.RENDER_LATEST}"
    )
