"""Nodes and pods, one at a time → Room. Keeps a few numbers of each node that could hold one of the pods, and nothing of the rest.

Sound for "there is no room": every number that is not certain is taken in favour of room. Pods of one shape fill a node as often
as its scarcest resource allows, which is exact; pods of different shapes are held against each other by sums only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from llm_operator.capacity.requests import PODS, Amounts, amounts, requests
from llm_operator.capacity.room import Fit, Room
from llm_operator.capacity.shapes import Shape
from llm_operator.capacity.words import apart, together

_OVER: Final = ("Succeeded", "Failed")


class Tally:
    """First every node, then every pod of all namespaces. `leaving`: pods that hold something now and soon will not."""

    def __init__(
        self, shapes: Sequence[Shape], priority_class: str, leaving: Callable[[Mapping[str, Any]], bool]
    ) -> None:
        self._shapes, self._class, self._leaving = shapes, priority_class, leaving
        self._names = {PODS}.union(*(shape.requests for shape in shapes))
        self._free: dict[str, Amounts] = {}
        self._match: list[set[str]] = [set() for _ in shapes]
        self._taken: dict[tuple[str, int], Amounts] = {}
        self._priorities: dict[str, int] = {}

    def node(self, node: Mapping[str, Any]) -> None:
        """A node as the API server lists it."""
        name = str(node["metadata"]["name"])
        for shape, matching in zip(self._shapes, self._match, strict=True):
            if shape.matches(node):
                matching.add(name)
                self._free[name] = amounts((node.get("status") or {}).get("allocatable"), self._names)

    def pod(self, pod: Mapping[str, Any]) -> None:
        """A pod as the API server lists it."""
        spec = pod.get("spec") or {}
        priority = int(spec.get("priority") or 0)
        self._priorities.setdefault(str(spec.get("priorityClassName") or ""), priority)
        over = (pod.get("status") or {}).get("phase") in _OVER or "deletionTimestamp" in pod["metadata"]
        node = str(spec.get("nodeName") or "")
        if over or node not in self._free or self._leaving(pod):
            return
        taken = self._taken.setdefault((node, priority), {})
        for name, amount in requests(spec, self._names).items():
            taken[name] = taken.get(name, 0) + amount

    def room(self) -> Room:
        """After the last pod."""
        priority = 0 if not self._class else self._priorities.get(self._class)
        if priority is None:
            # Nobody knows which pods would give way.
            return Room(known=False, unknown=f"no pod has the PriorityClass {self._class} yet")
        for (node, held), taken in self._taken.items():
            if held >= priority:  # pods of less priority give way (preemption)
                free = self._free[node]
                for name, amount in taken.items():
                    free[name] = free.get(name, 0) - amount
        self._taken.clear()
        fits = tuple(self._fit(shape, nodes) for shape, nodes in zip(self._shapes, self._match, strict=True))
        lacking = [self._apart(*found) for found in zip(self._shapes, self._match, fits, strict=True)]
        said = [words for words in lacking if words]
        return Room(fits=fits, lacking="; ".join(said) or next(self._together(), ""))

    def _holds(self, node: str, shape: Shape, names: Sequence[str]) -> int:
        free = self._free[node]
        return max(0, min(free.get(name, 0) // shape.requests[name] for name in names))

    def _count(self, shape: Shape, nodes: set[str], *names: str) -> int:
        """Pods of that shape that fit, if only these resources count."""
        return sum(self._holds(node, shape, names) for node in nodes)

    def _fit(self, shape: Shape, nodes: set[str]) -> Fit:
        count = min(shape.pods, self._count(shape, nodes, *shape.requests))
        return Fit(shape.name, shape.pods, count, len(nodes))

    def _apart(self, shape: Shape, nodes: set[str], fit: Fit) -> str:
        if fit.fit == fit.needed:
            return ""
        return apart(shape, fit, {name: self._count(shape, nodes, name) for name in shape.requests})

    def _together(self) -> Iterator[str]:
        """Shapes that fit alone, and not all of them: those that have no other nodes than one of them, by the sum of each resource."""
        for nodes in self._match:
            held = [shape for shape, others in zip(self._shapes, self._match, strict=True) if others <= nodes]
            for name in sorted(self._names):
                needed = sum(shape.pods * shape.requests.get(name, 0) for shape in held)
                free = sum(max(0, self._free[node].get(name, 0)) for node in nodes)
                if needed > free:
                    yield together([shape for shape in held if name in shape.requests], name, needed, free, len(nodes))
