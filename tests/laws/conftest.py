"""The scenario, played once, and a way to print figures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.laws.pool import Say
from tests.laws.scenario import Undisturbed, play


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Undisturbed, ...]]:
    """The stages of the scenario as they go when nothing happens."""
    folder = tmp_path_factory.mktemp("scenario")
    yield play(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Say:
    """Prints a line whatever is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", end="")

    return show
