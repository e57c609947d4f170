"""Which rule of `activities` decides which activity: rules are read from top to bottom, and the first match decides.

What a `create` rule made belongs to that rule. A `set` rule keeps what it set: according to the state or, without a
state, to the values themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

from msgspec.structs import replace

from reconciler.model.activities import Activity, ActivityRule, DesiredActivity, RemoveActivities, SetActivities
from reconciler.model.canonical import Absent, Digest, Json, JsonObject, digest_of
from reconciler.model.posts import ActivityId
from reconciler.model.selectors import Match
from reconciler.model.sites import RecordedSite
from reconciler.model.text import normal_text
from reconciler.planner.options import Scope


def in_order(activities: Iterable[Activity]) -> list[Activity]:
    """The order of matches: date, then title, then id (design.md 1.1)."""
    return sorted(activities, key=lambda activity: (activity.date, activity.title, activity.id))


def covers(match: Match, activity: Activity, scope: Scope) -> bool:
    """Whether a match rule covers a live activity now."""
    return match.covers(
        id=activity.id, title=activity.title, at=activity.date, type=activity.type, now=scope.now, zone=scope.zone
    )


def may_cover(match: Match, activity: Activity, scope: Scope) -> bool:
    """Whether only the type is in doubt: the match names one, the answer does not show the activity's, the rest fits.

    Nothing decides such an activity, not even a later rule: this rule may be there to exclude it (remote-api.md 17.8).
    """
    return match.type is not None and activity.type is None and covers(replace(match, type=None), activity, scope)


def covers_declared(match: Match, activity: DesiredActivity, scope: Scope) -> bool:
    """Whether a match rule covers an activity that is still to be created, and so has no id."""
    return match.covers(
        id="", title=activity.title, at=activity.target_date, type=activity.type, now=scope.now, zone=scope.zone
    )


def match_key(match: Match) -> Digest:
    """What identifies a rule in the state: the digest of its match, so that its values may be edited."""
    members: dict[str, Json] = {
        "title": match.title,
        "within": match.within.total_seconds() if match.within else None,
        "from": match.start.isoformat() if match.start else None,
        "to": match.end.isoformat() if match.end else None,
        "type": match.type,
        "weekdays": tuple(sorted(match.weekdays)),
        "ids": tuple(sorted(match.ids)),
    }
    return digest_of(JsonObject(members))


def find_created(
    rules: tuple[ActivityRule, ...], activities: tuple[Activity, ...], recorded: RecordedSite
) -> dict[int, Activity]:
    """Rule index -> the live activity that a `create` rule made, or that is what it would make.

    First by what the state remembers (same title and date as asked for then), then by title and instant, then by title
    or instant alone among those that the state remembers for rules that have changed since.
    """
    ordered = in_order(activities)
    live = {activity.id: activity for activity in ordered}
    creates = [(index, rule) for index, rule in enumerate(rules) if isinstance(rule, DesiredActivity)]
    found: dict[int, Activity] = {}

    def take(index: int, *lists: list[ActivityId]) -> None:
        """Takes one activity: the smallest of the ids that are last in their lists.

        What is taken is dropped from the lists, so that no activity is looked at again for every rule.
        """
        for ids in lists:
            while ids and ids[-1] not in live:
                ids.pop()
        if left := [ids[-1] for ids in lists if ids]:
            found[index] = live.pop(min(left))

    remembered = {(made.title, made.target_date): made.id for made in reversed(recorded.created)}
    for index, rule in creates:
        if (id := remembered.get((rule.title, rule.target_date))) is not None:
            take(index, [id])
    alike: dict[tuple[str, datetime], list[ActivityId]] = {}
    for activity in reversed(ordered):
        alike.setdefault((normal_text(activity.title), activity.date), []).append(activity.id)
    for index, rule in creates:
        if index not in found:
            take(index, alike.get((normal_text(rule.title), rule.target_date), []))
    declared = {(rule.title, rule.target_date) for _, rule in creates}
    changed: dict[str | datetime, list[ActivityId]] = {}
    for made in sorted(recorded.created, key=lambda made: made.id, reverse=True):
        if (made.title, made.target_date) not in declared:
            changed.setdefault(made.title, []).append(made.id)
            changed.setdefault(made.target_date, []).append(made.id)
    for index, rule in creates:
        if index not in found:
            take(index, changed.get(rule.title, []), changed.get(rule.target_date, []))
    return found


def decide(
    rules: tuple[ActivityRule, ...],
    activities: list[Activity],
    created: dict[int, Activity],
    recorded: RecordedSite,
    scope: Scope,
) -> dict[int, list[Activity]]:
    """Rule index -> the activities it decides, in order."""
    setters: dict[ActivityId, set[Digest]] = {}
    for known in recorded.sets:
        for id in known.activities:
            setters.setdefault(id, set()).add(known.rule)
    owned = {activity.id for activity in created.values()}
    decided: dict[int, list[Activity]] = {index: [] for index in range(len(rules))}
    candidates = RuleIndex(rules)
    for activity in activities:
        if activity.id in owned:
            continue
        by = setters.get(activity.id, set())
        for index, rule in candidates.of(activity, by):
            if covers(rule.match, activity, scope) or (
                isinstance(rule, SetActivities) and _was_set_by(rule, activity, by)
            ):
                decided[index].append(activity)
                break
            if may_cover(rule.match, activity, scope):
                break
    return decided


def _was_set_by(rule: SetActivities, activity: Activity, setters: set[Digest]) -> bool:
    """Whether a rule set an activity that it does not cover now.

    The state says so: `setters` are the rules under which it records the activity. If there are none, its values
    decide.
    """
    return match_key(rule.match) in setters if setters else is_as_set(activity, rule)


_WILDCARD: Final = re.compile(r"[*?\[]")


class MatchIndex:
    """Match rules, found by the ids and titles that they name: few of many need to be tried for an activity."""

    def __init__(self, matches: Iterable[tuple[int, Match]]) -> None:
        self._any: list[int] = []
        """Those that name neither ids nor titles: each is tried."""
        self._by_id: dict[str, list[int]] = {}
        self._by_title: dict[int, dict[str, list[int]]] = {}
        """By the length of the part of a title before its first wildcard, then by that part."""
        for index, match in matches:
            for id in match.ids:
                self._by_id.setdefault(id, []).append(index)
            if not match.ids and match.title is not None:
                start = _WILDCARD.split(match.title.casefold(), 1)[0]
                self._by_title.setdefault(len(start), {}).setdefault(start, []).append(index)
            elif not match.ids:
                self._any.append(index)

    def that_may_cover(self, id: str, title: str) -> set[int]:
        """The indices of those to try for an activity."""
        folded = title.casefold()
        by_title = (index for length, of in self._by_title.items() for index in of.get(folded[:length], ()))
        return {*self._any, *self._by_id.get(id, ()), *by_title}


class RuleIndex:
    """The rules that may decide an activity, found by their ids, titles and by what they set: few need to be tried."""

    def __init__(self, rules: tuple[ActivityRule, ...]) -> None:
        self._rules = rules
        matching = ((at, rule.match) for at, rule in enumerate(rules) if not isinstance(rule, DesiredActivity))
        self._matches = MatchIndex(matching)
        self._by_key: dict[Digest, list[int]] = {}
        self._by_values: dict[_Written, dict[_Values, list[int]]] = {}
        for index, rule in enumerate(rules):
            if isinstance(rule, SetActivities):
                values = (rule.title, rule.description, rule.target_date)
                written: _Written = tuple(not isinstance(value, Absent) for value in values)
                self._by_key.setdefault(match_key(rule.match), []).append(index)
                self._by_values.setdefault(written, {}).setdefault(_normal(values, written), []).append(index)

    def of(self, activity: Activity, setters: set[Digest]) -> Iterator[tuple[int, SetActivities | RemoveActivities]]:
        """The rules to try for an activity, from top to bottom. `setters` are those that have set it before."""
        found = self._matches.that_may_cover(activity.id, activity.title)
        for key in setters:
            found.update(self._by_key.get(key, ()))
        if not setters:
            values = (activity.title, activity.description, activity.date)
            for written, by_values in self._by_values.items():
                found.update(by_values.get(_normal(values, written), ()))
        return self._in_order(found)

    def that_may_cover(self, activity: Activity) -> Iterator[tuple[int, SetActivities | RemoveActivities]]:
        """The rules that may cover an activity, from top to bottom, whoever set it."""
        return self._in_order(self._matches.that_may_cover(activity.id, activity.title))

    def _in_order(self, indices: set[int]) -> Iterator[tuple[int, SetActivities | RemoveActivities]]:
        for index in sorted(indices):
            rule = self._rules[index]
            assert not isinstance(rule, DesiredActivity)
            yield index, rule


_Written: TypeAlias = tuple[bool, ...]
"""Which of title, description and date a rule sets."""

_Values: TypeAlias = tuple[str | datetime | None, ...]


def _normal(values: Iterable[str | datetime | Absent], written: _Written) -> _Values:
    """The values that a rule sets, in the form in which they are compared; None for what it leaves alone."""
    return tuple(
        None if not sets or isinstance(value, Absent) else normal_text(value) if isinstance(value, str) else value
        for value, sets in zip(values, written, strict=True)
    )


def as_set(activity: Activity, rule: SetActivities) -> Activity:
    """The activity with the values that a `set` rule writes."""
    return replace(
        activity,
        title=activity.title if isinstance(rule.title, Absent) else rule.title,
        description=activity.description if isinstance(rule.description, Absent) else rule.description,
        date=activity.date if isinstance(rule.target_date, Absent) else rule.target_date,
    )


def is_as_set(activity: Activity, rule: SetActivities) -> bool:
    """Whether an activity has all the values that a `set` rule writes, whatever form its texts have."""
    wanted = as_set(activity, rule)
    return wanted.date == activity.date and all(
        normal_text(wants) == normal_text(has)
        for wants, has in ((wanted.title, activity.title), (wanted.description, activity.description))
    )
