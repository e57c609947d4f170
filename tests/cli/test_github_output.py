"""`--output github` adds to the files that the runner names; other formats leave them alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.reporters.markdown import MARKER
from tests.cli.projects import Command, Project


def test_the_runner_names_the_files(
    project: Project, reconciler: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are appended to: other commands of the step write there too."""
    summary, outputs = tmp_path / "summary.md", tmp_path / "outputs"
    outputs.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    project.edit("sites/shop.yaml", "toneOfVoice: warm", "toneOfVoize: warm")
    done = reconciler("validate", project.root, "--output", "github")
    assert done.code == 1
    assert done.out.startswith("::error title=")
    assert "sites/shop.yaml,line=4,col=3::" in done.out
    assert summary.read_text().startswith(MARKER)
    assert outputs.read_text() == "before=1\nexit-code=1\n"


def test_other_formats_leave_those_files_alone(
    project: Project, reconciler: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    reconciler("validate", project.root)
    assert not (tmp_path / "summary.md").exists()


def test_a_file_that_cannot_be_written_is_reported_before_anything_is_done(
    project: Project, reconciler: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "no" / "outputs"))
    done = reconciler("validate", project.root, "--output", "github")
    assert done.code == 1
    assert "GITHUB_OUTPUT" in done.err
    assert "unset it" in done.err
