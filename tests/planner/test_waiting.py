"""Scheduled posts are judged again in every plan: kept, moved, or cancelled before everything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.activities import (
    DeleteActivity,
    PostsRule,
    RemoveActivities,
    SetActivities,
    UpdateActivity,
)
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import Approvals, DraftDecision
from reconciler.model.canonical import Absent, Digest, Json, JsonObject
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import (
    DeleteMarketingPlan,
    DesiredMarketingPlan,
    Discard,
    MarketingPlan,
    PlanStatus,
    Regenerate,
)
from reconciler.model.operations import Operation
from reconciler.model.policy import Policy, QuietHours
from reconciler.model.posts import ClearPosts, PostStatus, Unrecognised
from reconciler.model.schedule import (
    CancelPost,
    DesiredSchedule,
    NothingWaits,
    Pause,
    ReschedulePost,
    SchedulePost,
    ScheduleRule,
    StillScheduled,
)
from reconciler.model.selectors import Match
from reconciler.model.sites import NOTHING_RECORDED, DesiredSite, Inputs, Need, RecordedSite
from reconciler.planner.actions import Action, BlockedBy, Grounds, Plan, Reason, ReasonFact, RefusedBy
from reconciler.planner.approval_checks import difference_words
from reconciler.planner.baseline import WAS_CANCELLED, approval_key, approval_of, key_of, rules_of
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import ChangedSide, DriftState, Finding
from reconciler.planner.hidden_posts import with_hidden_posts
from reconciler.planner.needs import further_reads
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.reasons import facts_behind
from reconciler.planner.review import ReviewStatus
from reconciler.planner.review_builder import review_of
from reconciler.planner.rights import what_is_left
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import SiteLabels, apply_targets, target_filter
from reconciler.planner.unstopped import (
    NOT_MOVED,
    NOT_REFUSED,
    Unstopped,
    not_stopped,
    tried_key,
    until_applied,
    why_not_cancelled,
    with_refusal_named,
)
from reconciler.reporters.drift_words import subject
from tests.planner.publishing_world import (
    NOW,
    activity,
    approved,
    desired,
    operations,
    plan,
    post,
    reasons,
    scheduled_before,
    site,
)

AT = NOW + timedelta(days=2)
DRAFT = post("d1")
WAITS = replace(DRAFT, status=PostStatus.SCHEDULED, scheduled_for=AT)
KILN = activity("a", WAITS)
YES = approved(KILN)
OURS = scheduled_before(DRAFT)
CANCEL = CancelPost(WAITS.id, KILN.id, WAITS.channel, AT, KILN.title)


def test_rule_17_3_a_post_that_its_activity_does_not_show_stays_while_it_is_there() -> None:
    """The API may leave scheduled posts out of their activity; if every run cancelled them, none would ever go out."""
    ours = replace(
        OURS,
        published=(replace(OURS.published[0], activity=KILN.id, date=KILN.date, scheduled_for=WAITS.scheduled_for),),
    )
    other = post("d2")
    without = replace(site(replace(KILN, posts=(other,))), items=((WAITS.id, WAITS),))
    seen = with_hidden_posts(without, ours)
    assert seen.marketing_plan is not None
    assert seen.marketing_plan.activities == (replace(KILN, posts=(other, WAITS)),)
    assert not cancels(plan(desired(approvals=YES), seen, ours))
    assert cancels(plan(desired(), seen, ours)) == ((CANCEL, Reason.WITHDRAWN),), "judged as ever"
    gone = replace(without, marketing_plan=replace(seen.marketing_plan, activities=()))
    assert with_hidden_posts(gone, ours) is gone


def test_a_post_whose_activity_the_window_of_a_read_no_longer_shows_is_judged_by_a_read_of_the_past_ones() -> None:
    late = replace(WAITS, scheduled_for=NOW + timedelta(hours=5))
    of_today = replace(KILN, date=NOW - timedelta(hours=1), posts=(late,))
    record = replace(OURS.published[0], activity=KILN.id, date=of_today.date, scheduled_for=late.scheduled_for)
    ours, yes = replace(OURS, published=(record,)), desired(approvals=approved(of_today))
    without = replace(site(activity("b")), items=((late.id, late),))
    assert plan(yes, without, ours).is_empty, "nobody knows yet"
    assert Need.PAST_ACTIVITIES in further_reads(yes, without, plan(yes, without, ours), ours).needs
    there = replace(without, had_reads=frozenset({Need.PAST_ACTIVITIES}), past=(KILN,))
    assert plan(yes, there, ours).is_empty
    assert [reason for _, reason in cancels(plan(desired(), there, ours))] == [Reason.WITHDRAWN]
    gone = replace(there, past=())
    assert [reason for _, reason in cancels(plan(yes, gone, ours))] == [Reason.ACTIVITY_GONE]


def cancels(made: Plan) -> tuple[tuple[Operation, Reason], ...]:
    return tuple(
        (action.operation, action.reason) for action in made.actions if isinstance(action.operation, CancelPost)
    )


def test_what_is_approved_as_it_is_stays() -> None:
    made = plan(desired(approvals=YES), site(KILN), OURS)
    assert made.is_empty
    assert not made.blocked
    assert not made.still_going_out


def edited(file: Approvals) -> Approvals:
    """The same file after somebody wrote another caption into it."""
    (found,) = file.activities
    (draft,) = found.drafts
    other = replace(draft, content=replace(draft.content, caption="Lovely mugs"))
    return replace(file, activities=(replace(found, drafts=(other,)),))


def differing(action: Action) -> tuple[str, ...]:
    """How a post differs from what was approved, in words."""
    found = () if isinstance(action.grounds, Absent) else action.grounds.differences
    return (difference_words(found, "UTC"),) if found else ()


def yes() -> DesiredSite:
    return desired(approvals=YES)


@pytest.mark.parametrize(
    ("wanted", "reason", "facts"),
    [
        (lambda: desired(approvals=approved(KILN, decision=DraftDecision.PENDING)), Reason.WITHDRAWN, ()),
        (lambda: desired(), Reason.WITHDRAWN, ("no-approvals-file",)),
        (
            lambda: desired(approvals=approved(activity("a", post("d1", caption="other")))),
            Reason.CHANGED,
            ("caption: other -> New mugs",),
        ),
        (
            lambda: desired(approvals=approved(activity("a", replace(DRAFT, account_id="17841")))),
            Reason.CHANGED,
            ("account: 17841 -> (not set)",),
        ),
        (
            lambda: desired(approvals=approved(activity("a", DRAFT, days=9))),
            Reason.CHANGED,
            ("date: Thu 2026-12-10 -> Thu 2026-12-03",),
        ),
        (lambda: desired(approvals=edited(YES)), Reason.EDITED, ("caption: Lovely mugs -> New mugs",)),
        (
            lambda: replace(yes(), schedule=None, approvals=Approvals()),
            Reason.WITHDRAWN,
            ("no-approvals-file",),
        ),
        (lambda: replace(yes(), posts=(PostsRule(Match(), present=False),)), Reason.ABSENT_WANTED, ("posts[0]",)),
        (lambda: replace(yes(), activities=(RemoveActivities(Match()),)), Reason.ABSENT_WANTED, ("activities[0]",)),
        (
            lambda: replace(yes(), marketing_plan=DesiredMarketingPlan(present=False)),
            Reason.ABSENT_WANTED,
            ("marketingPlan",),
        ),
        (
            lambda: replace(yes(), schedule=replace(desired().schedule, paused=Pause.CANCEL)),  # type: ignore[type-var]
            Reason.PAUSED,
            (),
        ),
    ],
)
def test_what_is_no_longer_wanted_is_cancelled_before_anything_else(
    wanted: Callable[[], DesiredSite], reason: Reason, facts: tuple[str, ...]
) -> None:
    made = plan(wanted(), site(KILN), OURS)
    first = made.actions[0]
    assert (first.operation, first.reason) == (CANCEL, reason)
    assert (*differing(first), *first.details) == facts
    assert first.requires == (StillScheduled(WAITS.id),)
    for action in made.actions[1:]:
        assert isinstance(action.operation, ClearPosts | DeleteActivity | DeleteMarketingPlan)
        assert any(isinstance(required, NothingWaits) for required in action.requires)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (Policy(banned_words=("mugs",)), "bannedWords"),
        (Policy(blackout_dates=frozenset({AT.date()})), "blackoutDates"),
        (Policy(quiet_hours=QuietHours(time(8), time(10))), "quietHours"),
        (Policy(max_publish_per_site_per_day=0), "maxPublishPerSitePerDay"),
    ],
)
def test_a_policy_added_later_cancels_what_it_forbids(policy: Policy, rule: str) -> None:
    made = plan(yes(), site(KILN), OURS, policy=policy)
    assert operations(made) == [CANCEL]
    assert made.actions[0].reason is Reason.FORBIDDEN
    grounds = made.actions[0].grounds
    assert isinstance(grounds, Grounds)
    (problem,) = grounds.forbidden_by
    assert problem.code == BlockedBy.POLICY
    assert rule in problem.message
    assert problem.place == policy.place
    assert problem.fix


def test_what_goes_out_during_a_pause_is_named_with_the_time_to_which_it_moves() -> None:
    (known,) = OURS.published
    ours = RecordedSite(published=(replace(known, date=AT, approved=False),))
    wanted = desired(ScheduleRule(Match()), required=False)
    assert wanted.schedule is not None
    held = replace(wanted, schedule=replace(wanted.schedule, paused=Pause.HOLD))
    made = plan(held, site(activity("a", WAITS, days=5)), ours)
    assert [type(operation) for operation in operations(made)] == [ReschedulePost]
    (note,) = [note for note in made.notes if note.code == "goes-out-while-paused"]
    assert note.message.endswith(" UTC (its rule moves it to Sun 2026-12-06 09:00 UTC)")


@pytest.mark.parametrize("at", [None, time(9)])
def test_without_approvals_a_post_follows_its_activity_to_another_day_or_is_cancelled(at: time | None) -> None:
    (known,) = OURS.published
    ours = RecordedSite(published=(replace(known, date=AT, approved=False),))
    rule = ScheduleRule(Match(), at=at)
    free = desired(rule, required=False)
    assert plan(free, site(KILN), ours).is_empty
    moved = activity("a", WAITS, days=5)
    made = plan(free, site(moved), ours)
    assert operations(made) == [
        ReschedulePost(WAITS.id, KILN.id, WAITS.channel, WAITS.digest, AT + timedelta(days=3), AT, KILN.title)
    ]
    assert made.actions[0].reason is Reason.DATE_MOVED
    there = activity("a", replace(WAITS, scheduled_for=AT + timedelta(days=3)), days=5)
    assert plan(free, site(there), ours).is_empty, "it moved along"
    # If it cannot be moved, or nobody knows when it goes out, it is cancelled.
    forbidden = Policy(blackout_dates=frozenset({(AT + timedelta(days=3)).date()}))
    hidden = activity("a", replace(WAITS, scheduled_for=None), days=5)
    for cancelled in (
        plan(free, site(moved), ours, policy=forbidden),
        plan(free, site(moved), ours, publish=False),
        plan(desired(ScheduleRule(Match(), ("FACEBOOK",)), required=False), site(moved), ours),
        plan(free, site(hidden), ours),
    ):
        (action,) = cancelled.actions
        assert isinstance(action.operation, CancelPost)
        assert (action.reason, differing(action)) == (
            Reason.DATE_MOVED,
            ("date: Thu 2026-12-03 -> Sun 2026-12-06",),
        )


@pytest.mark.parametrize(
    ("date", "moved"),
    [(AT + timedelta(days=3), ChangedSide.GIT), (AT, ChangedSide.REMOTE), (None, ChangedSide.REMOTE)],
)
def test_a_post_that_did_not_follow_a_date_that_the_file_set_differs_because_of_git(
    date: datetime | None, moved: ChangedSide
) -> None:
    """`date` is what the file set when it was last applied; None if it set nothing."""
    (known,) = OURS.published
    free = desired(ScheduleRule(Match()), required=False)
    dates = (("activity[a]", JsonObject({"targetDate": instant(date)})),) if date else ()
    recorded = RecordedSite(
        published=(replace(known, date=AT, scheduled_for=AT, approved=False),),
        objects=tuple(sorted((*rules_of(free), *dates))),
    )
    observed = site(activity("a", WAITS, days=5))
    to_facebook = replace(
        free, schedule=DesiredSchedule((ScheduleRule(Match(), ("FACEBOOK",)),), approval_required=False)
    )
    for wanted, finding in ((free, Finding.DATE_MOVED), (to_facebook, Finding.TAKEN_BACK)):
        report = find_drift(wanted, observed, recorded, plan(wanted, observed, recorded), PlanOptions(NOW))
        (item,) = (item for item in report.items if item.address.key == WAITS.id)
        assert (item.finding, item.moved) == (finding, moved)


@pytest.mark.parametrize(
    ("off", "now", "moves"),
    [(59, NOW, False), (60, NOW, True), (-60, NOW, True), (3600, AT, False), (3600, AT - timedelta(seconds=1), True)],
)
def test_a_post_is_moved_to_its_rules_time_if_that_is_another_minute_and_still_ahead(
    off: int, now: datetime, moves: bool
) -> None:
    early = activity("a", replace(WAITS, scheduled_for=AT + timedelta(seconds=off)))
    made = plan(desired(ScheduleRule(Match(), at=time(9)), approvals=approved(early)), site(early), OURS, now=now)
    assert [type(operation) for operation in operations(made)] == [ReschedulePost] * moves
    assert not made.blocked


def test_a_longer_lead_time_cancels_nothing() -> None:
    """`minLead` is about scheduling, and this was scheduled in time."""
    assert plan(yes(), site(KILN), OURS, policy=Policy(min_lead=timedelta(days=5))).is_empty


def test_a_post_that_its_rule_moves_away_from_a_forbidden_time_is_not_cancelled() -> None:
    quiet = Policy(quiet_hours=QuietHours(time(8), time(10)))
    later = desired(ScheduleRule(Match(), at=time(17)), approvals=YES)
    made = plan(later, site(KILN), OURS, policy=quiet)
    (operation,) = operations(made)
    assert isinstance(operation, ReschedulePost)
    assert made.actions[0].reason is Reason.FORBIDDEN
    unwanted = not_stopped(made.actions[0], Diagnostic(Unstopped.LEFT_OUT, "left out"))
    for grounds in (made.actions[0].grounds, unwanted.grounds):
        assert isinstance(grounds, Grounds)
        (said,) = facts_behind(Reason.FORBIDDEN, unwanted.details, grounds, "UTC")
        assert said.startswith("policy.quietHours: 09:00 is between 08:00 and 10:00")
    # A run that plans nothing public leaves it to the next one, and says so: nothing undoes a cancel.
    held = plan(later, site(KILN), OURS, policy=quiet, publish=False)
    assert operations(held) == []
    assert [(post.post, post.reason, post.problem.code) for post in held.still_going_out] == [
        (WAITS.id, Reason.FORBIDDEN, Unstopped.LEFT_OUT)
    ]
    assert "--no-publish" in held.still_going_out[0].problem.fix
    # It cannot be moved if its new time is forbidden too.
    assert operations(plan(later, site(KILN), OURS, policy=Policy(), publish=False)) == []
    all_day = Policy(blackout_dates=frozenset({AT.date()}))
    assert operations(plan(later, site(KILN), OURS, policy=all_day)) == [CANCEL]


def test_a_lower_limit_per_day_cancels_the_last_posts() -> None:
    posts = [replace(WAITS, id=f"d{n}", scheduled_for=AT + timedelta(hours=n)) for n in (1, 2, 3)]
    out = activity("a", *posts)
    ours = RecordedSite(published=tuple(record for each in posts for record in scheduled_before(each).published))
    made = plan(desired(approvals=approved(out)), site(out), ours, policy=Policy(max_publish_per_site_per_day=2))
    assert [operation.post for operation in operations(made) if isinstance(operation, CancelPost)] == ["d3"]


@pytest.mark.parametrize(
    ("leaves", "most", "said", "fix"),
    [
        (1, 1, "it would be post 2 on 2026-12-03, counting one that apply cancels, but the maximum is 1", "run apply"),
        (2, 2, "it would be post 3 on 2026-12-03, counting 2 that apply cancels, but the maximum is 2", "run apply"),
        (1, 0, "it would be post 2 on 2026-12-03, but the maximum is 0", "move a post"),
    ],
)
def test_a_post_that_a_plan_cancels_counts_for_its_day_and_the_plan_says_so(
    leaves: int, most: int, said: str, fix: str
) -> None:
    """Cancelling may fail. If it does not, the next run schedules the draft."""
    taken = [replace(WAITS, id=f"d{n}") for n in range(leaves)]
    ours = RecordedSite(published=tuple(record for each in taken for record in scheduled_before(each).published))
    free = activity("b", post("d9"))
    file = Approvals(
        (*approved(activity("a", *taken), decision=DraftDecision.PENDING).activities, *approved(free).activities)
    )
    policy = Policy(max_publish_per_site_per_day=most)
    made = plan(desired(approvals=file), site(activity("a", *taken), free), ours, policy=policy)
    assert {type(operation) for operation in operations(made)} == {CancelPost}
    [blocked] = made.blocked
    assert said in blocked.message
    assert blocked.fix.startswith(fix)
    after = plan(desired(approvals=file), site(free), ours, policy=policy)
    assert [type(operation) for operation in operations(after)] == [SchedulePost] * (most > 0)


def test_a_post_that_a_plan_moves_counts_for_its_old_day_and_the_plan_says_so() -> None:
    moved = activity("a", replace(WAITS, scheduled_for=NOW + timedelta(days=2)), days=3)
    free = activity("b", post("d9"), days=2)
    rules = (ScheduleRule(Match(), at=time(9)),)
    policy = Policy(max_publish_per_site_per_day=1)
    made = plan(desired(*rules, approvals=approved(moved, free)), site(moved, free), OURS, policy=policy)
    assert [type(operation) for operation in operations(made)] == [ReschedulePost]
    [blocked] = made.blocked
    assert "it would be post 2 on 2026-12-03, counting one that apply moves, but the maximum is 1" in blocked.message
    same_day = activity("a", replace(WAITS, scheduled_for=NOW + timedelta(days=2, hours=1)))
    made = plan(desired(*rules, approvals=approved(same_day, free)), site(same_day, free), OURS, policy=policy)
    assert [type(operation) for operation in operations(made)] == [ReschedulePost]
    assert "it would be post 2 on 2026-12-03, but the maximum is 1" in made.blocked[0].message


@pytest.mark.parametrize(("leaves", "verb"), [(CancelPost, "cancels"), (ReschedulePost, "moves")])
def test_a_post_cannot_be_moved_to_a_day_that_another_one_has_yet_to_leave(leaves: type[Operation], verb: str) -> None:
    first = activity("a", WAITS, days=3)
    second = activity("b", replace(WAITS, id="d9", scheduled_for=AT + timedelta(days=3)), days=2)
    ours = RecordedSite(published=(*OURS.published, *scheduled_before(second.posts[0]).published))
    file = approved(second) if leaves is CancelPost else approved(first, second)
    policy = Policy(max_publish_per_site_per_day=1)
    made = plan(desired(ScheduleRule(Match(), at=time(9)), approvals=file), site(first, second), ours, policy=policy)
    assert [type(operation) for operation in operations(made)] == [leaves]
    [blocked] = made.blocked
    assert f"it would be post 2 on 2026-12-03, counting one that apply {verb}, but the maximum is 1" in blocked.message


def test_what_somebody_else_scheduled_cancels_nothing_that_this_tool_scheduled() -> None:
    theirs = replace(WAITS, id="d0", scheduled_for=AT - timedelta(hours=1))
    out = activity("a", theirs, WAITS)
    made = plan(desired(approvals=approved(out)), site(out), OURS, policy=Policy(max_publish_per_site_per_day=1))
    assert made.is_empty


def test_regenerating_cancels_what_is_scheduled_only_if_the_file_lets_it() -> None:
    def regenerate(discard: Discard, file: Approvals) -> Plan:
        wanted = replace(desired(approvals=file), marketing_plan=DesiredMarketingPlan(discard=discard))
        return make_plan(wanted, site(KILN), OURS, PlanOptions(NOW, regenerate=True))

    made = regenerate(Discard.ALL, YES)
    cancel, again = operations(made)
    assert (cancel, made.actions[0].reason) == (CANCEL, Reason.REPLACED)
    assert isinstance(again, Regenerate)
    assert again.discards == ()
    assert NothingWaits() in made.actions[1].requires
    assert not made.refusals
    kept = regenerate(Discard.UNAPPROVED, YES)
    assert [refusal.code for refusal in kept.refusals] == [RefusedBy.DISCARD]
    assert kept.refusals[0].fix.endswith(", or leave --regenerate out")
    assert not [operation for operation in operations(kept) if isinstance(operation, CancelPost)]
    # A post that is cancelled for its own reasons is not what the regeneration throws away.
    withdrawn = regenerate(Discard.UNAPPROVED, Approvals())
    assert [withdrawn.actions[0].reason, withdrawn.refusals] == [Reason.WITHDRAWN, ()]


def test_a_past_activity_is_kept_by_a_regeneration_and_so_is_its_post() -> None:
    tonight = replace(WAITS, scheduled_for=NOW + timedelta(hours=5))
    earlier = activity("a", tonight, days=-0.1)
    wanted = replace(desired(approvals=approved(earlier)), marketing_plan=DesiredMarketingPlan(discard=Discard.ALL))
    made = make_plan(wanted, site(earlier), OURS, PlanOptions(NOW, regenerate=True))
    assert [type(operation) for operation in operations(made)] == [Regenerate]


def test_a_rule_that_no_longer_covers_a_post_withdraws_nothing_but_under_manage_all() -> None:
    facebook = ScheduleRule(Match(), ("FACEBOOK",))
    assert plan(desired(facebook, approvals=YES), site(KILN), OURS).is_empty
    made = plan(desired(facebook, approvals=YES, cancel_others=True), site(KILN), OURS)
    assert [(action.operation, action.reason) for action in made.actions] == [(CANCEL, Reason.NOT_WANTED)]


def test_what_somebody_else_scheduled_without_an_approval_is_named_and_under_manage_all_cancelled() -> None:
    made = plan(desired(), site(KILN))
    assert reasons(made) == [("d1", BlockedBy.SCHEDULED_UNAPPROVED)]
    assert made.is_empty
    assert [draft.post for draft in made.to_review] == ["d1"]
    goes_out = '"Idea a" (Instagram) goes out Thu 2026-12-03 09:00 UTC'
    assert [problem.name for problem in made.blocked] == [goes_out]
    assert made.blocked[0].unnamed == "somebody scheduled it, but nobody approved it"
    other = activity("a", replace(WAITS, scheduled_for=None, account_id="17841", account_name="Kiln"))
    (problem,) = plan(desired(), site(other)).blocked
    assert problem.message.startswith(goes_out.replace("out ", "out about ") + " on Kiln: somebody"), problem
    made = plan(desired(cancel_others=True), site(KILN))
    assert [(action.operation, action.reason) for action in made.actions] == [(CANCEL, Reason.NEVER_APPROVED)]
    assert plan(desired(required=False), site(KILN)).is_empty


UNASKED = RecordedSite(published=(replace(OURS.published[0], approved=False),))
"""The post was scheduled under `approval: none`."""


def test_a_post_scheduled_without_an_approval_is_not_said_to_have_lost_one() -> None:
    """Its file asks for approvals now: nobody withdrew anything, and an approval keeps it."""
    for approvals in (Approvals(), approved(KILN, decision=DraftDecision.PENDING)):
        made = plan(desired(approvals=approvals), site(KILN), UNASKED)
        assert [(action.operation, action.reason, action.details) for action in made.actions] == [
            (CANCEL, Reason.APPROVAL_NEEDED, (ReasonFact.KEPT_IF_APPROVED,))
        ]
    unruled = plan(desired(ScheduleRule(Match(), ("FACEBOOK",))), site(KILN), UNASKED)
    assert [(action.reason, action.details) for action in unruled.actions] == [(Reason.APPROVAL_NEEDED, ())]
    assert plan(desired(approvals=YES), site(KILN), UNASKED).is_empty
    found = replace(UNASKED, objects=((approval_key(WAITS.id), approval_of(WAITS.digest)),))
    withdrawn = plan(desired(approvals=approved(KILN, decision=DraftDecision.PENDING)), site(KILN), found)
    assert [action.reason for action in withdrawn.actions] == [Reason.WITHDRAWN]


def test_a_review_asks_about_a_post_that_an_approval_would_keep() -> None:
    for wanted, asked in ((desired(), True), (desired(ScheduleRule(Match(), ("FACEBOOK",))), False)):
        live, options = site(KILN), PlanOptions(NOW)
        review = review_of(wanted, live, UNASKED, make_plan(wanted, live, UNASKED, options), options)
        assert [found.wanted for each in review.activities for found in each.posts] == [asked]


FACEBOOK = ScheduleRule(Match(), ("FACEBOOK",))
AT_9 = ScheduleRule(Match(), at=time(9))
EDITED = replace(UNASKED, published=(replace(UNASKED.published[0], digest=Digest("sha256:other")),))
UNDECIDED = approved(KILN, decision=DraftDecision.PENDING)


@pytest.mark.parametrize(
    ("wanted", "recorded", "status", "anyway", "stuck"),
    [
        (desired(), NOTHING_RECORDED, ReviewStatus.PENDING, True, False),
        (desired(approvals=UNDECIDED), NOTHING_RECORDED, ReviewStatus.PENDING, True, False),
        (desired(AT_9, approvals=UNDECIDED), NOTHING_RECORDED, ReviewStatus.PENDING, True, False),
        (desired(FACEBOOK, approvals=UNDECIDED), NOTHING_RECORDED, ReviewStatus.PENDING, True, True),
        (desired(approvals=UNDECIDED, cancel_others=True), NOTHING_RECORDED, ReviewStatus.PENDING, False, False),
        (desired(approvals=UNDECIDED), OURS, ReviewStatus.PENDING, False, False),
        (desired(FACEBOOK, approvals=UNDECIDED), OURS, ReviewStatus.PENDING, False, False),
        (desired(), UNASKED, ReviewStatus.PENDING, False, False),
        (desired(approvals=YES), NOTHING_RECORDED, ReviewStatus.SCHEDULED, False, False),
        (desired(required=False), EDITED, ReviewStatus.PENDING, True, False),
        (desired(required=False, approvals=UNDECIDED), UNASKED, ReviewStatus.SCHEDULED, False, False),
    ],
)
def test_a_scheduled_post_that_an_approval_would_settle_waits_for_review(
    wanted: DesiredSite, recorded: RecordedSite, status: ReviewStatus, anyway: bool, stuck: bool
) -> None:
    """It goes out `anyway` unless the plan cancels it; it is `stuck` if no rule covers it."""
    live, options = site(KILN), PlanOptions(NOW)
    made = make_plan(wanted, live, recorded, options)
    review = review_of(wanted, live, recorded, made, options)
    (found,) = review.activities[0].shown
    assert (found.status, found.goes_out_anyway, found.is_stuck) == (status, anyway, stuck)
    waits = status is ReviewStatus.PENDING
    assert (len(review.waiting), len(review.unapproved)) == (waits, anyway)
    assert {draft.post for draft in made.to_review} <= {found.post.id for found in review.waiting}


def test_a_post_that_this_tool_cancelled_and_somebody_scheduled_again_is_theirs() -> None:
    back = replace(OURS, objects=((key_of(Kind.DRAFT, WAITS.id), WAS_CANCELLED),))
    made = plan(desired(), site(KILN), back)
    assert (made.actions, reasons(made)) == ((), [("d1", BlockedBy.SCHEDULED_UNAPPROVED)])


def test_under_a_pause_what_somebody_else_scheduled_is_named_as_going_out() -> None:
    paused = Policy(paused=Pause.CANCEL)
    made = plan(yes(), site(KILN), policy=paused)
    assert made.is_empty
    (goes_out,) = made.still_going_out
    assert (goes_out.post, goes_out.reason, goes_out.moment) == (WAITS.id, Reason.PAUSED, AT)
    assert (goes_out.title, goes_out.channel) == (KILN.title, "INSTAGRAM")
    assert operations(plan(yes(), site(KILN), OURS, policy=paused)) == [CANCEL]
    other = desired(ScheduleRule(Match(title="Mugs")), approvals=YES)
    assert plan(other, site(KILN), policy=paused).still_going_out == made.still_going_out, "whatever the rules cover"
    assert plan(other, site(KILN), policy=Policy(paused=Pause.HOLD)).still_going_out == ()
    assert plan(replace(other, schedule=None), site(KILN), policy=paused).still_going_out == (), "it is not managed"


@pytest.mark.parametrize("pause", [Pause.HOLD, Pause.CANCEL])
def test_under_a_pause_nothing_new_is_scheduled(pause: Pause) -> None:
    fresh = activity("b", post("d2"))
    made = plan(desired(approvals=approved(fresh)), site(fresh), policy=Policy(paused=pause))
    assert (made.actions, reasons(made)) == ((), [("d2", BlockedBy.PAUSED)])
    held = plan(yes(), site(KILN), OURS, policy=Policy(paused=Pause.HOLD))
    assert held.is_empty


@pytest.mark.parametrize("status", [PostStatus.PROCESSING, PostStatus.IN_QUEUE, Unrecognised("ON_ITS_WAY")])
def test_what_cannot_be_cancelled_is_still_going_out(status: PostStatus) -> None:
    out = activity("a", replace(WAITS, status=status, account_id="17841"))
    made = plan(desired(), site(out), OURS)
    assert not [operation for operation in operations(made) if isinstance(operation, CancelPost)]
    (goes_out,) = made.still_going_out
    assert (goes_out.reason, goes_out.account) == (Reason.WITHDRAWN, "17841")
    assert str(status) in goes_out.problem.message
    assert "take it down" in goes_out.problem.fix


def test_an_unconfirmed_call_does_not_keep_a_post_from_being_cancelled() -> None:
    address = Address.parse(f"shop/draft[{WAITS.id}]")
    moved = ReschedulePost(WAITS.id, KILN.id, WAITS.channel, WAITS.digest, AT)
    doubt = replace(OURS, open=(OpenEntry("1", address, moved, NOW),))
    assert operations(plan(desired(), site(KILN), doubt)) == [CANCEL]


SENT = SchedulePost(WAITS.id, KILN.id, WAITS.channel, WAITS.digest, title=KILN.title)


def after_sending(live: PostStatus | Unrecognised, wanted: DesiredSite) -> Plan:
    """The plan after a run that died, or could not tell, when it had asked for the post to be scheduled."""
    doubt = RecordedSite(generated_from=Inputs(), open=(OpenEntry("1", Address.parse("shop/draft[d1]"), SENT, NOW),))
    return plan(wanted, site(replace(KILN, posts=(replace(WAITS, status=live),))), doubt)


def test_a_post_whose_scheduling_has_an_unknown_outcome_and_whose_status_is_unknown_is_in_doubt() -> None:
    made = after_sending(Unrecognised("ON_HOLD"), desired(approvals=YES))
    assert [problem.code for problem in made.blocked] == [BlockedBy.UNKNOWN_STATUS, BlockedBy.OUTCOME_UNKNOWN]
    assert {problem.name for problem in made.blocked} == {
        '"Idea a" (Instagram)',
        '"Idea a" (Instagram) at a time Wix picks',
    }
    assert (tally_of(made).blocked, tally_of(made).in_doubt) == (1, 1)


def test_a_post_that_an_earlier_run_may_have_scheduled_is_stopped_like_one_that_it_scheduled() -> None:
    made = after_sending(Unrecognised("ON_HOLD"), desired())
    (goes_out,) = made.still_going_out
    assert (goes_out.post, goes_out.reason) == (WAITS.id, Reason.WITHDRAWN)
    assert (tally_of(made).still_going_out, tally_of(made).in_doubt) == (1, 0)
    assert goes_out.problem.message == "a post with an unknown status (ON_HOLD) cannot be cancelled"
    assert operations(after_sending(PostStatus.SCHEDULED, desired())) == [CANCEL]


def test_a_cancel_whose_outcome_nobody_knows_is_a_post_that_still_goes_out() -> None:
    address = Address.parse(f"shop/draft[{WAITS.id}]")
    doubt = replace(OURS, open=(OpenEntry("1", address, CANCEL, NOW),))
    made = plan(desired(), site(KILN), doubt)
    assert operations(made) == [CANCEL]
    (goes_out,) = made.still_going_out
    assert "its outcome is not known" in goes_out.problem.message


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"why": "", "code": ""}, True),
        ({"why": "refused"}, True),
        ({"why": "refused", "code": "api-forbidden", "requestId": "r-7"}, True),
        ({"why": ""}, False),
        ({"over": True}, False),
        (None, False),
    ],
)
def test_a_cancel_that_failed_before_is_reported_until_it_is_over(facts: dict[str, Json] | None, told: bool) -> None:
    """The oldest records have no code, and an empty reason once it is over."""
    noted = () if facts is None else ((tried_key(WAITS.id), JsonObject(facts)),)
    found = why_not_cancelled(RecordedSite(objects=noted), WAITS.id)
    assert (found is not None) == told
    if facts is not None and facts.get("why") and found is not None:
        assert "cancelling it failed before (refused)" in found.message
        assert (found.code, found.request_id) == (facts.get("code", "cancel-failed"), facts.get("requestId"))


@pytest.mark.parametrize("status", [PlanStatus.GENERATING, PlanStatus.FAILED, PlanStatus.INACTIVE])
@pytest.mark.parametrize("forbidden", [True, False])
def test_what_a_rule_would_move_while_the_marketing_plan_shows_nothing_is_named(
    status: PlanStatus, forbidden: bool
) -> None:
    """09:00 is in quiet hours if `forbidden`, and the rule says 14:00; what is not shown cannot be moved."""
    known = replace(OURS.published[0], activity=KILN.id, date=KILN.date, scheduled_for=AT, title="Kiln day")
    ours = replace(OURS, published=(known,))
    hidden = replace(site(), marketing_plan=MarketingPlan(status), items=((WAITS.id, WAITS),))
    wanted = desired(ScheduleRule(Match(), at=time(14)), approvals=YES)
    quiet = Policy(quiet_hours=QuietHours(AT.time(), time(12))) if forbidden else Policy()
    made = plan(wanted, hidden, ours, policy=quiet)
    assert not [operation for operation in operations(made) if isinstance(operation, CancelPost | ReschedulePost)]
    assert [(post.post, post.reason) for post in made.still_going_out] == ([(WAITS.id, Reason.FORBIDDEN)] * forbidden)
    stays = (
        '"Kiln day" (Instagram): it goes out Thu 2026-12-03 09:00 UTC, although its rule says Thu 2026-12-03 14:00 UTC'
    )
    noted = [(note.message, note.fix) for note in made.notes if note.code == NOT_MOVED]
    assert noted == [(stays, "run apply again once the marketing plan is ACTIVE")] * (not forbidden)
    if forbidden:
        assert made.still_going_out[0].problem.code == Unstopped.NOT_SHOWN
    held = plan(wanted, hidden, ours, policy=quiet, publish=False)
    assert not cancels(held)
    assert [post.reason for post in held.still_going_out] == [Reason.FORBIDDEN] * forbidden


@pytest.mark.parametrize("forbidden", [True, False])
@pytest.mark.parametrize("refused", [True, False])
def test_what_a_rule_would_move_but_for_a_regeneration_says_why_it_is_not_moved(forbidden: bool, refused: bool) -> None:
    """The marketing plan is ACTIVE, and shows the post: the regeneration, or what refuses it, is the reason."""
    wanted = replace(
        desired(ScheduleRule(Match(), at=time(14)), approvals=YES),
        marketing_plan=DesiredMarketingPlan(discard=Discard.UNAPPROVED),
    )
    quiet = Policy(quiet_hours=QuietHours(AT.time(), time(12))) if forbidden else Policy()
    made = make_plan(wanted, site(KILN), OURS, PlanOptions(NOW, regenerate=True, policy=quiet))
    assert [refusal.code for refusal in made.refusals] == [RefusedBy.DISCARD]
    made = with_refusal_named(made) if refused else replace(made, refusals=())
    assert with_refusal_named(made) == made
    (going_out,) = made.still_going_out if forbidden else (None,)
    (note,) = [note for note in made.notes if note.code == NOT_MOVED] if not forbidden else (None,)
    if going_out is not None:
        reason = Unstopped.SITE_REFUSED if refused else Unstopped.REGENERATION_FIRST
        assert (going_out.post, going_out.reason, going_out.problem.code) == (WAITS.id, Reason.FORBIDDEN, reason)
        assert until_applied(made) == made.still_going_out
    if note is not None:
        assert "goes out Thu 2026-12-03 09:00 UTC, although its rule says Thu 2026-12-03 14:00 UTC" in note.message
        assert (note.fix == NOT_REFUSED, "after the regeneration" in note.fix) == (refused, not refused)
        assert "ACTIVE" not in note.message + note.fix


def test_a_refusal_is_the_reason_for_what_is_not_stopped_whatever_else_the_run_leaves_out() -> None:
    quiet = Policy(quiet_hours=QuietHours(time(8), time(10)))
    later = desired(ScheduleRule(Match(), at=time(17)), approvals=YES)
    held = plan(later, site(KILN), OURS, policy=quiet, publish=False)
    shop = SiteLabels(held.site.name)
    others = apply_targets(plan(desired(), site(KILN), OURS), target_filter((), ("shop/draft",), (shop,)), shop)
    under_way = site(activity("a", replace(WAITS, status=PostStatus.IN_QUEUE)))
    for made, codes in (
        (held, (Unstopped.LEFT_OUT, Unstopped.SITE_REFUSED)),
        (others, (Unstopped.LEFT_OUT, Unstopped.SITE_REFUSED)),
        (plan(desired(), site(KILN), OURS), (None, Unstopped.SITE_REFUSED)),
        (plan(desired(), under_way, OURS), (Unstopped.NOT_CANCELLABLE, Unstopped.NOT_CANCELLABLE)),
    ):
        refused = with_refusal_named(replace(made, refusals=(Diagnostic("expect", "refused"),)))
        found = [next((post.problem.code for post in each.still_going_out), None) for each in (made, refused)]
        assert tuple(found) == codes


def test_what_is_wrong_with_a_post_is_reported_while_the_marketing_plan_shows_nothing() -> None:
    known = replace(OURS.published[0], activity=KILN.id, date=KILN.date, scheduled_for=AT, title="Kiln day")
    hidden = replace(site(), marketing_plan=MarketingPlan(PlanStatus.FAILED), items=((WAITS.id, WAITS),))
    wanted = desired(ScheduleRule(Match(), at=time(14)), approvals=YES)
    made = plan(
        wanted, hidden, replace(OURS, published=(known,)), policy=Policy(quiet_hours=QuietHours(time(13), time(15)))
    )
    assert reasons(made) == [(WAITS.id, BlockedBy.POLICY)]


@pytest.mark.parametrize(
    ("at", "policy", "why"),
    [
        (
            time(14),
            Policy(quiet_hours=QuietHours(time(13), time(15))),
            "that breaks policy.quietHours: 14:00 is between",
        ),
        (time(10), Policy(min_lead=timedelta(days=2, hours=2)), "that is in 2 days 1 h, within policy.minLead"),
    ],
)
def test_a_post_that_cannot_be_moved_says_when_it_still_goes_out(at: time, policy: Policy, why: str) -> None:
    wanted = desired(ScheduleRule(Match(), at=at), approvals=YES)
    made = plan(wanted, site(KILN), OURS, policy=policy)
    (problem,) = made.blocked
    now, then = "Thu 2026-12-03 09:00 UTC", f"Thu 2026-12-03 {at:%H:%M} UTC"
    assert f"goes out {now} and cannot be moved to {then}: {why}" in problem.message
    report = find_drift(wanted, site(KILN), OURS, made, PlanOptions(NOW, policy))
    (item,) = report.of(DriftState.BLOCKED)
    assert subject(item) == 'post "Idea a" (Instagram)', "it is scheduled, so it is not a draft"
    assert item.statement.startswith(f"goes out {now} and cannot be moved")


@pytest.mark.parametrize("status", [PostStatus.IN_QUEUE, PostStatus.PROCESSING, Unrecognised("ON_HOLD")])
def test_nobody_is_told_to_cancel_what_is_under_way(status: PostStatus | Unrecognised) -> None:
    """Only a SCHEDULED post can be cancelled (10.1), whatever makes it unwanted."""
    under_way = replace(WAITS, status=status)
    live = site(activity("a", under_way))
    undecided = desired(approvals=replace(YES, uncommitted=frozenset({WAITS.id})))
    for made in (
        plan(desired(), live, OURS),
        plan(undecided, live, OURS),
        plan(yes(), live, policy=Policy(paused=Pause.CANCEL)),
    ):
        (goes_out,) = made.still_going_out
        assert (
            goes_out.problem.fix == "take it down on its channel once it is out, if the site's dashboard cannot stop it"
        )
    (cancel,) = plan(desired(), site(KILN), OURS).actions
    refused = Diagnostic("refused", "it was refused", "run apply")
    assert not_stopped(cancel, refused, under_way).problem.fix == goes_out.problem.fix
    fixes = {not_stopped(cancel, refused, live).problem.fix for live in (WAITS, None)}
    assert fixes == {"run apply; or cancel the post in the site's dashboard"}


def test_what_is_cancelled_is_named_as_the_site_shows_it_though_its_activity_gets_a_new_title() -> None:
    no = approved(KILN, decision=DraftDecision.PENDING)
    wanted = replace(desired(approvals=no), activities=(SetActivities(Match(title="Idea *"), title="Grand sale"),))
    made = plan(wanted, site(KILN), scheduled_before(WAITS))
    cancel, retitle = operations(made)
    assert isinstance(cancel, CancelPost)
    assert cancel.title == "Idea a"
    assert isinstance(retitle, UpdateActivity)
    # A run of the saved plan that ended before the cancel is not refused because it changed the title.
    renamed = plan(wanted, site(replace(KILN, title="Grand sale")), scheduled_before(WAITS))
    assert [operation.title for operation in operations(renamed) if isinstance(operation, CancelPost)] == ["Grand sale"]
    assert what_is_left(made, renamed) == renamed
    leaving = activity("a", replace(WAITS, status=PostStatus.PROCESSING))
    (goes_out,) = plan(wanted, site(leaving), scheduled_before(WAITS)).still_going_out
    assert goes_out.title == "Idea a"
