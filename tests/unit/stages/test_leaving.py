"""What is told of children that are being deleted, and when it is looked at again."""

from typing import Any

import pytest
from llm_operator.outcome import Event
from llm_operator.stages.leaving import Leaving, leaving, owner_of

NOW = "2026-01-01T00:10:00Z"


def _obj(kind: str, name: str, since: str | None = None, *finalizers: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"namespace": "llm", "name": name}
    if since is not None:
        metadata |= {"deletionTimestamp": since}
    if finalizers:
        metadata |= {"finalizers": list(finalizers)}
    return {"kind": kind, "metadata": metadata}


def _told(note: str) -> Event:
    return Event("Warning", "DeletionBlocked", note, action="Delete")


@pytest.mark.parametrize(
    ("objects", "wanted"),
    [
        ([], Leaving()),
        ([_obj("Pod", "a")], Leaving()),
        # Young: it is looked at when it is 120 s old.
        ([_obj("Pod", "a", "2026-01-01T00:09:00Z", "x/y")], Leaving(again_after=60.0)),
        ([_obj("Pod", "a", "2026-01-01T00:08:01Z", "x/y")], Leaving(again_after=1.0)),
        # As old as that: told, and again in 10 minutes.
        (
            [_obj("Pod", "a", "2026-01-01T00:08:00Z", "x/y")],
            Leaving(
                (
                    _told(
                        'Pod "a" is being deleted since 2026-01-01T00:08:00Z and held by x/y (whoever set it must remove it)'
                    ),
                ),
                600.0,
            ),
        ),
        # Nothing holds it but what Kubernetes itself has set.
        ([_obj("Pod", "a", "2026-01-01T00:00:00Z")], Leaving(again_after=600.0)),
        ([_obj("Pod", "a", "2026-01-01T00:00:00Z", "foregroundDeletion", "orphan")], Leaving(again_after=600.0)),
        # The earliest counts, and one that stays does not end the look at the others.
        (
            [
                _obj("Pod", "stays"),
                _obj("Pod", "a", "2026-01-01T00:09:00Z"),
                _obj("Pod", "b", "2026-01-01T00:08:30Z"),
                _obj("Pod", "c", "2026-01-01T00:00:00Z"),
            ],
            Leaving(again_after=30.0),
        ),
        (
            [
                _obj(
                    "RayService",
                    "chat",
                    "2026-01-01T00:00:00Z",
                    "ray.io/rayservice-finalizer",
                    "foregroundDeletion",
                    "a/b",
                ),
                _obj("RayCluster", "chat-a", "2026-01-01T00:00:00Z", "ray.io/gcs-ft-redis-cleanup-finalizer"),
            ],
            Leaving(
                (
                    _told(
                        'RayService "chat" is being deleted since 2026-01-01T00:00:00Z and held by a/b (whoever set it must '
                        "remove it); ray.io/rayservice-finalizer (KubeRay removes it: is its operator running, and does it "
                        "watch this namespace?)"
                    ),
                    _told(
                        'RayCluster "chat-a" is being deleted since 2026-01-01T00:00:00Z and held by '
                        "ray.io/gcs-ft-redis-cleanup-finalizer (KubeRay's Job that empties the Redis has not ended: does the "
                        "Redis answer? KubeRay gives up after 300 s)"
                    ),
                ),
                600.0,
            ),
        ),
    ],
)
def test_leaving(objects: list[dict[str, Any]], wanted: Leaving) -> None:
    assert leaving(objects, NOW) == wanted


def test_the_owner_is_what_the_child_says() -> None:
    child = _obj("RayService", "chat")
    assert owner_of(child) is None
    child["metadata"]["ownerReferences"] = [{"kind": "Other", "name": "x", "uid": "1"}]
    assert owner_of(child) is None
    child["metadata"]["ownerReferences"].append({"kind": "LLMDeployment", "name": "mine", "uid": "2"})
    assert owner_of(child) == {"metadata": {"name": "mine", "namespace": "llm", "uid": "2"}}
