"""MemoryStore: a store that lasts as long as its process, for rehearsals and tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from reconciler.state.errors import Conflict
from reconciler.state.store import Any, Log, Store, Stored, Version, check_key


class MemoryStore(Store):
    """Keeps each key in a dict. A version is the number of its write."""

    def __init__(self) -> None:
        self._kept: dict[str, Stored] = {}
        self._logs: dict[str, bytes] = {}
        self.writes = 0
        """The number of writes, appended lines included."""
        self.written = 0
        """The bytes written."""

    def place(self, key: str) -> str:
        return f"memory:{key}"

    async def get(self, key: str) -> Stored | None:
        return self._kept.get(check_key(key))

    async def put(
        self,
        key: str,
        data: bytes,
        *,
        expected: Version | None | Any,
        durable: bool = True,  # noqa: ARG002 - nothing here is durable
    ) -> Version:
        there = self._kept.get(check_key(key))
        if not isinstance(expected, Any) and (there and there.version) != expected:
            raise Conflict(key)
        self._count(data)
        version = Version(str(self.writes))
        self._kept[key] = Stored(data, version)
        return version

    async def delete(self, key: str) -> None:
        self._kept.pop(check_key(key), None)

    async def keys(self, prefix: str) -> AsyncIterator[str]:
        for key in sorted(self._kept):
            if key.startswith(prefix):
                yield key

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        there = self._logs.get(check_key(key), b"")
        if len(there) != at:
            raise Conflict(key)
        self._count(data)
        self._logs[key] = there + data
        return at + len(data)

    async def read_log(self, key: str) -> Log:
        data = self._logs.get(check_key(key), b"")
        return Log(tuple(data.splitlines(keepends=True)), len(data))

    async def delete_log(self, key: str) -> None:
        self._logs.pop(check_key(key), None)

    def _count(self, data: bytes) -> None:
        self.writes += 1
        self.written += len(data)
