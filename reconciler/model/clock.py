"""Clock: the time, and waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct


class Clock(Struct, frozen=True):
    """The time as an aware instant, and waiting for some seconds; handed in so that tests need neither."""

    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
