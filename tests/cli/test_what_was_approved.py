"""What goes out is what people read and approved: that content, on that account and page, on that day."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler import whole_files
from reconciler.config import decisions
from tests.cli.projects import Command, Project, Ran

SITE_ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
SEED = f"""\
clock: 2026-11-02T09:00:00Z
freeze: true
sites:
  {SITE_ID}:
    timeZone: Europe/Berlin
    channels: [INSTAGRAM, FACEBOOK, PINTEREST, GBP]
    plan:
      status: ACTIVE
      activities:
        - id: aaaaaaaa-0000-4000-8000-000000000001
          date: 2026-11-04T08:00:00Z
          title: Kiln day
          items:
            - id: bbbbbbbb-0000-4000-8000-000000000001
              channel: INSTAGRAM
              type: POST
              caption: Open on Fryday
              media: ["https://static.wixstatic.com/media/a.jpg"]
"""
LATER = """\
        - id: aaaaaaaa-0000-4000-8000-000000000003
          date: 2026-11-30T08:00:00Z
          title: Later
          items:
            - id: bbbbbbbb-0000-4000-8000-000000000003
              channel: INSTAGRAM
              type: POST
              caption: Hello from the kiln
              media: ["https://static.wixstatic.com/media/a.jpg"]
"""
SITE = f"""\
version: 1
site: {{name: pottery, id: {SITE_ID}}}
schedule:
  rules:
    - match: {{within: 60d}}
      at: "09:30"
