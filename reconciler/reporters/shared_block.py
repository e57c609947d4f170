"""What is kept about the blocks of a screen until its end: little, because there may be thousands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, Protocol, Self, TypeVar

from msgspec import Struct

from reconciler.reporters.layout import Line
from reconciler.reporters.line_file import KeptText
from reconciler.reporters.totals import APPROVED_DISCARDS, ActivityTotal, Total, but_for_approved


class _Adds(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


CountsT = TypeVar("CountsT", bound=_Adds)
BlockPart = Line | Total
"""A part of what sites share: a line that is the same on all of them, or something that adds up."""


def has_activities(totals: Iterable[BlockPart]) -> bool:
    """Whether activities are counted instead of named."""
    return any(isinstance(total, ActivityTotal) for total in totals)


class OfMany(Struct, gc=False):
    """What a block may share with those that differ from it only in their activities or values."""

    key: bytes
    totals: dict[str, Total]

    def add(self, totals: Mapping[str, Total]) -> None:
        """Adds the totals of another site, or of sites with another block."""
        for kind, total in totals.items():
            self.totals[kind].add(total)


class Outline(Struct, Generic[CountsT], frozen=True):
    """What many blocks have in common even if their text differs."""

    rank: int
    labels: frozenset[tuple[str, str]]
    tally: CountsT
    length: int


class SingleBlock(Struct, Generic[CountsT], gc=False):
    """What is kept about a block that one site has, and where its text is. Small, because there may be thousands."""

    outline: Outline[CountsT]
    name: str
    start: int
    totals: tuple[Total, ...]
    of_many: OfMany | None = None
    apart: bytes = b""
    """What its lines say apart from the accounts on which posts go out; empty if none do."""

    @property
    def rank(self) -> int:
        """Its place in the order of the screen."""
        return self.outline.rank

    @property
    def tally(self) -> CountsT:
        """The site's counts."""
        return self.outline.tally

    @property
    def count(self) -> int:
        """How many sites have it."""
        return 1

    @property
    def sites(self) -> int:
        """Which site has it."""
        return hash(self.name)

    @property
    def own_lines(self) -> int:
        """How many lines it has."""
        return self.outline.length

    @property
    def loses_approved(self) -> bool:
        """Whether approved drafts are thrown away there."""
        return any(total.kind == APPROVED_DISCARDS for total in self.totals)


class SharedBlock(Generic[CountsT]):
    """What is kept about a block that several sites may have: how many do, and where its text is."""

    __slots__ = (
        "alike",
        "alike_apart",
        "apart",
        "count",
        "has_titles",
        "labels",
        "loses_approved",
        "names",
        "of_many",
        "own",
        "own_lines",
        "rank",
        "shared",
        "sites",
        "tally",
        "totals",
    )

    def __init__(self, first: SingleBlock[CountsT]) -> None:
        outline = first.outline
        self.rank = outline.rank
        self.labels = outline.labels
        self.count = 1
        self.tally = outline.tally
        self.names = [first.name]
        self.sites = first.sites
        """Which sites have it: the sum of their names' hashes."""
        self.own: list[KeptText] = [(first.start, outline.length)]
        self.own_lines = outline.length
        self.alike = self.has_titles = True
        self.apart, self.alike_apart = first.apart, bool(first.apart)
        self.of_many = first.of_many
        self.totals = {total.kind: total for total in first.totals}
        self.loses_approved = first.loses_approved
        self.shared: list[KeptText | str] = []

    @property
    def has_posts(self) -> bool:
        """Whether posts go out, move, are cancelled or blocked there."""
        return any(total.listed for total in self.totals.values())

    def absorb(
        self, others: Iterable[SingleBlock[CountsT] | SharedBlock[CountsT]], parts: Iterable[KeptText | str]
    ) -> None:
        """Merges in blocks that differ only in their activities or values. `parts`: what all of them share."""
        assert self.of_many is not None
        for block in others:
            other = SharedBlock(block) if isinstance(block, SingleBlock) else block
            assert other.of_many is not None
            self._take(other)
            self.of_many.add(other.of_many.totals)
        self.shared, self.totals = list(parts), self.of_many.totals
        self.own, self.of_many, self.has_titles = [], None, False

    def add(self, other: SharedBlock[CountsT]) -> None:
        """Merges in a block that differs only in that some of the drafts thrown away are approved."""
        self._take(other)
        for kind, total in other.totals.items():
            self.totals[but_for_approved(kind)].add(total)
        self.own, self.loses_approved = [], True

    def _take(self, other: SharedBlock[CountsT]) -> None:
        """Adds the sites of another block."""
        self.count += other.count
        self.tally += other.tally
        self.labels &= other.labels
        self.names += other.names
        self.sites += other.sites
