"""StateStore: what is remembered about the sites of a project, in the place that `state` or `--state` names.

Opening it reads nothing and creates nothing; a place that does not exist yet means a project without a past. A record
is stored under its site's id: a renamed site keeps its record, and a name that moves to another site does not take the
record along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.address import SiteName
from reconciler.model.sites import NOTHING_RECORDED, RecordedSite, SiteRef
from reconciler.state.documents import RESTORE, to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.first_names import FirstRecords, key_of_name
from reconciler.state.folder import LocalFolder
from reconciler.state.journal import HeldLease, SiteJournal, log_of, replayed
from reconciler.state.record import FOLDER, SiteLabel, SiteRecord, checked_id, decode, id_of, key_of
from reconciler.state.store import Store, Version, put_once


def open_store(location: str, root: Path, environ: Mapping[str, str]) -> Store:
    """The store at a location: a folder, relative to `root`, or the URL of an object store with a prefix.

    Raises UsageError for a location that is neither, and if the extra for object stores is not installed.
    """
    if "://" not in location:
        return LocalFolder(root / location)
    from reconciler.state.objects import ObjectStore

    return ObjectStore.open(location, environ)


def open_state(
    location: str, root: Path, *, environ: Mapping[str, str], now: Callable[[], datetime], where: str = ""
) -> StateStore:
    """The state at a location, as `open_store` takes it. `environ` configures object stores (`AWS_*` and so on)."""
    return StateStore(open_store(location, root, environ), now=now, where=where)


class _Found(Struct, frozen=True):
    """A record with all its notes, and the version of its snapshot; None if the site has none under its id yet."""

    record: SiteRecord
    version: Version | None


class StateStore:
    """The recorded sites of a project, one record each. Safe to use for many sites at once.

    `where` is what to append to a `reconciler state` command so that it finds this state.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime], where: str = "") -> None:
        self.where = where
        self.store = store
        self.first = FirstRecords(store)
        self._now = now
        self._old_names: dict[str, SiteName] = {}

    async def load(self, site: SiteRef) -> RecordedSite:
        """What is recorded about a site; an empty record for a site never seen before. Only reads.

        Raises StateError for a record that is corrupt or of a newer format.
        """
        found = await self._find(site)
        if found is None:
            return NOTHING_RECORDED
        if found.record.site.name != site.name:
            self._old_names[checked_id(site.id)] = found.record.site.name
        return found.record.recorded

    def old_name(self, site: SiteRef) -> SiteName | None:
        """The other name that a loaded site's record has for it, until a run that writes corrects it."""
        return self._old_names.get(checked_id(site.id))

    async def record(self, site: SiteRef) -> SiteRecord | None:
        """Like `load`, with the stored name; None if nothing is recorded."""
        found = await self._find(site)
        return found.record if found else None

    async def open_journal(self, site: SiteRef, lease: HeldLease | None = None) -> SiteJournal:
        """The record of a site for a run that writes, as it is now. Raises StateError.

        What a killed run left is first made into one snapshot, so that late writes by the killed run are not mistaken
        for this run's; and a record of version 1 is converted. With `lease`, no call begins once that is lost.
        """
        found = await self._find(site)
        record, version = (found.record, found.version) if found else (None, None)
        journal = SiteJournal(self.store, site, record, version, now=self._now, lease=lease)
        first = record is not None and version is None
        left = record is not None and record.continued
        if first or left or (lease is not None and lease.taken_over is not None):
            await journal.fold()
        if first:
            await self.first.retire(site.id)
        if record is not None and left:
            await self.store.delete_log(log_of(record))
        return journal

    async def labels(self) -> tuple[SiteLabel, ...]:
        """The sites that have a record, by id, with their last known names; sorted.

        A site whose record cannot be read is left out. Reads every record.
        """
        labels = {label.id: label for label in await self.first.labels()}
        for id in await self.ids():
            try:
                found = await self._read(id)
            except StateError:
                continue
            if found is not None:
                labels[id] = found.record.site
        return tuple(labels[id] for id in sorted(labels))

    async def ids(self) -> tuple[str, ...]:
        """The ids under which something is recorded, sorted. Anything else found there is skipped."""
        return tuple(sorted([id async for key in self.store.keys(FOLDER) if (id := id_of(key)) is not None]))

    def place(self, id: str) -> str:
        """Where the record of a site is, as messages show it."""
        return self.store.place(key_of(id))

    async def found_in(self, site: SiteRef) -> str:
        """Where the record of a site is now: under its id, or still as the first version wrote it, under its names."""
        if await self.store.get(key_of(site.id)) is None and (names := await self.first.names(site.id)):
            return ", ".join(self.store.place(key_of_name(name)) for name in names)
        return self.place(site.id)

    async def move(self, old: SiteRef, new: str) -> None:
        """Moves the record of one id to another. Raises StateError if there is none, or the other has one already.

        The caller holds both sites.
        """
        found = await self._find(old)
        if found is None:
            raise StateError(
                self.place(old.id), "does not exist", f"see `reconciler state list{self.where}` for what is recorded"
            )
        if await self._find(replace(old, id=new)) is not None:
            raise StateError(
                self.place(new),
                "is already recorded",
                f"to remove that record first: reconciler state forget {new}{self.where}",
            )
        record = SiteRecord(SiteLabel(checked_id(new), found.record.site.name), found.record.recorded)
        try:
            await put_once(self.store, key_of(new), to_bytes(record), expected=None)
        except Conflict:
            raise StateError(
                self.place(new), "was recorded in the meantime", "see what it is, then try again"
            ) from None
        await self.forget(old.id)

    async def forget(self, id: str) -> None:
        """Removes everything recorded about a site. The site itself is not touched. The caller holds it."""
        found = await self._read(id)
        await self.first.retire(id)
        await self.store.delete(key_of(id))
        if found is not None:
            await self.store.delete_log(log_of(found.record))

    async def _find(self, site: SiteRef) -> _Found | None:
        found = await self._read(site.id)
        if found is not None:
            return found
        first = await self.first.record(site)
        return None if first is None else _Found(first, None)

    async def _read(self, id: str) -> _Found | None:
        key = key_of(id)
        while True:
            stored = await self.store.get(key)
            if stored is None:
                return None
            record = decode(stored.data, self.store.place(key))
            if checked_id(record.site.id) != checked_id(id):
                what = f"is the record of another site, {record.site.name} ({record.site.id})"
                raise StateError(self.store.place(key), what, RESTORE)
            if not record.continued:
                return _Found(record, stored.version)
            log = await self.store.read_log(log_of(record))
            again = await self.store.get(key)
            # A run that ends meanwhile replaces the snapshot and removes the log: the two may not belong together.
            if again is not None and again.version == stored.version:
                recorded = replayed(record, log, self.store.place(log_of(record)))
                return _Found(replace(record, recorded=recorded), stored.version)