"""


@pytest.fixture
def pottery(project: Project, reconciler: Command) -> Project:
    """A site that the state knows, with one draft that nobody reviewed."""
    (project.root / "sites" / "shop.yaml").unlink()
    return known(project, reconciler, SEED)


def known(project: Project, reconciler: Command, seed: str) -> Project:
    project.write({"sandbox.yaml": seed, "sites/pottery.yaml": SITE})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    return project


def file(project: Project) -> Path:
    return project.root / "approvals" / "pottery.yaml"


def approved(project: Project, reconciler: Command, *edits: tuple[str, str]) -> None:
    """Reviewed and approved, and also edited in the file."""
    assert reconciler("review", project.root).code == 0
    for before, after in (("decision: pending", "decision: approve"), *edits):
        project.edit("approvals/pottery.yaml", before, after)


def words(done: Ran) -> str:
    return " ".join((done.out + done.err).split())


def scheduled(project: Project) -> set[str]:
    with project.world() as world:
        items = world.world()["sites"][SITE_ID]["items"]
        return {key[-1] for key, record in items.items() if record["item"]["status"] == "SCHEDULED"}


def must_not_go_out(project: Project, reconciler: Command) -> None:
    assert reconciler("apply", project.root, "--auto-approve", "--allow-publish").code == 0
    assert scheduled(project) == set()


def test_a_digest_that_was_edited_in_git_is_not_a_change_on_the_site(pottery: Project, reconciler: Command) -> None:
    def edit(text: str) -> str:
        return re.sub(r"approve sha256:(.)", lambda found: f"approve sha256:{'1' if found[1] == '0' else '0'}", text)

    approved(pottery, reconciler)
    file(pottery).write_text(edit(before := file(pottery).read_text("utf-8")), "utf-8")
    drift = words(reconciler("drift", pottery.root))
    assert "changed remotely" not in drift
    assert "edited in the file" in drift
    assert "its digest" in drift or "the digest of its approval" in drift
    must_not_go_out(pottery, reconciler)
    file(pottery).write_text(before, "utf-8")
    with pottery.world() as world:
        world.edit(
            SITE_ID,
            lambda site, *_: [found["item"]["channel"].update(accountId="999-brand") for found in site.items.values()],
        )
    assert "changed remotely" in words(reconciler("drift", pottery.root))


def test_a_post_that_has_moved_to_another_account_is_not_what_was_approved(
    pottery: Project, reconciler: Command
) -> None:
    approved(pottery, reconciler)
    assert " on " in words(reconciler("plan", pottery.root))
    with pottery.world() as world:
        world.edit(
            SITE_ID,
            lambda site, *_: [found["item"]["channel"].update(accountId="999-brand") for found in site.items.values()],
        )
    planned = words(reconciler("plan", pottery.root))
    assert "changed after approval: account: " in planned
    assert "-> 999-brand" in planned
    must_not_go_out(pottery, reconciler)
    assert "999-brand" in words(reconciler("review", pottery.root))
    assert 'account: "999-brand"' in file(pottery).read_text("utf-8")
    assert "999-brand" in file(pottery).with_suffix(".html").read_text("utf-8")


def test_page_board_button_and_link_preview_are_part_of_what_was_approved(
    pottery: Project, reconciler: Command
) -> None:
    item = "            - {id: bbbbbbbb-0000-4000-8000-00000000000N, channel: C, type: POST, caption: Hi, media: [M]}\n"
    media = '"https://static.wixstatic.com/media/a.jpg"'
    items = "".join(
        item.replace("N, ", f"{number}, ").replace("C,", f"{channel},").replace("M", media)
        for number, channel in ((6, "FACEBOOK"), (7, "PINTEREST"), (8, "GBP"))
    )
    pottery.write({"sandbox.yaml": SEED + items})
    (pottery.root / ".reconciler" / "sandbox.db").unlink()
    approved(pottery, reconciler)
    changes = {
        "facebookPost": {"pageId": "other-page", "linkMetadata": {"title": "Win a phone", "description": "click"}},
        "pinterestPost": {"boardId": "other-board"},
        "gbpPost": {"callToAction": "BOOK"},
    }
    with pottery.world() as world:
        world.edit(
            SITE_ID,
            lambda site, *_: [
                found["item"][content].update(change)
                for found in site.items.values()
                for content, change in changes.items()
                if content in found["item"]
            ],
        )
    planned = words(reconciler("plan", pottery.root))
    for said in ("-> other-page", "preview.title: (not set) -> Win a phone", "-> other-board", "callToAction: "):
        assert said in planned
    assert planned.count("changed after approval") == 3
    assert reconciler("apply", pottery.root, "--auto-approve", "--allow-publish").code == 0
    assert scheduled(pottery) == {"1"}, "what did not change goes out"


@pytest.mark.parametrize(
    "edit",
    [
        ("Fryday", "Friday"),
        ("media/a.jpg", "media/lovely-mug.jpg"),
        ("channel: INSTAGRAM", "channel: LINKEDIN"),
        ("title: Kiln day", "title: Lovely mugs"),
        ("type: POST", "type: STORY"),
        ("account: ", "account: other."),
        ("account: ", "account: 9"),
        ("        caption: Open on Fryday\n", ""),
        ("        media: [https://static.wixstatic.com/media/a.jpg]\n", ""),
    ],
)
def test_a_correction_in_the_file_is_never_ignored(
    pottery: Project, reconciler: Command, edit: tuple[str, str]
) -> None:
    reconciler("review", pottery.root)
    text = file(pottery).read_text("utf-8")
    file(pottery).write_text(text.replace("caption: |\n          Open on Fryday", "caption: Open on Fryday"), "utf-8")
    approved(pottery, reconciler, edit)
    planned = words(reconciler("plan", pottery.root))
    assert "edited in the file" in planned
    assert "change the content in the site's dashboard" in planned
    must_not_go_out(pottery, reconciler)
    reviewed = reconciler("review", pottery.root)
    told = "corrected" if "title" in edit[0] else "back to pending"
    assert f'! {told} "Kiln day" (' in words(reviewed)
    assert "edited in the file, which now shows the site's text again: " in words(reviewed)
    if "title" in edit[0]:  # nobody sees an activity's title: the approval of the post is still good
        assert reviewed.last == "Review: 0 pending, 1 approved, in 1 site."
        return
    assert reviewed.last == "Review: 1 pending, 0 approved; 1 of 1 site has pending drafts."
    assert "decision: pending sha256:" in file(pottery).read_text("utf-8")
    assert "edited in the file" not in reconciler("review", pottery.root).out, "it is said once"


def test_review_approve_and_the_file_show_the_moment_at_which_a_post_goes_out(
    pottery: Project, reconciler: Command
) -> None:
    pottery.edit("sandbox.yaml", "2026-11-04T08:00:00Z", "2026-11-10T23:30:00Z")
    (pottery.root / ".reconciler" / "sandbox.db").unlink()
    when = "Wed 2026-11-11 09:30 Europe/Berlin"
    assert when in words(reconciler("review", pottery.root))
    assert f"goesOut: {when}\n" in file(pottery).read_text("utf-8")
    assert f"goes out: {when}" in words(reconciler("approve", pottery.root, "--all", "--yes"))
    assert when in file(pottery).with_suffix(".html").read_text("utf-8")
    pottery.edit("sites/pottery.yaml", '      at: "09:30"\n', "")
    about = "about Wed 2026-11-11 00:30 Europe/Berlin"
    assert about in words(reconciler("review", pottery.root)) + file(pottery).read_text("utf-8")


def test_an_approval_that_came_too_late_stays_and_is_reported(project: Project, reconciler: Command) -> None:
    (project.root / "sites" / "shop.yaml").unlink()
    pottery = known(project, reconciler, SEED + LATER)
    reconciler("review", pottery.root)
    reconciler("approve", pottery.root, "--title", "kiln*", "--yes")
    with pottery.world() as world:
        world.advance(timedelta(days=4))
    due = "was due Wed 2026-11-04 09:30 Europe/Berlin"
    planned = words(reconciler("plan", pottery.root))
    assert '"Kiln day" (Instagram) was approved but missed' in planned
    assert due in planned
    drift = reconciler("drift", pottery.root)
    assert drift.last == "No drift.", drift.out
    reviewed = words(reconciler("review", pottery.root))
    assert '! missed Instagram "Kiln day"' in reviewed
    assert due in reviewed
    assert "Kiln day" in file(pottery).read_text("utf-8")
    assert due in re.sub("<[^>]+>", "", file(pottery).with_suffix(".html").read_text("utf-8"))
    before = file(pottery).read_bytes()
    reconciler("review", pottery.root)
    assert file(pottery).read_bytes() == before
    reconciler("approve", pottery.root, "--title", "kiln*", "--decision", "pending", "--yes")
    reconciler("review", pottery.root)
    assert "Kiln day" not in file(pottery).read_text("utf-8"), "somebody decided"
    assert "missed" not in words(reconciler("plan", pottery.root))


def test_a_limit_of_a_channel_is_counted_in_letters_and_names_no_line_of_the_project(
    pottery: Project, reconciler: Command
) -> None:
    family = "\U0001f468‍\U0001f469‍\U0001f467‍\U0001f466"
    pottery.edit("sandbox.yaml", "Open on Fryday", family * 320)
    (pottery.root / ".reconciler" / "sandbox.db").unlink()
    approved(pottery, reconciler)
    planned = words(reconciler("plan", pottery.root))
    assert "caption has 320 characters, but 2,240 code points; Instagram allows 2,200" in planned
    assert "reconciler.yaml" not in planned
    pottery.edit("sandbox.yaml", family * 320, family * 2201)
    (pottery.root / ".reconciler" / "sandbox.db").unlink()
    reviewed = words(reconciler("review", pottery.root))
    assert "Instagram's own limit: caption has 2,201 characters (15,407 code points); the limit is 2,200" in reviewed
    assert "blocked: [" in file(pottery).read_text("utf-8")


def test_all_drafts_are_one_write(pottery: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "            - {id: bbbbbbbb-0000-4000-8000-0000000001NN, channel: FACEBOOK, type: POST, caption: Hi NN}\n"
    items = "".join(more.replace("NN", f"{number:02}") for number in range(30))
    pottery.write({"sandbox.yaml": SEED + items})
    (pottery.root / ".reconciler" / "sandbox.db").unlink()
    reconciler("review", pottery.root)
    writes: list[Path] = []
    real = whole_files.write_atomically

    def counted(path: Path, text: str) -> None:
        writes.append(path)
        real(path, text)

    monkeypatch.setattr(decisions, "write_atomically", counted)
    assert reconciler("approve", pottery.root, "--all", "--yes").last == "Decided: 31 drafts in 1 site; 0 pending."
    assert writes == [file(pottery)]


def test_a_renamed_activity_is_not_called_an_edit_of_the_file(pottery: Project, reconciler: Command) -> None:
    approved(pottery, reconciler)
    with pottery.world() as world:
        (activity,) = world.world()["sites"][SITE_ID]["activities"]
        world.dashboard.edit_activity(SITE_ID, activity, title="Kiln week")
    said = "its activity was renamed, or the title was edited in the file"
    shown = "activity.title: Kiln day -> Kiln week"
    assert f"{said} ({file(pottery)} -> site): {shown}" in words(reconciler("plan", pottery.root))
    must_not_go_out(pottery, reconciler)
    assert f"{said}, which now shows the site's text again: {shown}" in words(reconciler("review", pottery.root))
    assert reconciler("apply", pottery.root, "--auto-approve", "--allow-publish").code == 0
    assert len(scheduled(pottery)) == 1
