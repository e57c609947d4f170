"""When the marketing plan is generated, regenerated, waited for or deleted (design.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.canonical import Digest, JsonObject, digest_of, freeze, same
from reconciler.model.codec import to_plain
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import Before
from reconciler.model.marketing_plan import (
    AnyPlanStatus,
    AwaitGeneration,
    DeleteMarketingPlan,
    DesiredMarketingPlan,
    Discard,
    DiscardsOnly,
    Generate,
    KeywordResearch,
    MarketingPlan,
    MarketingPlanIs,
    PlanStatus,
    Regenerate,
    When,
)
from reconciler.model.operations import Operation, Precondition
from reconciler.model.plurals import plural
from reconciler.model.posts import Post, PostId, PostStatus
from reconciler.model.schedule import NothingWaits
from reconciler.model.settings import NEEDS_KEYWORD_RESEARCH, Field, MarketingSettings, normal, same_setting
from reconciler.model.sites import DesiredSite, Inputs, ObservedSite, RecordedSite, input_path, name_of_input
from reconciler.model.text import printable
from reconciler.planner.actions import Action, BlockedBy, Reason, blocked
from reconciler.planner.baseline import knows_marketing_plan
from reconciler.planner.events import EventsPart, maybe_created, same_facts, unproven_events, within_reach
from reconciler.planner.matching import in_order
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.posts import WAITING

FIRST_CONTACT: Final = "first-contact"
_FIRST: Final = Diagnostic.note(
    FIRST_CONTACT, "First run on this site: its current settings and events become the baseline."
)
NEW_BASELINE: Final = "new-baseline"
_LATER: Final = Diagnostic.note(NEW_BASELINE, "The current settings and events of this site become the baseline.")

BASELINES: Final = frozenset({FIRST_CONTACT, NEW_BASELINE})
"""The notes that say that the next apply makes what is there now the baseline."""


DUE_ONCE_KNOWN: Final = "due-once-known"
"""The note that a regeneration depends on how an earlier run's call ended."""
UNSEEN_DRAFTS: Final = "unseen-drafts"
"""The note that a plan may throw away drafts that nobody can count: the API shows none, or they are being made."""
AWAITED_DRAFTS: Final = "awaited-drafts"
"""The note that a plan keeps the drafts that a generation under way is still making."""
_ALSO_REGENERATED: Final = Diagnostic.note(
    UNSEEN_DRAFTS,
    "regenerating also discards the drafts of the generation that is under way; it is not known yet how many",
)
_ALSO_DELETED: Final = Diagnostic.note(
    UNSEEN_DRAFTS,
    "deleting the marketing plan also discards the drafts of the generation that is under way; it is not known yet how "
    "many",
)
_NOT_REGENERATED: Final = Diagnostic.note(
    AWAITED_DRAFTS, "regenerating is skipped if the generation that is under way makes drafts (discard: nothing)"
)
_NOT_DELETED: Final = Diagnostic.note(
    AWAITED_DRAFTS,
    "deleting the marketing plan is left to a later apply, because the generation that is under way may make drafts "
    "(discard: nothing)",
)


class GenerationPart(Struct, frozen=True):
    """With `renewed`, the actions replace the activities, so what needs them is deferred; with `gone`, left out.

    `is_put_off`: a regeneration is due, but must not start yet.
    """

    actions: tuple[Action, ...] = ()
    blocked: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    renewed: bool = False
    gone: bool = False
    is_put_off: bool = False
    adopted_inputs: Inputs | None = None


def inputs_of(desired: DesiredSite, now: datetime) -> Inputs:
    """The generation inputs that a file declares, in normal form. Events out of reach do not count."""
    declared = within_reach(desired.events.events, now) if desired.events else ()
    return Inputs(
        settings=tuple(Field(field.path, normal(field.path, field.value)) for field in desired.settings),
        events=tuple(sorted((event.name, event.facts()) for event in declared)),
    )


