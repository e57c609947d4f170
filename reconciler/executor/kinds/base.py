"""ManagedKind: everything that the executor must know about one kind of object, in one place.

A kind says what must hold before its calls, what was there before them, how to recognise their outcome, and what a
successful call leaves behind. How a call is sent, recorded and retried is the same for all kinds: see `run.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from msgspec import Struct

from reconciler.executor.ledger import ActionResult
from reconciler.executor.ports import ApplyOptions, Journal, Ports
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Address, Kind
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import Failure
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Done, NotDone, Outcome, not_as_asked
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.settings import normal_texts
from reconciler.model.sites import Bindings, Inputs, Need, PublishedPost, RecordedSite
from reconciler.model.two_values import both_in_sentence
from reconciler.model.writes import FieldChange
from reconciler.planner.baseline import WAS_CANCELLED, Objects, approval_key, key_of
from reconciler.planner.changes import same_plain

O = TypeVar("O")  # noqa: E741 - the operations of a kind


class OutcomeReads(Struct, frozen=True):
    """What must be read to tell how a call ended.

    Parts of the site, the posts of activities, and single posts, each with the activity that it belongs to.
    """

    needs: frozenset[Need] = frozenset()
    activities: frozenset[ActivityId] = frozenset()
    posts: tuple[tuple[PostId, ActivityId], ...] = ()

    def __or__(self, more: OutcomeReads) -> OutcomeReads:
        return OutcomeReads(self.needs | more.needs, self.activities | more.activities, (*self.posts, *more.posts))


class Moment(Struct, frozen=True):
    """What a call is judged against just before it is sent: the record, today's approvals, and the time."""

    recorded: RecordedSite
    approvals: Approvals
    now: datetime
    zone: str = "UTC"
    """The site's time zone, for messages to people."""


class OutcomeContext(Struct, frozen=True):
    """What is known when an outcome is recorded: the record, and, if known, what has been read since the call.

    `options` are those of the run; `zone` is the site's time zone.
    """

    recorded: RecordedSite
    found: Snapshot | None = None
    options: ApplyOptions | None = None
    zone: str | None = None


