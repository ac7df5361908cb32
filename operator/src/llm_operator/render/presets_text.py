"""`llm-operator presets`: the families that there are settings for, and what each sets."""

from llm_operator.plan import presets
from llm_operator.plan.presets import Preset
from llm_operator.render.text import to_yaml

_HEADER = ("NAME", "TASK", "MODELS", "SETS")


def _sets(preset: Preset) -> str:
    engine = preset.engine.model_dump(by_alias=True, exclude_unset=True, mode="json")
    arguments = engine.pop("args", {})
    found = [f"{name}={value}" for name, value in (engine | arguments).items()]
    return " ".join(found) or "-"


def listing() -> str:
    """A table, one preset a line, with what it sets last because it is long."""
    rows = [_HEADER]
    for name in presets.names():
        preset = presets.preset(name)
        rows.append((name, preset.task, preset.title, _sets(preset)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER) - 1)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]
    return "\n".join(lines) + "\n"


def details(name: str) -> str:
    """One preset as YAML: what it sets, its facts, and where they come from. Raises KeyError for an unknown name."""
    return to_yaml(presets.preset(name).model_dump(by_alias=True, exclude_unset=True, mode="json"))
