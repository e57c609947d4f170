"""Activity rules against the activities of the live marketing plan -> actions. matching.py says which rule decides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.activities import (
    Activity,
    ActivityIs,
    ActivityRule,
    CreateActivity,
    DeleteActivity,
    DesiredActivity,
    NoActivityLike,
    RemoveActivities,
    SetActivities,
    UpdateActivity,
)
from reconciler.model.address import Kind, key_of, rule_words
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Instant, instant
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.posts import ActivityId, PostStatus
from reconciler.model.selectors import Match
from reconciler.model.sites import CreatedActivity, RecordedSite, RememberedSet
from reconciler.model.writes import FieldChange, Verb
from reconciler.planner.actions import Action, Reason, RefusedBy, refusal
from reconciler.planner.changes import change
from reconciler.planner.kept import kept_notes, split_kept
from reconciler.planner.live_posts import as_listed
from reconciler.planner.look_alikes import look_alike_notes
from reconciler.planner.matching import RuleIndex, as_set, covers, decide, find_created, in_order, is_as_set, match_key
from reconciler.planner.options import Scope


class ActivitiesPart(Struct, frozen=True):
    """The activities as they will be (`projected`), and those that will be created (`created`).

    `made` are the live activities of `create` rules. `actions` are pairs of a rule's index and an action.
    """

    actions: tuple[tuple[int, Action], ...]
    refusals: tuple[Diagnostic, ...]
    projected: tuple[Activity, ...]
    created: tuple[DesiredActivity, ...]
    sets: tuple[RememberedSet, ...]
    made: tuple[CreatedActivity, ...]
    notes: tuple[Diagnostic, ...] = ()


def plan_activities(
    rules: tuple[ActivityRule, ...],
    activities: tuple[Activity, ...],
    past: frozenset[ActivityId],
    recorded: RecordedSite,
    scope: Scope,
) -> ActivitiesPart:
    """The creates, updates and deletes that the rules ask for. Each activity is decided by one rule."""
    found = find_created(rules, activities, recorded)
    decided = decide(rules, in_order(activities), found, recorded, scope)
    titles = Counter(activity.title for activity in activities)
    writes = _Writes(recorded, scope, {activity.id: activity for activity in activities}, titles)
    refusals: list[Diagnostic] = []
    sets: list[RememberedSet] = []
    remembered = {known.rule: known.activities for known in recorded.sets}
    there = past | {activity.id for activity in activities}
    for index, rule in enumerate(rules):
        matched = decided[index]
        match rule:
            case DesiredActivity():
                writes.declare(rule, found.get(index), index)
            case RemoveActivities():
                refusals += _refusals(rule, index, matched, there, scope)
                writes.notes.extend(gone_ids(f"activities.{index}", rule.match, there))
                writes.remove(matched, index)
            case SetActivities():
                refusals += _refusals(rule, index, matched, there, scope)
                chosen = _chosen(rule, matched)
                for activity in chosen:
                    writes.update(activity, rule, Reason.RULE, index)
                key = match_key(rule.match)
                if kept := _to_remember(rule, chosen, remembered.get(key, frozenset()), scope):
                    sets.append(RememberedSet(key, kept))
            case _:
                assert_never(rule)
    days = {rule.target_date.date() for rule in writes.created}
    writes.notes += look_alike_notes(
        Kind.ACTIVITY,
        (rule.title for rule in writes.created),
        (activity.title for activity in activities if activity.date.date() in days),
    )
    refusals += _contradictions(rules, decided, writes.projected, scope)
    return ActivitiesPart(
        actions=_in_order_of_writes(writes.actions, activities),
        refusals=tuple(refusals),
        projected=tuple(in_order(writes.projected.values())),
        created=tuple(writes.created),
        sets=tuple(sets),
        made=tuple(
            CreatedActivity(live.id, rule.title, rule.target_date)
            for index, live in sorted(found.items())
            if isinstance(rule := rules[index], DesiredActivity)
        ),
        notes=tuple(writes.notes),
    )


class _Writes(Struct):
    """The writes that the rules ask for, collected rule by rule.

    `projected` are the activities as they will be, `titles` how many have which title now.
    """

    recorded: RecordedSite
    scope: Scope
    projected: dict[ActivityId, Activity]
    titles: Counter[str]
    actions: list[tuple[int, Action]] = field(default_factory=list)
    created: list[DesiredActivity] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)

    def declare(self, rule: DesiredActivity, live: Activity | None, index: int) -> None:
        if live is not None:
            values = SetActivities(Match(), rule.title, rule.description, rule.target_date)
            self.update(live, values, Reason.DIFFERS, index)
        # Past activities are not shown (D 6.2): they are neither reported as missing nor created a second time.
        elif rule.target_date >= self.scope.now:
            self.actions.append((index, _create(rule, index, self.scope)))
            self.created.append(rule)

    def update(self, live: Activity, values: SetActivities, reason: Reason, index: int) -> None:
        owner = key_of(Kind.ACTIVITY, live.id)
        changes, kept = split_kept(owner, _changes(live, values), self.recorded)
        self.notes.extend(kept_notes(owner, kept, live.title))
        if changes:
            self.actions.append((index, _update(live, changes, reason, index, self.scope, self._date(live))))
        self.projected[live.id] = _with_kept(as_set(live, values), live, kept)

    def remove(self, matched: list[Activity], index: int) -> None:
        for activity in matched:
            self.actions.append((index, _delete(activity, index, self.scope, self._date(activity))))
            del self.projected[activity.id]

    def _date(self, activity: Activity) -> Instant | Absent:
        """The date, if another activity has the same title."""
        return activity.date if self.titles[activity.title] > 1 else ABSENT


def _in_order_of_writes(
    actions: list[tuple[int, Action]], activities: tuple[Activity, ...]
) -> tuple[tuple[int, Action], ...]:
    """Deletes, then updates, each in the order of matches; then creates."""
    places = {activity.id: place for place, activity in enumerate(in_order(activities))}

    def order(pair: tuple[int, Action]) -> tuple[int, int, str]:
        _, action = pair
        rank = {Verb.DELETE: 0, Verb.UPDATE: 1}.get(action.operation.verb, 2)
        return rank, places.get(ActivityId(action.address.key), 0), str(action.address)

    return tuple(sorted(actions, key=order))


def _chosen(rule: SetActivities, matched: list[Activity]) -> list[Activity]:
    """At most `max` of the matches, those that already have the values first."""
    if rule.max is None:
        return matched
    first = [activity for activity in matched if is_as_set(activity, rule)]
    rest = [activity for activity in matched if not is_as_set(activity, rule)]
    return in_order((first + rest)[: rule.max])


def _to_remember(
    rule: SetActivities, matched: list[Activity], before: frozenset[ActivityId], scope: Scope
) -> frozenset[ActivityId]:
    """The activities that belong to the rule from now on. `before` are those that belonged to it.

    This leaves out those that only look as if the rule had set them: otherwise, editing the rule's values would change
    activities that nobody selected.
    """
    return frozenset(
        activity.id for activity in matched if activity.id in before or covers(rule.match, activity, scope)
    )


def _changes(live: Activity, rule: SetActivities) -> tuple[FieldChange, ...]:
    changes: tuple[FieldChange, ...] = ()
    if rule.title is not ABSENT:
        changes += change("title", live.title, str(rule.title))
    if rule.description is not ABSENT:
        changes += change("description", live.description, str(rule.description))
    if isinstance(rule.target_date, datetime):
        changes += change("targetDate", instant(live.date), instant(rule.target_date))
    return changes


def _update(
    live: Activity,
    changes: tuple[FieldChange, ...],
    reason: Reason,
    index: int,
    scope: Scope,
    date: Instant | Absent,
) -> Action:
    operation = UpdateActivity(live.id, live.title, changes, date=date)
    requires = (ActivityIs(live.id, live.digest),)
    return Action(scope.address(Kind.ACTIVITY, live.id), operation, reason, (f"activities[{index}]",), requires)


def _with_kept(wanted: Activity, live: Activity, kept: tuple[FieldChange, ...]) -> Activity:
    """The activity as it will be, with the server's version of any value that it stores differently."""
    paths = {change.path for change in kept}
    return replace(
        wanted,
        title=live.title if "title" in paths else wanted.title,
        description=live.description if "description" in paths else wanted.description,
        date=live.date if "targetDate" in paths else wanted.date,
    )


