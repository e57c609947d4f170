"""What a run did and did not do at each site: values that reporters show and exit codes depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Self

from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.failures import PASSING_MEANWHILE
from reconciler.model.frozen import Instant, Struct
from reconciler.model.operations import Operation, class_of
from reconciler.model.outcomes import Remark, Trouble
from reconciler.model.posts import PostId
from reconciler.model.sites import SiteRef
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, Column, Plan, RefusedBy, StillGoingOut, column_of, only_moved
from reconciler.planner.unstopped import Unstopped, stops


class ActionResult(StrEnum):
    """How an action ended."""

    DONE = "done"
    SKIPPED = "skipped"
    """A precondition no longer held, or the remote side refused: not an error, but the run is incomplete."""
    WITHHELD = "withheld"
    """A public action that was not allowed."""
    PENDING = "pending"
    """Started, and still under way when the run stopped waiting."""
    UNKNOWN = "unknown"
    """The answer was unclear, and reading the site did not resolve it."""
    FAILED = "failed"
    NOT_STARTED = "not-started"


SEVERITIES: Final = {
    ActionResult.FAILED: Severity.ERROR,
    ActionResult.UNKNOWN: Severity.ERROR,
    ActionResult.SKIPPED: Severity.WARNING,
    ActionResult.WITHHELD: Severity.WARNING,
    ActionResult.NOT_STARTED: Severity.WARNING,
    ActionResult.PENDING: Severity.NOTE,
}
"""How serious it is that an action was not done, by its result."""


LEFT: Final = frozenset({ActionResult.SKIPPED, ActionResult.UNKNOWN, ActionResult.NOT_STARTED})
"""The results of actions that were not done but are not errors."""


class Entry(Struct, frozen=True):
    """One action and how it ended. `count` is how much it adds to the `Apply:` line (0: deferred).

    `problem` says why an action was not done; every action that was not done has one. Remote text in it has been made
    printable. `goes_out` is when a scheduled post goes out, as it was read last; also that of a post that was not moved
    to another time. `matched` is how many actions a deferred action turned into. `request_id` is from the action's
    call; that of the problem may be from another call.
    """

    address: Address
    operation: Operation
    result: ActionResult
    problem: Diagnostic | None = None
    remark: Remark | None = None
    goes_out: Instant | None = None
    matched: int | None = None
    request_id: str | None = None
    count: int = 1
    promised: bool = False
    """It came from a deferred action, so the plan's counts do not include it."""

    @property
    def verb(self) -> Verb:
        """The verb of its write."""
        return self.operation.verb

    @property
    def scheduled_first(self) -> bool:
        """Whether its post is scheduled, although it was not moved to its rule's time, as far as is known."""
        return self.remark is Remark.SCHEDULED

    @property
    def at_another_time(self) -> bool:
        """Whether its post goes out at another time than the one asked for."""
        moved = self.result is ActionResult.DONE or self.result is ActionResult.UNKNOWN
        return not moved and (self.scheduled_first or self.goes_out is not None)

    @classmethod
    def not_done(cls, address: Address, operation: Operation, result: ActionResult, problem: Diagnostic) -> Self:
        """An action that was not done, and why."""
        return cls(address, operation, result, about(problem, address, result))


def about(problem: Diagnostic, address: Address, result: ActionResult) -> Diagnostic:
    """Why an action was not done, as a problem of its object, with a severity that fits its result."""
    return replace(problem, address=address, severity=SEVERITIES[result])


