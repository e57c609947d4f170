"""Spent plans: a saved plan is applied once, also when two runs start with it at the same moment.

The key is the seal of one saved plan, a text that no other plan file has. It is not the plan's digest: a
plan that is made again later from the same facts has the same digest, and may be applied again.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from reconciler.state.errors import Conflict, StateError
from reconciler.state.store import Store, put_once
from reconciler.state.values import RESTORE, Malformed, Members, from_bytes, time_text, to_bytes

FORMAT_VERSION: Final = 1


class AlreadySpent(Exception):
    """A saved plan that was applied before, and when that began."""

    def __init__(self, seal: str, when: datetime) -> None:
        super().__init__(f"this saved plan was applied before, on {time_text(when)}; make a new one")
        self.seal = seal
        self.when = when


class SpentPlans:
    """Which saved plans were applied. One small document each, written once and never changed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def spent_at(self, seal: str) -> datetime | None:
        """When the apply of a saved plan began, None if none did."""
        key = _key_of(seal)
        stored = await self._store.get(key)
        if stored is None:
            return None
        place = self._store.place(key)
        members = Members(from_bytes(stored.data, place=place, version=FORMAT_VERSION, migrations={}))
        try:
            members.take("seal", str)
            members.take("token", str)
            when = members.instant("spentAt")
            members.end()
        except Malformed as error:
            raise StateError(place, f"is corrupt ({error})", RESTORE) from None
        return when

    async def mark_spent(self, seal: str, when: datetime) -> None:
        """Notes that the apply of a saved plan begins. Of several at once, one returns.

        Raises AlreadySpent in all others.
        """
        key = _key_of(seal)
        token = secrets.token_hex(8)  # tells our write from another's of the same moment
        data = to_bytes({"formatVersion": FORMAT_VERSION, "seal": seal, "spentAt": time_text(when), "token": token})
        try:
            await put_once(self._store, key, data, expected=None)
        except Conflict:
            raise AlreadySpent(seal, await self.spent_at(seal) or when) from None


def _key_of(seal: str) -> str:
    """A key for any text. A seal comes out of a file that anyone may have written."""
    return f"plans/{hashlib.sha256(seal.encode('utf-8', 'surrogatepass')).hexdigest()}.json"
