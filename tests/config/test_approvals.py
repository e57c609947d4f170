"""Approvals files -> decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.config.approvals import read_approvals
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, Decision, DraftApproval
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.sites import DesiredSite

DIGEST = "sha256:" + "41c9" * 16

DOCUMENTED = f"""\
version: 1
site: shop
activities:
  - id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30
    title: Summer collection launch
    date: 2026-12-03T09:00:00Z
    decision: keep                 # keep | regenerate | regenerate-media | discard
    drafts:
      - id: 834dc801-3e5c-416a-bd14-b130a95d100e
        channel: INSTAGRAM
        type: POST
        digest: {DIGEST}
        decision: approve
        media: [https://static.wixstatic.com/media/a.jpg]
        caption: |
          Summer collection just dropped!
  - id: c
    title: "no"
    date: 2026-12-03T09:00:00.5+01:00
    decision: regenerate-media
"""


def test_documented_approvals_are_read_whole(load: Callable[..., DesiredSite]) -> None:
    site = load("", **{"approvals/shop.yaml": DOCUMENTED})
    draft = DraftApproval(
        PostId("834dc801-3e5c-416a-bd14-b130a95d100e"),
        "INSTAGRAM",
        "POST",
        Digest(DIGEST),
        Decision.APPROVE,
        ("https://static.wixstatic.com/media/a.jpg",),
        "Summer collection just dropped!\n",
    )
    assert site.approvals == Approvals(
        (
            ActivityApproval(
                ActivityId("b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30"),
                "Summer collection launch",
                datetime(2026, 12, 3, 9, tzinfo=UTC),
                drafts=(draft,),
            ),
            ActivityApproval(
                ActivityId("c"),
                "no",
                datetime(2026, 12, 3, 8, 0, 0, 500_000, tzinfo=UTC),
                ActivityDecision.REGENERATE_MEDIA,
            ),
        ),
        "approvals/shop.yaml",
    )
    assert site.approvals.approves(draft.id, Digest(DIGEST))


def test_without_a_file_nothing_is_approved(load: Callable[..., DesiredSite], tmp_path: Path) -> None:
    assert load("").approvals == Approvals()
    assert read_approvals(tmp_path / "none.yaml") == Approvals()


def test_file_alone_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(DOCUMENTED)
    assert len(read_approvals(tmp_path / "shop.yaml", "shop").activities) == 2
    with pytest.raises(InvalidFiles, match="these are the approvals of 'shop', in the file of 'two'"):
        read_approvals(tmp_path / "shop.yaml", "two")


def test_folder_of_approvals_can_be_elsewhere(load: Callable[..., DesiredSite]) -> None:
    site = load("", project="approvals: reviewed/content\n", **{"reviewed/content/shop.yaml": DOCUMENTED})
    assert len(site.approvals.activities) == 2
