"""Sites that could not be read or were refused: each cause once, whatever the number of sites."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import ALL_SITES
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural
from reconciler.planner.actions import COUNTING
from reconciler.reporters.diagnostics import particulars, reason, refused_line
from reconciler.reporters.layout import Line, Span, Style, subject_line
from reconciler.reporters.plan_text import still_going_out_lines
from reconciler.reporters.problems import for_any_site
from reconciler.reporters.totals import fix_line
from reconciler.reporters.varied import Varied, without_numbers
from reconciler.state.errors import of_any_site

MOST_NAMES: Final = 8
"""How many sites of one cause are named; the rest are counted."""


def unseen_lines(failed: SiteFailed) -> Iterator[Line]:
    """What goes out at a site that could not be worked on, as far as is known: unwanted posts first."""
    for going_out in failed.unseen.going_out:
        yield from still_going_out_lines(going_out.post, going_out.zone, failed.name)
    for problem in failed.unseen.waiting:
        yield subject_line("!", Style.YELLOW, "not looked at", Span(f"{failed.name}: {problem.message}"))
        yield fix_line(problem.fix)


def refusal_lines(refusals: Iterable[Diagnostic], *, list_sites: bool) -> Iterator[Line]:
    """Why a run as a whole is refused: its limits first, then what concerns sites, once for all of them."""
    of_sites = Failures(list_sites=list_sites)
    for refusal in refusals:
        if (address := refusal.address) is not None and address != ALL_SITES:
            of_sites.add(SiteFailed(address.site, (for_any_site(refusal),), refused=True))
            continue
        yield Line((Span("! refused", Style.RED), Span(refusal.message), Span(f"fix: {refusal.fix}")))
    yield from of_sites.lines()


class _Cause:
    """What is kept about one cause: how many sites it stops, some of their names, and one problem as an example.

    `has_places`: not all sites have the problem in the same place.
    """

    __slots__ = ("count", "example", "has_places", "names", "what")

    def __init__(self, example: Diagnostic, what: str) -> None:
        self.example = example
        self.what = Varied(what)
        self.has_places = False
        self.count = 0
        self.names: list[str] = []


class Failures:
    """Collects failed sites by what is wrong."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._causes: dict[tuple[bool, str, str], _Cause] = {}
        self.sites = 0
        self.count = 0
        """How many problems they have."""
        self._unseen: list[Line] = []
        self._most = 1_000_000 if list_sites else MOST_NAMES

    def add(self, failed: SiteFailed) -> None:
        """Adds a site with each of its problems."""
        self._unseen += unseen_lines(failed)
        self.sites += 1
        self.count += len(failed.problems)
        for problem in failed.problems:
            shared = of_any_site(problem)
            what = shared.cause.removeprefix(f"{failed.name}: ")
            counts = problem.code in COUNTING
            key = (failed.refused, without_numbers(what) if counts else what, shared.fix)
            if (found := self._causes.get(key)) is None:
                found = self._causes[key] = _Cause(problem, what)
            elif counts:
                found.what.add(Varied(what))
            found.count += 1
            found.has_places |= problem.place != found.example.place
            if len(found.names) < self._most:
                found.names.append(failed.name)

    def lines(self) -> Iterator[Line]:
        """What goes out unwanted and what is waiting unseen, then the causes.

        `! 2 sites failed   access was refused`, what to do, and which sites; refused ones last.
        """
        yield from self._unseen
        for (refused, _, fix), found in sorted(self._causes.items(), key=lambda item: item[0][0]):
            word = "refused" if refused else "failed"
            head = f"! {found.names[0]} {word}" if found.count == 1 else f"! {plural(found.count, 'site')} {word}"
            what = str(found.what)
            if found.count == 1 and (found.example.place or found.example.shared is not ABSENT):
                what, fix = reason(replace(found.example, fix="")), found.example.fix
            last = particulars(found.example)
            if found.has_places and found.example.place:
                last = ", ".join(part for part in (f"such as {found.example.place}", last) if part)
            rest = (Span(f"({last})", Style.DIM),) if last else ()
            first: tuple[Span, ...] = (Span(head, Style.YELLOW if refused else Style.RED), Span(what))
            if fix:
                yield Line(first, hang=4)
                first = (Span(f"fix: {fix}"),)
            if found.count == 1:
                yield Line((*first, *rest), indent=4 if fix else 0, hang=6)
                continue
            yield Line(first, indent=4 if fix else 0, hang=6)
            more = found.count - len(found.names)
            names = ", ".join(found.names) + (f" and {plural(more, 'more site')}" if more else "")
            yield Line((Span(f"sites: {names}"), *rest), indent=4, hang=6)

    @property
    def first(self) -> Diagnostic | None:
        """The first problem of the first site."""
        return next((found.example for found in self._causes.values()), None)

    def refused_line(self) -> str | None:
        """`Refused: shop: ...`, or `Refused: 3 sites: ...`; for several reasons, only their number.

        None without sites.
        """
        if not self._causes:
            return None
        if self.count == 1 and self.first is not None:
            return refused_line(self.first)
        first = next(iter(self._causes.values()))
        which = first.names[0] if self.sites == 1 else plural(self.sites, "site")
        if len(self._causes) > 1:
            return f"Refused: {which}, for {len(self._causes):,} reasons (above)"
        fix = of_any_site(first.example).fix
        return f"Refused: {which}: {first.what}{f'; {fix}' if fix else ''}"

    def __bool__(self) -> bool:
        return bool(self._causes)
