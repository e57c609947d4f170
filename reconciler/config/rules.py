"""The rules of a site file: `activities`, `posts` and `schedule`, from checked values."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias, TypeVar

from reconciler.config import times
from reconciler.config.layers import MergedDocument
from reconciler.config.words import KeyPath, dotted, quoted
from reconciler.model.activities import ActivityRule, DesiredActivity, PostsRule, RemoveActivities, SetActivities
from reconciler.model.canonical import ABSENT
from reconciler.model.schedule import DesiredSchedule, Pause, ScheduleRule
from reconciler.model.selectors import WEEKDAYS, Match

NEVER_MATCHES: Final = "rule-never-lets-through"
"""The code of warnings about rules that make no difference. They are valid: a run does what the other rules say."""

MOST_PATTERNS: Final = 100
"""How many patterns of a list of rules are compared with the titles of the rules below them."""

T = TypeVar("T")


class NotUsable(Exception):
    """A value whose problem has already been reported; the rule it is in is left out."""


def read_time(read: Any, text: str, path: KeyPath, merged: MergedDocument) -> Any:
    """What `read`, from times.py, makes of a text. If it cannot be read, reports the problem and raises NotUsable."""
    try:
        return read(text)
    except ValueError as error:
        merged.problem(path, f"{quoted(text)} {error}")
        raise NotUsable from None


def read_activities(merged: MergedDocument) -> tuple[ActivityRule, ...]:
    """`activities`, in the order of the file, which matters."""
    rules = _each(merged, ("activities",), _activity_rule)
    above = _RulesAbove()
    created: dict[tuple[str, str], KeyPath] = {}
    for path, rule in rules:
        if isinstance(rule, DesiredActivity):
            identity = (rule.title, rule.target_date.isoformat())
            if identity in created:
                merged.problem(path, f"{quoted(rule.title)} is created twice for the same time", "keep one of them")
            created.setdefault(identity, path)
        else:
            _reachable(rule.match, path, above, merged)
    return tuple(rule for _, rule in rules)


def read_posts(merged: MergedDocument) -> tuple[PostsRule, ...]:
    """`posts`, in the order of the file, which matters."""
    rules = _each(merged, ("posts",), _posts_rule)
    above = _RulesAbove()
    for path, rule in rules:
        _reachable(rule.match, path, above, merged)
    return tuple(rule for _, rule in rules)


def read_schedule(merged: MergedDocument) -> DesiredSchedule | None:
    """`schedule`, or None if it is not written."""
    written = merged.value.get("schedule")
    if written is None:
        return None
    if merged.lacks("schedule", "rules"):
        merged.problem(("schedule",), "rules is missing", "write the rules, or `rules: []` for none", against=())
    rules = _each(merged, ("schedule", "rules"), _schedule_rule)
    above = _RulesAbove()
    for path, rule in rules:
        _reachable(rule.match, path, above, merged, (rule.channels, rule.types))
    return DesiredSchedule(
        rules=tuple(rule for _, rule in rules),
        approval_required=written.get("approval", "required") == "required",
        cancel_others=written.get("manage", "declared") == "all",
        paused=read_pause(written.get("paused", False)),
    )


def read_pause(written: bool | str) -> Pause:
    """`paused` in a site or in the policy."""
    return Pause(written) if isinstance(written, str) else Pause.NONE


def _each(merged: MergedDocument, path: KeyPath, read: Any) -> list[tuple[KeyPath, Any]]:
    """The rules of a list with their paths, without those that cannot be read."""
    written = merged.value
    for step in path:
        written = written.get(step, {})
    rules: list[tuple[KeyPath, Any]] = []
    for at, rule in enumerate(written):
        if rule is None:  # an invalid one, already reported
            continue
        here = (*path, at)
        try:
            rules.append((here, read(rule, here, merged)))
        except NotUsable:
            continue
    return rules


def _activity_rule(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> ActivityRule:
    if "create" in written:
        new, here = written["create"], (*path, "create")
        target = read_time(times.moment, new["targetDate"], (*here, "targetDate"), merged)
        return DesiredActivity(new["title"], new["description"], target, new["marketingActivityType"])
    match = read_match(written["match"], (*path, "match"), merged)
    least, most = _bounds(written, path, merged)
    if "set" not in written:
        return RemoveActivities(match, least)
    values = written["set"]
    target = values.get("targetDate", ABSENT)
    if target is not ABSENT:
        target = read_time(times.moment, target, (*path, "set", "targetDate"), merged)
    title, description = values.get("title", ABSENT), values.get("description", ABSENT)
    return SetActivities(match, title, description, target, least, most)


def _posts_rule(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> PostsRule:
    match = read_match(written.get("match", {}), (*path, "match"), merged)
    least, most = _bounds(written, path, merged)
    return PostsRule(match, written.get("state", "present") == "present", least, most)


def _schedule_rule(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> ScheduleRule:
    match = read_match(written.get("match", {}), (*path, "match"), merged)
    least, most = _bounds(written, path, merged)
    at = times.wall_time(written["at"]) if "at" in written else None
    return ScheduleRule(match, tuple(written.get("channels", ())), tuple(written.get("types", ())), least, most, at)


def read_match(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> Match:
    """A selector. Every time in it that cannot be read is reported, and left out."""
    times_read: dict[str, Any] = {}
    for key, read in (("within", times.duration), ("from", times.day), ("to", times.day)):
        if key in written:
            with suppress(NotUsable):
                times_read[key] = read_time(read, written[key], (*path, key), merged)
    return Match(
        title=written.get("title"),
        within=times_read.get("within"),
        start=times_read.get("from"),
        end=times_read.get("to"),
        type=written.get("type"),
        weekdays=frozenset(_weekday(name) for name in written.get("weekdays", ())),
        ids=frozenset(written.get("ids", ())),
    )


def _weekday(name: str) -> str:
    return next(day for day in WEEKDAYS if day.startswith(name.upper()))


def _bounds(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> tuple[int, int | None]:
    least, most = int(written.get("min", 0)), written.get("max")
    if most is not None and least > most:
        merged.problem((*path, "min"), f"{least:,} is more than `max`, which is {int(most):,}", "swap the two")
    if most is not None and written.get("state") == "absent":
        message = "only limits one run under `state: absent`, so the next run would remove more"
        merged.problem((*path, "max"), message, "narrow the match instead", continues=True)
    return least, None if most is None else int(most)


def covers(one: Match, other: Match) -> bool:
    """Whether everything that matches the other rule certainly matches this one too."""
    return (
        _covers_title(one, other)
        and (one.within is None or (other.within is not None and other.within <= one.within))
        and (one.start is None or (other.start is not None and other.start >= one.start))
        and (one.end is None or (other.end is not None and other.end <= one.end))
        and one.type in (None, other.type)
        and _covers_names(one.weekdays, other.weekdays)
        and _covers_names(one.ids, other.ids)
    )


def _any_title(match: Match) -> bool:
    return match.title is None or set(match.title) == {"*"}


def _covers_title(one: Match, other: Match) -> bool:
    if _any_title(one) or other.title is None or one.title is None:
        return _any_title(one)
    wide, narrow = one.title.casefold(), other.title.casefold()
    # Whatever the narrower pattern's wildcards stand for is inside what a `*` of the wider one stands for.
    return wide == narrow or (_only_stars(wide) and "[" not in narrow and fnmatchcase(narrow, wide))


def _only_stars(title: str) -> bool:
    return "*" in title and not {"?", "["} & set(title)


def _covers_names(wide: Iterable[str], narrow: Iterable[str]) -> bool:
    """Whether `wide` allows everything that `narrow` allows. An empty list allows everything."""
    allowed, asked = set(wide), set(narrow)
    return not allowed or (bool(asked) and asked <= allowed)


PostFilter: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""The channels and the types of the posts that a rule is about; all of them if it names none."""


