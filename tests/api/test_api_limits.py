"""The budget of requests, by a clock that stands still until somebody waits."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api import limits
from reconciler.api.limits import Budget, Limits
from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from tests.api.bench import Bench, FakeClock, ok


def test_nobody_waits_below_the_budget() -> None:
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=200), clock.handed_in)
        for _ in range(200):
            await budget.admit("one")
        for _ in range(200):
            await budget.admit("other")

    asyncio.run(ask())
    assert clock.slept == []


def test_the_next_one_waits_until_the_first_is_a_minute_old() -> None:
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=3), clock.handed_in)
        for _ in range(4):
            await budget.admit("one")
            clock.at += timedelta(seconds=10)

    asyncio.run(ask())
    assert clock.slept == [31.0]


def test_only_what_is_a_minute_old_is_forgotten() -> None:
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=2), clock.handed_in)
        for pause in (50, 12, 0, 0):
            await budget.admit("one")
            clock.at += timedelta(seconds=pause)

    asyncio.run(ask())
    assert clock.slept == [49.0]  # until 111 s: the request at 50 s still counts at 62 s


@given(
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 30)), max_size=40),
)
def test_in_no_minute_are_there_more_than_allowed(allowed: int, asked: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    sent: dict[str, list[float]] = {"a": [], "b": []}

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=allowed), clock.handed_in)
        for site, pause in asked:
            await budget.admit(site)
            sent[site].append(clock.at.timestamp())
            clock.at += timedelta(seconds=pause)

    asyncio.run(ask())
    for times in sent.values():
        for early, late in zip(times, times[allowed:], strict=False):
            assert late - early >= 60


def test_sites_that_are_counted_together_have_a_budget_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_GROUPS", 1)
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=2), clock.handed_in)
        for site in ("one", "other", "one", "other"):
            await budget.admit(site)
        assert clock.slept == []
        await budget.admit("other")

    asyncio.run(ask())
    assert sum(clock.slept) >= 60


def test_many_at_once_share_the_budget_of_their_site() -> None:
    clock = FakeClock()
    begun = clock.at

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=10), clock.handed_in)
        await asyncio.gather(*(budget.admit("one") for _ in range(25)))

    asyncio.run(ask())
    assert (clock.at - begun).total_seconds() >= 120


def test_a_clock_that_is_set_back_does_not_stop_the_run() -> None:
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=1), clock.handed_in)
        await budget.admit("one")
        clock.at -= timedelta(days=1)
        await budget.admit("one")

    asyncio.run(ask())
    assert sum(clock.slept) <= 61


def test_a_clock_that_is_set_back_does_not_stretch_a_pause_that_was_asked_for() -> None:
    clock = FakeClock()

    async def ask() -> None:
        budget = Budget(Limits(), clock.handed_in)
        await budget.admit("one")
        budget.hold("one", 20)
        clock.at -= timedelta(days=1)
        await budget.admit("one")

    asyncio.run(ask())
    assert sum(clock.slept) <= 20


def test_a_clock_that_is_set_back_a_little_does_not_double_the_budget() -> None:
    clock = FakeClock()
    begun = clock.at

    async def ask() -> None:
        budget = Budget(Limits(requests_per_minute=2), clock.handed_in)
        for _ in range(2):
            await budget.admit("one")
        clock.at -= timedelta(seconds=3)
        await budget.admit("one")

    asyncio.run(ask())
    assert (clock.at - begun).total_seconds() >= 60


def test_what_is_long_past_is_forgotten() -> None:
    clock = FakeClock()
    budget = Budget(Limits(), clock.handed_in)

    async def ask() -> None:
        for number in range(5000):
            await budget.admit(f"site-{number}")
            clock.at += timedelta(seconds=1)

    asyncio.run(ask())
    assert len(budget._sent) < 1100
    assert sum(budget._sent._at_most) <= 62


def test_no_more_requests_are_in_flight_than_allowed_over_all_sites(bench: Bench) -> None:
    flying, most = 0, 0

    async def side(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        for _ in range(5):
            await asyncio.sleep(0)
        flying -= 1
        return ok({"status": "ACTIVE"})

    async def ask() -> None:
        client = bench.client(side, parallelism=4)
        sites = [SiteRef(SiteName(f"s{n}"), f"id-{n}") for n in range(30)]
        await asyncio.gather(*(client.endpoints.marketing_plan(site) for site in sites))

    asyncio.run(ask())
    assert most == 4
