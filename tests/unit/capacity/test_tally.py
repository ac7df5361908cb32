"""Is there room: nodes and pods as the API server lists them, and the Ray cluster that asks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llm_operator.capacity.room import Fit, Room
from llm_operator.capacity.shapes import priority_class, shapes
from llm_operator.capacity.tally import Tally

GPU = "nvidia.com/gpu"
READY = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]
TAINT = {"key": "dedicated", "value": "llm", "effect": "NoSchedule"}


def node(name: str, gpus: int = 0, cpu: int = 64, memory: str = "256Gi", **more: Any) -> dict[str, Any]:
    """`labels`, `taints`, `unschedulable`, `conditions`."""
    allocatable = {"cpu": str(cpu), "memory": memory, "pods": str(more.pop("pods", 110)), GPU: str(gpus)}
    status = {"allocatable": allocatable, "conditions": more.pop("conditions", READY)}
    return {"metadata": {"name": name, "labels": more.pop("labels", {})}, "spec": more, "status": status}


def pod(on: str, gpus: int = 0, cpu: int | str = 0, *, phase: str = "Running", **more: Any) -> dict[str, Any]:
    asked = {"requests": {GPU: str(gpus), "cpu": str(cpu)}}
    metadata = {"name": "p", "namespace": "x", **more.pop("metadata", {})}
    return {
        "metadata": metadata,
        "spec": {"nodeName": on, "containers": [{"resources": asked}], **more},
        "status": {"phase": phase},
    }


def group(name: str, gpus: int = 1, sets: int = 1, hosts: int = 1, cpu: int = 4, **where: Any) -> dict[str, Any]:
    asked = {"limits": {GPU: str(gpus), "memory": "8Gi"}, "requests": {"cpu": str(cpu), "memory": "8Gi"}}
    template = {"spec": {"containers": [{"resources": asked}], **where}}
    return {"groupName": name, "minReplicas": sets, "numOfHosts": hosts, "template": template}


def cluster(*groups: dict[str, Any], **head: Any) -> dict[str, Any]:
    spec = {"containers": [{"resources": {"requests": {"cpu": "1"}}}], **head}
    return {"headGroupSpec": {"template": {"spec": spec}}, "workerGroupSpecs": list(groups)}


def room(config: dict[str, Any], nodes: list[Any], pods: Any = ()) -> Room:
    tally = Tally(shapes(config), priority_class(config), lambda each: "leaves" in each["metadata"])
    for each in nodes:
        tally.node(each)
    for each in pods:
        tally.pod(each)
    return tally.room()


def fit(found: Room, name: str) -> tuple[int, int]:
    (one,) = [each for each in found.fits if each.name == name]
    return one.fit, one.nodes


NEEDS = "worker group a needs"


@pytest.mark.parametrize(
    ("config", "nodes", "pods", "said"),
    [
        (cluster(group("a")), [node("n", 1)], [], ""),
        (cluster(group("a")), [node("n", 1)], [pod("n", 1)], f"free now: 0 of the 1 {GPU} that {NEEDS}, on the one node that could"),
        (cluster(group("a")), [node("n", 1)], [pod("n", 1, phase="Succeeded"), pod("n", 1, phase="Failed")], ""),
        (cluster(group("a")), [node("n", 1)], [pod("n", 1, metadata={"deletionTimestamp": "t"})], ""),
        (cluster(group("a")), [node("n", 1)], [pod("n", 1, metadata={"leaves": ""})], ""),
        (cluster(group("a")), [node("n", 1)], [pod("", 1), pod("elsewhere", 1)], ""),
        (cluster(group("a", sets=3)), [node("n", 4), node("m", 4)], [pod("n", 3), pod("m", 3)], "free now: 2 of the 3"),
        # In pieces: one GPU on each of two nodes is no place for a pod with two.
        (cluster(group("a", 2)), [node("n", 2), node("m", 2)], [pod("n", 1), pod("m", 1)], "needs, 2 for each pod, on the 2 nodes"),
        (cluster(group("a", 2)), [node("n", 1), node("m", 1)], [], f"no node that is ready has what {NEEDS}: 2 {GPU}, 4 cpu, 8Gi memory"),
        # Every host of a set, and no group that starts with none.
        (cluster(group("a", hosts=2)), [node("n", 1)], [], "free now: 1 of the 2"),
        (cluster(group("a", sets=0)), [node("n")], [], ""),
        # cpu and memory count as devices do.
        (cluster(group("a", cpu=8)), [node("n", 1, cpu=9)], [pod("n", cpu=2)], f"free now: 0 of the 8 cpu that {NEEDS}, 8 for each pod"),
        (cluster(group("a", sets=2)), [node("n", 8, memory="9Gi")], [], "free now: 8Gi of the 16Gi memory"),
        (cluster(group("a", sets=2)), [node("n", 8, pods=3)], [pod("n"), pod("n")], "free now: 1 of the 2 pods that"),
        (
            cluster(group("a")), [node("n", 1, cpu=8), node("m", 1, cpu=8)], [pod("n", 1), pod("m", cpu=6)],
            f"room for 0 of the 1 pods of worker group a on the 2 nodes that could hold it, since {GPU}, cpu, memory are not free together",
        ),
        # The scarcest resource is named, devices before others.
        (cluster(group("a", sets=2)), [node("n", 2, cpu=8)], [pod("n", 1, 5)], "free now: 0 of the 8 cpu"),
        (cluster(group("a", sets=2)), [node("n", 2, cpu=8)], [pod("n", 1, 1)], f"free now: 1 of the 2 {GPU}"),
        # The head too.
        (cluster(), [node("n", cpu=1)], [pod("n", cpu=1)], "free now: 0 of the 1 cpu that the head needs"),
        (cluster(), [], [], "no node that is ready has what the head needs: 1 cpu, and no taint that keeps it away"),
        # Where pods may go.
        (cluster(group("a", nodeSelector={"gpu": "l4"})), [node("n", 1), node("m", 0, labels={"gpu": "l4"})], [], "needs: label gpu=l4, 1"),
        (cluster(group("a", nodeSelector={"gpu": "l4"})), [node("n", 1, labels={"gpu": "l4"})], [], ""),
        (cluster(group("a")), [node("n"), node("m", 1, conditions=[])], [], "no node that is ready"),
        (cluster(group("a")), [node("n"), node("m", 1, conditions=[{"type": "Ready", "status": "Unknown"}])], [], "no node that is ready"),
        (cluster(group("a")), [node("n"), node("m", 1, unschedulable=True)], [], "no node that is ready"),
        (cluster(group("a", tolerations=[{"operator": "Exists"}])), [node("n"), node("m", 1, unschedulable=True)], [], ""),
        (cluster(group("a")), [node("n"), node("m", 1, taints=[TAINT])], [], "no node that is ready"),
        (cluster(group("a")), [node("n"), node("m", 1, taints=[{**TAINT, "effect": "NoExecute"}])], [], "no node that is ready"),
        (cluster(group("a")), [node("n"), node("m", 1, taints=[{**TAINT, "effect": "PreferNoSchedule"}])], [], ""),
        # A cluster may tolerate taints named as a resource by itself.
        (cluster(group("a")), [node("n"), node("m", 1, taints=[{"key": GPU, "effect": "NoSchedule"}])], [], ""),
    ],
)  # fmt: skip
def test_room(config: Any, nodes: list[Any], pods: list[Any], said: str) -> None:
    found = room(config, nodes, pods)
    assert found.known
    assert said in found.lacking
    assert bool(found.lacking) == bool(said)


@pytest.mark.parametrize(
    ("toleration", "good"),
    [
        ({"key": "dedicated", "value": "llm"}, True),
        ({"key": "dedicated", "operator": "Equal", "value": "llm", "effect": "NoSchedule"}, True),
        ({"key": "dedicated", "operator": "Equal", "value": "other"}, False),
        ({"key": "dedicated"}, False),
        ({"key": "dedicated", "operator": "Exists"}, True),
        ({"key": "dedicated", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists", "effect": "NoSchedule"}, True),
        ({"value": "llm"}, False),
        ({"key": "dedicated", "operator": "Gt", "value": "1"}, True),
    ],
)
def test_toleration(toleration: dict[str, str], good: bool) -> None:
    found = room(cluster(group("a", tolerations=[toleration])), [node("n"), node("m", 1, taints=[TAINT])])
    assert bool(found.lacking) is not good


def test_fits_are_counted_for_each_kind_of_pod() -> None:
    config = cluster(group("a", sets=2), group("b", 4), group("c", sets=3, cpu=5))
    found = room(config, [node("n", 4), node("m", 2)], [pod("n", 1)])
    assert fit(found, "worker group a") == (2, 2)
    assert fit(found, "worker group b") == (0, 1)
    assert fit(found, "worker group c") == (3, 2)
    assert fit(found, "the head") == (1, 2)
    assert (
        found.lacking
        == f"free now: 0 of the 4 {GPU} that worker group b needs, 4 for each pod, on the one node that could hold it"
    )


def test_groups_of_equal_pods_are_one_kind() -> None:
    config = cluster(group("a"), group("b"), group("c", nodeSelector={"gpu": "h100"}))
    assert [(shape.name, shape.pods) for shape in shapes(config)] == [
        ("the head", 1), ("worker group a, worker group b", 2), ("worker group c", 1),
    ]  # fmt: skip
    assert [shape.name for shape in shapes(cluster(group("z", sets=0)))] == ["the head"]
    found = room(config, [node("n", 1), node("m", 9, labels={"gpu": "h100"})], [pod("m", 9)])
    assert found.fits[1] == Fit("worker group a, worker group b", 2, 1, 2)
    assert (
        "free now: 1 of the 2 nvidia.com/gpu that worker group a, worker group b need, on the 2 nodes" in found.lacking
    )


def test_pods_that_fit_alone_but_not_all_of_them() -> None:
    different = cluster(group("a", cpu=4), group("b", cpu=5))
    assert room(different, [node("n", 2)]).lacking == ""
    found = room(different, [node("n", 2)], [pod("n", 1)])
    assert (
        found.lacking
        == f"free now: 1 of the 2 {GPU} that worker group a, worker group b need together, on the one node for them"
    )
    # Room elsewhere is none for pods that may not go there.
    tied = cluster(group("a", cpu=4, nodeSelector={"k": "v"}), group("b", cpu=5, nodeSelector={"k": "v"}), group("c"))
    assert "need together" in room(tied, [node("n", 1, labels={"k": "v"}), node("m", 9)]).lacking
    # Pods that may go to more nodes count where those that may not have no others.
    wider = cluster(group("a", cpu=4, nodeSelector={"k": "v"}), group("b", cpu=5))
    nodes = [node("n", 1, labels={"k": "v"}), node("m", 1)]
    assert room(wider, nodes).lacking == ""
    assert "on the 2 nodes for them" in room(wider, nodes, [pod("m", 1)]).lacking
    # Whole cores, so that the words do not change with every pod.
    cores = cluster(group("a", 0, cpu=2), group("b", 0, cpu=3))
    assert (
        "free now: 3 of the 6 cpu that the head, worker group a, worker group b"
        in room(cores, [node("n", cpu=8)], [pod("n", cpu="4500m")]).lacking
    )
    # Sums say only what is certain: 3 free here and 1 there do not hold two times 2, and that is the scheduler's to find.
    pieces = cluster(group("a", 2, cpu=4), group("b", 2, cpu=5))
    assert room(pieces, [node("n", 3), node("m", 3)], [pod("m", 2)]).lacking == ""


def _placed(wanted: list[tuple[int, int, bool]], free: list[list[int]], tainted: list[bool]) -> bool:
    """Whether all pods (devices, cores, tolerates) find a place, by trying every one."""
    if not wanted:
        return True
    (gpus, cpu, tolerates), *rest = wanted
    for at, (have_gpus, have_cpu) in enumerate(free):
        if have_gpus >= gpus and have_cpu >= cpu and (tolerates or not tainted[at]):
            left = [*free[:at], [have_gpus - gpus, have_cpu - cpu], *free[at + 1 :]]
            if _placed(rest, left, tainted):
                return True
    return False


numbers = st.integers(min_value=0, max_value=4)


@given(
    st.lists(st.tuples(numbers, st.integers(1, 4), st.integers(1, 3), st.booleans()), min_size=1, max_size=3),
    st.lists(st.tuples(numbers, numbers, numbers, numbers, st.booleans()), min_size=1, max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_no_room_is_said_only_where_there_is_none(
    groups: list[tuple[int, int, int, bool]], machines: list[tuple[int, int, int, int, bool]]
) -> None:
    anywhere: dict[str, Any] = {"tolerations": [{"operator": "Exists"}]}
    closed: dict[str, Any] = {"taints": [TAINT]}
    config = cluster(
        *(
            group(str(at), gpus, sets, cpu=cpu, **(anywhere if tolerates else {}))
            for at, (gpus, cpu, sets, tolerates) in enumerate(groups)
        )
    )
    nodes = [
        node(str(at), gpus + taken, cpu + used, **(closed if tainted else {}))
        for at, (gpus, cpu, taken, used, tainted) in enumerate(machines)
    ]
    pods = [pod(str(at), taken, used) for at, (_, _, taken, used, _) in enumerate(machines)]
    found = room(config, nodes, pods)
    wanted = [(0, 1, False)] + [(gpus, cpu, ok) for gpus, cpu, sets, ok in groups for _ in range(sets)]
    free, tainted = [[gpus, cpu] for gpus, cpu, *_ in machines], [machine[4] for machine in machines]
    if found.lacking:
        assert not _placed(wanted, free, tainted)
    elif len({(gpus, cpu, ok) for gpus, cpu, _, ok in groups}) == 1 and not any(tainted):
        # With pods of one kind beside the head, and cores for the head, the answer is exact.
        assert _placed(wanted[1:], free, tainted)


def test_a_node_that_holds_more_than_it_has_takes_nothing_from_others() -> None:
    nodes, over = [node("n", 1), node("m", 2)], [pod("n", 3)]
    assert room(cluster(group("a", sets=2)), nodes, over).lacking == ""
    assert room(cluster(group("a", cpu=4), group("b", cpu=5)), nodes, over).lacking == ""


def test_pods_of_less_priority_give_way() -> None:
    important = cluster(group("a"), priorityClassName="high")
    of_ours = pod("m", priority=1000, priorityClassName="high")
    nodes = [node("n", 1), node("m")]
    assert room(important, nodes, [of_ours, pod("n", 1, priority=999)]).lacking == ""
    assert room(important, nodes, [pod("n", 1, priority=999), of_ours]).lacking == "", "in any order"
    assert room(important, nodes, [of_ours, pod("n", 1, priority=1000)]).lacking
    assert room(cluster(group("a")), nodes, [pod("n", 1, priority=-10, priorityClassName="spare")]).lacking == ""
    unknown = room(important, nodes, [pod("n", 1)])
    assert not unknown.known
    assert unknown.unknown == "no pod has the PriorityClass high yet"
    assert unknown.lacking == ""


def test_words_change_only_when_another_pod_fits() -> None:
    config = cluster(group("a", 4, sets=2))
    said = {room(config, [node("n", 8)], [pod("n", taken, cpu=taken)]).lacking for taken in (1, 2, 3, 4)}
    assert len(said) == 1
    assert said != {room(config, [node("n", 8)], [pod("n", 5)]).lacking}
