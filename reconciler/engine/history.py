"""`history`: what went out, and what is waiting to go out, from the state alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime

from msgspec.structs import replace

from reconciler.config.sites import SiteEntry
from reconciler.engine.address_check import AddressCheck
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.results import Emit, HistoryListed, Notice
from reconciler.engine.selection import Selection
from reconciler.engine.session import begin
from reconciler.engine.site_results import SiteFailed, SiteHistory
from reconciler.engine.state import StateAccess
from reconciler.model.address import Address, Kind, key_of
from reconciler.model.diagnostics import UsageError
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.sites import PostOutcome, RecordedSite, SiteRef
from reconciler.planner.baseline import WAS_CANCELLED
from reconciler.planner.gone_out import is_gone, is_stopped, moment_now, reason_recorded
from reconciler.planner.targets import ByAddress, TargetFilter, keeps
from reconciler.planner.used_approvals import times_known


async def list_history(state: StateAccess, selection: Selection, now: datetime, emit: Emit) -> HistoryListed:
    """The history of all sites of a selection. Raises UsageError for an address that names none of their posts."""
    targets = (*selection.targets.included, *selection.targets.excluded)
    check = AddressCheck(selection, (each for each in targets if isinstance(each, ByAddress) and each.address.key))
    results = histories(state, selection, now, check)
    begin("history", selection, emit)
    sites = posts = failed = with_posts = not_out = 0
    async for result in results:
        sites += 1
        if isinstance(result, SiteFailed):
            failed += 1
        else:
            posts += len(result.posts)
            with_posts += bool(result.posts)
            not_out += result.not_out
        emit(result)
    if not failed:  # a record that cannot be read may have any post
        missing = "no post in the history of these sites has this address"
        for warning in check.check(missing, "history --output json shows the addresses"):
            emit(Notice(warning))
    listed = HistoryListed(sites, posts, failed, with_posts, not_out)
    emit(listed)
    return listed


def _posts_alone(targets: TargetFilter) -> None:
    for selector in targets.included:
        if isinstance(selector, ByAddress) and selector.address.kind is not Kind.DRAFT:
            site = selector.address.site
            raise UsageError(
                f"--target {selector}: history lists posts", f"name a site, or a post like {site}/{Kind.DRAFT}[ID]"
            )


def histories(
    state: StateAccess, selection: Selection, now: datetime, check: AddressCheck | None = None
) -> AsyncIterator[SiteHistory | SiteFailed]:
    """What the state knows about each site's posts, earliest first; a record that cannot be read says why.

    Raises UsageError for a target that is not a post.
    """
    _posts_alone(selection.targets)

    async def work(entry: SiteEntry, _turn: Turn) -> SiteHistory:
        recorded = await state.store.load(SiteRef(entry.name, entry.id))
        addresses = {post.id: Address(entry.name, Kind.DRAFT, post.id) for post in recorded.published}
        if check is not None:
            check.add(entry, tuple(addresses.values()))
        wanted = keeps(selection.targets, entry)
        posts = sorted(
            (post for post in recorded.published if wanted(addresses[post.id])),
            key=lambda post: (moment_now(recorded, post) or post.done_at, post.id),
        )
        ended = (*recorded.outcomes, *_stopped(recorded))
        return SiteHistory(
            entry.name,
            tuple(replace(post, times=times_known(recorded, post)) for post in posts),
            ended,
            tuple(_moved(recorded)),
            tuple((post.id, why) for post in posts if (why := reason_recorded(recorded, post.id)) is not None),
            frozenset(_due(recorded, now)) - {outcome.post for outcome in ended},
        )

    return over_sites(selection.entries, work, named=named_by_file, at_once=state.parallelism)


def _moved(recorded: RecordedSite) -> Iterator[tuple[PostId, datetime]]:
    """The posts that an apply saw at a different time from the one they were scheduled for."""
    for post in recorded.published:
        now = moment_now(recorded, post)
        if now is not None and now != post.scheduled_for:
            yield post.id, now


def _due(recorded: RecordedSite, now: datetime) -> Iterator[PostId]:
    """The posts whose time has passed; if Wix picked it, the date of the activity is the best guess."""
    for post in recorded.published:
        moment = moment_now(recorded, post) or post.date
        if moment is not None and moment <= now:
            yield post.id


def _stopped(recorded: RecordedSite) -> Iterator[PostOutcome]:
    """What became of the posts that were cancelled before their time, or that the site no longer had by then."""
    known = {outcome.post for outcome in recorded.outcomes}
    for post in recorded.last_published.values():
        if post.id in known:
            continue
        if recorded.object(key_of(Kind.DRAFT, post.id)) == WAS_CANCELLED or is_stopped(recorded, post):
            yield PostOutcome(post.id, PostStatus.CANCELED, post.done_at)
        elif is_gone(recorded, post):
            yield PostOutcome(post.id, PostStatus.DELETED, post.done_at)
