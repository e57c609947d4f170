"""Parts of a site's block on a screen, in the order in which people must see them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from msgspec import Struct

from reconciler.model.writes import ActionClass
from reconciler.reporters.layout import Line
from reconciler.reporters.totals import ActivityTotal, Total
from reconciler.reporters.value_totals import ValuesTotal


class Rank(IntEnum):
    """The order of a screen: what must not be missed first."""

    STILL_GOING_OUT = 0
    FAILED = 1
    REFUSED = 2
    BLOCKED = 3
    PUBLIC = 4
    DISCARDING = 5
    WAITING = 6
    COSTLY = 7
    SAFE = 8
    NOTE = 9


CLASS_RANKS: Final = {
    ActionClass.PROTECTIVE: Rank.PUBLIC,
    ActionClass.PUBLIC: Rank.PUBLIC,
    ActionClass.COSTLY: Rank.COSTLY,
    ActionClass.SAFE: Rank.SAFE,
}

CHANGES: Final = frozenset({Rank.PUBLIC, Rank.DISCARDING, Rank.COSTLY, Rank.SAFE})
"""The ranks of blocks that begin with a change, and so contain no problem."""

SEVERAL: Final = 3
"""From how many on, posts or activities of a site that differ only in their names share a paragraph."""


class Item(Struct, frozen=True):
    """A part of a site's block. `lines` may be the same on many sites; if they are not, `own` lines come below them.

    `total`: what sites that share the block show in place of their own lines. `of_many`: what is shown in place of all
    lines if many sites differ only in their activities or values.
    """

    rank: Rank
    lines: tuple[Line, ...]
    own: tuple[Line, ...] = ()
    total: Total | None = None
    of_many: ActivityTotal | ValuesTotal | None = None


def shared_parts(items: Sequence[Item]) -> list[Line | Total]:
    """What a block may share with other sites: its lines, and one total per kind, where the first of its kind is."""
    parts: list[Line | Total] = []
    totals: dict[str, Total] = {}
    for item in items:
        parts += item.lines
        if item.total is None:
            continue
        if (known := totals.get(item.total.kind)) is not None:
            known.add(item.total)
        else:
            totals[item.total.kind] = item.total
            parts.append(item.total)
    return parts


def parts_of_many(items: Sequence[Item]) -> list[Line | Total]:
    """What a block may share with those that differ from it only in their activities or values."""

    def place(item: Item) -> tuple[Rank, str]:
        return item.rank, item.of_many.kind if isinstance(item.of_many, ActivityTotal) else ""

    ordered = sorted(items, key=place)
    return shared_parts([Item(item.rank, (), (), item.of_many) if item.of_many else item for item in ordered])


def own_lines(items: Sequence[Item]) -> list[Line]:
    """The lines of a block that no other site shares, naming the drafts it is about."""
    return [line for item in items for line in (*item.lines, *item.own)]
