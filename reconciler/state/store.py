"""Store: the small interface behind which folders and object stores keep the state, with conditional writes.

A store keeps bytes under keys such as `sites/janes-pottery.json`; what the bytes mean is left to others.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from enum import Enum
from typing import Final, NewType, Protocol

from msgspec import Struct

from reconciler.state.errors import Conflict, StateError

Version = NewType("Version", str)
"""What one write of a key left behind; only ever compared, by the store that gave it."""


class Any(Enum):
    """The type of ANY: a write that does not care what stood there."""

    ANY = "any"


ANY: Final = Any.ANY


class Stored(Struct, frozen=True):
    """The bytes under a key, and their version."""

    data: bytes
    version: Version


class Store(Protocol):
    """Bytes under keys. Every method may raise a StateError that says where, what, and what to do.

    There is no conditional delete, because object stores have none: what several runs contend for is never
    deleted, it is overwritten with a value that says it is over.
    """

    async def get(self, key: str) -> Stored | None:
        """What stands under a key, None where nothing does."""
        ...

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any) -> Version:
        """Replaces what stands under a key, in one step, and returns once that is durable.

        `expected` is the version that must stand there: None for nothing, ANY for whatever does. Raises
        Conflict where another one does.
        """
        ...

    async def delete(self, key: str) -> None:
        """Removes a key. One that is not there is no error."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys below a folder such as `sites/`, sorted."""
        ...

    def place(self, key: str) -> str:
        """Where a key is kept, as messages show it."""
        ...


_KEY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def check_key(key: str) -> str:
    """The key itself. Raises ValueError for one that could lead out of the store or be hidden in it."""
    if not _KEY.match(key):
        raise ValueError(f"{key!r} is no key")
    return key


async def put_once(store: Store, key: str, data: bytes, *, expected: Version | None) -> Version:
    """`put`, for bytes that nobody else would write: a refusal or an error of a write that took effect is none.

    A write whose answer was lost is sent again by the object store's client and is then refused because of
    itself; what stands there tells.
    """
    try:
        return await store.put(key, data, expected=expected)
    except (Conflict, StateError):
        stored = await store.get(key)
        if stored is not None and stored.data == data and stored.version != expected:
            return stored.version
        raise
