"""The unions of all writes and conditions. Those of each kind, and the facts about them, are in the kind's own file."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, TypeAlias, assert_never

from reconciler.model.activities import (
    ActivityCondition,
    ActivityOperation,
    ActivityRule,
    PostsRule,
)
from reconciler.model.address import Kind
from reconciler.model.events import EventCondition, EventOperation
from reconciler.model.marketing_plan import (
    MarketingPlanCondition,
    MarketingPlanOperation,
)
from reconciler.model.posts import (
    PostsCondition,
    PostsOperation,
)
from reconciler.model.schedule import (
    DraftCondition,
    ScheduleOperation,
    ScheduleRule,
)
from reconciler.model.settings import SettingIs, UpdateSettings
from reconciler.model.writes import CLASSES, ActionClass, Verb, Write


class SitePart(StrEnum):
    """The parts of a site whose rules may have to wait for a generation."""

    ACTIVITIES = "activities"
    POSTS = "posts"
    SCHEDULE = "schedule"


class Deferred(Write, frozen=True):
    """A deferred action, on what the rule at index `rule` of its part will match once the generation is done.

    It carries all rules of its part, because the first that matches an object decides, and for the schedule also those
    that say which activities and posts are to be absent. `at_most` is the bound in objects; None if the rule itself has
    none.
    """

    kind: ClassVar[Kind] = Kind.RULE
    at_once: ClassVar[bool] = False

    part: SitePart
    rule: int
    activity_rules: tuple[ActivityRule, ...] = ()
    posts_rules: tuple[PostsRule, ...] = ()
    at_most: int | None = None
    schedule_rules: tuple[ScheduleRule, ...] = ()
    """Only under `approval: none`: what is not known yet cannot have been approved (design.md 3.2)."""

    @property
    def rules(self) -> str:
        """The name of its part, whose rules it carries."""
        return self.part

    @property
    def approved(self) -> bool:
        """False for the schedule, whose rules it has only under `approval: none`."""
        return self.part is not SitePart.SCHEDULE

    @property
    def verb(self) -> Verb:
        """The verb of the writes that it turns into."""
        match self.part:
            case SitePart.SCHEDULE:
                return Verb.PUBLISH
            case SitePart.POSTS:
                return Verb.GENERATE if self.posts_rules[self.rule].present else Verb.DELETE
            case SitePart.ACTIVITIES:
                return self.activity_rules[self.rule].verb
            case never:
                assert_never(never)


Operation: TypeAlias = (
    EventOperation
    | UpdateSettings
    | MarketingPlanOperation
    | ActivityOperation
    | PostsOperation
    | ScheduleOperation
    | Deferred
)

Precondition: TypeAlias = (
    SettingIs | EventCondition | MarketingPlanCondition | ActivityCondition | PostsCondition | DraftCondition
)
"""What must still hold just before a write."""

InputWrite: TypeAlias = EventOperation | UpdateSettings
"""Writes of what a generation is made from."""

Foundation: TypeAlias = EventOperation | UpdateSettings | MarketingPlanOperation
"""Writes of what activities and posts come from: the inputs of a generation, and the marketing plan itself."""


def class_of(operation: Operation) -> ActionClass:
    """Who must allow an operation."""
    return CLASSES[operation.verb]
