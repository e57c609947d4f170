"""`version --check-files`: what an upgrade would affect."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from reconciler.version import __version__
from tests.cli.projects import Command, Project

FORMAT_1 = Path(__file__).resolve().parents[1] / "state" / "format_1"


def test_files_state_and_saved_plans_of_other_versions_are_named(project: Project, reconciler: Command) -> None:
    assert reconciler("version").out == f"reconciler {__version__}\n"
    reconciler("apply", project.root, "--auto-approve")
    reconciler("plan", project.root, "--out", project.root / "good.plan")
    clean = reconciler("version", "--check-files", project.root)
    assert clean.code == 0
    assert clean.last.endswith(f"none needs attention with reconciler {__version__}.")

    plan = json.loads((project.root / "good.plan").read_text("utf-8"))
    (project.root / "old.plan").write_text(json.dumps({**plan, "formatVersion": 1, "tool": "0.0.1"}), "utf-8")
    record = next((project.root / ".reconciler/records").iterdir())
    record.write_text(json.dumps({**json.loads(record.read_text("utf-8")), "formatVersion": 99}), "utf-8")
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file() and path.suffix != ".db"}
    first = next(path for path in sorted(FORMAT_1.rglob("*.json")) if "formatVersion" in path.read_text("utf-8"))
    old = project.root / ".reconciler/sites/older.json"
    old.parent.mkdir()
    shutil.copyfile(first, old)

    ran = reconciler("version", "--check-files", project.root, "--output", "json")
    found = {finding["code"]: finding for finding in ran.json["touched"]}
    assert ran.code == 1, "a state that cannot be read stops an upgrade"
    assert set(found) == {"plan-other-version", "state-newer", "state-older"}
    assert found["state-newer"]["severity"] == "error"
    assert all(finding["fix"] and finding["file"] for finding in found.values())
    text = reconciler("version", "--check-files", project.root, project.root / "old.plan")
    assert "made by another version (0.0.1); run plan again" in text.out
    assert all(path.read_bytes() == content for path, content in before.items()), "nothing is written"


def test_approvals_that_cannot_be_read_are_named(project: Project, reconciler: Command) -> None:
    project.write({"approvals/shop.yaml": "version: 2\nsite: shop\nactivities: []\n"})
    ran = reconciler("version", "--check-files", project.root)
    assert ran.code == 1
    assert "version 2 is not known" in ran.out
    assert ran.last.startswith("Files: 1 of ")


def test_a_document_of_the_state_that_cannot_be_read_is_one_finding(project: Project, reconciler: Command) -> None:
    """The others are still checked."""
    folder = project.root / ".reconciler/records"
    (folder / "3f0c2a9e-8d0b-4b7c-9a55-0000000000aa.json").mkdir(parents=True)
    (folder / "3f0c2a9e-8d0b-4b7c-9a55-0000000000bb.json").write_text("{", "utf-8")
    ran = reconciler("version", "--check-files", project.root, "--output", "json")
    assert (ran.code, [finding["code"] for finding in ran.json["touched"]]) == (1, ["state", "state-corrupt"])
