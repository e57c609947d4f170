"""`init`: a project that works at once, without overwriting anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.projects import Command


def test_a_starter_project_validates_plans_and_applies(tmp_path: Path, reconciler: Command) -> None:
    done = reconciler("init", tmp_path / "new")
    assert done.code == 0
    assert done.last == f"Next: reconciler plan {tmp_path / 'new'}"
    assert "sites/example.yaml" in done.out
    assert reconciler("validate", tmp_path / "new").out == "Valid: 1 file, 1 site.\n"
    plan = reconciler("plan", tmp_path / "new", "--detailed-exitcode")
    assert (plan.code, plan.err) == (2, "")


def test_the_schemas_next_to_the_files_are_those_of_the_tool(tmp_path: Path, reconciler: Command) -> None:
    reconciler("init", tmp_path)
    for name in ("site", "project", "approvals"):
        copy = (tmp_path / "schemas" / f"{name}.schema.json").read_text()
        assert copy == reconciler("schema", name).out
        json.loads(copy)
    first = (tmp_path / "sites" / "example.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/site.schema.json"


def test_what_is_there_is_kept(tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reconciler.yaml").write_text("version: 1\n")
    done = reconciler("init")
    assert Path("reconciler.yaml").read_text() == "version: 1\n"
    assert "kept   reconciler.yaml, which already exists" in done.out
    assert done.last == "Next: reconciler plan"
    again = reconciler("init")
    assert "wrote" not in again.out


def test_a_gitignore_that_is_kept_is_told_what_it_lacks(
    tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".gitignore").write_text("node_modules/\n/.reconciler\n  *.plan  # saved\n*.plan\n")
    done = reconciler("init")
    assert (done.code, Path(".gitignore").read_text().count("\n")) == (0, 4)
    assert done.err == (
        "warning: .gitignore: git does not ignore some files that reconciler writes only for this machine; "
        "add these lines: approvals/*.html, .*.tmp\n"
    )
    (problem,) = reconciler("init", "--output", "json").json["problems"]
    assert (problem["code"], problem["severity"], problem["file"]) == ("not-ignored", "warning", ".gitignore")
    reconciler("init", "new")
    assert reconciler("init", "new").err == ""
    Path("new/.gitignore").unlink()
    Path("new/.gitignore").mkdir()
    assert (reconciler("init", "new").code, reconciler("init", "new").err) == (0, "")


def test_a_project_that_exists_gets_no_example(tmp_path: Path, reconciler: Command) -> None:
    (tmp_path / "reconciler.yaml").write_text("version: 1\n")
    reconciler("init", tmp_path, "--ci", "github")
    assert (tmp_path / ".github/workflows/reconciler-plan.yml").exists()
    assert not (tmp_path / "sites").exists()
    without = tmp_path / "without"
    (without / "sites" / "emea").mkdir(parents=True)
    (without / "sites" / "emea" / "shop.yaml").write_text("version: 1\n")
    reconciler("init", without)
    assert not (without / "sites/example.yaml").exists()


def test_the_next_command_can_be_pasted(tmp_path: Path, reconciler: Command) -> None:
    assert reconciler("init", tmp_path / "a b").last == f"Next: reconciler plan '{tmp_path / 'a b'}'"


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, reconciler: Command) -> None:
    (tmp_path / "file").write_text("")
    done = reconciler("init", tmp_path / "file" / "new")
    assert done.code == 1
    assert "Error" in done.err
