"""The marketing plan of a live site, and what a file asks of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

from reconciler.model.activities import Activity
from reconciler.model.frozen import Struct
from reconciler.model.posts import Unrecognised


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
