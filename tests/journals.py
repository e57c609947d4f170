"""Journal entries for tests that only need one to be there."""

from __future__ import annotations

from reconciler.model.address import Address
from reconciler.model.journal import Before, CallIntent, OpenEntry
from reconciler.model.marketing_plan import Generate
from reconciler.model.operations import Operation
from reconciler.state.journal import SiteJournal


def begun(
    address: str = "shop/marketing-plan", operation: Operation | None = None, before: Before | None = None
) -> CallIntent:
    """A call that is about to be sent: a generation, unless another one is asked for."""
    return CallIntent(Address.parse(address), operation or Generate(), before or Before())


async def begin(
    journal: SiteJournal,
    address: str = "shop/marketing-plan",
    operation: Operation | None = None,
    before: Before | None = None,
) -> OpenEntry:
    """Records one call, and returns its entry."""
    (entry,) = await journal.begin([begun(address, operation, before)])
    return entry
