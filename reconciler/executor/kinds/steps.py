"""The kinds with steps of their own: how their writes are carried out, and undone if the result is not as approved.

The other writes are one call each (simple.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from msgspec import Struct

from reconciler.api.calls import BATCH
from reconciler.executor.deferral import expand_deferred
from reconciler.executor.kinds.marketing_plan.generation import generate_or_wait
from reconciler.executor.kinds.posts.new_posts import make_posts
from reconciler.executor.kinds.schedule.publishing import schedule_drafts
from reconciler.executor.kinds.schedule.swapped import cancel_if_swapped
from reconciler.executor.run import CancelIfSwapped, SiteRun
from reconciler.executor.simple import perform_simple
from reconciler.model.address import Kind
from reconciler.model.operations import Operation
from reconciler.planner.actions import Action


class ActionStep(Struct, frozen=True):
    """How actions are carried out: up to `together` in a row (None: all). `carry_out` returns what comes next."""

    carry_out: Callable[[SiteRun, tuple[Action, ...]], Awaitable[tuple[Action, ...] | None]]
    together: int | None = 1


ONE_CALL: Final = ActionStep(perform_simple)

STEPS: Final[Mapping[Kind, ActionStep]] = {
    Kind.MARKETING_PLAN: ActionStep(generate_or_wait),
    Kind.POSTS: ActionStep(make_posts, together=None),
    Kind.DRAFT: ActionStep(schedule_drafts, together=BATCH),
    Kind.RULE: ActionStep(expand_deferred),
}
"""The steps of the kinds, for those of their writes that are not done at once (`Write.at_once`)."""

CANCEL_IF_SWAPPED: Final[Mapping[Kind, CancelIfSwapped]] = {Kind.DRAFT: cancel_if_swapped}


def step_of(operation: Operation) -> ActionStep:
    """The step that carries out an operation."""
    return ONE_CALL if operation.at_once else STEPS[operation.kind]
