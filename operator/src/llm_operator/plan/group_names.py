"""Names of worker groups. A name never changes while its model exists: KubeRay would start a new cluster."""

from collections.abc import Iterator
from typing import Final

from llm_operator.api.checks.names import duplicates
from llm_operator.api.errors import FieldError
from llm_operator.api.parts import Part, parts
from llm_operator.api.spec.deployment import LLMDeploymentSpec
from llm_operator.plan.placement import group_name

# A group's name is the value of a label (63 characters): 40 of the model, 8 of the half, and this.
_VENDORS: Final = ("amd-instinct-", "intel-gpu-")


def part_group(name: str, part: Part) -> str:
    """The first worker group of a part; `name`: of the model."""
    return group_name(f"{name}-{part.name}" if part.name else name)


def _short(kind: str) -> str:
    short = kind.lower()
    for vendor in _VENDORS:
        short = short.removeprefix(vendor)
    return short.removesuffix("-oam")


def group_names(name: str, part: Part) -> tuple[str, ...]:
    """The first kind of pods has the part's own name; further ones that of their accelerator behind it."""
    first = part_group(name, part)
    names = [first]
    for index, accelerator in enumerate(part.accelerators[1:], start=2):
        wanted = f"{first}-{_short(accelerator.type.value)}"
        names.append(wanted if wanted not in names else f"{wanted}-{index}")
    return tuple(names)


def check(spec: LLMDeploymentSpec) -> Iterator[FieldError]:
    """Groups of several parts or kinds of pods may meet the name of another model (`a-decode`, `a-l4`)."""
    groups: list[tuple[str, str]] = []
    several = False
    for i, model in enumerate(spec.models):
        for part in parts(f"spec.models[{i}]", model):
            names = group_names(model.name, part)
            several |= bool(part.name) or len(names) > 1
            groups += [(f"{part.path}.accelerators[{k}]" if k else part.path, name) for k, name in enumerate(names)]
    groups += [(f"spec.applications[{i}].name", group_name(app.name)) for i, app in enumerate(spec.applications)]
    if several:
        yield from duplicates(groups, "the worker group's name")
