"""`state`: looks into the state and repairs it. No site is read, and none is written to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from msgspec import Struct

from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.results import CallResolved, Emit, LockRemoved, Notice, StateListed, StateShown
from reconciler.executor.manual_resolution import resolve_manually
from reconciler.model.address import SITE_NAME, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.sites import NOTHING_RECORDED, SiteRef
from reconciler.planner.targets import Named, near
from reconciler.state.hold import Hold
from reconciler.state.holder import Holder
from reconciler.state.lease import Leases
from reconciler.state.repair import Glance, SiteState, entry_named, glance, known_names, look
from reconciler.state.sites import StateStore


class StateAccess(Struct, frozen=True):
    """The state that a command was pointed at. `place` is where it is, as messages show it."""

    store: StateStore
    holder: Holder
    place: str
    parallelism: int = 10

    @property
    def leases(self) -> Leases:
        """The locks of the sites, as this process sees them."""
        return Leases(self.store.store, self.holder)


async def list_state(state: StateAccess, only: Collection[SiteName] | None, emit: Emit) -> StateListed:
    """What is recorded of each site, in numbers; of the sites in `only`, where that is given."""
    leases = state.leases
    names = [name for name in await known_names(state.store, leases) if only is None or name in only]

    async def work(name: SiteName, _turn: Turn) -> Glance | None:
        return await glance(state.store, leases, name)

    results = over_sites(names, work, named=Named, at_once=state.parallelism)
    found: list[Glance] = []
    async for result in results:
        if isinstance(result, Glance):
            found.append(result)
        elif result is not None:
            found.append(Glance(result.name, problem=result.problem.message))
    listed = StateListed(state.place, tuple(found))
    emit(listed)
    return listed


async def show_state(state: StateAccess, name: str, emit: Emit, where: tuple[str, ...] = ()) -> StateShown:
    """All that is recorded of a site. Raises UsageError, with close matches, where nothing is."""
    shown = StateShown(await _named(state, name), where)
    emit(shown)
    return shown


async def lock_of(state: StateAccess, name: str) -> Hold | None:
    """Who holds a site, also where its document cannot be read. Raises UsageError for an unknown site."""
    found = await state.leases.inspect(SiteName(name)) if SITE_NAME.match(name) else None
    if found is None:
        await _ever_known(state, name)
    return found


async def remove_lock(state: StateAccess, hold: Hold, emit: Emit) -> LockRemoved | Hold:
    """Takes a lock away from its holder; gives back who holds the site now, where that is another by then."""
    if await state.leases.unlock(hold):
        removed = LockRemoved(hold.site, hold)
    elif (now := await state.leases.inspect(hold.site)) is not None:
        return now
    else:
        removed = LockRemoved(hold.site, hold, given_back=True)
    emit(removed)
    return removed


async def resolve_call(
    state: StateAccess, name: str, entry_id: str, *, took_effect: bool, lock_timeout: timedelta, emit: Emit
) -> CallResolved:
    """Records how an open call ended. Raises UsageError for a site or an entry nobody knows, and Locked."""
    # Looked for before the lease is taken, so that a name nobody knows leaves nothing behind.
    site = await _named(state, name)
    entry_named(site.name, site.recorded.open, entry_id)
    async with await state.leases.acquire(site.name, lock_timeout) as lease:
        if lease.taken_over:
            emit(Notice(Diagnostic("lock-taken-over", lease.taken_over, severity=Severity.NOTE)))
        journal = await state.store.open_journal(SiteRef(site.name, site.id), lease)
        entry = entry_named(site.name, journal.recorded.open, entry_id)
        await resolve_manually(journal, entry, took_effect=took_effect)
        left = sum(not other.sent for other in journal.recorded.open)
    resolved = CallResolved(site.name, entry, took_effect, left)
    emit(resolved)
    return resolved


async def _named(state: StateAccess, name: str) -> SiteState:
    found = await look(state.store, state.leases, SiteName(name)) if SITE_NAME.match(name) else None
    if found is not None:
        return found
    known = await _ever_known(state, name)
    return SiteState(known, "", state.store.place(known), NOTHING_RECORDED)


async def _ever_known(state: StateAccess, name: str) -> SiteName:
    """The name itself, of a site that somebody held once. Raises UsageError, with close matches, for another."""
    known = await known_names(state.store, state.leases)
    if name in known:
        return SiteName(name)
    hint = near(name, known) or "; `reconciler state list` shows what is recorded"
    raise UsageError(f"{name!r}: nothing is recorded of such a site in {state.place}{hint}")
