"""Blocks of lines, one a site, in the order of a screen; what is the same on several sites is kept and told once.

Blocks wait in a temporary file, so that memory does not grow with the text of a run over many sites.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import Final

from reconciler.planner.tally import PlanTally
from reconciler.reporters.layout import Line, Screen, Span, Style
from reconciler.reporters.words import plural

IN_MEMORY: Final = 1_000_000
"""Bytes of text that are kept before they go to a file."""

MOST_NAMES: Final = 5
"""Sites of a shared block that are named where nothing else says which they are."""


class _Shared:
    """What is kept of one block: how many sites have it, and where its text is."""

    __slots__ = ("count", "labels", "names", "place", "rank", "shared", "tally")

    def __init__(self, rank: int, place: tuple[int, int], labels: frozenset[tuple[str, str]]) -> None:
        self.rank = rank
        self.place = place
        self.labels = labels
        self.count = 0
        self.tally = PlanTally()
        self.names: list[str] = []
        self.shared: tuple[int, int] | None = None


class Blocks:
    """Takes the blocks of sites as they come, and gives all their lines at the end."""

    def __init__(self, screen: Screen, *, list_sites: bool = False) -> None:
        self._screen = screen
        self._list_sites = list_sites
        self._text: SpooledTemporaryFile[str] | None = None
        self._found: dict[bytes, _Shared] = {}

    def add(
        self,
        name: str,
        rank: int,
        common: Sequence[Line],
        own: Callable[[], Sequence[Line]],
        *,
        labels: Sequence[tuple[str, str]] = (),
        tally: PlanTally | None = None,
    ) -> None:
        """A site's block. `common` is what other sites may have as well; `own` gives its lines where it has it alone.

        `tally` is what is counted of it; the drafts that it throws away do not tell it from others.
        """
        key = hashlib.sha256(repr((rank, tuple(common))).encode("utf-8", "surrogatepass")).digest()
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = _Shared(rank, self._keep(own()), frozenset(labels))
        elif found.shared is None:
            found.shared = self._keep(common)
        found.count += 1
        found.tally += tally or PlanTally()
        found.labels &= frozenset(labels)
        if self._list_sites or len(found.names) <= MOST_NAMES:
            found.names.append(name)

    def __len__(self) -> int:
        return len(self._found)

    def lines(self) -> Iterator[str]:
        """All lines, worst first, an empty one after each block."""
        for found in sorted(self._found.values(), key=lambda block: block.rank):  # stable: sites keep their order
            yield self._head(found)
            yield from self._read(found.place if found.shared is None else found.shared)
            if found.shared is not None and found.tally.discard:
                text = f"- discards {plural(found.tally.discard, 'draft')} on these sites together"
                yield from Line((Span(text, Style.RED),), indent=8, hang=10).on(self._screen)
            if found.shared is not None and self._list_sites:
                yield from Line((Span(f"sites: {', '.join(found.names)}"),), indent=2, hang=4).on(self._screen)
            yield ""

    def rows(self) -> Iterator[tuple[int, str, PlanTally]]:
        """Rank, name and counts of each block; sites that share one share a row."""
        for found in self._found.values():
            yield found.rank, found.names[0] if found.count == 1 else plural(found.count, "site"), found.tally

    def _head(self, found: _Shared) -> str:
        if found.count == 1:
            return self._screen.paint(found.names[0], Style.BOLD)
        return self._screen.paint(f"Same on {found.count:,} sites ({self._which(found)})", Style.BOLD)

    def _which(self, found: _Shared) -> str:
        """The sites of a shared block: their names, or what they have in common."""
        if found.count <= MOST_NAMES:
            return ", ".join(found.names)
        labels = ", ".join(f"{key}={value}" for key, value in sorted(found.labels))
        known = labels or f"{', '.join(found.names[:3])}, …"
        return known if self._list_sites else f"{known}; list them with --sites"

    def _keep(self, lines: Sequence[Line]) -> tuple[int, int]:
        if self._text is None:
            self._text = SpooledTemporaryFile(  # noqa: SIM115 - open until all lines are shown
                IN_MEMORY, "w+", encoding="utf-8", errors="surrogatepass"
            )
            weakref.finalize(self, self._text.close)
        self._text.seek(0, 2)
        start = self._text.tell()
        for line in lines:
            for text in line.on(self._screen):
                self._text.write(f"{text.rstrip()}\n")
        return start, self._text.tell()

    def _read(self, place: tuple[int, int]) -> Iterator[str]:
        assert self._text is not None
        self._text.seek(place[0])
        while self._text.tell() < place[1]:
            yield self._text.readline().rstrip("\n")
