"""The schedule of a file: which drafts go out, and who must have approved them."""

from __future__ import annotations

from datetime import time, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Self, TypeAlias

from msgspec.structs import replace

from reconciler.model.address import Kind
from reconciler.model.canonical import ABSENT, Absent, Digest
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import ActivityId, PostId, PostStatus, account_id
from reconciler.model.selectors import Match
from reconciler.model.writes import Condition, Verb, Write


class Pause(StrEnum):
    """Whether publishing is paused: `hold` schedules nothing new, `cancel` also cancels what is waiting to go out."""

    NONE = "false"
    HOLD = "hold"
    CANCEL = "cancel"

    def with_other(self, other: Pause) -> Pause:
        """The stricter of two."""
        order = tuple(Pause)
        return max(self, other, key=order.index)


class ScheduleRule(Struct, frozen=True):
    """Which drafts go out. `at` is a wall time on the activity's day in the site's zone; if not set, Wix picks one."""

    match: Match
    channels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    min: int = 0
    max: int | None = None
    at: time | None = None


class DesiredSchedule(Struct, frozen=True):
    """The `schedule` of a file. `cancel_others` stands for `manage: all`."""

    rules: tuple[ScheduleRule, ...]
    approval_required: bool = True
    cancel_others: bool = False
    paused: Pause = Pause.NONE


# --- writes -----------------------------------------------------------------------------------------


class DraftWrite(Write, frozen=True):
    """Any write of the schedule: when one post of an activity goes out."""

    kind: ClassVar[Kind] = Kind.DRAFT
    rules: ClassVar[str] = "schedule"
    may_be_gone: ClassVar[bool] = True
    may_conflict: ClassVar[bool] = True

    post: PostId
    activity: ActivityId
    channel: str


class SchedulePost(DraftWrite, frozen=True):
    """Schedules a draft. If `at` is not set, the API picks the time.

    `approved` is False only under `approval: none`. `title` is its activity's; `account` is the account it appears on,
    as people read it.

    With `own_time_first`, it is scheduled for the API's own time and then moved to `at`. It is False if the policy
    forbids the API's own time, or if that is too near: what the API does with a time that has passed is not documented
    (14.7), and the post might go out at once.
    """

    verb: ClassVar[Verb] = Verb.PUBLISH
    at_once: ClassVar[bool] = False

    digest: Digest
    at: Instant | None = None
    approved: bool = True
    own_time_first: bool = False
    title: str = ""
    account: str = ""
    about: Instant | None = None
    """If the API picks the time: when it goes out, as far as is known."""
    type: str = "POST"

    @property
    def unnamed(self) -> Self:
        """The same post without its account's name, which is only there to be shown."""
        return replace(self, account=account_id(self.account))

    @property
    def takes_own_time(self) -> bool:
        """Whether it is scheduled at the API's own time, to begin with."""
        return self.at is None or self.own_time_first


class ReschedulePost(DraftWrite, frozen=True):
    """Moves a scheduled post to another time (D 10.1)."""

    verb: ClassVar[Verb] = Verb.PUBLISH
    moves: ClassVar[bool] = True
    estimated: ClassVar[Absent] = ABSENT
    """Only a post whose time is known is moved."""

    digest: Digest
    at: Instant
    before: Instant | None = None
    title: str = ""
    type: str = "POST"
    account: str | Absent = ABSENT
    """The account that it is on, as people read it. Absent if unknown, or if an earlier version made the plan."""

    @property
    def unnamed(self) -> Self:
        """The same move without its account, which is only there to be shown."""
        return replace(self, account=ABSENT)

    @property
    def now(self) -> Instant | None:
        """When the post goes out if nothing is done, as far as is known."""
        return self.before


class CancelPost(DraftWrite, frozen=True):
    """Cancels a scheduled post (S-wix 10.1)."""

    verb: ClassVar[Verb] = Verb.CANCEL
    repeatable: ClassVar[bool] = True

    at: Instant | None = None
    title: str = ""
    type: str = "POST"
    account: str | Absent = ABSENT
    """The account that it is on, as people read it. Absent if unknown, or if an earlier version made the plan."""
    estimated: bool | Absent = ABSENT
    """True if `at` is an estimate: the API picked the time and does not say which. Otherwise absent."""

    @property
    def is_exact(self) -> bool:
        """Whether `at` is when it goes out."""
        return self.estimated is not True

    @property
    def unnamed(self) -> Self:
        """The same cancel without what is only there to be shown; the same plan may change the activity's title."""
        return replace(self, title="", account=ABSENT, estimated=ABSENT)

    @property
    def now(self) -> Instant | None:
        """When the post goes out if nothing is done, as far as is known."""
        return self.at


ScheduleOperation: TypeAlias = SchedulePost | ReschedulePost | CancelPost


# --- what must still hold just before them ----------------------------------------------------------

WAITING_POSTS: Final = "posts that wait"
"""The subject of conditions that any cancel may change."""


class PostIs(Condition, frozen=True):
    """A post still has this status and content."""

    kind: ClassVar[Kind] = Kind.DRAFT
    about: ClassVar[str] = "{0.id}"

    id: PostId
    status: PostStatus
    content: Digest


class StillScheduled(Condition, frozen=True):
    """The post is still waiting to go out, whether or not the marketing plan shows it."""

    kind: ClassVar[Kind] = Kind.DRAFT
    about: ClassVar[str] = "{0.id}"

    id: PostId


class NothingWaits(Condition, frozen=True):
    """No post of the activity is waiting to go out; without `activity`, no post of any upcoming one.

    Nothing is destroyed until this holds.
    """

    kind: ClassVar[Kind] = Kind.DRAFT
    after_cancels: ClassVar[bool] = True
    about: ClassVar[str] = WAITING_POSTS

    activity: ActivityId | None = None


class Approved(Condition, frozen=True):
    """The current approvals still allow the post, and the state says that the approval has not been used since.

    `decided` is the digest that the approval names and `cancelled` the count beside it; None and 0 under `approval:
    none`. `times` is how many times this content was scheduled before; None if a scheduled post is moved, which uses
    no approval.
    """

    kind: ClassVar[Kind] = Kind.DRAFT

    post: PostId
    content: Digest
    times: int | None
    decided: Digest | None = None
    cancelled: int = 0


class StillAhead(Condition, frozen=True):
    """The time at which a post goes out is in the future, by at least the policy's `minLead`."""

    kind: ClassVar[Kind] = Kind.DRAFT

    moment: Instant
    lead: timedelta


DraftCondition: TypeAlias = PostIs | StillScheduled | NothingWaits | Approved | StillAhead
