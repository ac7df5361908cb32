"""How the tests on a cluster wait: a look that fails is repeated, and what was seen last is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cluster.shell import ClusterError
from e2e import kube


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "_POLL_SECONDS", 0.0)


def _looks(*found: str | Exception) -> Callable[[], str]:
    left = iter(found)

    def look() -> str:
        seen = next(left)
        if isinstance(seen, Exception):
            raise seen
        return seen

    return look


def test_a_look_that_fails_is_repeated() -> None:
    assert kube.until("it is so", _looks("", ClusterError("busy"), "", "so"), seconds=60) == "so"


def test_a_look_that_always_fails_is_said_at_the_end() -> None:
    with pytest.raises(ClusterError, match=r"it is so: not so after -1 s; last seen: .*busy"):
        kube.until("it is so", _looks(ClusterError("busy")), seconds=-1)


def test_what_is_plainly_wrong_fails_at_once() -> None:
    with pytest.raises(AssertionError, match="gone"):
        kube.until("it is so", _looks(AssertionError("gone"), "so"), seconds=60)
