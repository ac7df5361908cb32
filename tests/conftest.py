"""Options of all test layers."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="golden: rewrite want.yaml instead of comparing")
