"""What a call that took effect left of the objects it was about, to be remembered as last applied."""

from __future__ import annotations

from reconciler.model.address import Kind
from reconciler.model.calls import Call, known_call
from reconciler.model.canonical import EMPTY, JsonObject
from reconciler.model.operations import Done, OpenEntry
from reconciler.model.sites import RecordedSite
from reconciler.planner.standing import ABSENT_NOW, PRESENT, SCHEDULED, TAKEN_BACK, Objects, approval_key, key_of


def left_by(entry: OpenEntry, outcome: Done, recorded: RecordedSite) -> Objects:
    """The objects that a call has just made so, by the facts noted before it."""
    facts = entry.facts if isinstance(entry.facts, JsonObject) else EMPTY
    activity, post = str(facts.get("activity", "")), str(facts.get("post", ""))
    match known_call(entry):
        case Call.GENERATE | Call.REGENERATE:
            own: Objects = ((key_of(Kind.MARKETING_PLAN), PRESENT),)
        case Call.DELETE_MARKETING_PLAN:
            own = ((key_of(Kind.MARKETING_PLAN), ABSENT_NOW),)
        case Call.GENERATE_POSTS:
            own = ((key_of(Kind.POSTS, activity), PRESENT),)
        case Call.CLEAR_POSTS:
            own = ((key_of(Kind.POSTS, activity), ABSENT_NOW),)
        case Call.CREATE_ACTIVITY if outcome.created:
            own = ((key_of(Kind.ACTIVITY, outcome.created), _object(facts, "activity")),)
        case Call.UPDATE_ACTIVITY:
            key = key_of(Kind.ACTIVITY, str(facts.get("id", "")))
            before = recorded.object(key) or EMPTY
            own = ((key, JsonObject({**before, **_object(facts, "values")})),)
        case Call.SCHEDULE_POST | Call.RESCHEDULE_POST:
            own = ((key_of(Kind.DRAFT, post), SCHEDULED),)
        case Call.CANCEL_POST:
            own = ((key_of(Kind.DRAFT, post), TAKEN_BACK),)
        case _:
            own = ()
    return (*own, *_thrown_away(facts, recorded))


def _thrown_away(facts: JsonObject, recorded: RecordedSite) -> Objects:
    """Posts that this tool had scheduled or found approved, and that went with the call."""
    discards = facts.get("discards")
    ours = {str(one.id) for one in recorded.published}
    return tuple(
        (key_of(Kind.DRAFT, str(one)), TAKEN_BACK)
        for one in (discards if isinstance(discards, tuple) else ())
        if str(one) in ours or recorded.object(approval_key(str(one))) is not None
    )


def _object(facts: JsonObject, key: str) -> JsonObject:
    value = facts.get(key)
    return value if isinstance(value, JsonObject) else EMPTY