def _create(rule: DesiredActivity, index: int, scope: Scope) -> Action:
    day = rule.target_date.date().isoformat()
    requires = (NoActivityLike(rule.title, instant(rule.target_date)),)
    address = scope.address(Kind.ACTIVITY, f"{rule.title} {day}")
    return Action(address, CreateActivity(rule), Reason.DECLARED, (f"activities[{index}]",), requires)


def _delete(live: Activity, index: int, scope: Scope, date: Instant | Absent) -> Action:
    requires = (ActivityIs(live.id, live.digest), *as_listed(live))
    address = scope.address(Kind.ACTIVITY, live.id)
    discards = tuple(post.id for post in live.posts if post.status is PostStatus.DRAFT)
    operation = DeleteActivity(live.id, live.title, discards, date=date)
    return Action(address, operation, Reason.ABSENT_WANTED, (f"activities[{index}]",), requires)


def _refusals(
    rule: SetActivities | RemoveActivities,
    index: int,
    matched: list[Activity],
    there: frozenset[ActivityId],
    scope: Scope,
) -> tuple[Diagnostic, ...]:
    name = f"activities.{index}"
    found = too_few(name, len(matched), rule.min, scope)
    if isinstance(rule, SetActivities):  # a missing id is exactly what an `absent` rule asks for
        found += unknown_ids(name, rule.match, there, scope)
    return found