FAILED_GENERATION: Final = "failed-generation"
"""The key that records what is known of a generation that ended FAILED, until one has succeeded."""


def failed_generation(inputs: Inputs, before: Before) -> JsonObject:
    """The facts under `FAILED_GENERATION`: the inputs of that generation, and what the marketing plan was before it."""
    return JsonObject({"inputs": _digest(inputs), "status": before.status, "contents": before.contents})


def _digest(inputs: Inputs) -> Digest:
    return digest_of(freeze(to_plain(inputs)))


def _ended_late(live: MarketingPlan | None, recorded: RecordedSite) -> bool:
    """Whether a generation that ended FAILED has turned ACTIVE since.

    If the marketing plan was ACTIVE before that generation, nothing that it contained then may be left: otherwise, the
    old one has come back.
    """
    failed, pending = recorded.object(FAILED_GENERATION), recorded.pending
    if not failed or pending is None or live is None or live.status is not PlanStatus.ACTIVE:
        return False
    before, contents = failed.get("contents"), live.contents
    is_new = bool(contents) and isinstance(before, tuple) and contents.isdisjoint(before)
    return failed.get("inputs") == _digest(pending) and (is_new or failed.get("status") != PlanStatus.ACTIVE)


def generated_from_now(inputs: Inputs, observed: ObservedSite, events: EventsPart, recorded: RecordedSite) -> Inputs:
    """What the current generation was made from: as recorded, or the live value of what was never recorded."""
    ours = any(entry.sent and entry.operation.uses_inputs for entry in recorded.open)
    if recorded.pending is not None and (ours or _ended_late(observed.marketing_plan, recorded)):
        return recorded.pending
    known = recorded.generated_from or Inputs()
    live = observed.settings or MarketingSettings()
    kept = {field.path: field.value for field in known.settings}
    for field in inputs.settings:
        if field.path not in kept:
            kept[field.path] = normal(field.path, live.value_of(field.path))
    seen = dict(events.live_facts) | dict(known.events)
    return Inputs(tuple(Field(path, kept[path]) for path in sorted(kept)), tuple(sorted(seen.items())))


def changed_inputs(inputs: Inputs, generated_from: Inputs, pruned: frozenset[str]) -> tuple[str, ...]:
    """The paths of the inputs that differ from those of the last generation, sorted.

    An event that left the file counts only once it also leaves the calendar. A setting that left the file is no longer
    an input.
    """
    settings = {field.path: field.value for field in generated_from.settings}
    events = dict(generated_from.events)
    changed = [
        field.path
        for field in inputs.settings
        if field.path not in settings or not same_setting(field.path, field.value, settings[field.path])
    ]
    changed += [input_path(name) for name, facts in inputs.events if not same_facts(facts, events.get(name))]
    declared = {name for name, _ in inputs.events}
    changed += [input_path(name) for name in events if name in pruned and name not in declared]
    return tuple(sorted(changed))


def upcoming_posts(
    activities: Iterable[Activity], now: datetime, statuses: frozenset[PostStatus] = WAITING
) -> tuple[Post, ...]:
    """The posts of activities that are not past, ordered by activity and post id.

    They are what a regeneration may throw away (D 6.2: it keeps past activities).
    """
    return waiting_posts((activity for activity in activities if activity.date >= now), statuses)


def waiting_posts(activities: Iterable[Activity], statuses: frozenset[PostStatus] = WAITING) -> tuple[Post, ...]:
    """The posts of activities, ordered by activity and post id.

    Those of all activities, past ones included, are what a deletion of the marketing plan may throw away (D 6.2).
    """
    return tuple(
        post
        for activity in in_order(activities)
        for post in sorted(activity.posts, key=lambda post: post.id)
        if post.status in statuses
    )


