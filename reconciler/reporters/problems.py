"""What appears on stderr, whatever the format of the report: problems, notices, an interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Final

from msgspec.structs import replace

from reconciler.engine.results import (
    Event,
    FilesInvalid,
    Interrupted,
    LeftOut,
    Notice,
    PhaseStarted,
    RunFailed,
    SiteEvent,
)
from reconciler.engine.site_results import (
    Progressed,
    SiteDrifted,
    SiteFailed,
    SiteNotReviewed,
    SitePlanned,
    SiteStarted,
)
from reconciler.model.address import Kind
from reconciler.model.approvals import FOR_NOBODY, LEFT_BEHIND
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import MORE_PROBLEMS, MOST_SITES, Diagnostic, Severity, of_a_post, of_all_posts
from reconciler.model.plurals import plural
from reconciler.planner.left_out import APPROVALS_UNKNOWN
from reconciler.reporters.diagnostics import (
    FEW,
    MOST_PLACES,
    cause,
    each_cause_once,
    for_any_site,
    in_common,
    remedy,
    sentence,
)
from reconciler.reporters.last_lines import interrupted_line
from reconciler.reporters.layout import Line, Screen, Span, columns, inert_lines, outside

IN_A_ROW: Final = frozenset({"plan-stale", "right-lost", "undeclared-site", "still-going-out"})
"""The codes of notices that a run may give for each of its sites, one after the other.

