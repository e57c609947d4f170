"""Texts that represent times: durations, days, instants, wall times. The schemas have already checked their form."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DURATION = r"([0-9]{1,9})(ms|s|m|h|d|w)\Z"
LONGEST = timedelta(days=3660)


def duration(text: str, *, like: str = "21d or 15m") -> timedelta:
    """`50ms`, `5s`, `15m`, `2h`, `21d`, `2w`. Raises ValueError with what is wrong, and with examples."""
    found = re.match(_DURATION, text)
    if not found:
        raise ValueError(f"is not a valid duration; write it like {like}")
    try:
        length = int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        length = timedelta.max
    if length > LONGEST:
        raise ValueError("is longer than ten years")
    return length


def day(text: str) -> date:
    """`2026-12-01`. Raises ValueError with what is wrong."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a valid date") from None
    if not 1970 <= found.year <= 9990:
        raise ValueError("is outside the years 1970 to 9990")
    return found


def moment(text: str) -> datetime:
    """`2026-12-03T09:00:00Z`, in UTC and whole milliseconds, as the API keeps it.

    Raises ValueError with what is wrong.
    """
    day(text[:10])
    try:
        found = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("is not a valid time") from None
    if found.tzinfo is None:
        raise ValueError("has no UTC offset; add Z or +02:00")
    utc = found.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def is_day(text: str) -> bool:
    """Whether a text is a bare day rather than a moment."""
    return len(text) == 10


def midnight(of: date) -> datetime:
    """00:00:00Z on a day, which is how a bare event date is sent."""
    return datetime(of.year, of.month, of.day, tzinfo=UTC)


def wall_time(text: str) -> time:
    """`09:30`. The schema allows nothing else."""
    return time(int(text[:2]), int(text[3:]))
