"""PartResults: the results of sites in a run with workers, stored where the run and all its workers can find them.

A result is stored here before its site's lease is released, so that whoever gets the lease next knows whether the work
was done. The caller decides what a result says; here, it is bytes. The run removes them once it has written its ledger.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from reconciler.state.errors import Conflict
from reconciler.state.record import checked_id
from reconciler.state.store import ANY, Store, fresh, put_once

FOLDER: Final = "parts/"

BEGUN: Final = "begun/"
"""Notes of the sites that were begun; stored separately, because the results are listed again and again."""

FORGOTTEN: Final = timedelta(days=7)
"""The age at which results that no run fetched are removed: the run was killed, and so were its workers."""

_TIME: Final = "%Y%m%dT%H%M%SZ"


class Stop(StrEnum):
    """What the workers of a run are asked to do."""

    NO = ""
    SOON = "soon"
    """Stop after the calls in flight."""
    NOW = "now"


class PartResults:
    """The results of one run's sites, and whether its workers are to stop."""

    def __init__(self, store: Store, run: str) -> None:
        self._store = store
        self._run = run
        self._prefix = f"{FOLDER}{run}-"

    async def keep(self, id: str, data: bytes) -> None:
        """Stores the result of a site. Raises StateError."""
        await self._store.put(self._key(id), data, expected=ANY, durable=False)

    async def get(self, id: str) -> bytes | None:
        """The result of a site; None until it is known. Raises StateError."""
        stored = await self._store.get(self._key(id))
        return stored.data if stored is not None else None

    async def ids(self) -> list[str]:
        """The sites whose results are here. Raises StateError."""
        keys = [key async for key in self._store.keys(FOLDER) if key.startswith(self._prefix)]
        return [key.removeprefix(self._prefix).removesuffix(".json") for key in keys if key.endswith(".json")]

    async def begin(self, part: int) -> bool:
        """Records that an attempt at a part begins, and returns whether it is the first. Raises StateError.

        By the time this returns False, `is_repeated` is true for every attempt at the part.
        """
        if await self._begin(f"{self._prefix}{part}"):
            return True
        await self._store.put(f"{self._prefix}{part}-again", fresh().encode(), expected=ANY, durable=False)
        return False

    async def is_repeated(self, part: int) -> bool:
        """Whether there is more than one attempt at a part. Raises StateError."""
        return await self._store.get(f"{self._prefix}{part}-again") is not None

    async def begin_site(self, id: str) -> bool:
        """Like `begin`, but for a site, under its lease. Raises StateError."""
        return await self._begin(f"{BEGUN}{self._run}-{checked_id(id)}")

    async def _begin(self, key: str) -> bool:
        try:
            await put_once(self._store, key, fresh().encode(), expected=None, durable=False)
        except Conflict:
            return False
        return True

    async def report(self, part: int, data: bytes) -> None:
        """Stores what has been reported so far about the sites of a part in progress. Raises StateError."""
        await self._store.put(f"{self._prefix}{part}-so-far", data, expected=ANY, durable=False)

    async def so_far(self, part: int) -> bytes | None:
        """What has been reported so far; None if nothing has. Raises StateError."""
        stored = await self._store.get(f"{self._prefix}{part}-so-far")
        return stored.data if stored is not None else None

    async def ask(self, stop: Stop) -> None:
        """Asks the workers to continue or to stop, which also shows that their run is alive. Raises StateError."""
        await self._store.put(f"{self._prefix}run", f"{stop} {fresh()}".encode(), expected=ANY, durable=False)

    async def asked(self) -> tuple[Stop, str]:
        """What the workers were asked to do, with a text that differs for each `ask`. Raises StateError."""
        stored = await self._store.get(f"{self._prefix}run")
        stop, _, once = (stored.data.decode() if stored is not None else "").partition(" ")
        return Stop(stop), once

    async def is_awaited(self) -> bool:
        """Whether the run has not ended cleanly yet: if it had, it would have removed these. Raises StateError."""
        return await self._store.get(f"{self._prefix}run") is not None

    async def clear(self, now: datetime) -> None:
        """Removes the results of this run, and abandoned ones. Raises StateError."""
        old = f"{(now - FORGOTTEN).astimezone(UTC):{_TIME}}"
        for folder in (FOLDER, BEGUN):
            for key in [key async for key in self._store.keys(folder)]:
                if key.startswith(f"{folder}{self._run}-") or key < folder + old:
                    await self._store.delete(key)

    def _key(self, id: str) -> str:
        return f"{self._prefix}{checked_id(id)}.json"


def name_of_run(now: datetime, run: str) -> str:
    """The name of a run's results; they sort by when the run began."""
    return f"{now.astimezone(UTC):{_TIME}}-{run}"