All others about sites, such as those of policy checks, come between the sites' own events; they are shown when the
phase is over.
"""

COUNTED: Final = frozenset({"plan-stale", "right-lost"})
"""The codes of notices of which only a few are shown, however many sites have them with different values."""

UNBROKEN: Final = Screen(1_000_000)
"""Anything but a terminal: no line is broken."""

GOES_OUT: Final = "still-going-out"

MOST_POSTS: Final = 10
"""How many posts that still go out on several sites are named; the rest are counted."""

MOST_KINDS: Final = 3
"""How many notices of one kind are shown that differ only in what was found on each site; the rest are counted."""


class ProblemReporter:
    """Writes a line or two for each problem of a run; the line breaks in its text are kept.

    Notices about files wait for the next event of another kind, so that the same notice about many files appears once.
    Notices about sites wait too, unless `list_sites` asks for each. If posts still go out on one site, all are named;
    if on several, only those that go out first. If other notices in a row have the same fix, only the first shows it.

    A notice that an approvals file belongs to no site waits until all sites are done. It is left out if the text report
    says that the file belongs to a renamed site; `has_text` says whether there is such a report, and `has_notes`
    whether it shows notes. `interrupted` is the command whose interruption it reports, if no report on the same screen
    does.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        screen: Screen = UNBROKEN,
        *,
        list_sites: bool = False,
        has_text: bool = True,
        has_notes: bool = True,
        interrupted: str | None = None,
    ) -> None:
        self._write = write
        self._screen = screen
        self._list_sites = list_sites
        self._most_places = 1_000_000 if list_sites else MOST_PLACES
        self._interrupted = interrupted
        self._about_sites: dict[tuple[str, ...], list[Diagnostic]] = {}
        self._about_files: list[Diagnostic] = []
        self._left_out: list[LeftOut] = []
        self._fix: tuple[str, str] = ("", "")
        self._said = {APPROVALS_UNKNOWN: has_text, LEFT_BEHIND: has_text and has_notes}
        self._owned: set[str] = set()
        """The approvals files that, as the text report says, have the decisions of a renamed site."""

    def handle(self, event: Event) -> None:
        """Shows a problem, a notice or an interruption; other events are for the reports."""
        match event:
            case LeftOut() if not self._list_sites:
                self._left_out.append(event)
                return
            case Notice(problem=problem) if problem.place is not None:
                self._about_files.append(problem)
                return
            case Notice(problem=problem) if problem.address is not None and not self._list_sites:
                self._about_sites.setdefault(_shared(problem), []).append(problem)
                return
            case _:
                said = (problem for problem in _about_approvals(event) if self._said.get(problem.code))
                self._owned.update(problem.file for problem in said)
        between = isinstance(event, Notice | SiteStarted | Progressed | SiteEvent)
        self._show_about_sites(between=between)
        if isinstance(event, Notice):
            self._notice(event.problem)
        else:
            self._fix = ("", "")
        self._show_about_files(between=between or isinstance(event, PhaseStarted))
        match event:
            case FilesInvalid(problems=problems):
                causes = [*each_cause_once(problems, self._most_places)]
                for problem, elsewhere in causes:
                    self._problem(problem, "", elsewhere)
                count = plural(sum(problem.code != MORE_PROBLEMS for problem, _ in causes), "problem")
                files = plural(len({found.file for found in problems if found.code != MORE_PROBLEMS}), "file")
                self._lines((f"Error: {count} in {files}; nothing was done",))
            case RunFailed(problem=problem):
                from reconciler.engine.problems import BUG

                self._problem(problem, "" if problem.code == BUG else "Error: ")
            case Interrupted() if self._interrupted is not None:
                self._lines((interrupted_line(self._interrupted, event),))
            case _:
                pass

    def show_held(self) -> None:
        """Shows the notices that still wait, before a person is asked or a server runs until it is stopped."""
        self._show_about_sites(between=False)
        self._show_about_files(between=False)

    def _show_about_sites(self, *, between: bool) -> None:
        """`between`: more events of sites may follow, so only notices that come in a row are shown; the others wait."""
        self._show_left_out()
        later = {key: found for key, found in self._about_sites.items() if between and found[0].code not in IN_A_ROW}
        for groups in _by_kind(found for key, found in self._about_sites.items() if key not in later):
            most = MOST_POSTS if groups[0][0].code == GOES_OUT else MOST_KINDS
            shown = groups[:most] if len(groups) > most + 1 and not _of_one_site(groups) else groups
            for alike in shown:
                if alike[0].code in COUNTED and of_a_post(alike[0]) and len({problem.name for problem in alike}) > 1:
                    self._notice(of_all_posts(alike))
                    continue
                said = reduce(in_common, alike)
                own = len(alike) < FEW and said.shared is not ABSENT and cause(said) != cause(alike[0])
                for problem, same in [(found, [found]) for found in alike] if own else [(said, alike)]:
                    self._notice(problem, _and_more_sites(same))
            if rest := [problem for alike in groups[len(shown) :] for problem in alike]:
                self._lines((_of_the_rest(rest),))
        self._about_sites = later

    def _show_left_out(self) -> None:
        """Sites that the run leaves out: a cause of many once, with the earliest times; all others site by site."""
        if not self._left_out:
            return
        from reconciler.reporters.going_out import GoingOutTotal, kinds_of

        found, self._left_out = self._left_out, []
        totals: dict[str, GoingOutTotal] = {}
        for post in (post for notice in found for post in notice.posts):
            total = GoingOutTotal((post.post,), post.zone)
            if (known := totals.setdefault(total.kind, total)) is not total:
                known.add(total)
        shared = {kind: total for kind, total in totals.items() if total.sites >= FEW}
        for total in shared.values():
            posts = f"{total.count:,} unwanted posts go out, all for one reason: {total.unwanted}"
            what = f"this run leaves out {total.sites:,} sites on which {posts}"
            self._notice(Diagnostic(GOES_OUT, what, total.fix, Severity.WARNING))
            for line in total.times_and_sites("(list them with --sites)"):
                self._rows(outside(line))
        for notice in found:
            if not kinds_of(notice.posts) <= shared.keys():
                self._notice(notice.problem)

    def _show_about_files(self, *, between: bool) -> None:
        found, self._about_files = self._about_files, []
        if between:
            self._about_files = [problem for problem in found if problem.code == FOR_NOBODY]
            found = [problem for problem in found if problem.code != FOR_NOBODY]
        shown = (problem for problem in found if problem.code != FOR_NOBODY or problem.file not in self._owned)
        for problem, elsewhere in each_cause_once(shown, self._most_places):
            self._problem(problem, f"{problem.severity}: ", elsewhere)

    def _notice(self, problem: Diagnostic, more: str = "") -> None:
        said, self._fix = self._fix, (problem.code, problem.fix)
        self._problem(replace(problem, fix="") if said == self._fix else problem, f"{problem.severity}: ", more)

    def _problem(self, problem: Diagnostic, before: str = "", more: str = "") -> None:
        """A problem on one line if it fits; if not, what to do about it is on a line of its own, easy to find.

        Where else it occurs comes last.
        """
        whole = f"{before}{sentence(problem)}"
        if columns(whole + more) <= self._screen.width:
            self._lines((whole + more,))
            return
        if not problem.fix or columns(whole) <= self._screen.width:
            self._lines((whole,))
        else:
            bare = replace(problem, message=problem.cause, fix="", call="", request_id=None)
            self._lines((f"{before}{sentence(bare)}",))
            self._lines((f"fix: {remedy(problem)}",), indent=2, hang=7)
        if more:
            self._lines((more.removeprefix(" (").removesuffix(")"),), indent=2)

    def _lines(self, lines: Iterable[str], *, indent: int = 0, hang: int = 4) -> None:
        for line in lines:
            for part in inert_lines(line):
                self._rows(Line((Span(part),), indent=indent, hang=hang))

    def _rows(self, line: Line) -> None:
        for row in line.on(self._screen):
            self._write(f"{row}\n")


