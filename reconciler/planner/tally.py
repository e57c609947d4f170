"""How much a plan would do, in the columns of its last line: objects, counted once each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self, assert_never

from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.canonical import Absent
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Struct
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, BlockedBy, Column, Plan, column_of, only_moved
from reconciler.planner.generation import UNSEEN_DRAFTS


class Promises(Struct, frozen=True):
    """The bounds of deferred actions, in objects.

    They cover activities that get posts, drafts that go out or are thrown away, activities that are made or set, and
    those that are deleted (`delete`). `unbounded` counts the deferred actions without a bound; `unbounded_publish` and
    `unbounded_delete` count those of them that make posts public and those that delete activities.
    """

    posts: int = 0
    publish: int = 0
    discard: int = 0
    activities: int = 0
    delete: int = 0
    unbounded: int = 0
    unbounded_publish: int = 0
    unbounded_delete: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))

    def within(self, spare: Spare) -> Self:
        """These promises, capped at what the limits of the run leave for all its sites."""
        delete = self.delete if spare.delete is None else min(self.delete, spare.delete)
        discard = self.discard if spare.discard is None else min(self.discard, spare.discard)
        return replace(self, delete=delete, discard=discard)


class Spare(Struct, frozen=True):
    """How much a run may delete and discard beyond what its plans name, across all sites; None without a limit."""

    delete: int | None = None
    discard: int | None = None

    def shared_by(self, count: int) -> Spare:
        """The share of each of `count` runs, which do not know what the others do."""
        return Spare(*(None if limit is None else limit // count for limit in (self.delete, self.discard)))

    @property
    def used_up(self) -> Spare:
        """The same limits with nothing left."""
        return Spare(*(None if limit is None else 0 for limit in (self.delete, self.discard)))


class PlanTally(Struct, frozen=True):
    """Counts of objects. The bounds of deferred actions are counted separately."""

    add: int = 0
    change: int = 0
    destroy: int = 0
    generate: int = 0
    publish: int = 0
    moved: int = 0
    """The part of `publish` that is already scheduled, and only goes out at another time."""
    cancel: int = 0
    discard: int = 0
    """Drafts that are thrown away. Scheduled posts are cancelled, and never among them."""
    discarded_anyway: int = 0
    """The part of `discard` that a regeneration already under way throws away: no limit stops it."""
    deleted: int = 0
    """Events, activities and marketing plans that are deleted: the part of `destroy` that `maxDelete` limits."""
    pending: int = 0
    blocked: int = 0
    deferred: int = 0
    still_going_out: int = 0
    to_review: int = 0
    promises: Promises = Promises()
    in_doubt: int = 0
    """Objects for which nobody knows whether an earlier run's call took effect, except what is still going out."""
    earlier_ended: int = 0
    """Generations that earlier runs started, and that ended after these runs did."""
    earlier_discarded: int = 0
    """The drafts that these generations discarded."""
    uncounted: int = 0
    """Sites where drafts that nobody can count may be thrown away."""

    @property
    def changes(self) -> int:
        """What would be done or waited for, deferred actions included."""
        done = self.add + self.change + self.destroy + self.generate + self.discard + self.publish + self.cancel
        return done + self.pending + self.deferred

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


def tally_of(plan: Plan) -> PlanTally:
    """The counts of one site's plan. A refused site is left alone, so none of its actions count."""
    actions = () if plan.refusals else plan.actions
    counts = count_actions(actions)
    counts["blocked"] = len({blocked.address for blocked in plan.blocked})  # a post can break several rules at once
    anyway = {post for action in actions for post in action.operation.replaces}
    counts["discard"] = len({post for action in actions for post in action.operation.throws_away})
    return PlanTally(
        **counts,
        discarded_anyway=len(anyway),
        moved=len(only_moved((action.address, action.operation) for action in actions)),
        deleted=len({str(action.address) for action in actions if action.operation.destroys}),
        still_going_out=len(plan.still_going_out),
        to_review=len(plan.to_review),
        promises=sum(
            (_promise(action.operation) for action in actions if isinstance(action.operation, Deferred)), Promises()
        ),
        in_doubt=len({problem.address for problem in in_doubt(plan)}),
        earlier_ended=0 if isinstance(plan.earlier, Absent) else plan.earlier.ended,
        earlier_discarded=0 if isinstance(plan.earlier, Absent) else plan.earlier.discarded,
        uncounted=int(bool(actions) and any(note.code == UNSEEN_DRAFTS for note in plan.notes)),
    )


def in_doubt(plan: Plan) -> tuple[Diagnostic, ...]:
    """What an unknown outcome blocks. A generation that waits for events is not counted beside them."""
    doubtful = [problem for problem in plan.blocked if problem.code == BlockedBy.OUTCOME_UNKNOWN]
    objects = [problem for problem in doubtful if problem.address and problem.address.kind is not Kind.MARKETING_PLAN]
    going_out = {post.address for post in plan.still_going_out}
    return tuple(problem for problem in objects or doubtful if problem.address not in going_out)


def _promise(operation: Deferred) -> Promises:
    removes = operation.part is SitePart.ACTIVITIES and operation.verb is Verb.DELETE
    if operation.at_most is None:
        public = operation.part is SitePart.SCHEDULE
        return Promises(unbounded=1, unbounded_publish=int(public), unbounded_delete=int(removes))
    match operation.part:
        case SitePart.POSTS:
            present = operation.posts_rules[operation.rule].present
            return Promises(posts=operation.at_most) if present else Promises(discard=operation.at_most)
        case SitePart.SCHEDULE:
            return Promises(publish=operation.at_most)
        case SitePart.ACTIVITIES:
            return Promises(delete=operation.at_most) if removes else Promises(activities=operation.at_most)
        case never:
            assert_never(never)


def count_actions(actions: Iterable[Action]) -> dict[str, int]:
    """Column -> number of objects.

    The posts of one activity count as one object; so does a post that is scheduled and then rescheduled.
    """
    seen: set[tuple[str, str]] = set()
    counts: dict[str, int] = {}
    for action in actions:
        if isinstance(action.operation, Deferred):
            column = "deferred"
        else:
            counted = column_of(action.operation)
            if counted is Column.DISCARD:
                continue
            column = counted.value if counted else "pending"
        key = (column, str(action.address))
        if key not in seen:
            seen.add(key)
            counts[column] = counts.get(column, 0) + 1
    return counts
