"""Pieces of a comment that sites share: each is shown once, with the sites that have it, until the comment is full."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from html import escape
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.blocks import FEW_SITES, MOST_LINES, apart_from, shown_one_by_one
from reconciler.reporters.diagnostics import in_common
from reconciler.reporters.excerpt import Closing, SharedParts, joined, shared_text, totals_line
from reconciler.reporters.layout import Line, Span, inert
from reconciler.reporters.names_on_sites import MOST_TITLES, add_titles, by_frequency, names_counted
from reconciler.reporters.post_totals import names_few_sites, names_sites
from reconciler.reporters.shared_block import has_activities
from reconciler.reporters.totals import Total, add_up

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

    @property
    def first(self) -> str:
        """The name of the first site."""
        return self._names[0]

    def take(self, other: SharedSites) -> None:
        """Adds the sites of another piece."""
        self.times += other.times
        self._count += other._count
        self._names = [*self._names, *other._names][:MOST_NAMES]

    def join(self, other: SharedSites) -> None:
        """Adds what another site has of its own."""

    def piece(self) -> str:
        """Its text in the comment."""
        return self._wording(self)


class SharedProblem(SharedSites):
    """Sites with the same problem. `wording` is handed what they have in common.

    `name`: the post, if they may have the problem with different ones.
    """

    def __init__(self, said: Diagnostic, wording: Callable[[SharedSites, Diagnostic], str], name: str = "") -> None:
        super().__init__(lambda sites: wording(sites, self._said))
        self._said = said
        self._posts = Counter([name] if name else [])

    def join(self, other: SharedSites) -> None:
        """Adds another site's problem."""
        assert isinstance(other, SharedProblem)
        self._said = in_common(self._said, other._said)
        add_titles(self._posts, other._posts)

    @property
    def posts(self) -> str:
        """`"Sale" (X), "Studio" (X) and 4 more: `, the most frequent ones first; empty without posts."""
        if len(self._posts) == 1:
            return f"{next(iter(self._posts))}: "
        named = names_counted(by_frequency(self._posts), self.times, MOST_TITLES)
        return f"{named}: " if named else ""


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


class AlikeSites(SharedSites):
    """Sites whose blocks differ only in names and numbers. Each keeps its own, or, if there are many, all share one."""

    def __init__(self, own: OwnBlock, shared: SharedParts, *, list_posts: bool) -> None:
        super().__init__(lambda _: self._folded())
        self._own = {own.text: own}
        self._shared = shared.parts
        self.of_many = shared.of_many
        self._list_posts = list_posts
        self.lines = len(own.text)
        self.closing = own.closing
        self._apart = apart_from(shared.accounts, own.text)
        self._alike_apart = bool(self._apart)

    def join(self, other: SharedSites) -> None:
        """Adds another site's totals, and its block as long as each site's is shown."""
        assert isinstance(other, AlikeSites)
        totals = add_up(self._shared, other._shared)
        add_up(self.of_many, other.of_many)
        self.closing = _sum(self.closing, other.closing)
        self.lines += other.lines
        self._alike_apart = self._alike_apart and other._apart == self._apart
        for text, own in other._own.items() if self._own else ():
            if (same := self._own.setdefault(text, own)) is not own:
                same.join(own)
        has_posts = any(total.listed for total in totals.values())
        alone = shown_one_by_one(self.times, self.lines, has_posts=has_posts, list_posts=self._list_posts)
        if len(self._own) > 1 and not alone:
            self.forget()

    @property
    def _is_one(self) -> bool:
        """Whether all sites share one block, although each could have its own."""
        if len(self._own) < 2 or self.times < FEW_SITES or self._list_posts:
            return False
        return self._alike_apart or names_sites(add_up(self._shared, ()).values())

    def forget(self) -> None:
        """Forgets what is each site's own: only what they share will be shown."""
        self._own.clear()

    def absorb(self, others: Iterable[AlikeSites]) -> None:
        """Merges in sites that differ only in their activities or values."""
        for other in others:
            add_up(self.of_many, other.of_many)
            self.closing = _sum(self.closing, other.closing)
            self.take(other)
        self._shared, self.of_many = self.of_many, ()
        if not names_few_sites(add_up(self._shared, ()).values(), self.times):
            what = "activities" if has_activities(self._shared) else "values"
            self._shared = (*self._shared, Line((Span(f"(list their {what} with --sites)"),)))
        self.forget()

    def _folded(self) -> str:
        if self._own and not self._is_one:
            return "".join(own.piece() for own in self._own.values())
        return _details(f"Same on {self.words()}{_after(self.closing)}", shared_text(self._shared))


class FoldedSites(SharedSites):
    """Sites whose blocks also differ in their activities or values. If there are many, most of them share one block."""

    def __init__(self, own: OwnBlock, shared: SharedParts, *, list_posts: bool) -> None:
        super().__init__(lambda _: self._folded())
        alike = AlikeSites(own, shared, list_posts=list_posts)
        alike.add(own.name)
        self._alike = {_key_of(shared.parts or own.text): alike}
        self._lines = alike.lines
        self.key: Final = _key_of(shared.of_many or shared.parts or own.text)

    def join(self, other: SharedSites) -> None:
        """Adds another site."""
        assert isinstance(other, FoldedSites)
        self._lines += other._lines
        for key, alike in other._alike.items():
            if (known := self._alike.setdefault(key, alike)) is not alike:
                known.add(alike.first)
                known.join(alike)
            elif len(self._alike) > FEW_SITES and self._lines > MOST_LINES:
                alike.forget()

    def _folded(self) -> str:
        self._merge()
        return "".join(alike.piece() for alike in self._alike.values())

    def _merge(self) -> None:
        """Merges the sites, if they are many, but for those that are most of them and the same."""
        few = {key: alike for key, alike in self._alike.items() if alike.times * 2 <= self.times}
        if len(few) <= FEW_SITES or sum(alike.lines for alike in few.values()) <= MOST_LINES:
            return
        first, *others = few.values()
        first.absorb(others)
        self._alike = {key: alike for key, alike in self._alike.items() if alike is first or key not in few}


def _key_of(parts: Iterable[Line | Total | str]) -> bytes:
    kinds = [part if isinstance(part, Line | str) else part.kind for part in parts]
    return hashlib.sha256(repr(kinds).encode("utf-8", "replace")).digest()


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
