"""Sites that have been renamed since an earlier apply, and whose approvals are still under the old name.

If no site has the old name any more, every run warns about the approvals file under that name. If another site has the
name by now, the file is taken for that site's.

A file that says it is for a name the site never had, and has none of its posts, belongs to another site: it was copied
or moved here by mistake, and says nothing about this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.config.approvals import read_approvals
from reconciler.config.discovery import shown_path
from reconciler.config.sites import SiteEntry
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import SiteName
from reconciler.model.approvals import LEFT_BEHIND, ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import ABSENT, JsonObject
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place
from reconciler.model.posts import PostId
from reconciler.model.schedule import CancelPost
from reconciler.model.sites import FORMER_NAME, DesiredSite, Need, ObservedSite, RecordedSite, SiteRef
from reconciler.planner.actions import Plan, Reason
from reconciler.planner.used_approvals import scheduled_by_us

OF_ANOTHER_SITE: Final = "approvals-of-another-site"

FORMER: Final = f"{FORMER_NAME}["
ORDER: Final = "order"
"""The place of an earlier name, counted from 1, oldest first; not known for those that earlier versions recorded."""


def with_old_name(plan: Plan, observed: ObservedSite, recorded: RecordedSite, session: Session[ReadClient]) -> Plan:
    """The plan, with a note if decisions about its posts may be in the file of the site's old name.

    An apply records the old name, because the file may stay there long afterwards.
    """
    if (last := session.store.old_name(plan.site)) is not None:
        order = 1 + max((place for name, place in _former(recorded).items() if name != last), default=0)
        objects = (*plan.bindings.objects, (f"{FORMER}{last}]", JsonObject({ORDER: order})))
        plan = replace(plan, bindings=replace(plan.bindings, objects=tuple(sorted(objects))))
    withdrawn = any(
        isinstance(action.operation, CancelPost) and action.reason is Reason.WITHDRAWN for action in plan.actions
    )
    for old in _old_names(plan.site, recorded, session):
        there = session.project.approvals_file(old)
        if not there.is_file():
            continue
        notice = _left_behind(plan.site, old, session)
        if _has_drafts(there, old, observed):
            notice = _adding(notice, there, to_do="{file} has the decisions about its posts; ")
        elif withdrawn and old == last:
            notice = _adding(notice, there, to_do="if its approvals file still has that name, ")
        else:
            continue
        return replace(plan, notes=(*plan.notes, notice))
    return plan


def with_approvals_left_behind(
    desired: DesiredSite, recorded: RecordedSite, session: Session[ReadClient]
) -> DesiredSite:
    """The site as its files describe it, unless the approvals of its scheduled posts are in the file of an old name.

    In that case, nobody withdrew them, and the site's approvals count as unknown. The same holds if the file in their
    place belongs to another site.
    """
    desired = without_approvals_of_another_site(desired, recorded, session)
    missing = [post for post in scheduled_by_us(recorded) if desired.approvals.draft(post) is None]
    if not missing or desired.approvals.unasked is not None:
        return desired
    for old in _old_names(desired.ref, recorded, session):
        there = session.project.approvals_file(old)
        if not _has_any(there, old, missing):
            continue
        left = _left_behind(desired.ref, old, session)
        unknown = _adding(left, there, what=", and {file} has the decisions about them")
        is_last = old == session.store.old_name(desired.ref)
        was = f"was called {old} at its last apply" if is_last else f"used to be called {old}"
        message = f"has the decisions about posts of this site, which {was}"
        unknown = replace(unknown, message=message, continues=True)
        return replace(desired, approvals=replace(desired.approvals, unasked=unknown))
    return desired


def without_approvals_of_another_site(
    desired: DesiredSite, recorded: RecordedSite, session: Session[ReadClient]
) -> DesiredSite:
    """The site as its files describe it; its approvals count as unknown if their file belongs to another site."""
    scheduled = scheduled_by_us(recorded)
    if not scheduled or (strange := _of_another_site(desired, scheduled, recorded, session)) is None:
        return desired
    return replace(desired, approvals=replace(desired.approvals, unasked=strange))


def approvals_left_behind(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite, session: Session[ReadClient]
) -> Diagnostic | None:
    """Says why a review must not rewrite a site's approvals file, and what to do; None if it may.

    Either the file belongs to another site, whose decisions a review would drop; or the decisions about this site's
    posts are still in the file of its old name, and a review would write its new file without them.
    """
    site = desired.ref
    if desired.approvals.activities and (
        strange := _of_another_site(desired, _posts(observed) | scheduled_by_us(recorded), recorded, session)
    ):
        return strange
    for old in _old_names(site, recorded, session):
        there = session.project.approvals_file(old)
        if _has_drafts(there, old, observed):
            left = _left_behind(site, old, session)
            what = ", and {file} has the decisions about its posts"
            return _adding(left, there, what=what, then="; then review again")
    return None


class FormerNames:
    """Which sites of a project had other names before. Their records are read once, and only if needed."""

    def __init__(self, session: Session[ReadClient], entries: Iterable[SiteEntry]) -> None:
        self._session = session
        self._entries = entries
        self._reading = asyncio.Lock()
        self._found: dict[SiteName, list[SiteRef]] | None = None

    async def decided_for(self, desired: DesiredSite, observed: ObservedSite) -> Diagnostic | None:
        """Says that a site's file has decisions about posts of the site that had its name before; None if it has none.

        A review would drop them.
        """
        strange = _decided(desired.approvals) - _posts(observed)
        if not strange:
            return None
        name = desired.ref.name
        for other in await self._called_before(name):
            if other.id == desired.ref.id or not strange & await self._posts_of(other):
                continue
            return Diagnostic.note(
                OF_ANOTHER_SITE,
                f"{desired.approvals.file} has the decisions about posts of {other.name}, "
                f"which used to be called {name}",
                f"{_left_behind(other, name, self._session).fix}; then review again",
            )
        return None

    async def _called_before(self, name: SiteName) -> list[SiteRef]:
        async with self._reading:
            if self._found is None:
                self._found = {}
                async for site, names in self._former():
                    for old in names:
                        self._found.setdefault(old, []).append(site)
        return self._found.get(name, [])

    async def _former(self) -> AsyncIterator[tuple[SiteRef, tuple[SiteName, ...]]]:
        """Each site with its former names, as far as its record can be read."""

        async def work(entry: SiteEntry, _turn: Turn) -> tuple[SiteRef, tuple[SiteName, ...]]:
            site = SiteRef(entry.name, entry.id)
            return site, _old_names(site, await self._session.store.load(site), self._session)

        at_once = self._session.parallelism
        async for found in over_sites(self._entries, work, named=named_by_file, at_once=at_once, debug=True):
            if not isinstance(found, SiteFailed):  # reported where that site is worked on
                yield found

    async def _posts_of(self, site: SiteRef) -> frozenset[PostId]:
        try:
            return _posts(await self._session.client.reader().read(site, frozenset({Need.MARKETING_PLAN})))
        except ApiError:
            return frozenset()


def _old_names(site: SiteRef, recorded: RecordedSite, session: Session[ReadClient]) -> tuple[SiteName, ...]:
    """The names that a site had at earlier applies, without its present one: the last one first."""
    former = _former(recorded)
    names = [session.store.old_name(site), *sorted(former, key=lambda name: -former[name])]
    return tuple(dict.fromkeys(name for name in names if name not in (None, site.name)))


def _former(recorded: RecordedSite) -> dict[SiteName, int]:
    """The names that a record remembers, each with its place among them; 0 if that is not known."""
    return {
        SiteName(key.removeprefix(FORMER).removesuffix("]")): int(str(facts.get(ORDER, 0)))
        for key, facts in recorded.objects
        if key.startswith(FORMER)
    }


def _of_another_site(
    desired: DesiredSite, posts: Collection[PostId], recorded: RecordedSite, session: Session[ReadClient]
) -> Diagnostic | None:
    """Says that the approvals file is not this site's: it names another one, and has none of these posts."""
    approvals, name = desired.approvals, desired.ref.name
    if not approvals.written_for or approvals.written_for in _old_names(desired.ref, recorded, session):
        return None
    if any(approvals.draft(post) is not None for post in posts):
        return None
    return Diagnostic.note(
        OF_ANOTHER_SITE,
        f"{approvals.file} is for {approvals.written_for}, and has no decision about a post of {name}",
        f"restore the file from git; or, if this is the right file and its approvals were withdrawn on purpose, write "
        f"`site: {name}` in it",
    )


