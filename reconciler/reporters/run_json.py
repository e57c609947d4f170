"""A whole run as the records of the JSON formats: what it covers, its counts, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import field

from reconciler.engine import adoption_results, results, site_results, tool_results
from reconciler.engine.run_ledger import GoingOutRecord, LedgerRecord, going_out_records
from reconciler.executor.ledger import ApplyTally
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Instant, Joined, Struct
from reconciler.model.verdict import Verdict
from reconciler.planner.actions import Plan
from reconciler.planner.document import RunPart
from reconciler.planner.tally import PlanTally
from reconciler.reporters.adoption_json import ProjectRecord
from reconciler.reporters.diagnostics import problem_record, problem_records
from reconciler.reporters.state_json import LockJson, ResolvedRecord


class RunRecord(Struct, frozen=True, omit_defaults=True):
    """What the run covers."""

    project: str
    sites: int
    of: int
    api: str | None = None
    commit: str | None = None
    approval_none: tuple[SiteName, ...] = ()
    part: RunPart | None = None


class SavedRecord(Struct, frozen=True):
    """The saved plan that the sites come from."""

    id: str
    digest: str
    made_at: Instant
    expires_at: Instant
    tool: str
    api: str
    expired: bool
    spent_at: Instant | None
    commit: str | None = None
    begun_at: Instant | None = None
    shards: int = 1
    shards_left: tuple[int, ...] = ()


class FailedRecord(Struct, frozen=True):
    """A site that failed or was refused."""

    site: SiteName
    error: ProblemRecord | Absent = ABSENT
    refused: ProblemRecord | Absent = ABSENT
    still_going_out: tuple[GoingOutRecord, ...] | Absent = ABSENT
    not_looked_at: tuple[ProblemRecord, ...] | Absent = ABSENT


# --- counts ----------------------------------------------------------------------------------------


class SitesRecord(Struct, frozen=True):
    """How many sites there were, how many failed, and how many a guard refuses."""

    sites: int
    failed: int
    refused: int


class DriftRecord(Struct, frozen=True):
    """The counts of an audit: of sites with anything to report, and of objects by their state."""

    sites: int = field(name="affected")
    drifted: int
    pending: int
    blocked: int
    in_review: int


class PlanSummary(Joined):
    """The counts of a plan."""

    of = (SitesRecord, PlanTally)


class DriftSummary(Joined):
    """The counts of an audit."""

    of = (SitesRecord, DriftRecord)


class ReviewRecord(Struct, frozen=True):
    """The counts of a review."""

    sites: int
    pending: int
    sites_pending: int
    approved: int
    failed: int
    not_out: int = field(name="failedPosts")
    going_out: int = field(name="stillGoingOut")
    to_discard: int
    unapproved: int


class ValidRecord(Struct, frozen=True):
    """The counts of `validate`."""

    files: int
    sites: int


class MergedRecord(Struct, frozen=True):
    """The counts of `merge`."""

    parts: int
    sites: int


class DecidedRecord(Struct, frozen=True):
    """The counts of `approve`."""

    drafts: int
    activities: int
    sites: int
    pending: int
    asked: int
    listed: int


class PostsRecord(Struct, frozen=True):
    """The counts of `history`."""

    sites: int
    posts: int
    failed: int
    not_out: int = field(name="failedPosts")


class ImportRecord(Struct, frozen=True):
    """The counts of `import`."""

    sites: int
    new: int = field(name="created")
    updated: int
    unchanged: int
    declared: int
    not_empty: int
    failed: int


class DoctorRecord(Struct, frozen=True):
    """The counts of `doctor`."""

    sites: int
    errors: int
    warnings: int
    notes: int


class CheckedRecord(Struct, frozen=True):
    """The counts of `version --check-files`."""

    tool: str
    files: int
    touched: int


class StarterRecord(Struct, frozen=True):
    """The counts of `init`."""

    written: int
    kept: int


COUNTS: Final[Mapping[type[results.ClosingEvent], type[Struct]]] = {
    results.ReviewCompleted: ReviewRecord,
    results.Validated: ValidRecord,
    results.PartsMerged: MergedRecord,
    results.Decided: DecidedRecord,
    results.HistoryListed: PostsRecord,
    adoption_results.ImportCompleted: ImportRecord,
    adoption_results.DoctorCompleted: DoctorRecord,
}
"""The counts of a run, by the event that closes it."""


class Members(msgspec.Struct, rename="camel"):
    """What a document says about the run as a whole, in this order; what it does not say is absent."""

    run: RunRecord | Absent = ABSENT
    saved: SavedRecord | Absent = ABSENT
    project: ProjectRecord | Absent = ABSENT
    place: str | Absent = ABSENT
    lock: LockJson | None | Absent = ABSENT
    site: SiteName | Absent = ABSENT
    id: str | Absent = ABSENT
    moved_to: str | None | Absent = ABSENT
    unlocked: bool | Absent = ABSENT
    resolved: ResolvedRecord | Absent = ABSENT
    refusals: tuple[ProblemRecord, ...] | Absent = ABSENT
    summary: Struct | Joined | Absent = ABSENT
    touched: tuple[ProblemRecord, ...] | Absent = ABSENT
    version: str | Absent = ABSENT
    schema: dict[str, Any] | Absent = ABSENT
    shell: str | Absent = ABSENT
    script: str | Absent = ABSENT
    files: tuple[tool_results.StarterFile, ...] | Absent = ABSENT
    url: str | Absent = ABSENT
    sandbox: dict[str, Any] | Absent = ABSENT
    still_going_out: tuple[GoingOutRecord, ...] | Absent = ABSENT
    ledger: tuple[LedgerRecord | FailedRecord, ...] | Absent = ABSENT
    applied: ApplyTally | Absent = ABSENT
    interrupted: bool | Absent = ABSENT
    refused: ProblemRecord | Absent = ABSENT
    problems: tuple[ProblemRecord, ...] | Absent = ABSENT
    verdict: Verdict | Absent = ABSENT
    exit_code: int | Absent = ABSENT


def run_record(event: results.RunStarted) -> RunRecord:
    """What a run works on."""
    return RunRecord(
        event.project,
        event.sites,
        event.of,
        None if event.api is None else event.api.target,
        event.commit,
        event.approval_none,
        event.part,
    )


def sites_record(event: results.PlanCompleted | results.DriftCompleted) -> SitesRecord:
    """The numbers of sites of a plan or an audit."""
    return SitesRecord(event.sites, event.failed, results.refused_sites(event))


def failed_record(failed: site_results.SiteFailed) -> FailedRecord:
    """A site that could not be worked on, or was refused."""
    problem, unseen = problem_record(failed.problem), failed.unseen
    return FailedRecord(
        failed.name,
        ABSENT if failed.refused else problem,
        problem if failed.refused else ABSENT,
        going_out_records(found.post for found in unseen.going_out) or ABSENT,
        problem_records(unseen.waiting) or ABSENT,
    )


def refused_record(plan: Plan) -> FailedRecord:
    """A site whose plan a guard refuses, for the ledger."""
    going_out = going_out_records(plan.still_going_out) or ABSENT
    return FailedRecord(plan.site.name, refused=problem_record(plan.refusals[0]), still_going_out=going_out)
