"""The marketing plan of a live site, and what a file asks for."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Final, TypeAlias

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.canonical import JsonObject, digest_of
from reconciler.model.frozen import Struct
from reconciler.model.posts import Post, PostId, Unrecognised
from reconciler.model.writes import Condition, Verb, Write


class PlanStatus(StrEnum):
    """The statuses of a marketing plan (D 6.3)."""

    NEVER_CREATED = "NEVER_CREATED"
    GENERATING = "GENERATING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    FAILED = "FAILED"


AnyPlanStatus: TypeAlias = PlanStatus | Unrecognised

NO_STATUS: Final = Unrecognised("no status")
"""The status of a marketing plan whose answer does not give one."""


class MarketingPlan(Struct, frozen=True, dict=True):
    """The marketing plan as the API shows it (D 6.2): its status and the activities in the requested window."""

    status: AnyPlanStatus
    activities: tuple[Activity, ...] = ()
    shows_activities: bool = True
    """Whether the answer had a list of activities at all."""
    asked: str = ""
    request_id: str | None = None
    """What was asked, and the remote side's id for that request, if the answer has no status.

    What such an answer means depends on what earlier runs recorded (17.1).
    """

    @cached_property
    def activities_by_id(self) -> dict[str, Activity]:
        """The activities by id."""
        return {activity.id: activity for activity in reversed(self.activities)}

    @cached_property
    def posts_by_id(self) -> dict[str, Post]:
        """The posts of all activities by id."""
        return {post.id: post for activity in reversed(self.activities) for post in reversed(activity.posts)}

    @property
    def contents(self) -> frozenset[str]:
        """What a generation replaces: each activity by its digest, because its id may stay, and each post by its id."""
        facts = (digest_of(JsonObject({"id": activity.id, **activity.facts()})) for activity in self.activities)
        return frozenset((*facts, *self.posts_by_id))


class When(StrEnum):
    """Whether changed inputs lead to a new generation."""

    ON_CHANGE = "on-change"
    NEVER = "never"


class KeywordResearch(StrEnum):
    """Whether a generation starts with keyword research."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Discard(StrEnum):
    """What a regeneration may throw away."""

    NOTHING = "nothing"
    UNAPPROVED = "unapproved"
    ALL = "all"


class DesiredMarketingPlan(Struct, frozen=True):
    """The `marketingPlan` of a file."""

    present: bool = True
    when: When = When.ON_CHANGE
    keyword_research: KeywordResearch = KeywordResearch.AUTO
    discard: Discard = Discard.UNAPPROVED


# --- writes -----------------------------------------------------------------------------------------


class MarketingPlanWrite(Write, frozen=True):
    """Any write of the marketing plan."""

    kind: ClassVar[Kind] = Kind.MARKETING_PLAN


class Generate(MarketingPlanWrite, frozen=True):
    """A generation, if there is no usable marketing plan."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True
    at_once: ClassVar[bool] = False
    renews: ClassVar[bool] = True
    uses_inputs: ClassVar[bool] = True


class Regenerate(MarketingPlanWrite, frozen=True):
    """`discards` are the upcoming drafts that are thrown away; `discardable` is what may be (design.md 3.3)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True
    at_once: ClassVar[bool] = False
    renews: ClassVar[bool] = True
    uses_inputs: ClassVar[bool] = True

    keyword_research: bool
    discards: tuple[PostId, ...] = ()
    discardable: Discard = Discard.UNAPPROVED


class AwaitGeneration(MarketingPlanWrite, frozen=True):
    """Not a write: a generation is under way, whoever started it, and what follows waits for it.

    `replaces` are the drafts that it throws away if it is a regeneration that an earlier run started. No guard judges
    them again.
    """

    verb: ClassVar[Verb] = Verb.WAIT
    at_once: ClassVar[bool] = False
    renews: ClassVar[bool] = True

    replaces: tuple[PostId, ...] = ()


class DeleteMarketingPlan(MarketingPlanWrite, frozen=True):
    """`discards` are the drafts that are thrown away: those of all activities, past ones included (D 6.2)."""

    verb: ClassVar[Verb] = Verb.DELETE
    destroys: ClassVar[bool] = True

    discards: tuple[PostId, ...] = ()


MarketingPlanOperation: TypeAlias = Generate | Regenerate | AwaitGeneration | DeleteMarketingPlan


# --- what must still hold just before them ----------------------------------------------------------


class MarketingPlanIs(Condition, frozen=True):
    """The marketing plan's status is one of these."""

    kind: ClassVar[Kind] = Kind.MARKETING_PLAN
    about: ClassVar[str] = "marketing plan"

    statuses: tuple[PlanStatus, ...]


class DiscardsOnly(Condition, frozen=True):
    """The write would throw away only drafts that are listed here."""

    kind: ClassVar[Kind] = Kind.MARKETING_PLAN
    about: ClassVar[str] = "marketing plan"

    posts: tuple[PostId, ...]


MarketingPlanCondition: TypeAlias = MarketingPlanIs | DiscardsOnly
