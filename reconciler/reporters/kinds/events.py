"""Calendar events: their writes in words and as JSON, what must hold before them, and calls that were cut short."""

from __future__ import annotations

from typing import ClassVar, assert_never

from reconciler.model.canonical import JsonObject
from reconciler.model.events import (
    CreateEvent,
    DeleteEvent,
    DesiredEvent,
    EventCondition,
    EventIs,
    EventOperation,
    NoEventNamed,
    UpdateEvent,
)
from reconciler.model.text import normal_text
from reconciler.model.writes import FieldChange
from reconciler.model.yaml_text import quoted_text
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.base import ActionText, Calls, CallWords, KindWords, Records, WriteRecord
from reconciler.reporters.values import quoted, yaml
from reconciler.reporters.words import because, delete_of, moment, short, the_one_on, value


class EventCreated(WriteRecord, frozen=True, tag="create-event"):
    """Creates a calendar event."""

    name: str
    event: JsonObject


class EventUpdated(WriteRecord, frozen=True, tag="update-event"):
    """Changes fields of a calendar event."""

    name: str
    id: str
    changes: tuple[FieldChange, ...]


class EventDeleted(WriteRecord, frozen=True, tag="delete-event"):
    """Deletes a calendar event."""

    name: str
    id: str


class EventWords(KindWords[EventOperation, EventCondition]):
    """Calendar events."""

    records: ClassVar[Records] = {CreateEvent: EventCreated, UpdateEvent: EventUpdated, DeleteEvent: EventDeleted}
    calls: ClassVar[Calls] = {
        CreateEvent: CallWords("create an event", "whether the calendar has it"),
        UpdateEvent: CallWords("change an event", "whether the event matches the file"),
        DeleteEvent: CallWords("delete an event", "whether the calendar still has it"),
    }

    def text(self, action: Action, operation: EventOperation, zone: str) -> ActionText:
        match operation:
            case CreateEvent(event=event):
                return ActionText(f"event {quoted(event.name)}", _event(event, zone))
            case UpdateEvent(event=event, changes=changes, date=date):
                return ActionText(f"event {quoted(event.name)}", the_one_on(date, zone), changes)
            case DeleteEvent(name=name, date=date):
                return ActionText(f"event {quoted(name)}", because(action, delete_of(date, zone)))
            case _:
                assert_never(operation)

    def record(self, operation: EventOperation) -> WriteRecord:
        match operation:
            case CreateEvent(event=event):
                return EventCreated(event.name, event.facts())
            case UpdateEvent(event=event, changes=changes):
                return EventUpdated(event.name, event.id, changes)
            case DeleteEvent():
                return super().record(operation)
            case _:
                assert_never(operation)

    def condition(self, required: EventCondition) -> str:
        match required:
            case EventIs(id=id, facts=digest):
                return f"event {id} is unchanged since it was read ({short(digest)})"
            case NoEventNamed(name=name):
                return f"no event {value(name)} with this date or recurring rule exists yet"
            case _:
                assert_never(required)


def _event(event: DesiredEvent, zone: str) -> str:
    if event.date is not None:
        words = event.date.date().isoformat() if event.whole_day else moment(event.date, zone)
    else:
        words = yaml(event.recurring_rule)
    description = normal_text(event.description) if isinstance(event.description, str) else ""
    return f"{words}, {quoted_text(description)}" if description else words
