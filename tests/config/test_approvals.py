"""Approvals files -> decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from reconciler.config.approvals import read_approvals
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.content import LinkPreview, PublicContent
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.sites import DesiredSite

DIGEST = "sha256:" + "41c9" * 16

BARE = "7be0" * 16

DOCUMENTED = f"""\
version: 1
site: shop
activities:
  - id: b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30
    title: Summer collection launch
    date: 2026-12-03T09:00:00Z
    decision: keep {BARE}
    drafts:
      - id: 834dc801-3e5c-416a-bd14-b130a95d100e
        channel: INSTAGRAM
        account: janes.pottery (178)
        page: "1029"
        type: POST
        goesOut: Thu 2026-12-03 09:30 Europe/Berlin   # for people
        decision: approve {DIGEST}
        cancelled: 1
        title: Mugs
        media: [https://static.wixstatic.com/media/a.jpg]
        caption: |
          Summer collection just dropped!
        link: https://x.example/
        preview: {{title: A, description: B, thumbnail: https://x.example/c.jpg}}
        callToAction: SHOP
        audience: SELF_ONLY
        other: {{firstComment: '"Hi"'}}
        description: More.
  - id: c
    title: "no"
    date: 2026-12-03T09:00:00.5+01:00
    decision: regenerate-media
"""


def test_documented_approvals_are_read_whole(load: Callable[..., DesiredSite]) -> None:
    site = load("", **{"approvals/shop.yaml": DOCUMENTED})
    content = PublicContent(
        "INSTAGRAM",
        "POST",
        "178",
        (("page", "1029"),),
        "Mugs",
        ("https://static.wixstatic.com/media/a.jpg",),
        "https://x.example/",
        LinkPreview("A", "B", "https://x.example/c.jpg"),
        "SHOP",
        "SELF_ONLY",
        (("firstComment", '"Hi"'),),
        "Summer collection just dropped!\n",
        "More.",
    )
    draft = DraftApproval(
        PostId("834dc801-3e5c-416a-bd14-b130a95d100e"),
        content,
        Digest(DIGEST),
        DraftDecision.APPROVE,
        cancelled=1,
        account="janes.pottery (178)",
        goes_out="Thu 2026-12-03 09:30 Europe/Berlin",
    )
    assert site.approvals == Approvals(
        (
            ActivityApproval(
                ActivityId("b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30"),
                "Summer collection launch",
                datetime(2026, 12, 3, 9, tzinfo=UTC),
                drafts=(draft,),
                decided=Digest(f"sha256:{BARE}"),
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
    assert site.approvals.draft(draft.id) == draft
    assert site.approvals.activity(ActivityId("c")) == site.approvals.activities[1]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        (f"approve {DIGEST}", "approve sha256:41c9", "the digest after 'approve' has 4 of 64 digits"),
        (f"approve {DIGEST}", f"aprove {DIGEST}", "'aprove' must be one of: pending, approve"),
        (f"approve {DIGEST}", f"approve  {DIGEST}", "must be sha256:64 hexadecimal digits"),
        (f"approve {DIGEST}", "approve", "the digest that `review` wrote after the word is missing"),
        (f"keep {BARE}", "discard 7be0c1a2", "the digest after 'discard' has 8 of 64 digits"),
        (f"keep {BARE}", f"keep sha256:{BARE}", "must be 64 hexadecimal digits"),
        (f"approve {DIGEST}", f"approve\n          {DIGEST}", "must be on one line"),
        (f"approve {DIGEST}", f'"approve \\\n          {DIGEST}"', "must be on one line"),
        (f"approve {DIGEST}", f'"\\x61pprove {DIGEST}"', "must be on one line"),
        (f"keep {BARE}", f">-\n      discard\n      {BARE}", "must be on one line"),
        ("        cancelled: 1", f"        digest: {DIGEST}", "the decision already names a digest"),
    ],
)
def test_a_decision_without_its_whole_digest_is_an_error_with_its_place(
    load: Callable[..., DesiredSite], before: str, after: str, says: str
) -> None:
    text = DOCUMENTED.replace(before, after)
    line = text[: text.index(after)].count("\n") + 1
    with pytest.raises(InvalidFiles) as raised:
        load("", **{"approvals/shop.yaml": text})
    (found,) = raised.value.problems
    assert says in found.message
    assert found.place is not None
    assert (found.place.file, found.place.line) == ("approvals/shop.yaml", line)


def test_the_first_layout_is_read_and_marked(load: Callable[..., DesiredSite]) -> None:
    text = DOCUMENTED.replace(f"decision: approve {DIGEST}", f"digest: {DIGEST}\n        decision: approve")
    draft = load("", **{"approvals/shop.yaml": text.replace(f"keep {BARE}", "keep")}).approvals.activities[0].drafts[0]
    assert (draft.earlier, draft.decision, draft.digest) == (True, DraftDecision.APPROVE, DIGEST)


def test_a_file_that_another_tool_rewrote_says_the_same(load: Callable[..., DesiredSite]) -> None:
    rewritten = yaml.safe_dump(yaml.safe_load(DOCUMENTED), width=1000)
    assert "date: 2026-12-03 09:00:00+00:00" in rewritten
    assert (
        load("", **{"approvals/shop.yaml": rewritten}).approvals
        == load("", **{"approvals/shop.yaml": DOCUMENTED}).approvals
    )


def test_without_a_file_nothing_is_approved(load: Callable[..., DesiredSite], tmp_path: Path) -> None:
    assert load("").approvals == Approvals()
    assert read_approvals(tmp_path / "none.yaml") == Approvals()


def test_a_single_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(DOCUMENTED)
    assert len(read_approvals(tmp_path / "shop.yaml", "shop").activities) == 2
    assert read_approvals(tmp_path / "shop.yaml", "shop").written_for == ""
    assert read_approvals(tmp_path / "shop.yaml", "two").written_for == "shop", "a site's old name"


def test_folder_of_approvals_can_be_elsewhere(load: Callable[..., DesiredSite]) -> None:
    site = load("", project="approvals: reviewed/content\n", **{"reviewed/content/shop.yaml": DOCUMENTED})
    assert len(site.approvals.activities) == 2
