"""Over random worlds, rules, approvals and policies: nothing goes out that must not.

What may go out is worked out here again, from the contract and not with the planner's own functions.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.content import approval_digest, counted
from reconciler.model.operations import Operation
from reconciler.model.policy import Policy, QuietHours
from reconciler.model.posts import GONE_OUT, ActivityId, ClearPosts, Media, Post, PostId, PostStatus, RegeneratePosts
from reconciler.model.schedule import CancelPost, DesiredSchedule, ReschedulePost, SchedulePost, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import ChannelStatus, DesiredSite, Feature, ObservedSite, PublishedPost, RecordedSite
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from tests.planner.publishing_world import NOW, desired, site
from tests.reviewing import entry

T = TypeVar("T")
CHANNELS = ("INSTAGRAM", "INSTAGRAM", "FACEBOOK", "FACEBOOK", "PINTEREST", "TWITTER")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu")
PICTURE = (Media("IMAGE", "https://static.wixstatic.com/media/a.jpg"),)
TEXTS = ("New mugs", "Totally FREE mugs", "x" * 2201, "")
HOURS = (47, 48, 49, 49, 60, 71, 72, 73, 90)
MOMENTS = st.sampled_from([NOW + timedelta(hours=hours) for hours in (-3, 2, 5, *HOURS)])


def seldom(usual: T, *others: T) -> st.SearchStrategy[T]:
    """Mostly the usual, so that what is drawn is blocked by one thing, and not by five."""
    return st.sampled_from([usual] * 4 * len(others) + list(others))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Activity, ...]:
    """A few activities with posts on a few channels."""
    activities = []
    for number in range(draw(st.integers(1, 5))):
        when = draw(MOMENTS)
        posts = []
        for channel in draw(st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=3, unique=True)):
            status = draw(seldom(PostStatus.DRAFT, PostStatus.SCHEDULED, PostStatus.PUBLISHED, PostStatus.CANCELED))
            at = draw(MOMENTS) if status is not PostStatus.DRAFT else None
            posts.append(
                Post(
                    PostId(f"d{number}{channel[0]}"),
                    channel,
                    draw(seldom("POST", "STORY")),
                    status,
                    (("caption", draw(seldom(*TEXTS))),),
                    draw(seldom(PICTURE, ())),
                    scheduled_for=at,
                )
            )
        title = draw(st.sampled_from(["Mugs", "Bowls"]))
        activities.append(Activity(ActivityId(f"a{number}"), title, "", when, "SOCIAL_MARKETING", tuple(posts)))
    return tuple(activities)


rules = st.lists(
    st.builds(
        ScheduleRule,
        st.builds(Match, title=seldom(None, "mugs"), within=seldom(None, timedelta(days=3))),
        seldom((), ("INSTAGRAM",), ("FACEBOOK", "PINTEREST")),
        seldom((), ("POST",)),
        max=seldom(None, 1, 2),
        at=seldom(None, time(2, 30), time(9, 30), time(22)),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
policies = st.builds(
    Policy,
    max_publish_per_site_per_day=seldom(None, 1, 2),
    min_lead=seldom(timedelta(0), timedelta(hours=3)),
    quiet_hours=seldom(None, QuietHours(time(21), time(7))),
    blackout_dates=seldom(frozenset[date](), frozenset({date(2026, 12, 3)})),
    banned_words=seldom((), ("free",)),
    require_media=seldom(False, True),
)


@st.composite
def files(draw: st.DrawFn, activities: tuple[Activity, ...]) -> Approvals:
    """Approvals of some drafts, some of them of other content than is there now."""
    reviewed = []
    for activity in activities:
        drafts = tuple(
            entry(
                draw(seldom(post, replace(post, texts=(("caption", "other words"),)))),
                activity.date,
                draw(seldom(DraftDecision.APPROVE, DraftDecision.PENDING)),
                cancelled=draw(seldom(0, 1)),
            )
            for post in activity.posts
            if draw(seldom(True, False))
        )
        decision = draw(seldom(ActivityDecision.KEEP, ActivityDecision.REGENERATE, ActivityDecision.DISCARD))
        reviewed.append(ActivityApproval(activity.id, activity.title, activity.date, decision, drafts))
    return Approvals(tuple(reviewed), "approvals/shop.yaml")


@st.composite
def cases(draw: st.DrawFn) -> tuple[DesiredSite, ObservedSite, RecordedSite, PlanOptions]:
    """Everything that decides what goes out."""
    activities = draw(worlds())
    published = tuple(
        PublishedPost(post.id, post.digest, post.channel, None, NOW, draw(st.integers(1, 2)))
        for activity in activities
        for post in activity.posts
        if draw(seldom(False, True))
    )
    channels = tuple(
        (name, draw(seldom(ChannelStatus.VALID, ChannelStatus.INVALID, ChannelStatus.UNKNOWN))) for name in CHANNELS
    )
    feature = draw(
        seldom(
            Feature("SCHEDULE_POST", enabled=True),
            Feature("SCHEDULE_POST", enabled=True, remaining=2, limit=5),
            Feature("SCHEDULE_POST", enabled=False),
        )
    )
    observed = site(
        *activities,
        zone=draw(st.sampled_from(ZONES)),
        channels=channels,
        features=(feature,) if draw(seldom(True, False)) else None,
        published=draw(seldom(True, None, False)),
    )
    wanted = replace(
        desired(approvals=draw(files(activities))),
        schedule=DesiredSchedule(draw(rules), draw(st.booleans()), draw(seldom(False, True))),
    )
    options = PlanOptions(NOW, draw(policies), publish=draw(seldom(True, False)))
    return wanted, observed, RecordedSite(published=published), options


def live_in(observed: ObservedSite) -> dict[PostId, tuple[Activity, Post]]:
    assert observed.marketing_plan is not None
    return {post.id: (activity, post) for activity in observed.marketing_plan.activities for post in activity.posts}


def public(operations: list[Operation]) -> list[SchedulePost | ReschedulePost]:
    return [operation for operation in operations if isinstance(operation, SchedulePost | ReschedulePost)]


def moment_of(one: SchedulePost | ReschedulePost, activity: Activity) -> datetime:
    return one.at or activity.date


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_nothing_goes_out_that_must_not(case: tuple[DesiredSite, ObservedSite, RecordedSite, PlanOptions]) -> None:
    wanted, observed, recorded, options = case
    plan = make_plan(*case)
    assert make_plan(*case) == plan
    operations = [action.operation for action in plan.actions]
    live = live_in(observed)
    goes = public(operations)
    assert wanted.schedule is not None
    assert options.publish or not goes
    assert all(count == 1 for count in Counter(write.post for write in goes).values())
    sent_back = {operation.activity for operation in operations if isinstance(operation, RegeneratePosts | ClearPosts)}
    for write in goes:
        activity, post = live[write.post]
        _agreed(write, activity, post, wanted, recorded)
        _reachable(write, activity, post, wanted.schedule, observed)
        _within_policy(moment_of(write, activity), post, options.policy, observed)
        if isinstance(write, SchedulePost):
            assert activity.id not in sent_back
    _bounds(goes, live, wanted.schedule, observed, options.policy)


def _agreed(
    one: SchedulePost | ReschedulePost, activity: Activity, post: Post, wanted: DesiredSite, recorded: RecordedSite
) -> None:
    assert one.digest == post.digest
    times = next((each.times for each in recorded.published if (each.id, each.digest) == (post.id, post.digest)), 0)
    said = {draft.id: draft for each in wanted.approvals.activities for draft in each.drafts}.get(post.id)
    named = counted(approval_digest(post.id, post.content, activity.date), said.cancelled if said else 0)
    yes = said is not None and said.decision is DraftDecision.APPROVE and said.digest == named
    assert wanted.schedule is not None
    assert yes or not wanted.schedule.approval_required
    if isinstance(one, SchedulePost):
        assert post.status is PostStatus.DRAFT
        assert times == 0 or (yes and said is not None and said.cancelled >= times), "an approval is for one scheduling"
    else:
        assert post.status is PostStatus.SCHEDULED


def _reachable(
    one: SchedulePost | ReschedulePost,
    activity: Activity,
    post: Post,
    schedule: DesiredSchedule,
    observed: ObservedSite,
) -> None:
    assert any(
        (not rule.channels or post.channel in rule.channels)
        and (not rule.types or post.type in rule.types)
        and (rule.match.title is None or activity.title == "Mugs")
        and (rule.match.within is None or activity.date <= NOW + rule.match.within)
        for rule in schedule.rules
    ), "no rule wants it"
    if isinstance(one, SchedulePost):
        assert post.channel != "TWITTER"
        assert dict(observed.channels)[post.channel] in (ChannelStatus.VALID, ChannelStatus.UNKNOWN)
        assert observed.published is not False
        assert not observed.features or observed.features[0].enabled


def _within_policy(moment: datetime, post: Post, policy: Policy, observed: ObservedSite) -> None:
    local = moment.astimezone(ZoneInfo(observed.time_zone or "UTC"))
    assert moment > NOW
    assert moment >= NOW + policy.min_lead
    assert local.date() not in policy.blackout_dates
    if policy.quiet_hours:
        assert time(7) <= local.time() < time(21)
    text = post.texts[0][1]
    assert not (policy.banned_words and "free" in text.lower())
    assert post.media or not policy.require_media
    if post.channel == "INSTAGRAM":
        assert post.media
        assert len(text) <= 2200 or post.type == "STORY"


def _bounds(
    goes: list[SchedulePost | ReschedulePost],
    live: dict[PostId, tuple[Activity, Post]],
    schedule: DesiredSchedule,
    observed: ObservedSite,
    policy: Policy,
) -> None:
    zone = ZoneInfo(observed.time_zone or "UTC")
    new = [write for write in goes if isinstance(write, SchedulePost)]
    if observed.features and observed.features[0].remaining is not None:
        assert len(new) <= observed.features[0].remaining
    most = policy.max_publish_per_site_per_day
    if most is not None:
        there = Counter(
            (post.scheduled_for or activity.date).astimezone(zone).date()
            for activity, post in live.values()
            if post.status is PostStatus.SCHEDULED or post.status in GONE_OUT
        )
        added = Counter(moment_of(write, live[write.post][0]).astimezone(zone).date() for write in new)
        assert all(there[day] + count <= most for day, count in added.items())
    if len(schedule.rules) == 1 and (limit := schedule.rules[0].max) is not None:
        assert len(new) <= limit


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases(), st.data())
def test_what_was_scheduled_is_never_scheduled_twice(
    case: tuple[DesiredSite, ObservedSite, RecordedSite, PlanOptions], data: st.DataObject
) -> None:
    """Several runs, with posts cancelled in between: each approval counts once."""
    wanted, observed, recorded, options = case
    done: Counter[tuple[PostId, Digest]] = Counter()
    before = {(post.id, post.digest): post.times for post in recorded.published}
    for _ in range(3):
        plan = make_plan(wanted, observed, recorded, options)
        for action in plan.actions:
            if isinstance(action.operation, SchedulePost | ReschedulePost | CancelPost):
                observed, recorded = _carried_out(action.operation, observed, recorded)
            if isinstance(action.operation, SchedulePost):
                done[action.operation.post, action.operation.digest] += 1
        again = make_plan(wanted, observed, recorded, options)
        assert not [action for action in again.actions if isinstance(action.operation, ReschedulePost | CancelPost)]
        out = sorted(key for key, (_, post) in live_in(observed).items() if post.status is PostStatus.SCHEDULED)
        cancelled = data.draw(st.sets(st.sampled_from(out))) if out else set()
        observed = _with_status(observed, cancelled, PostStatus.DRAFT)
    for (post, digest), times in done.items():
        said = wanted.approvals.draft(post)
        allowed = max(1, (said.cancelled + 1) if said else 1) - before.get((post, digest), 0)
        assert times <= allowed


def _carried_out(
    operation: SchedulePost | ReschedulePost | CancelPost, observed: ObservedSite, recorded: RecordedSite
) -> tuple[ObservedSite, RecordedSite]:
    if isinstance(operation, CancelPost):
        return _with_status(observed, {operation.post}, PostStatus.CANCELED), recorded
    activity, _ = live_in(observed)[operation.post]
    at = operation.at or activity.date
    observed = _with_status(observed, {operation.post}, PostStatus.SCHEDULED, at)
    if isinstance(operation, ReschedulePost):
        return observed, recorded
    key = (operation.post, operation.digest)
    known = next((post for post in recorded.published if (post.id, post.digest) == key), None)
    times = known.times + 1 if known else 1
    kept = tuple(post for post in recorded.published if post is not known)
    made = PublishedPost(operation.post, operation.digest, operation.channel, at, NOW, times)
    return observed, replace(recorded, published=(*kept, made))


def _with_status(
    observed: ObservedSite, posts: set[PostId], status: PostStatus, at: datetime | None = None
) -> ObservedSite:
    assert observed.marketing_plan is not None
    activities = tuple(
        replace(
            activity,
            posts=tuple(
                replace(post, status=status, scheduled_for=at or post.scheduled_for) if post.id in posts else post
                for post in activity.posts
            ),
        )
        for activity in observed.marketing_plan.activities
    )
    return replace(observed, marketing_plan=replace(observed.marketing_plan, activities=activities))
