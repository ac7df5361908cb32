"""Which mutants a file has, and which statement a mutant changes."""

from pathlib import Path

import pytest
from mutation.mutants import File, first_difference, function, statement
from mutation.parts import PACKAGE, PARTS, files, package

SOURCE = '''"""Text."""

import logging

_logger = logging.getLogger(__name__)
TABLE = {"a": 1}


class Shape:
    size: int = 3

    @property
    def area(self) -> int:
        """Area of it."""
        return self.size * 2


def told(value: int, least: int = 5) -> bool:
    """Whether."""
    _logger.info("told %s", value)
    if (
        value
        > least
    ):
        return True
    return len(str(value)) == 7
'''


@pytest.fixture
def file(tmp_path: Path) -> File:
    path = tmp_path / "shape.py"
    path.write_text(SOURCE, encoding="utf-8")
    return File(path)


def _changes(file: File) -> list[tuple[tuple[int, int], str]]:
    """Lines of the statement, and the new lines."""
    mutants = [file.mutant(number) for number in range(len(file))]
    return [
        (mutant.lines, " ".join(line[1:].strip() for line in mutant.diff().splitlines() if line.startswith("+")))
        for mutant in mutants
        if mutant is not None
    ]


def test_bodies_of_functions_are_mutated_and_nothing_else(file: File) -> None:
    assert _changes(file) == [
        ((15, 15), "return self.size / 2"),
        ((15, 15), "return self.size * 3"),
        ((21, 24), "value >= least"),
        ((25, 25), "return False"),
        ((26, 26), "return len(str(value)) != 7"),
        ((26, 26), "return len(str(value)) == 8"),
    ]


def test_a_mutant_is_the_whole_file_with_one_change(file: File) -> None:
    mutant = file.mutant(0)
    assert mutant is not None
    assert mutant.source == SOURCE.replace("self.size * 2", "self.size / 2")
    assert file.path.read_text(encoding="utf-8") == SOURCE


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [("a\nbc\n", "a\nbd\n", (2, 1)), ("abc", "xbc", (1, 0)), ("a\nb", "a\nb\nc", (2, 1)), ("a\n", "a\nb", (2, 0))],
)
def test_first_difference(old: str, new: str, place: tuple[int, int]) -> None:
    assert first_difference(old, new) == place


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (1, (1, 2)),  # the head of `if`
        (2, (1, 2)),
        (3, (3, 3)),
        (4, (4, 6)),  # one statement on three lines
        (6, (4, 6)),
        (8, (8, 8)),  # the head of `case`
        (9, (9, 9)),
    ],
)
def test_statement(line: int, lines: tuple[int, int]) -> None:
    source = "if (\n    a):\n    b = 1\nc = [\n    1,\n]\nmatch c:\n    case [1]:\n        d = 2\n"
    assert statement(source, (line, 0)) == lines


def test_parts_name_files_that_are_there_and_no_file_twice() -> None:
    every = [path for part in PARTS for path in files(part)]
    assert len(every) == len(set(every))
    assert PACKAGE / "sync.py" in files("apply")
    assert files("plan", ["status"]) == []
    assert [path.name for path in files("plan", ["plan/totals.py"])] == ["totals.py"]
    assert package(PACKAGE / "status" / "diagnosis" / "words.py") == "status/diagnosis"
    assert package(PACKAGE / "sync.py") == "sync"


@pytest.mark.parametrize(("line", "lines"), [(1, (1, 1)), (2, (2, 6)), (4, (3, 4)), (6, (2, 6)), (7, (7, 7))])
def test_function(line: int, lines: tuple[int, int]) -> None:
    source = "a = 1\ndef f():\n    async def g():\n        return 1\n    b = g\n    return b\nc = 2\n"
    assert function(source, (line, 0)) == lines
