"""Activities: their writes in words and as JSON, what must hold before them, and calls that were cut short."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, assert_never

from msgspec import field
from msgspec.structs import replace

from reconciler.model.activities import (
    ActivityCondition,
    ActivityIs,
    ActivityOperation,
    CreateActivity,
    DateIs,
    DeleteActivity,
    NoActivityLike,
    UpdateActivity,
)
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.frozen import instant
from reconciler.model.journal import OpenEntry
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.base import (
    COUNT,
    IN_TOTAL,
    ActionText,
    Calls,
    CallWords,
    KindWords,
    Records,
    WriteRecord,
    changed,
)
from reconciler.reporters.values import quoted
from reconciler.reporters.words import because, delete_of, moment, short, the_one_on, value


class ActivityCreated(WriteRecord, frozen=True, tag="create-activity"):
    """Creates an activity."""

    activity: JsonObject


class ActivityUpdated(WriteRecord, frozen=True, tag="update-activity"):
    """Changes fields of an activity."""

    id: str = field(name="activity")
    title: str
    changes: tuple[FieldChange, ...]


class ActivityDeleted(WriteRecord, frozen=True, tag="delete-activity"):
    """Deletes an activity."""

    id: str = field(name="activity")
    title: str


class ActivityWords(KindWords[ActivityOperation, ActivityCondition]):
    """Activities."""

    records: ClassVar[Records] = {
        CreateActivity: ActivityCreated,
        UpdateActivity: ActivityUpdated,
        DeleteActivity: ActivityDeleted,
    }
    calls: ClassVar[Calls] = {
        CreateActivity: CallWords("create an activity", "whether the marketing plan has it"),
        UpdateActivity: CallWords("change an activity", "whether the activity matches the file"),
        DeleteActivity: CallWords("delete an activity", "whether it is gone"),
    }

    def text(self, action: Action, operation: ActivityOperation, zone: str) -> ActionText:
        match operation:
            case CreateActivity(activity=activity):
                when = moment(activity.target_date, zone)
                return ActionText(f"activity {quoted(activity.title)}", f"{when}, {activity.type}")
            case UpdateActivity(title=title, changes=changes, date=date):
                shown = tuple(_in_zone(change, zone) for change in changes)
                return ActionText(
                    f"activity {quoted(title)}", the_one_on(date, zone), shown, f"change {COUNT}{IN_TOTAL}"
                )
            case DeleteActivity(title=title, date=date):
                of_many = because(action, f"delete {COUNT}{IN_TOTAL}")
                return ActionText(f"activity {quoted(title)}", because(action, delete_of(date, zone)), of_many=of_many)
            case _:
                assert_never(operation)

    def record(self, operation: ActivityOperation) -> WriteRecord:
        if isinstance(operation, CreateActivity):
            activity = operation.activity
            return ActivityCreated(JsonObject({**activity.facts(), "marketingActivityType": activity.type}))
        return super().record(operation)

    def condition(self, required: ActivityCondition) -> str:
        match required:
            case ActivityIs(id=id, facts=digest):
                return f"activity {id} is unchanged since it was read ({short(digest)})"
            case NoActivityLike(title=title, target_date=date):
                return f"there is no activity {value(title)} at {date} yet"
            case DateIs(activity=activity, date=date):
                return f"activity {activity} is still on {instant(date)}"
            case _:
                assert_never(required)

    def about(self, entry: OpenEntry, operation: ActivityOperation, zone: str) -> str:
        match operation:
            case CreateActivity(activity=activity):
                return f"{value(activity.title)}, for {moment(activity.target_date, 'UTC')}"
            case UpdateActivity(changes=changes):
                return changed(changes)
            case DeleteActivity():
                return super().about(entry, operation, zone)
            case _:
                assert_never(operation)


def _in_zone(change: FieldChange, zone: str) -> FieldChange:
    """A change of an activity, with its date as a time in words."""
    before, after = (in_zone(change.path, side, zone) for side in (change.before, change.after))
    return replace(change, before=before, after=after)


def in_zone(name: str, field_value: Json, zone: str) -> Json:
    """The value of a field of an activity; its date as a time in words."""
    if name == "targetDate" and isinstance(field_value, str):
        return moment(datetime.fromisoformat(field_value), zone)
    return field_value
