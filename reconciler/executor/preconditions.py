"""What must still hold just before a write, checked against the site as it is then."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from msgspec import Struct

from reconciler.executor.evidence import is_event, wanted_event
from reconciler.executor.ports import Reader
from reconciler.executor.view import View
from reconciler.model.address import Address
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Json, canonical_text, digest_of, same
from reconciler.model.events import instant
from reconciler.model.marketing_plan import NO_STATUS, Discard, MarketingPlan, PlanStatus
from reconciler.model.operations import (
    AwaitGeneration,
    CancelPost,
    ClearPosts,
    CreateActivity,
    CreateEvent,
    DeleteActivity,
    DeleteEvent,
    GeneratePosts,
    Operation,
    Regenerate,
    RegeneratePosts,
    ReschedulePost,
    SchedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.settings import normal
from reconciler.model.sites import RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import (
    Action,
    ActivityIs,
    DiscardsOnly,
    EventIs,
    MarketingPlanIs,
    NoActivityLike,
    NoEventNamed,
    Plan,
    PostIs,
    PostsAre,
    Precondition,
    SettingIs,
    StillAhead,
)
from reconciler.planner.generation import upcoming_posts
from reconciler.planner.posts import live_posts

LISTED = 3
"""How many objects a message names."""


class Stale(Struct, frozen=True):
    """A precondition that no longer holds, and what was found."""

    address: Address
    requires: Precondition
    found: str


async def stale_in(plan: Plan, reader: Reader, recorded: RecordedSite, now: datetime) -> tuple[Stale, ...]:
    """Every precondition of a saved plan that does not hold now (design.md 3.4: all, before the first write).

    What stands behind a wait cannot be judged before that wait is over. May raise an ApiError.
    """
    view, found = View(plan.site, reader), []
    for action in plan.actions:
        if isinstance(action.operation, AwaitGeneration):
            break
        if (activity := activity_of(action.operation)) is not None:
            await view.fill([activity])
        found += [
            Stale(action.address, one, what)
            for one in action.requires
            if (what := await unmet(one, action.operation, view, recorded, now)) is not None
        ]
    return tuple(found)


async def hindrance(
    action: Action, view: View, recorded: RecordedSite, approvals: Approvals, now: datetime
) -> str | None:
    """What no longer holds of what an action needs, as a sentence; None where it may be carried out.

    May raise an ApiError.
    """
    view.refresh(frozenset().union(*(_subjects(one) for one in action.requires)))
    if (activity := activity_of(action.operation)) is not None:
        await view.fill([activity])
    for one in action.requires:
        if (found := await unmet(one, action.operation, view, recorded, now)) is not None:
            return found
    if isinstance(action.operation, Regenerate):
        return _beyond_discard(action.operation, await view.marketing_plan(), approvals, now)
    if isinstance(action.operation, SchedulePost):
        return _not_as_approved(action.operation, await view.marketing_plan())
    return None


async def unmet(
    one: Precondition, operation: Operation, view: View, recorded: RecordedSite, now: datetime
) -> str | None:
    """What was found instead of what a precondition asks for; None where it holds."""
    match one:
        case SettingIs(path=path, value=value):
            live = normal(path, (await view.settings()).value_of(path))
            return None if same(live, value) else f"{path} is {_shown(live)} now, not {_shown(value)}"
        case EventIs(id=id, facts=facts):
            event = next((event for event in await view.events() if event.id == id), None)
            if event is None:
                return "the event is gone"
            return None if digest_of(event.facts()) == facts else "the event was changed meanwhile"
        case NoEventNamed(name=name):
            return await _namesake(name, operation, view, recorded)
        case MarketingPlanIs(statuses=statuses):
            live_plan = await view.marketing_plan()
            status = live_plan.status
            if status == NO_STATUS and not live_plan.activities:  # as the planner took it (remote-api.md 17.1)
                status = PlanStatus.NEVER_CREATED
            return None if status in statuses else f"the marketing plan is {printable(str(status))} now"
        case DiscardsOnly(posts=posts):
            upcoming = upcoming_posts(await view.marketing_plan(), now)
            return _unlisted([post for post in upcoming if post.id not in posts])
        case ActivityIs() | NoActivityLike() | PostsAre() | PostIs():
            return _activity_unmet(one, await view.marketing_plan())
        case StillAhead(moment=moment, lead=lead):
            late = moment <= now or moment - now < lead
            return f"too late: it would go out at {instant(moment)}; run plan again" if late else None
        case _:
            assert_never(one)


def _activity_unmet(one: ActivityIs | NoActivityLike | PostsAre | PostIs, live: MarketingPlan) -> str | None:
    activities = {activity.id: activity for activity in live.activities}
    match one:
        case ActivityIs(id=id, facts=facts):
            if id not in activities:
                return "the activity is gone"
            return None if activities[id].digest == facts else "the activity was changed meanwhile"
        case NoActivityLike(title=title, target_date=date):
            alike = any(one.title == title and instant(one.date) == date for one in live.activities)
            return "there is such an activity already" if alike else None
        case PostsAre(activity=id, posts=posts):
            if id not in activities:
                return "the activity is gone"
            found = tuple((post.id, post.digest) for post in live_posts(activities[id]))
            if sorted(found) == sorted(posts):
                return None
            if not posts:
                return f"the activity has {len(found)} posts now"
            return "the activity's posts were changed meanwhile"
        case PostIs(id=id, status=status, content=content):
            post = _post(live, id)
            if post is None:
                return "the post is gone"
            if post.status != status:
                return f"the post is {printable(str(post.status))} now, not {status}"
            return None if post.digest == content else "the post's content was changed meanwhile"
        case _:
            assert_never(one)


async def _namesake(name: str, operation: Operation, view: View, recorded: RecordedSite) -> str | None:
    if not isinstance(operation, CreateEvent):
        return None
    when = wanted_event(operation.event)
    for event in await view.events():
        foreign = event.calendar_id in recorded.foreign_calendars or event.id in recorded.foreign_events
        if not foreign and is_event(event, name, when):
            return "there is such an event already"
    return None


def _beyond_discard(operation: Regenerate, live: MarketingPlan, approvals: Approvals, now: datetime) -> str | None:
    """What a regeneration would throw away beyond `discard`; it matters behind a wait, where nothing was listed."""
    upcoming = upcoming_posts(live, now)
    match operation.discardable:
        case Discard.ALL:
            return None
        case Discard.NOTHING:
            return _unlisted(list(upcoming))
        case Discard.UNAPPROVED:
            kept = (
                post
                for post in upcoming
                if post.status is PostStatus.SCHEDULED or approvals.approves(post.id, post.digest)
            )
            return _unlisted(list(kept))
        case never:
            assert_never(never)


def _unlisted(posts: list[Post]) -> str | None:
    if not posts:
        return None
    names = ", ".join(printable(post.id) for post in posts[:LISTED]) + (", ..." if len(posts) > LISTED else "")
    return f"it would throw away {len(posts)} posts that the plan does not list: {names}; run plan again"


def _not_as_approved(operation: SchedulePost, live: MarketingPlan) -> str | None:
    post = _post(live, operation.post)
    if post is None:
        return "the draft is gone"
    if post.status is not PostStatus.DRAFT:
        return f"the post is {printable(str(post.status))}, no longer a draft"
    return None if post.digest == operation.digest else "changed after approval: review it again"


def _post(live: MarketingPlan, id: PostId) -> Post | None:
    return next((post for activity in live.activities for post in activity.posts if post.id == id), None)


def _shown(value: Json) -> str:
    return "empty" if value is None else printable(canonical_text(value))


def activity_of(operation: Operation) -> ActivityId | None:
    """The activity whose posts an operation is about."""
    match operation:
        case GeneratePosts(activity=id) | RegeneratePosts(activity=id) | ClearPosts(activity=id):
            return id
        case SchedulePost(activity=id) | ReschedulePost(activity=id) | CancelPost(activity=id):
            return id
        case _:
            return None


# --- what depends on what --------------------------------------------------------------------------


def _subjects(one: Precondition) -> frozenset[str]:
    """What a precondition is about, in the words of `touched_by`."""
    match one:
        case SettingIs():
            return frozenset({"settings"})
        case EventIs(id=id):
            return frozenset({id})
        case NoEventNamed(name=name):
            return frozenset({f"event {name}"})
        case MarketingPlanIs() | DiscardsOnly():
            return frozenset({"marketing plan"})
        case ActivityIs(id=activity):
            return frozenset({activity})
        case NoActivityLike(title=title):
            return frozenset({f"activity {title}"})
        case PostsAre(activity=activity):
            return frozenset({f"posts of {activity}"})
        case PostIs(id=post):
            return frozenset({post})
        case StillAhead():
            return frozenset()
        case _:
            assert_never(one)


def touched_by(operation: Operation) -> frozenset[str]:
    """What a write may have changed. A generation changes everything; its step has all read afresh."""
    match operation:
        case UpdateSettings():
            return frozenset({"settings"})
        case CreateEvent(event=event):
            return frozenset({f"event {event.name}"})
        case UpdateEvent(event=live):
            return frozenset({live.id, f"event {live.name}"})
        case DeleteEvent(id=id, name=name):
            return frozenset({id, f"event {name}"})
        case CreateActivity(activity=activity):
            return frozenset({f"activity {activity.title}"})
        case UpdateActivity(id=activity_id, changes=changes):
            titles = {f"activity {one.after}" for one in changes if one.path == "title"}
            return frozenset({activity_id, *titles})
        case DeleteActivity(id=activity_id):
            return frozenset({activity_id})
        case (
            ClearPosts(activity=activity_id, discards=discards)
            | RegeneratePosts(activity=activity_id, discards=discards)
        ):
            return frozenset({f"posts of {activity_id}", *discards})
        case SchedulePost(post=post) | ReschedulePost(post=post) | CancelPost(post=post):
            return frozenset({post})
        case _:
            return frozenset({"marketing plan"})
