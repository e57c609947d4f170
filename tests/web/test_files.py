"""A file that somebody else writes at the very moment when a decision is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.config.approvals_edit import set_decisions
from reconciler.config.sites import open_project
from reconciler.model.address import SiteName
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.diagnostics import UsageError
from reconciler.web.files import ApprovalsFolder, SiteFile
from reconciler.whole_files import ChangedMeanwhile, write_atomically
from tests.web.pages import activity, approvals, draft_id, words, write_project

SHOP = SiteName("shop")


def folder(root: Path) -> ApprovalsFolder:
    project, _ = open_project((root,))
    return ApprovalsFolder(project, [SHOP])


def approving(file: SiteFile, number: int) -> tuple[str, Approvals]:
    return set_decisions(file.text, {draft_id(number): DraftDecision.APPROVE}), file.approvals


def test_an_edit_in_between_is_merged(pottery: Path) -> None:
    root = write_project(pottery, {"shop": (activity(0), activity(1))})
    tries = 0

    def made(file: SiteFile) -> tuple[str, Approvals]:
        nonlocal tries
        tries += 1
        if tries == 1:
            text = approvals(root).read_text()
            approvals(root).write_text("# Bo was here\n" + set_decisions(text, {draft_id(1): DraftDecision.APPROVE}))
        return approving(file, 0)

    folder(root).change(SHOP, made)
    assert tries == 2
    assert approvals(root).read_text().startswith("# Bo was here\n")
    assert (words(root)[draft_id(0)], words(root)[draft_id(1)]) == ("approve", "approve")


def test_a_file_that_is_written_again_and_again_is_left_alone(pottery: Path) -> None:
    root = write_project(pottery, {"shop": (activity(0),)})

    def made(file: SiteFile) -> tuple[str, Approvals]:
        approvals(root).write_text(approvals(root).read_text() + "# again\n")
        return approving(file, 0)

    with pytest.raises(UsageError, match="keeps writing to it"):
        folder(root).change(SHOP, made)
    assert words(root)[draft_id(0)] == "pending"
    assert [path.name for path in approvals(root).parent.iterdir()] == ["shop.yaml"], "nothing is left beside it"


def test_nothing_is_written_over_what_was_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("theirs")
    with pytest.raises(ChangedMeanwhile):
        write_atomically(file, "ours", b"what was read")
    assert file.read_text() == "theirs"
    write_atomically(file, "ours", b"theirs")
    assert file.read_text() == "ours"
