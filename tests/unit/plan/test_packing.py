"""Pods for a set of actors: known cases, and that no order of placement gets stuck with the most pods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_operator.plan.packing import Need, Pod, Room, fewest_pods, fits, most_pods, units


def actors(*sizes: tuple[float, float]) -> list[Need]:
    return [Need(gpu=units(gpu), cpu=units(cpu), memory=0) for cpu, gpu in sizes]


def room(cpu: int, gpus: int = 0) -> Room:
    return Room(cpu=units(cpu), gpus=gpus, memory=0)


@pytest.mark.parametrize(
    ("needs", "pod", "fewest", "most"),
    [
        (actors(), room(1), 0, 0),
        (actors(*[(0.1, 0)] * 4), room(1), 1, 1),
        (actors(*[(0.1, 0)] * 10), room(1), 1, 1),
        (actors(*[(0.1, 0)] * 11), room(1), 2, 2),
        (actors(*[(1, 0)] * 8), room(4), 2, 2),
        (actors((1, 0), (1, 0), (3, 0), (3, 0)), room(4), 2, 4),  # small ones may lie on two pods
        (actors(*[(1, 0)] * 4, (4, 0)), room(4), 2, 5),  # one small actor on each of four pods
        (actors(*[(0, 0.3)] * 6), room(1, 1), 2, 2),  # three to a GPU, not 3.33
        (actors(*[(0, 0.5)] * 3), room(1, 2), 1, 1),
        (actors((1, 2), (1, 0.5)), room(4, 2), 2, 2),
        (actors(*[(1, 1)] * 3), room(8, 2), 2, 2),
        (actors((0, 0), (0, 0)), room(1), 1, 1),
    ],
)
def test_known(needs: list[Need], pod: Room, fewest: int, most: int) -> None:
    assert (fewest_pods(needs, pod), most_pods(needs, pod)) == (fewest, most)


def test_an_actor_that_fits_nowhere() -> None:
    assert not fits(actors((1, 2))[0], room(4, 1))
    assert not fits(actors((5, 0))[0], room(4))
    assert not fits(Need(gpu=0, cpu=0, memory=2), Room(cpu=1, gpus=0, memory=1))
    assert fits(actors((4, 1))[0], room(4, 1))
    with pytest.raises(ValueError, match="does not fit"):
        fewest_pods(actors((5, 0)), room(4))


def test_thousands_of_replicas_take_no_time() -> None:
    needs = [need for cpu in (0.1, 0.5, 1, 2, 4) for need in actors(*[(cpu, 0)] * 6400)]
    assert fewest_pods(needs, room(4)) == 6400 * 7.6 / 4


SIZES = st.tuples(st.sampled_from((0, 0.5, 1, 2, 3, 4)), st.sampled_from((0, 0.3, 0.5, 1, 2)))


@given(st.lists(SIZES, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_no_order_gets_stuck_with_the_most_pods(sizes: list[tuple[float, float]], random: object) -> None:
    """Every actor is put on any pod that has room, in any order: all find one."""
    needs, pod = actors(*sizes), room(4, 2)
    pods = [Pod(pod) for _ in range(most_pods(needs, pod))]
    random.shuffle(needs)  # type: ignore[attr-defined]
    for need in needs:
        random.shuffle(pods)  # type: ignore[attr-defined]
        assert any(each.take(need) for each in pods)
    assert len(pods) >= fewest_pods(needs, pod)
