"""Store: the small interface behind which folders and object stores keep the state, with conditional writes.

A store keeps bytes under keys such as `records/3f0c2a9e-....json`, and does not know what they mean.
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from enum import Enum
from typing import Final, NewType, Protocol

from msgspec import Struct

from reconciler.state.errors import Conflict, StateError

Version = NewType("Version", str)
"""The version of what is stored under a key; only compared, and only by the store that returned it."""


class Any(Enum):
    """The type of ANY: a write that does not care what was there."""

    ANY = "any"


ANY: Final = Any.ANY


class Stored(Struct, frozen=True):
    """The bytes under a key, and their version."""

    data: bytes
    version: Version


class Log(Struct, frozen=True):
    """The lines of a log so far, and where the next one goes.

    A line that a crash cut short is not included: it was never durable, and its writer got an error or is gone.
    """

    lines: tuple[bytes, ...] = ()
    end: int = 0


class Store(Protocol):
    """Bytes under keys. Every method may raise a StateError that says where, what, and what to do.

    There is no conditional delete, because object stores have none: what several runs compete for is never deleted; it
    is overwritten with a value that says it is over.
    """

    async def get(self, key: str) -> Stored | None:
        """What is stored under a key; None if nothing is."""
        ...

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        """Replaces what is stored under a key, in one step.

        Returns once the write would survive a power cut, unless it need not be `durable`. `expected` is the version
        that must be stored: None for nothing, ANY for anything. Raises Conflict if another one is.
        """
        ...

    async def put_pieces(self, key: str, pieces: Iterable[bytes], *, expected: Version | None | Any) -> Version:
        """Like `put`, for what may be too long to hold in memory, if the store can write it as it comes."""
        return await self.put(key, b"".join(pieces), expected=expected)

    async def delete(self, key: str) -> None:
        """Removes a key. A missing one is not an error."""
        ...

    def keys(self, prefix: str) -> AsyncIterator[str]:
        """The keys below a folder such as `records/`, sorted."""
        ...

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        """Adds whole lines to a log, in one step, and returns the new end once they would survive a power cut.

        `at` is the end that the log must have, 0 for a log that does not exist yet. Raises Conflict if it has another.
        """
        ...

    async def read_log(self, key: str) -> Log:
        """A log as it is. A missing log has no lines."""
        ...

    async def delete_log(self, key: str) -> None:
        """Removes a log. A missing one is not an error."""
        ...

    def place(self, key: str) -> str:
        """Where a key is kept, as messages show it."""
        ...


_PROCESS: Final = secrets.token_hex(8)
_written = itertools.count(1)


def fresh() -> str:
    """A string unique to this write, across threads and processes (a forked process has another id)."""
    return f"{_PROCESS}-{os.getpid():x}-{next(_written):x}"


_KEY = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]*/)*[A-Za-z0-9][A-Za-z0-9._-]*\Z")


def check_key(key: str) -> str:
    """Returns the key. Raises ValueError if it could lead out of the store or be hidden in it."""
    if not _KEY.match(key):
        raise ValueError(f"{key!r} is not a key")
    return key


async def put_once(store: Store, key: str, data: bytes, *, expected: Version | None, durable: bool = True) -> Version:
    """`put`, for bytes that no other write has ever had or will have.

    A refusal or an error does not count if the write took effect.

    If the answer to a write is lost, the object store's client sends the write again, and that is refused because the
    first attempt took effect; what is stored shows it. That is why every document carries something random of its own:
    equal bytes of an earlier write must not pass for this one.
    """
    try:
        return await store.put(key, data, expected=expected, durable=durable)
    except (Conflict, StateError):
        stored = await store.get(key)
        if stored is not None and stored.data == data and stored.version != expected:
            return stored.version
        raise


async def append_once(store: Store, key: str, data: bytes, *, at: int) -> int:
    """Like `put_once`, for `append`: an error does not count if the lines were added. Only one run writes to a log."""
    try:
        return await store.append(key, data, at=at)
    except (Conflict, StateError):
        log = await store.read_log(key)
        if log.end > at and b"".join(log.lines).endswith(data):
            return log.end
        raise
