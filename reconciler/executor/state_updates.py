"""What the state records once it is known how a call ended, and what a plan found out."""

from __future__ import annotations

from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.base import OutcomeContext
from reconciler.executor.ports import ApplyOptions, Journal, Ports
from reconciler.executor.snapshot import Snapshot
from reconciler.model.failures import Failure
from reconciler.model.journal import OpenEntry
from reconciler.model.notes import AppliedValues, Bound, Consumed, InputsGeneratedFrom, InputsPending, Scheduled
from reconciler.model.outcomes import Done, NotDone, Outcome
from reconciler.model.sites import Bindings, Inputs
from reconciler.planner.actions import Plan


async def conclude(
    journal: Journal,
    entry: OpenEntry,
    outcome: Outcome,
    found: Snapshot | None = None,
    options: ApplyOptions | None = None,
    zone: str | None = None,
) -> None:
    """Records what an outcome means for later runs, then the outcome itself.

    Because of this order, if a run dies in between, the next one finds the entry open and records it again. The
    other arguments are what is known by then: see `OutcomeContext`.
    """
    kind, operation = kind_of(entry.operation), entry.operation
    context = OutcomeContext(journal.recorded, found, options, zone)
    left = Bindings()
    if isinstance(outcome, Done):
        left = kind.leaves(operation, entry, outcome, context)
    elif isinstance(outcome, NotDone):
        left = kind.leaves_if_not_done(operation, entry, Failure.of(outcome.problem, outcome.asked), journal.recorded)
    if left != Bindings():
        journal.note(Bound(left))
    if isinstance(outcome, Done):
        activity = kind.spoils(operation)
        if entry.decided is not None and activity is not None:
            journal.note(Consumed(activity, entry.decided.decision, entry.decided.digest))
        if (published := kind.published(operation, entry, context)) is not None:
            journal.note(Scheduled(published))
    await journal.end(entry, outcome)


def note_part(journal: Journal, entry: OpenEntry, found: Snapshot) -> None:
    """Records what a call that was only partly done has left behind, judging by what is there now."""
    kind = kind_of(entry.operation)
    left = kind.leaves_in_part(entry.operation, entry, found, journal.recorded)
    if left != Bindings():
        journal.note(Bound(left))


def record_findings(plan: Plan, ports: Ports) -> None:
    """Records what a plan found out, before anything is written.

    This covers identities, what is already as the files ask, and what a marketing plan is taken to be made from if no
    generation by this tool is recorded for it.
    """
    journal = ports.journal
    if plan.bindings != Bindings():
        journal.note(Bound(plan.bindings))
    as_asked = _found_as_asked(plan)
    if as_asked != Inputs():
        journal.note(AppliedValues(as_asked))
    coming = any(action.operation.renews for action in plan.actions)
    if plan.adopted_inputs is not None and not coming and plan.adopted_inputs != journal.recorded.generated_from:
        _adopt(plan.adopted_inputs, journal)


def _adopt(inputs: Inputs, journal: Journal) -> None:
    # What is pending stays pending: nothing was generated from it.
    pending = journal.recorded.pending
    if pending is None:
        journal.note(InputsGeneratedFrom(inputs))
    else:
        journal.note(InputsPending(pending, inputs))


def _found_as_asked(plan: Plan) -> Inputs:
    """The inputs that no action changes and nothing blocks: they were found to be as the files ask."""
    changing = (action for action in plan.actions if action.operation.feeds_generation)
    changes = ((action.address, action.operation.changes) for action in changing)
    return plan.inputs.without(changes, (item.about for item in plan.blocked))
