"""How many requests are in flight: more while that helps, fewer under pressure, and a fixed number if one was given."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.in_flight import CALM, InFlight
from reconciler.config.project import find_project
from reconciler.wiring import open_session
from tests.api.bench import Bench, ok, refused, remote


class Served:
    """A remote side with a clock of its own: it answers `capacity(n)` requests per second if `n` are in flight."""

    def __init__(self, start: int, most: int, capacity: Callable[[int], float]) -> None:
        self.at = 1.0
        self.places = InFlight(start, most, lambda: self.at)
        self.capacity = capacity

    def work(self, answers: int) -> int:
        """Receives this many answers while further requests wait; returns how many may be in flight afterwards."""

        async def body() -> None:
            places, busy = self.places, 0

            async def wait_for_one() -> None:
                async with places:
                    pass

            while busy < places.allowed:
                await places.__aenter__()
                busy += 1
            more = [asyncio.ensure_future(wait_for_one()) for _ in range(3)]
            await asyncio.sleep(0)
            for _ in range(answers):
                self.at += 1 / self.capacity(places.allowed)
                places._full = True
                places.answered()
            for _ in range(busy):
                await places.__aexit__(None, None, None)
            await asyncio.gather(*more)

        asyncio.run(body())
        return self.places.allowed


def test_waiting_requests_can_be_cancelled_together_while_slots_become_free() -> None:
    places = InFlight(2, 2, lambda: 1.0)

    async def use() -> None:
        async with places:
            pass

    async def body() -> None:
        await places.__aenter__()
        await places.__aenter__()
        waiting = [asyncio.ensure_future(use()) for _ in range(5)]
        await asyncio.sleep(0)
        for each in waiting[:4]:
            each.cancel()
        await places.__aexit__(None, None, None)
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(each) for each in ended] == [asyncio.CancelledError] * 4 + [type(None)]
        await places.__aexit__(None, None, None)
        await asyncio.wait_for(asyncio.gather(use(), use(), use()), 5)

    asyncio.run(body())


def test_it_grows_while_that_helps_and_only_up_to_its_limit() -> None:
    latency_bound = Served(32, 128, lambda at_once: at_once / 0.05)
    assert latency_bound.work(64) == 48
    assert latency_bound.work(96) == 72
    assert latency_bound.work(2000) == 128


def test_it_goes_back_if_more_brings_nothing_and_stays_there() -> None:
    bound = Served(32, 128, lambda at_once: min(at_once, 50) / 0.05)
    assert bound.work(5000) == 48
    assert bound.work(5000) == 48


def test_what_nobody_waits_for_does_not_grow() -> None:
    served = Served(4, 16, lambda at_once: at_once)
    for _ in range(100):
        served.at += 1
        served.places.answered()
    assert served.places.allowed == 4


def test_pressure_halves_it_once_and_then_it_is_calm_for_a_while() -> None:
    served = Served(32, 128, lambda at_once: at_once / 0.05)
    served.work(64)
    for _ in range(20):  # the same 429, reported by all that were under way
        served.places.pressed()
    assert served.places.allowed == 24
    assert served.work(200) == 24
    served.at += CALM
    assert served.work(200) > 24
    for _ in range(20):
        served.at += 2
        served.places.pressed()
    assert served.places.allowed == 1


def test_a_given_number_stays() -> None:
    served = Served(3, 3, lambda at_once: at_once)
    served.places.pressed()
    assert served.work(500) == 3


def test_nobody_is_skipped_and_nothing_is_lost_if_waiting_is_cancelled() -> None:
    async def body() -> list[int]:
        places, order = InFlight(1, 1, time.monotonic), list[int]()

        async def work(number: int) -> None:
            async with places:
                order.append(number)
                await asyncio.sleep(0)

        tasks = [asyncio.ensure_future(work(number)) for number in range(6)]
        await asyncio.sleep(0)
        tasks[1].cancel()  # it waits
        await asyncio.sleep(0)
        tasks[2].cancel()  # it may have got its place just now
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait_for(work(9), 1)
        return order

    assert [number for number in asyncio.run(body()) if number not in (1, 2)] == [0, 3, 4, 5, 9]


@pytest.mark.parametrize(("most", "allowed"), [(None, 8), (32, 4)])
def test_a_429_is_pressure_if_the_number_adapts(bench: Bench, most: int | None, allowed: int) -> None:
    client = bench.client(remote(refused(429), ok({"language": "en"})))
    client._connection._budget.in_flight = InFlight(8, most or 8, time.monotonic)
    asyncio.run(client.endpoints.settings(bench.site))
    assert client._connection._budget.in_flight.allowed == allowed


@pytest.mark.parametrize(
    ("written", "option", "found"),
    [("", None, (32, 128, 64)), ("limits: {parallelism: 32}\n", None, (32, None, 32)), ("", 5, (5, None, 5))],
)
def test_it_adapts_only_if_no_number_was_given(
    tmp_path: Path, written: str, option: int | None, found: tuple[int, int | None, int]
) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\n{written}")
    project = find_project([tmp_path])

    async def body() -> tuple[int, int | None, int]:
        there = "http://127.0.0.1:1"
        async with open_session(project, ReadClient, environ={}, api=there, parallelism=option) as session:
            limits = session.client._connection._limits
            return limits.parallelism, limits.most, session.parallelism

    assert asyncio.run(body()) == found
