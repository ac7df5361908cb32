"""What is missing, for people. The numbers change only when another pod fits: a status that repeats them does not tick."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from llm_operator.capacity.requests import PODS
from llm_operator.capacity.room import Fit
from llm_operator.capacity.shapes import Shape, scarce_first

_BYTES: Final = ("memory", "storage", "hugepages")
_GIB: Final = 2**30


def _amount(thousandths: int, name: str) -> str:
    if any(word in name for word in _BYTES):
        return f"{thousandths / 1000 / _GIB:.4g}Gi"
    return f"{thousandths / 1000:g}"


def _nodes(count: int) -> str:
    return f"on the {count} nodes" if count > 1 else "on the one node"


def _nowhere(shape: Shape) -> str:
    labels = [f"label {key}={value}" for key, value in sorted(shape.node_selector.items())]
    sizes = [f"{_amount(shape.requests[name], name)} {name}" for name in _counted(shape.requests)]
    return f"no node that is ready has what {shape.name} needs: {', '.join(labels + sizes)}, and no taint that keeps it away"


def _counted(names: Iterable[str]) -> list[str]:
    return [name for name in scarce_first(list(names)) if name != PODS]


def apart(shape: Shape, fit: Fit, alone: Mapping[str, int]) -> str:
    """Of pods that do not all fit. `alone`: how many would if only that resource counted."""
    if not fit.nodes:
        return _nowhere(shape)
    short = [name for name in scarce_first(list(alone)) if alone[name] < shape.pods]
    where = f"{_nodes(fit.nodes)} that could hold it"
    if not short:
        free = f"free now: room for {fit.fit} of the {fit.needed} pods of {shape.name}"
        return f"{free} {where}, since {', '.join(_counted(shape.requests))} are not free together"
    name = min(short, key=lambda each: alone[each])
    one, free, needed = (_amount(count * shape.requests[name], name) for count in (1, alone[name], shape.pods))
    verb, each = "need" if len(shape.names) > 1 else "needs", f", {one} for each pod" if one != "1" else ""
    return f"free now: {free} of the {needed} {name} that {shape.name} {verb}{each}, {where}"


def together(shapes: Sequence[Shape], name: str, needed: int, free: int, nodes: int) -> str:
    """Of pods that fit alone, and not all of them. `needed`, `free`: thousandths of the resource `name`."""
    whole = 1000 * (_GIB if any(word in name for word in _BYTES) else 1)
    found, who = _amount(free // whole * whole, name), ", ".join(shape.name for shape in shapes)
    return f"free now: {found} of the {_amount(needed, name)} {name} that {who} need together, {_nodes(nodes)} for them"
