"""Puts a mutant into the running process: code objects of functions that are there already are replaced, so that every module
that has imported them calls the mutant, and nothing is imported again."""

from __future__ import annotations

import functools
import gc
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from mutation.mutants import Mutant
from mutation.parts import PACKAGE, ROOT

_Key = tuple[str, int, str]


def _key(code: CodeType) -> _Key:
    return code.co_filename, code.co_firstlineno, code.co_qualname


def _codes(code: CodeType) -> Iterator[CodeType]:
    """It and all codes inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _of(module: object, *folders: Path) -> bool:
    file = getattr(sys.modules.get(str(module)), "__file__", None)
    return file is not None and any(Path(file).is_relative_to(folder) for folder in folders)


class Functions:
    """All functions of the operator that are in memory, closures too, and all caches of results."""

    def __init__(self) -> None:
        self._functions: dict[_Key, list[FunctionType]] = defaultdict(list)
        self._caches: list[Any] = []
        self._of_tests: list[Any] = []
        self._results: list[tuple[Any, list[str]]] = []
        objects = gc.get_objects()
        kinds = _kinds(objects)
        for found in objects:
            if isinstance(found, FunctionType):
                if found.__code__.co_filename.startswith(f"{PACKAGE}/"):
                    self._functions[_key(found.__code__)].append(found)
            elif isinstance(found, functools._lru_cache_wrapper):
                if _of(found.__module__, PACKAGE):
                    self._caches.append(found)
                elif _of(found.__module__, ROOT / "tests"):
                    self._of_tests.append(found)
            elif type(found) in kinds:
                self._results.append((found, kinds[type(found)]))

    def forget(self, *, tables: bool = True) -> None:
        """Empties the operator's caches: what they hold came from the code without the mutant. `tables`: those of functions
        without arguments too, which read files."""
        for cache in self._caches:
            if tables or cache.__wrapped__.__code__.co_argcount:
                cache.cache_clear()

    def forget_all(self) -> None:
        """The tests' too, those in cached properties as well."""
        self.forget()
        for cache in self._of_tests:
            cache.cache_clear()
        for found, names in self._results:
            for name in names:
                found.__dict__.pop(name, None)

    def put(self, mutant: Mutant) -> int:
        """Makes this process the mutant; the number of functions that were replaced."""
        changed = 0
        for code in _codes(compile(mutant.source, str(mutant.path), "exec", dont_inherit=True)):
            for function in self._functions.get(_key(code), ()):
                if function.__code__ != code and function.__code__.co_freevars == code.co_freevars:
                    function.__code__ = code
                    changed += 1
        return changed


def _kinds(objects: list[Any]) -> dict[type, list[str]]:
    """Classes of the tests → their cached properties, where they have any."""
    kinds: dict[type, list[str]] = {}
    for kind in objects:
        if isinstance(kind, type) and _of(kind.__module__, ROOT / "tests"):
            found = [name for name, value in vars(kind).items() if isinstance(value, functools.cached_property)]
            if found:
                kinds[kind] = found
    return kinds
