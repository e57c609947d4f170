"""The marketing plan of a live site, and what a file asks of it."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Final, TypeAlias

from reconciler.model.activities import Activity
from reconciler.model.address import Kind
from reconciler.model.frozen import Struct
from reconciler.model.posts import PostId, Unrecognised
from reconciler.model.writes import Condition, Verb, Write


class PlanStatus(StrEnum):
    """D 6.3."""

    NEVER_CREATED = "NEVER_CREATED"
    GENERATING = "GENERATING"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    FAILED = "FAILED"


AnyPlanStatus: TypeAlias = PlanStatus | Unrecognised

NO_STATUS: Final = Unrecognised("no status")
"""The status of an answer that is a marketing plan's and writes none."""


class MarketingPlan(Struct, frozen=True):
    """The marketing plan as the API shows it (D 6.2): its status and the activities of the asked window."""

    status: AnyPlanStatus
    activities: tuple[Activity, ...] = ()
    shows_activities: bool = True
    """Whether the answer had a list of activities at all."""
    asked: str = ""
    request_id: str | None = None
    """What was asked, and the remote side's own name for it, where the answer has no status: whether it is understood
    depends on what earlier runs know (17.1)."""


class When(StrEnum):
    """Whether a change of inputs generates again."""

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


# --- writes ----------------------------------------------------------------------------------------


class MarketingPlanWrite(Write, frozen=True):
    """Any write of the marketing plan."""

    kind: ClassVar[Kind] = Kind.MARKETING_PLAN


class Generate(MarketingPlanWrite, frozen=True):
    """Where there is no usable marketing plan."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True


class Regenerate(MarketingPlanWrite, frozen=True):
    """`discards` are the upcoming drafts this throws away; `discardable` says what it may (design.md 3.3)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True

    keyword_research: bool
    discards: tuple[PostId, ...] = ()
    discardable: Discard = Discard.UNAPPROVED


class AwaitGeneration(MarketingPlanWrite, frozen=True):
    """No write: a generation is under way, ours or somebody else's; what follows waits for it."""

    verb: ClassVar[Verb] = Verb.WAIT


class DeleteMarketingPlan(MarketingPlanWrite, frozen=True):
    """`discards` are the upcoming drafts this throws away."""

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
    """The upcoming drafts of the marketing plan are among these: nothing unlisted would be thrown away."""

    kind: ClassVar[Kind] = Kind.MARKETING_PLAN
    about: ClassVar[str] = "marketing plan"

    posts: tuple[PostId, ...]


MarketingPlanCondition: TypeAlias = MarketingPlanIs | DiscardsOnly
