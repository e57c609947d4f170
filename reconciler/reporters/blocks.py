"""Blocks of lines, one per site, in the order of a screen; a block that several sites share is kept and told once.

Blocks wait in a temporary file, so that memory does not grow with the text of a run over many sites.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Final, Generic, Protocol, Self, TypeVar

from reconciler.reporters.layout import Line, Screen, Span, Style
from reconciler.reporters.words import plural

IN_MEMORY: Final = 1_000_000
"""Bytes of text that are kept before they go to a file."""

FEW_SITES: Final = 5
"""If fewer sites share a block, each gets its own, provided it has names of its own to tell."""

MOST_NAMES: Final = 5
"""How many sites of a shared block are named if nothing else says which they are."""


class _Adds(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


Tally = TypeVar("Tally", bound=_Adds)
Place = tuple[int, int]
"""Where a text starts in the file, and how many lines it has."""


class _Shared(Generic[Tally]):
    """What is kept of one block: how many sites have it, and where its text is."""

    __slots__ = ("count", "discards", "labels", "names", "own", "rank", "shared", "tally")

    def __init__(self, rank: int, labels: frozenset[tuple[str, str]], tally: Tally) -> None:
        self.rank = rank
        self.labels = labels
        self.count = 1
        self.discards = 0
        self.tally = tally
        self.names: list[str] = []
        self.own: list[Place] = []
        self.shared: tuple[Place, Place] | None = None


class Blocks(Generic[Tally]):
    """Takes the blocks of sites as they come, and gives all their lines at the end."""

    def __init__(self, screen: Screen, *, list_sites: bool = False) -> None:
        self._screen = screen
        self._list_sites = list_sites
        self._text: SpooledTemporaryFile[str] | None = None
        self._found: dict[bytes, _Shared[Tally]] = {}
        # Each set of labels and each tally once: sites with different changes still have these in common.
        self._labels: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}
        self._tallies: dict[Tally, Tally] = {}

    def add(
        self,
        name: str,
        rank: int,
        common: Sequence[Line],
        own: Callable[[], Sequence[Line]],
        tally: Tally,
        *,
        labels: Sequence[tuple[str, str]] = (),
        discards: int = 0,
        discards_after: int = 0,
    ) -> None:
        """A site's block. `common` is what other sites may share; `own` gives its lines if few share it.

        `tally` is what is counted of it. The drafts that it throws away do not tell it from others; `discards` are
        counted after so many of the common lines.
        """
        key = hashlib.sha256(repr((rank, tuple(common))).encode("utf-8", "surrogatepass")).digest()
        found = self._found.get(key)
        if found is None:
            known = frozenset(labels)
            known, tally = self._labels.setdefault(known, known), self._tallies.setdefault(tally, tally)
            found = self._found[key] = _Shared(rank, known, tally)
        else:
            found.count += 1
            found.tally += tally
            found.labels &= frozenset(labels)
        if found.shared is None and found.count > 1:
            found.shared = self._keep(common[:discards_after]), self._keep(common[discards_after:])
        if found.count < FEW_SITES and (lines := own()) and (found.count == 1 or len(lines) != len(common)):
            found.own.append(self._keep(lines))
        found.discards += discards
        if self._list_sites or len(found.names) <= MOST_NAMES:
            found.names.append(name)

    def __len__(self) -> int:
        return len(self._found)

    def lines(self) -> Iterator[str]:
        """All lines, worst first, with an empty line after each block."""
        for found in sorted(self._found.values(), key=lambda block: block.rank):  # stable: sites keep their order
            if found.shared is None or (found.count == len(found.own)):  # few, each with names of its own
                for name, place in zip(found.names, found.own, strict=False):
                    yield self._screen.paint(name, Style.BOLD)
                    yield from self._read(place)
                    yield ""
                continue
            yield self._screen.paint(f"Same on {found.count:,} sites ({self._which(found)})", Style.BOLD)
            yield from self._lines_of(found, *found.shared)
            yield ""

    def _lines_of(self, found: _Shared[Tally], start: Place, rest: Place) -> Iterator[str]:
        yield from self._read(start)
        if found.discards:
            text = f"- discards {plural(found.discards, 'unapproved draft')} on these sites in total"
            yield from Line((Span(text, Style.RED),), indent=8, hang=10).on(self._screen)
        yield from self._read(rest)
        if self._list_sites:
            yield from Line((Span(f"sites: {', '.join(found.names)}"),), indent=2, hang=4).on(self._screen)

    def rows(self) -> Iterator[tuple[int, str, Tally]]:
        """Rank, name and counts of each block; sites that share one share a row."""
        for found in self._found.values():
            yield found.rank, found.names[0] if found.count == 1 else plural(found.count, "site"), found.tally

    def _which(self, found: _Shared[Tally]) -> str:
        """The sites of a shared block: their names, or what they have in common."""
        if found.count <= MOST_NAMES:
            return ", ".join(found.names)
        labels = ", ".join(f"{key}={value}" for key, value in sorted(found.labels))
        known = labels or f"{', '.join(found.names[:3])}, …"
        return known if self._list_sites else f"{known}; list them with --sites"

    def _keep(self, lines: Sequence[Line]) -> Place:
        if self._text is None:
            self._text = SpooledTemporaryFile(  # noqa: SIM115 - open until all lines are shown
                IN_MEMORY, "w+", encoding="utf-8", errors="surrogatepass", newline="\n"
            )
            weakref.finalize(self, self._text.close)
        self._text.seek(0, 2)
        start, count = self._text.tell(), 0
        for line in lines:
            for text in line.on(self._screen):
                self._text.write(f"{text.rstrip()}\n")
                count += 1
        return start, count

    def _read(self, place: Place) -> Iterator[str]:
        assert self._text is not None
        self._text.seek(place[0])
        for _ in range(place[1]):
            yield self._text.readline().rstrip("\n")
