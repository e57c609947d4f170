"""Sites that could not be read or were refused: one line for each cause, whatever the number of sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reconciler.engine.results import SiteFailed
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.layout import Line, Span, Style
from reconciler.reporters.words import plural

MOST_NAMES: Final = 8
"""Sites of one cause that are named; the rest is counted."""


class Failures:
    """Collects failed sites by what is wrong."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._causes: dict[tuple[bool, str], tuple[list[str], list[str]]] = {}
        self._places: dict[tuple[bool, str], str] = {}
        self._counts: dict[tuple[bool, str], int] = {}
        self._most = 1_000_000 if list_sites else MOST_NAMES

    def add(self, failed: SiteFailed) -> None:
        """One site more, with each of its problems."""
        for problem in failed.problems:
            key = (failed.refused, cause(problem))
            names, requests = self._causes.setdefault(key, ([], []))
            self._counts[key] = self._counts.get(key, 0) + 1
            self._places.setdefault(key, f"{problem.place}: " if problem.place else "")
            if len(names) < self._most:
                names.append(failed.name)
            if problem.request_id and len(requests) < 1:
                requests.append(problem.request_id)

    def lines(self) -> Iterator[Line]:
        """`! 2 sites failed   403 ...: store-017, store-090`, refused ones last."""
        for refused, why in sorted(self._causes, key=lambda key: key[0]):
            names, requests = self._causes[refused, why]
            count = self._counts[refused, why]
            what = "refused" if refused else "failed"
            head = f"! {names[0]} {what}" if count == 1 else f"! {plural(count, 'site')} {what}"
            more = f" and {plural(count - len(names), 'more site', 'more sites')}" if count > len(names) else ""
            where = self._places[refused, why] if count == 1 else ""
            spans = [Span(head, Style.YELLOW if refused else Style.RED), Span(where + why)]
            if count > 1:
                spans.append(Span(f"sites: {', '.join(names)}{more}"))
            if requests:
                spans.append(Span(f"(request id {requests[0]})", Style.DIM))
            yield Line(tuple(spans), hang=4)

    def __bool__(self) -> bool:
        return bool(self._causes)
