"""The JSON format: one document per run, for programs. Every value as it was read, with the escapes of JSON.

Sites are written as they come and not kept. Keys have a fixed order, and no time of creation is in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from msgspec import field
from msgspec.structs import asdict

from reconciler.engine.adoption_results import (
    DoctorCompleted,
    FilesChecked,
    ImportCompleted,
    ProjectExamined,
    SiteExamined,
    SiteImported,
)
from reconciler.engine.results import (
    ApplyCompleted,
    Decided,
    DriftCompleted,
    Ended,
    Event,
    FilesInvalid,
    HistoryListed,
    Interrupted,
    Notice,
    PartsMerged,
    Phase,
    PhaseStarted,
    PlanCompleted,
    PlanLoaded,
    Refused,
    ReviewCompleted,
    RunFailed,
    RunStarted,
    Validated,
)
from reconciler.engine.run_ledger import going_out_values, ledger_values
from reconciler.engine.site_results import (
    Progressed,
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    SiteStarted,
)
from reconciler.engine.state_results import CallResolved, LockFound, LockRemoved, RecordChanged, StateListed, StateShown
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.codec import instant_text, report_text, taken_from, to_plain
from reconciler.model.frozen import Joined
from reconciler.model.frozen import Struct as Record
from reconciler.model.operations import class_of, discards_of
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, GoingOut, Plan, Reason, ToReview
from reconciler.reporters.adoption_json import completed_values, examined_values, imported_values, project_values
from reconciler.reporters.context import CallsOf, ReporterContext
from reconciler.reporters.diagnostics import problem_values
from reconciler.reporters.drift_json import drift_json
from reconciler.reporters.history_json import history_values
from reconciler.reporters.kinds import precondition, write_record
from reconciler.reporters.layout import inert_json
from reconciler.reporters.review_text import review_values
from reconciler.reporters.state_json import (
    list_summary,
    lock_values,
    resolved_values,
    state_values,
    summary_values,
)

FORMAT_VERSION = 1


class JsonReporter:
    """Writes `{"formatVersion": 1, "command": ..., "sites": [...], ..., "exitCode": n}`, a site a line."""

    def __init__(self, context: ReporterContext) -> None:
        self._command = context.command
        self._write = context.write
        self._calls_of = context.calls_of
        self._phase: Phase | None = None
        self._sites = 0
        self._members: dict[str, Any] = {}
        self._problems: list[dict[str, Any]] = []
        self._order: dict[SiteName, int] = {}
        self._ledger: list[tuple[int, dict[str, Any]]] = []
        self._open = False

    def handle(self, event: Event) -> None:  # noqa: C901 - a case for each event
        """An event of the run."""
        match event:
            case RunStarted():
                self._members["run"] = run_values(event)
            case PhaseStarted(phase=phase):
                self._phase = phase
            case PlanLoaded():
                self._members["saved"] = saved_values(event)
            case SitePlanned():
                if event.plan.actions and self._command == "apply":
                    self._order[event.name] = len(self._order)
                self._line(plan_values(event, self._calls_of))
            case SiteDrifted():
                self._line(drift_json(event))
            case SiteReviewed() | SiteNotReviewed():
                self._line(review_values(event))
            case SiteHistory():
                self._line(history_values(event))
            case SiteImported():
                self._line(imported_values(event))
            case SiteExamined():
                self._line(examined_values(event))
            case ProjectExamined():
                self._members["project"] = project_values(event, self._members.get("project"))
            case SiteApplied(ledger=ledger):
                self._ledger.append((self._order.get(event.name, 0), ledger_values(ledger)))
            case SiteFailed() if self._phase is Phase.APPLYING:
                self._ledger.append((self._order.get(event.name, 0), failed_values(event)))
            case SiteFailed():
                if self._command == "apply":  # if a ledger follows, every site of the run is in it
                    self._order[event.name] = len(self._order)
                    self._ledger.append((self._order[event.name], failed_values(event)))
                self._line(failed_values(event))
            case LockFound():
                self._members["lock"] = lock_values(event.lock, ended=event.ended)
            case Notice(problem=problem) | RunFailed(problem=problem):
                self._problems.append(problem_values(problem))
            case FilesInvalid(problems=problems):
                self._problems += [problem_values(problem) for problem in problems]
            case StateListed(place=place, sites=sites):
                self._members["place"] = place
                for site in sites:
                    self._line(summary_values(site))
                self._members["summary"] = list_summary(sites)
            case StateShown(site=shown):
                self._members |= state_values(shown)
            case Ended():
                self._end(event)
            case SiteStarted() | Progressed():
                pass
            case _:
                self._closing(event)

    def _closing(
        self,
        event: PlanCompleted
        | ApplyCompleted
        | DriftCompleted
        | ReviewCompleted
        | Validated
        | PartsMerged
        | Decided
        | HistoryListed
        | ImportCompleted
        | DoctorCompleted
        | FilesChecked
        | LockRemoved
        | CallResolved
        | RecordChanged
        | Refused
        | Interrupted,
    ) -> None:
        members = self._members
        match event:
            case PlanCompleted():
                members["refusals"] = [problem_values(refusal) for refusal in event.refusals]
                counts = {"sites": event.sites, "failed": event.failed, "refused": event.refused}
                members["summary"] = {**counts, **to_plain(event.tally)}
                members |= _left(event.still_going_out)
            case ApplyCompleted():
                members["ledger"] = [ledger for _, ledger in sorted(self._ledger, key=lambda entry: entry[0])]
                failed = event.tally.failed + event.failed + event.plan.failed
                members["applied"] = {**to_plain(event.tally), "failed": failed}
                members["interrupted"] = event.interrupted
            case DriftCompleted():
                members["refusals"] = [problem_values(refusal) for refusal in event.refusals]
                members["summary"] = drift_summary(event)
            case PartsMerged(parts=parts, sites=sites):
                members["summary"] = {"parts": parts, "sites": sites}
            case ReviewCompleted() | Validated() | Decided() | HistoryListed():
                members["summary"] = _counts(event)
            case ImportCompleted() | DoctorCompleted():
                members["summary"] = completed_values(event)
            case FilesChecked(touched=touched):
                members["summary"] = {"tool": event.tool, "files": event.files, "touched": len(touched)}
                members["touched"] = [problem_values(found) for found in touched]
            case LockRemoved():
                members["site"] = event.name
                members["unlocked"] = event.unreadable or (event.lock is not None and not event.given_back)
            case RecordChanged():
                members["site"], members["id"], members["movedTo"] = event.name, event.id, event.moved_to
            case CallResolved():
                members["resolved"] = resolved_values(event)
            case Refused(reason=reason):
                members["refused"] = problem_values(reason)
                members |= _left(event.still_going_out)
            case Interrupted():
                members["interrupted"] = True
            case _:
                assert_never(event)

    def _line(self, site: dict[str, Any]) -> None:
        """One line of `sites`."""
        self._begin()
        self._write(("\n" if not self._sites else ",\n") + _dump(site))
        self._sites += 1

    def _begin(self) -> None:
        if not self._open:
            self._write(f'{{"formatVersion": {FORMAT_VERSION}, "command": {_dump(self._command)}, "sites": [')
            self._open = True

    def _end(self, ended: Ended) -> None:
        self._begin()
        if self._problems:
            self._members["problems"] = self._problems
        self._members |= ended_values(ended)
        self._write("\n]" if self._sites else "]")
        for key, member in self._members.items():
            self._write(f",\n{_dump(key)}: {_dump(member)}")
        self._write("}\n")


def ended_values(ended: Ended) -> dict[str, Any]:
    """How a run ended, in a word and as a number."""
    return {"verdict": ended.verdict.value, "exitCode": ended.exit_code}


def _dump(value: Any) -> str:
    return inert_json(report_text(value))


def _counts(event: ReviewCompleted | Validated | Decided | HistoryListed) -> dict[str, int]:
    counts: dict[str, int] = asdict(event)
    names = {"sites_pending": "sitesPending", "not_out": "failedPosts", "going_out": "stillGoingOut"}
    return {names.get(key, key): count for key, count in counts.items()}


def run_values(event: RunStarted) -> dict[str, Any]:
    """What a run works on."""
    found = {
        "project": event.project,
        "sites": event.sites,
        "of": event.of,
        "api": None if event.api is None else event.api.target,
        "commit": event.commit,
        "approvalNone": list(event.approval_none) or None,
        "part": None if event.part is None else to_plain(event.part),
    }
    return {key: value for key, value in found.items() if value is not None}


def saved_values(saved: PlanLoaded) -> dict[str, Any]:
    """The saved plan that the sites come from."""
    return {
        "id": saved.id,
        "digest": saved.digest,
        "madeAt": instant_text(saved.made_at),
        "expiresAt": instant_text(saved.expires_at),
        "tool": saved.tool,
        "api": saved.api,
        "expired": saved.expired,
        "spentAt": None if saved.spent_at is None else instant_text(saved.spent_at),
    }


def _left(posts: Iterable[GoingOut]) -> dict[str, Any]:
    """Posts that go out although nobody wants them, if there are any."""
    values = [going_out_values(found.post) for found in posts]
    return {"stillGoingOut": values} if values else {}


def failed_values(failed: SiteFailed) -> dict[str, Any]:
    """A site that could not be worked on, or was refused."""
    values: dict[str, Any] = {
        "site": failed.name,
        "refused" if failed.refused else "error": problem_values(failed.problem),
    }
    if failed.unseen.going_out:
        values["stillGoingOut"] = [going_out_values(found.post) for found in failed.unseen.going_out]
    if failed.unseen.waiting:
        values["notLookedAt"] = [problem_values(problem) for problem in failed.unseen.waiting]
    return values


def drift_summary(completed: DriftCompleted) -> dict[str, int]:
    """The counts of an audit."""
    tally: dict[str, int] = asdict(completed.tally)
    affected = tally.pop("sites")
    del tally["refused"]  # a site that is not what its file expects is refused too
    counts = {"sites": completed.sites, "failed": completed.failed, "refused": completed.refused}
    renamed = {("inReview" if key == "in_review" else key): count for key, count in tally.items()}
    return {**counts, "affected": affected, **renamed}


def plan_values(planned: SitePlanned, calls_of: CallsOf | None = None) -> dict[str, Any]:
    """One site's plan."""
    plan = planned.plan
    found: dict[str, Any] = {
        "site": plan.site.name,
        "stillGoingOut": [going_out_values(post) for post in plan.still_going_out],
        "actions": [action_record(action, plan, calls_of) for action in plan.actions],
        "blocked": [problem_values(blocked) for blocked in plan.blocked],
        "refusals": [problem_values(refusal) for refusal in plan.refusals],
        "notes": list(plan.notes),
        "toReview": [_to_review(draft) for draft in plan.to_review],
    }
    if calls_of is not None:
        found["reads"] = list(planned.reads)
    return found


