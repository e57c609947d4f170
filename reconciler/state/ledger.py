"""Run ledgers: what each run did and did not, one document a run, the last KEPT of them.

What a ledger says is the caller's; here it is a JSON value. What was published is not here alone: it stands
in the document of its site, where nothing removes it.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Final

from reconciler.model.canonical import Json, freeze, thaw
from reconciler.state.errors import StateError
from reconciler.state.store import Store
from reconciler.state.values import RESTORE, from_bytes, to_bytes

FORMAT_VERSION: Final = 1
KEPT: Final = 200

_FOLDER, _SUFFIX = "runs/", ".json"


class RunLedgers:
    """The ledgers of the last runs over the sites of a project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, ended_at: datetime, ledger: Json) -> str:
        """Writes the ledger of a run that ended, forgets the oldest beyond KEPT, and gives the run's id."""
        run = f"{ended_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
        data = to_bytes({"formatVersion": FORMAT_VERSION, "run": run, "ledger": thaw(ledger)})
        await self._store.put(_key_of(run), data, expected=None)
        try:
            for old in (await self.runs())[KEPT:]:
                await self._store.delete(_key_of(old))
        except StateError:
            pass  # one ledger too many is no reason for a run to fail; the next run tries again
        return run

    async def runs(self) -> tuple[str, ...]:
        """The ids of the runs, the latest first."""
        ids = [key[len(_FOLDER) : -len(_SUFFIX)] async for key in self._store.keys(_FOLDER) if key.endswith(_SUFFIX)]
        return tuple(sorted(ids, reverse=True))

    async def read(self, run: str) -> Json | None:
        """The ledger of a run, None where there is none (any more)."""
        stored = await self._store.get(_key_of(run))
        if stored is None:
            return None
        place = self._store.place(_key_of(run))
        document = from_bytes(stored.data, place=place, version=FORMAT_VERSION, migrations={})
        if "ledger" not in document:
            raise StateError(place, "is corrupt (ledger is missing)", RESTORE)
        return freeze(document["ledger"])


def _key_of(run: str) -> str:
    return f"{_FOLDER}{run}{_SUFFIX}"
