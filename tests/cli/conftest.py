"""Projects in temporary folders, and commands run in process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.main import run
from tests.canary import leaks_in_text
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, Ran, site
from tests.cli.terminal import Terminal


@pytest.fixture(autouse=True)
def no_command_outlives_its_test() -> Iterator[None]:
    """Python would complain about a process that still runs, but later, in another test."""
    yield
    Terminal.end_all()


@pytest.fixture
def reconciler(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line in process, at 80 columns and without a terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("RECONCILER_DEBUG", raising=False)

    def command(*args: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in args])
        out, err = capsys.readouterr()
        assert leaks_in_text(out, "stdout") + leaks_in_text(err, "stderr") == []
        return Ran(code, out, err)

    return command


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one site."""
    made = Project(tmp_path)
    made.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop")})
    return made


@pytest.fixture
def chain(project: Project) -> Project:
    """A project with three sites, one of another team."""
    project.write({"sites/b.yaml": site("shop-b", 2), "sites/c.yaml": site("shop-c", 3, "americas")})
    return project
