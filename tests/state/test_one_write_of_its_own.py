"""A write that got an error counts as done only if its bytes are stored now and were not stored before."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.state.errors import Conflict, StateError
from reconciler.state.memory import MemoryStore
from reconciler.state.store import Any, Version, put_once

KEY = "sites/shop.json"


class LosesAnswers(MemoryStore):
    """Once `lost` is set: does the write or not, and reports a failure either way."""

    def __init__(self, *, does_it: bool) -> None:
        super().__init__()
        self.does_it = does_it
        self.lost = False

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        if not self.lost:
            return await super().put(key, data, expected=expected, durable=durable)
        if self.does_it:
            await super().put(key, data, expected=expected, durable=durable)
        raise StateError(self.place(key), "cannot be written (no answer)", "run again")


@pytest.mark.parametrize("does_it", [True, False])
def test_an_older_equal_write_is_not_taken_for_this_one(does_it: bool) -> None:
    async def body() -> None:
        store = LosesAnswers(does_it=does_it)
        version = await put_once(store, KEY, b"same", expected=None)
        store.lost = True
        if does_it:
            assert await put_once(store, KEY, b"same", expected=version) != version
        else:
            with pytest.raises(StateError):
                await put_once(store, KEY, b"same", expected=version)

    asyncio.run(body())


def test_what_another_run_wrote_is_not_taken_for_this_one() -> None:
    async def body() -> None:
        store = MemoryStore()
        version = await store.put(KEY, b"first", expected=None)
        await store.put(KEY, b"theirs", expected=version)
        with pytest.raises(Conflict):
            await put_once(store, KEY, b"mine", expected=version)

    asyncio.run(body())
