"""The scenario, played once, and a way to print figures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.canary import leaks_in_folder
from tests.conftest import FIGURE
from tests.laws.pool import Say
from tests.laws.scenario import Undisturbed, play


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Undisturbed, ...]]:
    """The stages of the scenario when nothing goes wrong."""
    folder = tmp_path_factory.mktemp("scenario")
    yield play(folder)
    assert list(leaks_in_folder(folder)) == []
    shutil.rmtree(folder)


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Prints a line at the end of the session, from whatever process the test ran in."""
    return lambda line: record_property(FIGURE, line)
