"""The NDJSON format: one object per line, written as the run goes on, for programs that follow it.

The first line is `report`, the last one `ended`, with the summary and the exit code, however the run ended. A line has
the members that the JSON format has for the same event.
"""

from __future__ import annotations

import re
from typing import Any, Final, assert_never

from reconciler.engine.results import Ended, Event, PhaseStarted
from reconciler.engine.run_ledger import EntryRecord
from reconciler.engine.site_results import Progressed, SiteStarted
from reconciler.engine.state_results import StateListed
from reconciler.engine.tool_results import SandboxReset, SandboxStopped
from reconciler.executor.events import (
    Corrected,
    EntryResolved,
    Finished,
    Note,
    Skipped,
    Started,
    StillUnclear,
    StillWaiting,
    WaitingForLock,
)
from reconciler.model.address import Address
from reconciler.model.canonical import ABSENT
from reconciler.model.codec import members_of, report_text, taken_from
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Instant, Joined, Struct
from reconciler.model.outcomes import Outcome
from reconciler.model.writes import Verb
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import problem_record
from reconciler.reporters.json_report import FORMAT_VERSION, JsonReporter
from reconciler.reporters.layout import inert_json
from reconciler.reporters.run_json import FailedRecord, Members
from reconciler.reporters.state_json import LockJson, lock_record

SUMMARY: Final = ("summary", "applied", "interrupted", "refused")
"""The members that the last line repeats."""


class NdjsonReporter(JsonReporter):
    """Writes, as soon as it is known, what the JSON format keeps until the end."""

    def __init__(self, context: ReporterContext) -> None:
        super().__init__(context)
        self._event = ""
        self._begun = False
        self._summary = Members()

    def handle(self, event: Event) -> None:
        if not self._begun:
            self._begun = True
            self._write_event("report", {"formatVersion": FORMAT_VERSION, "command": self._command})
        outcome, self._event = self._event, _slug(event)
        match event:
            case Ended():
                self._summary.verdict, self._summary.exit_code = event.verdict, event.exit_code
                self._write_event("ended", {"outcome": outcome, **members_of(self._summary)})
            case PhaseStarted(phase=phase, sites=sites):
                super().handle(event)
                self._write_event(self._event, {"phase": phase.value, "sites": sites})
            case SandboxStopped() | SandboxReset():
                self._write_event(self._event, {})
            case SiteStarted(name=name):
                self._write_event(self._event, {"site": name})
            case Progressed(name=name):
                self._write_event(self._event, {"site": name, **members_of(progress_record(event))})
            case _:
                if isinstance(event, StateListed):
                    self._event = "site-listed"
                super().handle(event)
                self._event = _slug(event)
                self._write_members()

    def _write_members(self) -> None:
        """Writes the line for an event that the JSON format keeps; none for a site, whose line has been written."""
        for _, ledger in self._ledger:
            self._write_event(self._event, ledger)
        self._ledger.clear()
        members, self._members = self._members, Members()
        members.ledger = ABSENT  # written site by site
        if self._problems:
            members.problems = tuple(self._problems)
            self._problems.clear()
        if values := {**self._shown, **members_of(members)}:
            self._shown = {}
            self._write_event(self._event, values)
            for name in SUMMARY:
                if (member := getattr(members, name)) is not ABSENT:
                    setattr(self._summary, name, member)

    def _line(self, site: Struct) -> None:
        self._write_event(self._event, site)

    def _enter(self, record: FailedRecord) -> None:
        """Nothing more: the site's own line says that nothing is done there."""

    def _write_event(self, event: str, values: Struct | dict[str, Any]) -> None:
        self._write(inert_json(report_text({"event": event, **members_of(values)})) + "\n")


def _slug(value: Event | Outcome) -> str:
    """`site-planned`, `not-done`: the name of an event or an outcome in the lines of this format."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(value).__name__).lower()


class StepRecord(Struct, frozen=True):
    """The kind of a step."""

    step: str


class BegunRecord(Struct, frozen=True):
    """An action that begins."""

    address: Address
    verb: Verb


class WaitingRecord(Struct, frozen=True):
    """A wait: since when, how long it may take, and how many actions are still waiting for posts."""

    since: Instant
    timeout_seconds: float
    left: int


class UnclearRecord(Struct, frozen=True):
    """Calls of an earlier attempt whose effect may still show, and how much longer the run looks for it."""

    calls: int
    seconds: float


class LockWaitRecord(Struct, frozen=True):
    """A wait for another run: the lock that it holds, and how long the wait may take."""

    lock: LockJson | None
    timeout_seconds: float


class EarlierCallRecord(Struct, frozen=True):
    """An unconfirmed call of an earlier run, and its outcome as far as the site shows it."""

    address: Address
    id: str
    outcome: str


class NoteRecord(Struct, frozen=True):
    """What people should know about the site."""

    problem: ProblemRecord


def progress_record(progressed: Progressed) -> Joined:
    """What happened while a plan was carried out."""
    match progressed.event:
        case Started(address=address, operation=operation):
            return Joined(StepRecord("started"), BegunRecord(address, operation.verb))
        case Finished(entry=entry):
            return Joined(StepRecord("finished"), taken_from(entry, EntryRecord))
        case Skipped(entry=entry):
            return Joined(StepRecord("skipped"), taken_from(entry, EntryRecord))
        case Corrected(entry=entry):
            return Joined(StepRecord("corrected"), taken_from(entry, EntryRecord))
        case StillWaiting(since=since, timeout=timeout, left=left):
            return Joined(StepRecord("waiting"), WaitingRecord(since, timeout.total_seconds(), left))
        case StillUnclear(calls=calls, seconds=seconds):
            return Joined(StepRecord("checking"), UnclearRecord(calls, seconds))
        case WaitingForLock(lock=lock, timeout=timeout):
            held = lock_record(lock, ended=False)
            return Joined(StepRecord("waiting-for-lock"), LockWaitRecord(held, timeout.total_seconds()))
        case EntryResolved(entry=entry, outcome=outcome):
            return Joined(StepRecord("resolved"), EarlierCallRecord(entry.address, entry.id, _slug(outcome)))
        case Note(problem=problem):
            return Joined(StepRecord("note"), NoteRecord(problem_record(problem)))
        case never:
            assert_never(never)
