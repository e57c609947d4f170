"""The names of drafts and posts in lines about many of them: those of each of a few sites, or the most frequent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.model.plurals import plural
from reconciler.reporters.layout import LEFT, Line, Span, Style
from reconciler.reporters.values import quoted

MOST_TITLES: Final = 5
"""How many titles are named, of the posts of a day or of blocked or discarded drafts; the others are counted."""

MOST_SITES: Final = 10
"""On this many sites or fewer, blocked or discarded drafts are named site by site."""

KEPT_TITLES: Final = 1_000
"""How many of these titles are counted one by one, so that memory does not grow with the number of sites."""


class NamesOnSites:
    """The names of things on several sites: those of each site on few sites, or else the most frequent ones."""

    __slots__ = ("_alone", "_site", "_sites", "all")

    def __init__(self, site: str, names: Counter[str], shown: str) -> None:
        """The names of a site's things, and how its own lines show them."""
        self.all = names
        self._site, self._alone = site, True
        self._sites = {site: shown} if shown else {}

    def show(self, site: str, shown: str) -> None:
        """Names all things of a site at once."""
        self._sites[site] = shown

    def add(self, other: NamesOnSites) -> None:
        """Adds those of another site, or others of the same one."""
        add_titles(self.all, other.all)
        self._alone = self._alone and other._alone and self._site == other._site
        for site, shown in other._sites.items() if len(self._sites) <= MOST_SITES else ():
            known = self._sites.get(site)
            self._sites[site] = f"{known}; {shown}" if known else shown

    @property
    def sites(self) -> int:
        """How many sites the lines name: none if there is only one, or if many have names."""
        return 0 if self._alone or len(self._sites) > MOST_SITES else len(self._sites)

    def on_each_site(self, style: Style = Style.PLAIN) -> Iterator[Line]:
        """`shop-a: "Sale" (Facebook), "Studio" (Instagram) and 3 more`: a line for each of a few sites."""
        for site, shown in self._sites.items() if self.sites else ():
            yield Line((Span(f"{site}: {shown}", style),), indent=LEFT + 6, hang=LEFT + 8)

    def lines(self, total: int, style: Style = Style.PLAIN) -> Iterator[Line]:
        """The names on each site, or the most frequent ones of a `total` of things; no line without names."""
        if self.sites:
            yield from self.on_each_site(style)
        elif named := names_counted(by_frequency(self.all), total, MOST_TITLES):
            yield names_line(named, style)


def add_titles(titles: Counter[str], others: Counter[str]) -> None:
    """Adds how often each title occurs; beyond KEPT_TITLES, new ones are left out."""
    for title, count in others.items():
        if title in titles or len(titles) < KEPT_TITLES:
            titles[title] += count


def most_frequent(titles: Counter[str], total: int, thing: str) -> str:
    """`"Winter check" (14 posts), "Open studio" and 402 more posts`; the most frequent titles come first."""
    return titles_counted(by_frequency(titles), total, MOST_TITLES, thing)


def by_frequency(titles: Counter[str]) -> list[tuple[str, int]]:
    """The most frequent titles come first."""
    return sorted(titles.items(), key=lambda item: (-item[1], item[0]))


def names_counted(names: Iterable[tuple[str, int]], total: int, most: int) -> str:
    """`"Sale" (X) twice, "Winter check" (Facebook) and 4 more`: the first `most` names; empty without names.

    `names` are pairs of a name and how often it occurs. `total` is the number of all things.
    """
    shown = [*names][:most]
    rest = total - sum(count for _, count in shown)
    named = ", ".join(f"{name}{_times(count)}" for name, count in shown)
    return f"{named}{f' and {rest:,} more' if named and rest else ''}"


def names_line(names: str, style: Style = Style.PLAIN) -> Line:
    """A line of names below the line that they belong to."""
    return Line((Span(names, style),), indent=LEFT + 4, hang=LEFT + 6)


def _times(count: int) -> str:
    """How often a name occurs, for use after it; empty if it occurs only once."""
    return {1: "", 2: " twice"}.get(count, f" {count:,} times")


def titles_counted(titles: Iterable[tuple[str, int]], total: int, most: int, thing: str) -> str:
    """`"Winter check" (2 drafts), "Open studio" and 4 more drafts`: the first `most` titles, then the number of others.

    `titles` are pairs of a title and how many things have it; those without one are only counted. `total` is the
    number of all things.
    """
    shown = [(title, count) for title, count in titles if title][:most]
    rest = total - sum(count for _, count in shown)
    names = [quoted(title) + (f" ({plural(count, thing)})" if count > 1 else "") for title, count in shown]
    if not names:
        return plural(rest, thing)
    return ", ".join(names) + (f" and {plural(rest, f'more {thing}')}" if rest else "")