def too_few(name: str, count: int, minimum: int, scope: Scope) -> tuple[Diagnostic, ...]:
    """The refusal of a rule (`posts.0`) that matches fewer objects than its `min`; empty if it matches enough."""
    if count >= minimum:
        return ()
    return (
        refusal(
            scope.address(Kind.RULE, name),
            RefusedBy.MIN,
            f"{rule_words(name)} matches {f'{count:,}' if count else 'nothing'}, but its min is {minimum:,}",
            "widen its match, or lower min",
            says_name=True,
        ),
    )


def unknown_ids(name: str, match: Match, there: frozenset[ActivityId], scope: Scope) -> tuple[Diagnostic, ...]:
    """The refusal of a rule that names ids the marketing plan does not have. `there` are all that it has or had."""
    unknown = sorted(match.ids - there)
    if not unknown:
        return ()
    return (
        refusal(
            scope.address(Kind.RULE, name),
            RefusedBy.UNKNOWN_ID,
            f"{rule_words(name)}.match.ids names {', '.join(unknown)}, which the marketing plan does not have",
            f"correct or remove {'this id' if len(unknown) == 1 else 'these ids'}",
            says_name=True,
        ),
    )


def gone_ids(name: str, match: Match, there: frozenset[ActivityId]) -> Iterator[Diagnostic]:
    """The note that a rule with `state: absent` names ids that the marketing plan does not have, as the rule asks."""
    if gone := sorted(match.ids - there):
        what = f"{rule_words(name)}.match.ids names {', '.join(gone)}, which the marketing plan does not have"
        remedy = "it can be removed from the file" if len(gone) == 1 else "they can be removed from the file"
        yield Diagnostic.note("absent-already", what, remedy)


def _contradictions(
    rules: tuple[ActivityRule, ...],
    decided: dict[int, list[Activity]],
    projected: dict[ActivityId, Activity],
    scope: Scope,
) -> list[Diagnostic]:
    """The refusals of `set` rules that would make an activity match an earlier rule.

    The earlier rule would decide it in the next run, so runs would undo each other's changes.
    """
    found = []
    known = RuleIndex(rules)
    for index, rule in enumerate(rules):
        if not isinstance(rule, SetActivities):
            continue
        becomes = [projected[activity.id] for activity in decided[index] if activity.id in projected]
        covering = sorted(
            before
            for activity in becomes
            for before, earlier in known.that_may_cover(activity)
            if before < index and covers(earlier.match, activity, scope)
        )
        if covering:
            found.append(
                refusal(
                    scope.address(Kind.RULE, f"activities.{index}"),
                    RefusedBy.CONTRADICTION,
                    f"activities[{index}] would turn an activity into one that activities[{covering[0]}] matches",
                    f"put activities[{index}] before activities[{covering[0]}], or change one of them",
                    says_name=True,
                )
            )
    return found


def _bound(rule: ActivityRule, max_delete: int | None) -> int | None:
    match rule:
        case DesiredActivity():
            return 1
        case SetActivities(max=most):
            return most
        case RemoveActivities():
            return max_delete  # unknown objects cannot be counted, so each deferred action stays within the limit
        case _:
            assert_never(rule)


def defer_activities(
    rules: tuple[ActivityRule, ...], max_delete: int | None, scope: Scope, *, none_yet: bool, may_discard: bool
) -> tuple[Action, ...]:
    """One bounded, deferred action per rule, for activities that are known only after the generation.

    With `none_yet` there are no activities, so what a `create` rule makes is already known. Without `may_discard`,
    rules that remove activities are left out, since no plan has shown what they would remove.
    """
    actions = []
    for index, rule in enumerate(rules):
        if isinstance(rule, DesiredActivity) and rule.target_date < scope.now:
            continue
        if isinstance(rule, RemoveActivities) and not may_discard:
            continue
        if isinstance(rule, DesiredActivity) and none_yet:
            actions.append(_create(rule, index, scope))
            continue
        operation = Deferred(SitePart.ACTIVITIES, index, activity_rules=rules, at_most=_bound(rule, max_delete))
        reason = Reason.DECLARED if isinstance(rule, DesiredActivity) else Reason.RULE
        address = scope.address(Kind.RULE, f"activities.{index}")
        actions.append(Action(address, operation, reason, (f"activities[{index}]",)))
    return tuple(actions)
