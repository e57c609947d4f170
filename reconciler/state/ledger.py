"""Run ledgers: what each run did and did not do, one document for each of the last KEPT runs.

While a run on workers goes on, the parts that have ended have documents of their own, so that nothing is missing if
the run is killed; at its end, the run's document replaces them. The caller decides what a ledger says; here it is a
JSON value. What was published is not only here: it is also in the record of its site, from which no run removes it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeAlias

from reconciler.model.canonical import Json, freeze
from reconciler.model.codec import from_plain, laid_out
from reconciler.model.frozen import Struct
from reconciler.state.documents import FORMAT_VERSION, from_bytes, to_bytes
from reconciler.state.errors import Conflict, StateError
from reconciler.state.old_outcomes import ledger_of
from reconciler.state.store import ANY, Store

KEPT: Final = 200

_FOLDER, _SUFFIX = "runs/", ".json"

_PART: Final = re.compile(r"-part-[0-9]+$")


class RunDocument(Struct, frozen=True):
    """The ledger of one run."""

    run: str
    ledger: Json
    format_version: Literal[2] = FORMAT_VERSION


class OfSites(Struct, frozen=True):
    """A ledger of many sites: an object, and the sites' own ledgers as JSON, which become its `sites`, in order."""

    run: dict[str, Any]
    sites: Callable[[], Iterable[bytes]]


StoredLedger: TypeAlias = Json | OfSites


class RunLedgers:
    """The ledgers of the last runs over the sites of a project."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, ended_at: datetime, ledger: StoredLedger, run: str = "", *, in_parts: bool = False) -> str:
        """Writes the ledger of a run that ended, deletes the oldest ones beyond KEPT, and returns the ledger's id.

        The id ends in the name of the run, which also identifies the run's locks. With `in_parts`, the ledgers of its
        parts are removed.
        """
        at, name = f"{ended_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}", run or secrets.token_hex(4)
        run = f"{at}-{name}"
        try:
            await self._store.put_pieces(_key_of(run), _text(run, ledger), expected=None)
        except Conflict:  # one process may apply twice, and a sandbox's clock may stand still in between
            run = f"{at}-{secrets.token_hex(4)}-{name}"
            await self._store.put_pieces(_key_of(run), _text(run, ledger), expected=None)
        try:
            if in_parts:
                await self._forget_parts(name)
            await self._forget_oldest(run)
        except StateError:
            pass  # one ledger too many is not a reason for a run to fail; the next run tries again
        return run

    async def write_part(self, run: str, part: int, ledger: StoredLedger) -> None:
        """Writes the ledger of a part that ended, replacing that of an earlier attempt. Raises StateError.

        `run` is what `part_results.name_of_run` returns: when the run began, and its name as in `write`.
        """
        id = f"{run}-part-{part}"
        await self._store.put_pieces(_key_of(id), _text(id, ledger), expected=ANY)

    async def _forget_parts(self, run: str) -> None:
        for id in await self.runs():
            if (whole := _PART.sub("", id)) != id and whole.endswith(f"-{run}"):
                await self._store.delete(_key_of(id))

    async def _forget_oldest(self, written: str) -> None:
        """Deletes the oldest ledgers beyond KEPT, but not the one just `written`, whatever the clock said."""
        ids = await self.runs()
        kept = {*list(dict.fromkeys(_PART.sub("", id) for id in ids))[:KEPT], written}
        for id in ids:
            if _PART.sub("", id) not in kept:
                await self._store.delete(_key_of(id))

    async def runs(self) -> tuple[str, ...]:
        """The ids of the ledgers, latest first."""
        ids = [key[len(_FOLDER) : -len(_SUFFIX)] async for key in self._store.keys(_FOLDER) if key.endswith(_SUFFIX)]
        return tuple(sorted(ids, reverse=True))

    async def read(self, run: str) -> Json | None:
        """The ledger of a run; None if it never had one, or no longer has it."""
        stored = await self._store.get(_key_of(run))
        if stored is None:
            return None
        document = from_bytes(RunDocument, stored.data, self._store.place(_key_of(run)), upgrade=_first)
        return ledger_of(document.ledger)


_NO_SITES: Final = b'"sites": []'


def _text(id: str, ledger: StoredLedger) -> Iterator[bytes]:
    """The text of a ledger, as `to_bytes` makes it; but site by site, because there may be many thousands."""
    if not isinstance(ledger, OfSites):
        yield to_bytes(RunDocument(id, ledger))
        return
    whole = to_bytes(RunDocument(id, freeze({**ledger.run, "sites": []})))
    head, _, tail = whole.rpartition(_NO_SITES)
    between = b"\n   "
    yield head + b'"sites": ['
    for site in ledger.sites():
        yield between + laid_out(site).rstrip().replace(b"\n", b"\n   ")
        between = b",\n   "
    yield (b"]" if between == b"\n   " else b"\n  ]") + tail


def _first(document: dict[str, Any]) -> RunDocument:
    return from_plain(RunDocument, {**document, "formatVersion": FORMAT_VERSION})


def _key_of(run: str) -> str:
    return f"{_FOLDER}{run}{_SUFFIX}"