class ManagedKind(Generic[O]):
    """One kind of object, with operations of type `O`."""

    # --- before a call ---

    async def unmet(self, required: Any, operation: Operation, site: SiteCache, moment: Moment) -> Diagnostic | None:
        """What was found instead of what a condition of this kind asks for; None if it holds. May raise an ApiError."""
        raise TypeError(f"{type(self).__name__} checks no {type(required).__name__}")

    def right_unmet(self, required: Any, moment: Moment) -> Diagnostic | None:
        """Like `unmet`, as far as it can be judged without reading the site.

        Asked again before each attempt of a public call.
        """
        return None

    async def refusal_reason(self, operation: O, site: SiteCache, moment: Moment) -> Diagnostic | None:
        """Why the call must not be sent, beyond the preconditions in its plan. May raise an ApiError."""
        return None

    async def prepared(self, operation: O, site: SiteCache) -> O:
        """The operation as it is sent, including the parts of the live object that stay. May raise an ApiError."""
        return operation

    async def before(self, operation: O, site: SiteCache) -> Before:
        """What is there before the call, for `outcome`. May raise an ApiError."""
        return Before()

    def decision(self, operation: O) -> str | None:
        """The reviewers' decision that the operation can carry out, as it is recorded; None if there is none."""
        return None

    # --- after a call ---

    def reads(self, operation: O) -> OutcomeReads:
        """What must be read to tell how the call ended."""
        return OutcomeReads()

    def mismatch(
        self, operation: O, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        """How the site differs from what the call asked for; None if it does not.

        `created` is the id in the answer to a create.
        """
        return None

    def outcome(self, operation: O, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        """How a call ended if its answer was lost, judging by what is there now. None: this read does not tell.

        Pending means that a generation is under way.
        """
        wrong = self.mismatch(operation, entry, None, found, now)
        return Done() if wrong is None else NotDone(wrong)

    def may_lag(self, operation: O, found: Snapshot) -> bool:
        """Whether a call that shows no effect may still have one: a read may lag behind it (17.6).

        An accepted call stays open for a while. For any other, the site is soon read again.
        """
        return False

    async def ruled_out(self, operation: O, refused: NotDone, site: SiteCache, journal: Journal) -> Outcome:
        """What it means that the remote side refused the call, judging by the object. May raise an ApiError."""
        return refused

    # --- what follows from it ---

    def leaves(self, operation: O, entry: OpenEntry, done: Done, context: OutcomeContext) -> Bindings:
        """What a successful call leaves behind, to be recorded."""
        return Bindings()

    def published(self, operation: O, entry: OpenEntry, context: OutcomeContext) -> PublishedPost | None:
        """The record of a post that a successful call scheduled or moved; None if it did neither."""
        return None

    def leaves_if_not_done(self, operation: O, entry: OpenEntry, failure: Failure, recorded: RecordedSite) -> Bindings:
        """What must be recorded if the call was not done."""
        return Bindings()

    def leaves_in_part(self, operation: O, entry: OpenEntry, found: Snapshot, recorded: RecordedSite) -> Bindings:
        """What a call that was only partly done has left behind, judging by what is there now."""
        return Bindings()

    def not_kept(self, operation: O) -> Bindings:
        """What must still be recorded if the read-back shows that the call did not take effect."""
        return Bindings()

    def goes_out(self, operation: O, found: Snapshot) -> datetime | None:
        """When a post that the call should have moved goes out; None if it does not, or if that is not known."""
        return None

    def shows(self, operation: O, created: str, found: Snapshot) -> bool:
        """Whether the site has an object with the id `created` that resembles what the create asked for."""
        return False

    def unkept(self, operation: O, created: str | None, found: Snapshot) -> tuple[str, tuple[FieldChange, ...]]:
        """The fields that the server stores differently from what was asked, and their object's key within the site.

        Each change has the server's value as `before`. Includes only fields whose value on the server is accepted if
        it still differs after two writes (17.7).
        """
        return "", ()

    def found_instead(
        self, operation: O, entry: OpenEntry, created: str | None, found: Snapshot, recorded: RecordedSite
    ) -> tuple[str, tuple[FieldChange, ...]]:
        """All fields whose value is not what it should be after the call, in the form of `unkept`."""
        return self.unkept(operation, created, found)

    def title(self, operation: O) -> str:
        """What people call the object, if its address is an id."""
        return ""

    def with_kept_values(self, operation: O, changes: tuple[FieldChange, ...]) -> O:
        """The operation as if it had asked for what the server stores in these fields."""
        return operation

    def applied(self, operation: O, declared: Inputs) -> Inputs:
        """The inputs that a successful call has put on the site. `declared` are those of the files."""
        return Inputs()

    async def inputs_seen(self, declared: Inputs, ports: Ports, site: SiteCache) -> Inputs:
        """The declared generation inputs of this kind, as the site has them now. May raise an ApiError."""
        return Inputs()

    def inputs_missing(self, operation: O, address: Address, result: ActionResult) -> Diagnostic | None:
        """Why nothing may be generated after the call has ended in this way; None if that makes no difference."""
        return None

    def halts(self, operation: O) -> Diagnostic | None:
        """Why nothing that follows is started if the call was not done; None if that makes no difference."""
        return None

    # --- what it is about ---

    def touches(self, operation: O) -> frozenset[str]:
        """What the call may change, in the terms of `Condition.subject`."""
        return frozenset()

    def activity(self, operation: O) -> ActivityId | None:
        """The activity whose posts the call is about."""
        return None

    def spoils(self, operation: O) -> ActivityId | None:
        """The activity that later calls cannot rely on if this call fails."""
        return None


def thrown_away(posts: Iterable[str], recorded: RecordedSite) -> Objects:
    """What is recorded about posts that were removed along with another object.

    Those that this tool had scheduled or found approved count as cancelled.
    """
    ours = {str(post.id) for post in recorded.published}
    return tuple(
        (key_of(Kind.DRAFT, post), WAS_CANCELLED)
        for post in posts
        if post in ours or recorded.object(approval_key(post)) is not None
    )


# --- messages --------------------------------------------------------------------------------------


def same_text(value: Json, other: Json) -> bool:
    """Whether two values are the same.

    Texts are compared in normal form; an empty one counts as absent (14.22, 17.7).
    """
    return same_plain(value, other)


def differences(pairs: Iterable[tuple[str, Json, Json]]) -> Diagnostic | None:
    """Which of the triples (path, asked, found) differ; None if none does."""
    wrong = [
        (path, normal_texts(asked), normal_texts(found)) for path, asked, found in pairs if not same_text(asked, found)
    ]
    if not wrong:
        return None
    shown = [(path, *_or_nothing(asked, found)) for path, asked, found in wrong]
    return not_as_asked("; ".join(f"{path}: asked for {asked}, the site has {found}" for path, asked, found in shown))


def _or_nothing(asked: Json, found: Json) -> Iterator[str]:
    """Both values, with `nothing` for none."""
    shown = zip((asked, found), both_in_sentence(asked, found), strict=True)
    return ("nothing" if value in (None, "") else text for value, text in shown)
