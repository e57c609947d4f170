"""What a run is given: a reader, a writer, a journal, a clock. They hide the parts that do I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol, TypeAlias

from msgspec import Struct, field

from reconciler.api.fence import Fence
from reconciler.executor.allowance import Allowance
from reconciler.model.approvals import Approvals
from reconciler.model.clock import Clock
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import CallIntent, OpenEntry
from reconciler.model.notes import JournalNote
from reconciler.model.operations import Operation
from reconciler.model.outcomes import Outcome
from reconciler.model.policy import Policy
from reconciler.model.posts import ActivityId, Post, PostId
from reconciler.model.sites import DesiredSite, Need, ObservedSite, RecordedSite, SiteRef
from reconciler.planner.actions import Action, Plan
from reconciler.planner.deferred import ResolvedActions


class Reader(Protocol):
    """Reads live sites over a transport that cannot write. Every method may raise an ApiError."""

    async def read(self, site: SiteRef, needs: frozenset[Need], *, channels: Sequence[str] = ()) -> ObservedSite:
        """The parts of a site that are needed, read in parallel if they do not depend on each other.

        `channels` are those whose connection matters, for Need.CHANNELS.
        """
        ...

    async def posts_of(
        self, site: SiteRef, activities: Sequence[ActivityId]
    ) -> tuple[tuple[ActivityId, tuple[Post, ...]], ...]:
        """The posts of activities, in batches of 20 (D 6.2: what is polled after posts were requested)."""
        ...

    async def post(self, site: SiteRef, id: PostId) -> Post | None:
        """One post by id; None if it no longer exists."""
        ...

    async def items(self, site: SiteRef, ids: Sequence[PostId]) -> tuple[tuple[PostId, Post | None], ...]:
        """Posts by id, in one query; None for a post that no longer exists."""
        ...


class Writer(Protocol):
    """Carries out operations. Never blindly retries what is not idempotent; an unclear answer is Unknown."""

    async def perform(
        self, site: SiteRef, operations: Sequence[Operation], fence: Fence | None = None
    ) -> tuple[Outcome, ...]:
        """One outcome per operation, in order. What `fence` raises is passed on, and nothing more is sent.

        Several operations may be given only if the API takes them in one call: GeneratePosts, SchedulePost. Does not
        wait: a generation that was started is Pending.
        """
        ...


class Journal(Protocol):
    """The state of one site during a run: what was recorded, and what is noted before and after each call.

    `begin` and `sent` return once their notes are durable, with all notes before them. Any other note may be lost with
    the run: then its call is still open, and the next run reads the site. A note that is added twice counts once.
    """

    @property
    def recorded(self) -> RecordedSite:
        """What is recorded now, including notes of this run."""
        ...

    async def begin(self, calls: Sequence[CallIntent]) -> tuple[OpenEntry, ...]:
        """Records calls that are about to be sent as one request, before it is sent; one entry per call."""
        ...

    async def sent(self, entry: OpenEntry) -> None:
        """Records that the call was accepted and that only waiting remains."""
        ...

    async def end(self, entry: OpenEntry, outcome: Outcome) -> None:
        """Records the outcome and closes the entry (an Unknown one stays open)."""
        ...

    def note(self, note: JournalNote) -> None:
        """Adds to what is recorded; durable with the next call, `flush` or `close`."""
        ...

    async def flush(self) -> None:
        """Makes every note durable."""
        ...

    def put_aside(self) -> None:
        """Keeps what is recorded in compact form until it is next needed; nothing is written."""
        ...

    async def close(self) -> None:
        """Makes every note durable and ends the run. From now on the site is known, even if there was nothing to do."""
        ...


class PollPolicy(Struct, frozen=True):
    """How generations and posts are polled: every `interval`, for at most `timeout`."""

    interval: timedelta = timedelta(seconds=5)
    timeout: timedelta = timedelta(minutes=15)


class Ports(Struct, frozen=True):
    """Everything that a run over one site is given."""

    reader: Reader
    writer: Writer
    journal: Journal
    clock: Clock
    declared: Callable[[], DesiredSite] | None = None
    """Loads what the site's file declares, so that it need not stay in memory while the site waits.

    None if the file was not read.
    """
    approved: Approvals = Approvals()
    """What was approved when the site's file was read."""
    approvals: Callable[[], Approvals] | None = None
    """Reads today's approvals of the site before each public write; if None, `approved` is used instead.

    May raise InvalidFiles or a UsageError.
    """
    forbid: Callable[[], Diagnostic | None] | None = None
    """Says before each public write why today's files or the clock forbid publishing anything on the site now.

    None if they do not.
    """


Resolve: TypeAlias = Callable[[Action, Plan, ObservedSite, RecordedSite], ResolvedActions]
"""Works out a deferred action against the site as it is now (`planner.deferred.resolve`)."""


Approvers: TypeAlias = tuple[tuple[PostId, str], ...]
"""Who approved which post."""


class ApplyOptions(Struct, frozen=True):
    """What a run may do, and how long it waits.

    `stop` is called between calls: once it returns true, nothing more is started. `commit`, and the post's entry in
    `approvers`, are recorded with each scheduled post; they are empty if the files that count are not as in a commit.
    `policy` says at what times nothing may go out. `allowance` is what all sites together may still delete and discard
    beyond their plans.
    """

    resolve: Resolve
    allow_publish: bool = False
    waiting: PollPolicy = PollPolicy()
    stop: Callable[[], bool] = lambda: False
    commit: str | None = None
    approvers: Approvers = ()
    policy: Policy = Policy()
    allowance: Allowance = field(default_factory=Allowance)
