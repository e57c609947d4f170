"""Moments as people read them: in the site's time zone, with weekday, date, wall time and zone."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_text(at: datetime, zone: str, *, exact: bool = True) -> str:
    """`Thu 2026-12-03 09:30 Europe/Berlin`, with `about` in front where the API picks the time.

    In UTC if `zone` is not an IANA name that this machine knows.
    """
    from zoneinfo import ZoneInfo

    try:
        local = at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        local, zone = at.astimezone(UTC), "UTC"
    return f"{'' if exact else 'about '}{local:%a %Y-%m-%d %H:%M} {zone}"
