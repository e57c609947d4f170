"""What a deferred action turns into once its objects are known."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.operations import Deferred, Part
from reconciler.model.sites import Bindings, ObservedSite, RecordedSite
from reconciler.planner.actions import Action, Blocked, Plan, Refusal
from reconciler.planner.activities import plan_activities
from reconciler.planner.options import PlanOptions, scope_of
from reconciler.planner.posts import plan_posts


@dataclass(frozen=True, slots=True)
class Resolved:
    """The actions of one deferred action, at most as many as it promised; `bindings` are to be remembered."""

    actions: tuple[Action, ...]
    blocked: tuple[Blocked, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    bindings: Bindings = Bindings()


def resolve(
    action: Action, plan: Plan, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions
) -> Resolved:
    """Works a deferred action out against the site as it is now. `plan` is the one it stands in."""
    deferred = action.operation
    assert isinstance(deferred, Deferred)
    assert plan.site == observed.ref
    scope = scope_of(observed, options)
    activities = observed.marketing_plan.activities if observed.marketing_plan else ()
    bindings = Bindings()
    if deferred.part is Part.ACTIVITIES:
        part = plan_activities(deferred.activity_rules, activities, observed.past_activities, recorded, scope)
        found = [one for index, one in part.actions if index == deferred.rule]
        refusals = part.refusals
        bindings = Bindings(sets=part.sets, created=part.made)
    else:
        posts = plan_posts(deferred.posts_rules, activities, (), observed.past_activities, recorded, scope)
        found = [one for index, one in posts.actions if index == deferred.rule]
        refusals = posts.refusals
    mine = tuple(one for one in refusals if one.address == action.address)
    if mine:
        return Resolved((), refusals=mine)
    return Resolved(tuple(found[: deferred.at_most]), bindings=bindings)
