"""Where images come from: the environment's word, else what the registries answer."""

from __future__ import annotations

import threading
import time

import pytest
from cluster.shell import ClusterError
from cluster.source import REGISTRIES, Source, choose


def _never(url: str) -> bool:
    raise AssertionError(f"{url} was probed")


@pytest.mark.parametrize(
    ("unreachable", "expected"),
    [
        (set(), Source.PULL),
        ({REGISTRIES[0]}, Source.BUILD),
        ({REGISTRIES[1]}, Source.BUILD),
        (set(REGISTRIES), Source.BUILD),
    ],
    ids=["all-answer", "no-docker-hub", "no-quay", "none-answers"],
)
def test_pulls_only_when_every_registry_answers(unreachable: set[str], expected: Source) -> None:
    assert choose({}, lambda url: url not in unreachable) is expected


@pytest.mark.parametrize("word", ["pull", "build"])
def test_the_environment_decides_without_a_probe(word: str) -> None:
    assert choose({"SOURCE": word}, _never) is Source(word)


def test_another_word_is_refused_with_what_to_say() -> None:
    with pytest.raises(ClusterError, match=r"SOURCE=download: say SOURCE=pull or SOURCE=build"):
        choose({"SOURCE": "download"}, _never)


def test_registries_are_probed_at_the_same_time() -> None:
    meet = threading.Barrier(len(REGISTRIES), timeout=10)

    def probe(url: str) -> bool:
        meet.wait()  # raises BrokenBarrierError unless all probes run at once
        return True

    began = time.monotonic()
    assert choose({}, probe) is Source.PULL
    assert time.monotonic() - began < 10
