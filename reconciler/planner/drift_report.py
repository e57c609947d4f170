"""What an audit of a site found, as values: the state of each managed object, and which side moved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import Address
from reconciler.model.canonical import ABSENT, Absent, Json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of, shown_account
from reconciler.model.settings import normal_texts, same_setting
from reconciler.model.sites import SiteRef
from reconciler.model.text import spoken
from reconciler.planner.actions import Grounds, Reason, RefusedBy, StillGoingOut


class DriftState(StrEnum):
    """The state of a managed object (design.md 3.6)."""

    CONVERGED = "converged"
    DRIFTED = "drifted"
    PENDING = "pending"
    IN_REVIEW = "in-review"
    BLOCKED = "blocked"


class ChangedSide(StrEnum):
    """Which side is no longer as it was last applied. What was never applied counts as changed in git."""

    GIT = "changed-in-git"
    REMOTE = "changed-remotely"
    BOTH = "changed-in-both"


class Finding(StrEnum):
    """How an object differs from what the file asks for."""

    DIFFERS = "differs"
    MISSING = "missing"
    NOT_LISTED = "not-listed"
    UNWANTED = "unwanted"
    DELETED = "deleted"
    INACTIVE = "inactive"
    FAILED = "failed"
    GENERATING = "generating"
    NOT_IN_FORCE = "not-in-force"
    POSTS_COMING = "posts-coming"
    POSTS_CANCELLED = "posts-cancelled"
    POSTS_CLEARED = "posts-cleared"
    POSTS_MISSING = "posts-missing"
    SENT_BACK = "sent-back"
    NOT_SCHEDULED = "not-scheduled"
    OTHER_TIME = "other-time"
    NOT_WANTED = "not-wanted"
    FAILED_POST = "failed-post"
    WENT_OUT_UNWANTED = "went-out-unwanted"
    CHANNEL_LOST = "channel-lost"
    UNAPPROVED = "unapproved"
    STILL_GOING_OUT = "still-going-out"
    DATE_MOVED = "date-moved"
    TAKEN_BACK = "taken-back"
    CANCELLED = "cancelled"
    EDITED = "edited"
    MOVED_BY_OTHERS = "moved-by-others"
    REVIEW = "review"
    BLOCKED = "blocked"


class FieldDrift(Struct, frozen=True):
    """One field on its three sides, and which side moved. `applied` is ABSENT if nothing was ever applied."""

    path: str
    desired: Json
    live: Json
    moved: ChangedSide
    applied: Json | Absent = ABSENT

    @property
    def third(self) -> Json | Absent:
        """What was last applied, if that is neither what the site has nor what the file says; otherwise ABSENT."""
        applied = self.applied
        if isinstance(applied, Absent) or any(
            same_setting(self.path, applied, side) for side in (self.live, self.desired)
        ):
            return ABSENT
        return normal_texts(applied)


def _in_zone(field: FieldDrift, zone: str) -> FieldDrift:
    """The field of a date, with times in words."""
    applied = field.applied if isinstance(field.applied, Absent) else _time(field.applied, zone)
    return replace(field, desired=_time(field.desired, zone), live=_time(field.live, zone), applied=applied)


def _time(side: Json, zone: str) -> Json:
    return moment_text(datetime.fromisoformat(side), zone) if isinstance(side, str) else side


class GoesOut(Struct, frozen=True):
    """When a scheduled post goes out, and on which account; `at` is None if the finding itself says when.

    The account is empty if it is not known. If not `exact`, the API picks the time, and this is an estimate.
    """

    at: datetime | None = None
    exact: bool = True
    account: str = ""


class DriftItem(Struct, frozen=True):
    """One managed object. `moved` is set if it drifted. `about` holds the facts behind the finding.

    `problem` is all that is said about it, and what a person can do; None only if it is converged.

    `reason`, `details` and `grounds` are those of the plan's action for it, if the finding alone does not say why.
    """

    address: Address
    state: DriftState
    finding: Finding | None = None
    moved: ChangedSide | None = None
    fields: tuple[FieldDrift, ...] = ()
    about: tuple[str, ...] = ()
    problem: Diagnostic | None = None
    reason: Reason | None = None
    details: tuple[str, ...] = ()
    grounds: Grounds | Absent = ABSENT
    title: str = ""
    channel: str = ""
    type: str = ""
    """For a post: the title of its activity, where it goes out, and its type there."""
    zone: str = "UTC"
    """The time zone of the site, once there is a problem."""
    going_out: StillGoingOut | None = None
    """The post, if it goes out although it is no longer wanted."""
    goes_out: GoesOut = GoesOut()
    """For any other post that is drifted and scheduled, or failed, unless its problem is an obstacle that says this."""

    @property
    def when(self) -> str:
        """`Wed 2026-11-04 09:30 Europe/Berlin`: when the post goes out, if that is in `goes_out`; otherwise empty."""
        goes_out = self.goes_out
        return moment_text(goes_out.at, self.zone, exact=goes_out.exact) if goes_out.at else ""

    @property
    def post(self) -> str:
        """`"Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin on pottery`: the name of a post in its problem."""
        account = self.goes_out.account
        return " ".join(filter(None, (name_of(self), self.when, f"on {shown_account(account)}" if account else "")))

    @property
    def fix(self) -> str:
        """What a person can do; empty if nothing is known."""
        return self.problem.fix if self.problem is not None else ""

    @property
    def statement(self) -> str:
        """What is said about it apart from its name and the side that changed; empty if it is converged."""
        shown = self.post if self.channel else ""
        said = without_name(self.problem, shown).cause if self.problem is not None else ""
        return said.removeprefix(f"{spoken(self.moved)}: ") if self.moved is not None else said

    @property
    def shown_fields(self) -> tuple[FieldDrift, ...]:
        """The fields that a person reads. A time is in the statement instead, in the site's zone."""
        if self.finding in (Finding.OTHER_TIME, Finding.DATE_MOVED):
            return ()
        return tuple(_in_zone(field, self.zone) if field.path == "targetDate" else field for field in self.fields)


