"""How long something takes: as people say it (`40 min`), and as a file or an option says it (`40m`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

DAY: Final = 24 * 3600
UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


def length(seconds: float) -> str:
    """`45 s`, `15 min`, `3 min 20 s`, `2 h 05 min`, `1 day 3 h`: at most two units, the second only if not zero."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(f"{whole // 60} min", whole % 60, "s", "02d")
    if whole < DAY:
        return _two(f"{whole // 3600} h", whole % 3600 // 60, "min", "02d")
    days = whole // DAY
    return _two(f"{days:,} day{'' if days == 1 else 's'}", whole % DAY // 3600, "h", "d")


def duration(seconds: float) -> str:
    """Like `length`, but to a tenth of a second below ten: `0.4 s`, `12 s`, `3 min 20 s`."""
    return f"{seconds:.1f} s" if seconds < 9.95 else length(seconds)


def as_typed(span: timedelta) -> str:
    """`21d`, `2h`, `90m`, `50ms`: a value of a file or an option, the way it is typed there."""
    for unit, size in UNITS:
        if span and span % size == timedelta(0):
            return f"{span // size}{unit}"
    return f"{span // timedelta(milliseconds=1)}ms" if span else "0s"


def _two(first: str, rest: int, unit: str, form: str) -> str:
    return f"{first} {rest:{form}} {unit}" if rest else first
