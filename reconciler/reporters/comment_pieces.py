"""Pieces of a comment that sites share: each is shown once, with the sites that have it, until the comment is full."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from html import escape
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.blocks import shown_one_by_one
from reconciler.reporters.diagnostics import in_common
from reconciler.reporters.excerpt import Closing, joined, shared_text, totals_line
from reconciler.reporters.layout import Line, inert
from reconciler.reporters.totals import Total

MOST_NAMES: Final = 3
"""How many sites are named if many share a problem or a change."""

MOST_NUMBERS: Final = 5
"""How many lines may say what sites publish or throw away, one per set of numbers; beyond that, a total."""


class SharedSites:
    """The sites that share a piece: how many, the names of the first few, and how many times they have it in total."""

    def __init__(self, wording: Callable[[SharedSites], str]) -> None:
        self.times = 0
        self._count = 0
        self._names: list[str] = []
        self._last = ""
        self._wording = wording

    def add(self, name: str) -> None:
        """Counts a piece once more. All pieces of a site are added in a row."""
        self.times += 1
        if self._count and name == self._last:
            return
        self._count += 1
        self._last = name
        if len(self._names) < MOST_NAMES:
            self._names.append(name)

    def words(self, thing: str = "site") -> str:
        """`janes-pottery`, or `210 sites (a, b, c, …)`; if one site has it several times, that is counted."""
        names = ", ".join(map(code, self._names))
        if self._count == 1:
            return names if self.times == 1 else f"{names} ({self.times:,} times)"
        return f"{self._count:,} {thing}s ({names}{', …' if self._count > len(self._names) else ''})"

    def join(self, other: SharedSites) -> None:
        """Adds what another site has of its own."""

    def piece(self) -> str:
        """Its text in the comment."""
        return self._wording(self)


class SharedProblem(SharedSites):
    """Sites with the same problem. `wording` is handed what they have in common."""

    def __init__(self, said: Diagnostic, wording: Callable[[SharedSites, Diagnostic], str]) -> None:
        super().__init__(lambda sites: wording(sites, self._said))
        self._said = said

    def join(self, other: SharedSites) -> None:
        """Adds another site's problem."""
        assert isinstance(other, SharedProblem)
        self._said = in_common(self._said, other._said)


class Risks(SharedSites):
    """Sites that publish or discard drafts: those with the same numbers together; if they differ a lot, only totals."""

    def __init__(self, name: str, counts: Mapping[str, int]) -> None:
        super().__init__(lambda _: self._listed())
        self._name = name
        self._total = Counter(counts)
        self._numbers = _counted(counts)
        alike = SharedSites(lambda sites: _risk(sites, _counted(counts) + (" each" if sites.times > 1 else "")))
        alike.add(name)
        self._alike = {self._numbers: alike}

    def join(self, other: SharedSites) -> None:
        """Adds another site's numbers."""
        assert isinstance(other, Risks)
        self._total += other._total
        if not self._alike:
            return
        if (alike := self._alike.get(other._numbers)) is not None:
            alike.add(other._name)
        else:
            self._alike |= other._alike
        if len(self._alike) > MOST_NUMBERS:
            self._alike.clear()

    def _listed(self) -> str:
        if self._alike:
            return "".join(alike.piece() for alike in self._alike.values())
        return _risk(self, f"{_counted(self._total)} in total")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in counts.items())


def _risk(sites: SharedSites, words: str) -> str:
    return f"<li>📣 {sites.words()} {words}</li>\n"


class OwnBlock(SharedSites):
    """A site's block. Sites with the same text share it."""

    def __init__(self, name: str, lines: Sequence[str], closing: Closing | None) -> None:
        super().__init__(lambda _: self._folded())
        self.add(name)
        self.name = name
        self.closing = closing
        self._lines = lines
        body = _without_ending(lines, closing) if closing else lines
        self.text = tuple(line.replace(f"? {name}: ", "? ", 1) for line in body if line != name)

    def join(self, other: SharedSites) -> None:
        """Adds another site with the same text."""
        assert isinstance(other, OwnBlock)
        self.add(other.name)
        self.closing = _sum(self.closing, other.closing)

    def _folded(self) -> str:
        if self.times > 1:
            return _details(f"Same on {self.words()}{_after(self.closing)}", self.text)
        last = self._lines[-1] if self.closing and self._lines else ""
        ending = (last.partition(": ")[2] or last).removeprefix(f"{self.name}: ").removeprefix(f"{self.name}/")
        return _details(code(f"{self.name}: {ending}" if ending else self.name), self._lines)