class DriftTally(Struct, frozen=True):
    """Counts of objects. `sites` counts sites with anything drifted, pending, blocked or refused.

    `refused` counts the sites where a guard would refuse an apply. `still_going_out` counts the posts among what
    drifted, and those on sites that could not be audited.
    """

    drifted: int = 0
    pending: int = 0
    blocked: int = 0
    in_review: int = 0
    sites: int = 0
    refused: int = 0
    still_going_out: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


class DriftReport(Struct, frozen=True):
    """The audit of one site.

    `due_names` are the names of what is wanted now only because time passed or content was made, which is not drift.
    `refusals` are the guards that an apply would fail.
    """

    site: SiteRef
    items: tuple[DriftItem, ...] = ()
    due_names: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()

    @property
    def due(self) -> int:
        """How many objects are in `due_names`."""
        return len(self.due_names)

    def of(self, state: DriftState) -> tuple[DriftItem, ...]:
        """What was found about the objects in one state. An object that several things block has several items."""
        return tuple(item for item in self.items if item.state is state)

    @property
    def tally(self) -> DriftTally:
        """The number of objects in each state. An unmet expectation of the file counts as drifted."""
        drifted, pending, blocked, in_review = (
            len({item.address for item in self.of(state)})  # a post can break several rules at once
            for state in (DriftState.DRIFTED, DriftState.PENDING, DriftState.BLOCKED, DriftState.IN_REVIEW)
        )
        unexpected = sum(map(is_drift, self.refusals))
        drifted, refused = drifted + unexpected, int(unexpected < len(self.refusals))
        some = bool(drifted or pending or blocked or refused)
        going_out = len({item.address for item in self.items if item.finding is Finding.STILL_GOING_OUT})
        return DriftTally(drifted, pending, blocked, in_review, int(some), refused, going_out)


def is_drift(refusal: Diagnostic) -> bool:
    """Whether a refusal is an expectation of the file that the site does not meet: an audit counts it as drifted."""
    return refusal.code == RefusedBy.EXPECT


def without_name(problem: Diagnostic, shown: str = "") -> Diagnostic:
    """The problem without the name of its object, which is shown beside it: `shown`, or else as the problem has it."""
    named = replace(problem, name=shown) if shown and problem.name.startswith(shown) else problem
    return replace(problem, message=named.unnamed, says_name=ABSENT)


def who_moved(in_git: bool, remotely: bool) -> ChangedSide:
    """Which side moved, for an object that is not as the file asks; git if neither is known to have."""
    if remotely:
        return ChangedSide.BOTH if in_git else ChangedSide.REMOTE
    return ChangedSide.GIT


def together(moves: Iterable[ChangedSide]) -> ChangedSide:
    """Which side moved, for an object whose fields moved on these sides."""
    found = set(moves)
    return found.pop() if len(found) == 1 else ChangedSide.BOTH


def applied_or_absent(recorded: tuple[Json] | None) -> Json | Absent:
    """The value that was last applied; ABSENT if nothing is recorded."""
    return ABSENT if recorded is None else recorded[0]


def of_fields(item: DriftItem, fields: tuple[FieldDrift, ...]) -> DriftItem:
    """The item, drifted if any of its fields differ."""
    if not fields:
        return item
    moved = together(field.moved for field in fields)
    return DriftItem(item.address, DriftState.DRIFTED, Finding.DIFFERS, moved, fields)
