"""An audit: desired, last applied and live compared with each other (design.md 3.6). Nothing here asks for a write.

What differs from the file is what the plan would change; what was last applied tells which side moved. Activities,
posts and drafts are in drift_content.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.marketing_plan import AwaitGeneration, MarketingPlan, PlanStatus, When
from reconciler.model.posts import PostId, PostStatus, Unrecognised
from reconciler.model.settings import MarketingSettings, same_setting
from reconciler.model.sites import DesiredSite, ObservedSite, PublishedPost, RecordedSite, name_of_input
from reconciler.planner.actions import Plan
from reconciler.planner.baseline import ABSENT_NOW, key_of, knows_marketing_plan
from reconciler.planner.changes import changed_fields
from reconciler.planner.drift_content import content_items, waiting_items
from reconciler.planner.drift_events import event_drift, is_as_declared
from reconciler.planner.drift_problem import with_problem
from reconciler.planner.drift_report import (
    ChangedSide,
    DriftItem,
    DriftReport,
    DriftState,
    FieldDrift,
    Finding,
    GoesOut,
    applied_or_absent,
    of_fields,
    who_moved,
)
from reconciler.planner.events import EventsPart
from reconciler.planner.generation import BASELINES, changed_inputs, generated_from_now, inputs_of
from reconciler.planner.kept import split_kept
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.wanted_posts import account_of, moment_in

CANCELS: Final = frozenset({Finding.TAKEN_BACK, Finding.NOT_WANTED})
"""Findings about posts that the next apply cancels, so they go out until then, even if the site does not show them."""


def find_drift(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, plan: Plan, options: PlanOptions
) -> DriftReport:
    """The state of every managed object of a site. `plan` is the one made from the same sides.

    Parts that were not read are not judged.
    """
    scope = scope_of(observed, recorded, options)
    found: list[DriftItem] = []
    if desired.settings and observed.settings is not None:
        found.append(_settings(desired, observed.settings, recorded, scope))
    if desired.events is not None and observed.events is not None:
        found += event_drift(desired.events, observed.events, recorded, plan, scope)
    live, due = observed.marketing_plan, tuple[str, ...]()
    if live is not None:
        waits = any(isinstance(action.operation, AwaitGeneration) for action in plan.actions)
        if desired.marketing_plan is not None:
            found.append(_marketing_plan(desired, observed, live, recorded, waits, scope))
        elif waits:
            found.append(_generating(scope))
        if live.status is PlanStatus.ACTIVE and not waits:
            content, due = content_items(desired, observed, recorded, plan, scope)
            found += content
        else:
            found += waiting_items(desired, observed, recorded, plan, scope)
    known = _with_posts(_with_blocked(found, plan), desired, observed, recorded)
    items = tuple(with_problem(item, scope.zone_name) for item in known)
    notes = tuple(note for note in plan.notes if note.code not in BASELINES)  # an audit sets no baseline
    return DriftReport(desired.ref, items, due, notes, plan.refusals)


def _with_blocked(found: list[DriftItem], plan: Plan) -> tuple[DriftItem, ...]:
    """Adds what only a person can change.

    It replaces the item of its object, unless that item is pending or says that the site changed.
    """
    blocked = {str(problem.address): problem for problem in plan.blocked}
    items = []
    for item in found:
        kept = item.state is DriftState.PENDING or (
            item.state is DriftState.DRIFTED and item.moved is not ChangedSide.GIT
        )
        problem = blocked.get(str(item.address))
        if problem is None or kept:
            blocked.pop(str(item.address), None)
            items.append(item)
    items += [
        DriftItem(problem.about, DriftState.BLOCKED, Finding.BLOCKED, problem=problem)
        for problem in plan.blocked
        if str(problem.address) in blocked
    ]
    return tuple(items)


def _with_posts(
    items: Iterable[DriftItem], desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite
) -> Iterator[DriftItem]:
    """The items; those of posts with what the site or the state knows: the type, and when and where it goes out."""
    live = {post.id: (activity, post) for activity in observed.activities for post in activity.posts}
    for item in items:
        if item.address.kind is not Kind.DRAFT:
            yield item
            continue
        id = PostId(item.address.key)
        found, last = live.get(id), recorded.last_published.get(id)
        if not item.type:
            item = replace(item, type=found[1].type if found else last.type if last else "")
        if item.state is DriftState.BLOCKED and found and found[1].status is PostStatus.SCHEDULED:
            item = replace(item, title=found[0].title, channel=found[1].channel)  # it is not a draft
        tells = item.going_out is not None or (item.problem is not None and item.problem.name)
        tells = tells and item.finding is not Finding.CHANNEL_LOST
        if item.state is not DriftState.DRIFTED or tells:
            yield item
        elif found is None:
            yield replace(item, goes_out=_as_scheduled(last)) if item.finding in CANCELS and last else item
        elif found[1].status is PostStatus.SCHEDULED:
            activity, post = found
            at, account = moment_in(activity, post), account_of(post, desired.approvals, recorded)
            goes_out = GoesOut(None if item.about else at, post.scheduled_for is not None, account)
            yield replace(item, goes_out=goes_out)
        else:
            yield item


def _as_scheduled(last: PublishedPost) -> GoesOut:
    """A post that the site does not show, as the state knows it."""
    at = last.scheduled_for or last.date
    return GoesOut(at, last.scheduled_for is not None, last.account or "")


# --- settings --------------------------------------------------------------------------------------


def _settings(desired: DesiredSite, live: MarketingSettings, recorded: RecordedSite, scope: Scope) -> DriftItem:
    fields = []
    for change in split_kept("", changed_fields(desired.settings, live), recorded)[0]:
        last = recorded.applied.setting(change.path)
        in_git = last is None or not same_setting(change.path, change.after, last[0])
        remotely = last is not None and not same_setting(change.path, change.before, last[0])
        moved = who_moved(in_git, remotely)
        fields.append(FieldDrift(change.path, change.after, change.before, moved, applied_or_absent(last)))
    return of_fields(DriftItem(scope.address(Kind.SETTINGS), DriftState.CONVERGED), tuple(fields))


# --- the marketing plan ----------------------------------------------------------------------------


def _generating(scope: Scope) -> DriftItem:
    return DriftItem(scope.address(Kind.MARKETING_PLAN), DriftState.PENDING, Finding.GENERATING)


def _marketing_plan(
    desired: DesiredSite,
    observed: ObservedSite,
    live: MarketingPlan,
    recorded: RecordedSite,
    waits: bool,
    scope: Scope,
) -> DriftItem:
    wanted = desired.marketing_plan
    assert wanted is not None
    address, last = scope.address(Kind.MARKETING_PLAN), recorded.object(key_of(Kind.MARKETING_PLAN))
    had = knows_marketing_plan(recorded)
    there = live.status is not PlanStatus.NEVER_CREATED
    if waits or live.status is PlanStatus.GENERATING:
        return _generating(scope)
    if not wanted.present:
        if not there:
            return DriftItem(address, DriftState.CONVERGED)
        moved = who_moved(last != ABSENT_NOW, last == ABSENT_NOW)
        return DriftItem(address, DriftState.DRIFTED, Finding.UNWANTED, moved)
    match live.status:
        case PlanStatus.NEVER_CREATED:
            finding = Finding.DELETED if had else Finding.MISSING
        case PlanStatus.INACTIVE:
            finding = Finding.INACTIVE
        case PlanStatus.FAILED:
            finding = Finding.FAILED
        case PlanStatus.ACTIVE | PlanStatus.GENERATING | Unrecognised():
            return _active(desired, observed, recorded, scope)
        case _:
            assert_never(live.status)
    return DriftItem(address, DriftState.DRIFTED, finding, who_moved(not had, had))


def _active(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope) -> DriftItem:
    """An ACTIVE marketing plan: pending as long as something saved on the site has not been generated from.

    What is not saved yet is reported as drift of the settings or of an event, and not a second time here.
    """
    address, inputs = scope.address(Kind.MARKETING_PLAN), inputs_of(desired, scope.now)
    wanted = desired.marketing_plan
    assert wanted is not None
    if recorded.generated_from is None and recorded.pending is None:
        return DriftItem(address, DriftState.CONVERGED)
    changed = changed_inputs(inputs, generated_from_now(inputs, observed, EventsPart(), recorded), frozenset())
    saved = tuple(path for path in changed if _is_saved(path, desired, observed, recorded))
    if not saved:
        return DriftItem(address, DriftState.CONVERGED)
    never = Diagnostic.note(
        "never-regenerated",
        "`regenerate.when` is `never`",
        f"run `reconciler apply --regenerate {scope.site}` to generate from it",
    )
    problem = None if wanted.when is When.ON_CHANGE else never
    return DriftItem(address, DriftState.PENDING, Finding.NOT_IN_FORCE, about=saved, problem=problem)


def _is_saved(path: str, desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite) -> bool:
    """Whether the site has this input as the file asks."""
    if (name := name_of_input(path)) is not None:
        if desired.events is None or observed.events is None:
            return False
        return is_as_declared(name, desired.events, observed.events, recorded)
    wanted = next((field.value for field in desired.settings if field.path == path), ABSENT)
    return observed.settings is not None and same_setting(path, wanted, observed.settings.value_of(path))
