"""Fixtures of the catalogue's tests: the operator in the local cluster, and accelerators that are none."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Final

import pytest
from cluster import env, fake_devices, install
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


@pytest.fixture(scope="session")
def devices(operator: None) -> Iterator[None]:
    """Every node offers every kind of accelerator; taken away at the end, for the tests that count on there being none."""
    fake_devices.give()
    yield
    fake_devices.take()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    made = yield
    if made.failed and "operator" in getattr(item, "fixturenames", ()) and env.KUBECONFIG.exists():
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
