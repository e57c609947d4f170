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


@pytest.mark.parametrize("variable", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"])
@pytest.mark.parametrize(
    ("top", "here", "path", "file"),
    [
        ("", "", "", "sites/shop.yaml"),
        ("", "sites", "..", "sites/shop.yaml"),
        ("..", "", "", "{project}/sites/shop.yaml"),
        ("..", "sites", "..", "{project}/sites/shop.yaml"),
        ("sites", "", "", "sites/shop.yaml"),
    ],
)
def test_paths_begin_at_the_top_of_the_checkout(
    project: Project,
    reconciler: Command,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    top: str,
    here: str,
    path: str,
    file: str,
) -> None:
    """GitHub and GitLab look for them there, wherever a step runs; outside of the checkout nothing is known."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(project.root / top))
    monkeypatch.chdir(project.root / here)
    project.edit("sites/shop.yaml", "toneOfVoice: warm", "toneOfVoize: warm")
    file = file.format(project=project.root.name)
    said = {name: reconciler("validate", path or ".", "--output", name) for name in ("github", "sarif", "codequality")}
    assert f"file={file},line=4" in said["github"].out
    (result,) = said["sarif"].json["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == file
    (found,) = said["codequality"].json
    assert found["location"]["path"] == file


def test_a_problem_of_a_run_is_shown_at_the_project_file_of_the_checkout(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.root.parent))
    monkeypatch.chdir(project.root)
    (found,) = reconciler("plan", "--target", "nobody", "--output", "codequality").json
    assert found["location"]["path"] == f"{project.root.name}/reconciler.yaml"
