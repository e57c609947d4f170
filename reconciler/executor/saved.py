"""Checks the preconditions of a saved plan before its first write, as far as they can be judged then."""

from __future__ import annotations

from typing import Final

from reconciler.executor.kinds.base import Moment
from reconciler.executor.ports import Reader
from reconciler.executor.preconditions import stale_in
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Precondition
from reconciler.planner.actions import Plan
from reconciler.planner.document import UnusablePlan
from reconciler.planner.rights import with_name

STALE: Final = "the saved plan is stale; run plan again"
"""The fix for a plan that does not fit the site or the files as they are now."""


class StalePlan(UnusablePlan):
    """A precondition of a saved plan that no longer holds, and what was found instead."""

    code = "plan-stale"

    def __init__(self, site: SiteName, address: Address, requires: Precondition, found: Diagnostic) -> None:
        super().__init__(found.message, STALE, address, name=found.name)
        self.site = site
        self.requires = requires
        self.found = found


async def check_saved(plan: Plan, reader: Reader, moment: Moment) -> tuple[StalePlan, ...]:
    """Everything that no longer holds in one site's part of a saved plan; empty if it may be carried out.

    Only reads. May raise an ApiError.
    """
    stale = await stale_in(plan, reader, moment)
    operations = {action.address: action.operation for action in plan.actions}
    return tuple(
        StalePlan(plan.site.name, found.address, found.requires, with_name(operations[found.address], found.found))
        for found in stale
    )


class RightLost(UnusablePlan):
    """An action of a saved plan that today's files do not ask for: a plan by itself authorises nothing."""

    code = "right-lost"

    def __init__(self, site: SiteName, address: Address, found: Diagnostic) -> None:
        super().__init__(found.message, STALE, address, name=found.name)
        self.site = site
