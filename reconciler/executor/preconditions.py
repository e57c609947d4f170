"""What must still hold just before a write, checked against the site as it is then."""

from __future__ import annotations

from typing import assert_never

from msgspec import Struct

from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.activities import activity_unmet
from reconciler.executor.kinds.base import Moment
from reconciler.executor.kinds.events import event_unmet
from reconciler.executor.kinds.marketing_plan import marketing_plan_unmet
from reconciler.executor.kinds.posts import posts_unmet
from reconciler.executor.kinds.schedule import WAITING_POSTS, post_unmet, right_unmet, waiting_unmet
from reconciler.executor.kinds.settings import setting_unmet
from reconciler.executor.ports import Reader
from reconciler.executor.site_cache import SiteCache
from reconciler.model.address import Address
from reconciler.model.marketing_plan import AwaitGeneration
from reconciler.model.operations import Operation
from reconciler.planner.actions import (
    Action,
    ActivityIs,
    Approved,
    DateIs,
    DiscardsOnly,
    EventIs,
    MarketingPlanIs,
    NoActivityLike,
    NoEventNamed,
    NothingWaits,
    Plan,
    PostIs,
    PostsAmong,
    PostsAre,
    Precondition,
    SettingIs,
    StillAhead,
    StillScheduled,
)


class Stale(Struct, frozen=True):
    """A precondition that no longer holds, and what was found."""

    address: Address
    requires: Precondition
    found: str


async def stale_in(plan: Plan, reader: Reader, moment: Moment) -> tuple[Stale, ...]:
    """Every precondition of a saved plan that does not hold now (design.md 3.4: all, before the first write).

    What comes after a wait cannot be judged before that wait is over. May raise an ApiError.
    """
    site, found = SiteCache(plan.site, reader), []
    for action in plan.actions:
        if isinstance(action.operation, AwaitGeneration):
            break
        await fill_for(action.operation, site)
        found += [
            Stale(action.address, required, what)
            for required in action.requires
            # The plan's own cancels come before the actions that need them: those are judged just before each write.
            if not isinstance(required, NothingWaits)
            and (what := await unmet(required, action.operation, site, moment)) is not None
        ]
    return tuple(found)


async def refusal_reason(action: Action, site: SiteCache, moment: Moment) -> str | None:
    """Which precondition of an action no longer holds, as a sentence; None if it may be carried out.

    May raise an ApiError.
    """
    site.refresh(frozenset().union(*(subjects(required) for required in action.requires)))
    await fill_for(action.operation, site)
    for required in action.requires:
        if (found := await unmet(required, action.operation, site, moment)) is not None:
            return found
    return await kind_of(action.operation).refusal_reason(action.operation, site, moment)


async def fill_for(operation: Operation, site: SiteCache) -> None:
    """Reads the posts that an operation is about, if the marketing plan shows none."""
    if (activity := kind_of(operation).activity(operation)) is not None:
        await site.fill([activity])


async def unmet(required: Precondition, operation: Operation, site: SiteCache, moment: Moment) -> str | None:
    """What was found instead of what a precondition asks for; None if it holds."""
    match required:
        case SettingIs():
            return await setting_unmet(required, site)
        case EventIs() | NoEventNamed():
            return await event_unmet(required, operation, site, moment.recorded)
        case MarketingPlanIs() | DiscardsOnly():
            return await marketing_plan_unmet(required, site, moment.now)
        case ActivityIs() | NoActivityLike() | DateIs():
            return await activity_unmet(required, site)
        case PostsAre() | PostsAmong():
            return await posts_unmet(required, site)
        case PostIs() | StillScheduled():
            return await post_unmet(required, site)
        case NothingWaits():
            return await waiting_unmet(required, site, moment.now)
        case StillAhead() | Approved():
            return right_unmet(required, moment)
        case _:
            assert_never(required)


def subjects(required: Precondition) -> frozenset[str]:
    """What a precondition is about, in the words of `ManagedKind.touches`."""
    match required:
        case SettingIs():
            return frozenset({"settings"})
        case EventIs(id=id):
            return frozenset({id})
        case NoEventNamed(name=name):
            return frozenset({f"event {name}"})
        case MarketingPlanIs() | DiscardsOnly():
            return frozenset({"marketing plan"})
        case ActivityIs(id=activity):
            return frozenset({activity})
        case NoActivityLike(title=title):
            return frozenset({f"activity {title}"})
        case PostsAre(activity=activity) | PostsAmong(activity=activity):
            return frozenset({f"posts of {activity}"})
        case PostIs(id=post) | StillScheduled(id=post):
            return frozenset({post})
        case NothingWaits():
            return frozenset({WAITING_POSTS})
        case DateIs(activity=activity):
            return frozenset({activity})
        case StillAhead() | Approved():
            return frozenset()
        case _:
            assert_never(required)
