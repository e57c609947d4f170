"""Sites that could not be read or were refused: each cause once, whatever the number of sites."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import ALL_SITES, SiteName
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import NOT_REVIEWED, Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural
from reconciler.planner.actions import COUNTING, RefusedBy, StillGoingOut
from reconciler.planner.left_out import APPROVALS_UNKNOWN
from reconciler.planner.unseen import Due
from reconciler.reporters.diagnostics import (
    for_any_site,
    in_common,
    particulars,
    particulars_of_one,
    reason,
    refused_line,
)
from reconciler.reporters.going_out import LIST_POSTS, GoingOutPosts, by_cause, going_out_lines
from reconciler.reporters.layout import Line, Screen, Span, Style, outside, subject_line
from reconciler.reporters.problem_items import cause_key
from reconciler.reporters.totals import fix_line
from reconciler.reporters.varied import Varied

UNREAD: Final = "could not be read"
"""The words for a site that has no plan, as in the last lines."""

MOST_NAMES: Final = 8
"""How many sites of one cause are named; the rest are counted."""


FEW_SITES: Final = 5
"""On this many sites or more, posts that could not be checked are counted after the causes, and not named."""


def unseen_lines(failed: SiteFailed, *, unwanted: bool = True) -> Iterator[Line]:
    """What goes out at a site that could not be worked on, as far as is known: unwanted posts first.

    Without `unwanted`, these are left out, because they are shown elsewhere.
    """
    zones: dict[str, list[StillGoingOut]] = {}
    for found in failed.unseen.going_out if unwanted else ():
        zones.setdefault(found.zone, []).append(found.post)
    for zone, posts in zones.items():
        for same in by_cause(posts, zone):
            yield from going_out_lines(same, zone, failed.name)
    yield from _waiting_lines(failed)


def _waiting_lines(failed: SiteFailed) -> Iterator[Line]:
    for problem in failed.unseen.waiting:
        yield subject_line("!", Style.YELLOW, "not looked at", Span(f"{failed.name}: {problem.message}"))
        yield fix_line(problem.fix)


def refusal_lines(refusals: Iterable[Diagnostic], *, list_sites: bool) -> Iterator[Line]:
    """Why a run as a whole is refused: its limits first, then what concerns sites, once for all of them."""
    of_sites = Failures(list_sites=list_sites)
    for refusal in refusals:
        if (address := refusal.address) is not None and address != ALL_SITES:
            of_sites.add(SiteFailed(address.site, (refusal,), refused=True))
            continue
        yield Line((Span("! refused", Style.RED), Span(refusal.message), Span(f"fix: {refusal.fix}")))
    yield from of_sites.lines()


class _Unchecked:
    """The posts that could not be checked on many sites: how many, on how many sites, and where the first is due."""

    def __init__(self) -> None:
        self._posts = self._sites = self._unsure = 0
        self._first: tuple[Due, SiteName] | None = None

    def add(self, failed: SiteFailed) -> None:
        """Adds a site."""
        self._posts += failed.unseen.count
        self._unsure += failed.unseen.unsure
        self._sites += 1
        due = failed.unseen.first
        if due is not None and (self._first is None or due.at < self._first[0].at):
            self._first = due, failed.name

    @property
    def text(self) -> str:
        """`1,338 scheduled posts on 223 sites can't be checked; the first is due ...`."""
        text = f"{plural(self._posts, 'scheduled post')} on {plural(self._sites, 'site')} can't be checked"
        if self._unsure:
            text += f" ({self._unsure:,} of them may not be scheduled)"
        if self._first is not None:
            due, site = self._first
            text += f"; the first is due {moment_text(due.at, due.zone, exact=due.exact)} on {site}"
        return text


TYPED_APART: Final = frozenset({APPROVALS_UNKNOWN, RefusedBy.STRICT})
"""The codes of problems that need a separate command for each site, with names or ids that nothing else shows."""


class _Cause:
    """What is kept about one cause: how many sites it stops, some of their names, and one problem as an example.

    `said` is what their problems have in common; `ranges`, if only numbers differ, has these. `has_places`: not all
    sites have the problem in the same place. For codes in TYPED_APART, `each` has the first sites one by one.
    """

    __slots__ = ("count", "each", "example", "has_places", "names", "posts", "ranges", "said", "unchecked")

    def __init__(self, example: Diagnostic, said: Diagnostic, ranges: Varied | None) -> None:
        self.example, self.said = example, said
        self.ranges = ranges
        self.has_places = False
        self.count = 0
        self.names: list[str] = []
        self.unchecked = _Unchecked()
        self.posts: list[tuple[str, str]] = []
        """If the sites are few, the posts that only this cause keeps from being checked."""
        self.each: list[_Cause] = []

    def add(self, failed: SiteFailed, problem: Diagnostic, most_names: int, most_posts: int) -> None:
        """Adds a site."""
        self.count += 1
        self.has_places |= problem.place != self.example.place
        if len(self.names) < most_names:
            self.names.append(failed.name)
        if problem.code == APPROVALS_UNKNOWN:
            self.add_unseen(failed, most_posts)

    def add_unseen(self, failed: SiteFailed, most: int) -> None:
        """Adds the posts that only this cause keeps from being checked."""
        for problem in failed.unseen.waiting:
            self.unchecked.add(failed)
            self.posts = [*self.posts[:most], (failed.name, problem.message)]

    def unseen_lines(self, most: int) -> Iterator[Line]:
        """These posts: by name if the sites are few, otherwise their number and when the first is due."""
        if len(self.posts) > most:
            yield Line((Span(self.unchecked.text), Span(LIST_POSTS, Style.DIM)), indent=4, hang=6)
            return
        for name, posts in self.posts:
            yield Line((Span(posts if self.count == 1 else f"{name}: {posts}"),), indent=4, hang=6)

    @property
    def what(self) -> str:
        """What is wrong; at a single site, also where."""
        if self.count == 1:
            return reason(replace(self.said, fix=""))
        return self.said.cause if self.ranges is None else self.ranges.message

    @property
    def fix(self) -> str:
        """What to do."""
        return self.said.fix if self.count == 1 or self.ranges is None else self.ranges.fix


class Failures:
    """Collects failed sites by what is wrong."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._causes: dict[tuple[bool, str], _Cause] = {}
        """By whether sites are refused, and by the problem with its fix, worded for any site."""
        self.sites = 0
        self.count = 0
        """How many problems they have."""
        self.going_out: Final = GoingOutPosts(list_sites=list_sites)
        """What goes out unwanted: screens show it first."""
        self._waiting: list[Line] = []
        """What could not be checked, by name, on few sites or if all are listed."""
        self._unchecked: dict[str, _Unchecked] = {}
        """What could not be checked, by what to do about it."""
        self._sites_unchecked = 0
        self._list_sites = list_sites
        self._most = 1_000_000 if list_sites else MOST_NAMES
        self._most_apart = 1_000_000 if list_sites else FEW_SITES - 1

    def add(self, failed: SiteFailed) -> None:
        """Adds a site with each of its problems."""
        self._add_unseen(failed)
        self.sites += 1
        self.count += len(failed.problems)
        here: set[tuple[bool, str]] = set()
        for problem in failed.problems:
            unnamed = replace(problem, message=problem.cause.removeprefix(f"{failed.name}: "))
            shared = for_any_site(unnamed)
            ranges = Varied(shared.message, shared.fix) if problem.code in COUNTING else None
            key = (failed.refused, ranges.kind if ranges else f"{shared.message}\n{shared.fix}")
            if key in here:  # another problem of this site differs only in what the key leaves out
                key = (failed.refused, f"{unnamed.message}\n{unnamed.fix}")
            here.add(key)
            if (found := self._causes.get(key)) is None:
                found = self._causes[key] = _Cause(problem, unnamed, ranges)
            else:
                found.said = in_common(found.said, unnamed)
                if found.ranges and ranges:
                    found.ranges.add(ranges)
            found.add(failed, problem, self._most, self._most_apart)
            if unnamed.shared is not ABSENT and problem.code in TYPED_APART and len(found.each) <= self._most_apart:
                alone = _Cause(problem, unnamed, None)
                alone.add(failed, problem, self._most, self._most_apart)
                found.each.append(alone)

    def _add_unseen(self, failed: SiteFailed) -> None:
        self.going_out.add(failed.unseen.going_out)
        if any(problem.code == APPROVALS_UNKNOWN for problem in failed.problems):
            return  # they are shown with this cause
        for problem in failed.unseen.waiting:
            self._unchecked.setdefault(for_any_site(problem).fix, _Unchecked()).add(failed)
            self._sites_unchecked += 1
        if self._list_sites or self._sites_unchecked < FEW_SITES:
            self._waiting += map(outside, _waiting_lines(failed))

    def lines(self) -> Iterator[Line]:
        """The causes, and what could not be checked; on few sites, the causes come last.

        `! 2 sites could not be read   access was refused`, what to do, and which sites; refused ones last.
        """
        if self._sites_unchecked < FEW_SITES:
            yield from self._waiting
            yield from self._causes_lines()
            return
        yield from self._causes_lines()
        if self._list_sites:
            yield from self._waiting
            return
        for fix, unchecked in self._unchecked.items():
            spans = (Span(unchecked.text), Span(LIST_POSTS, Style.DIM))
            yield outside(subject_line("!", Style.YELLOW, "not looked at", *spans))
            yield outside(fix_line(fix))

    def _apart(self, found: _Cause) -> Sequence[_Cause]:
        """A cause, or its sites one by one if they are few and the fix differs between them."""
        few = 1 < found.count == len(found.each) <= self._most_apart
        return found.each if few and reason(found.said) != reason(found.each[0].said) else (found,)

    def _causes_lines(self) -> Iterator[Line]:
        causes = sorted(self._causes.items(), key=lambda item: item[0][0])
        for refused, found in ((refused, each) for (refused, _), cause in causes for each in self._apart(cause)):
            word = "refused" if refused else "not reviewed" if found.said.code == NOT_REVIEWED else UNREAD
            head = f"! {found.names[0]} {word}" if found.count == 1 else f"! {plural(found.count, 'site')} {word}"
            what, fix = found.what, found.fix
            last = particulars_of_one(found.example, found.said)
            if found.has_places and (place := found.example.place):
                last = ", ".join(part for part in (f"such as {place}", particulars(found.example)) if part)
            rest = (Span(f"({last})", Style.DIM),) if last else ()
            first: tuple[Span, ...] = (Span(head, Style.YELLOW if refused else Style.RED), Span(what))
            if fix:
                yield Line(first, hang=4)
                first = (Span(f"fix: {fix}"),)
            if found.count == 1:
                yield Line((*first, *rest), indent=4 if fix else 0, hang=6)
                yield from found.unseen_lines(self._most_apart)
                continue
            yield Line(first, indent=4 if fix else 0, hang=6)
            more = found.count - len(found.names)
            names = ", ".join(found.names) + (f" and {plural(more, 'more site')}" if more else "")
            yield Line((Span(f"sites: {names}"), *rest), indent=4, hang=6)
            yield from found.unseen_lines(self._most_apart)

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
        return f"Refused: {which}: {first.what}{f'; {first.fix}' if first.fix else ''}"

    def __bool__(self) -> bool:
        return bool(self._causes)


class Causes:
    """Collects refused sites by cause, for those causes that would otherwise be repeated in several blocks."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._list_sites = list_sites
        self._found: dict[str, Failures] = {}

    def add(self, name: SiteName, refusals: Iterable[Diagnostic]) -> None:
        """Adds a site with each of its refusals."""
        for key, refusal in {cause_key(refusal): refusal for refusal in refusals}.items():
            found = self._found.setdefault(key, Failures(list_sites=self._list_sites))
            found.add(SiteFailed(name, (refusal,), refused=True))

    def lines(self, repeated: Container[str], screen: Screen) -> list[str]:
        """`! 12 sites refused  ...`, what to do, and which sites, for each of these causes; then an empty line."""
        sites = [sites for cause, sites in self._found.items() if cause in repeated]
        shown = [text for found in sites for line in found.lines() for text in line.on(screen)]
        return [*shown, ""] if shown else []
