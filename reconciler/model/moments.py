"""Times as people read them: in the site's time zone, with weekday, date, wall time and zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_WORDS: Final = r"(?:about )?[A-Z][a-z]{2} (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) ([\w/+-]+)(?: \(UTC([+-]\d{2}:\d{2})\))?"

_IF_APPROVED: Final = "; once approved, it moves to "
_BY_RULE: Final = "; its rule moves it to "


def moment_text(at: datetime, zone: str, *, exact: bool = True) -> str:
    """`Thu 2026-12-03 09:30 Europe/Berlin`, preceded by `about` if the API picks the time.

    A wall time that occurs twice when the clocks change also has its offset: `02:30 Europe/Berlin (UTC+02:00)`. In UTC
    if `zone` is not an IANA name that this machine knows.
    """
    from zoneinfo import ZoneInfo

    try:
        local = at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        local, zone = at.astimezone(UTC), "UTC"
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    offset = f" (UTC{local.isoformat()[-6:]})" if twice else ""
    return f"{'' if exact else 'about '}{local:%a %Y-%m-%d %H:%M} {zone}{offset}"


def without_weekdays(text: str) -> str:
    """A text in which each time made by `moment_text` begins with its date, so that such texts sort by time."""
    return re.sub(r"(?:about )?[A-Z][a-z]{2} (?=\d{4}-\d{2}-\d{2} \d{2}:\d{2} )", "", text)


def moving_text(now: str, then: str, *, waits: bool) -> str:
    """When a scheduled post goes out, and to what time the next apply moves it; if it `waits`, once it is approved."""
    return f"{now}{_IF_APPROVED if waits else _BY_RULE}{then}"


def if_approved(words: str) -> str:
    """When a post goes out once it is approved: the last time in a text made by `moment_text` or `moving_text`."""
    return words.rpartition(_IF_APPROVED)[2].rpartition(_BY_RULE)[2]


def moment_in(words: str) -> datetime | None:
    """The time in a text made by `moment_text`, or the last of `moving_text`, in its zone; None for any other text."""
    from zoneinfo import ZoneInfo

    found = re.fullmatch(_WORDS, if_approved(words))
    if found is None:
        return None
    try:
        zone = ZoneInfo(found[2])
        if found[3]:
            return datetime.fromisoformat(f"{found[1]}{found[3]}").astimezone(zone)
        return datetime.fromisoformat(found[1]).replace(tzinfo=zone)
    except (KeyError, ValueError, OSError):
        return None


def zone_in(words: str) -> str:
    """The zone in a text made by `moment_text` or `moving_text`; UTC for any other text."""
    found = re.fullmatch(_WORDS, if_approved(words))
    return found[2] if found is not None else "UTC"
