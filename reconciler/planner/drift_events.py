"""How events differ from the file, and which side moved."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import ABSENT, Absent, Json, JsonObject, same
from reconciler.model.events import CalendarEvent, DeleteEvent, DesiredEvent, DesiredEvents, is_as_applied
from reconciler.model.sites import RecordedSite
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Plan
from reconciler.planner.baseline import RULE_OF_EVENTS, rule_of_events
from reconciler.planner.drift_report import (
    ChangedSide,
    DriftItem,
    DriftState,
    FieldDrift,
    Finding,
    of_fields,
    who_moved,
)
from reconciler.planner.events import event_changes, match_live
from reconciler.planner.kept import split_kept
from reconciler.planner.options import Scope


def event_drift(
    desired: DesiredEvents, live: tuple[CalendarEvent, ...], recorded: RecordedSite, plan: Plan, scope: Scope
) -> Iterator[DriftItem]:
    """The declared events, and with `prune` those that are not listed: how each differs, and which side moved."""
    matched = match_live(desired.events, live, recorded)
    for event in sorted(desired.events, key=lambda event: event.name):
        yield _drifted(event, matched.get(event.name), recorded, scope)
    pruned_before = recorded.object(RULE_OF_EVENTS) == rule_of_events(desired.prune)
    names = {name for name, _ in (*recorded.applied.events, *recorded.event_ids)}
    for action in plan.actions:
        if isinstance(action.operation, DeleteEvent):
            # An event that was listed before has left the file. Any other is new on the site, unless `prune` itself is
            # new.
            moved = ChangedSide.GIT if action.operation.name in names or not pruned_before else ChangedSide.REMOTE
            yield DriftItem(action.address, DriftState.DRIFTED, Finding.NOT_LISTED, moved)


def _drifted(event: DesiredEvent, live: CalendarEvent | None, recorded: RecordedSite, scope: Scope) -> DriftItem:
    address, last = scope.address(Kind.EVENT, event.name), recorded.applied.event(event.name)
    if live is None:
        known = last is not None or event.name in dict(recorded.event_ids)
        in_git = not known if last is None else not same(event.facts(), DesiredEvent.from_facts("", last).facts())
        finding = Finding.DELETED if known else Finding.MISSING
        return DriftItem(address, DriftState.DRIFTED, finding, who_moved(in_git, known))
    before = DesiredEvent.from_facts(event.name, last) if last is not None else None
    moved_there = {change.path for change in event_changes(before, live)} if before else set()
    changes, _ = split_kept(key_of(Kind.EVENT, event.name), event_changes(event, live), recorded)
    fields = tuple(_drifted_field(change, event, last, moved_there) for change in changes)
    return of_fields(DriftItem(address, DriftState.CONVERGED), fields)


def _drifted_field(
    change: FieldChange, event: DesiredEvent, last: JsonObject | None, moved_there: set[str]
) -> FieldDrift:
    wanted = event.facts()
    if change.path == "name":
        applied: Json | Absent = ABSENT if last is None else last.get("name", event.name)
        in_git = last is None
    else:
        applied = ABSENT if last is None else last.get(change.path)
        in_git = last is None or not same(wanted.get(change.path), last.get(change.path))
    if not isinstance(applied, Absent) and is_as_applied(change.path, applied, change.before):
        applied = change.before  # in the site's form, which may differ
    return FieldDrift(change.path, change.after, change.before, who_moved(in_git, change.path in moved_there), applied)


def is_as_declared(
    name: str, desired: DesiredEvents, observed: tuple[CalendarEvent, ...], recorded: RecordedSite
) -> bool:
    """Whether the site has a declared event as the file asks."""
    live = match_live(desired.events, observed, recorded).get(name)
    event = next((wanted for wanted in desired.events if wanted.name == name), None)
    return event is not None and live is not None and not event_changes(event, live)
