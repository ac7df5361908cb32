"""The scenarios, each against a fleet of its own: what goes in is the number of objects, what comes out are measured numbers."""

import asyncio
import statistics
import time
from typing import Any, Final

import aiohttp
from bench.contenders import QUICK_LEASE, Place, floor, started
from scale.fleet import Fleet, until
from scale.processes import Operator, Process
from scale.shapes import BODIES

Numbers = dict[str, float]
LATENCY: Final = 0.005
"""Seconds that a write takes at the API server."""
NAMESPACES: Final = 10
MIB, KIB = 2**20, 2**10
_PEERING: Final = {
    "apiVersion": "kopf.dev/v1",
    "kind": "ClusterKopfPeering",
    "metadata": {"name": "default", "namespace": ""},
}


def writes(stats: dict[str, Any]) -> int:
    """Of all objects, without leases, peering and events (which are no part of the budget)."""
    own = ("leases", "clusterkopfpeerings", "events")
    return sum(n["total"] for call, n in stats["writes"].items() if not call.endswith(own))


async def converge(place: Place, kind: str, existing: int, seconds: int) -> Numbers:
    """C1: one new LLMDeployment a second beside `existing` ones. Milliseconds from its creation to a status about it."""
    fleet = place.fleet
    made = place.process(kind, "a")
    await started(made)
    await fleet.do("create", bodies=BODIES, first=0, count=existing, namespaces=NAMESPACES)
    await fleet.converged()
    await made.idle()
    await fleet.do("reset")
    for number in range(existing, existing + seconds):
        await fleet.do("create", bodies=BODIES, first=number, count=1, namespaces=NAMESPACES)
        await asyncio.sleep(1.0)
    await fleet.converged()
    return _quantiles(list((await fleet.do("latencies")).values()))


async def converge_floor(fleet: Fleet, seconds: int) -> Numbers:
    """C1 by the serial client, which is told of each new object."""
    took: list[float] = []
    async with floor(fleet) as client:
        for number in range(seconds):
            await fleet.do("create", bodies=BODIES, first=number, count=1)
            parent = await fleet.do("get", plural="llmdeployments", namespace="team0", name=f"m{number}")
            took.append(await client.one(parent))
            await asyncio.sleep(0.2)
    return _quantiles(took)


def _quantiles(seconds: list[float]) -> Numbers:
    ordered = sorted(seconds)
    return {
        "p50_ms": 1e3 * statistics.median(ordered),
        "p99_ms": 1e3 * ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))],
    }


async def burst(place: Place, kind: str, count: int) -> Numbers:
    """C2 and C3: `count` new ones at once; memory before and after."""
    fleet = place.fleet
    made = place.process(kind, "a")
    await started(made)
    idle, used = made.rss_bytes(), made.cpu_seconds()
    await fleet.do("reset")
    await fleet.do("create", bodies=BODIES, first=0, count=count, namespaces=NAMESPACES)
    await fleet.converged(seconds=800)
    await made.idle()
    stats = await fleet.do("stats")
    requests = sum(n for call, n in stats["calls"].items() if call.startswith("a ") and "lease" not in call)
    return {
        "per_second": count / stats["converge_seconds"],
        "cpu_ms_per_object": 1e3 * (made.cpu_seconds() - used) / count,
        "most_in_flight": stats["most_in_flight"]["a"],
        "requests_per_object": requests / count,
        "idle_mib": idle / MIB,
        "kib_per_object": (made.rss_bytes() - idle) / KIB / count,
    }


async def burst_floor(fleet: Fleet, count: int) -> Numbers:
    """C2 by the serial client."""
    await fleet.do("create", bodies=BODIES, first=0, count=count)
    names = [f"m{number}" for number in range(count)]
    parents = [await fleet.do("get", plural="llmdeployments", namespace="team0", name=name) for name in names]
    async with floor(fleet) as client:
        took = [await client.one(parent) for parent in parents]
    return {"per_second": count / sum(took)}


async def budget(place: Place, kind: str, count: int, flapping: int) -> Numbers:
    """C4: writes per object of each thing that happens to a fleet."""
    fleet = place.fleet
    made = place.process(kind, "a", RESYNC_SECONDS="3600")
    await started(made)
    found: Numbers = {}

    async def counted(what: str, per: float) -> None:
        await made.idle(seconds=800)
        found[what] = writes(await fleet.do("stats")) / per
        await fleet.do("reset")

    await fleet.do("reset")
    await fleet.do("create", bodies=BODIES, first=0, count=count, namespaces=NAMESPACES)
    await fleet.converged(seconds=800)
    await counted("create", count)
    await fleet.do("serve")
    await counted("serve", count)
    await fleet.do("flap", objects=flapping, hertz=10.0, seconds=10.0)
    await fleet.until(lambda stats: not stats["flapping"], what="the flapping ends")
    transitions = (await fleet.do("stats"))["transitions"]
    await counted("flap", transitions)
    await fleet.do("edit", part={"ray": {"head": {"resources": {"cpu": "3", "memory": "12Gi"}}}})
    await fleet.converged(seconds=800)
    await counted("change", count)
    await made.kill()
    made = place.process(kind, "a", RESYNC_SECONDS="20")
    await started(made)
    await counted("restart", count)
    if isinstance(made, Operator):
        await _resynced(made)
        await counted("resync", count)
    await fleet.do("delete")
    await counted("delete", count)
    await made.kill()
    return found


async def _resynced(operator: Operator) -> None:
    async def done() -> float:
        return await operator.metric("llm_operator_resyncs_total")

    before = await done()
    await until(done, lambda number: number > before, what="a re-sync", seconds=300)


async def failover(place: Place, kind: str) -> Numbers:
    """C7: seconds from SIGKILL of the leader to the first object that the other replica handled."""
    fleet = place.fleet
    await _make_peering(fleet)
    first = place.process(kind, "a", **QUICK_LEASE, PRIORITY="2")
    await started(first)
    second = place.process(kind, "b", **QUICK_LEASE, PRIORITY="1")
    await _started_second(second)
    await fleet.do("create", bodies=BODIES, first=0, count=20)
    await fleet.converged()
    await fleet.do("reset")
    await first.kill()
    killed = time.monotonic()
    await fleet.do("create", bodies=BODIES, first=20, count=20)
    await fleet.until(lambda stats: stats["waiting"] < 20, what="the other replica works", seconds=200)
    took = time.monotonic() - killed
    await fleet.converged()
    await second.idle()
    stats = await fleet.do("stats")
    await second.kill()
    twice = sum(n["total"] - n["objects"] for call, n in stats["writes"].items() if call.startswith("apply"))
    return {"seconds": took, "writes_twice": twice}


async def _started_second(made: Process) -> None:
    await made.start()
    if isinstance(made, Operator):
        await made.ready()
    await asyncio.sleep(2.0)
    await made.idle()


async def _make_peering(fleet: Fleet) -> None:
    url = f"{fleet.url}/apis/kopf.dev/v1/clusterkopfpeerings"
    async with aiohttp.ClientSession() as session, session.post(url, json=_PEERING) as answer:
        assert answer.status == 200, await answer.text()