def plan_generation(
    desired: DesiredSite,
    inputs: Inputs,
    observed: ObservedSite,
    recorded: RecordedSite,
    events: EventsPart,
    options: PlanOptions,
    scope: Scope,
) -> GenerationPart:
    """The generation part of a site whose marketing plan is managed and was read. `inputs` are those it declares."""
    wanted, live = desired.marketing_plan, observed.marketing_plan
    assert wanted is not None
    assert live is not None
    if not wanted.present:
        return _removal(observed, live, wanted.discard, recorded, scope)
    if any(entry.operation.uses_inputs and not entry.sent and scope.may_still_show(entry) for entry in recorded.open):
        # A call was sent and its answer lost: until its effect shows or its time is up, no second call is sent
        # (design.md 3.5).
        shows = live.status is PlanStatus.GENERATING
        wait = waiting(scope, recorded, Reason.UNDER_WAY if shows else Reason.UNCONFIRMED)
        return GenerationPart((wait,), renewed=True)
    unproven = unproven_events(inputs, recorded, events)
    if unproven and live.status in (PlanStatus.NEVER_CREATED, PlanStatus.FAILED, PlanStatus.INACTIVE):
        return GenerationPart(blocked=(_not_generated(unproven, scope),), gone=True)
    match live.status:
        case PlanStatus.NEVER_CREATED:
            gone = knows_marketing_plan(recorded)
            reason = Reason.MARKETING_PLAN_GONE if gone else Reason.NO_MARKETING_PLAN
            return _generation(reason, PlanStatus.NEVER_CREATED, observed, scope)
        case PlanStatus.FAILED:
            return _generation(Reason.GENERATION_FAILED, PlanStatus.FAILED, observed, scope)
        case PlanStatus.INACTIVE:
            return _generation(Reason.INACTIVE, PlanStatus.INACTIVE, observed, scope)
        case PlanStatus.ACTIVE | PlanStatus.GENERATING:
            return _upkeep(inputs, wanted, observed, recorded, events, options, scope)
        case _:
            return on_unknown_status(live, scope)


def on_unknown_status(live: MarketingPlan, scope: Scope) -> GenerationPart:
    """Decides nothing from a status that this version does not know, and says so in the plan (17.1).

    Only a generation that this tool itself is waiting for continues through such a status.
    """
    return GenerationPart(
        blocked=(
            blocked(
                scope.address(Kind.MARKETING_PLAN),
                BlockedBy.UNKNOWN_STATUS,
                f"nothing is planned while the marketing plan has an unknown status ({printable(str(live.status))})",
                "look at it in the dashboard, and run again when it is ready; a newer version may know the status",
            ),
        ),
        gone=True,
    )


def _not_generated(unproven: tuple[str, ...], scope: Scope) -> Diagnostic:
    """Blocks generation: if these events exist but do not show yet, it would have to be repeated later (17.5)."""
    names = ", ".join(printable(f'"{name}"') for name in unproven)
    what = f"the event {names} was created" if len(unproven) == 1 else f"the events {names} were created"
    return blocked(
        scope.address(Kind.MARKETING_PLAN),
        BlockedBy.OUTCOME_UNKNOWN,
        f"nothing is generated until it is known whether {what}",
        "run apply again, which reads the site first; or record with `state resolve` whether each event was created",
    )


def waiting(scope: Scope, recorded: RecordedSite, reason: Reason = Reason.UNDER_WAY) -> Action:
    """The action that waits for a generation that is under way."""
    return Action(scope.address(Kind.MARKETING_PLAN), AwaitGeneration(_replaced(recorded)), reason)


def _replaced(recorded: RecordedSite) -> tuple[PostId, ...]:
    """The drafts that regenerations of earlier runs throw away, unless it is recorded that they ended."""
    started = [entry.operation for entry in recorded.open if isinstance(entry.operation, Regenerate)]
    return tuple(post for operation in started for post in operation.discards)