class DiscardedRecord(Record, frozen=True):
    """A draft that is thrown away, as people know it."""

    post: str
    title: str
    channel: str
    type: str
    approved: bool


class ActionRecord(Record, frozen=True):
    """A write at an address, with its reason."""

    address: Address
    verb: Verb
    allowed_by: ActionClass = field(name="class")
    reason: Reason
    because: tuple[str, ...]


class ActionDetails(Record, frozen=True):
    """What more there is to say of some actions, and of each with `--explain`."""

    discards: tuple[DiscardedRecord, ...] | Absent = ABSENT
    calls: tuple[str, ...] | Absent = ABSENT
    requires: tuple[str, ...] | Absent = ABSENT


def action_record(action: Action, plan: Plan, calls_of: CallsOf | None = None) -> Joined:
    """An action: what, where, why, and with `--explain` how."""
    operation = action.operation
    discards = plan.discarded_by(operation) if discards_of(operation) else None
    return Joined(
        ActionRecord(action.address, operation.verb, class_of(operation), action.reason, action.because),
        write_record(operation),
        ActionDetails(
            ABSENT if discards is None else tuple(taken_from(draft, DiscardedRecord) for draft in discards),
            calls_of(operation, plan.site) if calls_of else ABSENT,
            tuple(map(precondition, action.requires)) if calls_of else ABSENT,
        ),
    )


def _to_review(draft: ToReview) -> dict[str, Any]:
    return {
        "address": str(draft.address),
        "post": draft.post,
        "channel": draft.channel,
        "type": draft.type,
        "title": draft.title,
        "state": draft.state.value,
    }
