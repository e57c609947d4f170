"""A site's plan as the records of the JSON formats."""

from __future__ import annotations

from msgspec import field

from reconciler.engine.run_ledger import GoingOutRecord, GroundsRecord, going_out_records, grounds_record
from reconciler.engine.site_results import SitePlanned
from reconciler.model.address import Address, SiteName
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.codec import taken_from
from reconciler.model.diagnostics import ProblemRecord
from reconciler.model.frozen import Joined, Struct
from reconciler.model.operations import class_of
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, InReview, Plan, Reason
from reconciler.reporters.context import CallsOf
from reconciler.reporters.diagnostics import problem_records
from reconciler.reporters.kinds.base import WriteRecord
from reconciler.reporters.kinds.registry import precondition, write_record


class DiscardedRecord(Struct, frozen=True):
    """A draft that is thrown away."""

    post: str
    title: str
    channel: str
    type: str
    approved: bool


class ToReviewRecord(Struct, frozen=True):
    """A draft that waits for review."""

    address: Address
    post: str
    channel: str
    type: str
    title: str
    state: InReview
    is_stuck: bool = field(name="stuck")


class ActionRecord(Struct, frozen=True):
    """A write at an address, with its reason."""

    address: Address
    verb: Verb
    allowed_by: ActionClass = field(name="class")
    reason: Reason
    details: tuple[str, ...] = field(name="because")
    grounds: GroundsRecord | Absent = ABSENT


class ActionDetails(Struct, frozen=True):
    """What only some actions have, and what `--explain` adds to each."""

    discards: tuple[DiscardedRecord, ...] | Absent = ABSENT
    calls: tuple[str, ...] | Absent = ABSENT
    requires: tuple[str, ...] | Absent = ABSENT


class ActionJson(Joined):
    """A write at an address, with its reason and all its details."""

    of = (ActionRecord, WriteRecord, ActionDetails)


class PlannedRecord(Struct, frozen=True):
    """A site's plan."""

    site: SiteName
    still_going_out: tuple[GoingOutRecord, ...]
    actions: tuple[ActionJson, ...]
    blocked: tuple[ProblemRecord, ...]
    refusals: tuple[ProblemRecord, ...]
    notes: tuple[ProblemRecord, ...]
    to_review: tuple[ToReviewRecord, ...]
    reads: tuple[str, ...] | Absent = ABSENT


def planned_record(planned: SitePlanned, calls_of: CallsOf | None = None) -> PlannedRecord:
    """A site's plan."""
    plan = planned.plan
    return PlannedRecord(
        plan.site.name,
        going_out_records(plan.still_going_out),
        tuple(action_record(action, plan, calls_of) for action in plan.actions),
        problem_records(plan.blocked),
        problem_records(plan.refusals),
        problem_records(plan.notes),
        tuple(taken_from(draft, ToReviewRecord) for draft in plan.to_review),
        planned.reads if calls_of else ABSENT,
    )


def action_record(action: Action, plan: Plan, calls_of: CallsOf | None = None) -> ActionJson:
    """An action: what, where, why, and with `--explain` how."""
    operation = action.operation
    discards = plan.discarded_by(operation) if operation.throws_away else None
    return ActionJson(
        ActionRecord(
            action.address,
            operation.verb,
            class_of(operation),
            action.reason,
            action.details,
            grounds_record(action.grounds),
        ),
        write_record(operation),
        ActionDetails(
            ABSENT if discards is None else tuple(taken_from(draft, DiscardedRecord) for draft in discards),
            calls_of(operation, plan.site) if calls_of else ABSENT,
            tuple(map(precondition, action.requires)) if calls_of else ABSENT,
        ),
    )
