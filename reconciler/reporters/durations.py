"""How long something takes, as people say it."""

from __future__ import annotations


def length(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def duration(seconds: float) -> str:
    """Like `length`, but to a tenth of a second below ten: `0.4 s`, `12 s`, `3 min 20 s`."""
    return f"{seconds:.1f} s" if seconds < 9.95 else length(seconds)
