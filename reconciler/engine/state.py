"""`state`: inspects the state and repairs it. No site is read or written."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.results import Emit, Notice, Refused
from reconciler.engine.selection import Selection
from reconciler.engine.site_results import Progressed, SiteFailed
from reconciler.engine.state_results import CallResolved, LockFound, LockRemoved, RecordChanged, StateListed, StateShown
from reconciler.engine.undeclared import goes_out_notice, waiting
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.model.text import in_quotes
from reconciler.planner.targets import SiteLabels, near, no_such
from reconciler.state.errors import StateError
from reconciler.state.examination import check_writable
from reconciler.state.lease import Lease, Leases
from reconciler.state.lock_record import LockRecord
from reconciler.state.repair import SiteState, StateSummary, entry_named, known_sites, state_of, summary_of
from reconciler.state.sites import StateStore

GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


Agree: TypeAlias = Callable[[SiteRef], Awaitable[Diagnostic | None]]
"""Asks whether to go ahead with a site. Returns why not; None for yes."""


class StateAccess(Struct, frozen=True):
    """The state that a command was pointed at. `place` is where it is, as messages show it.

    `declared` are the ids of the project's sites by the names that their files give them now.
    """

    store: StateStore
    leases: Leases
    place: str
    parallelism: int = 10
    declared: Mapping[str, str] = {}


class Remembered(Struct, frozen=True):
    """What is recorded about a site."""

    name: SiteName
    recorded: RecordedSite


def records(state: StateAccess, selection: Selection) -> AsyncIterator[Remembered | SiteFailed]:
    """What is recorded about each site of a selection."""

    async def work(entry: SiteEntry, _turn: Turn) -> Remembered:
        return Remembered(entry.name, await state.store.load(SiteRef(entry.name, entry.id)))

    return over_sites(selection.entries, work, named=named_by_file, at_once=state.parallelism)


async def list_state(state: StateAccess, only: Collection[str] | None, emit: Emit) -> StateListed:
    """What is recorded about each site, in numbers; if `only` is given, just the sites with those ids."""
    leases = state.leases
    sites = [site for site in await known_sites(state.store, leases) if only is None or site.id in only]

    async def work(site: SiteRef, _turn: Turn) -> StateSummary | None:
        return await summary_of(state.store, leases, site)

    results = over_sites(sites, work, named=lambda site: SiteLabels(site.name), at_once=state.parallelism)
    found: list[StateSummary] = []
    async for result in results:
        if isinstance(result, StateSummary):
            found.append(result)
        elif result is not None:
            found.append(StateSummary(result.name, problem=result.problem))
    listed = StateListed(state.place, tuple(found))
    emit(listed)
    return listed


async def show_state(state: StateAccess, name: str, emit: Emit) -> StateShown:
    """Everything recorded about a site. Raises UsageError, with close matches, if nothing is."""
    shown = StateShown(await _recorded(state, await site_named(state, name), name), state.store.where)
    emit(shown)
    return shown


async def unlock_site(state: StateAccess, name: str, agree: Agree, emit: Emit) -> LockRemoved | Refused:
    """Removes a site's lock unless it has changed hands in the meantime; an unreadable lock is removed in any case."""
    closing = await _unlocked(state, await site_named(state, name), agree, emit)
    emit(closing)
    return closing


async def _unlocked(state: StateAccess, site: SiteRef, agree: Agree, emit: Emit) -> LockRemoved | Refused:
    try:
        lock = await state.leases.inspect(site)
    except StateError as error:
        from reconciler.engine.problems import diagnostic_of

        emit(Notice(replace(diagnostic_of(error), severity=Severity.WARNING)))
        if (refusal := await agree(site)) is not None:
            return Refused(refusal)
        await state.leases.discard(site)
        return LockRemoved(site.name, unreadable=True)
    if lock is None:
        return LockRemoved(site.name)
    emit(LockFound(lock, state.leases.has_ended(lock)))
    if (refusal := await agree(site)) is not None:
        return Refused(refusal)
    if await state.leases.unlock(lock):
        return LockRemoved(site.name, lock)
    if (now := await state.leases.inspect(site)) is None:
        return LockRemoved(site.name, lock, given_back=True)
    what = f"the lock is now held by {now.holder} and was left alone"
    return Refused(Diagnostic("lock-changed-hands", what, "make sure that its run has ended, then try again"))


async def resolve_call(
    state: StateAccess, name: str, entry_id: str, *, took_effect: bool, lock_timeout: timedelta, emit: Emit
) -> CallResolved:
    """Records how an unconfirmed call ended. Raises UsageError for an unknown site or entry, and Locked."""
    # Looked up before the lease is taken, so that an unknown name leaves nothing behind.
    site = await site_named(state, name)
    entry_named(site.name, (await state.store.load(site)).open, entry_id)
    async with _held(state, lock_timeout, emit, site) as (lease,):
        if lease.taken_over is not None:
            emit(Notice(lease.taken_over))
        journal = await state.store.open_journal(site, lease)
        entry = entry_named(site.name, journal.recorded.open, entry_id)
        from reconciler.executor.manual_resolution import resolve_manually

        await resolve_manually(journal, entry, took_effect=took_effect)
        left = sum(not other.sent for other in journal.recorded.open)
    resolved = CallResolved(site.name, entry, took_effect, left)
    emit(resolved)
    return resolved


