"""Owns the form of times: RFC 3339 in, the API's millisecond form out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def parse(text: object) -> datetime | None:
    """The time in an RFC 3339 string, in UTC; None for any other string (D: format date-time)."""
    if not isinstance(text, str) or _FORM.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def show(moment: datetime) -> str:
    """A time as the API writes it: `2026-07-08T09:00:00.000Z` (D)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def must(text: str) -> datetime:
    """The time in a string that this package wrote itself."""
    moment = parse(text)
    if moment is None:
        raise ValueError(f"{text!r} is not a valid time")
    return moment


def span(text: object) -> float | None:
    """The seconds in a number of seconds or in a string like `500ms`, `2s`, `15m`, `2h`, `21d`, `2w`."""
    if isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return float(text) if text >= 0 else None
    if isinstance(text, str) and (found := _SPAN.fullmatch(text)):
        return float(found[1]) * _UNITS[found[2]]
    return None


def zone(name: str) -> ZoneInfo:
    """The zone with an IANA name; UTC if the name is not known."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def is_zone(name: str) -> bool:
    """Whether a name is an IANA time zone."""
    return name == "UTC" or zone(name).key != "UTC"


def end_of_next_month(day: date) -> date:
    """The last day of the month after `day`'s: where a marketing plan ends (D)."""
    first_after = (day.replace(day=1) + timedelta(days=70)).replace(day=1)
    return first_after - timedelta(days=1)


def end_of_next_week(day: date) -> date:
    """The Sunday of the week after `day`'s: how far ahead posts are made by default (D)."""
    return day + timedelta(days=13 - day.weekday())