def _removal(
    observed: ObservedSite, live: MarketingPlan, discard: Discard, recorded: RecordedSite, scope: Scope
) -> GenerationPart:
    if live.status is PlanStatus.NEVER_CREATED:
        return GenerationPart(gone=True)
    address = scope.address(Kind.MARKETING_PLAN)
    discards = tuple(post.id for post in waiting_posts(observed.with_past, frozenset({PostStatus.DRAFT})))
    listed = DiscardsOnly(tuple(post.id for post in waiting_posts(observed.with_past)))
    requires: tuple[Precondition, ...] = (listed, NothingWaits())
    before: tuple[Action, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    if live.status is PlanStatus.GENERATING:
        before, requires = (waiting(scope, recorded),), (NothingWaits(),)
        if discard is Discard.NOTHING:
            # What the generation makes may not be thrown away, and only a later plan can show whether there is any.
            return GenerationPart(before, notes=(_NOT_DELETED,), gone=True)
        notes = (_ALSO_DELETED,)
    elif not observed.with_past:
        notes = _unseen("deleting the marketing plan", live.status)
    delete = Action(address, DeleteMarketingPlan(discards), Reason.ABSENT_WANTED, ("marketingPlan",), requires)
    return GenerationPart((*before, delete), notes=notes, gone=True)


def _generation(reason: Reason, status: PlanStatus, observed: ObservedSite, scope: Scope) -> GenerationPart:
    if observed.published is False:
        return GenerationPart(blocked=(_unpublished(scope),), gone=True)
    action = Action(scope.address(Kind.MARKETING_PLAN), Generate(), reason, requires=(MarketingPlanIs((status,)),))
    notes = () if observed.activities else _unseen("generating", status)
    return GenerationPart((action,), notes=notes, renewed=True)


def _unseen(what: str, status: AnyPlanStatus) -> tuple[Diagnostic, ...]:
    """The note about drafts that a write may throw away while the marketing plan shows none."""
    if status not in (PlanStatus.FAILED, PlanStatus.INACTIVE):
        return ()
    said = f"{what} may discard drafts that cannot be counted: the API shows none while the marketing plan is {status}"
    return (Diagnostic.note(UNSEEN_DRAFTS, said),)


def _unpublished(scope: Scope) -> Diagnostic:
    return blocked(
        scope.address(Kind.MARKETING_PLAN),
        BlockedBy.SITE_NOT_PUBLISHED,
        "the site is not published, so generating would fail or create no posts",
        "publish the site, then run again",
    )


def _upkeep(
    inputs: Inputs,
    wanted: DesiredMarketingPlan,
    observed: ObservedSite,
    recorded: RecordedSite,
    events: EventsPart,
    options: PlanOptions,
    scope: Scope,
) -> GenerationPart:
    live = observed.marketing_plan
    assert live is not None
    under_way = live.status is PlanStatus.GENERATING
    base = generated_from_now(inputs, observed, events, recorded)
    changed = changed_inputs(inputs, base, events.pruned)
    # An input not known to be there is no reason to generate: every run would find that the last generation lacked it.
    doubtful = {input_path(name) for name in maybe_created(recorded)}
    # The same goes for an input that cannot be written.
    doubtful |= {input_path(each.address.key) for each in events.blocked if each.address}
    held, changed = changed, tuple(path for path in changed if path not in doubtful)
    notes: tuple[Diagnostic, ...] = ()
    if recorded.generated_from is None and recorded.pending is None:
        notes = (_LATER if recorded.is_known else _FIRST,)
    wait = (waiting(scope, recorded),) if under_way else ()
    due = bool(changed) and wanted.when is When.ON_CHANGE
    if not due and not options.regenerate:
        if wanted.when is When.ON_CHANGE:
            notes += _due_once_known(maybe_created(recorded) & {name_of_input(path) for path in held}, live, scope)
        return GenerationPart(wait, notes=notes, renewed=under_way, adopted_inputs=base)
    if observed.published is False:
        return GenerationPart(wait, blocked=(_unpublished(scope),), notes=notes, renewed=under_way, adopted_inputs=base)
    if unproven := unproven_events(inputs, recorded, events):
        waits = (_not_generated(unproven, scope),)
        return GenerationPart(wait, blocked=waits, notes=notes, renewed=under_way, is_put_off=True, adopted_inputs=base)
    saved = all(_is_saved(path, inputs, observed, events) for path in changed)
    action = _regeneration(inputs, wanted, live, recorded, changed, scope, saved=saved, due=due)
    if under_way:
        notes += (_NOT_REGENERATED if wanted.discard is Discard.NOTHING else _ALSO_REGENERATED,)
    return GenerationPart((*wait, action), notes=notes, renewed=True, adopted_inputs=base)


def _due_once_known(names: frozenset[str], live: MarketingPlan, scope: Scope) -> tuple[Diagnostic, ...]:
    """The note that an apply which finds out whether these events were created regenerates the marketing plan too."""
    if not names:
        return ()
    lost = len(_discards(live, scope))
    discards = f", which discards {plural(lost, 'draft')}" if lost else ""
    which = ", ".join(printable(f'"{name}"') for name in sorted(names))
    events = f"events {which} were" if len(names) > 1 else f"event {which} was"
    said = f"once apply has found out whether the {events} created, it regenerates the marketing plan{discards}"
    return (Diagnostic.note(DUE_ONCE_KNOWN, said),)


def _discards(live: MarketingPlan, scope: Scope) -> tuple[PostId, ...]:
    """The drafts that a regeneration throws away."""
    return tuple(post.id for post in upcoming_posts(live.activities, scope.now, frozenset({PostStatus.DRAFT})))


def _is_saved(path: str, inputs: Inputs, observed: ObservedSite, events: EventsPart) -> bool:
    """Whether the site has an input as it is declared."""
    declared, live = dict(inputs.events), dict(events.live_facts)
    if (name := name_of_input(path)) is not None:
        return name in live and same_facts(declared[name], live[name]) if name in declared else name not in live
    settings = observed.settings or MarketingSettings()
    wanted = {field.path: field.value for field in inputs.settings}
    return same_setting(path, wanted[path], settings.value_of(path))


def _regeneration(
    inputs: Inputs,
    wanted: DesiredMarketingPlan,
    live: MarketingPlan,
    recorded: RecordedSite,
    changed: tuple[str, ...],
    scope: Scope,
    *,
    saved: bool,
    due: bool,
) -> Action:
    """The action that regenerates the marketing plan.

    `saved`: the site already has every changed input, so an earlier run saved it. What is pending is recorded before it
    is saved, so the record does not say whether it was. If it is not `due`, it was requested with `--regenerate`.
    """
    discards = _discards(live, scope)
    research = {
        KeywordResearch.ALWAYS: True,
        KeywordResearch.NEVER: False,
        KeywordResearch.AUTO: any(
            path == NEEDS_KEYWORD_RESEARCH or path.startswith(NEEDS_KEYWORD_RESEARCH + ".") for path in changed
        ),
    }[wanted.keyword_research]
    under_way = live.status is PlanStatus.GENERATING
    reason = Reason.INPUTS_CHANGED if due else Reason.ASKED_FOR
    if due and saved and recorded.pending is not None and same_inputs(inputs, recorded.pending):
        reason = Reason.NEVER_GENERATED_FROM
    operation: Operation = Regenerate(research, discards, wanted.discard)
    requires: tuple[Precondition, ...] = (MarketingPlanIs((PlanStatus.ACTIVE,)), NothingWaits())
    if not under_way:
        requires += (DiscardsOnly(tuple(post.id for post in upcoming_posts(live.activities, scope.now))),)
    return Action(scope.address(Kind.MARKETING_PLAN), operation, reason, changed if due else (), requires)


def same_inputs(one: Inputs, other: Inputs) -> bool:
    """Whether two sets of inputs ask for the same generation."""
    left, right = ({field.path: field.value for field in side.settings} for side in (one, other))
    return (
        left.keys() == right.keys()
        and all(same_setting(path, left[path], right[path]) for path in left)
        and dict(one.events).keys() == dict(other.events).keys()
        and all(same(facts, dict(other.events)[name]) for name, facts in one.events)
    )
