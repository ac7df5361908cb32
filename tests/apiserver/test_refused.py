"""What the API server refuses at `kubectl apply`, with the message that the user reads."""

from collections.abc import Iterator

import pytest
from apiserver import crd_copy, table
from apiserver.table import Row


@pytest.fixture(scope="module")
def answers(pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """Collects the answers; with --update they become the file."""
    seen: dict[str, str] = {}
    yield seen
    if pytestconfig.getoption("update"):
        table.write(seen)


def test_the_table_is_long_enough() -> None:
    assert len(table.rows()) >= 50
    assert len({row.name for row in table.rows()}) == len(table.rows())


@pytest.mark.parametrize("row", table.rows(), ids=lambda row: row.name)
def test_refused(api_server: None, row: Row, answers: dict[str, str], pytestconfig: pytest.Config) -> None:
    done = crd_copy.dry_run(row.object())
    assert done.returncode != 0, f"was accepted: {done.stdout}"
    answers[row.name] = done.stderr.strip()
    if not pytestconfig.getoption("update"):
        assert done.stderr.strip() == row.said.strip()
