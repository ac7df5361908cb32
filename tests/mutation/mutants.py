"""The mutants of a file, by mutmut's operators (3.8.1, mutation/mutators.py and mutation/file_mutation.py).

Only bodies of functions are mutated, since a mutant is put into the running process (see `swap`). What is left out, and why:
what runs at import (tables, class fields, decorators, default values of parameters) cannot be swapped; docstrings, annotations
and arguments of `len` and `isinstance` mutmut leaves out itself; calls of a logger, since no behaviour depends on them.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from mutmut.mutation.file_mutation import NEVER_MUTATE_FUNCTION_NAMES, MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

_LOGGER = "_logger"


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `number` counts the file's mutants; `lines` (1-based, both ends) is the statement that is
    changed (of one with a body, its head), `function` the function around it."""

    path: Path
    number: int
    source: str
    lines: tuple[int, int]
    function: tuple[int, int]

    def diff(self) -> str:
        """The change, as a unified diff with one line around it."""
        old, new = self.path.read_text(encoding="utf-8").splitlines(), self.source.splitlines()
        return "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=1))[2:])


class _Visitor(MutationVisitor):
    """Decorated functions are mutated too: code is swapped, so nothing is decorated twice."""

    def __init__(self) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return node.name.value in NEVER_MUTATE_FUNCTION_NAMES
        if isinstance(node, cst.Param) or _is_log(node):
            return True
        return bool(super()._skip_node_and_children(node))


def _is_log(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return False
    return isinstance(node.func.value, cst.Name) and node.func.value.value == _LOGGER


class File:
    """One file and its mutants, which are written out only when they are asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = path.read_text(encoding="utf-8")
        visitor = _Visitor()
        self._module = cst.MetadataWrapper(cst.parse_module(self._text)).visit(visitor)
        self._mutations = [
            each for each in visitor.mutations if isinstance(each.contained_by_top_level_function, cst.FunctionDef)
        ]

    def __len__(self) -> int:
        return len(self._mutations)

    def mutant(self, number: int) -> Mutant | None:
        """The mutant of this number; None when it is not Python or not a change."""
        mutation = self._mutations[number]
        changed = self._module.deep_replace(mutation.original_node, mutation.mutated_node)
        assert isinstance(changed, cst.Module)
        try:
            same = ast.dump(ast.parse(changed.code)) == ast.dump(ast.parse(self._text))
            compile(changed.code, str(self.path), "exec", dont_inherit=True)
        except SyntaxError:
            return None
        if same:
            return None
        place = first_difference(self._text, changed.code)
        around = statement(self._text, place), function(self._text, place)
        return Mutant(self.path, number, changed.code, *around)


def first_difference(old: str, new: str) -> tuple[int, int]:
    """Line (1-based) and column (0-based) of the first character that differs."""
    at = next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), min(len(old), len(new))
    )
    return old.count("\n", 0, at) + 1, at - (old.rfind("\n", 0, at) + 1)


def _statements(tree: ast.AST) -> Iterator[tuple[int, int]]:
    """Lines of every statement; of one that has a body, its head."""
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.match_case):
            body = getattr(node, "body", None)
            first = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno
            last = max(first, body[0].lineno - 1) if body else getattr(node, "end_lineno", first)
            yield first, last or first


def statement(source: str, place: tuple[int, int]) -> tuple[int, int]:
    """Lines of the innermost statement (or the head of one with a body) at this place."""
    line = place[0]
    around = [(first, last) for first, last in _statements(ast.parse(source)) if first <= line <= last]
    return min(around, key=lambda lines: lines[1] - lines[0], default=(line, line))


def function(source: str, place: tuple[int, int]) -> tuple[int, int]:
    """Lines of the innermost function at this place; the line alone outside of functions."""
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    around = [(node.lineno, node.end_lineno or node.lineno) for node in functions]
    return min(
        (lines for lines in around if lines[0] <= place[0] <= lines[1]),
        key=lambda lines: lines[1] - lines[0],
        default=(place[0], place[0]),
    )
