"""Sites that the state knows and no file declares any more: they are reported, because their posts still go out.

A site must be given up explicitly (`state forget`): otherwise, deleting its file would hide what still goes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.results import Emit, Notice
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of
from reconciler.model.sites import NOTHING_RECORDED, PublishedPost, RecordedSite, SiteRef
from reconciler.model.text import printable
from reconciler.planner.actions import RefusedBy
from reconciler.planner.left_out import waiting_posts
from reconciler.planner.targets import SiteLabels
from reconciler.planner.used_approvals import NEVER
from reconciler.state.sites import StateStore

if TYPE_CHECKING:  # `state` and `history` have no client
    from reconciler.api.client import ReadClient


NEW_ID: Final = "this site has a new id in its file, but the state has the old one"


class Undeclared(Struct, frozen=True):
    """A recorded site without a file, and its posts that still go out. `problem`: why its record cannot be read.

    `known_by` is what `state forget` is given: its name, or its id if another site has that name. `new_id` is the id in
    the file of the site with its name, if the state does not know that id; `where` says which state it is.
    """

    site: SiteRef
    posts: tuple[PublishedPost, ...] = ()
    problem: Diagnostic | None = None
    known_by: str = ""
    new_id: str = ""
    where: str = ""


async def report_undeclared(
    session: Session[ReadClient], selection: Selection, context: RunContext, emit: Emit
) -> tuple[Diagnostic, ...]:
    """Names every undeclared site with the posts that still go out there. Returns the refusals under `--strict`."""
    return report_each(
        await undeclared_sites(session.store, selection, session.clock.now(), session.parallelism), context, emit
    )


def report_each(undeclared: Iterable[Undeclared], context: RunContext, emit: Emit) -> tuple[Diagnostic, ...]:
    """Names these sites, as `report_undeclared` does."""
    found = tuple(undeclared)
    for problem in notices_of(found):
        emit(Notice(problem))
    if not context.strict:
        return ()
    return tuple(_refusal(each) for each in found)


async def undeclared_sites(
    store: StateStore, selection: Selection, now: datetime, at_once: int
) -> tuple[Undeclared, ...]:
    """The undeclared sites of a project, by name. Reads only the records of sites that no file declares.

    Empty if targets narrow the run: then it is only about those.
    """
    if selection.declared is None or selection.targets.included:
        return ()
    ids = {*await store.ids(), *(label.id for label in await store.first.labels())}
    if not ids:
        return ()
    declared = selection.declared()
    unnamed = [SiteRef(SiteName(id), id) for id in sorted(ids) if id.lower() not in declared]

    async def work(site: SiteRef, _turn: Turn) -> Undeclared:
        record = await store.record(site)
        name = record.site.name if record is not None else site.name
        return Undeclared(replace(site, name=name), waiting(record.recorded if record else NOTHING_RECORDED, now))

    def unread(result: SiteFailed) -> Undeclared:
        return Undeclared(SiteRef(result.name, result.name), problem=result.problem)

    results = over_sites(
        unnamed, work, named=lambda site: SiteLabels(site.name), at_once=at_once, failed=unread, debug=True
    )
    found = [each async for each in results if isinstance(each, Undeclared)]
    if not found:
        return ()
    named = Counter([*(entry.name for entry in selection.every), *(each.site.name for each in found)])
    recorded = {id.lower() for id in ids}
    new_ids = {entry.name: entry.id for entry in selection.every if entry.id.lower() not in recorded}
    for at, each in enumerate(found):
        known_by = each.site.name if named[each.site.name] == 1 else each.site.id
        found[at] = replace(each, known_by=known_by, new_id=new_ids.get(each.site.name, ""), where=store.where)
    return tuple(sorted(found, key=lambda each: (each.site.name, each.site.id)))


def waiting(recorded: RecordedSite, now: datetime) -> tuple[PublishedPost, ...]:
    """The posts of `waiting_posts`, each with the time it has now: soonest first, and those without one last."""
    posts = (replace(post, scheduled_for=moment) for post, moment in waiting_posts(recorded, now))
    return tuple(sorted(posts, key=soonest_first))


def soonest_first(post: PublishedPost) -> tuple[bool, datetime, str]:
    """A key that sorts posts by when they go out: those without a known time come last."""
    return post.scheduled_for is None, post.scheduled_for or NEVER, post.id


def notices_of(undeclared: Sequence[Undeclared]) -> Iterator[Diagnostic]:
    """Reports that sites are undeclared, then names each post that still goes out there, soonest first."""
    for found in undeclared:
        count = len(found.posts)
        scheduled = f", and {count:,} {'post is' if count == 1 else 'posts are'} scheduled there" if count else ""
        of_any = ", and posts are scheduled there" if count else ""
        if found.problem is not None:
            scheduled = of_any = ", and its record cannot be read"
        message = "undeclared: this site is in the state, but no file declares it"
        if found.new_id:
            message = f"undeclared: {NEW_ID}"
        yield _undeclared(found, "undeclared-site", message + scheduled, message + of_any, Severity.WARNING)
        if found.problem is not None:
            yield replace(found.problem, severity=Severity.WARNING)
    posts = [(post, found.site) for found in undeclared for post in found.posts]
    for post, site in sorted(posts, key=lambda each: (soonest_first(each[0])[:2], each[1].name, each[0].id)):
        yield goes_out_notice(site, post)


def _refusal(found: Undeclared) -> Diagnostic:
    what = NEW_ID if found.new_id else "this site is in the state, no file declares it"
    message = f"{what}, and --strict is given"
    return _undeclared(found, RefusedBy.STRICT, message, message, Severity.ERROR)


def _undeclared(found: Undeclared, code: str, message: str, of_any: str, severity: Severity) -> Diagnostic:
    unique, forget = (
        found.known_by == found.site.name,
        "once no unwanted post is scheduled there: reconciler state forget",
    )
    placeholder = "SITE" if unique else "OLD_ID" if found.new_id else "ID"
    fix, shared = (
        f"restore the old id in its file; or, if the content moved to the new id: reconciler state mv {which} {new_id}"
        f"{found.where}; or, {forget} {which}{found.where}"
        if found.new_id
        else f"declare it again, or, {forget} {which}{found.where}"
        for which, new_id in ((found.known_by, found.new_id), (placeholder, "NEW_ID"))
    )
    shared += "" if unique else "   (--sites shows the ids)"
    return Diagnostic(code, message, fix, severity, address=Address(found.site.name), shared=(of_any, shared))


def goes_out_notice(site: SiteRef, post: PublishedPost) -> Diagnostic:
    """Reports that a post may still go out at a site that no run reads any more."""
    name = printable(name_of(post)) if post.title else f"the {name_of(post)} post"
    when = "at a time Wix picked" if post.channel else "at an unknown time"
    if post.scheduled_for is not None:
        when = f"on {moment_text(post.scheduled_for, post.zone)}"
    return Diagnostic(
        "still-going-out",
        f"{name} is still scheduled to go out {when}",
        "if it is unwanted, cancel it in the site's dashboard, or declare the site with `paused: cancel` and run apply",
        Severity.WARNING,
        address=Address(site.name, Kind.DRAFT, post.id),
        name=name,
        says_name=True,
    )
