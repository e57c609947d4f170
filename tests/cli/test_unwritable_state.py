"""If the state cannot be written, an apply reports that once, as the one cause of all that it leaves undone."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.cli.projects import Command, Project
from tests.cli.test_stays_wanted import APPROVALS, SITE, Pottery, edits
from tests.cli.test_stays_wanted import WORLD as POTTERY_WORLD

OTHER = SITE[:-1] + "2"
IDLE = f"version: 1\nsite: {{name: bakery, id: {OTHER}}}\nmarketingPlan: {{state: present}}\n"
WORLD = POTTERY_WORLD + f"  {OTHER}: {{plan: {{status: ACTIVE}}}}\n"
FIX = "make the file system writable, or name another place with --state"


@pytest.fixture
def shops(project: Project, reconciler: Command) -> Pottery:
    """The state knows the pottery, which has a scheduled post, and not the bakery, which needs no change."""
    shops = Pottery(project, reconciler)
    project.write({"sandbox.yaml": WORLD})
    shops.scheduled()
    project.write({"sites/bakery.yaml": IDLE})
    return shops


def make_read_only(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.open

    def read_only(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR) and str(path).startswith(f"{state}/") and "sandbox" not in str(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return before(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", read_only)


@pytest.mark.parametrize("saved", [False, True], ids=["live", "saved plan"])
@pytest.mark.parametrize("withdrawn", [False, True], ids=["nothing to do", "a post to cancel"])
def test_it_is_reported_once_and_what_still_goes_out_is_named(
    shops: Pottery, monkeypatch: pytest.MonkeyPatch, *, withdrawn: bool, saved: bool
) -> None:
    root = shops.project.root
    if withdrawn:
        edits(APPROVALS, "decision: approve", "decision: pending")(shops.project)
    file = str(root / "a.plan")
    assert shops.run("plan", "--out", file)[0] == 0
    make_read_only(root / ".reconciler", monkeypatch)
    monkeypatch.chdir(root)
    ran = shops.command("apply", *([file] if saved else []), "--auto-approve")
    said = " ".join((ran.out + ran.err).split())
    why = f"Error: {root / '.reconciler'}: the state cannot be written (Read-only file system); {FIX}"
    assert (ran.code, said.count("Read-only file system")) == (1, 1), said
    assert ran.last == why + (" (1 post still going out, above)" if withdrawn else "")
    assert ("! still going out" in said, '"Kiln day" (Instagram)' in said) == (withdrawn, withdrawn), said
    assert "failed" not in said
    assert "could not be read" not in said
    monkeypatch.undo()
    assert shops.status() == "SCHEDULED"


def test_a_run_with_nothing_to_record_needs_no_writable_state(shops: Pottery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shops.run("apply", "--auto-approve")[0] == 0
    make_read_only(shops.project.root / ".reconciler", monkeypatch)
    ran = shops.command("apply", str(shops.project.root), "--auto-approve")
    assert (ran.code, ran.last) == (0, "No changes."), ran.err
