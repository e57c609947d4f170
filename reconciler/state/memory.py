"""MemoryStore: a store that lasts as long as its process, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from reconciler.state.errors import Conflict
from reconciler.state.store import Any, Stored, Version, check_key


class MemoryStore:
    """Keeps each key in a dict. A version is the number of its write."""

    def __init__(self) -> None:
        self._kept: dict[str, Stored] = {}
        self.writes = 0

    def place(self, key: str) -> str:
        return f"memory:{key}"

    async def get(self, key: str) -> Stored | None:
        return self._kept.get(check_key(key))

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any) -> Version:
        there = self._kept.get(check_key(key))
        if not isinstance(expected, Any) and (there and there.version) != expected:
            raise Conflict(key)
        self.writes += 1
        version = Version(str(self.writes))
        self._kept[key] = Stored(data, version)
        return version

    async def delete(self, key: str) -> None:
        self._kept.pop(check_key(key), None)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self._kept):
            if key.startswith(prefix):
                yield key
