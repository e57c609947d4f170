"""What a run did at all its sites, as the lines at its end: worst first, and what many sites share is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from reconciler.engine.results import ApplyCompleted
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.executor.ledger import ActionResult
from reconciler.model.address import SiteName
from reconciler.model.plurals import plural
from reconciler.model.text import spoken
from reconciler.reporters.diagnostics import shared_reason
from reconciler.reporters.layout import Line, Screen, Span, Style
from reconciler.reporters.ledger_text import (
    CUT_SHORT,
    FEW_SITES,
    NOT_DONE,
    RESULT_STYLES,
    WORST_FIRST,
    causes_of,
    counts,
    done_in,
    why_of,
)

MOST_ROWS: Final = 30

MOST_KINDS: Final = 3
"""If sites with the same results differ in what was done in more ways than this, it is left out."""


class _Row(Struct, frozen=True, gc=False):
    """A site's line, worst ranks first. `alike`: its problem, if any, is shared with other sites and shown above.

    `why` is why something was not done, if that may be shown once for several sites; `done` is what was done, by kind.
    """

    rank: int
    words: str
    style: Style
    alike: bool
    why: str = ""
    done: str = ""


class LedgerSummary:
    """A line for each site of a run that had something to do, worst first; the others are counted.

    If something was not done at `FEW_SITES` sites or more for the same reason, it is shown once, with their number.
    """

    def __init__(self, screen: Screen, *, list_sites: bool = False) -> None:
        self._screen = screen
        self._list_sites = list_sites
        self._names: list[str] = []
        self._rows: list[_Row] = []
        """The row of each of these sites."""
        self._known: dict[_Row, _Row] = {}
        """Each row only once: many sites have the same."""
        self._first: dict[tuple[tuple[str, str], ...], tuple[SiteName, str]] = {}

    def applied(self, applied: SiteApplied) -> SiteName | None:
        """Adds a site that was worked on. Returns an earlier one with the same cause of what was not done, if any."""
        ledger = applied.ledger
        results = {entry.result for entry in ledger.entries}
        worst = min((WORST_FIRST.index(result) for result in results), default=len(WORST_FIRST) - 1)
        goes_out = plural(len(ledger.still_going_out), "post") + " still going out" if ledger.still_going_out else ""
        words = ", ".join(part for part in (goes_out, counts(ledger)) if part)
        rank = -1 if goes_out else 0 if ledger.error else worst
        alike = not (goes_out or ledger.error or results - {ActionResult.DONE, ActionResult.WITHHELD, *CUT_SHORT})
        first, why = self._before(applied.name, causes_of(ledger), why_of(ledger))
        if goes_out or results - {ActionResult.DONE, ActionResult.WITHHELD, *NOT_DONE, *CUT_SHORT}:
            why = ""
        style = RESULT_STYLES[WORST_FIRST[max(rank, 0)]]
        self._add(applied.name, _Row(rank, words, style, alike, why, done_in(ledger)))
        return first

    def failed(self, failed: SiteFailed, *, planned: bool) -> SiteName | None:
        """Adds a site that could not be worked on, or not even planned; the reason is shown above.

        Returns an earlier site that failed in the same way, if there is one.
        """
        word = "refused" if failed.refused else "failed" if planned else "could not be planned"
        why = shared_reason(failed.problem)
        first, why = self._before(failed.name, ((word, why),), why)
        why = why if planned and not failed.refused else ""
        self._add(failed.name, _Row(1 if failed.refused else 0, word, Style.RED, word != "failed", why))
        return first

    def _before(self, name: SiteName, causes: tuple[tuple[str, str], ...], why: str) -> tuple[SiteName | None, str]:
        """An earlier site with these causes, and the text that all such sites share."""
        if not causes:
            return None, ""
        first, shared = self._first.setdefault(causes, (name, why))
        return (None if first == name or self._list_sites else first), shared

    def refused(self, name: str) -> None:
        """Adds a site whose own plan a guard refuses."""
        self._add(name, _Row(1, "refused", Style.RED, alike=True))

    def _add(self, name: str, row: _Row) -> None:
        self._names.append(name)
        self._rows.append(self._known.setdefault(row, row))

    def lines(self, completed: ApplyCompleted) -> Iterator[str]:
        """All rows, and how many sites had nothing to do. Sites beyond a screenful, or alike, are counted."""
        rows = sorted(zip(self._names, self._rows, strict=True), key=lambda named: named[1].rank)
        whys = {} if self._list_sites else Counter(row.why for _, row in rows if row.why)
        causes: dict[str, list[_Row]] = {why: [] for why, count in whys.items() if count >= FEW_SITES}
        for _, row in rows:
            if row.why in causes:
                causes[row.why].append(row)
        for why, same in causes.items():
            worst = spoken(WORST_FIRST[max(same[0].rank, 0)])
            words = same[0].words if len({row.words for row in same}) == 1 else worst
            spans = (Span(f"  {plural(len(same), 'site')}"), Span(words, same[0].style), Span(why))
            yield from Line(spans, hang=6).on(self._screen)
        rows = [(name, row) for name, row in rows if row.why not in causes]
        often = Counter(row.words for _, row in rows if row.alike and not self._list_sites)
        alike = [row for _, row in rows if row.alike and often[row.words] >= FEW_SITES]
        alone = [(name, row) for name, row in rows if not row.alike or often[row.words] < FEW_SITES]
        shown = alone if self._list_sites else alone[:MOST_ROWS]
        kinds: dict[str, set[str]] = {}
        for row in (rest := (*(row for _, row in alone[len(shown) :]), *alike)):
            kinds.setdefault(row.words, set()).add(row.done)
        together = Counter(
            (row.words, row.style, row.done if len(kinds[row.words]) <= MOST_KINDS else "") for row in rest
        )
        what = "more site" if shown else "site"
        counted = [(plural(n, what), words, style, done) for (words, style, done), n in together.items()]
        found = [*((name, row.words, row.style, "") for name, row in shown), *counted]
        widest = max((len(name) for name, *_ in found), default=0)
        for name, words, style, done in found:
            details = (Span(done, Style.DIM),) if done else ()
            yield from Line((Span(f"  {name:<{widest}}"), Span(words, style), *details), hang=6).on(self._screen)
        if idle := completed.plan.sites - len(self._rows):
            yield self._screen.paint(f"  {plural(idle, 'site')} with nothing to do", Style.DIM)
