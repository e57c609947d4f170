"""The JSON format: one document per run, for programs. Every value as it was read, with the escapes of JSON.

Sites are written as they come and not kept. Keys have a fixed order, and there is no creation time.
"""

from __future__ import annotations

import json
from typing import Any, assert_never

from msgspec.structs import replace

from reconciler.engine import adoption_results, results, site_results, state_results, tool_results
from reconciler.engine.run_ledger import LedgerRecord, going_out_records, ledger_record
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.codec import members_of, report_text, taken_from
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Struct
from reconciler.planner.actions import GoingOut
from reconciler.reporters.adoption_json import ImportedRecord, ProjectRecord, examined_record
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import problem_record, problem_records
from reconciler.reporters.drift_json import drifted_record
from reconciler.reporters.history_json import history_record
from reconciler.reporters.layout import inert_json
from reconciler.reporters.plan_json import planned_record
from reconciler.reporters.review_json import reviewed_record
from reconciler.reporters.run_json import (
    COUNTS,
    CheckedRecord,
    DriftRecord,
    DriftSummary,
    FailedRecord,
    Members,
    PlanSummary,
    SavedRecord,
    StarterRecord,
    failed_record,
    refused_record,
    run_record,
    sites_record,
)
from reconciler.reporters.state_json import known_record, listed_record, lock_record, resolved_record, shown_values

FORMAT_VERSION = 1


