"""What is told while the children of an LLMDeployment are being deleted and something holds them. We never strip a finalizer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from llm_operator.api import names
from llm_operator.api.conditions import truncate
from llm_operator.outcome import Event
from llm_operator.plan.inputs import Object

DELETION_BLOCKED: Final = "DeletionBlocked"
BLOCKED_SECONDS: Final = 120.0
"""A deletion takes as long as its pods' grace period (120 s at most here); KubeRay 1.6.2 removes its own finalizers in seconds."""
_AGAIN_SECONDS: Final = 600.0
# Set by Kubernetes itself, for as long as anything that the object owns is there: that is told of the owned object.
_WAITING: Final = frozenset({"foregroundDeletion", "orphan"})
_WORDS: Final = {
    "ray.io/rayservice-finalizer": "KubeRay removes it: is its operator running, and does it watch this namespace?",
    "ray.io/gcs-ft-redis-cleanup-finalizer": "KubeRay's Job that empties the Redis has not ended: does the Redis answer? KubeRay gives "
    "up after 300 s",
}
_OTHER: Final = "whoever set it must remove it"


@dataclass(frozen=True, slots=True)
class Leaving:
    """`again_after`: seconds until the next look; None when nothing is on its way out."""

    events: tuple[Event, ...] = ()
    again_after: float | None = None


def _age(obj: Object, now: str) -> float:
    return (
        datetime.fromisoformat(now) - datetime.fromisoformat(str(obj["metadata"]["deletionTimestamp"]))
    ).total_seconds()


def _event(obj: Object, finalizers: list[str]) -> Event:
    held = "; ".join(f"{each} ({_WORDS.get(each, _OTHER)})" for each in finalizers)
    metadata = obj["metadata"]
    note = f'{obj.get("kind")} "{metadata["name"]}" is being deleted since {metadata["deletionTimestamp"]} and held by {held}'
    return Event("Warning", DELETION_BLOCKED, truncate(note), action="Delete")


def leaving(objects: Iterable[Object], now: str) -> Leaving:
    """`objects`: what there is of an LLMDeployment that is gone or going, each with its kind."""
    events: list[Event] = []
    waits: list[float] = []
    for obj in objects:
        if "deletionTimestamp" not in obj["metadata"]:
            continue
        finalizers = sorted(set(obj["metadata"].get("finalizers") or ()) - _WAITING)
        left = BLOCKED_SECONDS - _age(obj, now)
        waits.append(left if left > 0 else _AGAIN_SECONDS)
        if finalizers and left <= 0:
            events.append(_event(obj, finalizers))
    return Leaving(tuple(events), min(waits, default=None))


def owner_of(child: Object) -> Object | None:
    """The LLMDeployment that a child belongs to, as far as the child tells: for events about one that is gone."""
    for owner in child["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == names.KIND:
            namespace = child["metadata"]["namespace"]
            return {"metadata": {"name": owner["name"], "namespace": namespace, "uid": owner["uid"]}}
    return None
