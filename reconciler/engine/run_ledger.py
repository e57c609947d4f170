"""The ledger of a run as records, for the state and for reports; and ledgers in which everything ended alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import field

from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, unstopped
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.codec import taken_from
from reconciler.model.diagnostics import Diagnostic, ProblemRecord
from reconciler.model.frozen import ApiInstant, Struct, instant
from reconciler.model.outcomes import Remark, Trouble
from reconciler.model.writes import Verb
from reconciler.planner.actions import Grounds, Plan, Reason, StillGoingOut
from reconciler.planner.tally import in_doubt
from reconciler.planner.unstopped import still_going_out

AGAIN: Final = "run apply again; it checks what was done"

CUT_SHORT: Final = Diagnostic(Trouble.STOPPED, "the run was cut short", AGAIN)


class DifferenceRecord(Struct, frozen=True):
    """What the approvals file says about a draft, and what the site has."""

    field: str
    in_file: str
    live: str


class GroundsRecord(Struct, frozen=True):
    """What is wrong with a post: the rules that forbid it, and how it differs from what was approved."""

    forbidden_by: tuple[ProblemRecord, ...]
    differences: tuple[DifferenceRecord, ...]


class GoingOutRecord(Struct, frozen=True):
    """A post that still goes out although it is no longer wanted."""

    address: Address
    post: str
    channel: str
    type: str
    title: str
    account_id: str | None = field(name="account")
    account_name: str | None
    moment: ApiInstant | None
    reason: Reason
    details: tuple[str, ...] = field(name="because")
    problem: ProblemRecord
    grounds: GroundsRecord | Absent = ABSENT


class EntryRecord(Struct, frozen=True, omit_defaults=True):
    """How an action ended. What is unknown or does not apply is left out."""

    address: Address
    verb: Verb
    result: ActionResult
    request_id: str | None = None
    problem: ProblemRecord | None = None
    remark: Remark | None = None
    goes_out: ApiInstant | None = None
    matched: int | None = None


class LedgerRecord(Struct, frozen=True):
    """What apply did on a site."""

    site: SiteName
    still_going_out: tuple[GoingOutRecord, ...]
    entries: tuple[EntryRecord, ...]
    notes: tuple[ProblemRecord, ...]
    error: ProblemRecord | None
    interrupted: bool
    in_doubt: tuple[ProblemRecord, ...] | Absent = ABSENT


def going_out_records(posts: Iterable[StillGoingOut]) -> tuple[GoingOutRecord, ...]:
    """Posts that go out although they are no longer wanted."""
    return tuple(map(_going_out_record, posts))


def _going_out_record(post: StillGoingOut) -> GoingOutRecord:
    return GoingOutRecord(
        post.address,
        post.post,
        post.channel,
        post.type,
        post.title,
        post.account_id,
        post.account_name,
        None if post.moment is None else ApiInstant(instant(post.moment)),
        post.reason,
        post.details,
        taken_from(post.problem, ProblemRecord),
        grounds_record(post.grounds),
    )


def grounds_record(grounds: Grounds | Absent) -> GroundsRecord | Absent:
    """What is wrong with a post."""
    return grounds if isinstance(grounds, Absent) else taken_from(grounds, GroundsRecord)


def ledger_record(ledger: SiteLedger) -> LedgerRecord:
    """One site's part of the ledger."""
    return LedgerRecord(
        ledger.site.name,
        going_out_records(ledger.still_going_out),
        tuple(taken_from(entry, EntryRecord) for entry in ledger.entries),
        tuple(taken_from(note, ProblemRecord) for note in ledger.notes),
        None if ledger.error is None else taken_from(ledger.error, ProblemRecord),
        ledger.interrupted,
        tuple(taken_from(problem, ProblemRecord) for problem in ledger.in_doubt) or ABSENT,
    )


def ledger_of(plan: Plan, result: ActionResult, why: Diagnostic, *, interrupted: bool = False) -> SiteLedger:
    """The ledger of a site all of whose actions ended alike, for the same reason."""
    entries = tuple(Entry.not_done(action.address, action.operation, result, why) for action in plan.actions)
    going_out = still_going_out(plan, unstopped(plan, entries))
    return SiteLedger(
        plan.site,
        entries,
        interrupted=interrupted,
        still_going_out=going_out,
        time_zone=plan.time_zone,
        in_doubt=in_doubt(plan),
    )
