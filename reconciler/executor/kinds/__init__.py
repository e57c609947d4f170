"""The kinds of managed objects: a file each, or a folder for one that has steps of its own.

A kind says what must hold before a call, what the call's outcome was, and what it leaves behind.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, assert_never

from reconciler.executor.kinds.activities import ActivitiesKind
from reconciler.executor.kinds.base import ManagedKind
from reconciler.executor.kinds.events import EventsKind
from reconciler.executor.kinds.marketing_plan import MarketingPlanKind
from reconciler.executor.kinds.posts import PostsKind
from reconciler.executor.kinds.schedule import ScheduleKind
from reconciler.executor.kinds.settings import SettingsKind
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Kind
from reconciler.model.journal import AnyOperation, OpenEntry
from reconciler.model.outcomes import Outcome

SETTINGS: Final = SettingsKind()
EVENTS: Final = EventsKind()
MARKETING_PLAN: Final = MarketingPlanKind()
ACTIVITIES: Final = ActivitiesKind()
POSTS: Final = PostsKind()
SCHEDULE: Final = ScheduleKind()


class NoCall(ManagedKind[Any]):
    """Not a call of this version: a deferred action, or an entry of another version. Its outcome is unknown."""

    def outcome(self, operation: Any, entry: OpenEntry, found: Snapshot, now: datetime) -> Outcome | None:
        return None


NO_CALL: Final = NoCall()

KINDS: Final[tuple[ManagedKind[Any], ...]] = (SETTINGS, EVENTS, MARKETING_PLAN, ACTIVITIES, POSTS, SCHEDULE)


def kind_of(operation: AnyOperation) -> ManagedKind[Any]:
    """The kind that an operation belongs to; its methods accept the operation."""
    return of_kind(operation.kind)


def of_kind(kind: Kind) -> ManagedKind[Any]:
    """What the executor knows about a kind of object; its methods accept the kind's operations and conditions."""
    match kind:
        case Kind.SETTINGS:
            return SETTINGS
        case Kind.EVENT:
            return EVENTS
        case Kind.MARKETING_PLAN:
            return MARKETING_PLAN
        case Kind.ACTIVITY:
            return ACTIVITIES
        case Kind.POSTS:
            return POSTS
        case Kind.DRAFT:
            return SCHEDULE
        case Kind.SITE | Kind.RULE:
            return NO_CALL
        case never:
            assert_never(never)
