"""Run ledgers: what each run did and did not do, one document per run, the last KEPT of them.

The caller decides what a ledger says; here it is a JSON value. What was published is not only here: it is
also in the record of its site, where nothing removes it.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any, Final, Literal

from msgspec import Raw

from reconciler.model.canonical import Json
from reconciler.model.codec import from_plain
from reconciler.model.frozen import Struct
from reconciler.state.documents import FORMAT_VERSION, from_bytes, to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.store import Store

KEPT: Final = 200

_FOLDER, _SUFFIX = "runs/", ".json"


class RunDocument(Struct, frozen=True):
    """The ledger of one run."""

    run: str
    ledger: Json
    format_version: Literal[2] = FORMAT_VERSION


class RunLedgers:
    """The ledgers of the last runs over the sites of a project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, ended_at: datetime, ledger: Json | bytes, run: str = "") -> str:
        """Writes the ledger of a run that ended, forgets the oldest beyond KEPT, and gives the ledger's id.

        `ledger` is a JSON value, or its text for ledgers of many sites. The id ends in the name of the run, by
        which the locks of the run were known.
        """
        written: Any = Raw(ledger) if isinstance(ledger, bytes) else ledger
        at, name = f"{ended_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}", run or secrets.token_hex(4)
        run = f"{at}-{name}"
        try:
            await self._store.put(_key_of(run), to_bytes(RunDocument(run, written)), expected=None)
        except Conflict:  # one process may apply twice, and a sandbox's clock may stand still in between
            run = f"{at}-{secrets.token_hex(4)}-{name}"
            await self._store.put(_key_of(run), to_bytes(RunDocument(run, written)), expected=None)
        try:
            for old in (await self.runs())[KEPT:]:
                await self._store.delete(_key_of(old))
        except StateError:
            pass  # one ledger too many is not a reason for a run to fail; the next run tries again
        return run

    async def runs(self) -> tuple[str, ...]:
        """The ids of the runs, latest first."""
        ids = [key[len(_FOLDER) : -len(_SUFFIX)] async for key in self._store.keys(_FOLDER) if key.endswith(_SUFFIX)]
        return tuple(sorted(ids, reverse=True))

    async def read(self, run: str) -> Json | None:
        """The ledger of a run; None if it has none, or none any more."""
        stored = await self._store.get(_key_of(run))
        if stored is None:
            return None
        return from_bytes(RunDocument, stored.data, self._store.place(_key_of(run)), upgrade=_first).ledger


def _first(document: dict[str, Any]) -> RunDocument:
    return from_plain(RunDocument, {**document, "formatVersion": FORMAT_VERSION})


def _key_of(run: str) -> str:
    return f"{_FOLDER}{run}{_SUFFIX}"
