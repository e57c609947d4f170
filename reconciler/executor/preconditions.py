"""What must still hold just before a write, checked against the site as it is then."""

from __future__ import annotations

from msgspec import Struct

from reconciler.executor.kinds import kind_of, of_kind
from reconciler.executor.kinds.base import Moment
from reconciler.executor.ports import Reader
from reconciler.executor.site_cache import SiteCache
from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Operation, Precondition
from reconciler.planner.actions import Action, Plan


class FailedPrecondition(Struct, frozen=True):
    """A precondition that no longer holds, and what was found."""

    address: Address
    requires: Precondition
    found: Diagnostic


async def stale_in(plan: Plan, reader: Reader, moment: Moment) -> tuple[FailedPrecondition, ...]:
    """Every precondition of a saved plan that does not hold now (design.md 3.4: all, before the first write).

    Not checked yet: what comes after a generation, and what only the plan's own cancels make true. May raise an
    ApiError.
    """
    site, found = SiteCache(plan.site, reader), []
    for action in plan.actions:
        await fill_for(action.operation, site)
        found += [
            FailedPrecondition(action.address, required, what)
            for required in action.requires
            if not required.after_cancels
            and (what := await of_kind(required.kind).unmet(required, action.operation, site, moment)) is not None
        ]
        if action.operation.renews:
            break
    return tuple(found)


async def refusal_reason(action: Action, site: SiteCache, moment: Moment) -> Diagnostic | None:
    """Why an action must not be carried out: a precondition no longer holds, or its kind refuses it; None if it may be.

    May raise an ApiError.
    """
    site.refresh(frozenset(required.subject for required in action.requires if required.subject))
    await fill_for(action.operation, site)
    for required in action.requires:
        if (found := await of_kind(required.kind).unmet(required, action.operation, site, moment)) is not None:
            return found
    return await kind_of(action.operation).refusal_reason(action.operation, site, moment)


async def fill_for(operation: Operation, site: SiteCache) -> None:
    """Reads the posts that an operation is about, if the marketing plan shows none."""
    if (activity := kind_of(operation).activity(operation)) is not None:
        await site.fill([activity])
