"""Sites that a run's options leave out and on which posts still go out although the files no longer want them.

A run over some of the sites says nothing else about the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from msgspec import Struct

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.renamed import with_approvals_left_behind
from reconciler.engine.results import Emit, LeftOut, Notice
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import MOST_POSTS, Diagnostic, Severity
from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of, shown_account
from reconciler.model.sites import PublishedPost
from reconciler.model.text import printable
from reconciler.planner.actions import GoingOut, StillGoingOut
from reconciler.planner.gone_out import WhyNot, no_longer_wanted
from reconciler.planner.left_out import unwanted_by_files
from reconciler.planner.unstopped import Unstopped, or_by_hand

MOST_OTHERS_READ: Final = 1_000
"""The most records of sites outside the run that are read; if there are more, none are.

Reading that many takes a quarter of a second.
"""

NOT_IN_RUN: Final = or_by_hand(
    Diagnostic(Unstopped.LEFT_OUT, "this run leaves the site out", "run reconciler apply without options to cancel it")
)


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
    async for posts in _left_out(session, entries):
        if posts and not isinstance(posts, SiteFailed):
            emit(_notice(posts))


def _left_out(
    session: Session[ReadClient], entries: Iterable[SiteEntry]
) -> AsyncIterator[Sequence[_UnwantedPost] | SiteFailed]:
    policy, now = session.project.policy, session.clock.now()

    async def work(entry: SiteEntry, _turn: Turn) -> Sequence[_UnwantedPost]:
        desired = entry.load()
        recorded = await session.store.load(desired.ref)
        desired = with_approvals_left_behind(desired, recorded, session)
        return [_UnwantedPost(entry.name, *found) for found in unwanted_by_files(desired, recorded, policy, now)]

    return over_sites(tuple(entries), work, named=named_by_file, at_once=session.parallelism)


class _UnwantedPost(Struct, frozen=True):
    """A post of a site that the run leaves out, and why it is no longer wanted. `at` is None if it is not known."""

    site: SiteName
    post: PublishedPost
    at: datetime | None
    reason: WhyNot

    @property
    def words(self) -> str:
        """`"Kiln day" (Instagram) Wed 2026-11-04 09:30 Europe/Berlin on pottery.berlin`."""
        when = f" {moment_text(self.at, self.post.zone)}" if self.at else ""
        where = f" on {shown_account(self.post.account)}" if self.post.account else ""
        return printable(f"{name_of(self.post)}{when}{where}")

    @property
    def going_out(self) -> GoingOut:
        """The post as one that still goes out, for those who sum up many sites."""
        post = self.post
        address = Address(self.site, Kind.DRAFT, post.id)
        about = (post.channel, post.title, post.account, self.at, self.reason, (), NOT_IN_RUN, post.type)
        return GoingOut(StillGoingOut(address, post.id, *about), post.zone)


def _notice(posts: Sequence[_UnwantedPost]) -> LeftOut:
    """Names the posts of one site, each reason once for those in a row that have it."""
    count, site = len(posts), posts[0].site
    named = []
    for reason, same in groupby(posts[:MOST_POSTS], lambda post: post.reason):
        names = [post.words for post in same]
        named.append(f"{'; '.join(names)} ({'each: ' if names[1:] else ''}{no_longer_wanted(reason).message})")
    if count > MOST_POSTS:
        named.append(f"and {count - MOST_POSTS:,} more")
    which = "an unwanted post goes" if count == 1 else f"{count:,} unwanted posts go"
    them = "it" if count == 1 else "them"
    problem = Diagnostic(
        "still-going-out",
        f"this run leaves the site out, but {which} out there: {'; '.join(named)}",
        f"reconciler apply --target {site} cancels {them}; or cancel {them} in the site's dashboard",
        Severity.WARNING,
        address=Address(site),
    )
    return LeftOut(problem, tuple(post.going_out for post in posts))
