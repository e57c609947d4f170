"""This machine's clock. Code that needs the time is given a clock: a run, its leases, a report."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from reconciler.model.clock import Clock


def utc_now() -> datetime:
    """The time on this machine, in UTC."""
    return datetime.now(UTC)


def since_boot() -> float:
    """Seconds that never jump, and that continue while the machine sleeps if the system has such a clock."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


async def sleep(seconds: float) -> None:
    """Waits. `validate` waits for nothing, so it starts without the modules for this."""
    import asyncio

    await asyncio.sleep(seconds)


CLOCK: Final = Clock(now=utc_now, sleep=sleep, monotonic=since_boot)