class SiteLedger(Struct, frozen=True):
    """One site's part of the ledger.

    `error` is why this site was given up; `interrupted` means that the run was asked to stop. `still_going_out` are
    posts that go out although they are no longer wanted, soonest first: reports show them before the entries.
    `in_doubt` is what the plan left alone because the outcome of an earlier run's call is not known. `time_zone` is the
    site's.
    """

    site: SiteRef
    entries: tuple[Entry, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    error: Diagnostic | None = None
    interrupted: bool = False
    still_going_out: tuple[StillGoingOut, ...] = ()
    time_zone: str = "UTC"
    new_drafts: int | None = 0
    """After a generation: how many drafts to review are not in the approvals file yet; None if counting them failed."""
    in_doubt: tuple[Diagnostic, ...] = ()


class KeptPromises(Struct, frozen=True):
    """What was done for the deferred actions. The plan's `promises` are the bounds."""

    posts: int = 0
    """Activities that got posts."""
    published: int = 0
    added: int = 0
    """Activities that were added; the next two count those that were changed and destroyed."""
    changed: int = 0
    destroyed: int = 0
    discarded: int = 0
    """Drafts that were thrown away."""

    @property
    def objects(self) -> int:
        """All of them together."""
        return sum(getattr(self, name) for name in self.__struct_fields__)

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class ApplyTally(Struct, frozen=True):
    """The counts of the `Apply:` line (design.md 2.2).

    What was done is counted as in the plan: what came from deferred actions is in `promised` alone.
    """

    added: int = 0
    changed: int = 0
    destroyed: int = 0
    generated: int = 0
    published: int = 0
    moved: int = 0
    """The part of `published` that was already scheduled, and was only moved to another time."""
    cancelled: int = 0
    finished: int = 0
    """Generations that were under way before the run, whoever started them, and that ended during it."""
    discarded: int = 0
    """Drafts that were thrown away."""
    promised: KeptPromises = KeptPromises()
    skipped: int = 0
    withheld: int = 0
    pending: int = 0
    unknown: int = 0
    failed: int = 0
    not_started: int = 0
    """Not shown in the line, but makes a run incomplete."""
    still_going_out: int = 0
    at_another_time: int = 0
    """Posts that go out, but not at the time asked for, because they were not moved. Each counts as not done, too."""

    @property
    def all_published(self) -> int:
        """The posts that were scheduled, whether the plan named them or only promised them."""
        return self.published + self.promised.published

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


def tally_of(ledgers: Iterable[SiteLedger]) -> ApplyTally:
    """Counts what was done, by column of the `Apply:` line, and what was not, by how it ended.

    Objects are counted: two actions done at one address and in one column count once.
    """
    counts: Counter[str] = Counter()
    promised: Counter[str] = Counter()
    columns = {
        Column.ADD: "added",
        Column.CHANGE: "changed",
        Column.DESTROY: "destroyed",
        Column.GENERATE: "generated",
        Column.PUBLISH: "published",
        Column.CANCEL: "cancelled",
        None: "finished",
    }
    for ledger in ledgers:
        counts["still_going_out"] += len(ledger.still_going_out)
        counts["unknown"] += len({problem.address for problem in ledger.in_doubt})
        seen: set[tuple[str, bool, Address, str]] = set()
        discarded: set[PostId] = set()
        done = [entry for entry in ledger.entries if entry.result is ActionResult.DONE]
        counts["moved"] += len(only_moved((entry.address, entry.operation) for entry in done))
        going_out = {post.address for post in ledger.still_going_out}
        counts["at_another_time"] += len(
            {entry.address for entry in ledger.entries if entry.at_another_time} - going_out
        )
        for entry in ledger.entries:
            name, among, kept = entry.result.replace("-", "_"), counts, False
            if entry.scheduled_first:
                (promised if entry.promised else counts)["published"] += 1
            if entry.result is ActionResult.DONE:
                column, kept = column_of(entry.operation), entry.promised
                among = promised if kept else counts
                lost = set(entry.operation.throws_away) - discarded
                among["discarded"] += len(lost)
                discarded |= lost
                if column is Column.DISCARD:
                    continue
                name = "posts" if kept and column is Column.GENERATE else columns[column]
            key = (name, kept, entry.address, entry.operation.object_id)
            if key not in seen:
                seen.add(key)
                among[name] += entry.count
    return ApplyTally(**counts, promised=KeptPromises(**promised))


def causes_once(entries: Iterable[Entry], still_going_out: Iterable[StillGoingOut]) -> list[Entry]:
    """The entries to show beside posts that still go out, which say why they were not stopped.

    A cancel with the same cause is left out, because there is nothing else to say about it. A move is kept, without its
    cause.
    """
    reported = {(post.address, post.problem.message) for post in still_going_out}
    found: list[Entry] = []
    for entry in entries:
        if entry.problem is None or (entry.address, entry.problem.message) not in reported:
            found.append(entry)
        elif entry.verb is not Verb.CANCEL:
            found.append(replace(entry, problem=None, request_id=None))
    return found


def left_by_guard(ledger: SiteLedger) -> int:
    """How many actions were not done at a site where a guard refused what was planned after a generation.

    Until the file or the site changes, the same guard refuses the whole site.
    """
    if not any(entry.problem is not None and entry.problem.code in GUARDS for entry in ledger.entries):
        return 0
    tally = tally_of([replace(ledger, in_doubt=())])
    return tally.skipped + tally.unknown + tally.not_started


def left_read_only(ledger: SiteLedger) -> int:
    """How many deletions were skipped because the object is read-only. Later runs leave it alone."""
    skipped = (entry for entry in ledger.entries if entry.problem and entry.problem.code == Trouble.READ_ONLY)
    return sum(entry.operation.verb is Verb.DELETE for entry in skipped)


class Retries(Struct, frozen=True):
    """What the next run retries on a site: stopping unwanted posts, and all actions whose failure may be temporary.

    `failed_posts` counts the actions for these posts that failed, and `left_posts` those that were not done for another
    reason. `public`: some of the actions that failed or were skipped are public.
    """

    posts: int = 0
    failed: int = 0
    failed_posts: int = 0
    left_posts: int = 0
    generations: int = 0
    public: bool = False

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


def retries(ledger: SiteLedger) -> Retries:
    """What the next run retries, except what a guard will refuse."""
    if left_by_guard(ledger):
        return Retries()
    failed = [entry for entry in ledger.entries if entry.result is ActionResult.FAILED and _may_pass(entry.problem)]
    left = [entry for entry in ledger.entries if entry.result in LEFT]
    going_out = {post.address for post in ledger.still_going_out}
    behind = {post.address for post in ledger.still_going_out if post.problem.code == Unstopped.LEFT_BEHIND}
    failed_posts, left_posts = ([entry for entry in found if entry.address in going_out] for found in (failed, left))
    counted = (tally_of([SiteLedger(ledger.site, tuple(found))]) for found in (failed, failed_posts, left_posts))
    all_failed, posts_failed, posts_left = counted
    return Retries(
        posts=len({entry.address for entry in (*failed_posts, *left_posts)} | behind),
        failed=all_failed.failed,
        failed_posts=posts_failed.failed,
        left_posts=posts_left.skipped + posts_left.unknown + posts_left.not_started,
        generations=sum(
            entry.problem is not None and entry.problem.code == Trouble.GENERATION_FAILED for entry in failed
        ),
        public=any(
            class_of(entry.operation) is ActionClass.PUBLIC
            for entry in ledger.entries
            if entry.result in (ActionResult.FAILED, ActionResult.SKIPPED)
        ),
    )


def has_generated(ledger: SiteLedger) -> bool:
    """Whether a run began to generate a site's marketing plan, or may have: asking for it again would do it twice."""
    began = (ActionResult.DONE, ActionResult.PENDING, ActionResult.UNKNOWN)
    return any(entry.result in began for entry in ledger.entries if entry.operation.uses_inputs)


def _may_pass(problem: Diagnostic | None) -> bool:
    return problem is not None and problem.code in PASSING_MEANWHILE


def public_not_started(ledger: SiteLedger) -> int:
    """How many public actions a run did not reach, because it stopped or because something is still under way."""
    ended = ((class_of(entry.operation), entry.result) for entry in ledger.entries)
    return sum(each == (ActionClass.PUBLIC, ActionResult.NOT_STARTED) for each in ended)


GUARDS: Final = frozenset(RefusedBy)


def unstopped(plan: Plan, entries: Iterable[Entry]) -> dict[Action, Diagnostic]:
    """The actions of a plan that should have stopped a post but did not, with how each ended."""
    ended = {(entry.address, entry.operation.verb): entry for entry in entries}
    found: dict[Action, Diagnostic] = {}
    for action in plan.actions:
        if stops(action):
            entry = ended.get((action.address, action.operation.verb))
            if entry is not None and entry.result is not ActionResult.DONE:
                assert entry.problem is not None  # what was not done says why
                found[action] = entry.problem
    return found
