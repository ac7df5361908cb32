"""Since when a replica has had requests and made no token."""

from llm_operator.probe.progress import ProgressOfPod
from llm_operator.probe.replica_metrics import Load


def looks(*readings: tuple[float, dict[str, Load]]) -> ProgressOfPod:
    pod = ProgressOfPod()
    for now, loads in readings:
        pod.look(loads, now)
    return pod


def test_busy_and_no_token_for_so_long() -> None:
    pod = looks((0, {"a": Load(1, 10)}), (15, {"a": Load(2, 10)}), (30, {"a": Load(1, 10)}), (60, {"a": Load(1, 10)}))
    assert pod.stalled(60, seconds=60) == ("a",)
    assert pod.stalled(59, seconds=60) == ()


def test_a_token_is_progress() -> None:
    pod = looks((0, {"a": Load(1, 10)}), (30, {"a": Load(1, 11)}), (60, {"a": Load(1, 11)}))
    assert pod.stalled(60, seconds=60) == ()
    assert pod.stalled(90, seconds=60) == ("a",)


def test_without_requests_there_is_nothing_to_make() -> None:
    pod = looks((0, {"a": Load(0, 10)}), (100, {"a": Load(0, 10)}), (101, {"a": Load(1, 10)}))
    assert pod.stalled(150, seconds=60) == ()
    assert looks((0, {"a": Load(1, 5)}), (30, {"a": Load(0, 5)}), (60, {"a": Load(1, 5)})).stalled(70, seconds=60) == ()


def test_counters_that_start_anew_are_progress() -> None:
    pod = looks((0, {"a": Load(1, 10)}), (59, {"a": Load(1, 0)}))
    assert pod.stalled(100, seconds=60) == ()


def test_replicas_apart_and_those_that_ended_are_forgotten() -> None:
    pod = looks((0, {"a": Load(1, 1), "b": Load(1, 1)}), (60, {"a": Load(1, 1), "b": Load(1, 9)}))
    assert (pod.stalled(60, seconds=60), pod.replicas) == (("a",), 2)
    pod.look({"b": Load(1, 10)}, 75)
    assert (pod.stalled(75, seconds=60), pod.replicas) == ((), 1)
