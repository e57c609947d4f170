"""Unconfirmed calls of earlier runs, as commands that write nothing judge them: as `apply` would."""

from __future__ import annotations

from reconciler.api.client import ReadClient
from reconciler.engine.session import Session
from reconciler.model.journal import OpenEntry
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.state.journal import SiteJournal
from reconciler.state.memory import MemoryStore
from reconciler.state.record import SiteLabel, SiteRecord


async def load_resolved(session: Session[ReadClient], site: SiteRef) -> tuple[RecordedSite, tuple[OpenEntry, ...]]:
    """What is recorded about a site, with the unconfirmed calls of earlier runs resolved as far as one read can tell.

    Only in memory: nothing is written to the state. Also returns the generations among them that have ended. Raises
    ApiError and StateError.
    """
    recorded = await session.store.load(site)
    if not recorded.open:
        return recorded, ()
    from reconciler.executor.open_entries import resolve_as_seen  # most sites have nothing open
    from reconciler.executor.ports import PollPolicy

    now, project = session.clock.now, session.project
    journal = in_memory(session, site, recorded)
    waiting = PollPolicy(project.poll_interval, project.poll_timeout)
    ended = await resolve_as_seen(site, session.client.reader(), journal, now(), waiting)
    return journal.recorded, ended


def in_memory(session: Session[ReadClient], site: SiteRef, recorded: RecordedSite) -> SiteJournal:
    """A journal that changes what is recorded in memory alone."""
    record = SiteRecord(SiteLabel(site.id, site.name), recorded)
    return SiteJournal(MemoryStore(), site, record, None, now=session.clock.now)
