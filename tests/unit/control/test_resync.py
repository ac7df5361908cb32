"""What a re-sync forgets, and what it does not although a list says so."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import pytest
from llm_operator.control.caches import Caches
from llm_operator.control.queue import WorkQueue
from llm_operator.control.resync import Resync
from llm_operator.kube.client import Cluster, ObjectKey
from llm_operator.kube.resources import CONTROLLERREVISIONS, Resource
from llm_operator.obs.metrics import Metrics


class Api:
    """Lists `listed`, knows `there` (both: uid by name)."""

    def __init__(self, listed: Mapping[str, str], there: Mapping[str, str]) -> None:
        self.listed, self.there, self.gets = listed, there, 0

    async def list_keys(self, _: Resource) -> AsyncIterator[ObjectKey]:
        for name, uid in self.listed.items():
            yield ObjectKey("ns", name, uid)

    async def get(self, _: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        self.gets += 1
        return revision(name, self.there[name]) if name in self.there else None


def revision(name: str, uid: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": "1"}}


async def forgotten(api: Api, known: Mapping[str, str]) -> set[str]:
    """Names that are not known any more after a re-sync."""
    caches = Caches(WorkQueue(least=1, most=1, jitter=lambda: 0.0))
    caches.served = frozenset({CONTROLLERREVISIONS})
    for name, uid in known.items():
        caches.observe(CONTROLLERREVISIONS, revision(name, uid), deleted=False)
    await Resync(cast("Cluster", api), caches, Metrics(), period=1, jitter=lambda: 0.0).once()
    return set(known) - {name for _, name in caches.of(CONTROLLERREVISIONS).uids()}


@pytest.mark.parametrize(
    ("there", "gone"),
    [({}, {"b"}), ({"b": "2"}, set()), ({"b": "another"}, {"b"})],
    ids=["deleted", "a list that is behind", "made again"],
)
async def test_what_a_list_does_not_know_is_asked_for(there: dict[str, str], gone: set[str]) -> None:
    api = Api({"a": "1"}, there)
    assert await forgotten(api, {"a": "1", "b": "2"}) == gone
    assert api.gets == 1


async def test_deletion_of_many_is_believed() -> None:
    known = {f"r{number}": str(number) for number in range(21)}
    api = Api({}, known)
    assert await forgotten(api, known) == set(known)
    assert api.gets == 0
