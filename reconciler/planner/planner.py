"""make_plan: the parts of a site in their order, then the guards."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.address import Kind
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.operations import AwaitGeneration
from reconciler.model.sites import Bindings, DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.activities import defer_activities, plan_activities
from reconciler.planner.events import EventsPart, plan_events
from reconciler.planner.generation import GenerationPart, inputs_of, plan_generation
from reconciler.planner.guards import judge_expectations
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.posts import defer_posts, plan_posts
from reconciler.planner.settings import plan_settings


def make_plan(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions) -> Plan:
    """What would make the site what its file says, as a value; nothing has been written when it exists.

    The order within a site: events, settings, generation, activities, posts, schedule (product.md 3.2).
    Parts that were not read are not planned; `needs.py` says which those may be.
    """
    scope = scope_of(observed, options)
    events = _events(desired, observed, recorded, scope)
    settings: tuple[Action, ...] = ()
    if desired.settings and observed.settings is not None:
        settings = plan_settings(desired.settings, observed.settings, scope)
    generation = _generation(desired, observed, recorded, events, options, scope)
    before = Plan(
        site=desired.ref,
        actions=(*(events.actions if events else ()), *settings, *generation.actions),
        blocked=generation.blocked,
        refusals=(*judge_expectations(desired, observed, scope), *generation.refusals),
        notes=generation.notes,
        inputs=inputs_of(desired),
        taken_in_force=generation.taken_in_force,
        bindings=Bindings(event_ids=events.event_ids if events else ()),
        time_zone=scope.zone.key,
        config=desired.digest,
    )
    if observed.marketing_plan is None or generation.gone:
        return before
    if generation.renewed:
        promises = (*defer_activities(desired.activities, scope), *defer_posts(desired.posts, scope))
        return replace(before, actions=(*before.actions, *promises))
    return _with_content(before, desired, observed, recorded, scope)


def _events(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> EventsPart | None:
    if desired.events is None or observed.events is None:
        return None
    return plan_events(desired.events, observed.events, recorded, scope)


def _generation(
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    events: EventsPart | None,
    options: PlanOptions,
    scope: Scope,
) -> GenerationPart:
    if observed.marketing_plan is None:
        return GenerationPart()
    if desired.marketing_plan is not None:
        return plan_generation(desired, observed, recorded, events, options, scope)
    if observed.marketing_plan.status is PlanStatus.GENERATING:
        # Not ours to generate, but activities and posts wait for it all the same.
        wait = Action(scope.address(Kind.MARKETING_PLAN), AwaitGeneration(), Reason.UNDER_WAY)
        return GenerationPart((wait,), renewed=True)
    return GenerationPart()


def _with_content(
    before: Plan, desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> Plan:
    """The plan with activities and posts, for a marketing plan whose activities are known."""
    assert observed.marketing_plan is not None
    past = observed.past_activities
    activities = plan_activities(desired.activities, observed.marketing_plan.activities, past, recorded, scope)
    posts = plan_posts(desired.posts, activities.projected, activities.created, past, recorded, scope)
    return replace(
        before,
        actions=(
            *before.actions,
            *(action for _, action in activities.actions),
            *(action for _, action in posts.actions),
        ),
        refusals=(*before.refusals, *activities.refusals, *posts.refusals),
        bindings=replace(before.bindings, sets=activities.sets, created=activities.made),
    )
