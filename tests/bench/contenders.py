"""What is compared: the operator, the naive kopf operator, and a serial client as the floor."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp
from llm_operator.plan.inputs import Scope
from llm_operator.sync import sync
from scale.fleet import Fleet
from scale.processes import PYTHON, Operator, Process

OPERATOR: Final = "operator"
NAIVE: Final = "naive"
FLOOR: Final = "floor"
QUICK_LEASE: Final = {"LEASE_SECONDS": "12", "RENEW_DEADLINE_SECONDS": "8", "LEASE_RETRY_SECONDS": "2"}
"""As by default; the other scenarios have long ones, so that a busy machine does not cost the Lease."""
_APPLY: Final = {"Content-Type": "application/apply-patch+yaml", "Authorization": f"Bearer {FLOOR}"}
_QUERY: Final = "fieldManager=llm-operator&force=true"


@dataclass
class Place:
    """A fleet of its own, and the processes that work on it."""

    fleet: Fleet
    folder: Path
    made: list[Process] = field(default_factory=list)

    def process(self, kind: str, identity: str, **settings: str) -> Process:
        """One that is not started yet. `settings` are the operator's, but PRIORITY, which is all that the naive one takes."""
        priority = settings.pop("PRIORITY", None)
        if kind == OPERATOR:
            made: Process = Operator(self.fleet, self.folder, identity, **settings)
        else:
            given = {"NAIVE_PRIORITY": priority} if priority else {}
            made = Process(self.fleet, self.folder, identity, [PYTHON, "-m", "bench.naive"], **given)
        self.made.append(made)
        return made


@asynccontextmanager
async def place(*, latency: float) -> AsyncIterator[Place]:
    """An empty one, whose writes take `latency` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        async with Fleet() as fleet:
            await fleet.do("latency", seconds=latency)
            found = Place(fleet, Path(folder))
            try:
                yield found
            finally:
                await asyncio.gather(*(made.kill() for made in found.made))


class Floor:
    """One client without any watch or thought: it knows what to write, and writes one object after the other."""

    def __init__(self, fleet: Fleet, session: aiohttp.ClientSession) -> None:
        self._url, self._session = fleet.url, session

    async def one(self, parent: dict[str, Any]) -> float:
        """Seconds from now until the children of one LLMDeployment and its status are written."""
        scope = Scope(parent=parent, now="2026-01-01T00:00:00Z")
        outcome = sync(scope)
        applied = outcome.apply or {}
        stored = {**applied, "metadata": {**applied["metadata"], "uid": "u", "generation": 1, "resourceVersion": "1"}}
        after = sync(replace(scope, child=stored, applied=True))
        assert after.objects, "nothing beside the RayService: the operator has more to write"
        status = {**after.status, "observedGeneration": parent["metadata"]["generation"]}
        metadata = {key: parent["metadata"][key] for key in ("name", "namespace")}
        writes = [
            ("ray.io/v1", "rayservices", "", applied),
            *(("policy/v1", "poddisruptionbudgets", "", child) for child in after.objects),
            ("llm-operator.io/v1alpha1", "llmdeployments", "/status", {"metadata": metadata, "status": status}),
        ]
        requests = [(self._path(api, plural, body, below), json.dumps(body)) for api, plural, below, body in writes]
        begin = time.monotonic()
        for url, data in requests:
            async with self._session.patch(url, data=data, headers=_APPLY) as answer:
                assert answer.status == 200, await answer.text()
                await answer.read()
        return time.monotonic() - begin

    def _path(self, api: str, plural: str, body: dict[str, Any], below: str) -> str:
        metadata = body["metadata"]
        where = f"{metadata['namespace']}/{plural}/{metadata['name']}{below}"
        return f"{self._url}/apis/{api}/namespaces/{where}?{_QUERY}"


@asynccontextmanager
async def floor(fleet: Fleet) -> AsyncIterator[Floor]:
    """With its one connection."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        yield Floor(fleet, session)


async def started(made: Process) -> Process:
    """Started, and done with its start."""
    await made.start()
    if isinstance(made, Operator):
        await made.leads()
    await asyncio.sleep(2.0)  # the naive one has no readiness to ask for
    await made.idle()
    return made
