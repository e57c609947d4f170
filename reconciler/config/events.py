"""`calendarEvents` of a site file: how it is read, and warnings about it. event_text.py writes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from reconciler.config import times
from reconciler.config.layers import MergedDocument
from reconciler.config.rules import NotUsable, read_time
from reconciler.config.words import KeyPath, close_match, listed, quoted
from reconciler.model.canonical import ABSENT, freeze_object
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import DesiredEvent, DesiredEvents, reach

FREQUENCIES: Final = ("WEEKLY", "MONTHLY", "YEARLY")
"""How an event may recur. The spelling is inferred from prose (I 8.1)."""


def read_events(merged: MergedDocument) -> DesiredEvents | None:
    """`calendarEvents`, or None if it is not written."""
    written = merged.value.get("calendarEvents")
    if written is None:
        return None
    if merged.lacks("calendarEvents", "events"):
        hint = "list them, or write `events: []` for none"
        merged.problem(("calendarEvents",), "events is missing", hint, against=())
    events: list[DesiredEvent] = []
    names: set[str] = set()
    for at, event in enumerate(written.get("events", ())):
        if event is None:  # an invalid one, already reported
            continue
        path = ("calendarEvents", "events", at)
        if event["name"] in names:
            message = f"there are two events with the name {quoted(event['name'])}"
            merged.problem((*path, "name"), message, "give one of them another name")
        names.add(event["name"])
        try:
            events.append(_event(event, path, merged))
        except NotUsable:
            continue
    return DesiredEvents(tuple(events), prune=written.get("prune", False))


def advice_about_events(events: DesiredEvents, merged: MergedDocument, now: datetime) -> Iterator[Diagnostic]:
    """Warnings about events so long ago that no run reads or creates them."""
    earliest, _ = reach(now)
    for at, event in enumerate(events.events):
        if event.date is not None and event.date < earliest:
            path = ("calendarEvents", "events", at, "date")
            yield merged.is_over(path, "has passed, so runs leave the event alone")


def read_default_events(merged: MergedDocument) -> None:
    """Reports what is wrong with the events of defaults, which may set `prune` without listing any events."""
    if "events" in merged.value.get("calendarEvents", {}):
        read_events(merged)


def _event(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> DesiredEvent:
    name, description = written["name"], written.get("description", ABSENT)
    if "recurringRule" in written:
        _check_frequency(written["recurringRule"].get("frequency"), (*path, "recurringRule", "frequency"), merged)
        return DesiredEvent(name, description, recurring_rule=freeze_object(written["recurringRule"]))
    text: str = written["date"]
    if times.is_day(text):
        day = read_time(times.day, text, (*path, "date"), merged)
        return DesiredEvent(name, description, times.midnight(day), whole_day=True)
    return DesiredEvent(name, description, read_time(times.moment, text, (*path, "date"), merged))


def _check_frequency(frequency: Any, path: KeyPath, merged: MergedDocument) -> None:
    """Warns of a frequency which the API is not known to accept."""
    if frequency is not None and frequency not in FREQUENCIES:
        near = close_match(frequency, FREQUENCIES) if isinstance(frequency, str) else None
        fix = f"did you mean {near}?" if near else f"use one of: {listed(FREQUENCIES)}"
        message = f"{quoted(frequency)} is not a frequency that the API is known to accept"
        merged.doubtful.append(merged.warning(path, message, fix, code="unknown-frequency"))
