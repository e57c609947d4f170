"""Converts journal entries of format 1, which named a call and free-form facts, to today's entries.

An entry whose facts do not say which operation it was stays open as an UnreadableCall: it blocks its object until a
person says how it ended.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeAlias

from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, UpdateActivity
from reconciler.model.address import Address
from reconciler.model.canonical import Digest, JsonObject, freeze_object
from reconciler.model.codec import to_plain
from reconciler.model.events import CalendarEvent, CreateEvent, DeleteEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.failures import Failure
from reconciler.model.journal import AnyOperation, Before, OpenEntry, PostSeen, ReviewedDecision, UnreadableCall
from reconciler.model.marketing_plan import DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Trouble
from reconciler.model.posts import ActivityId, ClearPosts, GeneratePosts, PostId, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.writes import FieldChange

OldEntry: TypeAlias = JsonObject


def entry_of(old: dict[str, Any]) -> dict[str, Any]:
    """Converts an entry of format 1 to format 2, both as plain values.

    Raises KeyError, TypeError or ValueError for anything but an entry of format 1.
    """
    call, facts = str(old["call"]), freeze_object(old["facts"])
    operation: AnyOperation
    try:
        operation, before = operation_of(call, facts)
    except (KeyError, TypeError, ValueError):
        operation, before = UnreadableCall(call, facts), Before()
    decided = None
    if facts.get("decision"):
        decided = ReviewedDecision(str(facts["decision"]), Digest(str(facts.get("decided", ""))))
    entry = OpenEntry(
        old["id"],
        Address.parse(old["address"]),
        operation,
        datetime.fromisoformat(old["startedAt"]),
        before,
        decided,
        old["sent"],
        Failure(Trouble.OUTCOME_UNKNOWN) if old["unknown"] else None,
    )
    plain: dict[str, Any] = to_plain(entry)
    return plain


def operation_of(call: str, facts: OldEntry) -> tuple[Operation, Before]:
    """The operation behind a call with these facts, and what was there before it.

    Raises KeyError, TypeError or ValueError if they do not say.
    """
    match call:
        case "create-event":
            return CreateEvent(_event(facts)), Before(known=_texts(facts, "known"))
        case "update-event":
            return UpdateEvent(_live_event(facts), ()), Before()
        case "delete-event":
            return DeleteEvent(EventId(_text(facts, "id")), _text(facts, "name")), Before()
        case "update-settings":
            return UpdateSettings(_changes(facts)), Before()
        case "generate" | "regenerate" | "delete-marketing-plan":
            before = Before(known=_texts(facts, "activities"), status=_text(facts, "status"))
            discards = _posts(facts)
            if call == "generate":
                return Generate(), before
            return (Regenerate(False, discards) if call == "regenerate" else DeleteMarketingPlan(discards)), before
        case _:
            return _of_content(call, facts)


def _of_content(call: str, facts: OldEntry) -> tuple[Operation, Before]:
    activity = ActivityId(_text(facts, "activity")) if isinstance(facts.get("activity"), str) else ActivityId("")
    match call:
        case "create-activity":
            return CreateActivity(_activity(facts)), Before(known=_texts(facts, "known"))
        case "update-activity":
            return UpdateActivity(ActivityId(_text(facts, "id")), "", _changes(facts)), Before()
        case "delete-activity":
            lost = tuple(PostSeen(post, Digest("")) for post in _posts(facts))
            return DeleteActivity(ActivityId(_text(facts, "id")), ""), Before(posts=lost)
        case "generate-posts":
            return GeneratePosts(_required(activity), ""), Before(known=_texts(facts, "posts"))
        case "regenerate-posts" | "clear-posts":
            before = Before(posts=_drafts(facts))
            stories = facts.get("stories") is True
            if call == "clear-posts":
                return ClearPosts(_required(activity), "", _posts(facts), stories), before
            media_only = facts.get("decision") == "regenerate-media"
            return RegeneratePosts(_required(activity), "", _posts(facts), media_only, stories), before
        case "schedule-post" | "reschedule-post":
            post, channel, digest = (
                PostId(_text(facts, "post")),
                _text(facts, "channel"),
                Digest(_text(facts, "digest")),
            )
            at = None if facts["at"] is None else datetime.fromisoformat(_text(facts, "at"))
            if call == "schedule-post":
                return SchedulePost(post, activity, channel, digest, at), Before()
            if at is None:
                raise ValueError("a move without its time")
            return ReschedulePost(post, activity, channel, digest, at), Before()
        case "cancel-post":
            return CancelPost(PostId(_text(facts, "post")), activity, ""), Before()
        case _:
            raise ValueError(f"format 1 has no call {call}")


def _required(activity: ActivityId) -> ActivityId:
    if not activity:
        raise KeyError("activity")
    return activity


def _text(facts: OldEntry, key: str) -> str:
    value = facts[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is not text")
    return value


def _texts(facts: OldEntry, key: str) -> tuple[str, ...]:
    value = facts.get(key, ())
    if not isinstance(value, tuple):
        raise TypeError(f"{key} is not a list")
    return tuple(str(member) for member in value)


def _posts(facts: OldEntry) -> tuple[PostId, ...]:
    return tuple(PostId(post) for post in _texts(facts, "discards"))


def _drafts(facts: OldEntry) -> tuple[PostSeen, ...]:
    pairs = facts.get("drafts", ())
    if not isinstance(pairs, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise TypeError("drafts is not a list of pairs")
    return tuple(PostSeen(PostId(str(pair[0])), Digest(str(pair[1]))) for pair in pairs if isinstance(pair, tuple))


def _changes(facts: OldEntry) -> tuple[FieldChange, ...]:
    values = facts["values"]
    if not isinstance(values, JsonObject) or not values:
        raise TypeError("values is not an object")
    # What was there before was not recorded; it does not affect how the call ended.
    return tuple(FieldChange(path, None, values[path]) for path in sorted(values))


def _when(facts: OldEntry) -> tuple[datetime | None, bool, JsonObject | None]:
    """The day or instant, whether it is a whole day, and the rule of an event."""
    when = facts["event"]
    if not isinstance(when, JsonObject):
        raise TypeError("event is not an object")
    date, rule = when.get("date"), when.get("recurringRule")
    if date is None and not isinstance(rule, JsonObject):
        raise TypeError("the event has neither a date nor a rule")
    moment = None if date is None else datetime.fromisoformat(str(date))
    whole_day = moment is not None and moment.tzinfo is None
    if moment is not None and whole_day:
        moment = moment.replace(tzinfo=UTC)
    return moment, whole_day, rule if isinstance(rule, JsonObject) else None


def _event(facts: OldEntry) -> DesiredEvent:
    date, whole_day, rule = _when(facts)
    return DesiredEvent(_text(facts, "name"), date=date, whole_day=whole_day, recurring_rule=rule)


def _live_event(facts: OldEntry) -> CalendarEvent:
    date, _, rule = _when(facts)
    description = freeze_object(facts["event"]).get("description")
    text = description if isinstance(description, str) else None
    return CalendarEvent(EventId(_text(facts, "id")), _text(facts, "name"), text, date, rule)


def _activity(facts: OldEntry) -> DesiredActivity:
    activity = freeze_object(facts["activity"])
    date = datetime.fromisoformat(_text(activity, "targetDate"))
    return DesiredActivity(_text(activity, "title"), _text(activity, "description"), date, "")
