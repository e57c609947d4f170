"""This machine's clock. Whoever needs the time is handed a clock: a run, its leases, a report."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from reconciler.model.clock import Clock


def utc_now() -> datetime:
    """The time on this machine, in UTC."""
    return datetime.now(UTC)


def since_boot() -> float:
    """Seconds that never jump, and that go on while the machine sleeps, if the system counts like that."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


async def sleep(seconds: float) -> None:
    """Waits. `validate` waits for nothing, and starts without what that takes."""
    import asyncio

    await asyncio.sleep(seconds)


CLOCK: Final = Clock(now=utc_now, sleep=sleep, monotonic=since_boot)
