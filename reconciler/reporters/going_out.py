"""Posts that go out although they are no longer wanted: each by name on a few sites, each cause once on many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural
from reconciler.model.posts import name_of
from reconciler.planner.actions import GoingOut, StillGoingOut
from reconciler.planner.reasons import REASONS, facts_behind
from reconciler.planner.unstopped import Unstopped
from reconciler.reporters import words
from reconciler.reporters.diagnostics import for_any_site, remedy
from reconciler.reporters.layout import LEFT, Line, Span, Style, outside, subject_line
from reconciler.reporters.totals import fix_line

FEW_SITES: Final = 5
"""On this many sites or more, the posts with one cause are counted, with the earliest times first."""

MOST_TIMES: Final = 5
"""How many times are shown; posts at later ones are counted."""

MOST_POSTS: Final = 3
"""How many posts with the same time are named; the rest are counted."""

MOST_NAMES: Final = 8
"""How many sites are named; the rest are counted."""

LIST_POSTS: Final = "(reconciler plan --sites lists them)"

UNKNOWN: Final = datetime.max.replace(tzinfo=UTC)
"""Stands for a time that is not known: it comes after all others."""


def by_cause(posts: Iterable[StillGoingOut], zone: str) -> Iterable[list[StillGoingOut]]:
    """The posts of a site that have one cause, together."""
    causes: dict[tuple[str, str, str], list[StillGoingOut]] = {}
    for post in posts:
        causes.setdefault((unwanted(post, zone), post.problem.cause, post.problem.fix), []).append(post)
    return causes.values()


def going_out_lines(same: Sequence[StillGoingOut], zone: str, site: str = "", moved: str = "") -> Iterator[Line]:
    """Posts of a site with one cause: why they are not wanted, why nothing stops them and what does, and each post.

    `site` is named if this is shown outside its block. `moved`: which side changed, if that is known.
    """
    first = same[0]
    alone = len(same) == 1
    which = _when_and_where(first, zone) if alone else f"{plural(len(same), 'post')}, each"
    yield _subject(": ".join(filter(None, (site, which, moved, unwanted(first, zone)))))
    yield _detail(Span(but_goes_out(first.problem), Style.RED))
    yield fix_line(remedy(*(post.problem for post in same)))
    for post in () if alone else same:
        yield _detail(Span(_when_and_where(post, zone), Style.RED))


def _when_and_where(post: StillGoingOut, zone: str) -> str:
    when = f" {words.moment(post.moment, zone, exact=post.is_exact)}" if post.moment else ""
    return f"{name_of(post)}{when}{words.on_account(post.account)}"


def unwanted(post: StillGoingOut, zone: str) -> str:
    """Why a post is no longer wanted: `declared absent in the file: activities[0]`."""
    return _with_facts(*_reason_and_facts(post, zone))


def but_goes_out(problem: Diagnostic) -> str:
    """Why it goes out all the same: `but it was not stopped: access was refused`."""
    return f"but {problem.cause}" if problem.code in _UNSTOPPED else f"but it was not stopped: {problem.cause}"


_UNSTOPPED: Final = frozenset(Unstopped)
"""Codes whose messages already say that the post is not stopped; any other is that of a call that failed."""


def _reason_and_facts(post: StillGoingOut, zone: str) -> tuple[str, ...]:
    return (REASONS[post.reason], *facts_behind(post.reason, post.details, post.grounds, zone))


def _with_facts(reason: str, *facts: str) -> str:
    return ": ".join(part for part in (reason, "; ".join(facts)) if part)


class _Time:
    """The posts that go out at one time: how many, and the first few by name."""

    __slots__ = ("count", "named")

    def __init__(self) -> None:
        self.count = 0
        self.named: list[str] = []

    def add(self, count: int, named: Iterable[str]) -> None:
        self.count += count
        self.named = [*self.named, *named][:MOST_POSTS]


class GoingOutTotal:
    """Posts with one cause on many sites: how many, the earliest times, and the first sites by name."""

    __slots__ = ("_last", "_last_site", "_names", "_problem", "_times", "_unwanted", "count", "fix", "kind", "sites")

    listed: Final = True

    def __init__(self, posts: Sequence[StillGoingOut], zone: str, moved: str = "") -> None:
        """The posts of one site. `moved`: which side changed, if that is known."""
        first = posts[0]
        problem = for_any_site(first.problem)
        self._problem, self.fix = but_goes_out(problem), problem.fix
        reason, *facts = _reason_and_facts(first, zone)
        reason = ": ".join(part for part in (moved, reason) if part)
        self.kind: Final = f"still going out: {reason}; {problem.message}; {problem.fix}"
        self._unwanted = [reason, *facts]
        self.count, self.sites = len(posts), 1
        self._names: list[str] = [first.address.site]
        self._last_site = first.address.site
        self._times: dict[tuple[datetime, str, bool], _Time] = {}
        for post in posts:
            name = f"{name_of(post)} on {post.address.site}"
            self._times.setdefault((post.moment or UNKNOWN, zone, post.is_exact), _Time()).add(1, (name,))
        self._last = max(self._times)

    def add(self, other: GoingOutTotal) -> None:
        """Adds others with the same cause."""
        if self._unwanted != other._unwanted:  # only the reason is the same
            del self._unwanted[1:]
        self.count += other.count
        self.sites += other.sites - (other._names[0] == self._last_site)  # the posts of a site come together
        self._last_site = other._last_site
        self._names = [*dict.fromkeys((*self._names, *other._names))][:MOST_NAMES]
        for at, found in other._times.items():
            self._times.setdefault(at, _Time()).add(found.count, found.named)
        self._times = dict(sorted(self._times.items())[:MOST_TIMES])  # a time that is not among them never comes back
        self._last = max(self._last, other._last)

    def lines(self, hint: str = "") -> Iterator[Line]:
        """`! still going out  892 posts on 223 sites, each: ...`, why nothing stops them, and what to do.

        Then the earliest times, and which sites. `hint`: how to list them all.
        """
        posts = f"{plural(self.count, 'post')} on {plural(self.sites, 'site')}"
        yield _subject(f"{posts}, each: {self.unwanted}")
        yield _detail(Span(self._problem, Style.RED))
        yield fix_line(self.fix)
        yield from self.times_and_sites(hint)

    @property
    def unwanted(self) -> str:
        """Why the posts are no longer wanted."""
        return _with_facts(*self._unwanted)

    def times_and_sites(self, hint: str = "") -> Iterator[Line]:
        """The earliest times with the first posts of each, and which sites. `hint`: how to list them all."""
        left = self.count
        for at, found in sorted(self._times.items())[:MOST_TIMES]:
            left -= found.count
            more = f" and {found.count - len(found.named):,} more" if found.count > len(found.named) else ""
            count = Span(plural(found.count, "post") + ":", Style.RED)
            yield _detail(Span(_time(*at), Style.RED), count, Span(", ".join(found.named) + more))
        if left > 0:
            yield _detail(Span(f"and {plural(left, 'post')} later, the last {_time(*self._last)}", Style.RED))
        more = f" and {plural(self.sites - len(self._names), 'more site')}" if self.sites > len(self._names) else ""
        yield _detail(Span(f"sites: {', '.join(self._names)}{more}"), *([Span(hint, Style.DIM)] if hint else []))


def _subject(text: str) -> Line:
    return subject_line("!", Style.RED, "still going out", Span(text, Style.RED))


def _detail(*spans: Span) -> Line:
    return Line(spans, indent=LEFT + 4, hang=LEFT + 6)


def _time(at: datetime, zone: str, exact: bool) -> str:
    return "at an unknown time" if at == UNKNOWN else words.moment(at, zone, exact=exact)


class GoingOutPosts:
    """Collects such posts to show them outside the blocks of their sites."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._most = 1_000_000 if list_sites else FEW_SITES - 1
        self._causes: dict[str, GoingOutTotal] = {}
        self._named: dict[str, list[Line]] = {}
        """The lines of the first sites with each cause."""

    def add(self, posts: Iterable[GoingOut]) -> None:
        """Adds posts, with those of a site together."""
        zones: dict[tuple[SiteName, str], list[StillGoingOut]] = {}
        for found in posts:
            zones.setdefault((found.post.address.site, found.zone), []).append(found.post)
        for (site, zone), its in zones.items():
            for same in by_cause(its, zone):
                total = GoingOutTotal(same, zone)
                if (known := self._causes.setdefault(total.kind, total)) is not total:
                    known.add(total)
                if known.sites <= self._most:
                    self._named.setdefault(total.kind, []).extend(going_out_lines(same, zone, site))

    def shared_lines(self) -> Iterator[Line]:
        """The causes that many sites have."""
        for total in self._causes.values():
            if total.sites > self._most:
                yield from total.lines(LIST_POSTS)

    def lines(self) -> Iterator[Line]:
        """Each post if its cause has few sites or all are listed; otherwise the cause once, with totals."""
        for kind, total in self._causes.items():
            yield from map(outside, self._named[kind] if total.sites <= self._most else total.lines(LIST_POSTS))


def kinds_of(posts: Iterable[GoingOut]) -> set[str]:
    """The causes of such posts, which other sites may have too."""
    return {GoingOutTotal((found.post,), found.zone).kind for found in posts}


def going_out_words(posts: Sequence[GoingOut]) -> str:
    """`4 posts still going out, the first Wed 2026-11-04 09:30 Europe/Berlin`."""
    text = f"{plural(len(posts), 'post')} still going out"
    times = [(found.post.moment, found.zone, found.post.is_exact) for found in posts if found.post.moment]
    return f"{text}, {'the first ' if len(posts) > 1 else ''}{_time(*min(times))}" if times else text


def going_out_once(posts: Iterable[GoingOut], *, list_sites: bool) -> Iterator[Line]:
    """The lines of such posts, all of which are known."""
    found = GoingOutPosts(list_sites=list_sites)
    found.add(posts)
    return found.lines()
