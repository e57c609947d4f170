"""`review` and `approve`, from generated drafts to scheduled posts, over the sandbox."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shlex
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.approve import HELP, QUESTION, SHORT_HELP, fitted
from reconciler.config.decisions import DraftSelector, Ruling, Subject
from reconciler.config.sites import open_project
from reconciler.config.trust import trust_of
from reconciler.engine.approve import approve
from reconciler.engine.approve_terms import Instead, ToApprove, Undecided
from reconciler.engine.choice import SiteFilter
from reconciler.engine.selection import select
from reconciler.model.activities import Activity
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityApproval, DraftApproval, DraftDecision
from reconciler.model.content import PublicContent, approval_digest, comparable
from reconciler.model.posts import ActivityId, Media, Post, PostId, PostStatus
from reconciler.planner.channel_rules import content_warnings, warnings_of_reviewed
from reconciler.planner.review_builder import review_of
from reconciler.reporters.layout import Screen
from reconciler.reporters.review_text import subject_lines
from reconciler.whole_files import write_atomically
from tests.cli import terminal
from tests.cli.projects import SANDBOX, Command, Project, site
from tests.reviewing import reviewed

SITE_ID = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
SEED = f"""\
clock: 2026-11-02T09:00:00Z
freeze: true
latency: {{generate: 2s, posts: 1s, media: 1s}}
sites:
  - id: {SITE_ID}
    timeZone: Europe/Berlin
    channels: [INSTAGRAM, FACEBOOK]
    plan:
      activities:
        - id: b0000000-0000-4000-8000-000000000001
          date: 2026-11-05T09:00:00Z
          title: Winter mugs
          items:
            - {{id: d0000000-0000-4000-8000-000000000001, channel: INSTAGRAM, type: POST, caption: "New mugs 🫖\\nنص"}}
            - {{id: d0000000-0000-4000-8000-000000000002, channel: FACEBOOK, type: POST, caption: "::error::\\e[31mno"}}
            - {{id: d0000000-0000-4000-8000-000000000003, channel: INSTAGRAM, type: STORY}}
        - id: b0000000-0000-4000-8000-000000000002
          date: 2026-11-06T09:00:00Z
          title: Open studio
          items:
            - {{id: d0000000-0000-4000-8000-000000000004, channel: INSTAGRAM, type: POST, caption: Come by}}
"""
RULES = """\
posts: []
schedule:
  rules:
    - match: {within: 14d}
      at: "09:30"
