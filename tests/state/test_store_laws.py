"""Every store behaves like a dict with conditional writes."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any as AnyType

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from reconciler.state.errors import Conflict
from reconciler.state.folder import LocalFolder
from reconciler.state.memory import MemoryStore
from reconciler.state.store import ANY, Store, Version

KEYS = ("sites/a.json", "sites/b.json", "sites/a-b.json", "leases/a.json", "runs/1.json")


class StoreMachine(RuleBasedStateMachine):
    """Compares a store with a dict of what was last written, and its version."""

    versions: Bundle[Version] = Bundle("versions")

    def make(self) -> Store:
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        self.store = self.make()
        self.model: dict[str, tuple[bytes, Version]] = {}

    @rule(target=versions, key=st.sampled_from(KEYS), data=st.binary(max_size=20), fits=st.booleans(), old=versions)
    def put_where_something_was(self, key: str, data: bytes, fits: bool, old: Version) -> Version:
        there = self.model.get(key)
        expected = there[1] if fits and there else old
        return self._put(key, data, expected, there is not None and there[1] == expected)

    @rule(target=versions, key=st.sampled_from(KEYS), data=st.binary(max_size=20))
    def put_where_nothing_was(self, key: str, data: bytes) -> Version:
        return self._put(key, data, None, key not in self.model)

    @rule(target=versions, key=st.sampled_from(KEYS), data=st.binary(max_size=20))
    def put_anyway(self, key: str, data: bytes) -> Version:
        return self._put(key, data, ANY, True)

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        asyncio.run(self.store.delete(key))
        self.model.pop(key, None)

    @invariant()
    def holds_what_was_written(self) -> None:
        if hasattr(self, "store"):
            asyncio.run(self._compare())

    def _put(self, key: str, data: bytes, expected: AnyType, fits: bool) -> Version:
        if not fits:
            with pytest.raises(Conflict):
                asyncio.run(self.store.put(key, data, expected=expected))
            return Version("0" * 64)
        version = asyncio.run(self.store.put(key, data, expected=expected))
        self.model[key] = (data, version)
        return version

    async def _compare(self) -> None:
        for key in KEYS:
            stored = await self.store.get(key)
            assert (stored and (stored.data, stored.version)) == self.model.get(key)
        for prefix in ("sites/", "leases/", "runs/", "plans/"):
            assert [key async for key in self.store.keys(prefix)] == sorted(
                key for key in self.model if key.startswith(prefix)
            )


class FolderMachine(StoreMachine):
    def make(self) -> Store:
        self.folder = tempfile.TemporaryDirectory()
        return LocalFolder(Path(self.folder.name) / "state")

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


class MemoryMachine(StoreMachine):
    def make(self) -> Store:
        return MemoryStore()


TestFolder = FolderMachine.TestCase
TestFolder.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("key", ["../a", "/a", "a//b", "a/../b", "", "a/", ".hidden", "a/.b", "a b"])
def test_a_key_stays_in_the_store(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="is not a key"):
        asyncio.run(LocalFolder(tmp_path).put(key, b"", expected=ANY))
