"""Drafts that are ready to go out, but wait for a regeneration that `--target` or `--exclude` leaves out."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.marketing_plan import Regenerate, When
from reconciler.model.posts import name_of
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import BlockedBy, Plan, blocked
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.schedule import HELD_BACK, no_publish_notes
from reconciler.planner.targets import SiteLabels, TargetFilter, apply_targets, keeps

_CAUSE: Final = "the marketing plan is to be regenerated first, and --target or --exclude leaves that out"
_FIX: Final = (
    "to keep the marketing plan and schedule its drafts, write `when: never` under marketingPlan.regenerate; "
    "to regenerate it, run `apply` without --target and --exclude"
)


def with_drafts_kept_back(
    plan: Plan,
    targets: TargetFilter,
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    options: PlanOptions,
) -> Plan:
    """The plan of a whole site, which also blocks drafts if targets select them but leave out the regeneration.

    A draft that something else keeps from going out is blocked for that reason instead. Without targets, the plan lists
    these drafts as discarded by the regeneration. If somebody asked for the regeneration, leaving it out is an error
    that ends the run.
    """
    if options.regenerate or desired.marketing_plan is None or not _regenerates(plan):
        return plan
    site = SiteLabels(desired.ref.name, desired.labels)
    if _regenerates(apply_targets(plan, targets, site)):
        return plan
    kept = replace(desired, marketing_plan=replace(desired.marketing_plan, when=When.NEVER))
    instead = make_plan(kept, observed, recorded, replace(options, publish=True))
    wanted = keeps(targets, site)
    said = {problem.address for problem in plan.blocked} | {action.address for action in plan.actions}
    found = (
        *(problem for problem in instead.blocked if problem.about.kind is Kind.DRAFT and problem.address not in said),
        *(
            blocked(action.address, BlockedBy.REGENERATION_FIRST, _CAUSE, _FIX, name_of(action.operation))
            for action in instead.actions
            if isinstance(action.operation, SchedulePost)
        ),
    )
    found = tuple(problem for problem in found if wanted(problem.about))
    if options.publish:
        return replace(plan, blocked=(*plan.blocked, *found))
    held = no_publish_notes((), observed, len({problem.about for problem in found}))
    return replace(plan, notes=(*(note for note in plan.notes if note.code != HELD_BACK), *held))


def _regenerates(plan: Plan) -> bool:
    return any(isinstance(action.operation, Regenerate) for action in plan.actions)
