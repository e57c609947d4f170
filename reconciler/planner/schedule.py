"""Schedule rules against drafts and approvals -> what goes out, what waits for review, what is blocked.

Unless the file says `approval: none`, a post is scheduled only if somebody approved exactly the content it has now,
and one approval counts for one scheduling. candidates.py works out which posts the rules want, eligibility.py judges
each of them, and waiting_posts.py handles what is already scheduled.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from reconciler.model.activities import Activity, ActivityRule, DesiredActivity, PostsRule
from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.plurals import some_of
from reconciler.model.posts import ActivityId, PostId, PostStatus, name_of
from reconciler.model.schedule import CancelPost, DesiredSchedule, Pause, ReschedulePost, SchedulePost
from reconciler.model.sites import ObservedSite, RecordedSite
from reconciler.planner.actions import Action, Reason, ToReview
from reconciler.planner.activities import too_few, unknown_ids
from reconciler.planner.candidates import Candidate, DraftSelection, select_drafts
from reconciler.planner.eligibility import DraftEligibility
from reconciler.planner.matching import covers, covers_declared
from reconciler.planner.options import PlanOptions, Scope
from reconciler.planner.outlook import (
    file_notes,
    missed_approvals,
    missed_notes,
    not_selected_notes,
    other_moment_notes,
    paused_notes,
    unknown_channel_notes,
    warning_notes,
)
from reconciler.planner.policy_checks import Days
from reconciler.planner.waiting_posts import WaitingPart
from reconciler.planner.wanted_posts import days_of

HELD_BACK: Final = "held-back"
"""The code of a plan's note about what `--no-publish` leaves out."""

MOST_NAMED = 3
"""How many posts a note names; the others are counted."""


