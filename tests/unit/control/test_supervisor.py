"""The supervisor gives up only after many quick failures in a row."""

from typing import Any

import pytest
from llm_operator.config import Config
from llm_operator.control import supervisor
from llm_operator.control.caches import Caches
from llm_operator.control.queue import WorkQueue
from llm_operator.control.resync import Resync
from llm_operator.control.supervisor import MAX_QUICK_FAILURES, Supervisor, WatchesFailed
from llm_operator.kube.errors import Unavailable
from llm_operator.obs.metrics import Metrics


class Down:
    """A cluster that cannot be asked."""

    asked = 0

    async def is_served(self, resource: Any) -> bool:
        self.asked += 1
        raise Unavailable(0, "ConnectionFailed", "down")


async def test_gives_up_after_quick_failures_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_BACKOFF_LEAST", 0.001)
    monkeypatch.setattr(supervisor, "_BACKOFF_MOST", 0.001)
    cluster: Any = Down()
    metrics = Metrics()
    caches = Caches(WorkQueue(least=1, most=1, jitter=lambda: 0.0))
    resync = Resync(cluster, caches, metrics, period=600, jitter=lambda: 0.0)
    watched = Supervisor(Config.from_environment({}), cluster, caches, resync, metrics, jitter=lambda: 0.0)
    with pytest.raises(WatchesFailed, match="ConnectionFailed: down"):
        await watched.run()
    assert cluster.asked == MAX_QUICK_FAILURES
    assert "down" in (watched.problem or "")
    assert not caches.warm.is_set()
