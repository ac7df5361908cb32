"""Which pods are read, and which replicas are said to have stalled; time is shrunk by tiny limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from llm_operator.plan.inputs import Stall
from llm_operator.plan.plan import TokenProgressPlan
from llm_operator.plan.probing import Progress
from llm_operator.probe.token_watch import TokenWatch

KEY = ("llm", "chat")


def pod(name: str, **change: Any) -> dict[str, Any]:
    labels = {"llm-operator.io/model": "chat", "ray.io/node-type": "worker", **change.pop("labels", {})}
    metadata = {"name": name, "uid": f"u-{name}", "labels": labels, **change.pop("metadata", {})}
    return {"metadata": metadata, "status": {"phase": "Running", "podIP": f"10.0.0.{name[-1]}", **change}}


def text(**replicas: tuple[int, int]) -> str:
    lines = []
    for name, (running, tokens) in replicas.items():
        lines.append(f'ray_vllm_num_requests_running{{ReplicaId="{name}",engine="0"}} {running}')
        lines.append(f'ray_vllm_generation_tokens_total{{ReplicaId="{name}",engine="0"}} {tokens}')
    return "\n".join(lines)


class World:
    """Pods and their metrics, and the watch over them."""

    def __init__(self) -> None:
        self.pods: list[dict[str, Any]] = []
        self.texts: dict[str, str] = {}
        self.read: list[str] = []
        self.told = 0
        self.watch = TokenWatch(self, lambda key: self.pods if key == KEY else [], self._tell)

    def _tell(self, key: tuple[str, str]) -> None:
        assert key == KEY
        self.told += 1

    async def get_text(self, url: str, *, seconds: float) -> str | None:
        self.read.append(url)
        return self.texts.get(url.split("//")[1].split(":")[0])

    def start(self, seconds: float = 0.2) -> None:
        # The plan says whole seconds; a test must not wait for them.
        policy = TokenProgressPlan(seconds, restart=False, max_restarts_per_hour=1)  # type: ignore[arg-type]
        self.watch.watch(KEY, [Progress("chat", "chat", policy)])

    async def until(self, condition: Callable[[], Any]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, f"did not happen; {self.watch.stalls(KEY)}"
            await asyncio.sleep(0.01)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.watch.close()


async def test_a_stalled_replica_and_its_neighbour(world: World) -> None:
    world.pods = [pod("w1"), pod("w2")]
    world.texts = {"10.0.0.1": text(a=(1, 5), b=(0, 5)), "10.0.0.2": text(c=(1, 5))}
    world.start()
    await world.until(lambda: len(world.watch.stalls(KEY)) == 2)
    assert world.watch.stalls(KEY) == (
        Stall("chat", "w1", "u-w1", "a", alone=False),
        Stall("chat", "w2", "u-w2", "c", alone=True),
    )
    told = world.told
    world.texts = {"10.0.0.1": text(a=(1, 6), b=(0, 5)), "10.0.0.2": text(c=(1, 6))}
    await world.until(lambda: world.watch.stalls(KEY) == ())
    assert world.told > told


async def test_only_running_workers_of_the_model_are_read(world: World) -> None:
    world.pods = [
        pod("w1"),
        pod("w2", labels={"llm-operator.io/model": "other"}),
        pod("w3", labels={"ray.io/node-type": "head"}),
        pod("w4", phase="Pending"),
        pod("w5", podIP=""),
        pod("w6", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ]
    world.start()
    await world.until(lambda: len(world.read) > 2)
    assert set(world.read) == {"http://10.0.0.1:8080/metrics"}


async def test_a_pod_that_does_not_answer_is_left_as_it_was(world: World) -> None:
    world.pods = [pod("w1")]
    world.texts = {"10.0.0.1": text(a=(1, 5))}
    world.start()
    await world.until(lambda: world.watch.stalls(KEY))
    world.texts = {}
    seen = len(world.read)
    await world.until(lambda: len(world.read) > seen + 2)
    assert world.watch.stalls(KEY)
    world.pods = []
    await world.until(lambda: not world.watch.stalls(KEY))


async def test_who_does_not_ask_is_not_read(world: World) -> None:
    world.pods = [pod("w1")]
    world.start()
    await world.until(lambda: world.read)
    world.watch.watch(KEY, ())
    await asyncio.sleep(0)
    seen = len(world.read)
    await asyncio.sleep(0.2)
    assert (len(world.read), world.watch.stalls(KEY)) == (seen, ())