class SchedulePart(Struct, frozen=True):
    """`actions` and `blocked` are pairs with the rule's index."""

    actions: tuple[tuple[int, Action], ...] = ()
    blocked: tuple[tuple[int, Diagnostic], ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    to_review: tuple[ToReview, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


class ContentRules(Struct, frozen=True):
    """The rules of a file that decide which activities and posts there are to be."""

    activities: tuple[ActivityRule, ...] = ()
    posts: tuple[PostsRule, ...] = ()


class Content(Struct, frozen=True):
    """The activities of a site as they will be, and which of their posts are about to change.

    `cleared` activities are to have no posts. The drafts of `held` ones are being regenerated. `awaited` ones get posts
    in this plan, and so do `created` ones, which have no id yet. `rules` are the file's for activities and posts.
    """

    activities: tuple[Activity, ...]
    cleared: frozenset[ActivityId] = frozenset()
    held: frozenset[ActivityId] = frozenset()
    awaited: frozenset[ActivityId] = frozenset()
    created: tuple[DesiredActivity, ...] = ()
    past: frozenset[ActivityId] = frozenset()
    rules: ContentRules = ContentRules()


def plan_schedule(
    desired: DesiredSchedule,
    approvals: Approvals,
    content: Content,
    waiting: WaitingPart,
    observed: ObservedSite,
    recorded: RecordedSite,
    options: PlanOptions,
    scope: Scope,
) -> SchedulePart:
    """The schedule part of a site whose activities and posts are known.

    `waiting` is what happens to the posts that are already scheduled.

    What moves comes first, then what goes out. With `options.publish` False, nothing public is planned, so nothing is
    blocked either: a note says what is held back. What waits for review is still reported.
    """
    staying = tuple(activity for activity in content.activities if activity.id not in content.cleared)
    selection = select_drafts(desired.rules, staying, recorded, options.policy, scope)
    days = _days_with(waiting, content, scope)
    eligibility = DraftEligibility(desired, approvals, observed, recorded, options, scope, days)
    for candidate in selection.wanted:
        if candidate.activity.id not in content.held or candidate.post.status is not PostStatus.DRAFT:
            eligibility.draft(candidate)
    for candidate in selection.lost:
        eligibility.lost(candidate)
    now = (*waiting.moves, *eligibility.goes)
    spare = _spare(options, now)
    deferred = _deferred(desired, selection, content, spare, scope) if _may_promise(desired, options) else ()
    public = (*now, *deferred)
    refusals = _refusals(desired, selection, content, scope)
    to_review = (*waiting.to_review, *eligibility.to_review)
    notes = (*eligibility.stuck_notes(), *unknown_channel_notes(desired.rules, staying, scope))
    if not options.publish:
        blocked = {problem.about for _, problem in eligibility.blocked}
        held = no_publish_notes((action for _, action in public), observed, len(blocked))
        return SchedulePart((), (), refusals, to_review, (*held, *notes))
    said = (*waiting.blocked, *eligibility.blocked)
    going = posts_in(action for _, action in public)
    missed = missed_approvals(desired, approvals, content.activities, recorded, scope)
    notes = (
        *eligibility.all_notes(),
        *notes,
        *_paused_notes(desired, content, waiting, approvals, recorded, options, scope),
        *file_notes(approvals),
        *missed_notes(
            missed, {PostId(problem.about.key) for _, problem in said} | eligibility.named, approvals.file, scope
        ),
        *not_selected_notes(
            desired.rules,
            approvals,
            staying,
            {draft.post.id for draft in (*selection.wanted, *selection.lost)},
            recorded,
            scope,
        ),
        *other_moment_notes((*selection.wanted, *selection.scheduled), going, approvals, scope),
        *warning_notes(_going_out(selection, going, waiting), going, scope),
    )
    return SchedulePart(public, said, refusals, to_review, notes)


def _days_with(waiting: WaitingPart, content: Content, scope: Scope) -> Days:
    """On which days posts go out, once those that move or are cancelled have left theirs."""
    days, moves = days_of(content.activities, scope), _moves(waiting)
    for move in moves:
        days.add(move.at.astimezone(scope.zone).date(), move.post)
    for write in (*(action.operation for action in waiting.cancels), *moves):
        if isinstance(write, CancelPost | ReschedulePost):
            days.note_leaving(write, scope.zone)
    return days


def _moves(waiting: WaitingPart) -> list[ReschedulePost]:
    return [action.operation for _, action in waiting.moves if isinstance(action.operation, ReschedulePost)]


def _spare(options: PlanOptions, now: Iterable[tuple[int, Action]]) -> int | None:
    """How many more posts the policy lets the run publish, beside those that go out or move now; None: any number."""
    most = options.policy.max_publish
    return None if most is None else max(0, most - len(posts_in(action for _, action in now)))


def _paused_notes(
    desired: DesiredSchedule,
    content: Content,
    waiting: WaitingPart,
    approvals: Approvals,
    recorded: RecordedSite,
    options: PlanOptions,
    scope: Scope,
) -> Iterable[Diagnostic]:
    said = posts_in(waiting.cancels) | {PostId(post.address.key) for post in waiting.still_going_out}
    times = {move.post: move.at for move in _moves(waiting)}
    return paused_notes(desired, content.activities, said, times, approvals, recorded, options.policy, scope)


def _going_out(selection: DraftSelection, going: frozenset[PostId], waiting: WaitingPart) -> tuple[Candidate, ...]:
    """All posts that go out: those that this plan schedules, and those that are scheduled and stay so."""
    cancelled = posts_in(waiting.cancels)
    return (
        *(draft for draft in selection.wanted if draft.post.id in going),
        *(waits for waits in selection.scheduled if waits.post.id not in cancelled),
    )


def no_publish_notes(actions: Iterable[Action], observed: ObservedSite, blocked: int = 0) -> tuple[Diagnostic, ...]:
    """What `--no-publish` leaves out of a plan: the posts that could go out now, and those that something blocks.

    What only publishing depends on is not read for it, so the note says what might block the posts all the same.
    """
    held = [action.operation for action in actions]
    channels = {operation.channel for operation in held if isinstance(operation, SchedulePost)}
    unchecked = ["channels"] if any(observed.channel(channel) is None for channel in channels) else []
    unchecked += ["the premium plan"] if channels and observed.features is None else []
    unchecked += ["whether the site is published"] if channels and observed.published is None else []
    without = f" (which does not check {' or '.join(', '.join(unchecked).rsplit(', ', 1))})" if unchecked else ""
    posts = [name_of(operation) for operation in held if isinstance(operation, SchedulePost | ReschedulePost)]
    named = some_of(posts, MOST_NAMED)
    promised = "drafts that do not exist yet" if any(isinstance(operation, Deferred) for operation in held) else ""
    hidden = f"{blocked:,} blocked {'post' if blocked == 1 else 'posts'}" if blocked else ""
    found = "; ".join(part for part in (named, promised, hidden) if part)
    return (Diagnostic.note(HELD_BACK, f"held back by --no-publish{without}: {found}"),) if found else ()


def rule_name(index: int) -> str:
    """What a rule is called in addresses."""
    return f"schedule.rules.{index}"


def _refusals(
    desired: DesiredSchedule, selection: DraftSelection, content: Content, scope: Scope
) -> tuple[Diagnostic, ...]:
    found: list[Diagnostic] = []
    there = content.past | {activity.id for activity in content.activities}
    for index, rule in enumerate(desired.rules):
        # A rule whose drafts this very plan makes cannot be judged by how many there are beforehand.
        if not _awaits(desired, index, content, scope):
            found += too_few(rule_name(index), selection.matches[index], rule.min, scope)
        found += unknown_ids(rule_name(index), rule.match, there, scope)
    return tuple(found)


def _awaits(desired: DesiredSchedule, index: int, content: Content, scope: Scope) -> bool:
    """Whether activities that get posts in this plan match a rule."""
    rule = desired.rules[index]
    coming = content.awaited | content.held
    return any(activity.id in coming and covers(rule.match, activity, scope) for activity in content.activities) or any(
        covers_declared(rule.match, creation, scope) for creation in content.created
    )


def _deferred(
    desired: DesiredSchedule, selection: DraftSelection, content: Content, spare: int | None, scope: Scope
) -> tuple[tuple[int, Action], ...]:
    """What is scheduled once this plan's posts have been made, bounded by the room each rule has left.

    `spare`: how many more posts the policy lets the run publish. With each, the rule's index.
    """
    return tuple(
        (index, _promise(desired, content.rules, index, selection.room[index], spare, scope))
        for index in range(len(desired.rules))
        if 0 not in (selection.room[index], spare) and _awaits(desired, index, content, scope)
    )


def defer_schedule(
    desired: DesiredSchedule | None, rules: ContentRules, options: PlanOptions, scope: Scope
) -> tuple[Action, ...]:
    """One bounded, deferred action per rule, for drafts that are known only after the generation."""
    if desired is None or not _may_promise(desired, options):
        return ()
    return tuple(
        _promise(desired, rules, index, rule.max, options.policy.max_publish, scope)
        for index, rule in enumerate(desired.rules)
        if 0 not in (rule.max, options.policy.max_publish)
    )


def _may_promise(desired: DesiredSchedule, options: PlanOptions) -> bool:
    """Whether posts that do not exist yet may go out.

    Only under `approval: none`: what nobody can have approved is never promised (design.md 3.2). While publishing is
    paused, nothing is.
    """
    return not desired.approval_required and desired.paused.with_other(options.policy.paused) is Pause.NONE


def _promise(
    desired: DesiredSchedule, rules: ContentRules, index: int, room: int | None, spare: int | None, scope: Scope
) -> Action:
    limits = [limit for limit in (room, spare) if limit is not None]
    operation = Deferred(
        SitePart.SCHEDULE,
        index,
        rules.activities,
        rules.posts,
        min(limits) if limits else None,
        schedule_rules=desired.rules,
    )
    return Action(
        scope.address(Kind.RULE, rule_name(index)),
        operation,
        Reason.NO_APPROVAL_NEEDED,
        (f"schedule.rules[{index}]",),
    )


def posts_in(actions: Iterable[Action]) -> frozenset[PostId]:
    """The posts that actions schedule, move or cancel."""
    return frozenset(
        action.operation.post
        for action in actions
        if isinstance(action.operation, SchedulePost | ReschedulePost | CancelPost)
    )
