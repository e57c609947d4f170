"""What a run did at all its sites, as the lines at its end: worst first, and what many sites share is said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.engine.results import ApplyCompleted
from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.executor.ledger import ActionResult
from reconciler.model.address import SiteName
from reconciler.model.plurals import plural
from reconciler.model.text import spoken
from reconciler.reporters.diagnostics import shared_reason
from reconciler.reporters.failures import UNREAD
from reconciler.reporters.going_out import GoingOutPosts, kinds_of
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
    going_out_at,
    why_of,
)

if TYPE_CHECKING:
    from reconciler.planner.tally import PlanTally

MOST_ROWS: Final = 30

MOST_KINDS: Final = 3
"""If sites with the same results differ in what was done in more ways than this, what was done is left out."""


class _Row(Struct, frozen=True, gc=False):
    """A site's line. The lowest rank is the worst.

    `alike`: its problem, if any, is shown above, and equal lines may be counted. `why` is why something was not done,
    if that may be shown once for several sites; `done` is what was done, by kind. `counts`: `words` are the counts of
    its actions, so for several sites `each` follows.
    """

    rank: int
    words: str
    style: Style
    alike: bool
    why: str = ""
    done: str = ""
    counts: bool = True

    def of(self, sites: int) -> str:
        """The words for this many sites."""
        return f"{self.words} each" if self.counts and sites > 1 else self.words


def _goes_out(posts: int) -> str:
    return f"{plural(posts, 'post')} still going out"


class LedgerSummary:
    """A line for each site of a run that had something to do, worst first; the others are counted.

    If something was not done at `FEW_SITES` sites or more for the same reason, it is shown once, with their number.
    """

    def __init__(self, screen: Screen, *, list_sites: bool = False) -> None:
        self._screen = screen
        self._list_sites = list_sites
        self._rows: Counter[_Row] = Counter()
        """How many sites have each row."""
        self._named: list[tuple[str, _Row]] = []
        """The sites that may get a line of their own. There may be many thousands of others."""
        self._blocked_sites = self._blocked = 0
        self._going_out = GoingOutPosts(list_sites=list_sites)
        self._first: dict[tuple[tuple[str, str], ...], tuple[SiteName, str]] = {}

    def applied(self, applied: SiteApplied) -> SiteName | None:
        """Adds a site that was worked on. Returns an earlier one that was held up by the same cause, if any."""
        ledger = applied.ledger
        self._going_out.add(going_out_at(ledger))
        results = {entry.result for entry in ledger.entries} | ({ActionResult.UNKNOWN} if ledger.in_doubt else set())
        worst = min((WORST_FIRST.index(result) for result in results), default=len(WORST_FIRST) - 1)
        goes_out = _goes_out(len(ledger.still_going_out)) if ledger.still_going_out else ""
        words = ", ".join(part for part in (goes_out, counts(ledger)) if part)
        rank = -1 if goes_out else 0 if ledger.error else worst
        alike = not (goes_out or ledger.error or results - {ActionResult.DONE, ActionResult.WITHHELD, *CUT_SHORT})
        first, why = self._before(applied.name, causes_of(ledger), why_of(ledger))
        if goes_out or results - {ActionResult.DONE, ActionResult.WITHHELD, *NOT_DONE, *CUT_SHORT}:
            why = ""
        style = RESULT_STYLES[WORST_FIRST[max(rank, 0)]]
        alike |= bool(goes_out and first and not ledger.error)
        self._add(applied.name, _Row(rank, words, style, alike, why, done_in(ledger)))
        return first

    def failed(self, failed: SiteFailed, *, planned: bool) -> SiteName | None:
        """Adds a site that could not be worked on, or not even planned; the reason is shown above.

        Returns an earlier site that failed in the same way, if there is one.
        """
        posts = len(failed.unseen.going_out)
        word = "refused" if failed.refused else "failed" if planned else UNREAD
        why = shared_reason(failed.problem)
        if planned:
            self._going_out.add(failed.unseen.going_out)
        causes = ((word, why), *(("post", kind) for kind in sorted(kinds_of(failed.unseen.going_out))))
        first, why = self._before(failed.name, causes, why)
        why = why if planned and not (failed.refused or posts) else ""
        words, rank = (f"{_goes_out(posts)}, {word}", -1) if posts else (word, 1 if failed.refused else 0)
        alike = word != "failed" or bool(posts and first)
        self._add(failed.name, _Row(rank, words, Style.RED, alike, why, counts=False))
        return first

    def _before(self, name: SiteName, causes: tuple[tuple[str, str], ...], why: str) -> tuple[SiteName | None, str]:
        """An earlier site with these causes, and the text that all such sites share."""
        if not causes:
            return None, ""
        first, shared = self._first.setdefault(causes, (name, why))
        return (None if first == name or self._list_sites else first), shared

    def refused(self, name: str, going_out: int) -> None:
        """Adds a site whose own plan a guard refuses, and on which this many unwanted posts still go out."""
        words = f"{_goes_out(going_out)}, refused" if going_out else "refused"
        self._add(name, _Row(-1 if going_out else 1, words, Style.RED, alike=not going_out, counts=False))

    def idle(self, tally: PlanTally) -> None:
        """Adds a site with nothing to do, which may have blocked items. One with more to say has a row of its own."""
        if tally.blocked and not (tally.still_going_out or tally.in_doubt):
            self._blocked_sites += 1
            self._blocked += tally.blocked

    def _add(self, name: str, row: _Row) -> None:
        self._rows[row] += 1
        if self._list_sites or not row.alike or self._rows[row] < FEW_SITES:
            self._named.append((name, row))

    def lines(self, completed: ApplyCompleted) -> Iterator[str]:
        """All rows, and how many sites had nothing to do. Sites beyond a screenful, or alike, are counted."""
        for line in self._going_out.shared_lines():
            yield from line.on(self._screen)
        rows = sorted(self._rows.items(), key=lambda counted: counted[0].rank)
        by_why: dict[str, list[tuple[_Row, int]]] = {}
        for row, count in () if self._list_sites else rows:
            if row.why:
                by_why.setdefault(row.why, []).append((row, count))
        causes = {why: same for why, same in by_why.items() if sum(count for _, count in same) >= FEW_SITES}
        rows = [(row, count) for row, count in rows if row.why not in causes]
        often: Counter[str] = Counter()
        for row, count in () if self._list_sites else rows:
            often[row.words] += count if row.alike else 0
        together = {row for row, _ in rows if row.alike and often[row.words] >= FEW_SITES}
        alone = [named for named in self._named if named[1].why not in causes and named[1] not in together]
        alone.sort(key=lambda named: named[1].rank)
        shown = alone if self._list_sites else alone[:MOST_ROWS]
        rest = Counter(row for _, row in alone[len(shown) :])
        rest.update({row: count for row, count in rows if row in together})
        kinds: dict[str, set[str]] = {}
        for row in rest:
            kinds.setdefault(row.words, set()).add(row.done)
        numbers: Counter[_Row] = Counter()
        names = {row: name for name, row in self._named}
        only: dict[_Row, str] = {}
        for row, count in rest.items():
            done = row.done if len(kinds[row.words]) <= MOST_KINDS else ""
            shared = replace(row, rank=min(row.rank, 0), alike=True, why="", done=done)
            numbers[shared] += count
            only[shared] = names.get(row, "")
        what = "more site" if shown else "site"
        counted = [(only[row] if n == 1 else plural(n, what), row, row.of(n), row.done) for row, n in numbers.items()]
        brief = self._rows.total() >= FEW_SITES  # otherwise each action has had a line above
        found = [*((name, row, row.words, row.done if brief else "") for name, row in shown), *counted]
        widest = max((len(name) for name, *_ in found), default=0)
        urgent: list[Line] = []
        others: list[Line] = []
        for name, row, words, done in found:
            details = (Span(done, Style.DIM),) if done else ()
            line = Line((Span(f"  {name:<{widest}}"), Span(words, row.style), *details), hang=6)
            (urgent if row.rank < 0 else others).append(line)
        for line in (*urgent, *_cause_lines(causes), *others):
            yield from line.on(self._screen)
        if sites := self._blocked_sites:
            yield self._screen.paint(f"  {plural(sites, 'site')} with only blocked items ({self._blocked:,})")
        if idle := completed.plan.sites - self._rows.total() - self._blocked_sites:
            yield self._screen.paint(f"  {plural(idle, 'site')} with nothing to do", Style.DIM)


def _cause_lines(causes: Mapping[str, Sequence[tuple[_Row, int]]]) -> Iterator[Line]:
    """`7 sites  2 failed each  the server failed`: why something was not done on many sites."""
    for why, same in causes.items():
        first, sites = same[0][0], sum(count for _, count in same)
        worst = spoken(WORST_FIRST[max(first.rank, 0)])
        words = first.of(sites) if len({row.words for row, _ in same}) == 1 else worst
        yield Line((Span(f"  {plural(sites, 'site')}"), Span(words, first.style), Span(why)), hang=6)
