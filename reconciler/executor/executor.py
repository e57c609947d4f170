"""Runs the actions of a plan in order, and skips those that needed an action which failed."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, takewhile

from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.executor.events import EmitProgress
from reconciler.executor.kinds.steps import CANCEL_IF_SWAPPED, ActionStep, step_of
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.executor.problems import diagnostic_of
from reconciler.executor.readback import read_back
from reconciler.executor.run import SiteRun
from reconciler.executor.state_updates import record_findings
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.outcomes import Trouble
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, Plan
from reconciler.state.errors import of_any_site

INTERRUPTED = Diagnostic(Trouble.STOPPED, "the run was stopped")


async def apply_plan(plan: Plan, ports: Ports, options: ApplyOptions, emit: EmitProgress) -> SiteLedger:
    """Carries out a plan for one site, and returns what was done, what was not, and what is not known.

    An error of a read, of the state or of a credential ends the run for this site: what is left is not started, and the
    ledger says why. Refusals in the plan are not checked here: the caller does that. Even with an empty plan, what the
    plan found out is recorded. If cancelled, it ends at once with CancelledError; the journal has the call that was in
    flight.
    """
    run = SiteRun(plan, ports, options, emit, CANCEL_IF_SWAPPED)
    del plan  # only the run has it from here on, and can put it aside
    error: Diagnostic | None = None
    try:
        record_findings(run.plan, ports)
        await _work(run)
        if not run.interrupted:
            await read_back(run)
            run.complete_rules()
    except (ApiError, UsageError) as failed:
        error = diagnostic_of(failed, run.site.name)
    finally:
        error = await _close(run, error)
    for action in run.queue:
        if not run.has_ended(action):
            run.give_up(action, replace(of_any_site(error), fix="", place=None) if error else INTERRUPTED)
    return await run.ledger(error)


async def _close(run: SiteRun, error: Diagnostic | None) -> Diagnostic | None:
    """Makes every note durable, whatever ended the run, and returns the first error."""
    try:
        await run.journal.close()
    except UsageError as failed:
        return error or diagnostic_of(failed, run.site.name)
    return error


async def _work(run: SiteRun) -> None:
    """Takes actions off the queue once they are over. An error leaves its whole batch there, even what has ended."""
    part: Kind | None = None
    while queue := run.queue:
        if run.stopped():
            return
        if _needs_read_back_first(run, queue[0]):
            await read_back(run)
        if queue[0].address.kind is not part:
            part = queue[0].address.kind
            run.cache.forget()
        step = step_of(queue[0].operation)
        batch = _batch(queue, step)
        more = await step.carry_out(run, batch) or ()
        left = [action for action in batch if not run.has_ended(action)] if run.interrupted else []
        queue[: len(batch)] = [*more, *left]


def _needs_read_back_first(run: SiteRun, action: Action) -> bool:
    """Whether writes must be read back first: cancels before anything else, inputs before a generation uses them."""
    if action.operation.uses_inputs:
        return True
    return run.has_written(Verb.CANCEL) and action.operation.verb is not Verb.CANCEL


def _batch(queue: Iterable[Action], step: ActionStep) -> tuple[Action, ...]:
    """The actions at the head of the queue that one step carries out."""
    return tuple(islice(takewhile(lambda action: step_of(action.operation) is step, queue), step.together))
