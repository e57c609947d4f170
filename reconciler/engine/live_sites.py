"""Which live sites to import: those with the given ids, or all of an account; each with a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from reconciler.api.client import ReadClient
from reconciler.config.discovery import PROJECT_FILE
from reconciler.config.project import ProjectConfig
from reconciler.config.secrets import AppRef
from reconciler.config.site_text import site_name
from reconciler.config.sites import SiteEntry, SiteIndex
from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.session import Session
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.sites import SiteRef
from reconciler.model.text import printable
from reconciler.planner.targets import SiteLabels

ACCOUNT: Final = SiteName("account")
"""Stands in for a site's name in requests that are for the account."""

GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


class Wanted(Struct, frozen=True):
    """What to import: sites by id, or all sites of the account whose own names match a glob.

    Without `credentials`, they are read with those that the new files will inherit.
    """

    ids: tuple[str, ...] = ()
    everything: bool = False
    title: str | None = None
    credentials: str | None = None
    lift: bool = False
    """Whether what all sites share moves into the project's defaults."""


class Found(Struct, frozen=True):
    """A live site before it is read: `title` is its own name, `name` is the project's."""

    id: str
    title: str = ""
    url: str = ""
    credentials: str = "default"
    name: SiteName = SiteName("")
    declared_in: str = ""

    @property
    def ref(self) -> SiteRef:
        """The reference with which a client reads the site."""
        return SiteRef(self.name, self.id, self.credentials)


async def live_sites(
    session: Session[ReadClient], index: SiteIndex, wanted: Wanted
) -> tuple[tuple[Found, ...], tuple[SiteFailed, ...]]:
    """The sites to import, each with a name, in an order that does not change from run to run; and those that failed.

    A site whose own name cannot be read has failed: its file would be named after its id, and would keep that name.
    Raises UsageError for a request that makes no sense, and ApiError if the account's sites cannot be listed.
    """
    declared = {entry.id.lower(): entry for entry in index.entries}
    if wanted.everything:
        return _named(await _of_account(session, wanted), declared), ()
    found, failed = await _by_id(session, wanted, declared)
    return _named(found, declared), failed


def inherited_credentials(project: ProjectConfig) -> str:
    """The name of the credentials that a new site file has if it names none: those in `defaults`, or `default`."""
    layers = (defaults.layer.value.get("site", {}) for defaults in project.defaults if defaults.applies({}))
    named: list[str] = [site["credentials"] for site in layers if "credentials" in site]
    return named[-1] if named else "default"


def credentials_of(project: ProjectConfig, wanted: Wanted) -> str:
    """The name of the credentials with which sites are read.

    A project that has none called `default` may still name some for its account.
    """
    if wanted.credentials is not None:
        return wanted.credentials
    inherited = inherited_credentials(project)
    account = project.account if wanted.everything and inherited not in project.credentials else None
    return inherited if account is None else account.credentials


def check_wanted(project: ProjectConfig, wanted: Wanted) -> None:
    """Raises UsageError for a request that makes no sense."""
    if wanted.everything and project.account is None:
        line = "account: {id: ...}"
        raise UsageError(
            "--all needs to know which account", f"write `{line}` in {PROJECT_FILE}, with the account's id"
        )
    for id in wanted.ids:
        if not GUID.fullmatch(id):
            raise UsageError(
                f"{printable(id)} is not a site's id",
                "copy the GUID after /dashboard/ in the URL of the site's dashboard",
            )
    name = credentials_of(project, wanted)
    known = project.credentials.get(name)
    if known is None and project.api != "sandbox":
        names = ", ".join(project.credentials)
        raise UsageError(
            f"{PROJECT_FILE} has no credentials called {printable(name)}",
            f"pass --credentials with one of: {names}" if names else "add them there",
        )
    if isinstance(known, AppRef):
        raise UsageError(
            f"the credentials {name} belong to an app, which needs the id of its instance to read a site",
            "import with an API key, or write the site file by hand",
        )


async def _by_id(
    session: Session[ReadClient], wanted: Wanted, declared: Mapping[str, SiteEntry]
) -> tuple[tuple[Found, ...], tuple[SiteFailed, ...]]:
    """The sites with the given ids, each once, and those whose names cannot be read.

    A declared site is not asked for its name, because its file has one.
    """
    ids = tuple(dict.fromkeys(id.lower() for id in wanted.ids))
    credentials = credentials_of(session.project, wanted)

    async def work(id: str, _turn: Turn) -> Found:
        title = "" if id in declared else await session.client.endpoints.display_name(ref(id))
        return Found(id, title, "", credentials)

    def ref(id: str) -> SiteRef:
        return SiteRef(SiteName(f"site-{id[:8]}"), id, credentials)

    def named(id: str) -> SiteLabels:
        return SiteLabels(ref(id).name)

    found: list[Found] = []
    failed: list[SiteFailed] = []
    async for result in over_sites(ids, work, named=named, at_once=session.parallelism, debug=session.debug):
        if isinstance(result, SiteFailed):
            failed.append(result)
        else:
            found.append(result)
    return tuple(found), tuple(failed)


async def _of_account(session: Session[ReadClient], wanted: Wanted) -> tuple[Found, ...]:
    account = session.project.account
    assert account is not None
    listed = await session.client.endpoints.sites(SiteRef(ACCOUNT, account.id, account.credentials))
    sites = {site.id.lower(): site for site in listed}
    pattern = None if wanted.title is None else wanted.title.casefold()
    chosen = [site for site in sites.values() if pattern is None or fnmatchcase(site.name.casefold(), pattern)]
    if wanted.title is not None and not chosen:
        none = "no site of the account" if len(sites) < 2 else f"none of the account's {len(sites):,} sites"
        raise UsageError(
            f"--name {printable(wanted.title)}: {none} has a matching name",
            "change the name, or leave it out to import all",
        )
    ordered = sorted(chosen, key=lambda site: (site.name.casefold(), site.id))
    credentials = credentials_of(session.project, wanted)
    return tuple(Found(site.id.lower(), site.name, site.view_url, credentials) for site in ordered)


def _named(found: Iterable[Found], declared: Mapping[str, SiteEntry]) -> tuple[Found, ...]:
    """The sites, each with a name. A site that a file declares keeps the name it has there."""
    taken = {entry.name for entry in declared.values()}
    named: list[Found] = []
    for site in found:
        entry = declared.get(site.id)
        if entry is not None:
            named.append(Found(site.id, site.title, site.url, site.credentials, entry.name, str(entry.place.file)))
            continue
        name = site_name(site.title, site.id, taken)
        taken.add(name)
        named.append(Found(site.id, site.title, site.url, site.credentials, name))
    return tuple(named)
