"""Decisions about whole activities: carried out once, and nothing of these activities goes out meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.activities import PostsRule
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import ActivityDecision, Approvals
from reconciler.model.canonical import digest_of
from reconciler.model.journal import OpenEntry
from reconciler.model.operations import Operation
from reconciler.model.posts import AwaitPosts, ClearPosts, GeneratePosts, Post, PostsAmong, PostStatus, RegeneratePosts
from reconciler.model.schedule import CancelPost, NothingWaits, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import Need, RecordedSite
from reconciler.planner.actions import BlockedBy, Reason
from reconciler.planner.baseline import WAS_CANCELLED, key_of
from reconciler.planner.decisions import STORIES, is_carried_out
from reconciler.planner.needs import first_reads
from reconciler.planner.options import PlanOptions
from reconciler.planner.tally import tally_of
from reconciler.reporters.diagnostics import cause
from tests.planner.publishing_world import (
    KNOWN,
    NOW,
    activity,
    approved,
    desired,
    names,
    operations,
    plan,
    post,
    scheduled_before,
    site,
)

FEED = post("feed")
STORY = post("story", type="STORY", caption="")
ONE = activity("a", FEED, STORY)


STORIES_AGAIN = RegeneratePosts(ONE.id, ONE.title, (STORY.id,), stories=True)


@pytest.mark.parametrize(
    ("decision", "wanted"),
    [
        (ActivityDecision.REGENERATE, [STORIES_AGAIN, RegeneratePosts(ONE.id, ONE.title, (FEED.id,))]),
        (
            ActivityDecision.REGENERATE_MEDIA,
            [STORIES_AGAIN, RegeneratePosts(ONE.id, ONE.title, (FEED.id,), media_only=True)],
        ),
        (ActivityDecision.DISCARD, [ClearPosts(ONE.id, ONE.title, (FEED.id, STORY.id), True)]),
    ],
)
def test_a_decision_is_carried_out_for_posts_and_stories_and_nothing_goes_out(
    decision: ActivityDecision, wanted: list[object]
) -> None:
    other = activity("b", post("d2"))
    file = approved(ONE, about=decision)
    file = replace(file, activities=(*file.activities, *approved(other).activities))
    made = plan(desired(approvals=file), site(ONE, other))
    assert operations(made)[: len(wanted)] == wanted
    assert names(made) == ["a"] * len(wanted) + ["d2"]
    assert made.actions[0].reason is Reason.SENT_BACK
    listed = PostsAmong(ONE.id, ((FEED.id, FEED.digest), (STORY.id, STORY.digest)))
    assert made.actions[0].requires == (listed, NothingWaits(ONE.id))
    assert not made.to_review
    if decision is ActivityDecision.REGENERATE_MEDIA:
        assert [draft.post for draft in made.discarded] == [STORY.id], "the other draft only gets a new image"
        assert tally_of(made).discard == 1


@pytest.mark.parametrize(
    "decision", [decision for decision in ActivityDecision if decision is not ActivityDecision.KEEP]
)
def test_a_decision_is_used_up_by_the_state_and_by_the_digests_that_are_gone(decision: ActivityDecision) -> None:
    file = approved(ONE, about=decision)
    words = (decision.value,) if decision is ActivityDecision.DISCARD else (decision.value, STORIES)
    done = RecordedSite(consumed=tuple((ONE.id, word, file.activities[0].digest) for word in words))
    assert is_carried_out(file.activities[0], ONE, done)
    assert ONE.id not in names(plan(desired(approvals=file), site(ONE), done))
    made_again = replace(ONE, posts=(post("feed", caption="other"), post("n2", caption="words")))
    assert is_carried_out(file.activities[0], made_again, RecordedSite())
    assert not plan(desired(approvals=file), site(made_again)).actions


@pytest.mark.parametrize(
    ("decision", "then"),
    [
        (ActivityDecision.DISCARD, ClearPosts(ONE.id, ONE.title)),
        (ActivityDecision.REGENERATE, GeneratePosts(ONE.id, ONE.title)),
        (ActivityDecision.REGENERATE_MEDIA, GeneratePosts(ONE.id, ONE.title)),
    ],
)
def test_what_is_scheduled_is_cancelled_before_a_decision_is_carried_out(
    decision: ActivityDecision, then: Operation
) -> None:
    out = replace(ONE, posts=(replace(FEED, status=PostStatus.SCHEDULED),))
    file = approved(ONE, about=decision)
    made = plan(desired(approvals=file), site(out))
    assert operations(made) == [CancelPost(FEED.id, ONE.id, FEED.channel, ONE.date, ONE.title, estimated=True), then]
    assert [action.reason for action in made.actions] == [Reason.SENT_BACK, Reason.SENT_BACK]
    assert NothingWaits(ONE.id) in made.actions[1].requires
    assert not is_carried_out(file.activities[0], out, RecordedSite())


@pytest.mark.parametrize("decision", [ActivityDecision.REGENERATE, ActivityDecision.DISCARD])
def test_drafts_next_to_a_scheduled_post_are_what_a_decision_throws_away(decision: ActivityDecision) -> None:
    out = replace(ONE, posts=(replace(FEED, status=PostStatus.SCHEDULED), post("d2", "FACEBOOK")))
    made = plan(desired(approvals=approved(out, about=decision)), site(out))
    cancel, then = operations(made)
    assert isinstance(cancel, CancelPost)
    assert isinstance(then, ClearPosts | RegeneratePosts)
    assert then.discards == ("d2",)
    stays = f'"{ONE.title}": its scheduled post will be cancelled, not regenerated, because only drafts are regenerated'
    said = [note.message for note in made.notes if note.code == "stays-cancelled"]
    assert said == ([stays] if decision is ActivityDecision.REGENERATE else [])


def test_drafts_that_nobody_reviewed_are_made_again_together_with_a_scheduled_post() -> None:
    """In the same run: the cancelled post by itself, if it becomes a draft at all, would need a second run."""
    scheduled, beside = replace(FEED, status=PostStatus.SCHEDULED), post("d2", "FACEBOOK")
    reviewed = approved(replace(ONE, posts=(FEED,)), about=ActivityDecision.REGENERATE)
    out = replace(ONE, posts=(scheduled, beside))
    rule = ScheduleRule(Match(), channels=(FEED.channel,))  # a review lists no drafts of other channels
    cancel, then = operations(plan(desired(rule, approvals=reviewed), site(out)))
    assert isinstance(cancel, CancelPost)
    assert then == RegeneratePosts(ONE.id, ONE.title, (beside.id,))
    consumed = RecordedSite(consumed=((ONE.id, "regenerate", reviewed.activities[0].digest),))
    again = replace(ONE, posts=(post("feed", caption="other"), beside))
    assert not plan(desired(approvals=reviewed), site(again), consumed).actions


@pytest.mark.parametrize("decision", [ActivityDecision.REGENERATE, ActivityDecision.DISCARD])
def test_a_decision_is_not_lost_if_a_run_ends_after_its_cancels(decision: ActivityDecision) -> None:
    cancelled, beside = replace(FEED, status=PostStatus.CANCELED), post("d2", "FACEBOOK")
    file = approved(replace(ONE, posts=(FEED,)), about=decision)
    left = replace(ONE, posts=(cancelled, beside))
    rule = ScheduleRule(Match(), channels=(FEED.channel,))
    by_us = replace(scheduled_before(FEED), objects=((key_of(Kind.DRAFT, FEED.id), WAS_CANCELLED),))
    (then,) = operations(plan(desired(rule, approvals=file), site(left), by_us))
    assert isinstance(then, ClearPosts | RegeneratePosts)
    assert then.discards == ("d2",)
    done = replace(by_us, consumed=((ONE.id, decision.value, file.activities[0].digest),))
    assert not plan(desired(rule, approvals=file), site(left), done).actions
    nothing_left = site(replace(ONE, posts=(cancelled,)))
    assert not plan(desired(rule, approvals=file), nothing_left, by_us).actions
    assert not plan(desired(rule, approvals=file), site(left), KNOWN).actions, "whoever cancelled it"


def test_a_posts_rule_does_not_bring_back_what_was_discarded() -> None:
    empty = activity("a")
    wanted = replace(desired(), posts=(PostsRule(Match()),))
    in_file = replace(wanted, approvals=approved(ONE, about=ActivityDecision.DISCARD))
    assert not plan(in_file, site(empty)).actions
    in_state = RecordedSite(consumed=((ONE.id, "discard", approved(ONE).activities[0].digest),))
    assert not plan(wanted, site(empty), in_state).actions
    changed_mind = replace(wanted, approvals=approved(ONE))
    assert operations(plan(changed_mind, site(empty), in_state)) == [GeneratePosts(ONE.id, ONE.title)]


def test_posts_being_generated_are_waited_for_and_not_sent_back_twice() -> None:
    posts, stories = (
        OpenEntry(str(number), Address.parse("shop/posts[a]"), RegeneratePosts(ONE.id, ONE.title, stories=stories), NOW)
        for number, stories in enumerate((False, True))
    )
    file = approved(ONE, about=ActivityDecision.REGENERATE)
    waits = AwaitPosts(ONE.id, ONE.title)
    made = plan(desired(approvals=file), site(ONE), RecordedSite(open=(posts, stories)))
    assert operations(made) == [waits, waits]
    made = plan(desired(approvals=file), site(ONE), RecordedSite(open=(posts,)))
    assert operations(made) == [waits, STORIES_AGAIN]


def test_past_and_unknown_activities_are_left_alone() -> None:
    file = approved(ONE, about=ActivityDecision.DISCARD)
    assert not plan(desired(approvals=file), site(replace(ONE, date=NOW.replace(year=2025)))).actions
    assert not plan(desired(approvals=file), site()).actions


def test_a_rule_that_clears_the_posts_comes_first() -> None:
    file = approved(ONE, about=ActivityDecision.REGENERATE)
    wanted = replace(desired(approvals=file), posts=(PostsRule(Match(), present=False),))
    (operation,) = operations(plan(wanted, site(ONE)))
    assert isinstance(operation, ClearPosts)


def test_decisions_by_themselves_require_reading_the_marketing_plan() -> None:
    bare = replace(desired(), schedule=None)
    assert not first_reads(bare, PlanOptions(NOW)).needs
    sent_back = replace(bare, approvals=approved(ONE, about=ActivityDecision.REGENERATE))
    assert Need.MARKETING_PLAN in first_reads(sent_back, PlanOptions(NOW)).needs
    assert not first_reads(replace(bare, approvals=Approvals()), PlanOptions(NOW)).needs


def test_a_decision_is_carried_out_until_its_activity_is_due_unless_a_rule_clears_the_posts() -> None:
    def clears(*rules: PostsRule, days: float) -> list[Operation]:
        out = replace(ONE, date=NOW + timedelta(days=days))
        wanted = replace(desired(approvals=approved(out, about=ActivityDecision.DISCARD)), posts=rules)
        return [operation for operation in operations(plan(wanted, site(out))) if isinstance(operation, ClearPosts)]

    assert (len(clears(days=1)), len(clears(days=0)), len(clears(days=-0.01))) == (1, 1, 0)
    assert len(clears(PostsRule(Match(), present=False), days=1)) == 1


@pytest.mark.parametrize("left", [FEED, STORY])
def test_what_was_made_again_already_is_not_made_again_with_the_rest(left: Post) -> None:
    new = post("new", caption="fresh", type="STORY" if left is FEED else "POST")
    file = approved(ONE, about=ActivityDecision.REGENERATE)
    done = (ONE.id, STORIES if left is FEED else "regenerate", file.activities[0].digest)
    made = plan(desired(approvals=file), site(replace(ONE, posts=(left, new))), replace(KNOWN, consumed=(done,)))
    assert operations(made) == [RegeneratePosts(ONE.id, ONE.title, (left.id,), stories=left is STORY)]


def test_a_decision_made_for_other_drafts_is_reported_and_not_carried_out() -> None:
    """A merge can put a decision beside drafts that nobody saw when it was made."""
    (found,) = approved(ONE, about=ActivityDecision.DISCARD).activities
    mixed = Approvals((replace(found, decided=digest_of("other drafts")),), "approvals/shop.yaml")
    made = plan(desired(approvals=mixed), site(ONE))
    assert not [operation for operation in operations(made) if isinstance(operation, ClearPosts)]
    (cannot_count,) = (found for found in made.blocked if found.code == BlockedBy.DECIDED_FOR_OTHERS)
    assert "was decided for drafts other than those the file lists, so it is not carried out" in cannot_count.message
    assert cannot_count.fix == "run review, and decide again"
    earlier = Approvals((replace(found, decided=None),), "approvals/shop.yaml")
    assert [
        operation
        for operation in operations(plan(desired(approvals=earlier), site(ONE)))
        if isinstance(operation, ClearPosts)
    ]


@pytest.mark.parametrize("about", [ActivityDecision.DISCARD, ActivityDecision.REGENERATE])
def test_a_decision_whose_drafts_have_all_been_replaced_is_reported(about: ActivityDecision) -> None:
    """Somebody moved the activity, or edited its drafts, before the decision was carried out."""
    file = approved(ONE, about=about)
    moved = replace(ONE, date=ONE.date + timedelta(days=1))
    edited = replace(ONE, posts=tuple(replace(post, texts=(("caption", "edited"),)) for post in ONE.posts))
    for other in (moved, edited):
        made = plan(desired(approvals=file), site(other), KNOWN)
        assert not made.actions
        (said,) = (found for found in made.blocked if found.code == BlockedBy.DECIDED_FOR_OTHERS)
        assert "was decided for drafts that have changed since, so it is not carried out" in said.message
        assert said.fix == "run review, and decide again"
    carried_out = replace(KNOWN, consumed=((ONE.id, about.value, file.activities[0].digest),))
    none_left = replace(ONE, posts=())
    for found, recorded in ((edited, carried_out), (edited, RecordedSite()), (none_left, KNOWN)):
        blocked = plan(desired(approvals=file), site(found), recorded).blocked
        assert BlockedBy.DECIDED_FOR_OTHERS not in {problem.code for problem in blocked}


@pytest.mark.parametrize("about", [ActivityDecision.KEEP, ActivityDecision.DISCARD, ActivityDecision.REGENERATE])
def test_a_decision_that_is_not_committed_is_blocked_with_what_makes_it_count(about: ActivityDecision) -> None:
    """What is committed counts; what somebody wrote since is neither carried out nor ignored."""
    drafts = frozenset(str(post.id) for post in ONE.posts)
    mine = approved(ONE, about=about) if about is not ActivityDecision.KEEP else approved(ONE)
    for file in (
        replace(mine, uncommitted=frozenset({ONE.id})),
        Approvals((), mine.file, uncommitted=drafts | {ONE.id}),
    ):
        made = plan(desired(approvals=file), site(ONE))
        assert not [action for action in made.actions if action.address.key == ONE.id]
        found = next(found for found in made.blocked if found.about.key == ONE.id)
        assert (found.code, found.fix) == (
            BlockedBy.NOT_COMMITTED,
            "commit approvals/shop.yaml, or restore the committed version",
        )
    assert {found.about.key for found in made.blocked} == drafts | {ONE.id}
    assert not made.actions
    assert not made.to_review


def test_an_approvals_file_under_the_old_name_of_a_site_is_reported() -> None:
    file = replace(approved(ONE), written_for="old-shop")
    assert "was written for old-shop; its decisions count for this site" in "".join(
        map(cause, plan(desired(approvals=file), site(ONE)).notes)
    )


@pytest.mark.parametrize("about", [ActivityDecision.DISCARD, ActivityDecision.REGENERATE])
def test_a_decision_is_not_carried_out_if_one_of_its_drafts_has_changed_since(about: ActivityDecision) -> None:
    """Whoever decided has not seen what the draft says now; the next review asks for the decision again."""
    file = approved(ONE, about=about)
    edited = replace(ONE, posts=(FEED, replace(STORY, texts=(("caption", "edited"),))))
    in_file = replace(file.activities[0].drafts[0], content=replace(FEED.content, caption="as the editor wants it"))
    corrected = replace(
        file, activities=(replace(file.activities[0], drafts=(in_file, *file.activities[0].drafts[1:])),)
    )
    added = replace(ONE, posts=(FEED, STORY, post("new", "FACEBOOK")))
    for approvals, found in ((file, edited), (corrected, ONE), (file, added)):
        for recorded in (KNOWN, RecordedSite()):
            made = plan(desired(approvals=approvals), site(found), recorded)
            assert not made.actions
            (said,) = (found for found in made.blocked if found.code == BlockedBy.DECIDED_FOR_OTHERS)
            assert "was decided for drafts that have changed since, so it is not carried out" in said.message
            assert said.fix == "run review, and decide again"
            assert not made.to_review


def test_drafts_that_no_rule_selects_do_not_keep_a_decision_from_being_carried_out() -> None:
    """A review does not list them, so the decision is about them too."""
    file = approved(ONE, about=ActivityDecision.DISCARD)
    other = post("d2", "FACEBOOK")
    beside = replace(ONE, posts=(FEED, STORY, other))
    rule = ScheduleRule(Match(), channels=("INSTAGRAM",))
    (clear,) = operations(plan(desired(rule, approvals=file), site(beside)))
    assert clear == ClearPosts(ONE.id, ONE.title, (other.id, FEED.id, STORY.id), True)


@pytest.mark.parametrize("about", [ActivityDecision.DISCARD, ActivityDecision.REGENERATE])
def test_what_was_sent_back_does_not_go_out_although_another_draft_has_changed(about: ActivityDecision) -> None:
    """The person who decided has seen the scheduled post: only that part of the decision is carried out."""
    other = post("d2", "FACEBOOK")
    scheduled = replace(ONE, posts=(replace(FEED, status=PostStatus.SCHEDULED), STORY, other))
    file = approved(scheduled, about=about)
    edited = replace(scheduled, posts=(*scheduled.posts[:2], replace(other, texts=(("caption", "edited"),))))
    for required in (True, False):
        made = plan(desired(approvals=file, required=required), site(edited), scheduled_before(FEED))
        assert operations(made) == [CancelPost(FEED.id, ONE.id, FEED.channel, ONE.date, ONE.title, estimated=True)]
        (said,) = (found for found in made.blocked if found.code == BlockedBy.DECIDED_FOR_OTHERS)
        assert said.message.endswith("have changed since, so only its scheduled posts are cancelled")


@pytest.mark.parametrize("about", [ActivityDecision.REGENERATE, ActivityDecision.KEEP])
def test_what_a_reviewer_asked_to_be_made_again_waits_for_review_and_is_not_blocked(about: ActivityDecision) -> None:
    """Without such a decision, approved content that has changed is blocked."""
    file = approved(ONE, about=about)
    digest = file.activities[0].digest
    done = replace(KNOWN, consumed=((ONE.id, "regenerate", digest), (ONE.id, STORIES, digest)))
    again = replace(ONE, posts=tuple(replace(each, texts=(("caption", "new"),)) for each in ONE.posts))
    made = plan(desired(approvals=file), site(again), done)
    waits = about is ActivityDecision.REGENERATE
    assert operations(made) == []
    assert [draft.post for draft in made.to_review] == [FEED.id, STORY.id] * waits
    assert [problem.code for problem in made.blocked] == [BlockedBy.CHANGED_AFTER_APPROVAL] * 2 * (not waits)


@pytest.mark.parametrize("again", [ActivityDecision.REGENERATE, ActivityDecision.REGENERATE_MEDIA])
def test_what_a_decision_itself_has_made_again_does_not_undo_the_rest_of_it(again: ActivityDecision) -> None:
    """A run was cut short between the call for the stories and the one for the posts."""
    file = approved(ONE, about=again)
    begun = replace(KNOWN, consumed=((ONE.id, STORIES, file.activities[0].digest),))
    for stories in (replace(STORY, texts=(("caption", "made again"),)), post("new", type="STORY")):
        found = replace(ONE, posts=(FEED, stories))
        (made,) = operations(plan(desired(approvals=file), site(found), begun))
        assert made == RegeneratePosts(ONE.id, ONE.title, (FEED.id,), again is ActivityDecision.REGENERATE_MEDIA)