"""
IDS = [f"d0000000-0000-4000-8000-00000000000{number}" for number in range(5)]
ACTIVITY = "b0000000-0000-4000-8000-000000000001"
BARE = f"version: 1\nsite: {{name: shop, id: {SITE_ID}}}\n"


@pytest.fixture
def shop(project: Project, reconciler: Command) -> Project:
    """A project with one site that the state knows, with four drafts, none reviewed."""
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": BARE + RULES})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    return project


def file(project: Project) -> str:
    return (project.root / "approvals" / "shop.yaml").read_text("utf-8")


def decisions(project: Project) -> dict[str, str]:
    document = yaml.safe_load(file(project))
    drafts = [draft for each in document["activities"] for draft in each["drafts"]]
    return {draft["id"][-1]: draft["decision"].split()[0] for draft in drafts}


def statuses(project: Project) -> dict[str, str]:
    with project.world() as world:
        (found,) = world.world()["sites"].values()
        return {item["id"][-1]: item["status"] for item in _items(found)}


def _items(found: Any) -> list[dict[str, Any]]:
    return [each["item"] for each in found["items"].values()]


def test_review_writes_every_wanted_draft_and_twice_changes_nothing(shop: Project, reconciler: Command) -> None:
    done = reconciler("review", shop.root)
    assert done.code == 0, done.err
    assert done.last == "Review: 4 pending, 0 approved; 1 of 1 site has pending drafts."
    assert "Instagram story" in done.out
    assert "Thu 2026-11-05 09:30 Europe/Berlin" in " ".join(done.out.split())
    assert decisions(shop) == dict.fromkeys("1234", "pending")
    before = {path.name: path.read_bytes() for path in (shop.root / "approvals").iterdir()}
    assert set(before) == {"shop.yaml", "shop.html"}
    assert reconciler("review", shop.root).code == 0
    assert {path.name: path.read_bytes() for path in (shop.root / "approvals").iterdir()} == before
    assert not [request for request in shop.requests() if request["wrote"]]
    assert "\x1b" not in file(shop) + done.out
    assert reconciler("validate", shop.root).code == 0


def test_no_approval_is_suggested_for_drafts_that_the_next_apply_discards(shop: Project, reconciler: Command) -> None:
    """Their approval would only make that apply refuse the site."""
    assert reconciler("review", shop.root).out.splitlines()[-1].startswith("Next: reconciler approve")
    generate = "settings: {toneOfVoice: dry}\nmarketingPlan: {state: present, regenerate: {discard: unapproved}}\n"
    shop.write({"sites/shop.yaml": BARE + generate + RULES})
    assert "discards 4 unapproved drafts" in reconciler("plan", shop.root).out
    said = reconciler("review", shop.root).out
    assert "shop  4 pending (all blocked); the next apply discards 4 waiting drafts" in said
    step = f"Next: reconciler plan {shlex.quote(str(shop.root))}   (shows why the next apply discards 4 waiting drafts)"
    assert said.splitlines()[-1] == step
    why = "the next apply discards it; if it is approved, apply refuses the whole site instead"
    assert " ".join(said.split()).count(f"blocked: {why}") == 4
    assert (shop.root / "approvals" / "shop.html").read_text("utf-8").count(why) == 4
    assert file(shop).count(f'blocked: ["{why}"]') == 4, "which the review page shows"
    reconciler("review", shop.root, "--output", f"json={shop.root / 'out.json'}")
    report = json.loads((shop.root / "out.json").read_text("utf-8"))
    assert report["summary"]["toDiscard"] == 4
    drafts = report["sites"][0]["drafts"]
    found = {(problem["code"], problem["severity"]) for draft in drafts for problem in draft["problems"]}
    assert found == {("to-be-discarded", "warning")}
    shop.write({"sites/shop.yaml": BARE + generate.replace("unapproved", "all") + RULES})
    reconciler("review", shop.root)
    assert file(shop).count('blocked: ["the next apply discards it, approved or not"]') == 4
    shop.write({"sites/shop.yaml": BARE + generate + RULES})
    reconciler("review", shop.root)
    said = reconciler("approve", shop.root, "--id", IDS[1], "--yes").out
    assert " ".join(said.split()).count(f"blocked: {why}") == 1
    assert "would discard 1 approved draft" in reconciler("plan", shop.root).out, "so it says what a yes leads to"
    said = " ".join(reconciler("review", shop.root).out.split())
    assert "shop 3 pending, 1 approved (blocked)" in said, said
    assert ": apply refuses the site, so as not to discard drafts" in said, said
    assert file(shop).count('blocked: ["apply refuses the site, so as not to discard drafts"]') == 1
    shop.write({"sites/shop.yaml": BARE + generate.replace("unapproved", "nothing") + RULES})
    assert "refused" in reconciler("plan", shop.root).out
    assert "discards" not in reconciler("review", shop.root).out, "nothing is discarded on a site that is refused"
    assert why not in file(shop)


def test_quiet_shows_only_problems_and_the_last_line(shop: Project, reconciler: Command) -> None:
    last = "Review: 4 pending, 0 approved; 1 of 1 site has pending drafts."
    assert reconciler("review", shop.root, "--quiet").out.splitlines() == [last]
    reconciler("approve", shop.root, "--all", "--yes")
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[1], caption="Something else")
    changed = reconciler("review", shop.root, "--quiet").out
    assert "! back to pending" in changed
    assert "New mugs" not in changed.partition("! back to pending")[0]
    assert "Preview:" not in changed
    refused = reconciler("review", shop.root, "--quiet", "--web")
    assert (refused.code, "--quiet" in refused.err) == (1, True)


def test_one_gallery_for_all_sites_and_json(shop: Project, reconciler: Command) -> None:
    page = shop.root / "all.html"
    done = reconciler("review", shop.root, "--output", "json", "--output", f"html={page}")
    (found,) = json.loads(done.out)["sites"]
    assert (found["written"], len(found["drafts"]), found["timeZone"]) == ("created", 4, "Europe/Berlin")
    assert page.read_text("utf-8").count("<article") == 4
    assert not (shop.root / "approvals" / "shop.html").exists()
    assert reconciler("review", shop.root, "--output", "html").out == page.read_text("utf-8")
    assert reconciler("review", shop.root, "--output", "json", "--output", "html").code == 1


def test_sites_that_cannot_be_reviewed_say_why_and_keep_their_file(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    before = file(shop)
    with shop.world() as world:
        world.dashboard.set_plan_status(SITE_ID, "GENERATING")
    done = reconciler("review", shop.root)
    assert (done.code, file(shop)) == (0, before)
    assert "being generated" in done.out
    shop.write({"sites/shop.yaml": BARE})
    assert "no schedule" in reconciler("review", shop.root).out


def test_from_drafts_to_scheduled_posts(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    waiting = reconciler("plan", shop.root, "--detailed-exitcode", "--strict")
    assert (waiting.code, waiting.last) == (0, "No changes.")
    shown = reconciler("approve", shop.root, "--channel", "instagram", "--yes")
    assert shown.last == "Decided: 3 drafts in 1 site; 1 pending."
    assert "  | New mugs 🫖\n  | نص\n" in shown.out
    assert decisions(shop) == {"1": "approve", "2": "pending", "3": "approve", "4": "approve"}
    applied = reconciler("apply", shop.root, "--auto-approve", "--allow-publish")
    assert applied.code == 0, applied.out + applied.err
    assert statuses(shop) == {"1": "SCHEDULED", "2": "DRAFT", "3": "SCHEDULED", "4": "SCHEDULED"}
    assert reconciler("plan", shop.root).last == "No changes."
    before = file(shop)
    assert reconciler("review", shop.root).code == 0
    assert file(shop) == before


def test_another_title_blocks_no_draft_that_is_waiting_for_a_decision(shop: Project, reconciler: Command) -> None:
    """Such as a title that the plan itself is about to write. `review` shows the site's again."""
    reconciler("apply", shop.root, "--auto-approve")
    reconciler("review", shop.root)
    shop.edit("approvals/shop.yaml", "title: Winter mugs", "title: Summer mugs")
    planned = reconciler("plan", shop.root, "--strict")
    assert (planned.code, "blocked" in planned.out, "waiting for review" in planned.out) == (0, False, True), (
        planned.out
    )
    assert "which now shows the site's text again" in " ".join(reconciler("review", shop.root).out.split())


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (("--id", IDS[4]), ": the approval may have been used already; run apply, then approve again"),
        (("--all",), ", each: the approval may have been used already; run apply, then approve again"),
    ],
)
def test_an_approval_unknown_to_the_state_must_be_given_again(
    which: tuple[str, ...], said: str, shop: Project, reconciler: Command
) -> None:
    """First contact, or a lost state: nobody can tell whether the approval was used. Said once for a site."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, *which, "--yes")
    for path in sorted((shop.root / ".reconciler").rglob("*"), reverse=True):
        if path.is_file() and "sandbox" not in path.name:
            path.unlink()
    planned = " ".join(reconciler("plan", shop.root).out.split())
    assert "the state has no record of this site" in planned
    assert "and apply, which records the site; then approve it again" in planned
    reviewed = reconciler("review", shop.root)
    assert reviewed.last == "Review: 4 pending, 0 approved; 1 of 1 site has pending drafts."
    shown = " ".join(reviewed.out.split())
    assert (shown.count("back to pending"), shown.count(said)) == (1, 1)
    assert decisions(shop) == dict.fromkeys("1234", "pending")
    reconciler("apply", shop.root, "--auto-approve")
    reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", "--allow-publish").code == 0
    assert statuses(shop)["4"] == "SCHEDULED"


def test_a_review_says_which_approved_drafts_are_blocked_and_why(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--all", "--yes")
    assert reconciler("review", shop.root).last == "Review: 0 pending, 4 approved, in 1 site."
    policy = "policy: {quietHours: {from: '08:00', to: '12:00'}}\n"
    shop.write({"reconciler.yaml": (shop.root / "reconciler.yaml").read_text("utf-8") + policy})
    reviewed = reconciler("review", shop.root)
    said = " ".join(reviewed.out.split())
    assert reviewed.last == "Review: 0 pending, 4 approved (all blocked), in 1 site."
    assert said.count("! blocked") == 1, said
    assert ": each breaks policy.quietHours: " in said, said
    assert said.endswith(" (shows what to do about 4 blocked drafts)"), said
    quiet = reconciler("review", shop.root, "--quiet")
    assert "4 approved (all blocked)" in quiet.out


def test_content_changed_after_approval_is_blocked_and_reviewed_again(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--all", "--yes")
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[1], caption="Something else")
    planned = reconciler("plan", shop.root, "--output", "json")
    (site_plan,) = planned.json["sites"]
    assert "changed-after-approval" in json.dumps(site_plan["blocked"])
    reviewed = reconciler("review", shop.root, "--output", "json", "--output", f"text={shop.root}/review.txt").json
    (found,) = reviewed["sites"][0]["rewritten"]
    assert (found["post"], found["before"], found["after"]) == (IDS[1], "changed-after-approval", "pending")
    assert [(pair["field"], pair["live"]) for pair in found["differences"]] == [("caption", "Something else")]
    said = " ".join((shop.root / "review.txt").read_text("utf-8").split())
    assert "! back to pending" in said
    assert "changed after approval: caption: " in said
    assert decisions(shop) == {"1": "pending", "2": "approve", "3": "approve", "4": "approve"}
    assert "Something else" in file(shop)


@pytest.mark.parametrize(
    ("published", "said"), [((), "was approved, but is gone"), (("--allow-publish",), "was scheduled, but")]
)
def test_an_approved_draft_that_the_site_no_longer_has_is_named(
    shop: Project, reconciler: Command, published: tuple[str, ...], said: str
) -> None:
    """Its entry is removed, and then no plan can name it any more."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[1], "--yes")
    reconciler("apply", shop.root, "--auto-approve", *published)
    with shop.world() as world:
        world.dashboard.delete_item(SITE_ID, IDS[1])
    reviewed = reconciler("review", shop.root, "--output", "text", "--output", f"json={shop.root}/review.json")
    assert f'! entry removed "Winter mugs" (Instagram) {said}' in " ".join(reviewed.out.split())
    (found,) = json.loads((shop.root / "review.json").read_text("utf-8"))["sites"][0]["gone"]
    assert (found["code"], found["address"]) == ("draft-gone", f"shop/draft[{IDS[1]}]")
    assert "1" not in decisions(shop)
    assert "entry removed" not in reconciler("review", shop.root).out


def test_a_decision_about_drafts_that_have_been_replaced_is_named(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    first, _, second = file(shop).rpartition("decision: keep")
    (shop.root / "approvals" / "shop.yaml").write_text(f"{first}decision: discard{second}", "utf-8")
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[4], caption="Something else")
    assert "decided for drafts that" in reconciler("plan", shop.root).out
    reviewed = reconciler("review", shop.root, "--output", "text", "--output", f"json={shop.root}/review.json")
    assert '! back to keep "Open studio": `discard` was given for drafts that have changed' in " ".join(
        reviewed.out.split()
    )
    (found,) = json.loads((shop.root / "review.json").read_text("utf-8"))["sites"][0]["backToKeep"]
    assert (found["title"], found["decision"]) == ("Open studio", "discard")
    assert "decision: discard" not in file(shop)
    assert "back to keep" not in reconciler("review", shop.root).out


def test_a_decision_about_drafts_of_which_one_has_changed_is_named(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    shop.edit("approvals/shop.yaml", f"id: {ACTIVITY}", f"id: {ACTIVITY} # bad words")
    first, _, rest = file(shop).partition("decision: keep")
    (shop.root / "approvals" / "shop.yaml").write_text(f"{first}decision: regenerate{rest}", "utf-8")
    said = reconciler("review", shop.root)
    assert "back to keep" not in said.out
    assert "shop  1 pending, 3 sent back" in said.out
    assert '  * "Winter mugs"  sent back: posts will be regenerated' in said.out
    assert '? "Winter mugs"' not in said.out, "nobody is asked about them any more"
    assert "Review: 1 pending, 0 approved" in said.last
    assert "decision: regenerate" in file(shop)
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[1], caption="Something else")
    reviewed = reconciler("review", shop.root)
    assert '! back to keep "Winter mugs": `regenerate` was given for drafts that have changed' in " ".join(
        reviewed.out.split()
    )
    assert "decision: regenerate" not in file(shop)
    assert "back to keep" not in reconciler("review", shop.root).out


