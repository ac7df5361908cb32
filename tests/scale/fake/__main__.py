"""`python -m scale.fake`: prints its port, then serves until it is killed. Control: POST /_/<command> with JSON."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from scale.fake.api import Api, Call, Counts
from scale.fake.http import Connection, Request
from scale.fake.kuberay import Player
from scale.fake.store import Address, Store, Stored


class Control:
    """The commands of the harness. Measures for each LLMDeployment the time from its creation to its first status about
    its newest generation."""

    def __init__(self, store: Store, api: Api) -> None:
        self._store, self._api, self._player = store, api, Player(store)
        self._waiting: dict[tuple[str, str], float] = {}
        self._latencies: dict[str, float] = {}
        self._first_created: float = 0.0
        self._last_converged: float = 0.0
        api.on_write = self._written

    async def __call__(self, request: Request) -> Any:
        """Runs the command that the path names."""
        command: Callable[..., Awaitable[Any]] = getattr(self, "do_" + request.path.removeprefix("/_/"))
        return await command(**request.json())

    async def do_create(self, bodies: list[str], first: int, count: int, namespaces: int = 1, prefix: str = "m") -> Any:
        """Creates LLMDeployments `<prefix><first>`…; the bodies take turns, and @NAME@ in them becomes the name."""
        for number in range(first, first + count):
            name, namespace = f"{prefix}{number}", f"team{number % namespaces}"
            body = json.loads(bodies[number % len(bodies)].replace("@NAME@", name))
            body["metadata"] |= {"name": name, "namespace": namespace}
            self._expect(namespace, name)
            self._store.create("llmdeployments", body)
            await asyncio.sleep(0)  # the requests' turn
        return {"total": self._store.count("llmdeployments")}

    async def do_edit(self, part: dict[str, Any]) -> Any:
        """Merges into the spec of every LLMDeployment."""
        for at, _ in self._store.each("llmdeployments"):
            self._expect(at.namespace, at.name)
            self._store.merge(at, {"spec": part})
            await asyncio.sleep(0)
        return {}

    async def do_delete(self) -> Any:
        """Deletes all LLMDeployments, and with them what they own."""
        for at, _ in self._store.each("llmdeployments"):
            self._store.delete(at)
            await asyncio.sleep(0)
        return {}

    async def do_serve(self, count: int = 1_000_000) -> Any:
        """KubeRay makes RayServices serve."""
        return {"served": await self._player.serve(count)}

    async def do_flap(self, objects: int, hertz: float, seconds: float, state: str = "UNHEALTHY") -> Any:
        """Starts to flap."""
        self._player.flap(objects=objects, hertz=hertz, seconds=seconds, state=state)
        return {}

    async def do_expire(self) -> Any:
        """The Leases as they are may be taken after a second without news of their holders."""
        for at, _ in self._store.each("leases"):
            self._store.merge(at, {"spec": {"leaseDurationSeconds": 1}})
        return {}

    async def do_latency(self, seconds: float) -> Any:
        """Time that every write takes from now on."""
        self._api.latency = seconds
        return {}

    async def do_reset(self) -> Any:
        """Counts from 0."""
        in_flight = self._api.counts.in_flight
        self._api.counts = Counts(in_flight=in_flight)
        self._latencies.clear()
        self._first_created = self._last_converged = 0.0
        return {}

    async def do_stats(self) -> Any:
        """All counts."""
        counts = dict(vars(self._api.counts))
        writes: dict[str, list[int]] = {}
        for key, number in counts.pop("writes").items():
            verb, resource, _ = key.split(" ", 2)
            writes.setdefault(f"{verb} {resource}", []).append(number)
        return {
            **counts,
            "writes": {key: {"objects": len(n), "total": sum(n), "most": max(n)} for key, n in writes.items()},
            "objects": {plural: self._store.count(plural) for plural in
                        ("llmdeployments", "rayservices", "rayclusters", "pods", "events")},
            "waiting": len(self._waiting),
            "converge_seconds": self._last_converged - self._first_created,
            "flapping": self._player.flapping,
            "transitions": self._player.transitions,
        }  # fmt: skip

    async def do_latencies(self) -> Any:
        """Seconds from creation to convergence of each LLMDeployment since the last reset."""
        return self._latencies

    async def do_ready(self) -> Any:
        """How many LLMDeployments have the condition Ready, by its status."""
        found: dict[str, int] = {}
        for _, stored in self._store.each("llmdeployments"):
            conditions = stored.part("status").get("conditions") or ()
            ready = next((entry["status"] for entry in conditions if entry["type"] == "Ready"), "Unknown")
            found[ready] = found.get(ready, 0) + 1
        return found

    async def do_get(self, plural: str, namespace: str, name: str) -> Any:
        """One object; null when it is not there."""
        stored = self._store.get(Address(plural, namespace, name))
        return json.loads(stored.encoded) if stored is not None else None

    def _expect(self, namespace: str, name: str) -> None:
        now = time.monotonic()
        self._waiting[namespace, name] = now
        self._first_created = self._first_created or now

    def _written(self, call: Call, stored: Stored) -> None:
        at = call.at
        if call.resource == "rayservices":
            asyncio.get_running_loop().call_soon(self._player.look, at, stored)
        if call.resource != "llmdeployments/status" or (at.namespace, at.name) not in self._waiting:
            return
        seen = stored.part("status").get("observedGeneration")
        child = self._store.get(Address("rayservices", at.namespace, at.name))
        if seen == stored.metadata["generation"] and child is not None:
            now = time.monotonic()
            self._latencies[f"{at.namespace}/{at.name}"] = now - self._waiting.pop((at.namespace, at.name))
            self._last_converged = now


async def _main() -> None:
    store = Store()
    api = Api(store)
    api.admin = Control(store, api)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(api.handle), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
