"""Many sites at once: bounded, in order, and gone when the run is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from reconciler.engine import fleet
from reconciler.engine.fleet import AHEAD, Turn, over_sites
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, UsageError
from reconciler.planner.targets import SiteLabels
from reconciler.state.errors import StateError


def named(number: int) -> SiteLabels:
    return SiteLabels(SiteName(f"site-{number}"))


def test_results_come_in_order_and_no_more_work_than_allowed() -> None:
    running, most, taken = 0, 0, 0

    def numbers() -> Iterator[int]:
        nonlocal taken
        for number in range(100):
            taken += 1
            yield number

    async def work(number: int, _turn: Turn) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(1 + (number * 7) % 5):
            await asyncio.sleep(0)
        running -= 1
        return number

    async def main() -> list[int | SiteFailed]:
        results = []
        async for number in over_sites(numbers(), work, named=named, at_once=4):
            results.append(number)
            assert taken <= len(results) + 4 * AHEAD
        return results

    assert asyncio.run(main()) == list(range(100))
    assert most == 4


def test_an_error_of_the_run_cancels_the_others() -> None:
    cancelled = []

    async def work(number: int, _turn: Turn) -> int:
        if number == 1:
            raise UsageError("odd")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async def main() -> None:
        async for _ in over_sites([1, 2, 3], work, named=named, at_once=3):
            pass

    with pytest.raises(UsageError, match="odd"):
        asyncio.run(main())
    assert cancelled in ([2, 3], [])


def test_who_waits_leaves_the_place_to_another_and_results_come_as_they_end() -> None:
    go = asyncio.Event()
    said = list[str]()

    async def wait() -> None:
        await go.wait()

    async def work(number: int, turn: Turn) -> int:
        if number == 1:
            said.append("waits")
            await turn.aside(wait())
            said.append("goes on")
        else:
            said.append("works")
            go.set()
        return number

    async def main() -> list[int | SiteFailed]:
        return [number async for number in over_sites([1, 2], work, named=named, at_once=1, ordered=False)]

    assert asyncio.run(main()) == [2, 1]
    assert said == ["waits", "works", "goes on"]


def test_any_number_of_sites_may_wait_at_once() -> None:
    waiting = 0
    go = asyncio.Event()

    async def work(number: int, turn: Turn) -> int:
        nonlocal waiting
        waiting += 1
        if waiting == 50:
            go.set()
        await turn.aside(wait())
        return number

    async def wait() -> None:
        await go.wait()

    async def main() -> int:
        return len([site async for site in over_sites(range(50), work, named=named, at_once=2, ordered=False)])

    assert asyncio.run(asyncio.wait_for(main(), 10)) == 50


def test_who_waits_is_not_joined_by_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "UNDER_WAY", 10)
    begun, ended, most = 0, 0, 0

    async def work(number: int, turn: Turn) -> int:
        nonlocal begun, ended, most
        begun += 1
        most = max(most, begun - ended)
        await turn.aside(wait(number))
        ended += 1
        return number

    async def wait(number: int) -> None:
        for _ in range(50 + 10 * (number % 5)):  # turns of the event loop: enough for all others to begin, if they may
            await asyncio.sleep(0)

    async def main() -> set[object]:
        return {site async for site in over_sites(range(50), work, named=named, at_once=2, ordered=False)}

    assert asyncio.run(asyncio.wait_for(main(), 10)) == set(range(50))
    assert most == 10


def test_a_cancelled_wait_gives_back_no_place_twice() -> None:
    async def main() -> int:
        gate = asyncio.Semaphore(1)

        async def waits() -> None:
            await gate.acquire()
            turn = Turn(gate)
            try:
                await turn.aside(asyncio.sleep(3600))
            finally:
                turn.end()

        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return gate._value

    assert asyncio.run(main()) == 1


def test_what_concerns_one_site_is_its_result_and_the_others_continue() -> None:
    problem = Diagnostic("odd", "wrong", place=Place("shop.yaml", 3, 5))

    async def work(number: int, _turn: Turn) -> int:
        match number:
            case 1:
                raise ValueError("odd")
            case 2:
                raise StateError("state/x.json", "is corrupt", "restore it")
            case 3:
                raise InvalidFiles((problem,))
            case _:
                return number

    async def main(*, debug: bool = False) -> list[int | SiteFailed]:
        return [result async for result in over_sites([1, 2, 3, 4], work, named=named, at_once=2, debug=debug)]

    bug, state, file, fine = asyncio.run(main())
    assert isinstance(bug, SiteFailed)
    assert (bug.name, bug.problem.code, bug.refused) == ("site-1", "bug", False)
    assert "ValueError: odd" in bug.problem.message
    assert isinstance(state, SiteFailed)
    assert (state.problem.code, state.problem.fix) == ("state", "restore it")
    assert isinstance(file, SiteFailed)
    assert file.problems == (problem,)
    assert fine == 4
    with pytest.raises(ValueError, match="odd"):
        asyncio.run(main(debug=True))


def test_an_input_that_fails_ends_the_run() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise UsageError("gone")

    async def work(number: int, _turn: Turn) -> int:
        return number

    async def main() -> None:
        async for _ in over_sites(broken(), work, named=named, at_once=2):
            pass

    with pytest.raises(UsageError, match="gone"):
        asyncio.run(main())