@pytest.mark.parametrize("published", [(), ("--allow-publish",)])
def test_plan_and_review_agree_on_a_decision_if_one_of_its_drafts_has_changed(
    shop: Project, reconciler: Command, published: tuple[str, ...]
) -> None:
    """Nothing is thrown away, and what was approved before the decision against it does not go out."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[1], "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", *published).code == (0 if published else 3)
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[2], caption="Something else")
    planned = reconciler("plan", shop.root)
    then = "only its scheduled posts are cancelled" if published else "it is not carried out"
    assert f"was decided for drafts that have changed since, so {then}" in " ".join(planned.out.split())
    assert planned.last == (
        "Plan: 0 to add, 0 to change, 0 to destroy, 1 to cancel; 1 blocked." if published else "No changes; 1 blocked."
    )
    assert '! back to keep "Winter mugs": `discard` was given for drafts that have changed' in " ".join(
        reconciler("review", shop.root).out.split()
    )
    assert decisions(shop) == dict.fromkeys("1234", "pending"), "an approval older than the decision against it"
    assert reconciler("plan", shop.root).last == (
        "Plan: 0 to add, 0 to change, 0 to destroy, 1 to cancel." if published else "No changes."
    )
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    assert reconciler("apply", shop.root, "--auto-approve").last.startswith("Apply: 0 added, 0 changed, 0 destroyed, ")
    assert statuses(shop).get("2", "DELETED") == "DELETED"


def test_a_decision_is_still_about_the_other_drafts_if_one_is_gone(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    with shop.world() as world:
        world.dashboard.delete_item(SITE_ID, IDS[1])
    planned = reconciler("plan", shop.root)
    assert "2 to discard" in planned.last
    assert "back to keep" not in reconciler("review", shop.root).out
    assert "decision: discard" in file(shop)
    assert decisions(shop) == dict.fromkeys("234", "pending")
    assert reconciler("plan", shop.root).last == planned.last
    assert "2 discarded" in reconciler("apply", shop.root, "--auto-approve").last


def test_a_decision_that_names_other_drafts_than_the_file_lists_is_named(shop: Project, reconciler: Command) -> None:
    """As after a merge: the plan does not carry it out, and a review undoes it."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    path = shop.root / "approvals" / "shop.yaml"
    path.write_text(re.sub(r"decision: discard \w{64}", f"decision: discard {'0' * 64}", file(shop)), "utf-8")
    assert "decided for drafts other than those the file lists" in reconciler("plan", shop.root).out
    said = " ".join(reconciler("review", shop.root).out.split())
    assert '! back to keep "Winter mugs": `discard` was given for drafts that have changed' in said
    assert "decision: discard" not in file(shop)
    assert "back to keep" not in reconciler("review", shop.root).out


def test_an_activity_stays_discarded_although_the_site_still_shows_its_cancelled_story(
    shop: Project, reconciler: Command
) -> None:
    posts = "posts:\n  - match: {within: 14d}\n"
    shop.write({"sites/shop.yaml": BARE + RULES.replace("posts: []\n", posts)})
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--all", "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", "--allow-publish").code == 0
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    assert reconciler("apply", shop.root, "--auto-approve").code == 0
    assert statuses(shop)["3"] == "CANCELED"
    for _ in range(2):
        assert reconciler("review", shop.root).last == "Review: 0 pending, 0 approved, in 1 site."
        assert yaml.safe_load(file(shop))["activities"][0]["decision"].startswith("discard ")
        assert decisions(shop) == {"4": "approve"}
        assert reconciler("plan", shop.root).last == "No changes."


def test_a_story_whose_approval_came_too_late_is_called_a_story(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[3], "--yes")
    with shop.world() as world:
        world.advance(timedelta(days=3))
    assert '! missed Instagram story "Winter mugs" approved' in " ".join(reconciler("review", shop.root).out.split())


@pytest.mark.parametrize("decided", [True, False])
def test_the_file_keeps_the_time_of_a_draft_that_missed_it(shop: Project, reconciler: Command, decided: bool) -> None:
    """It is the rule's time, as in the line about the missed approval."""
    reconciler("review", shop.root)
    if decided:
        reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    with shop.world() as world:
        world.advance(timedelta(days=4, hours=1))
    assert ("was due Fri 2026-11-06 09:30 Europe/Berlin" in reconciler("review", shop.root).out) is decided
    draft = yaml.safe_load(file(shop))["activities"][-1]["drafts"][0]
    assert (draft["id"], draft["goesOut"]) == (IDS[4], "Fri 2026-11-06 09:30 Europe/Berlin")


