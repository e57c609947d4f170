"""Spent plans: a saved plan is applied only once, even if two runs start with it at the same moment.

The key is the seal of one saved plan, which no other plan file has. It is not the plan's digest: a plan that is made
again later from the same facts has the same digest, and may be applied.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any, Literal

from msgspec import field

from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.codec import from_plain
from reconciler.model.frozen import Instant, Struct
from reconciler.model.moments import moment_text
from reconciler.state.documents import FORMAT_VERSION, from_bytes, to_bytes
from reconciler.state.errors import Conflict
from reconciler.state.store import Store, put_once


class AlreadySpent(Exception):
    """The saved plan, or the shard of it that was asked for, was applied before; says when that began."""

    def __init__(self, seal: str, when: datetime) -> None:
        super().__init__(f"this saved plan was applied before, on {moment_text(when, 'UTC')}; make a new one")
        self.seal = seal
        self.when = when


class PlanUse(Struct, frozen=True):
    """When a saved plan was first applied; and if in shards, how many there are and which of them are left to apply."""

    begun_at: datetime
    shards: int = 1
    left: tuple[int, ...] = ()


class SpentDocument(Struct, frozen=True):
    """Says that a saved plan was applied.

    `token` distinguishes this run's write from another run's at the same moment.
    """

    seal: str
    spent_at: Instant
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    parts: int | Absent = ABSENT
    """In how many parts it is applied; left out if it was applied as a whole."""
    format_version: Literal[2] = FORMAT_VERSION


class PartDocument(Struct, frozen=True):
    """Says that a part of a saved plan was begun, and when it ended."""

    begun_at: Instant
    ended_at: Instant | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    format_version: Literal[2] = FORMAT_VERSION


class SpentPlans:
    """Which saved plans were applied.

    One small document per plan, written once and never changed; and one per part of a plan applied in parts.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def use_of(self, seal: str) -> PlanUse | None:
        """When a saved plan was applied, and what of it is left; None if it never was."""
        if (spent := await self._spent(seal)) is None:
            return None
        if isinstance(spent.parts, Absent):
            return PlanUse(spent.spent_at)
        found = [(number, await self._part(seal, number)) for number in range(1, spent.parts + 1)]
        left = tuple(number for number, part in found if part is None or part.ended_at is None)
        return PlanUse(spent.spent_at, spent.parts, left)

    async def _spent(self, seal: str) -> SpentDocument | None:
        key = _key_of(seal)
        if (stored := await self._store.get(key)) is None:
            return None
        return from_bytes(SpentDocument, stored.data, self._store.place(key), upgrade=_first)

    async def _part(self, seal: str, number: int) -> PartDocument | None:
        key = _key_of(seal, number)
        stored = await self._store.get(key)
        return None if stored is None else from_bytes(PartDocument, stored.data, self._store.place(key))

    async def mark_spent(self, seal: str, when: datetime) -> None:
        """Records that a saved plan is being applied. If several runs begin at once, this returns in only one of them.

        Raises AlreadySpent in all the others.
        """
        key = _key_of(seal)
        data = to_bytes(SpentDocument(seal, when))
        try:
            await put_once(self._store, key, data, expected=None)
        except Conflict:
            spent = await self._spent(seal)
            raise AlreadySpent(seal, when if spent is None else spent.spent_at) from None

    async def was_begun(self, seal: str, number: int, count: int) -> bool:
        """Whether a part was begun before and did not end, so that it may begin again.

        Raises AlreadySpent if the part ended, or if the plan was applied as a whole or in a different number of parts.
        """
        if (spent := await self._spent(seal)) is None:
            return False
        if spent.parts != count:
            raise AlreadySpent(seal, spent.spent_at)
        if (part := await self._part(seal, number)) is None:
            return False
        if part.ended_at is not None:
            raise AlreadySpent(seal, part.ended_at)
        return True

    async def begin_part(self, seal: str, number: int, count: int, when: datetime) -> None:
        """Records that a part is being applied, perhaps again. Raises AlreadySpent as `was_begun` does."""
        try:
            await put_once(self._store, _key_of(seal), to_bytes(SpentDocument(seal, when, parts=count)), expected=None)
        except Conflict:
            pass  # another part was first
        if not await self.was_begun(seal, number, count):
            try:
                await put_once(self._store, _key_of(seal, number), to_bytes(PartDocument(when)), expected=None)
            except Conflict:
                raise AlreadySpent(seal, when) from None  # another run has just begun the part

    async def end_part(self, seal: str, number: int, when: datetime) -> None:
        """Records that a part was carried out to its end, so that it is not applied again."""
        key = _key_of(seal, number)
        stored = await self._store.get(key)
        part = from_bytes(PartDocument, stored.data, self._store.place(key)) if stored else PartDocument(when)
        data = to_bytes(PartDocument(part.begun_at, when))
        try:
            await put_once(self._store, key, data, expected=stored.version if stored else None)
        except Conflict:
            pass  # another attempt at the part has just ended


def _first(document: dict[str, Any]) -> SpentDocument:
    return from_plain(SpentDocument, {**document, "formatVersion": FORMAT_VERSION}, exact=False)


def _key_of(seal: str, part: int | None = None) -> str:
    """A key for any text. A seal comes from a file that anyone may have written."""
    name = hashlib.sha256(seal.encode("utf-8", "surrogatepass")).hexdigest()
    return f"plans/{name}.json" if part is None else f"plans/{name}-{part}.json"
