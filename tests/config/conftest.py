"""Projects written for one test each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.config.sites import open_project
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.sites import DesiredSite
from reconciler.reporters.diagnostics import sentence

ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
HEAD = f"version: 1\nsite: {{name: shop, id: {ID}}}\n"

WriteProject = Callable[[dict[str, str]], Path]


@pytest.fixture
def write_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteProject:
    """Writes files by path into a folder, which becomes the current one."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return write


@pytest.fixture
def load(write_project: WriteProject) -> Callable[..., DesiredSite]:
    """The one site of a document, with a project file and more files beside it."""

    def load(body: str, *, head: str = HEAD, project: str = "", **more: str) -> DesiredSite:
        files = {"sites/shop.yaml": head + body, **more}
        if project:
            files["reconciler.yaml"] = "version: 1\n" + project
        write_project(files)
        (entry,) = open_project()[1].entries
        return entry.load()

    return load


@pytest.fixture
def problems_of(write_project: WriteProject) -> Callable[[dict[str, str]], list[str]]:
    """The problems reported for a project's files."""

    def problems(files: dict[str, str]) -> list[str]:
        write_project(files)
        try:
            open_project()
        except InvalidFiles as invalid:
            return [sentence(problem) for problem in invalid.problems]
        return []

    return problems
