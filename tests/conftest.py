"""What all tests share: the option that rewrites what is expected, so that the difference can be reviewed."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-cases", action="store_true", help="rewrite what the cases expect")


@pytest.fixture(scope="session")
def update_cases(request: pytest.FixtureRequest) -> bool:
    """Whether what is expected is to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-cases"))