async def move_record(
    state: StateAccess, old: str, new: str, declared: Mapping[str, str], *, lock_timeout: timedelta, emit: Emit
) -> RecordChanged:
    """Moves the record of a site to another id, for example if a site was recreated in another account.

    `declared` are the ids of all site files by name, as far as they can be read: a warning names the file that still
    has the old one.

    Raises UsageError for an unknown site, and for an id that is not a GUID or already has a record; and Locked.
    """
    if not GUID.match(new):
        raise UsageError(
            f"{in_quotes(new)} is not the id of a site", "write it like 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
        )
    moved = new.lower()
    if state.declared.get(old) == moved:  # its file already has the new id, so look it up by its last known name
        state = replace(state, declared={})
    site = await site_named(state, old)
    if moved == site.id:
        raise UsageError(f"{site.name} is already recorded under {moved}", "nothing has to be moved")
    async with _held(state, lock_timeout, emit, site, SiteRef(site.name, moved)):
        await state.store.move(site, moved)
    for name in sorted(name for name, id in declared.items() if id == site.id):
        what = f"the file of {name} still has the id {site.id}, for which nothing is recorded any more"
        fix = f"change it to {moved}; or move the record back: reconciler state mv {moved} {site.id}{state.store.where}"
        emit(Notice(Diagnostic("old-id-declared", what, fix, Severity.WARNING, address=Address(SiteName(name)))))
    changed = RecordChanged(site.name, site.id, moved)
    emit(changed)
    return changed


async def forget_site(
    state: StateAccess, name: str, agree: Agree, now: datetime, *, lock_timeout: timedelta, emit: Emit
) -> RecordChanged | Refused:
    """Removes everything recorded about a site, after naming the posts that still go out there. Raises Locked."""
    site = await site_named(state, name)
    for post in waiting((await _recorded(state, site, name)).recorded, now):
        emit(Notice(goes_out_notice(site, post)))
    closing: RecordChanged | Refused
    if (refusal := await agree(site)) is not None:
        closing = Refused(refusal)
    else:
        async with _held(state, lock_timeout, emit, site):
            await state.store.forget(site.id)
        closing = RecordChanged(site.name, site.id)
    emit(closing)
    return closing


async def site_named(state: StateAccess, name: str) -> SiteRef:
    """The recorded site with this id, with this name in its file, or with this last known name, in this order.

    Raises UsageError, with close matches, if there is none, or if several had that name.
    """
    known = await known_sites(state.store, state.leases)
    if (id := state.declared.get(name)) is not None:
        if any(site.id == id for site in known):
            return SiteRef(SiteName(name), id)
        if former := next((site.id for site in known if site.name == name), None):
            message = f"{name}: nothing is recorded about the site that has this name now ({id})"
            raise UsageError(message, f"the site {former} had it before; if you mean that one, use its id")
    found = [site for site in known if name in (site.name, site.id)]
    if len(found) > 1:  # one may be just a released lock, left behind when a record was moved or forgotten
        recorded = await state.store.ids()
        found = [site for site in found if site.id in recorded or await state.leases.inspect(site) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(site.id for site in found)
        raise UsageError(f"{name}: several recorded sites went by this name", f"use an id: {ids}")
    raise _not_recorded(name, known, state)


async def _recorded(state: StateAccess, site: SiteRef, name: str) -> SiteState:
    """What is recorded about a site that was given as `name`.

    Raises UsageError, with close matches, if nothing is and nobody has locked it.
    """
    found = await state_of(state.store, state.leases, site)
    if found.is_known:
        return found
    others = [other for other in await known_sites(state.store, state.leases) if other.id != site.id]
    raise _not_recorded(name, others, state)


def _not_recorded(name: str, known: Sequence[SiteRef], state: StateAccess) -> UsageError:
    message = f"{in_quotes(name)}: no such site is recorded in {state.place}"
    fix = f"`reconciler state list{state.store.where}` shows what is recorded"
    return no_such(message, near(name, [site.name for site in known]), fix)


@asynccontextmanager
async def _held(state: StateAccess, lock_timeout: timedelta, emit: Emit, *sites: SiteRef) -> AsyncIterator[list[Lease]]:
    """Sites under their leases. Raises Locked, and StateError about the state as a whole if it cannot be written."""

    async def acquired(site: SiteRef) -> Lease:
        def report(lock: LockRecord) -> None:
            from reconciler.executor.events import WaitingForLock

            emit(Progressed(site.name, WaitingForLock(site, lock, lock_timeout)))

        return await state.leases.acquire(site, lock_timeout, report)

    try:
        await check_writable(state.store.store)
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(await acquired(site)) for site in sites]
    finally:
        await state.leases.close()
