"""The workers: many looks in a row leave room for everything else."""

import asyncio
from typing import Any

from llm_operator.control.caches import Caches
from llm_operator.control.leader import AlwaysLeader
from llm_operator.control.queue import WorkQueue
from llm_operator.control.worker import Workers
from llm_operator.obs.metrics import Metrics

KEYS = [("llm", f"x{number}") for number in range(50)]


async def test_looks_that_wait_for_nothing_let_the_lease_be_renewed_in_between() -> None:
    queue = WorkQueue(least=1.0, most=300.0, jitter=lambda: 0.5)
    caches = Caches(queue)
    caches.warm.set()
    turns = 0
    seen: list[int] = []

    class Reconciler:
        async def reconcile(self, key: Any) -> None:
            seen.append(turns)

    reconciler: Any = Reconciler()
    workers = Workers(queue, caches, AlwaysLeader(), reconciler, Metrics())
    for key in KEYS:
        queue.add(key)
    running = asyncio.create_task(workers.run())
    async with asyncio.timeout(5):
        while len(seen) < len(KEYS):
            await asyncio.sleep(0)
            turns += 1
    running.cancel()
    assert len(set(seen)) == len(KEYS)
