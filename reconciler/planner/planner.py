"""make_plan: the parts of a site in order, then the guards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.model.activities import CreateActivity, DesiredActivity
from reconciler.model.address import Address, Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Discard, Generate, PlanStatus
from reconciler.model.operations import Deferred
from reconciler.model.posts import ActivityId, AwaitPosts, GeneratePosts, Unrecognised, name_of
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.sites import Bindings, DesiredSite, Inputs, ObservedSite, RecordedSite
from reconciler.model.text import printable
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, BlockedBy, Plan, Reason, blocked
from reconciler.planner.activities import defer_activities, plan_activities
from reconciler.planner.aftermath import ended_posts, failed_posts, failure, outcomes
from reconciler.planner.baseline import baseline, rules_of
from reconciler.planner.decisions import discarded, plan_decisions, wanted_drafts
from reconciler.planner.doubt import cannot_be_judged, doubts, gone_posts, with_known_status
from reconciler.planner.edited_by_hand import edited_by_hand
from reconciler.planner.edits import edited_since
from reconciler.planner.events import EventsPart, plan_events
from reconciler.planner.generation import GenerationPart, inputs_of, on_unknown_status, plan_generation, waiting
from reconciler.planner.gone_drafts import gone_drafts, gone_scheduled
from reconciler.planner.gone_out import to_remember, unwanted_post, went_out_unwanted
from reconciler.planner.guards import judge_expectations, not_expected
from reconciler.planner.hidden_posts import hidden, of_past_activities, orphans
from reconciler.planner.losses import judge_absent, judge_regeneration, losses, posts_cancelled, thrown_away
from reconciler.planner.may_go_out import open_posts
from reconciler.planner.moved_by_hand import moved_by_hand
from reconciler.planner.options import PlanOptions, Scope, scope_of
from reconciler.planner.outlook import SAY_WHAT_GOES_OUT, zone_notes
from reconciler.planner.posts import defer_posts, plan_posts
from reconciler.planner.schedule import (
    Content,
    ContentRules,
    SchedulePart,
    defer_schedule,
    no_publish_notes,
    plan_schedule,
)
from reconciler.planner.settings import SettingsPart, plan_settings
from reconciler.planner.unstopped import UNTIL_REGENERATED, UNTIL_SHOWN, cancelled_since, left_out, not_moved
from reconciler.planner.used_approvals import approvals_to_remember
from reconciler.planner.waiting_posts import WaitingPart, judge_waiting, lost_channels, without_moves
from reconciler.planner.wanted_posts import Unwanted

_PUT_OFF: Final = "the marketing plan is to be regenerated first, and that is blocked"
_UNBLOCK: Final = "unblock the marketing plan first"


def make_plan(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions) -> Plan:
    """The plan for a site (see `_planned`), with what is to be recorded (see baseline.py)."""
    plan = _without_unknown(_planned(desired, observed, recorded, options), recorded, options.where)
    expected = not_expected(plan.blocked, desired, observed)
    plan = replace(plan, blocked=expected, rules=rules_of(desired, public=options.publish))
    scope = scope_of(observed, recorded, options)
    objects = baseline(desired, observed, recorded, plan, scope)
    activities = observed.activities
    approvals = approvals_to_remember(desired, activities, recorded, scope.zone_name)
    gone = gone_posts(observed, recorded, plan.refusals)
    history = to_remember(desired, observed, recorded, scope, gone)
    stopped = cancelled_since((post for activity in activities for post in activity.posts), recorded)
    objects = tuple(sorted((*objects, *approvals, *history, *stopped)))
    noted = replace(plan.bindings, objects=objects, outcomes=outcomes(observed, recorded))
    unwanted = (unwanted_post(post, scope.zone_name) for post in went_out_unwanted(desired, observed, recorded, scope))
    failures = (failure(post, scope.zone_name) for post in failed_posts(desired, observed, recorded, scope))
    lost = lost_channels(desired.approvals, observed, recorded, plan, scope)
    reworded = edited_by_hand(desired, observed, recorded, plan, scope)
    moved = moved_by_hand(desired, observed, recorded, plan, options, scope)
    drafts = gone_drafts(desired, observed, recorded, scope)
    deleted = gone_scheduled(desired, recorded, gone, scope)
    blocked = (*unwanted, *plan.blocked, *failures, *lost, *reworded, *moved, *drafts, *deleted)
    discarded = thrown_away(plan.actions, observed.with_past, desired.approvals, recorded)
    edited = edited_since(plan.actions, recorded)
    ended = ended_posts(observed, recorded)
    kept = (note for note in plan.notes if not (plan.refusals and note.code in SAY_WHAT_GOES_OUT))
    notes = (*kept, *zone_notes(plan.actions, plan.blocked, observed, recorded, scope))
    return replace(plan, bindings=noted, blocked=blocked, discarded=discarded, edited=edited, ended=ended, notes=notes)


def _without_unknown(plan: Plan, recorded: RecordedSite, where: str) -> Plan:
    """The plan without what an earlier call may already have done.

    An unknown outcome blocks only its own object (design.md 3.5). What reading the site can resolve has been resolved
    before.
    """
    unknown = _in_doubt(recorded)
    # A post that reads as scheduled is cancelled whatever became of the call: doing that twice is harmless.
    doubtful = [
        action for action in plan.actions if action.address in unknown and not isinstance(action.operation, CancelPost)
    ]
    waiting = _may_yet_go_out(plan, doubtful, recorded)
    if not doubtful and not waiting:
        return plan
    posts = open_posts(recorded, plan.time_zone)
    return replace(
        plan,
        actions=tuple(action for action in plan.actions if action not in doubtful),
        blocked=(
            *plan.blocked,
            *(_unknown(action.address, unknown[action.address], posts, where) for action in doubtful),
            *(_unknown(entry.address, entry, posts, where) for entry in waiting),
        ),
    )


def _may_yet_go_out(plan: Plan, doubtful: Sequence[Action], recorded: RecordedSite) -> tuple[OpenEntry, ...]:
    """Schedulings whose outcome is not known and about which the plan says nothing else: the post may go out."""
    named = {problem.address for problem in plan.blocked if problem.code != BlockedBy.UNKNOWN_STATUS}
    said = {action.address for action in (*plan.actions, *doubtful)} | named
    sent = (entry for entry in recorded.open if isinstance(entry.operation, SchedulePost))
    return tuple(entry for entry in sent if entry.address not in said)


def _in_doubt(recorded: RecordedSite) -> dict[Address, OpenEntry]:
    return {entry.address: entry for entry in recorded.open if _is_in_doubt(entry)}


def _is_in_doubt(entry: OpenEntry) -> bool:
    """Whether a call must not be sent again before its outcome is known.

    Results that take time are awaited by the parts that plan them.
    """
    operation = entry.operation
    return not (operation.takes_time or operation.repeatable)


def _unknown(address: Address, entry: OpenEntry, posts: Mapping[str, str], where: str) -> Diagnostic:
    if name := posts.get(entry.id, ""):
        what = "may go out, as it is not known whether an earlier run scheduled it"
    elif address.kind.has_names and entry.may_have(Verb.CREATE):
        name = printable(f'{address.kind} "{address.key}"')
        what = "may have been created: the outcome of an earlier run's call is not known"
    else:
        name, what = "", f"an earlier run's call ({entry.call}) may have taken effect: its outcome is not known"
    return blocked(
        address,
        BlockedBy.OUTCOME_UNKNOWN,
        what,
        "run apply again, which reads the site first; or look at the site and record how the call ended: "
        f"`reconciler state show {address.site}{where}` says how",
        name,
    )


def _planned(desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, options: PlanOptions) -> Plan:
    """What would make the site match its file, as a value; nothing has been written at this point.

    The order within a site: cancels, events, settings, generation, activities, posts, schedule (docs/design.md 3.2).
    Parts that were not read are not planned; `needs.py` says which ones may be left unread.
    """
    scope = scope_of(observed, recorded, options)
    observed = with_known_status(observed, recorded)
    events, settings = EventsPart(), SettingsPart()
    if desired.events is not None and observed.events is not None:
        events = plan_events(desired.events, observed.events, recorded, scope)
    if desired.settings and observed.settings is not None:
        settings = plan_settings(desired.settings, observed.settings, recorded, scope)
    inputs = inputs_of(desired, scope.now)
    generation = _generation(desired, inputs, observed, recorded, events, options, scope)
    before = Plan(
        site=desired.ref,
        actions=(*events.actions, *settings.actions, *generation.actions),
        blocked=(
            *events.blocked,
            *generation.blocked,
            *cannot_be_judged(desired, observed, scope),
        ),
        refusals=(
            *judge_expectations(desired, observed, scope),
            *doubts(desired, observed, recorded, scope),
            *events.refusals,
            *generation.refusals,
        ),
        notes=(*generation.notes, *settings.notes, *events.notes),
        inputs=inputs,
        adopted_inputs=generation.adopted_inputs,
        bindings=Bindings(event_ids=events.event_ids),
        time_zone=scope.zone_name,
        config=desired.digest,
    )
    live = observed.marketing_plan
    if live is None:
        return before
    if not (generation.gone or generation.renewed or live.status in UNUSABLE):
        planned = _with_content(before, desired, observed, recorded, options, scope)
        return _publishing_nothing_new(planned, recorded) if generation.is_put_off else planned
    return _before_content(before, generation, desired, observed, recorded, options, scope)


def _before_content(
    before: Plan,
    generation: GenerationPart,
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    options: PlanOptions,
    scope: Scope,
) -> Plan:
    """The plan while activities are still to come, or gone. What is waiting to go out is judged all the same."""
    live = observed.marketing_plan
    assert live is not None
    gone = orphans(observed, recorded, scope.now)
    lost = {activity.id: Unwanted(Reason.ACTIVITY_GONE) for activity in gone}
    lost |= losses(generation.actions, observed.with_past, scope)
    unseen = (*hidden(observed, recorded), *of_past_activities(observed, recorded))
    waiting = judge_waiting(desired, (*live.activities, *gone, *unseen), lost, recorded, options, scope)
    moves = tuple(action for _, action in waiting.moves)
    why = UNTIL_REGENERATED if live.status is PlanStatus.ACTIVE and generation.renewed else UNTIL_SHOWN
    planned = replace(
        _with_waiting(before, waiting),
        blocked=(*before.blocked, *(problem for _, problem in waiting.blocked)),
        notes=(*before.notes, *not_moved(moves, why, scope.zone_name)),
    )
    planned = replace(planned, still_going_out=(*planned.still_going_out, *left_out(moves, why)))
    refusals = (
        *judge_regeneration(generation.actions, posts_cancelled(waiting.cancels), live, desired, recorded, scope),
        *judge_absent(planned.actions, observed.with_past, desired, recorded, scope),
    )
    planned = replace(planned, refusals=(*planned.refusals, *refusals))
    if generation.renewed:
        none_yet = any(isinstance(action.operation, Generate) for action in generation.actions)
        public = defer_schedule(desired.schedule, ContentRules(desired.activities, desired.posts), options, scope)
        held = () if options.publish else no_publish_notes(public, observed)
        deferred = (*_deferred(desired, none_yet, options, scope), *(public if options.publish else ()))
        return replace(planned, actions=(*planned.actions, *deferred), notes=(*planned.notes, *held))
    return planned if generation.gone else _without_marketing_plan(planned, desired, observed, recorded, scope)


def _deferred(desired: DesiredSite, none_yet: bool, options: PlanOptions, scope: Scope) -> tuple[Action, ...]:
    """What will be done, within bounds, once a generation has ended, except for what goes out.

    With `none_yet`, there are no activities yet.
    """
    may_discard = desired.discard is not Discard.NOTHING
    limits = options.policy
    return (
        *defer_activities(desired.activities, limits.max_delete, scope, none_yet=none_yet, may_discard=may_discard),
        *defer_posts(desired.posts, limits.max_discard, scope, may_discard=may_discard),
    )


def _with_waiting(plan: Plan, waiting: WaitingPart) -> Plan:
    """The plan with the cancels, which come first, and with what goes out although it is unwanted."""
    return replace(
        plan,
        actions=(*waiting.cancels, *plan.actions),
        still_going_out=(*plan.still_going_out, *waiting.still_going_out),
    )


def _generation(
    desired: DesiredSite,
    inputs: Inputs,
    observed: ObservedSite,
    recorded: RecordedSite,
    events: EventsPart,
    options: PlanOptions,
    scope: Scope,
) -> GenerationPart:
    if observed.marketing_plan is None:
        return GenerationPart()
    if desired.marketing_plan is not None:
        return plan_generation(desired, inputs, observed, recorded, events, options, scope)
    if observed.marketing_plan.status is PlanStatus.GENERATING:
        # We do not generate it, but activities and posts wait for it all the same.
        return GenerationPart((waiting(scope, recorded),), renewed=True)
    if isinstance(observed.marketing_plan.status, Unrecognised):
        return on_unknown_status(observed.marketing_plan, scope)
    return GenerationPart()


UNUSABLE = frozenset({PlanStatus.NEVER_CREATED, PlanStatus.FAILED, PlanStatus.INACTIVE})


def _nowhere_to_create(activity: DesiredActivity, scope: Scope) -> Diagnostic:
    return blocked(
        scope.address(Kind.ACTIVITY, f"{activity.title} {activity.target_date.date().isoformat()}"),
        BlockedBy.NO_MARKETING_PLAN,
        "there is no active marketing plan to create it in",
        "declare marketingPlan: {state: present}, or have one generated in the dashboard",
    )


def _without_marketing_plan(
    before: Plan, desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, scope: Scope
) -> Plan:
    """The plan for a site that has no marketing plan to hold activities, and whose files ask for none."""
    assert observed.marketing_plan is not None
    part = plan_activities(
        desired.activities, observed.marketing_plan.activities, observed.past_activities, recorded, scope
    )
    nowhere = tuple(_nowhere_to_create(activity, scope) for activity in part.created)
    return replace(before, blocked=(*before.blocked, *nowhere), refusals=(*before.refusals, *part.refusals))


def _with_content(
    before: Plan,
    desired: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite,
    options: PlanOptions,
    scope: Scope,
) -> Plan:
    """The plan with activities, posts and schedule, for a marketing plan whose activities are known."""
    assert observed.marketing_plan is not None
    live, past = observed.marketing_plan.activities, observed.past_activities
    activities = plan_activities(desired.activities, live, past, recorded, scope)
    given_up = discarded(desired.approvals, recorded)
    created = {
        action.operation.activity: action.address
        for _, action in activities.actions
        if isinstance(action.operation, CreateActivity)
    }
    in_doubt = _in_doubt(recorded)
    unknown = frozenset(activity for activity, address in created.items() if address in in_doubt)
    posts = plan_posts(
        desired.posts, activities.projected, activities.created, past, recorded, scope, given_up, unknown
    )
    wanted = wanted_drafts(desired, activities.projected, recorded, options.policy, scope)
    decisions = plan_decisions(desired.approvals, activities.projected, posts.gone, wanted, recorded, scope)
    changes = tuple(action for _, action in activities.actions)
    writes = (*(action for _, action in posts.actions), *decisions.actions)
    cleared = {lost: Unwanted(Reason.ABSENT_WANTED, (rule,)) for lost, rule in posts.lost}
    lost = dict(decisions.lost) | cleared | losses(changes, live, scope)
    projected = {activity.id: activity for activity in activities.projected}
    to_be = tuple(projected.get(activity.id, activity) for activity in live)
    gone = orphans(observed, recorded, scope.now)
    lost |= {activity.id: Unwanted(Reason.ACTIVITY_GONE) for activity in gone}
    earlier = of_past_activities(observed, recorded)
    titles = {activity.id: activity.title for activity in live}
    waiting = judge_waiting(desired, (*to_be, *gone, *earlier), lost, recorded, options, scope, titles)
    waiting = waiting if options.publish else without_moves(waiting)
    schedule = SchedulePart()
    if desired.schedule is not None:
        content = Content(
            activities.projected,
            cleared=posts.gone | decisions.cleared | decisions.undecided | given_up,
            held=decisions.held,
            awaited=_awaited(writes),
            created=activities.created if any(isinstance(action.operation, Deferred) for action in writes) else (),
            past=past,
            rules=ContentRules(desired.activities, desired.posts),
        )
        schedule = plan_schedule(
            desired.schedule, desired.approvals, content, waiting, observed, recorded, options, scope
        )
    planned = replace(
        before,
        actions=(*before.actions, *changes, *writes, *(action for _, action in schedule.actions)),
        blocked=(*before.blocked, *decisions.blocked, *(blocked for _, blocked in schedule.blocked)),
        refusals=(*before.refusals, *activities.refusals, *posts.refusals, *schedule.refusals),
        to_review=schedule.to_review,
        notes=(*before.notes, *activities.notes, *posts.notes, *decisions.notes, *schedule.notes),
        bindings=replace(before.bindings, sets=activities.sets, created=activities.made),
    )
    planned = _with_waiting(planned, waiting)
    refusals = judge_absent(planned.actions, live, desired, recorded, scope)
    return replace(planned, refusals=(*planned.refusals, *refusals))


def _publishing_nothing_new(plan: Plan, recorded: RecordedSite) -> Plan:
    """The plan without the drafts that would go out, which a regeneration that has been put off is to replace."""
    in_doubt = _in_doubt(recorded)  # these are not sent again in any case, and `_without_unknown` says why
    new = [
        action
        for action in plan.actions
        if isinstance(action.operation, SchedulePost | Deferred)
        and action.operation.verb is Verb.PUBLISH
        and action.address not in in_doubt
    ]
    held = (
        blocked(action.address, BlockedBy.REGENERATION_FIRST, _PUT_OFF, _UNBLOCK, name_of(action.operation))
        for action in new
        if isinstance(action.operation, SchedulePost)
    )
    kept = tuple(action for action in plan.actions if action not in new)
    return replace(plan, actions=kept, blocked=(*plan.blocked, *held))


def _awaited(actions: tuple[Action, ...]) -> frozenset[ActivityId]:
    """The activities that will have posts once these actions are done."""
    return frozenset(
        action.operation.activity for action in actions if isinstance(action.operation, GeneratePosts | AwaitPosts)
    )
