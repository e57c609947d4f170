"""StateStore: what is remembered of the sites of a project, in the place that `state` or `--state` names.

Opening reads nothing and creates nothing; a place that does not exist yet is a project without a past. A
document goes by the name of its site and names its id: a site with a new name is met for the first time, a
name that moved to another site is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reconciler.model.address import SITE_NAME, SiteName
from reconciler.model.sites import NOTHING_RECORDED, RecordedSite, SiteRef
from reconciler.state.document import SiteDocument, decode
from reconciler.state.folder import LocalFolder
from reconciler.state.journal import HeldLease, SiteJournal
from reconciler.state.store import Store, Version

_FOLDER, _SUFFIX = "sites/", ".json"


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_store(location: str, root: Path, environ: Mapping[str, str]) -> Store:
    """The store at a location: a folder, relative to `root`, or the URL of an object store with a prefix.

    Raises UsageError for a location that is neither, and where the extra for object stores is not installed.
    """
    if "://" not in location:
        return LocalFolder(root / location)
    from reconciler.state.objects import ObjectStore

    return ObjectStore.open(location, environ)


def open_state(
    location: str, root: Path, *, environ: Mapping[str, str], now: Callable[[], datetime] = utc_now
) -> StateStore:
    """The state at a location, as `open_store` takes it. `environ` configures object stores (`AWS_*` and so on)."""
    return StateStore(open_store(location, root, environ), now=now)


class StateStore:
    """The recorded sites of a project, one document each. Safe to use for many sites at once."""

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self._now = now

    async def load(self, site: SiteRef) -> RecordedSite:
        """What is recorded of a site; first contact is the empty record. Only reads.

        Raises StateError for a document that is corrupt, of a newer format, or of a site with another id.
        """
        recorded, _ = await self._load(site)
        return recorded

    async def open_journal(self, site: SiteRef, lease: HeldLease | None = None) -> SiteJournal:
        """The record of a site for a run that writes. Nothing is written before the first note.

        With `lease`, no call is begun once that is lost.
        """
        recorded, version = await self._load(site)
        return SiteJournal(self.store, key_of(site.name), site, recorded, version, now=self._now, lease=lease)

    async def names(self) -> tuple[SiteName, ...]:
        """The sites of which something is recorded, sorted."""
        names = [key[len(_FOLDER) : -len(_SUFFIX)] async for key in self.store.keys(_FOLDER) if key.endswith(_SUFFIX)]
        return tuple(SiteName(name) for name in sorted(names) if SITE_NAME.match(name))

    def place(self, name: SiteName) -> str:
        """Where the document of a site is, as messages show it."""
        return self.store.place(key_of(name))

    async def document(self, name: SiteName) -> SiteDocument | None:
        """What is recorded under a name, of whatever site; None where nothing is. Raises StateError."""
        found = await self._read(name)
        return None if found is None else found[0]

    async def _load(self, site: SiteRef) -> tuple[RecordedSite, Version | None]:
        found = await self._read(site.name)
        if found is None:
            return NOTHING_RECORDED, None
        document, version = found
        return document.of(site, self.place(site.name)), version

    async def _read(self, name: SiteName) -> tuple[SiteDocument, Version] | None:
        stored = await self.store.get(key_of(name))
        return None if stored is None else (decode(stored.data, self.place(name)), stored.version)


def key_of(name: SiteName) -> str:
    """The key of a site's document."""
    return f"{_FOLDER}{name}{_SUFFIX}"
