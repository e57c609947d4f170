"""How often a long wait asks, over a clock that the test moves."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest

from reconciler.api.limits import WINDOW, Limits
from reconciler.executor.ports import PollPolicy
from reconciler.executor.waiting import TimedOut, poll
from tests.api.bench import FakeClock


@pytest.mark.parametrize("milliseconds", [1, 50, 200, 300, 500, 1000, 5000])
def test_a_long_wait_leaves_the_site_requests_for_other_things(milliseconds: int) -> None:
    """If it used up those of a minute, the run would be held back within a look, and notice a Ctrl-C late."""
    clock, looks, interval = FakeClock(), list[float](), timedelta(milliseconds=milliseconds)

    async def look() -> None:
        looks.append(clock.now().timestamp())

    waited = asyncio.run(poll(clock.handed_in, PollPolicy(interval, timedelta(minutes=5)), look, lambda: False))
    assert isinstance(waited, TimedOut)
    most = max(sum(first <= look < first + WINDOW for look in looks[at:]) for at, first in enumerate(looks))
    assert most <= 0.9 * Limits().requests_per_minute
    pauses = [after - before for before, after in pairwise(looks[:-1])]
    assert pauses[:10] == pytest.approx([interval.total_seconds()] * 10, abs=1e-5)
    assert max(pauses) <= max(1.0, interval.total_seconds()) + 1e-5
