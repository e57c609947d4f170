"""What a deferred action turns into once its objects are known."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.schedule import DesiredSchedule, SchedulePost
from reconciler.model.sites import Bindings, ObservedSite, RecordedSite
from reconciler.planner.actions import Action, Plan
from reconciler.planner.activities import plan_activities
from reconciler.planner.baseline import activities_as_asked, posts_as_asked
from reconciler.planner.decisions import discarded
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.posts import plan_posts
from reconciler.planner.schedule import Content, plan_schedule, posts_in, rule_name
from reconciler.planner.waiting_posts import WaitingPart


class ResolvedActions(Struct, frozen=True):
    """The actions of one deferred action, at most as many as its bound. `bindings` are to be recorded."""

    actions: tuple[Action, ...]
    blocked: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    bindings: Bindings = Bindings()


def resolve(
    action: Action, plan: Plan, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions
) -> ResolvedActions:
    """Resolves a deferred action against the site as it is now. `plan` is the plan that contains it."""
    deferred = action.operation
    assert isinstance(deferred, Deferred)
    assert plan.site == observed.ref
    scope = scope_of(observed, recorded, options)
    activities = observed.activities
    bindings = Bindings()
    if deferred.part is SitePart.ACTIVITIES:
        part = plan_activities(deferred.activity_rules, activities, observed.past_activities, recorded, scope)
        found = [action for index, action in part.actions if index == deferred.rule]
        refusals = part.refusals
        there = activities_as_asked(deferred.activity_rules, activities, recorded, scope)
        bindings = Bindings(sets=part.sets, created=part.made, objects=tuple(sorted(there.items())))
    elif deferred.part is SitePart.SCHEDULE:
        return _scheduled(deferred, plan, observed, recorded, options)
    else:
        given_up = discarded(Approvals(), recorded)
        posts = plan_posts(deferred.posts_rules, activities, (), observed.past_activities, recorded, scope, given_up)
        found = [action for index, action in posts.actions if index == deferred.rule]
        refusals = posts.refusals
        there = posts_as_asked(deferred.posts_rules, activities, scope)
        bindings = Bindings(objects=tuple(sorted(there.items())))
    mine = tuple(refusal for refusal in refusals if refusal.address == action.address)
    if mine:
        return ResolvedActions((), refusals=mine)
    return ResolvedActions(tuple(_within(found, deferred.at_most)), bindings=bindings)


def _within(found: list[Action], at_most: int | None) -> Iterator[Action]:
    """The first actions, up to the bound: clearing posts counts once for each draft, everything else once."""
    count = 0
    for action in found:
        count += len(action.operation.discards) if action.operation.only_drafts else 1
        if at_most is not None and count > at_most:
            return
        yield action


def _scheduled(
    deferred: Deferred, plan: Plan, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions
) -> ResolvedActions:
    """The drafts that a rule covers now, except those that the plan itself names: they have already been handled.

    Drafts that are to be absent do not go out, even if a guard has kept them on the site.
    """
    scope = scope_of(observed, recorded, options)
    desired = DesiredSchedule(deferred.schedule_rules, approval_required=False)
    content = _content(deferred, observed, recorded, scope)
    part = plan_schedule(desired, Approvals(), content, WaitingPart(), observed, recorded, options, scope)
    named = posts_in(plan.actions)
    said = {problem.address for problem in plan.blocked}
    found = [
        action
        for rule, action in part.actions
        if rule == deferred.rule and isinstance(action.operation, SchedulePost) and action.operation.post not in named
    ]
    blocked = tuple(problem for rule, problem in part.blocked if rule == deferred.rule and problem.address not in said)
    refusals = tuple(
        refusal for refusal in part.refusals if refusal.address == scope.address(Kind.RULE, rule_name(deferred.rule))
    )
    if refusals:
        return ResolvedActions((), refusals=refusals)
    return ResolvedActions(tuple(found[: deferred.at_most]), blocked)


def _content(deferred: Deferred, observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> Content:
    """The activities that stay, and those that are to have no posts."""
    past = observed.past_activities
    kept = plan_activities(deferred.activity_rules, observed.activities, past, recorded, scope).projected
    ids = {activity.id for activity in kept}
    staying = tuple(activity for activity in observed.activities if activity.id in ids)
    posts = plan_posts(deferred.posts_rules, staying, (), past, recorded, scope)
    return Content(staying, cleared=posts.gone | discarded(Approvals(), recorded), past=past)