class _RulesAbove:
    """The matches of the rules above the current one, found by the ids or the title that they name.

    A match that names ids can cover another only if the other names ids too, and the first names them all. Only the
    first MOST_PATTERNS patterns are compared with other titles, so that many rules do not take long.
    """

    def __init__(self) -> None:
        self._rules: list[tuple[Match, KeyPath, PostFilter]] = []
        self._by_name: dict[str | None, list[int]] = {}
        self._patterns = 0

    def add(self, match: Match, path: KeyPath, posts: PostFilter) -> None:
        """Adds the next rule."""
        for name in (f"id {id}" for id in match.ids) if match.ids else (self._title(match),):
            self._by_name.setdefault(name, []).append(len(self._rules))
        self._rules.append((match, path, posts))

    def _title(self, match: Match) -> str | None:
        """The title to find a rule by; None if it is to be compared with every title."""
        if match.title is None or _any_title(match):
            return None
        if _only_stars(match.title) and self._patterns < MOST_PATTERNS:
            self._patterns += 1
            return None
        return f"title={match.title.casefold()}"

    def covering(self, match: Match, posts: PostFilter) -> KeyPath | None:
        """The first rule that covers everything that a match covers, for posts of these channels and types."""
        names = {None, *(f"id {id}" for id in sorted(match.ids)[:1])}
        if match.title is not None:
            names.add(f"title={match.title.casefold()}")
        for at in sorted(at for name in names for at in self._by_name.get(name, ())):
            earlier, path, its_posts = self._rules[at]
            if covers(earlier, match) and all(map(_covers_names, its_posts, posts)):
                return path
        return None


def _reachable(
    match: Match, path: KeyPath, above: _RulesAbove, merged: MergedDocument, posts: PostFilter = ((), ())
) -> None:
    if (earlier := above.covering(match, posts)) is not None:
        message = f"never applies: {dotted(earlier)} above it already matches everything it could match"
        fix = "put the narrower rule first, or remove one"
        merged.doubtful.append(merged.warning(path, message, fix, code=NEVER_MATCHES, continues=True))
    above.add(match, path, posts)
