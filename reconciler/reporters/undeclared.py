"""The undeclared sites in one line of a report that is apart from stderr, which has a warning about each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural, some_of
from reconciler.reporters.layout import Line, Screen, Span, Style

UNDECLARED: Final = "undeclared-site"
GOES_OUT: Final = "still-going-out"

MOST_NAMED: Final = 3


class UndeclaredSites:
    """Counts undeclared sites, and the posts that are still scheduled there, from the notices about them."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._most = 1_000_000 if list_sites else MOST_NAMED
        self._names: list[str] = []
        self._posts = 0

    def add(self, notice: Diagnostic) -> None:
        """Counts a notice if it is about an undeclared site or one of its posts."""
        address = notice.address
        if address is None:
            return
        if notice.code == UNDECLARED:
            self._names.append(address.site)
        self._posts += notice.code == GOES_OUT and address.kind is Kind.DRAFT

    def lines(self, screen: Screen) -> Iterator[str]:
        """`! 400 posts are still scheduled on 100 undeclared sites (in the state, but in no file): a, b and 98 more`.

        With an empty line after it.
        """
        if not self._names:
            return
        posts = f"{plural(self._posts, 'post is', 'posts are')} still scheduled on " if self._posts else ""
        sites = plural(len(self._names), "undeclared site")
        text = f"! {posts}{sites} (in the state, but in no file): {some_of(self._names, self._most)}"
        yield from Line((Span(text, Style.YELLOW),), hang=4).on(screen)
        yield ""