class JsonReporter:
    """Writes `{"formatVersion": 1, "command": ..., "sites": [...], ..., "exitCode": n}`, one site per line."""

    def __init__(self, context: ReporterContext) -> None:
        self._command = context.command
        self._write = context.write
        self._calls_of = context.calls_of
        self._phase: results.Phase | None = None
        self._sites = 0
        self._members = Members()
        self._shown: dict[str, Any] = {}
        self._problems: list[ProblemRecord] = []
        self._order: dict[SiteName, int] = {}
        self._ledger: list[tuple[int, LedgerRecord | FailedRecord]] = []
        self._open = False

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        match event:
            case results.RunStarted():
                self._members.run = run_record(event)
            case results.PhaseStarted(phase=phase):
                self._phase = phase
            case results.PlanLoaded():
                self._members.saved = taken_from(event, SavedRecord)
            case site_results.SitePlanned():
                if self._command == "apply" and event.plan.refusals:
                    self._enter(refused_record(event.plan))
                elif self._command == "apply" and (
                    event.plan.actions or event.plan.still_going_out or event.tally.in_doubt
                ):
                    self._order[event.name] = len(self._order)
                self._line(planned_record(event, self._calls_of))
            case site_results.SiteDrifted():
                self._line(drifted_record(event))
            case site_results.SiteReviewed() | site_results.SiteNotReviewed():
                self._line(reviewed_record(event))
            case site_results.SiteHistory():
                self._line(history_record(event))
            case adoption_results.SiteImported():
                self._line(taken_from(event, ImportedRecord))
            case adoption_results.SiteExamined():
                self._line(examined_record(event))
            case adoption_results.ProjectExamined():
                project = self._members.project or ProjectRecord()
                self._members.project = project.with_more(event)
            case site_results.SiteApplied(ledger=ledger):
                self._ledger.append((self._order.get(event.name, 0), ledger_record(ledger)))
            case site_results.SiteFailed() if self._phase is results.Phase.APPLYING:
                self._ledger.append((self._order.get(event.name, 0), failed_record(event)))
            case site_results.SiteFailed():
                if self._command == "apply":
                    self._enter(failed_record(event))
                self._line(failed_record(event))
            case results.Notice(problem=problem):
                self._problems.append(problem_record(problem))
            case state_results.StateEvent():
                self._state(event)
            case tool_results.ToolEvent():
                self._tool(event)
            case results.Ended():
                self._end(event)
            case site_results.SiteStarted() | site_results.Progressed():
                pass
            case _:
                self._closing(event)

    def _closing(self, event: results.RunClosing) -> None:
        members = self._members
        match event:
            case results.PlanCompleted():
                members.refusals = problem_records(event.refusals)
                members.summary = PlanSummary(sites_record(event), event.tally)
                self._still_going_out(event.still_going_out)
            case results.ApplyCompleted():
                members.ledger = tuple(ledger for _, ledger in sorted(self._ledger, key=lambda entry: entry[0]))
                failed = event.tally.failed + event.failed + event.plan.failed
                members.applied = replace(event.tally, failed=failed)
                members.interrupted = event.interrupted
            case results.DriftCompleted():
                members.refusals = problem_records(event.refusals)
                members.summary = DriftSummary(sites_record(event), taken_from(event.tally, DriftRecord))
                self._still_going_out(event.still_going_out)
            case adoption_results.Counts():
                members.summary = taken_from(event, COUNTS[type(event)])
            case adoption_results.FilesChecked(touched=touched):
                members.summary = CheckedRecord(event.tool, event.files, len(touched))
                members.touched = problem_records(touched)
            case results.FilesInvalid(problems=problems):
                self._problems += problem_records(problems)
            case results.RunFailed(problem=problem):
                self._problems.append(problem_record(problem))
            case results.Refused(reason=reason):
                members.refused = problem_record(reason)
                self._still_going_out(event.still_going_out)
            case results.Interrupted():
                members.interrupted = True
                self._still_going_out(event.still_going_out)
            case _:
                assert_never(event)

    def _state(self, event: state_results.AnyStateEvent) -> None:
        members = self._members
        match event:
            case state_results.LockFound():
                members.lock = lock_record(event.lock, ended=event.ended)
            case state_results.StateListed(place=place, sites=sites):
                members.place = place
                for site in sites:
                    self._line(known_record(site))
                members.summary = listed_record(sites)
            case state_results.StateShown(site=shown):
                self._shown = shown_values(shown)
            case state_results.LockRemoved():
                members.site = event.name
                members.unlocked = event.unreadable or (event.lock is not None and not event.given_back)
            case state_results.RecordChanged():
                members.site, members.id, members.moved_to = event.name, event.id, event.moved_to
            case state_results.CallResolved():
                members.resolved = resolved_record(event)
            case _:
                assert_never(event)

    def _tool(self, event: tool_results.AnyToolEvent) -> None:
        members = self._members
        match event:
            case tool_results.VersionShown(version=version):
                members.version = version
            case tool_results.SchemaShown(text=text):
                members.schema = json.loads(text)
            case tool_results.ScriptShown(shell=shell, text=text):
                members.shell, members.script = shell, text
            case tool_results.StarterFile():
                before = members.files
                members.files = (*(() if before is ABSENT else before), event)
            case tool_results.SandboxReady(url=url):
                members.url = url
            case tool_results.StarterWritten(written=written, kept=kept):
                members.summary = StarterRecord(written, kept)
            case tool_results.SandboxShown(world=world, requests=requests):
                members.sandbox = {**world, "requests": requests}
            case tool_results.SandboxStopped() | tool_results.SandboxReset():
                pass
            case _:
                assert_never(event)

    def _still_going_out(self, posts: tuple[GoingOut, ...]) -> None:
        """Posts that go out although they are no longer wanted, if there are any."""
        if posts:
            self._members.still_going_out = going_out_records(found.post for found in posts)

    def _enter(self, record: FailedRecord) -> None:
        """Adds to the ledger a site at which nothing is done.

        The ledger is written only if the run is not refused as a whole.
        """
        self._order[record.site] = len(self._order)
        self._ledger.append((self._order[record.site], record))

    def _line(self, site: Struct) -> None:
        """One line of `sites`."""
        self._begin()
        self._write(("\n" if not self._sites else ",\n") + _dump(site))
        self._sites += 1

    def _begin(self) -> None:
        if not self._open:
            self._write(f'{{"formatVersion": {FORMAT_VERSION}, "command": {_dump(self._command)}, "sites": [')
            self._open = True

    def _end(self, ended: results.Ended) -> None:
        self._begin()
        if self._problems:
            self._members.problems = tuple(self._problems)
        self._members.verdict, self._members.exit_code = ended.verdict, ended.exit_code
        self._write("\n]" if self._sites else "]")
        for key, member in {**self._shown, **members_of(self._members)}.items():
            self._write(f",\n{_dump(key)}: {_dump(member)}")
        self._write("}\n")


def _dump(value: object) -> str:
    return inert_json(report_text(value))
