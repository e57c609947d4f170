"""How many of a thing, in words. Numbers for people have thousands separators: `1,940`, in code `{count:,}`."""

from __future__ import annotations


def plural(count: int, one: str, many: str = "") -> str:
    """`1 site`, `1,940 sites`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
