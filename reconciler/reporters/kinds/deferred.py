"""Deferred actions: what a rule will match once a generation is done, in words and as JSON. They make no calls."""

from __future__ import annotations

from typing import ClassVar, Final, assert_never

from reconciler.model.activities import DesiredActivity, SetActivities
from reconciler.model.durations import as_typed
from reconciler.model.frozen import Struct as Record
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.plurals import plural
from reconciler.model.selectors import WEEKDAYS, Match
from reconciler.model.writes import Condition
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.activities import in_zone
from reconciler.reporters.kinds.base import ActionText, KindWords, Records, WriteRecord
from reconciler.reporters.values import quoted, yaml
from reconciler.reporters.words import value

MOST_IDS: Final = 3
"""If a rule names more ids than this, they are counted."""


class DeferredAction(Record, frozen=True):
    """A rule, and the maximum number of objects it may affect."""

    part: SitePart
    rule: int
    at_most: int | None
    words: str


class DeferredWrite(WriteRecord, frozen=True, tag="deferred"):
    """What is decided after generation, within a bound."""

    deferred: DeferredAction


class DeferredWords(KindWords[Deferred, Condition]):
    """Deferred actions."""

    records: ClassVar[Records] = {Deferred: DeferredWrite}

    def text(self, action: Action, operation: Deferred, zone: str) -> ActionText:
        return ActionText(*deferred_words(operation, zone))

    def record(self, operation: Deferred) -> WriteRecord:
        return DeferredWrite(DeferredAction(operation.part, operation.rule, operation.at_most, _matching(operation)))


def deferred_words(operation: Deferred, zone: str) -> tuple[str, str]:
    """What a deferred action is about, and its bound: `posts`, `for up to 12 activities (decided after generation)`.

    If the file has several such rules, the first part says which: `posts[0]`.
    """
    rule, most = operation.rule, operation.at_most
    later = "(decided after generation)"
    match operation.part:
        case SitePart.POSTS:
            of = "for" if operation.posts_rules[rule].present else "cleared for"
            subject = _place(operation) if len(operation.posts_rules) > 1 else "posts"
            chosen_rule = operation.posts_rules[rule]
            which = "" if chosen_rule.present else _conditions(chosen_rule.match)
            return subject, f"{of} {_up_to(most, 'activity', 'activities', which)} {later}"
        case SitePart.SCHEDULE:
            subject = _place(operation) if len(operation.schedule_rules) > 1 else "posts"
            go = "goes" if most == 1 else "go"
            return subject, f"{_up_to(most, 'draft', 'drafts')} {go} out without approval {later}"
        case SitePart.ACTIVITIES:
            chosen = operation.activity_rules[rule]
            if isinstance(chosen, DesiredActivity):
                return f"activity {quoted(chosen.title)}", f"create {later}"
            others = sum(not isinstance(other, DesiredActivity) for other in operation.activity_rules) > 1
            subject = _place(operation) if others else "activities"
            if isinstance(chosen, SetActivities):
                values = ", ".join(f"{name} to {yaml(in_zone(name, wanted, zone))}" for name, wanted in chosen.values())
                return subject, f"set {values} on {_up_to(most, 'activity', 'activities')} {later}"
            which = _conditions(chosen.match)
            return subject, f"delete {_up_to(most, 'activity', 'activities', which)} {later}"
        case never:
            assert_never(never)


def _up_to(most: int | None, one: str, many: str, which: str = "") -> str:
    """How many objects; `which` says what they match."""
    if most is None:
        return f"all {many} that match{which and ' '}{which}"
    return f"up to {plural(most, one, many)}{which and ' that match '}{which}"


def _conditions(match: Match) -> str:
    """`title: "*week*", from: 2026-12-01`: what a rule matches, as in the file."""
    given = {
        "title": match.title and quoted(match.title),
        "within": match.within and as_typed(match.within),
        "from": match.start and match.start.isoformat(),
        "to": match.end and match.end.isoformat(),
        "type": match.type,
        "weekdays": ", ".join(day for day in WEEKDAYS if day in match.weekdays),
        "ids": ", ".join(sorted(match.ids)) if len(match.ids) <= MOST_IDS else f"{len(match.ids):,} ids",
    }
    return ", ".join(f"{name}: {words}" for name, words in given.items() if words)


def _place(operation: Deferred) -> str:
    """Where the file has the rule: `posts[0]`."""
    section = "schedule.rules" if operation.part is SitePart.SCHEDULE else operation.part.value
    return f"{section}[{operation.rule}]"


def _matching(operation: Deferred) -> str:
    """`posts for at most 12 activities matching posts[0]`, for use after the verb."""
    bound = f"at most {operation.at_most:,} " if operation.at_most is not None else "all "
    things = "activity" if operation.at_most == 1 else "activities"
    match operation.part:
        case SitePart.POSTS:
            of = "for" if operation.posts_rules[operation.rule].present else "of"
            return f"posts {of} {bound}{things} matching {_place(operation)}"
        case SitePart.SCHEDULE:
            drafts = "draft" if operation.at_most == 1 else "drafts"
            return f"{bound}{drafts} matching {_place(operation)}"
        case SitePart.ACTIVITIES:
            rule = operation.activity_rules[operation.rule]
            if isinstance(rule, DesiredActivity):
                return f"activity {value(rule.title)} of {_place(operation)}"
            sets = ""
            if isinstance(rule, SetActivities):
                sets = ", setting " + ", ".join(f"{name} to {value(wanted)}" for name, wanted in rule.values())
            return f"{bound}{things} matching {_place(operation)}{sets}"
        case never:
            assert_never(never)