def test_a_policy_blocks_with_its_line_and_the_file_is_the_same_from_any_folder(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = (shop.root / "reconciler.yaml").read_text("utf-8")
    shop.write({"reconciler.yaml": project + "policy:\n  bannedWords: [new mugs]\n"})
    reconciler("review", shop.root)
    from_outside = file(shop)
    monkeypatch.chdir(shop.root)
    reconciler("review")
    assert file(shop) == from_outside
    assert "breaks policy.bannedWords: the text contains 'new mugs'" in from_outside
    shop.write({"reconciler.yaml": "# a comment\n" + project + "policy:\n  bannedWords: [new mugs]\n"})
    assert "(up to date)" in reconciler("review").out
    reconciler("approve", ".", "--id", IDS[1], "--yes")
    (problem,) = reconciler("plan", "--output", "json").json["sites"][0]["blocked"]
    line = project.count("\n") + 3
    assert (problem["file"], problem["line"], problem["column"]) == ("reconciler.yaml", line, 3)
    assert "in reconciler.yaml:" not in problem["message"]
    assert f"change the policy in reconciler.yaml:{line}:3" in " ".join(reconciler("plan").out.split())
    assert f"reconciler.yaml:{line}:3: shop: " in reconciler("plan", "--output", "markdown").out


def test_a_post_that_was_cancelled_waits_for_a_new_approval(shop: Project, reconciler: Command) -> None:
    """If cancelling leaves a draft: the approval counts for one scheduling."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", "--allow-publish").code == 0
    with shop.world() as world:
        world.edit(SITE_ID, lambda found, _now, _seed: found.items[IDS[4]]["item"].update(status="DRAFT"))
    blocked = reconciler("plan", shop.root)
    assert blocked.last == "No changes; 1 blocked."
    assert "scheduled as approved and has been cancelled since" in " ".join(blocked.out.split())
    reconciler("review", shop.root)
    assert decisions(shop)["4"] == "pending"
    assert "cancelled: 1" in file(shop)
    assert "cancelled once" in (shop.root / "approvals" / "shop.html").read_text("utf-8")
    reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", "--allow-publish").code == 0
    assert statuses(shop)["4"] == "SCHEDULED"


def test_nobody_is_asked_about_a_post_that_went_out_unapproved(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[1], "--yes")
    with shop.world() as world:
        world.edit(SITE_ID, lambda found, _now, _seed: found.items[IDS[1]]["item"].update(status="PUBLISHED"))
        world.edit(SITE_ID, lambda found, _now, _seed: found.items[IDS[4]]["item"].update(status="PUBLISHED"))
    said = reconciler("review", shop.root)
    assert "went out" in said.out
    entries = {draft["id"]: draft for found in yaml.safe_load(file(shop))["activities"] for draft in found["drafts"]}
    assert entries[IDS[4]]["status"] == "PUBLISHED"
    assert "status" not in entries[IDS[1]]
    assert "(up to date)" in reconciler("review", shop.root).out
    reconciler("approve", shop.root, "--all", "--yes")
    assert decisions(shop) == {"1": "approve", "2": "approve", "3": "approve", "4": "pending"}
    refused = reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    assert (refused.code, "has already gone out" in refused.err) == (1, True), refused


@pytest.mark.parametrize("decision", ["regenerate", "regenerate-media", "discard"])
def test_a_decision_about_an_activity_is_carried_out_once(shop: Project, reconciler: Command, decision: str) -> None:
    reconciler("review", shop.root)
    shown = reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", decision, "--yes")
    assert shown.last == "Decided: 1 activity in 1 site; 1 pending."
    assert reconciler("apply", shop.root, "--auto-approve").code == 0
    assert reconciler("plan", shop.root).last == "No changes."
    wrote = len([request for request in shop.requests() if request["wrote"]])
    reconciler("review", shop.root)
    (first, *_) = yaml.safe_load(file(shop))["activities"]
    assert (first["decision"].split()[0], bool(first["drafts"])) == (
        ("discard", False) if decision == "discard" else ("keep", True)
    )
    assert reconciler("apply", shop.root, "--auto-approve").code == 0
    assert len([request for request in shop.requests() if request["wrote"]]) == wrote


@pytest.mark.parametrize("decision", ["regenerate", "regenerate-media", "discard"])
def test_a_decision_about_posts_that_are_all_scheduled_is_carried_out_once(
    shop: Project, reconciler: Command, decision: str
) -> None:
    """No draft is left to regenerate, so new posts are generated once the scheduled ones are cancelled."""
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--all", "--yes")
    assert reconciler("apply", shop.root, "--auto-approve", "--allow-publish").code == 0
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", decision, "--yes")
    done = reconciler("apply", shop.root, "--auto-approve")
    assert done.code == 0
    assert "cancelled" in done.last
    assert ("1 generated" in done.last) is (decision != "discard")
    planned = reconciler("plan", shop.root).out
    assert ("was decided for drafts that" in planned, "then cancelled" in planned) == (False, False), planned
    wrote = len([request for request in shop.requests() if request["wrote"]])
    reconciler("review", shop.root)
    for command in ("plan", "drift"):
        assert "then cancelled" not in reconciler(command, shop.root).out, "nobody has approved them again"
    (first, *_) = yaml.safe_load(file(shop))["activities"]
    assert first["decision"].split()[0] == ("discard" if decision == "discard" else "keep")
    assert reconciler("apply", shop.root, "--auto-approve").code == 0
    assert len([request for request in shop.requests() if request["wrote"]]) == wrote


def test_approve_decides_about_what_is_not_committed_in_ci_too(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    monkeypatch.setenv("CI", "1")
    done = reconciler("approve", shop.root, "--id", IDS[4], "--yes")
    assert (done.code, done.last) == (0, "Decided: 1 draft in 1 site; 3 pending.")
    assert decisions(shop)["4"] == "approve"


def test_comments_stay_through_review_and_approve(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    path = shop.root / "approvals" / "shop.yaml"
    text = file(shop).replace("title: Open studio", "title: 'Open studio'  # on Sunday!")
    path.write_text(text + "# the end\n", "utf-8")
    reconciler("approve", shop.root, "--title", "open*", "--yes")
    with shop.world() as world:
        world.dashboard.delete_item(SITE_ID, IDS[2])
    reconciler("review", shop.root)
    assert "title: 'Open studio'  # on Sunday!" in file(shop)
    assert file(shop).endswith("# the end\n")
    assert decisions(shop) == {"1": "pending", "3": "pending", "4": "approve"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all",), "needs --yes"),
        (("--yes",), "needs a selection"),
        (("--all", "--yes", "--channel", "FACEBOOK"), "cannot be combined"),
        ((), "no terminal to ask on; name the drafts with --id, --channel or --title, and pass --yes"),
        (("--id", "1"), "no terminal to ask on; pass --yes"),
        (("--id", "nobody", "--yes"), "not in the approvals files of these sites"),
    ],
)
def test_what_cannot_be_decided(shop: Project, reconciler: Command, arguments: tuple[str, ...], said: str) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, *arguments)
    assert done.code == 1
    assert said in done.err
    assert set(decisions(shop).values()) == {"pending"}


class Terminal(io.StringIO):
    """A person at a keyboard."""

    def isatty(self) -> bool:
        return True


def test_a_long_caption_is_wrapped_and_shown_whole() -> None:
    caption = "All mugs are thrown by hand, and every one of them is a little different.\n\nCome by!\n"
    content = PublicContent("INSTAGRAM", "POST", "178", caption=comparable(caption))
    when = "Thu 2026-12-03 10:00 Europe/Berlin"
    date = datetime(2026, 12, 3, 9, tzinfo=UTC)
    draft = DraftApproval(
        PostId("834d"),
        content,
        approval_digest("834d", content, date, "janes.pottery"),
        account="janes.pottery (178)",
        goes_out=when,
        blocked=("INSTAGRAM is not connected",),
    )
    activity = ActivityApproval(ActivityId("b3f9"), "Mugs", date, drafts=(draft,))
    subject = Subject(SiteName("shop"), Path("shop.yaml"), activity, (draft,))
    shown = [
        "",
        '3 of 40  shop  Instagram  "Mugs"',
        "  goes out: Thu 2026-12-03 10:00 Europe/Berlin",
        "  account: janes.pottery (178)",
        "  blocked: INSTAGRAM is not connected",
        "  no image",
        "  | All mugs are thrown by hand, and every one of them is a",
        "    little different.",
        "  |",
        "  | Come by!",
    ]
    assert list(subject_lines(subject, Screen(60), 3, 40)) == shown
    assert list(subject_lines(subject, Screen(60), 3, 40, with_id=True)) == [*shown, "  id: 834d"]


def test_what_is_odd_about_a_draft_is_shown_where_it_is_decided() -> None:
    """As in the gallery of `review`; `approve` takes it from the approvals file."""
    post = Post(
        PostId("d1"),
        "INSTAGRAM",
        "POST",
        PostStatus.DRAFT,
        (("caption", "#a" + " #b" * 30),),
        (Media("IMAGE", "http://example.com/a.jpg"), Media("IMAGE", "https://static.wixstatic.com/b.jpg", "f1")),
    )
    found = reviewed(
        Activity(ActivityId("a"), "Kiln day", "", datetime(2026, 12, 3, 9, tzinfo=UTC), None, (post,)),
        DraftDecision.PENDING,
        cancelled=2,
    )
    said = "\n".join(subject_lines(Subject(SiteName("shop"), Path("x"), found, found.drafts), Screen(100), 1, 1))
    assert "note: 2 earlier approvals of it no longer count" in said
    for warning in content_warnings(post):
        assert f"note: {warning.message}" in said
    assert len(content_warnings(post)) == 2
    assert warnings_of_reviewed(found.drafts[0]) == content_warnings(post)


def test_the_question_fits_a_screen() -> None:
    assert len(QUESTION) < 80
    assert max(map(len, (HELP + SHORT_HELP).splitlines())) < 80
    assert [fitted(text, Screen(80)) for text in (QUESTION, HELP, SHORT_HELP)] == [QUESTION, HELP, SHORT_HELP]


def test_the_question_and_its_help_break_between_words_on_a_narrow_screen() -> None:
    asked, told = fitted(QUESTION, Screen(40)), fitted(HELP, Screen(40))
    assert asked.splitlines() == [
        "  [a]pprove [s]kip [u]ndo [q]uit [?]",
        "  activity: [r]egenerate [m]edia",
        "  [d]iscard: ",
    ]
    assert told.splitlines()[:2] == [
        "  a  approve this draft: apply schedules",
        "     what is shown, for the time shown",
    ]
    assert max(map(len, told.splitlines())) <= 40


def test_one_by_one_on_a_terminal(shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    reconciler("review", shop.root)
    monkeypatch.setattr(sys, "stdin", Terminal("what\ns\na\nr\nq\n"))
    done = reconciler("approve", shop.root)
    assert done.code == 0
    assert done.last == "Decided: 1 draft and 1 activity in 1 site; 1 pending."
    assert "regenerate" in file(shop)
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert reconciler("approve", shop.root, "--decision", "pending").last.startswith("Nothing to decide: ")
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    reconciler("approve", shop.root, "--decision", "keep")
    assert "decision: regenerate\n" not in file(shop)


@pytest.mark.parametrize(
    ("arguments", "person_reads"), [(("approve",), "1 of 4"), (("review", "--web"), "Review page: ")]
)
def test_what_is_odd_about_the_files_is_above_what_a_person_decides_about(
    shop: Project, reconciler: Command, arguments: tuple[str, ...], person_reads: str
) -> None:
    reconciler("review", shop.root)
    shop.write({"approvals/gone.yaml": "version: 1\nsite: gone\n"})
    asked = terminal.Terminal(shop.root, *arguments)
    asked.until(person_reads)
    assert asked.said.index("approvals/gone.yaml") < asked.said.index(person_reads)
    asked.signal(signal.SIGINT)
    asked.end()
    assert asked.said.count("no site is called") == 1


def test_undo_help_and_what_was_saved(shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    reconciler("review", shop.root)
    before = file(shop)
    monkeypatch.setattr(sys, "stdin", Terminal("u\n?\na\nd\nu\nu\ns\na\nq\n"))
    done = reconciler("approve", shop.root)
    assert "there is nothing to undo" in done.err
    assert "approve this draft: apply schedules what is shown" in done.err
    assert [line.split("  ")[0] for line in done.out.splitlines() if " of " in line] == [
        "1 of 4", "2 of 4", "4 of 4", "2 of 4", "1 of 4", "2 of 4", "3 of 4",
    ]  # fmt: skip
    assert done.out.splitlines()[-3:] == [
        f"Saved in {shop.root}/approvals/shop.yaml: 1 approved",
        "Decided: 1 draft in 1 site; 3 pending.",
        f"Next: reconciler plan {shlex.quote(str(shop.root))}   (shows what the decisions will do)",
    ]
    assert list(decisions(shop).values()).count("approve") == 1
    monkeypatch.setattr(sys, "stdin", Terminal("y\nu\nq\n"))
    reconciler("approve", shop.root, "--decision", "pending")
    monkeypatch.setattr(sys, "stdin", Terminal("y\nq\n"))
    reconciler("approve", shop.root, "--decision", "pending")
    assert file(shop) == before


def test_the_decision_about_the_last_draft_can_be_undone_too(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    asked = terminal.Terminal(shop.root, "approve")
    for number in range(1, 5):
        asked.until(f"{number} of 4")
        asked.until("[d]iscard: ")
        asked.type("a")
        asked.said = ""
    asked.until("  That was the last one. Saved: 4 approved. [u]ndo [q]uit [?]: ")
    assert set(decisions(shop).values()) == {"approve"}, "it is saved before the question"
    asked.said = ""
    asked.type("a")  # a key held down too long is no answer
    asked.until("  u  undo the last decision and show that draft again")
    asked.until("[?]: ")
    asked.type("u")
    asked.until("4 of 4")
    assert list(decisions(shop).values()).count("pending") == 1
    asked.until("[d]iscard: ")
    asked.said = ""
    asked.type("d")
    asked.until("  That was the last one. Saved: 3 approved, 1 to discard. [u]ndo [q]uit [?]: ")
    asked.type("\n")
    assert asked.end() == 0
    assert "Saved in approvals/shop.yaml: 3 approved, 1 to discard\r\n" in asked.said
    assert "Decided: 3 drafts and 1 activity in 1 site; 0 pending." in asked.said
    named = terminal.Terminal(shop.root, "approve", "--id", IDS[1], "--decision", "pending")
    named.until("[q]uit [?]: ")
    named.type("y")
    assert named.end() == 0, "who names a draft is not asked again"
    assert "the last one" not in named.said


def test_ctrl_c_after_the_last_draft_keeps_what_was_decided(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    asked = terminal.Terminal(shop.root, "approve", "--title", "Open studio")
    asked.until("[d]iscard: ")
    asked.type("a")
    asked.until("  That was the last one. Saved: 1 approved. [u]ndo [q]uit [?]: ")
    asked.signal(signal.SIGINT)
    assert asked.end() == 130
    assert "[?]: \r\n\r\nSaved in approvals/shop.yaml: 1 approved\r\n" in asked.said
    assert "Interrupted: your decisions are saved." in asked.said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--channel", "LINKEDIN"),
            "--channel LINKEDIN: the approvals files of these sites have no draft for this channel",
        ),
        (("--title", "summer*"), "--title summer*: no activity"),
        (("--title", "winter*", "--id", IDS[4]), "no draft matches all of"),
        (("--id", ""), "--id : not in the approvals files"),
        (("--id", "d"), "4 ids begin with it"),
        (("--id", "d000"), "4 ids begin with it"),
    ],
)
def test_a_selector_that_matches_nothing_is_an_error(
    shop: Project, reconciler: Command, arguments: tuple[str, ...], said: str
) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, *arguments, "--yes")
    assert (done.code, set(decisions(shop).values())) == (1, {"pending"})
    assert said in done.err


@pytest.mark.parametrize(
    ("arguments", "decided"),
    [
        (("--target", f"shop/draft[{IDS[4]}]"), {"4"}),
        (("--target", f"shop/draft[{IDS[4][:-1]}[34]]"), {"3", "4"}),
        (("--target", "shop/draft"), {"1", "2", "3", "4"}),
        (("--target", "shop/*"), {"1", "2", "3", "4"}),
        (("--target", f"shop/draft[{IDS[4]}]", "--target", "shop"), {"1", "2", "3", "4"}),
        (("--exclude", f"shop/draft[{IDS[4]}]"), {"1", "2", "3"}),
        (("--exclude", "shop/draft"), set()),
        (("--exclude", "shop/settings"), {"1", "2", "3", "4"}),
        (("--exclude", "shop/*"), set()),
        (("--exclude", "*/*"), set()),
    ],
)
def test_addresses_choose_drafts_as_they_do_in_a_plan(
    shop: Project, reconciler: Command, arguments: tuple[str, ...], decided: set[str]
) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, *arguments, "--all", "--yes")
    assert done.code == 0, done.err
    assert {id for id, decision in decisions(shop).items() if decision == "approve"} == decided


@pytest.mark.parametrize(
    ("arguments", "discarded"),
    [
        (("--target", f"shop/posts[{ACTIVITY}]"), [ACTIVITY]),
        (("--target", f"shop/draft[{IDS[1]}]"), [ACTIVITY]),
        (("--exclude", f"shop/posts[{ACTIVITY}]"), [f"{ACTIVITY[:-1]}2"]),
        (("--exclude", f"shop/draft[{IDS[1]}]"), [f"{ACTIVITY[:-1]}2"]),
    ],
)
def test_an_activity_with_an_excluded_draft_is_not_decided_about(
    shop: Project, reconciler: Command, arguments: tuple[str, ...], discarded: list[str]
) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, *arguments, "--all", "--yes", "--decision", "discard")
    assert done.code == 0, done.err
    activities = yaml.safe_load(file(shop))["activities"]
    assert [activity["id"] for activity in activities if activity["decision"].startswith("discard")] == discarded


@pytest.mark.parametrize(
    ("option", "address", "said"),
    [
        ("--target", "shop/settings", "no draft in the approvals files of these sites has this address"),
        ("--target", f"shop/activity[{ACTIVITY}]", "no draft in the approvals files of these sites has this address"),
        ("--target", "shop/draft[nobody]", "no draft in the approvals files of these sites has this address"),
        ("--exclude", f"shop/draft[{IDS[0]}]", "did you mean shop/draft[d0000000-"),
    ],
)
def test_an_address_that_names_no_draft_is_an_error(
    shop: Project, reconciler: Command, option: str, address: str, said: str
) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, option, address, "--all", "--yes")
    assert (done.code, set(decisions(shop).values())) == (1, {"pending"})
    assert f"{option} {address}: " in done.err
    assert said in done.err


def test_a_draft_of_an_activity_that_is_discarded_is_not_said_to_be_approved(
    shop: Project, reconciler: Command
) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--id", IDS[2], "--yes")
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "discard", "--yes")
    before = file(shop)
    for arguments in (("--id", IDS[1]), ("--id", IDS[2]), ("--id", IDS[1], "--id", IDS[4]), ("--title", "Winter*")):
        done = reconciler("approve", shop.root, *arguments, "--yes")
        assert (done.code, file(shop)) == (1, before)
        assert 'the decision about "Winter mugs" is discard, which covers all of its drafts' in done.err
        assert f"to keep its posts, first run: reconciler approve --id {ACTIVITY} --decision keep --yes" in done.err
    assert reconciler("approve", shop.root, "--channel", "INSTAGRAM", "--yes").last.startswith("Decided: 1 draft ")
    reconciler("approve", shop.root, "--id", ACTIVITY, "--decision", "keep", "--yes")
    assert reconciler("approve", shop.root, "--id", IDS[1], "--yes").last.startswith("Decided: 1 draft ")


def test_an_id_may_be_as_short_as_it_is_unique_and_a_complete_one_means_no_longer_one(
    shop: Project, reconciler: Command
) -> None:
    reconciler("review", shop.root)
    path = shop.root / "approvals" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace(IDS[2], f"{IDS[1]}9").replace(IDS[3], "e3"), "utf-8")
    for given, meant in (("e", "e3"), (IDS[1], IDS[1])):
        done = reconciler("approve", shop.root, "--id", given, "--yes")
        assert [line for line in done.out.splitlines() if line.startswith("  id: ")] == [f"  id: {meant}"]
    assert [id for id, decision in decisions(shop).items() if decision == "approve"] == ["1"]
    assert "  id: " not in reconciler("approve", shop.root, "--channel", "INSTAGRAM", "--yes").out


def test_if_there_is_nothing_to_decide_it_says_what_is_missing(shop: Project, reconciler: Command) -> None:
    done = reconciler("approve", shop.root, "--all", "--yes")
    assert done.out.splitlines() == [
        "Nothing to decide: the approvals files of these sites have no drafts; run review to write them.",
        f"Next: reconciler review {shlex.quote(str(shop.root))}",
    ]
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, "--id", IDS[4], "--decision", "pending", "--yes")
    assert done.last == "Nothing to decide: no selected draft needs this decision (4 drafts, 4 pending)."
    done = reconciler("approve", shop.root, "--exclude", "shop/draft", "--all", "--yes")
    assert done.last == "Nothing to decide: no selected draft needs this decision (4 drafts, 4 pending)."
    for whole in ("shop", "shop/*"):
        done = reconciler("approve", shop.root, "--exclude", whole, "--all", "--yes")
        assert done.last == "No sites were selected; nothing was checked."
    assert reconciler("approve", shop.root, "--all", "--yes").last == "Decided: 4 drafts in 1 site; 0 pending."
    done = reconciler("approve", shop.root, "--all", "--yes", "--output", "json")
    assert done.json["summary"] == {"drafts": 0, "activities": 0, "sites": 0, "pending": 0, "asked": 0, "listed": 4}
    done = reconciler("approve", shop.root, "--all", "--yes")
    assert (done.code, done.last) == (0, "Nothing to decide: no draft is waiting for a decision (4 drafts, 0 pending).")


@pytest.mark.parametrize("decision", ["discard", "regenerate", "regenerate-media"])
def test_all_throws_away_only_what_waits_for_a_decision(shop: Project, reconciler: Command, decision: str) -> None:
    reconciler("review", shop.root)
    reconciler("approve", shop.root, "--title", "Open studio", "--yes")
    done = reconciler("approve", shop.root, "--all", "--yes", "--decision", decision)
    assert done.last == "Decided: 1 activity in 1 site; 0 pending."
    assert [activity["decision"].split()[0] for activity in yaml.safe_load(file(shop))["activities"]] == [
        decision, "keep",
    ]  # fmt: skip
    done = reconciler("approve", shop.root, "--all", "--yes", "--decision", "discard")
    assert done.last.startswith("Nothing to decide: ")
    reconciler("approve", shop.root, "--all", "--yes", "--decision", "keep")
    reconciler("approve", shop.root, "--all", "--yes", "--decision", "pending")
    assert set(decisions(shop).values()) == {"pending"}


def test_ctrl_c_between_two_drafts_says_what_was_saved(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    answers = iter("a")

    async def pressed(question: str) -> str:
        for answer in answers:
            return answer
        raise KeyboardInterrupt

    monkeypatch.setattr("reconciler.cli.approve.key", pressed)
    monkeypatch.setattr(sys, "stdin", Terminal(""))
    done = reconciler("approve", shop.root)
    saved, last = done.out.splitlines()[-2:]
    assert (done.code, saved) == (130, f"Saved in {shop.root}/approvals/shop.yaml: 1 approved")
    assert last == "Interrupted: your decisions are saved."
    assert done.err.endswith(f"\n{last}\n")


def test_a_program_decides_as_a_person_does(shop: Project, reconciler: Command) -> None:
    """`approve` is a function over values. What was edited is not approved, and what was written is always reported."""
    reconciler("review", shop.root)
    path = shop.root / "approvals" / "shop.yaml"
    path.write_text(file(shop).replace("Come by", "Come in"), "utf-8")
    project, index = open_project((shop.root,), trust_of({}))
    selection = select(project, index, SiteFilter())
    answers: list[Instead | DraftDecision] = [
        Instead.UNDO, DraftDecision.APPROVE, Instead.UNDO, Instead.SKIP, *[DraftDecision.APPROVE] * 3
    ]  # fmt: skip
    seen: list[int] = []
    told: list[tuple[Ruling, ...]] = []

    async def decide(undecided: Undecided) -> Instead | DraftDecision:
        seen.append(undecided.number)
        return answers.pop(0)

    decided = asyncio.run(approve(selection, ToApprove(DraftSelector()), decide, lambda _: None, told.append))
    assert (seen, decided.drafts, decided.pending) == ([1, 1, 2, 1, 2, 3, 4], 2, 2)
    assert decisions(shop) == {"2": "pending", "1": "approve", "3": "approve", "4": "pending"}
    answers = [DraftDecision.PENDING]
    again = ToApprove(DraftSelector(), DraftDecision.PENDING)
    selection = select(*open_project((shop.root,), trust_of({})), SiteFilter())
    with pytest.raises(IndexError):
        asyncio.run(approve(selection, again, decide, lambda _: None, told.append))
    assert [len(rulings) for rulings in told] == [2, 1]


def test_approve_of_no_sites_says_so(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, "--exclude", "*", "--all", "--yes")
    assert done.out == "No sites were selected; nothing was checked.\n"


@pytest.mark.parametrize("output", ["markdown", "html", "github"])
def test_every_format_says_what_was_decided(shop: Project, reconciler: Command, output: str) -> None:
    assert (
        "no drafts; run review to write them."
        in reconciler("approve", shop.root, "--all", "--yes", "--output", output).out
    )
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, "--all", "--yes", "--output", output)
    assert "Decided: 4 drafts in 1 site; 0 pending." in done.out
    done = reconciler("approve", shop.root, "--exclude", "*", "--all", "--yes", "--output", output)
    assert "No sites were selected; nothing was checked." in done.out


def test_the_beginning_of_an_id_is_enough(shop: Project, reconciler: Command) -> None:
    reconciler("review", shop.root)
    done = reconciler("approve", shop.root, "--id", ACTIVITY[:8] + ACTIVITY[8:35] + "2", "--yes")
    assert done.last == "Decided: 1 draft in 1 site; 3 pending."
    assert decisions(shop)["4"] == "approve"


def test_what_was_edited_in_the_file_is_not_approved(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    path = shop.root / "approvals" / "shop.yaml"
    path.write_text(file(shop).replace("Come by", "Come in"), "utf-8")
    done = reconciler("approve", shop.root, "--all", "--yes")
    assert decisions(shop) == {"1": "approve", "2": "approve", "3": "approve", "4": "pending"}
    assert "blocked: edited in the file" in done.out
    monkeypatch.setattr(sys, "stdin", Terminal("a\nq\n"))
    assert "edited in the file: run review" in reconciler("approve", shop.root).err
    assert decisions(shop)["4"] == "pending"


def test_a_file_that_changes_while_a_person_reads_gets_no_decision(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)

    async def slowly(_question: str) -> str:
        with shop.world() as world:
            for draft in IDS[1:]:
                world.dashboard.edit_item(SITE_ID, draft, caption="New words")
        await asyncio.to_thread(reconciler, "review", shop.root)
        return "a"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("reconciler.cli.approve.key", slowly)
    done = reconciler("approve", shop.root)
    assert (done.code, set(decisions(shop).values())) == (1, {"pending"})
    assert (
        "approvals/shop.yaml was changed in the meantime, so this decision was not saved; run approve again" in done.err
    )


def test_a_draft_whose_activity_is_discarded_while_a_person_reads_is_not_approved(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    answers = iter("aq")

    async def slowly(_question: str) -> str:
        decided = ("--id", ACTIVITY, "--decision", "discard", "--yes")
        await asyncio.to_thread(reconciler, "approve", shop.root, *decided)
        return next(answers)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("reconciler.cli.approve.key", slowly)
    done = reconciler("approve", shop.root)
    assert (done.code, set(decisions(shop).values())) == (1, {"pending"})
    assert "was changed in the meantime, so this decision was not saved; run approve again" in done.err


def new_words(shop: Project, reconciler: Command) -> None:
    with shop.world() as world:
        for draft in IDS[1:]:
            world.dashboard.edit_item(SITE_ID, draft, caption="New words")
    reconciler("review", shop.root)


def without_the_activity(shop: Project, reconciler: Command) -> None:
    path = shop.root / "approvals/shop.yaml"
    path.write_text("version: 1\nsite: shop\nactivities: []\n", "utf-8")


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def in_a_folder(shop: Project, reconciler: Command) -> None:
    (shop.root / "approvals/shop.yaml").unlink()
    (shop.root / "approvals/shop.yaml").mkdir()


AGAIN = "was changed in the meantime, so the last decision was not undone"


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        (new_words, AGAIN + '; it now says pending for "Winter mugs" (Facebook); run approve again'),
        (without_the_activity, AGAIN + "; run approve again"),
        (
            lambda shop, _: (shop.root / "approvals/shop.yaml").unlink(),
            "was deleted in the meantime, so the last decision was not undone; "
            "restore the file, or run review to write it again",
        ),
        (
            full_disk,
            "cannot be written: No space left on device, so the last decision was not undone; "
            'it still says approve for "Winter mugs" (Facebook); check its permissions and the disk',
        ),
        (in_a_folder, "is no longer a regular file, so the last decision was not undone; move it away"),
    ],
    ids=["changed", "entry gone", "deleted", "full disk", "folder"],
)
def test_an_undo_that_could_not_be_saved(
    meanwhile: Callable[[Project, Command], None],
    said: str,
    shop: Project,
    reconciler: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reconciler("review", shop.root)
    pressed = iter("au")

    async def key(_question: str) -> str:
        if (answer := next(pressed)) == "u":
            assert "approve" in decisions(shop).values()
            if meanwhile is full_disk:
                monkeypatch.setattr("reconciler.config.decisions.write_atomically", full_disk)
            else:
                await asyncio.to_thread(meanwhile, shop, reconciler)
        return answer

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("reconciler.cli.approve.key", key)
    done = reconciler("approve", shop.root)
    assert done.code == 1
    assert "approvals/shop.yaml: 1 approved" in done.out
    assert f"approvals/shop.yaml {said}" in " ".join(done.err.split())


@pytest.mark.parametrize(("answers", "what"), [("aa", "this decision was not saved"), ("au", "was not undone")])
def test_a_file_that_somebody_broke_meanwhile_keeps_what_was_saved_before(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, answers: str, what: str
) -> None:
    reconciler("review", shop.root)
    pressed = iter(answers)
    path = shop.root / "approvals/shop.yaml"

    async def key(_question: str) -> str:
        if "approve" in decisions(shop).values():
            path.write_text(f"{file(shop)}x: [\n", "utf-8")
        return next(pressed)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("reconciler.cli.approve.key", key)
    done = reconciler("approve", shop.root)
    assert done.code == 1
    assert "approvals/shop.yaml: 1 approved" in done.out
    assert "nothing was done" not in done.err
    assert "shop.yaml:54:1: this file cannot be updated: this is not valid YAML, so" in done.err
    assert f"{what}; correct it and run approve again" in done.err


@pytest.mark.parametrize("number", [1, 6])
def test_sites_whose_approvals_files_cannot_be_written_were_read_but_not_reviewed(
    number: int, shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = yaml.safe_load(SEED)
    ids = [SITE_ID[:-1] + str(n) for n in range(1, number + 1)]
    seed["sites"] = [seed["sites"][0] | {"id": each} for each in ids]
    shop.write({f"sites/zoo-{n}.yaml": site(f"zoo-{n}", n, more=RULES) for n in range(2, number + 1)})
    shop.write({"sandbox.yaml": yaml.safe_dump(seed)})

    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reconciler.engine.review.write_atomically", refused)
    done = reconciler("review", shop.root)
    assert (done.code, done.out.count("cannot be written: Permission denied"), "read" in done.out) == (1, 1, False)
    sites = "1 site" if number == 1 else "6 sites"
    assert done.last == f"Review: 0 pending, 0 approved, in {sites}; {sites} not reviewed."
    assert ("! 6 sites not reviewed  cannot be written" in done.out) == (number > 1)


def test_a_review_keeps_the_approvals_that_protect_drafts_of_an_activity_to_be_deleted(
    shop: Project, reconciler: Command
) -> None:
    """Otherwise a review would turn the refusal of a deletion into the deletion. Nothing goes out at a refused site."""
    reconciler("review", shop.root)
    assert reconciler("approve", shop.root, "--all", "--yes").code == 0
    approved = decisions(shop)
    assert set(approved.values()) == {"approve"}
    absent = "activities: [{match: {title: 'Winter*'}, state: absent}]\n"
    unapproved = "marketingPlan: {state: present, regenerate: {discard: unapproved}}\n"
    shop.write({"sites/shop.yaml": BARE + unapproved + RULES + absent})
    for _ in range(2):
        refused = reconciler("plan", shop.root)
        assert (refused.code, "(state: absent) would discard" in refused.out) == (4, True), refused.out
        assert "has no effect" not in refused.out
        done = reconciler("review", shop.root)
        assert "each: its activity is declared absent in the site file" in done.out, done.out
        assert decisions(shop) == approved


def test_a_file_that_cannot_be_written_does_not_hide_what_was_saved_in_others(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    drafts = shop.root / "approvals/shop.yaml"
    other = drafts.read_text("utf-8").replace("site: shop", "site: zoo")
    shop.write({"approvals/zoo.yaml": other, "sites/zoo.yaml": site("zoo", 2)})

    def without(path: Path, text: str, *rest: Any) -> None:
        if path.name == "zoo.yaml":
            raise PermissionError(13, "Permission denied")
        write_atomically(path, text, *rest)

    monkeypatch.setattr("reconciler.config.decisions.write_atomically", without)
    done = reconciler("approve", shop.root, "--all", "--yes")
    assert done.code == 1
    assert "approvals/shop.yaml: 4 approved" in done.out
    assert (
        "approvals/zoo.yaml cannot be written: Permission denied, so no decision was saved in it; "
        "check its permissions and the disk"
    ) in done.err


def test_a_decision_that_is_made_while_review_works_is_not_written_over(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconciler("review", shop.root)
    with shop.world() as world:
        world.dashboard.edit_item(SITE_ID, IDS[1], caption="New words")

    def slowly(*args: Any, **rest: Any) -> Any:
        text = file(shop)
        (shop.root / "approvals/shop.yaml").write_text(text.replace("pending", "approve"), "utf-8")
        return review_of(*args, **rest)

    monkeypatch.setattr("reconciler.engine.review.review_of", slowly)
    done = reconciler("review", shop.root)
    assert done.code == 1
    assert "! shop not reviewed  " in done.out
    assert "was changed in the meantime; nothing was written to it\n    fix: run review again" in done.out
    assert set(decisions(shop).values()) == {"approve"}


def test_only_the_site_that_cannot_be_read_fails(project: Project, reconciler: Command, tmp_path: Path) -> None:
    project.write(
        {
            "sandbox.yaml": SEED + "createSites: false\n",
            "sites/shop.yaml": BARE + RULES,
            "sites/other.yaml": site("other", 9, more=RULES),
        }
    )
    done = reconciler("review", project.root)
    assert done.code == 1
    assert done.last == "Review: 4 pending, 0 approved; 1 of 2 sites has pending drafts; 1 site could not be read."
    assert decisions(project)


@pytest.mark.parametrize("options", [(), ("--output", "html=page.html")])
def test_the_gallery_of_a_sandbox_needs_no_network(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(project.root)
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": BARE + RULES})
    assert reconciler("review", project.root, *options).code == 0
    page = (project.root / ("page.html" if options else "approvals/shop.html")).read_text("utf-8")
    sources = re.findall('<img src="([^"]*)"', page)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "https://static.wixstatic.com/media/" in page  # where each leads


def test_on_a_site_without_a_record_the_next_step_is_apply_before_anybody_approves(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": BARE + RULES})
    monkeypatch.chdir(project.root)
    first = "Next: reconciler apply   (run this first to record the site; approvals count only after that)"

    def step(*command: str) -> str:
        return reconciler(*command).out.splitlines()[-1]

    assert [step("plan"), step("review"), step("plan")] == [first, first, first]
    step("apply", "--auto-approve")
    approve = "Next: reconciler approve   (4 drafts in 1 site)"
    assert [step("plan"), step("review")] == [approve, approve]


def test_a_review_says_what_the_policy_forbids_although_a_regeneration_is_refused(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The drafts stay on the site, so what they break must stay in the file that people decide in."""
    monkeypatch.chdir(shop.root)
    shop.write({"reconciler.yaml": "version: 1\napi: sandbox\npolicy:\n  bannedWords: [mugs]\n"})
    reconciler("review")
    broken = "the text contains 'mugs'"
    assert file(shop).count(broken) == 1
    reconciler("approve", "--id", IDS[4], "--yes")
    generate = "settings: {toneOfVoice: dry}\nmarketingPlan: {state: present}\n"
    shop.write({"sites/shop.yaml": BARE + generate + RULES})
    assert "regenerating would discard 1 approved draft" in reconciler("plan").out
    said = reconciler("review").out
    assert (said.count(broken), file(shop).count(broken)) == (1, 1)
    assert said.splitlines()[-1] == "Next: reconciler approve   (2 drafts in 1 site; 1 more cannot go out as it is)"


def test_nobody_is_asked_to_approve_what_the_policy_forbids(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`plan` says what it breaks, and the next step is about the other drafts."""
    monkeypatch.chdir(shop.root)
    shop.write({"reconciler.yaml": "version: 1\napi: sandbox\npolicy:\n  bannedWords: [mugs]\n"})
    said = "\"Winter mugs\" (Instagram) is waiting for review, but breaks policy.bannedWords: the text contains 'mugs'"
    for options in (), ("--no-publish",):
        planned = reconciler("plan", *options).out
        assert said in planned
        assert planned.splitlines()[-1] == "Next: reconciler review   (4 new drafts in 1 site)"
    reconciler("review")
    planned = reconciler("plan", "--output", "text", "--output", "json=plan.json").out
    assert planned.splitlines()[-2:] == ["No changes.", "Next: reconciler approve   (3 drafts in 1 site)"]
    (plan,) = json.loads((shop.root / "plan.json").read_text("utf-8"))["sites"]
    assert {draft["stuck"]: draft["channel"] for draft in plan["toReview"] if draft["stuck"]} == {True: "INSTAGRAM"}
    assert [note["code"] for note in plan["notes"]] == ["approving-does-not-help"]
    shop.write({"reconciler.yaml": "version: 1\napi: sandbox\npolicy: {blackoutDates: [2026-11-05, 2026-11-06]}\n"})
    planned = reconciler("plan").out
    assert "are waiting for review, but break policy.blackoutDates: Thu 2026-11-05 is a blackout date" in planned
    assert planned.splitlines()[-1] == "No changes."
    assert "Next" not in reconciler("apply", "--auto-approve").out


def test_pending_and_approved_drafts_are_counted_as_blocked_as_the_file_shows_them(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if approving them helps, because their channel can be connected again."""
    monkeypatch.chdir(shop.root)
    reconciler("review")
    with shop.world() as world:
        world.dashboard.set_channel(SITE_ID, "INSTAGRAM", "DISCONNECTED")
    said = reconciler("review").out
    assert file(shop).count('blocked: ["Instagram is not connected (it was disconnected)"]') == 3
    assert "shop  4 pending (3 of them blocked)" in said
    assert said.splitlines()[-2:] == [
        "Review: 4 pending (3 of them blocked), 0 approved; 1 of 1 site has pending drafts.",
        "Next: reconciler approve   (4 drafts in 1 site, 3 of them blocked)",
    ]
    reconciler("approve", "--all", "--yes")
    said = reconciler("review").out
    assert "shop  4 approved (3 of them blocked)" in said
    assert "Review: 0 pending, 4 approved (3 of them blocked), in 1 site." in said


def test_two_sites_that_cannot_be_read_share_one_cause(project: Project, reconciler: Command) -> None:
    fault = "faults: [{route: GET /marketing-plan, do: {kind: forbidden}}]\n"
    more = "posts: [{match: {within: 10d}}]\nschedule: {rules: [{match: {within: 10d}}]}\n"
    seed = f"{SANDBOX}{fault}sites:\n  - id: {SITE_ID}\n  - id: {SITE_ID[:-1]}2\n"
    files = {"sites/shop.yaml": site("shop", 1, more=more), "sites/two.yaml": site("two", 2, more=more)}
    project.write({"sandbox.yaml": seed, **files})
    said = reconciler("review", project.root)
    assert (said.code, said.out.count("fix: "), "! 2 sites could not be read" in said.out) == (1, 1, True), said


def test_drafts_that_no_schedule_rule_selects_any_more_are_not_offered_for_approval(
    shop: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example after the site got its own rules, which replace those in `defaults`."""
    monkeypatch.chdir(shop.root)
    assert reconciler("review").out.splitlines()[-1] == "Next: reconciler approve   (4 drafts in 1 site)"
    shop.write({"sites/shop.yaml": BARE + "posts: []\nschedule: {rules: [{match: {title: Open*}}]}\n"})
    reviewed = reconciler("review")
    assert reviewed.out.count("blocked: no schedule rule matches") == 3
    assert (
        reviewed.out.splitlines()[-1]
        == "Next: reconciler approve   (1 draft in 1 site; 3 more cannot go out as they are)"
    )
    assert "(1 draft in 1 site)" in reconciler("plan").out.splitlines()[-1]
    assert file(shop).count('blocked: ["no schedule rule matches"]') == 3, "which the review page and approve show"
    approved = reconciler("approve", "--all", "--yes")
    assert approved.out.count("blocked: no schedule rule matches") == 3
    assert approved.last.startswith("Decided: 4 drafts in 1 site"), "the 1 and the 3 of which review speaks"
    said = "note: 3 approved drafts will not go out, because no schedule rule matches: "
    assert said in " ".join(reconciler("plan").out.split())
    shop.write({"sites/shop.yaml": BARE + RULES})
    assert "blocked:" not in reconciler("review").out
    assert "4 to publish" in reconciler("plan").out


def test_no_next_step_is_an_apply_that_would_refuse_the_site(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing would be recorded, so nobody can approve anything there yet either."""
    project.write(
        {
            "sandbox.yaml": SEED,
            "sites/shop.yaml": BARE + RULES + "expect: {language: fr}\n",
            "sites/calm.yaml": "version: 1\nsite: {name: calm, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000009}\n",
        }
    )
    monkeypatch.chdir(project.root)
    for command in ("plan", "review", "plan"):
        ran = reconciler(command)
        assert "Next:" not in ran.out, ran.out
        assert "4 drafts are waiting for review" in ran.out if command == "plan" else "4 pending" in ran.last
    assert "Next: " not in reconciler("apply", "--auto-approve").out


def test_drafts_of_a_refused_site_without_a_record_cannot_be_approved_yet(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An approval given now would have to be given again, so all three of them leave the drafts pending."""
    monkeypatch.chdir(project.root)
    project.write({"sandbox.yaml": SEED, "sites/shop.yaml": BARE + RULES + "expect: {language: fr}\n"})
    why = "cannot be approved yet: apply refuses the site, as plan shows, and has never recorded it"
    reviewed = reconciler("review").out
    assert why in " ".join(reviewed.split())
    assert "Next:" not in reviewed
    before = file(project)
    for options in ("--all",), ("--channel", "INSTAGRAM"):
        decided = reconciler("approve", *options, "--yes")
        assert why in " ".join(decided.out.split())
        assert decided.last == "Nothing decided; 4 pending."
    assert file(project) == before
    reviewed = reconciler("review").out
    assert "back to pending" not in reviewed

    project.write({"sites/shop.yaml": BARE + RULES})
    reconciler("apply", "--auto-approve")
    assert reconciler("plan").out.splitlines()[-1] == "Next: reconciler review   (4 new drafts in 1 site)"
    assert reconciler("review").out.splitlines()[-1] == "Next: reconciler approve   (4 drafts in 1 site)"
    assert file(project) == before.replace("approvable: false\n", "")
    assert reconciler("approve", "--all", "--yes").last == "Decided: 4 drafts in 1 site; 0 pending."
    assert "4 approved" in reconciler("review").out