def _has_drafts(file: Path, name: SiteName, observed: ObservedSite) -> bool:
    """Whether an approvals file has drafts of a site."""
    return _has_any(file, name, _posts(observed))


def _has_any(file: Path, name: SiteName, posts: Iterable[PostId]) -> bool:
    """Whether an approvals file has any of these drafts."""
    if not file.is_file():
        return False
    try:
        approvals = read_approvals(file, name)
    except InvalidFiles:
        return False
    return any(approvals.draft(post) for post in posts)


def _decided(approvals: Approvals) -> frozenset[PostId]:
    """The drafts about which somebody has decided."""
    return frozenset(
        draft.id
        for activity in approvals.activities
        for draft in activity.drafts
        if draft.decision is not DraftDecision.PENDING or activity.decision is not ActivityDecision.KEEP
    )


def _posts(observed: ObservedSite) -> frozenset[PostId]:
    return frozenset(post.id for post in observed.posts)


def _left_behind(site: SiteRef, old: SiteName, session: Session[ReadClient]) -> Diagnostic:
    """Says that a site had another name, and how to move the approvals file of that name to the present one."""
    is_last, file_of = old == session.store.old_name(site), session.project.approvals_file
    was = f"this site was called {old} at its last apply" if is_last else f"this site used to be called {old}"
    there, here = file_of(old), file_of(site.name)
    if not here.is_file():
        run, shared = (
            f"run: git mv {shown_path(before)} {shown_path(after)}"
            for before, after in ((there, here), (file_of("OLD"), file_of("NEW")))
        )
        note = Diagnostic.note(LEFT_BEHIND, was, run).at(Place(shown_path(there)))
        had = "had another name at its last apply" if is_last else "used to have another name"
        return replace(note, shared=(f"this site {had}", shared))
    # Two sites that swapped their names: both get the same advice.
    first, second = (shown_path(file) for file in sorted((here, there)))
    aside = shown_path(min(here, there).with_suffix(".aside"))
    moves = f"git mv {first} {aside}; git mv {second} {first}; git mv {aside} {second}"
    return Diagnostic.note(LEFT_BEHIND, was, f"run: {moves}").at(Place(shown_path(there)))


def _adding(left: Diagnostic, old_file: Path, *, what: str = "", to_do: str = "", then: str = "") -> Diagnostic:
    """The note with more after its message, before its fix and after it. `{file}` is the file of the old name."""
    file, shared = shown_path(old_file), left.shared
    if shared is not ABSENT:
        of_any = "the approvals file of that name"
        shared = shared[0] + what.format(file=of_any), to_do.format(file=of_any) + shared[1] + then
    message, fix = left.message + what.format(file=file), to_do.format(file=file) + left.fix + then
    return replace(left, message=message, fix=fix, shared=shared)
