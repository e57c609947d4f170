"""What is known about the posts of a site that could not be worked on: they still go out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry, check_sites
from reconciler.engine.fleet import READ_AT_ONCE, Turn, named_by_file, over_sites
from reconciler.engine.left_out import MOST_OTHERS_READ
from reconciler.engine.renamed import with_approvals_left_behind
from reconciler.engine.results import Emit
from reconciler.engine.run_context import RunContext
from reconciler.engine.session import Session, plan_options
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of
from reconciler.model.sites import SiteRef
from reconciler.model.text import printable
from reconciler.planner.actions import GoingOut
from reconciler.planner.left_out import waiting_posts
from reconciler.planner.may_go_out import may_go_out, with_time
from reconciler.planner.options import UTC, last_zone
from reconciler.planner.targets import SiteLabels
from reconciler.planner.unseen import LOCKED, UNSEEN, UnseenPosts, unseen_posts
from reconciler.state.errors import StateError
from reconciler.state.lease import Locked
from reconciler.state.record import SiteRecord
from reconciler.state.sites import StateStore

ResultT = TypeVar("ResultT")

MOST_NAMED: Final = 3
"""How many of all scheduled posts are named if nothing could be checked."""


async def unseen_at(session: Session[ReadClient], entry: SiteEntry | None, why: Diagnostic = UNSEEN) -> UnseenPosts:
    """The posts waiting at a site, as far as the state knows; none are known if the state can't be read either.

    `why` says why nothing stops the unwanted ones there.
    """
    if entry is None:
        return UnseenPosts(known=False)
    try:
        recorded = await session.store.load(SiteRef(entry.name, entry.id))
    except StateError:
        return UnseenPosts(known=False)
    if not recorded.is_known:
        return UnseenPosts(known=False)
    desired = with_approvals_left_behind(entry.load_despite_problems(), recorded, session)
    return unseen_posts(entry.name, desired, recorded, plan_options(session, RunContext(), entry.name), why)


async def unseen_after(session: Session[ReadClient], entry: SiteEntry | None, error: Exception) -> UnseenPosts:
    """The posts waiting at a site that an error keeps the run from working on."""
    return await unseen_at(session, entry, LOCKED if isinstance(error, Locked) else UNSEEN)


def over_entries(
    session: Session[ReadClient],
    entries: Iterable[SiteEntry],
    work: Callable[[SiteEntry, Turn], Awaitable[ResultT]],
    emit: Emit,
) -> AsyncIterator[ResultT | SiteFailed]:
    """The result of each declared site, in order. A site that fails says what still goes out there."""
    return over_sites(
        entries,
        work,
        named=named_by_file,
        at_once=session.parallelism,
        emit=emit,
        unseen=partial(unseen_after, session),
        debug=session.debug,
    )


async def unchecked_posts(store: StateStore, now: datetime) -> Diagnostic | None:
    """All posts that are waiting to go out while the project's files cannot be used; None if the state has none.

    A site whose record cannot be read may have some. Raises StateError if the state cannot be listed.
    """
    ids = await store.ids()
    if len(ids) > MOST_OTHERS_READ:
        return _unchecked(f"the scheduled posts of {len(ids):,} sites may still go out")

    async def read(id: str, _turn: Turn) -> SiteRecord | None:
        return await store.record(SiteRef(SiteName(id), id))

    def by_id(id: str) -> SiteLabels:
        return SiteLabels(SiteName(id))

    named: list[str] = []
    unread = 0
    async for record in over_sites(ids, read, named=by_id, at_once=READ_AT_ONCE, debug=True):
        if record is None:
            continue
        if isinstance(record, SiteFailed):
            unread += 1
            continue
        for post, moment in waiting_posts(record.recorded, now):
            when = f" {moment_text(moment, post.zone)}" if moment else ""
            named.append(printable(f"{record.site.name}: {name_of(post)}{when}"))
        zone = last_zone(record.recorded) or UTC
        named += [f"{record.site.name}: {with_time(post, zone)}" for post in may_go_out(record.recorded, now)]
    dark = f"the scheduled posts of {'a site' if unread == 1 else f'{unread:,} sites'} with unreadable state"
    if not named:
        return _unchecked(f"{dark} may still go out") if unread else None
    listed = named[:MOST_NAMED]
    if len(named) > MOST_NAMED:
        listed.append(f"and {len(named) - MOST_NAMED:,} more")
    if unread:
        listed.append(f"and {dark}")
    count = "a scheduled post" if len(named) == 1 else f"{len(named):,} scheduled posts"
    return _unchecked(f"{count} may still go out: {'; '.join(listed)}")


def _unchecked(what: str) -> Diagnostic:
    return Diagnostic(
        "not-checked",
        f"nothing was checked, and {what}",
        "correct the files and run again; to stop a post now, cancel it in the site's dashboard",
        Severity.WARNING,
    )


async def unwanted_everywhere(session: Session[ReadClient], why: Diagnostic) -> tuple[GoingOut, ...]:
    """What goes out unwanted on all sites of the project, according to today's files and the state: no site is read.

    Empty if the files or the state cannot be read: an error that is reported separately has already stopped the run.
    """
    try:
        entries = check_sites(session.project).entries
        known = {id.lower() for id in await session.store.ids()}
    except (InvalidFiles, UsageError, StateError):
        return ()

    async def work(entry: SiteEntry, _turn: Turn) -> UnseenPosts:
        return await unseen_at(session, entry, why)

    there = (entry for entry in entries if entry.id.lower() in known)
    results = over_sites(there, work, named=named_by_file, at_once=session.parallelism, debug=True)
    return tuple([post async for found in results if isinstance(found, UnseenPosts) for post in found.going_out])