class FoldedSites(SharedSites):
    """Sites whose blocks differ only in names and numbers. Each keeps its own, or, if there are many, all share one."""

    def __init__(self, own: OwnBlock, shared: Sequence[Line | Total], *, list_posts: bool) -> None:
        super().__init__(lambda _: self._folded())
        self._own = {own.text: own}
        self._shared = shared
        self._list_posts = list_posts
        self._lines = len(own.text)
        self._closing = own.closing
        kinds = [part if isinstance(part, Line) else part.kind for part in shared]
        self.key: Final = hashlib.sha256(repr(kinds or own.text).encode("utf-8", "replace")).digest()

    def join(self, other: SharedSites) -> None:
        """Adds another site's totals, and its block as long as each site's is shown."""
        assert isinstance(other, FoldedSites)
        totals = {part.kind: part for part in self._shared if not isinstance(part, Line)}
        for part in other._shared:
            if not isinstance(part, Line):
                totals[part.kind].add(part)
        self._closing = _sum(self._closing, other._closing)
        self._lines += other._lines
        for text, own in other._own.items() if self._own else ():
            if (same := self._own.setdefault(text, own)) is not own:
                same.join(own)
        has_posts = any(total.listed for total in totals.values())
        alone = shown_one_by_one(self.times, self._lines, has_posts=has_posts, list_posts=self._list_posts)
        if len(self._own) > 1 and not alone:
            self._own.clear()

    def _folded(self) -> str:
        if self._own:
            return "".join(own.piece() for own in self._own.values())
        return _details(f"Same on {self.words()}{_after(self._closing)}", shared_text(self._shared))


def _without_ending(lines: Sequence[str], closing: Closing) -> Sequence[str]:
    """A site's lines without its totals, and without the refusal below them, which is also above its changes."""
    totals = totals_line(closing)
    return lines[: lines.index(totals) if totals in lines else -1]


def _sum(one: Closing | None, other: Closing | None) -> Closing | None:
    return joined(one, other) if one and other else None


def _after(closing: Closing | None) -> str:
    """The totals of several sites, after their names."""
    totals = totals_line(closing) if closing else ""
    return escape(f": {totals.partition(': ')[2] or totals}") if totals else ""


def _details(title: str, lines: Iterable[str]) -> str:
    inner = "\n".join(escape(inert(line)) for line in lines)
    return f"<details><summary>{title}</summary>\n<pre>\n{inner}\n</pre>\n</details>\n"


class Section:
    """Keeps the first pieces, each with the sites that share it, and counts the rest."""

    def __init__(self, most: int) -> None:
        self._room = most
        self._found: dict[Hashable, SharedSites] = {}
        self._more = 0

    def add(self, key: Hashable, name: str, site: SharedSites) -> None:
        """Keeps a site's piece if it and all before it fit; the first piece that does not ends the list."""
        found = self._found.get(key)
        if found is not None:
            found.add(name)
            found.join(site)
            return
        site.add(name)
        if self._more or len(site.piece()) > self._room:
            self._more += 1
            return
        self._room -= len(site.piece())
        self._found[key] = site

    def within(self, room: int) -> tuple[str, int]:
        """The pieces that fit, and how many were left out, each counted as often as sites have it."""
        pieces: list[str] = []
        left = self._more
        full = False
        for found in self._found.values():
            piece = found.piece()
            full = full or len(piece) > room
            if full:
                left += found.times
                continue
            room -= len(piece)
            pieces.append(piece)
        return "".join(pieces), left


def code(text: str) -> str:
    """A text of one line that is shown as it is."""
    return f"<code>{escape(inert(text))}</code>"