def _about_approvals(event: Event) -> Sequence[Diagnostic]:
    """A site's problems, which may include that its approvals are in the file of its old name."""
    match event:
        case SiteFailed(problems=problems):
            return problems
        case SitePlanned(plan=plan):
            return plan.notes
        case SiteDrifted(report=report):
            return report.notes
        case SiteNotReviewed(why=why):
            return (why,)
        case _:
            return ()


def _by_kind(found: Iterable[list[Diagnostic]]) -> Iterable[list[list[Diagnostic]]]:
    """The notices, grouped: one group for each kind in COUNTED, one for posts that go out, one for every other."""
    kinds: dict[object, list[list[Diagnostic]]] = {}
    for alike in found:
        first = alike[0]
        counts = first.code in COUNTED or (
            first.code == GOES_OUT and first.address and first.address.kind is Kind.DRAFT
        )
        kind = (first.severity, first.code, first.address.kind) if counts and first.address else id(alike)
        kinds.setdefault(kind, []).append(alike)
    return kinds.values()


def _of_one_site(groups: Iterable[Iterable[Diagnostic]]) -> bool:
    """Whether posts that go out are all on one site: then each is named, however many there are."""
    found = [problem for alike in groups for problem in alike]
    return found[0].code == GOES_OUT and len({problem.address.site for problem in found if problem.address}) == 1


def _of_the_rest(problems: Sequence[Diagnostic]) -> str:
    """The notices of a kind that are not shown: how many, on which sites."""
    sites = list(dict.fromkeys(problem.address.site for problem in problems if problem.address is not None))
    if problems[0].code == GOES_OUT:
        what = f"{len(problems):,} more posts are still scheduled to go out on {plural(len(sites), 'site')}"
        return f"{problems[0].severity}: {what} (list them with --sites)"
    more = f" and {plural(len(sites) - MOST_SITES, 'more site')}" if len(sites) > MOST_SITES else ""
    named = f"{', '.join(sites[:MOST_SITES])}{more}"
    return f"{problems[0].severity}: the same, with different values, on {named} (list them with --sites)"


def _shared(problem: Diagnostic) -> tuple[str, ...]:
    """What notices that become one line have in common."""
    address = problem.address
    if problem.code == GOES_OUT or address is None:
        return problem.severity, problem.code, str(address), cause(problem)
    said = replace(problem, message=problem.unnamed) if problem.code in COUNTED and of_a_post(problem) else problem
    text = cause(for_any_site(said)).replace(f"no site {address.site} ", "no site SITE ")
    return problem.severity, problem.code, address.kind or "", text


def _and_more_sites(same: Sequence[Diagnostic]) -> str:
    """On how many other sites, or how many more times on one site, the same problem occurs."""
    if len(same) == 1:
        return ""
    sites = list(dict.fromkeys(problem.address.site for problem in same if problem.address is not None))[1:]
    if not sites:
        return f" (the same {plural(len(same) - 1, 'more time')} on this site)"
    more = f" and {plural(len(sites) - MOST_SITES, 'more site')}" if len(sites) > MOST_SITES else ""
    times = "" if len(same) == len(sites) + 1 else f"{plural(len(same) - 1, 'more time')} "
    return f" (the same {times}on {', '.join(sites[:MOST_SITES])}{more})"
