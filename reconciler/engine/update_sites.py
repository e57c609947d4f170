"""`import --update FILE`: updates site files from their live sites. Only reads the sites.

The id and the set of managed fields stay as in the file. So do the rules: what a plan would still do for them is
reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial

from reconciler.api.client import ReadClient
from reconciler.config.event_text import LiveEvents, declarable_events, update_events
from reconciler.config.new_files import read_one_site, read_text, write_file
from reconciler.config.site_update import update_site
from reconciler.config.sites import SiteEntry
from reconciler.engine.adoption_results import Import, ImportCompleted, SiteImported
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.import_sites import Totals, left_out, plan_not_empty, plan_now
from reconciler.engine.results import Emit, Phase, PhaseStarted, RunStarted
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.diagnostics import InvalidFiles, Place, problem
from reconciler.model.sites import DesiredSite, Need, ObservedSite, RecordedSite
from reconciler.planner.doubt import with_known_status
from reconciler.planner.events import event_changes, match_live, own_events, within_reach
from reconciler.planner.tally import tally_of


async def update_sites(
    session: Session[ReadClient], entries: Sequence[SiteEntry], total: int, emit: Emit
) -> ImportCompleted:
    """Updates the files of these sites. Raises UsageError if one cannot be written."""
    emit(RunStarted("import", session.project.root.name, len(entries), total, session.api, session.commit))
    emit(PhaseStarted(Phase.IMPORTING, len(entries)))
    totals = Totals()
    async for result in updates(session, entries, emit):
        totals.add(result)
        emit(result)
    completed = totals.completed()
    emit(completed)
    return completed


def updates(
    session: Session[ReadClient], entries: Sequence[SiteEntry], emit: Emit = lambda _: None
) -> AsyncIterator[SiteImported | SiteFailed]:
    """What happened to each file, in the order of the sites."""
    in_file = Counter(entry.path for entry in entries)

    async def work(entry: SiteEntry, turn: Turn) -> SiteImported:
        if in_file[entry.path] > 1:
            fix = "give each site its own file"
            raise InvalidFiles((problem(Place(entry.place.file), "several sites are in this file", fix),))
        return await _update(session, entry, turn)

    return over_sites(entries, work, named=named_by_file, at_once=session.parallelism, emit=emit, debug=session.debug)


async def _update(session: Session[ReadClient], entry: SiteEntry, turn: Turn) -> SiteImported:
    desired, shown = entry.load(), entry.place.file
    recorded = await session.store.load(desired.ref)
    needs = {Need.SETTINGS, Need.MARKETING_PLAN} | ({Need.EVENTS} if desired.events is not None else set())
    read = await session.client.reader().read(desired.ref, frozenset(needs))
    observed = with_known_status(read, recorded)
    assert observed.settings is not None
    before = read_text(entry.file) or ""
    live_events, unsaid = _live_events(session, desired, observed, recorded)
    edit = partial(update_events, live=live_events) if live_events is not None else None
    updated = update_site(before, desired.settings, observed.settings, edit, shown)
    if updated.text != before:
        write_file(entry.file, updated.text)
    notes = [left_out(entry.name, path, "a site file cannot express its value") for path in updated.unsaid]
    notes += [left_out(entry.name, f'event "{name}"', "a site file cannot express it") for name in unsaid]
    now = read_one_site(session.project, entry.file, desired.ref.id)
    plan = await plan_now(session, now, observed, recorded)
    changes = tally_of(plan).changes
    if changes or plan.refusals:
        notes.append(plan_not_empty(entry.name, plan, changes))
    written = Import.UPDATED if updated.text != before else Import.UNCHANGED
    return SiteImported(
        entry.name,
        entry.id,
        written,
        shown,
        changes or len(plan.refusals),
        0,
        tuple(notes),
        entry.labels,
        turn.seconds,
    )


def _live_events(
    session: Session[ReadClient], desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite
) -> tuple[LiveEvents | None, tuple[str, ...]]:
    """The declared events as they are on the site now. With `prune`, events that are not listed yet are added."""
    if desired.events is None or observed.events is None:
        return None, ()
    now = session.clock.now()
    near = within_reach(desired.events.events, now)
    own = own_events(observed.events, recorded)
    matched = match_live(near, observed.events, recorded)
    changed = {
        event.name: live
        for event in near
        if (live := matched.get(event.name)) is not None and event_changes(event, live)
    }
    gone = frozenset(event.name for event in near if event.name not in matched)
    if not desired.events.prune:
        return LiveEvents(changed, gone), ()
    taken = {live.id for live in matched.values()}
    others = declarable_events((event for event in own if event.id not in taken), now)
    names = {event.name for event in near} - gone
    added = tuple(event for event in others.events if event.name not in names)
    return LiveEvents(changed, gone, added), others.unsaid
