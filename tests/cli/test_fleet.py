"""Many sites at once: bounded, in order, and gone when the run is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from reconciler.cli.fleet import AHEAD, Slot, in_order


def test_results_come_in_order_and_no_more_work_than_allowed() -> None:
    running, most, taken = 0, 0, 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(1 + (number * 7) % 5):
            await asyncio.sleep(0)
        running -= 1
        return number

    async def main() -> list[int]:
        results = []
        async for number in in_order(numbers(), work, 4):
            results.append(number)
            assert taken <= len(results) + 4 * AHEAD
        return results

    assert asyncio.run(main()) == list(range(100))
    assert most == 4


def test_an_error_cancels_the_others() -> None:
    cancelled = []

    async def work(number: int) -> int:
        if number == 1:
            raise ValueError("odd")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async def main() -> None:
        async for _ in in_order([1, 2, 3], work, 3):
            pass

    with pytest.raises(ValueError, match="odd"):
        asyncio.run(main())
    assert cancelled in ([2, 3], [])


def test_who_waits_leaves_the_place_to_another() -> None:
    async def main() -> list[str]:
        gate, said = asyncio.Semaphore(1), list[str]()
        go = asyncio.Event()

        async def waits() -> None:
            async with Slot(gate) as slot:
                said.append("waits")
                await slot.aside(wait())
                said.append("goes on")

        async def wait() -> None:
            await go.wait()

        async def works() -> None:
            async with Slot(gate):
                said.append("works")
                go.set()

        await asyncio.gather(waits(), works())
        assert not gate.locked()
        return said

    assert asyncio.run(main()) == ["waits", "works", "goes on"]


def test_a_cancelled_wait_gives_back_no_place_twice() -> None:
    async def main() -> int:
        gate = asyncio.Semaphore(1)

        async def waits() -> None:
            async with Slot(gate) as slot:
                await slot.aside(asyncio.sleep(3600))

        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return gate._value

    assert asyncio.run(main()) == 1
