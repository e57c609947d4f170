"""How much a plan would do, in the columns of its last line: objects, counted once each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self, assert_never

from reconciler.model.operations import Deferred
from reconciler.planner.actions import Action, Plan, Verb, verb_of


class Column(StrEnum):
    """A column of the summary."""

    ADD = "add"
    CHANGE = "change"
    DESTROY = "destroy"
    GENERATE = "generate"
    PUBLISH = "publish"
    PENDING = "pending"


def column_of(verb: Verb) -> Column:
    """The column an action's object is counted in. Taking a post back destroys a scheduled post."""
    match verb:
        case Verb.CREATE:
            return Column.ADD
        case Verb.UPDATE:
            return Column.CHANGE
        case Verb.DELETE | Verb.CANCEL:
            return Column.DESTROY
        case Verb.GENERATE:
            return Column.GENERATE
        case Verb.PUBLISH:
            return Column.PUBLISH
        case Verb.WAIT:
            return Column.PENDING
        case never:
            assert_never(never)


@dataclass(frozen=True, slots=True)
class PlanTally:
    """Counts of objects. Deferred actions are promises, not objects: they are listed and not counted."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    generate: int = 0
    publish: int = 0
    pending: int = 0
    blocked: int = 0
    deferred: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def tally_of(plan: Plan) -> PlanTally:
    """The counts of one site's plan."""
    counts = count_actions(plan.actions)
    counts["blocked"] = len(plan.blocked)
    return PlanTally(**counts)


def count_actions(actions: Iterable[Action]) -> dict[str, int]:
    """Column -> how many objects. The posts of one activity are one object; so is what is rescheduled
    right after it is scheduled."""
    seen: set[tuple[str, str]] = set()
    counts: dict[str, int] = {}
    for action in actions:
        column = "deferred" if isinstance(action.operation, Deferred) else column_of(verb_of(action.operation)).value
        key = (column, str(action.address))
        if key not in seen:
            seen.add(key)
            counts[column] = counts.get(column, 0) + 1
    return counts
