"""Compares what was asked for with what is there: one read of each part that was written, after the last action."""

from __future__ import annotations

from datetime import datetime

from reconciler.executor.evidence import TO_COME, is_event, same_text, wanted_event
from reconciler.executor.run import Attempt, Run
from reconciler.model.activities import Activity
from reconciler.model.canonical import Absent, Json, JsonObject, canonical_text
from reconciler.model.events import CalendarEvent, instant
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.operations import (
    CancelPost,
    ClearPosts,
    CreateActivity,
    CreateEvent,
    DeleteActivity,
    DeleteEvent,
    DeleteMarketingPlan,
    Done,
    FieldChange,
    ReschedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.model.posts import Post, PostStatus
from reconciler.model.settings import MarketingSettings, normal, same_setting
from reconciler.model.sites import Bindings, CreatedActivity
from reconciler.model.text import printable

LONGEST = 200
"""Characters of a value that a message shows."""


async def read_back(run: Run) -> None:
    """Reads the parts that were written, and corrects the entries of what was not kept. May raise an ApiError.

    Posts that were made or scheduled were read back by their own steps, where they were waited for.
    """
    written = run.written()
    run.view.forget()
    for attempt in written:
        match attempt.action.operation:
            case UpdateSettings(changes=changes):
                found = _settings(changes, await run.view.settings())
            case CreateEvent() | UpdateEvent() | DeleteEvent() as operation:
                found = await _event(run, operation, attempt)
            case CreateActivity() | UpdateActivity() | DeleteActivity() as operation:
                found = _activity(operation, attempt, await run.view.marketing_plan(), run.now())
            case DeleteMarketingPlan():
                found = _removed(await run.view.marketing_plan())
            case ClearPosts() | ReschedulePost() | CancelPost() as operation:
                found = _posts(operation, await run.view.marketing_plan())
            case _:
                found = None
        if found is not None:
            run.correct(attempt.action, found)
        elif isinstance(attempt.action.operation, CreateActivity):
            await _bind(run, attempt.action.operation, attempt)


async def _bind(run: Run, operation: CreateActivity, attempt: Attempt) -> None:
    """Remembers the id of a created activity whose answer named none."""
    wanted = operation.activity
    if isinstance(attempt.outcome, Done) and attempt.outcome.created is None:
        live = (await run.view.marketing_plan()).activities
        mine = sorted(one.id for one in live if (one.title, one.date) == (wanted.title, wanted.target_date))
        if mine:
            created = CreatedActivity(mine[0], wanted.title, wanted.target_date)
            await run.journal.bind(Bindings(created=(created,)))


def _settings(changes: tuple[FieldChange, ...], live: MarketingSettings) -> str | None:
    wrong = [one for one in changes if not same_setting(one.path, one.after, live.value_of(one.path))]
    return _asked([(one.path, one.after, normal(one.path, live.value_of(one.path))) for one in wrong])


async def _event(run: Run, operation: CreateEvent | UpdateEvent | DeleteEvent, attempt: Attempt) -> str | None:
    events: dict[str, CalendarEvent] = {one.id: one for one in await run.view.events()}
    match operation:
        case DeleteEvent(id=id):
            return "asked for it to be deleted, and it is still there" if id in events else None
        case UpdateEvent(event=asked):
            if asked.id not in events:
                return "asked for an update, and the event is gone"
            return _asked(_event_differences(asked, events[asked.id]))
        case CreateEvent(event=wanted):
            created = attempt.outcome.created if isinstance(attempt.outcome, Done) else None
            namesakes = [one for one in events.values() if one.name == wanted.name]
            mine = [one for one in namesakes if created is None or one.id == created]
            if not mine:
                return "asked for the event, and the site does not have it"
            if not any(is_event(one, wanted.name, wanted_event(wanted)) for one in mine):
                return f"asked for {_shown(wanted_event(wanted))}, the site has {_shown(mine[0].facts())}"
            if isinstance(wanted.description, Absent):
                return None
            return _asked([("description", wanted.description or None, mine[0].description or None)])


def _event_differences(asked: CalendarEvent, live: CalendarEvent) -> list[tuple[str, Json, Json]]:
    found: list[tuple[str, Json, Json]] = [
        ("name", asked.name, live.name),
        ("description", asked.description or None, live.description or None),
    ]
    if not is_event(live, live.name, asked.facts()):
        found.append(("when", asked.facts(), live.facts()))
    return found


def _activity(
    operation: CreateActivity | UpdateActivity | DeleteActivity, attempt: Attempt, live: MarketingPlan, now: datetime
) -> str | None:
    activities = {one.id: one for one in live.activities}
    match operation:
        case DeleteActivity(id=id):
            return "asked for it to be deleted, and it is still there" if id in activities else None
        case UpdateActivity(id=id, changes=changes):
            after = {one.path: one.after for one in changes}
            moved = after.get("targetDate")
            if id not in activities:
                # The window starts today, so an activity that was moved into the past is not shown (D 6.2).
                past = isinstance(moved, str) and moved < instant(now)
                return None if past else "asked for an update, and the activity is gone"
            facts = activities[id].facts()
            return _asked([(path, value, facts.get(path)) for path, value in sorted(after.items())])
        case CreateActivity(activity=wanted):
            if wanted.target_date < now:
                return None
            created = attempt.outcome.created if isinstance(attempt.outcome, Done) else None
            found = [
                one
                for one in activities.values()
                if (one.title == wanted.title if created is None else one.id == created)
            ]
            if not found:
                return "asked for the activity, and the marketing plan does not show it"
            return _asked(_differences(found, wanted.facts()))


def _differences(found: list[Activity], asked: JsonObject) -> list[tuple[str, Json, Json]]:
    facts = found[0].facts()
    return [(path, value, facts.get(path)) for path, value in asked.items()]


def _removed(live: MarketingPlan) -> str | None:
    """Which status a deleted marketing plan has is not documented, so only one that goes on counts against it."""
    if live.status is PlanStatus.ACTIVE and live.activities:
        return f"asked for it to be deleted, and it is ACTIVE with {len(live.activities)} activities"
    return None


def _posts(operation: ClearPosts | ReschedulePost | CancelPost, live: MarketingPlan) -> str | None:
    posts: dict[str, Post] = {post.id: post for one in live.activities for post in one.posts}
    match operation:
        case ClearPosts(discards=discards):
            left = [one for one in discards if one in posts and posts[one].status in TO_COME]
            return f"asked for its posts to be cleared, and {len(left)} of them are still there" if left else None
        case ReschedulePost(post=id, at=at):
            moment = posts[id].scheduled_for if id in posts else None
            return None if moment is None else _asked([("scheduledDate", instant(at), instant(moment))])
        case CancelPost(post=id):
            kept = id in posts and posts[id].status is PostStatus.SCHEDULED
            return "asked for it to be cancelled, and it is still SCHEDULED" if kept else None


def _asked(pairs: list[tuple[str, Json, Json]]) -> str | None:
    """What of the pairs (path, asked, found) was not kept, as a sentence."""
    wrong = [one for one in pairs if not same_text(one[1], one[2])]
    if not wrong:
        return None
    return "; ".join(f"{path}: asked for {_shown(asked)}, the site has {_shown(found)}" for path, asked, found in wrong)


def _shown(value: Json) -> str:
    if value is None:
        return "nothing"
    text = printable(value if isinstance(value, str) else canonical_text(value))
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."
