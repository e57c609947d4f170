"""Runs the actions of a plan in order, and skips what needed one that did not end well."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import assert_never

from reconciler.api.calls import BATCH
from reconciler.api.errors import ApiError
from reconciler.executor.deferral import undefer
from reconciler.executor.events import Emit
from reconciler.executor.generation import await_generation, generate
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.ports import ApplyOptions, Ports
from reconciler.executor.posts import make_posts
from reconciler.executor.publishing import schedule
from reconciler.executor.readback import read_back
from reconciler.executor.remember import settle
from reconciler.executor.run import Run
from reconciler.executor.single import perform_single
from reconciler.model.address import Kind
from reconciler.model.diagnostics import UsageError
from reconciler.model.operations import (
    AwaitGeneration,
    AwaitPosts,
    CancelPost,
    ClearPosts,
    CreateActivity,
    CreateEvent,
    Deferred,
    DeleteActivity,
    DeleteEvent,
    DeleteMarketingPlan,
    Generate,
    GeneratePosts,
    Regenerate,
    RegeneratePosts,
    ReschedulePost,
    SchedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
)
from reconciler.planner.actions import Action, Plan

INTERRUPTED = "the run was stopped"


async def apply_plan(plan: Plan, ports: Ports, options: ApplyOptions, emit: Emit) -> SiteLedger:
    """Carries out a plan for one site, and says what was done, what was not, and what is not known.

    An error of a read, of the state or of a credential ends this site: what is left is not started, and the
    ledger says why.
    Refusals in the plan are the caller's to judge; nothing here asks for them. With an empty plan, what the
    plan found out is noted all the same. Cancelled, it ends at once with CancelledError; the journal has the
    call that was in flight.
    """
    run = Run(plan, ports, options, emit)
    queue = deque(plan.actions)
    error: str | None = None
    try:
        await settle(plan, ports)
        await _work(run, queue)
        if run.written() and not run.interrupted:
            await read_back(run)
        if not run.interrupted:
            await run.settle_rules()
    except (ApiError, UsageError) as failed:
        error = str(failed)
    for action in queue:
        if not run.has_ended(action):
            run.give_up(action, error or INTERRUPTED)
    return run.ledger(error)


async def _work(run: Run, queue: deque[Action]) -> None:
    """Takes actions off the queue once they are over; what an error leaves there has no end yet."""
    part: Kind | None = None
    while queue:
        if run.stopped():
            return
        if queue[0].address.kind is not part:
            part = queue[0].address.kind
            run.view.forget()
        batch = _batch(queue)
        more = await _step(run, batch)
        for _ in batch:
            queue.popleft()
        if run.interrupted:
            queue.extendleft(one for one in reversed(batch) if not run.has_ended(one))
        queue.extendleft(reversed(more))


def _batch(queue: deque[Action]) -> tuple[Action, ...]:
    """The actions at the head of the queue that go together."""
    match queue[0].operation:
        case GeneratePosts() | RegeneratePosts() | AwaitPosts():
            kinds = GeneratePosts | RegeneratePosts | AwaitPosts
            return tuple(takewhile(lambda one: isinstance(one.operation, kinds), queue))
        case SchedulePost():
            return tuple(takewhile(lambda one: isinstance(one.operation, SchedulePost), queue))[:BATCH]
        case _:
            return (queue[0],)


async def _step(run: Run, batch: tuple[Action, ...]) -> tuple[Action, ...]:
    """Carries out one batch; gives back the actions that are to follow at once."""
    action = batch[0]
    match action.operation:
        case GeneratePosts() | RegeneratePosts() | AwaitPosts():
            await make_posts(run, batch)
        case SchedulePost():
            await schedule(run, batch)
        case _ if run.held_back(action):
            pass
        case Deferred():
            return await undefer(run, action)
        case Generate() | Regenerate():
            await generate(run, action)
        case AwaitGeneration():
            await await_generation(run, action)
        case (
            CreateEvent()
            | UpdateEvent()
            | DeleteEvent()
            | UpdateSettings()
            | DeleteMarketingPlan()
            | CreateActivity()
            | UpdateActivity()
            | DeleteActivity()
            | ClearPosts()
            | ReschedulePost()
            | CancelPost()
        ):
            await perform_single(run, action)
        case _:
            assert_never(action.operation)
    return ()
