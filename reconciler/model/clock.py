"""Clock: the time, and waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct


class Clock(Struct, frozen=True):
    """The time as an aware instant, a way to wait some seconds, and a count of seconds that never jumps.

    Passed in, so that tests need no real time.
    """

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    monotonic: Callable[[], float]
