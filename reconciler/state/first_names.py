"""FirstRecords: what the first version recorded, one document per site under its name.

If a site has no record under its id yet, all of these are searched for its id, once per run: a site may have been
renamed since, and then there may be two. A record that is migrated leaves a note that stops the first version.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from reconciler.model.address import SITE_NAME, SiteName
from reconciler.model.notes import Scheduled
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.state.documents import to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.record import MovedRecord, SiteLabel, SiteRecord, decode_first, key_of
from reconciler.state.store import ANY, Store, Version

FOLDER, SUFFIX = "sites/", ".json"

ALL_MOVED: Final = "records-by-name-moved"
"""A key that says that nothing is left to search."""


def key_of_name(name: str) -> str:
    """Where the first version kept the record of a site."""
    return f"{FOLDER}{name}{SUFFIX}"


class FirstRecords:
    """The documents of version 1 in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, list[SiteName]] | None = None
        self._unreadable: dict[SiteName, StateError] = {}
        self._looking = asyncio.Lock()

    async def names(self, id: str) -> tuple[SiteName, ...]:
        """The names under which the first version recorded something about a site; sorted."""
        return tuple((await self._index()).get(id.lower(), ()))

    async def labels(self) -> tuple[SiteLabel, ...]:
        """All sites recorded only in this way, without a record under their id."""
        return tuple(SiteLabel(id, names[0]) for id, names in sorted((await self._index()).items()))

    async def record(self, site: SiteRef) -> SiteRecord | None:
        """What was recorded about a site under all its names; None if nothing was.

        Raises StateError if the record under its present name cannot be read.
        """
        names = await self.names(site.id)
        if site.name in self._unreadable:
            raise self._unreadable[site.name]
        records = [record for name in names if isinstance(record := (await self._read(name))[0], SiteRecord)]
        if not records:
            return None
        # The record under its present name is the latest; the others add what must not be forgotten.
        records.sort(key=lambda record: (record.site.name == site.name, _last_activity(record.recorded)))
        recorded = records[-1].recorded
        for earlier in reversed(records[:-1]):
            recorded = _with_memory_of(recorded, earlier.recorded)
        return replace(records[-1], recorded=recorded)

    async def retire(self, id: str) -> None:
        """Leaves a note in place of a record that was migrated or is to be forgotten."""
        moved = to_bytes(MovedRecord(key_of(id)))
        for name in await self.names(id):
            record, version = await self._read(name)
            if isinstance(record, SiteRecord):
                try:
                    await self._store.put(key_of_name(name), moved, expected=version)
                except Conflict:
                    raise StateError(
                        self._store.place(key_of_name(name)),
                        "was changed by a run of an older version in the meantime",
                        "make sure that no such run is left, then run again",
                    ) from None
        if self._names is not None:
            self._names.pop(id.lower(), None)
            if not self._names:
                await self._store.put(ALL_MOVED, b"", expected=ANY, durable=False)

    async def _index(self) -> dict[str, list[SiteName]]:
        async with self._looking:
            if self._names is None:
                found: dict[str, list[SiteName]] = {}
                names = [name async for key in self._store.keys(FOLDER) if (name := _name_of(key)) is not None]
                if names and await self._store.get(ALL_MOVED) is not None:
                    names = []
                for name in names:
                    try:
                        record, _ = await self._read(name)
                    except StateError as error:
                        self._unreadable[name] = error  # it stops only the site with that name
                        continue
                    if isinstance(record, SiteRecord):
                        found.setdefault(record.site.id, []).append(name)
                self._names = found
        return self._names

    async def _read(self, name: SiteName) -> tuple[SiteRecord | MovedRecord | None, Version | None]:
        stored = await self._store.get(key_of_name(name))
        if stored is None:
            return None, None
        return decode_first(stored.data, self._store.place(key_of_name(name))), stored.version


def _name_of(key: str) -> SiteName | None:
    name = key.removeprefix(FOLDER).removesuffix(SUFFIX)
    return SiteName(name) if key == key_of_name(name) and SITE_NAME.match(name) else None


def _last_activity(recorded: RecordedSite) -> datetime:
    moments = [post.done_at for post in recorded.published] + [entry.started_at for entry in recorded.open]
    return max(moments, default=datetime.min.replace(tzinfo=UTC))


def _with_memory_of(recorded: RecordedSite, earlier: RecordedSite) -> RecordedSite:
    """Adds what another name of the same site has, if forgetting it would cause something to be done twice."""
    both = earlier
    for post in recorded.published:
        both = Scheduled(post).onto(both)
    open_ids = {entry.id for entry in recorded.open}
    return replace(
        recorded,
        published=both.published,
        consumed=(*(each for each in earlier.consumed if each not in recorded.consumed), *recorded.consumed),
        open=(*(entry for entry in earlier.open if entry.id not in open_ids), *recorded.open),
        event_ids=tuple(sorted(dict((*earlier.event_ids, *recorded.event_ids)).items())),
        foreign_calendars=earlier.foreign_calendars | recorded.foreign_calendars,
        foreign_events=earlier.foreign_events | recorded.foreign_events,
    )
