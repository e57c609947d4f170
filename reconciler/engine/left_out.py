"""Sites that a run's options leave out and on which posts still go out although the files no longer want them.

A run over some of the sites says nothing else about the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.renamed import with_approvals_left_behind
from reconciler.engine.results import Emit, Notice
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural
from reconciler.model.posts import name_of
from reconciler.model.sites import PublishedPost
from reconciler.model.text import printable
from reconciler.planner.gone_out import WhyNot, no_longer_wanted
from reconciler.planner.left_out import unwanted_by_files

MOST_OTHERS_READ: Final = 1_000
"""The most records of sites outside the run that are read; if there are more, none are.

Reading that many takes a quarter of a second.
"""

MOST_SITES_NAMED: Final = 5
"""How many sites get a line each."""

MOST_NAMED: Final = 3
"""How many posts of a site a line names."""


class LeftOutSite(Struct, frozen=True):
    """A site that the run leaves out, and its posts that are no longer wanted, each with its time and the reason."""

    name: SiteName
    posts: tuple[tuple[PublishedPost, datetime | None, WhyNot], ...]


async def report_left_out(session: Session[ReadClient], sites: Collection[SiteEntry], emit: Emit) -> None:
    """Names each left-out site with posts that go out unwanted, according to the files and the state."""
    if not sites:
        return
    known = {id.lower() for id in await session.store.ids()}
    entries = [entry for entry in sites if entry.id.lower() in known]
    if len(entries) > MOST_OTHERS_READ:
        what = f"{len(entries):,} sites that this run leaves out were not checked for posts that are no longer wanted"
        fix = "run reconciler plan without options to check them"
        emit(Notice(Diagnostic("left-out-unchecked", what, fix, Severity.NOTE)))
        return
    listed, more = 0, 0
    async for site in _left_out(session, entries):
        if isinstance(site, SiteFailed) or not site.posts:
            continue
        if listed < MOST_SITES_NAMED:
            emit(Notice(_notice(site)))
            listed += 1
        else:
            more += 1
    if more:
        what = f"unwanted posts go out on {plural(more, 'more site')} that this run leaves out"
        fix = "run reconciler plan without options to list them all; apply cancels them"
        emit(Notice(Diagnostic("still-going-out", what, fix, Severity.WARNING)))


def _left_out(session: Session[ReadClient], entries: Iterable[SiteEntry]) -> AsyncIterator[LeftOutSite | SiteFailed]:
    policy, now = session.project.policy, session.clock.now()

    async def work(entry: SiteEntry, _turn: Turn) -> LeftOutSite:
        desired = entry.load()
        recorded = await session.store.load(desired.ref)
        desired = with_approvals_left_behind(desired, recorded, session)
        return LeftOutSite(entry.name, tuple(unwanted_by_files(desired, recorded, policy, now)))

    return over_sites(tuple(entries), work, named=named_by_file, at_once=session.parallelism)


def _notice(site: LeftOutSite) -> Diagnostic:
    count = len(site.posts)
    named = "; ".join(
        f"{printable(name_of(post))}{f' {moment_text(moment, post.zone)}' if moment else ''} "
        f"({no_longer_wanted(reason).message})"
        for post, moment, reason in site.posts[:MOST_NAMED]
    )
    more = f"; and {count - MOST_NAMED:,} more" if count > MOST_NAMED else ""
    posts = "an unwanted post goes" if count == 1 else f"{count:,} unwanted posts go"
    return Diagnostic(
        "still-going-out",
        f"this run leaves the site out, but {posts} out there: {named}{more}",
        f"reconciler apply --target {site.name} cancels {'it' if count == 1 else 'them'}; or cancel "
        f"{'it' if count == 1 else 'them'} in the site's dashboard",
        Severity.WARNING,
        address=Address(site.name),
    )
