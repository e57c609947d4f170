"""Whether it is certain that nothing on a site goes public, neither through its plan nor by itself."""

from __future__ import annotations

from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.posts import PostId
from reconciler.model.sites import ObservedSite, RecordedSite
from reconciler.model.writes import Verb
from reconciler.planner.actions import Plan
from reconciler.planner.used_approvals import scheduled_by_us
from reconciler.planner.waiting_posts import may_go_out

PUBLIC = frozenset({Verb.PUBLISH, Verb.CANCEL})
"""Calls about posts that go out. If the outcome of one is unknown, its post may still be scheduled."""


def nothing_public(observed: ObservedSite, recorded: RecordedSite, plan: Plan) -> bool:
    """Whether nothing on a site goes public, however much of its plan is carried out. False if that is not certain.

    A deferred action counts as what it turns into. A marketing plan that was not read, or that shows no activities,
    does not tell what is scheduled, so the answer is False. Every post that the state has as scheduled must have been
    read and found not to be waiting.
    """
    if plan.refusals or plan.still_going_out or any(action.operation.verb in PUBLIC for action in plan.actions):
        return False
    live = observed.marketing_plan
    if live is None or not (live.status is PlanStatus.NEVER_CREATED or _shows_all(live)):
        return False
    if any(entry.may_have(*PUBLIC) for entry in recorded.open):
        return False
    posts = [*observed.posts, *(post for _, post in observed.items if post is not None)]
    if any(may_go_out(post) for post in posts):
        return False
    over = {outcome.post for outcome in recorded.outcomes}
    seen: set[PostId] = {post.id for post in posts} | {id for id, _ in observed.items}
    return scheduled_by_us(recorded) <= over | seen


def _shows_all(live: MarketingPlan) -> bool:
    return live.status is PlanStatus.ACTIVE and live.shows_activities
