"""What the tests on the real cluster share: the installed operator, a report of what was measured, a diagnosis of failures."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest
from cluster import env, install
from e2e import deployment
from e2e.diagnosis import diagnosis
from e2e.report import Report

_REPORT: Final = pytest.StashKey[Report]()
_DIAGNOSES: Final = pytest.StashKey[int]()
_MOST_DIAGNOSES: Final = 3


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()
    config.stash[_DIAGNOSES] = 0


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Report:
    """Takes what the tests measure."""
    return pytestconfig.stash[_REPORT]


@pytest.fixture(scope="session")
def operator() -> None:
    """The operator of this checkout runs in the local cluster, and no LLMDeployment is left of an earlier run."""
    env.guard()
    install.install()
    deployment.remove_all()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    made = yield
    if made.failed and "operator" in getattr(item, "fixturenames", ()) and env.KUBECONFIG.exists():
        # The first failures say most; the rest are mostly their consequences.
        item.config.stash[_DIAGNOSES] += 1
        if item.config.stash[_DIAGNOSES] <= _MOST_DIAGNOSES:
            made.sections.append(("diagnosis", diagnosis()))
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    report = config.stash[_REPORT]
    if report.measurements:
        terminalreporter.section("measured")
        for line in report.lines():
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"as JSON: {report.write()}")
