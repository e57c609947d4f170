"""Runs the actions of a plan in order, and skips those that needed an action which failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from msgspec.structs import replace

from reconciler.api.calls import BATCH
from reconciler.api.errors import ApiError
from reconciler.executor.deferral import expand_deferred
from reconciler.executor.events import EmitProgress
from reconciler.executor.generation import await_generation, generate
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.new_posts import make_posts
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.executor.problems import diagnostic_of
from reconciler.executor.publishing import schedule
from reconciler.executor.readback import read_back
from reconciler.executor.run import SiteRun
from reconciler.executor.simple import perform_simple
from reconciler.executor.state_updates import record_findings
from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.marketing_plan import AwaitGeneration, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation
from reconciler.model.outcomes import Trouble
from reconciler.model.posts import AwaitPosts, GeneratePosts, RegeneratePosts
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.planner.actions import Action, Plan

INTERRUPTED = Diagnostic(Trouble.STOPPED, "the run was stopped")


async def apply_plan(plan: Plan, ports: Ports, options: ApplyOptions, emit: EmitProgress) -> SiteLedger:
    """Carries out a plan for one site, and returns what was done, what was not, and what is not known.

    An error of a read, of the state or of a credential ends this site: what is left is not started, and the ledger says
    why. Refusals in the plan are not checked here: the caller does that. Even with an empty plan, what the plan found
    out is recorded. If cancelled, it ends at once with CancelledError; the journal has the call that was in flight.
    """
    run = SiteRun(plan, ports, options, emit)
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
            run.give_up(action, replace(error, fix="", place=None) if error else INTERRUPTED)
    return await run.ledger(error)


async def _close(run: SiteRun, error: Diagnostic | None) -> Diagnostic | None:
    """Makes every note durable, whatever ended the run. Only the first error is raised."""
    try:
        await run.journal.close()
    except UsageError as failed:
        return error or diagnostic_of(failed, run.site.name)
    return error


async def _work(run: SiteRun) -> None:
    """Takes actions off the queue once they are over; actions that an error leaves there have not ended."""
    part: Kind | None = None
    while queue := run.queue:
        if run.stopped():
            return
        if _rests_on_what_was_written(run, queue[0]):
            await read_back(run)
        if queue[0].address.kind is not part:
            part = queue[0].address.kind
            run.cache.forget()
        batch = _batch(queue)
        more = await _step(run, batch)
        left = [action for action in batch if not run.has_ended(action)] if run.interrupted else []
        queue[: len(batch)] = [*more, *left]


def _rests_on_what_was_written(run: SiteRun, action: Action) -> bool:
    """Whether writes must be read back first: cancels before anything else, inputs before a generation uses them."""
    if isinstance(action.operation, Generate | Regenerate):
        return True
    return run.has_written(CancelPost) and not isinstance(action.operation, CancelPost)


def _batch(queue: Sequence[Action]) -> tuple[Action, ...]:
    """The actions at the head of the queue that are carried out together."""
    if isinstance(queue[0].operation, SchedulePost):
        return _head(queue, SchedulePost)[:BATCH]
    if isinstance(queue[0].operation, GeneratePosts | RegeneratePosts | AwaitPosts):
        return _head(queue, GeneratePosts, RegeneratePosts, AwaitPosts)
    return (queue[0],)


def _head(queue: Iterable[Action], *kinds: type[Operation]) -> tuple[Action, ...]:
    return tuple(takewhile(lambda action: isinstance(action.operation, kinds), queue))


async def _step(run: SiteRun, batch: tuple[Action, ...]) -> tuple[Action, ...]:
    """Carries out one batch; returns the actions that follow immediately."""
    action = batch[0]
    match action.operation:
        case GeneratePosts() | RegeneratePosts() | AwaitPosts():
            await make_posts(run, batch)
        case SchedulePost():
            await schedule(run, batch)
        case _ if run.skip_if_blocked(action):
            pass
        case Deferred():
            return run.promise(await expand_deferred(run, action))
        case Generate() | Regenerate():
            await generate(run, action)
        case AwaitGeneration():
            await await_generation(run, action)
        case simple:
            await perform_simple(run, action, simple)
    return ()
