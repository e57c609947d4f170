"""Posts that still go out after a run although they are no longer wanted: first in its ledger (design.md 1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.schedule import CancelPost, ReschedulePost
from reconciler.planner.actions import Action, Plan, StillGoingOut
from reconciler.planner.unstopped import beyond_the_plan, not_stopped

OVER: Final = frozenset(
    {PostStatus.DRAFT, PostStatus.CANCELED, PostStatus.DELETED, PostStatus.PUBLISHED, PostStatus.FAILED}
)
"""Statuses of a post that is no longer waiting to go out."""


def still_going_out(
    plan: Plan, unstopped: Mapping[Action, Diagnostic], live: Mapping[PostId, Post | None] | None = None
) -> tuple[StillGoingOut, ...]:
    """The posts that the plan could not stop, and those that the run failed to stop and why, soonest first.

    `live` are the posts as they were read at the end; None means they were not read, so what was not stopped goes out.
    """
    found = [_not_stopped(action, problem, live or {}) for action, problem in unstopped.items()]
    last = datetime.max.replace(tzinfo=UTC)
    all_of_them = (*beyond_the_plan(plan), *(post for post in found if post is not None))
    return tuple(sorted(all_of_them, key=lambda post: (post.moment or last, post.address)))


def _not_stopped(action: Action, problem: Diagnostic, live: Mapping[PostId, Post | None]) -> StillGoingOut | None:
    """The post that an action should have stopped, if it still goes out."""
    operation = action.operation
    assert isinstance(operation, CancelPost | ReschedulePost)
    if operation.post not in live:
        return not_stopped(action, problem)
    post = live[operation.post]
    if post is None or post.status in OVER:
        return None
    if isinstance(operation, ReschedulePost) and post.scheduled_for not in (None, operation.before):
        return None  # somebody moved it, and the next plan decides where to
    return not_stopped(action, problem, post)
