"""How many of a thing, in words. Numbers for people have thousands separators: `1,940`, in code `{count:,}`."""

from __future__ import annotations

from collections.abc import Sequence


def plural(count: int, one: str, many: str = "") -> str:
    """`1 site`, `1,940 sites`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def some_of(names: Sequence[str], most: int) -> str:
    """`a, b, c and 1,940 more`: the first `most` names, and the number of the others."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
