"""Reads the metrics of the pods of those models that ask for it, and says which replicas have stalled."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from llm_operator.api.names import MODEL_LABEL, RAY_NODE_TYPE_LABEL
from llm_operator.plan.inputs import Object, Stall
from llm_operator.plan.probing import Progress
from llm_operator.probe.progress import ProgressOfPod
from llm_operator.probe.replica_metrics import replica_loads

Key: TypeAlias = tuple[str, str]
METRICS_PORT: Final = 8080
READINGS_PER_STALL: Final = 4
_LIMIT_SECONDS: Final = 5.0
_CONCURRENCY: Final = 32
_logger = logging.getLogger(__name__)


class Reading(Protocol):
    """What is needed of probe.asking.Client."""

    async def get_text(self, url: str, *, seconds: float) -> str | None:
        """See Client."""
        ...


class _Model:
    """One model's pods (by uid) and what was last said of them."""

    def __init__(self, key: Key, progress: Progress) -> None:
        self.key, self.progress = key, progress
        self.pods: dict[str, ProgressOfPod] = {}
        self.stalls: tuple[Stall, ...] = ()
        self.task: asyncio.Task[None] | None = None


class TokenWatch:
    """`pods` gives the pods of an LLMDeployment as last seen. A pod whose metrics do not answer is left as it was."""

    def __init__(
        self, client: Reading, pods: Callable[[Key], Sequence[Object]], ask_for: Callable[[Key], None]
    ) -> None:
        self._client, self._pods, self._ask_for = client, pods, ask_for
        self._models: dict[Key, dict[str, _Model]] = {}
        self._slots = asyncio.Semaphore(_CONCURRENCY)

    def watch(self, key: Key, progress: Iterable[Progress]) -> None:
        """From now on these models, instead of those of before."""
        before, now = self._models.get(key, {}), {}
        for each in progress:
            old = before.pop(each.model, None)
            if old is not None and old.progress == each:
                now[each.model] = old
                continue
            if old is not None:
                _stop(old)
            now[each.model] = made = _Model(key, each)
            made.task = asyncio.create_task(self._run(made), name=f"tokens {'/'.join(key)} {each.model}")
        for gone in before.values():
            _stop(gone)
        if now:
            self._models[key] = now
        else:
            self._models.pop(key, None)

    def stalls(self, key: Key) -> tuple[Stall, ...]:
        """Stalled replicas of one LLMDeployment."""
        return tuple(stall for model in self._models.get(key, {}).values() for stall in model.stalls)

    def close(self) -> None:
        """Ends all reading."""
        for key in list(self._models):
            self.watch(key, ())

    async def _run(self, model: _Model) -> None:
        while True:
            try:
                await self._look(model)
            except Exception:
                _logger.exception("tokens could not be counted, by a defect of the operator")
            await asyncio.sleep(model.progress.policy.stall_seconds / READINGS_PER_STALL)

    async def _look(self, model: _Model) -> None:
        pods = {pod["metadata"]["uid"]: pod for pod in self._pods(model.key) if _runs(pod, model.progress.owner)}
        for gone in model.pods.keys() - pods.keys():
            del model.pods[gone]
        await asyncio.gather(*(self._read(model, uid, pod) for uid, pod in pods.items()))
        now, seconds = asyncio.get_running_loop().time(), model.progress.policy.stall_seconds
        stalls = tuple(
            Stall(model.progress.model, pods[uid]["metadata"]["name"], uid, replica, found.replicas == 1)
            for uid, found in sorted(model.pods.items())
            for replica in found.stalled(now, seconds=seconds)
        )
        if stalls != model.stalls:
            model.stalls = stalls
            self._ask_for(model.key)

    async def _read(self, model: _Model, uid: str, pod: Object) -> None:
        async with self._slots:
            text = await self._client.get_text(_url(pod), seconds=_LIMIT_SECONDS)
        if text is None:
            return
        try:
            loads = replica_loads(text)
        except ValueError as error:
            _logger.warning("metrics of pod %s are not readable: %s", pod["metadata"]["name"], error)
            return
        model.pods.setdefault(uid, ProgressOfPod()).look(loads, asyncio.get_running_loop().time())


def _stop(model: _Model) -> None:
    if model.task is not None:
        model.task.cancel()


def _url(pod: Object) -> str:
    address: Any = pod["status"]["podIP"]
    return (
        f"http://[{address}]:{METRICS_PORT}/metrics" if ":" in address else f"http://{address}:{METRICS_PORT}/metrics"
    )


def _runs(pod: Object, owner: str) -> bool:
    """A worker pod of the model that has an address and is not on its way out."""
    labels, status = pod["metadata"].get("labels") or {}, pod.get("status") or {}
    mine = labels.get(MODEL_LABEL) == owner and labels.get(RAY_NODE_TYPE_LABEL) == "worker"
    alive = status.get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    return bool(mine and alive and status.get("podIP"))
