"""Access tokens of apps: each fetched once, kept until shortly before it expires, and dropped when it is refused."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime
from typing import Final

from msgspec import Struct, field

from reconciler.model.secret import Secret

KEPT: Final = 512
"""How many tokens are kept: a run may have ten thousand sites, but needs those of only a few at a time."""

MARGIN: Final = 300.0
"""A token is renewed this many seconds before it expires, or a tenth of its lifetime if that is less."""


class Token(Struct, frozen=True):
    """A token, and its lifetime in seconds, counted from when it was requested (D 2.2: 14400)."""

    value: Secret
    lifetime: float


class _Slot(Struct):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Secret | None = None
    renew_at: float = 0.0


class TokenCache:
    """The tokens of a run, by whatever distinguishes them."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    async def token(self, key: Hashable, fetch: Callable[[], Awaitable[Token]]) -> Secret:
        """The token for a key. If there is none, `fetch` is called, once for everyone who asks at the same time."""
        slot = self._slots.setdefault(key, _Slot())
        self._slots.move_to_end(key)
        while len(self._slots) > KEPT:
            self._slots.popitem(last=False)
        async with slot.lock:
            asked_at = self._now().timestamp()
            if slot.token is None or asked_at >= slot.renew_at:
                fetched = await fetch()
                slot.token = fetched.value
                slot.renew_at = asked_at + fetched.lifetime - min(MARGIN, fetched.lifetime / 10)
            return slot.token

    def reject(self, key: Hashable, refused: Secret) -> None:
        """Forgets a token that was refused, unless another one has replaced it meanwhile."""
        slot = self._slots.get(key)
        if slot is not None and slot.token == refused:
            slot.token = None
