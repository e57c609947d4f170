"""Writes of calendar events as plans show them: in words for people, and as members of a JSON object."""

from __future__ import annotations

from typing import Any, assert_never

from reconciler.model.canonical import thaw
from reconciler.model.events import CreateEvent, DeleteEvent, DesiredEvent, EventOperation, UpdateEvent
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action
from reconciler.reporters.values import changes_json, quoted, yaml
from reconciler.reporters.words import because, moment


def event_words(action: Action, operation: EventOperation, zone: str) -> tuple[str, str, tuple[FieldChange, ...]]:
    """What a write is about, what becomes of it, and the fields that it changes. `zone` is the site's time zone."""
    match operation:
        case CreateEvent(event=event):
            return f"event {quoted(event.name)}", _event(event, zone), ()
        case UpdateEvent(event=event, changes=changes):
            return f"event {quoted(event.name)}", "", changes
        case DeleteEvent(name=name):
            return f"event {quoted(name)}", because(action, "delete"), ()
        case _:
            assert_never(operation)


def _event(event: DesiredEvent, zone: str) -> str:
    if event.date is not None:
        words = event.date.date().isoformat() if event.whole_day else moment(event.date, zone)
    else:
        words = yaml(event.recurring_rule)
    return f"{words}, {event.description}" if isinstance(event.description, str) and event.description else words


def event_json(operation: EventOperation) -> dict[str, Any]:
    """`operation` names the write; the other members are what it has. The keys are part of the format."""
    match operation:
        case CreateEvent(event=event):
            return {"operation": "create-event", "name": event.name, "event": thaw(event.facts())}
        case UpdateEvent(event=event, changes=changes):
            return {"operation": "update-event", "name": event.name, "id": event.id, "changes": changes_json(changes)}
        case DeleteEvent(id=id, name=name):
            return {"operation": "delete-event", "name": name, "id": id}
        case _:
            assert_never(operation)
