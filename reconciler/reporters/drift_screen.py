"""An audit on a screen: each object that is not as its file says, which side moved, and what each side says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from reconciler.engine.results import DriftCompleted, RunStarted
from reconciler.engine.site_results import SiteDrifted, SiteFailed
from reconciler.model.canonical import Absent, Json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import without_weekdays
from reconciler.model.plurals import plural
from reconciler.model.posts import name_of
from reconciler.model.text import spoken
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import StillGoingOut
from reconciler.planner.drift_report import (
    ChangedSide,
    DriftItem,
    DriftReport,
    DriftState,
    DriftTally,
    FieldDrift,
    Finding,
    GoesOut,
    is_drift,
)
from reconciler.reporters import words
from reconciler.reporters.blocks import Blocks, all_or_part
from reconciler.reporters.context import Detail
from reconciler.reporters.drift_words import subject as subject_of
from reconciler.reporters.failures import Causes, Failures, refusal_lines
from reconciler.reporters.going_out import UNKNOWN, GoingOutTotal, by_cause, going_out_lines
from reconciler.reporters.items import Item, Rank, own_lines, parts_of_many, shared_parts
from reconciler.reporters.last_lines import drift_line, header_lines
from reconciler.reporters.layout import LEFT, Line, Row, Screen, Span, Style, fill, paragraph, subject_line, table
from reconciler.reporters.named_drafts import MOST_NAMED, at_times, by_channels
from reconciler.reporters.names_on_sites import names_line
from reconciler.reporters.plan_text import waiting_lines
from reconciler.reporters.problem_items import note_item, refused_item
from reconciler.reporters.totals import (
    FindingTotal,
    SharedNote,
    counted,
    fix_line,
    note_line,
    shared_fix,
    waiting_words,
)
from reconciler.reporters.value_totals import FieldOfMany, ValuesTotal, side
from reconciler.reporters.values import change_row, is_read_by_parts, name_width
from reconciler.state.errors import of_any_site

_MARKS: Final = {
    DriftState.DRIFTED: ("~", Style.YELLOW, 0),
    DriftState.BLOCKED: ("!", Style.YELLOW, 1),
    DriftState.PENDING: (".", Style.DIM, 2),
    DriftState.IN_REVIEW: ("?", Style.CYAN, 3),
    DriftState.CONVERGED: ("=", Style.DIM, 4),
}

GOES_OUT: Final = ("!", Style.RED, -2)
"""The mark of a post that goes out although it is no longer wanted. Its rank is before everything else."""

REFUSED: Final = -1
"""The rank of a site that a guard would refuse: right after those with a post that goes out unwanted."""

TOLD_TOGETHER: Final = frozenset({Finding.BLOCKED, Finding.NOT_SCHEDULED})
"""Findings that a whole fleet may share: only their number is shown then. What somebody did to a post is always shown
with its name."""

ABOUT_SCHEDULED: Final = frozenset({Finding.TAKEN_BACK, Finding.NOT_WANTED, Finding.OTHER_TIME, Finding.DATE_MOVED})
"""Findings about scheduled posts that a whole fleet may share if they come from a change in git."""

NEVER_OUT: Final = frozenset({Finding.FAILED_POST, Finding.CHANNEL_LOST})
"""Findings about posts that reach nobody. A whole fleet may share their cause, and their fix is said once."""

AT_WRONG_TIME: Final = frozenset({Finding.OTHER_TIME, Finding.DATE_MOVED})
"""Findings that say when each post is scheduled, and when it should be."""

GOING_WRONG: Final = frozenset(
    {
        Finding.STILL_GOING_OUT,
        Finding.UNAPPROVED,
        Finding.FAILED_POST,
        Finding.CHANNEL_LOST,
        Finding.WENT_OUT_UNWANTED,
    }
)
"""Findings that a summary shows too."""

FEW_SITES: Final = 5
MOST_ROWS: Final = 30
COLUMNS: Final = ("drifted", "refused", "pending", "blocked", "in_review")

_OTHER: Final = "other draft"
"""Drafts in review, if a post above, which goes out unapproved, is waiting for review as well."""


class DriftScreen:
    """Collects the audited sites of a run."""

    def __init__(self, screen: Screen, detail: Detail, *, explain: bool) -> None:
        self._screen = screen
        self._detail = detail
        self._explain = explain
        self._run: RunStarted | None = None
        self._failures = Failures(list_sites=detail.sites)
        self._blocks: Blocks[DriftTally] = Blocks(screen, list_sites=detail.sites)
        self._problems: Blocks[DriftTally] = Blocks(screen, list_sites=detail.sites)
        """The blocks of a summary: problems alone."""
        self._causes = Causes(list_sites=detail.sites)
        self._in_review = self._sites_in_review = 0
        self._waits_too = False
        """Whether a post that is shown as drift waits for review, too."""
        self._waiting: list[tuple[str, Counter[str], str]] = []

    def started(self, run: RunStarted) -> None:
        """Remembers what the header says."""
        self._run = run

    def failed(self, failed: SiteFailed) -> None:
        """Adds a site that could not be read."""
        self._failures.add(failed)
        self._saw(failed.labels)

    def site(self, drifted: SiteDrifted) -> None:
        """Adds a site."""
        self._saw(drifted.labels)
        report = drifted.report
        tally = report.tally
        self._in_review += tally.in_review
        self._sites_in_review += bool(tally.in_review)
        waits_too = any(item.finding is Finding.UNAPPROVED for item in report.items)
        self._waits_too |= waits_too
        if tally.in_review and len(self._waiting) < FEW_SITES:
            drafts = (item.title for item in report.items if item.state is DriftState.IN_REVIEW)
            text = waiting_words(tally.in_review, what=_OTHER if waits_too else "draft")
            self._waiting.append((report.site.name, Counter(drafts), text))
        self._causes.add(report.site.name, (refusal for refusal in report.refusals if not is_drift(refusal)))
        quiet = self._detail.quiet
        self._add(self._blocks, drifted, _problems_in(report) if quiet else report, fields=not quiet)
        if self._detail.summary:
            self._add(self._problems, drifted, _worst_of(report), fields=False)

    def _add(self, blocks: Blocks[DriftTally], drifted: SiteDrifted, report: DriftReport, *, fields: bool) -> None:
        whole = self._detail.sites or self._explain or self._run is None or self._run.sites < FEW_SITES

        def found() -> list[Item]:
            return list(report_items(report, everything=self._explain, fields=fields, each_with_fix=not whole))

        items = found()
        if not items:
            return
        # Totals are added up in place, so merged blocks need totals of their own.
        of_many = found() if any(item.of_many for item in items) else []
        rank = min(map(_rank, report.items)) if report.items else 4
        rank = min(rank, REFUSED) if report.refusals else rank
        apart = [] if whole else [item for item in items if item.rank is Rank.BLOCKED]
        for item in apart:
            self._add_items(blocks, drifted, _MARKS[DriftState.BLOCKED][2], [item], apart=True)
        if apart:
            items, of_many = ([item for item in parts if item.rank is not Rank.BLOCKED] for parts in (items, of_many))
            left = [_rank(item) for item in report.items if item.finding is not Finding.BLOCKED]
            rank = min(rank, REFUSED) if report.refusals else min(left, default=4)
        self._add_items(blocks, drifted, rank, items, of_many)

    def _add_items(
        self,
        blocks: Blocks[DriftTally],
        drifted: SiteDrifted,
        rank: int,
        items: Sequence[Item],
        of_many: Sequence[Item] = (),
        *,
        apart: bool = False,
    ) -> None:
        blocks.add(
            drifted.report.site.name,
            rank,
            shared_parts(items),
            lambda: own_lines(items),
            drifted.report.tally,
            differs=any(item.own for item in items),
            labels=drifted.labels,
            of_many=parts_of_many(of_many),
            apart=apart,
        )

    def _saw(self, labels: Sequence[tuple[str, str]]) -> None:
        self._blocks.saw(labels)
        self._problems.saw(labels)

    def head(self) -> Iterator[str]:
        """Where the run works; with `--quiet`, nothing."""
        if self._run is not None and not self._detail.quiet:
            yield from header_lines(self._run, self._screen)
            yield ""

    def lines(self, completed: DriftCompleted) -> Iterator[str]:
        """Everything between the head and the last line."""
        going_out = self._failures.going_out
        going_out.add(completed.still_going_out)
        yield from paragraph(going_out.lines(), self._screen)
        refusals = refusal_lines(completed.refusals, list_sites=self._detail.sites)
        blocks = self._problems if self._detail.summary else self._blocks
        problems = [*paragraph((*self._failures.lines(), *refusals), self._screen)]
        yield from blocks.lines((*problems, *self._causes.lines(blocks.repeated, self._screen)), REFUSED)
        if self._in_review and not (self._detail.quiet or self._detail.summary):
            yield from self._in_review_lines()
            yield ""
        rows = [row for row in self._blocks.rows() if row[2].sites]
        if not self._detail.quiet and (len(rows) >= FEW_SITES or (self._detail.summary and rows)):
            yield from self._table(
                completed, sorted(rows, key=lambda row: (not row[2].refused, row[0], -row[2].drifted))
            )

    def _in_review_lines(self) -> Iterator[str]:
        remark = Span("(not drift)", Style.DIM)
        if self._sites_in_review < FEW_SITES:
            for line in waiting_lines(self._waiting, remark):
                yield from line.on(self._screen)
            return
        drafts = plural(self._in_review, _OTHER if self._waits_too else "draft")
        text = f"? {drafts} waiting for review in {plural(self._sites_in_review, 'site')}"
        yield from Line((Span(text, Style.CYAN), remark)).on(self._screen)

    def last(self, completed: DriftCompleted) -> str:
        """The last line."""
        return drift_line(completed)

    def next_step(self, completed: DriftCompleted) -> str | None:
        """What to type next."""
        return "reconciler plan" if completed.tally.drifted and not completed.failed else None

    def _table(self, completed: DriftCompleted, rows: Sequence[tuple[int, str, DriftTally, int]]) -> Iterator[str]:
        used = [name for name in COLUMNS if getattr(completed.tally, name)]
        shown = [Row(name, tuple(getattr(tally, column) for column in used)) for _, name, tally, _ in rows[:MOST_ROWS]]
        if len(rows) > MOST_ROWS:
            shown.append(Row(plural(len(rows) - MOST_ROWS, "more row"), text="…"))
        total = tuple(getattr(completed.tally, column) for column in used)
        listed = sum(tally.sites for _, _, tally, _ in rows)
        shown.append(Row(all_or_part(listed, completed.sites), total, style=Style.BOLD))
        yield from table("site", [name.replace("_", " ") for name in used], shown, self._screen)
        yield ""


def _problems_in(report: DriftReport) -> DriftReport:
    """What is left of an audit if only problems are shown: not what is pending, in review, due or noted."""
    items = (item for item in report.items if item.state in (DriftState.DRIFTED, DriftState.BLOCKED))
    return replace(report, items=tuple(items), notes=(), due_names=())


def _worst_of(report: DriftReport) -> DriftReport:
    """What a summary shows of an audit: posts that go wrong, refusals, and what is blocked, but no other drift."""
    items = (item for item in report.items if item.state is DriftState.BLOCKED or item.finding in GOING_WRONG)
    return replace(report, items=tuple(items), notes=(), due_names=())


def report_items(
    report: DriftReport, *, everything: bool, fields: bool = True, each_with_fix: bool = False
) -> Iterator[Item]:
    """The parts of a site's block. `fields`: with what each side says about an object.

    `each_with_fix`: each cause that blocks posts has its fix, because they may be shown apart.
    """
    alike: dict[object, list[DriftItem]] = {}
    for item in sorted(report.items, key=_order):
        if not everything and item.state in (DriftState.IN_REVIEW, DriftState.CONVERGED):
            continue  # drafts in review share one line, below
        alike.setdefault(item if everything else _words_of(item), []).append(item)
    goes_out = [items for items in alike.values() if items[0].going_out is not None]
    others = [items for items in alike.values() if items[0].going_out is None]
    if everything:
        for items in goes_out:
            yield _item(items, items[0].fix, everything=True, fields=fields)
    else:
        yield from _going_out(item for items in goes_out for item in items)
    yield from _refusals(report.refusals)
    for items, fix in _with_fixes(others, everything=everything):
        own = each_with_fix and items[0].finding is Finding.BLOCKED
        yield _item(items, items[0].fix if own else fix, everything=everything, fields=fields)
    yield from map(note_item, report.notes)
    if report.due:
        due, named = words.newly_covered(report.due), words.newly_covered(report.due, report.due_names)
        yield Item(Rank.NOTE, (), (note_line(named),), SharedNote(due, counts=slice(1), listed=False))


def _going_out(items: Iterable[DriftItem]) -> Iterator[Item]:
    """The posts that still go out: each cause once, with the posts that have it."""
    posts: dict[tuple[str, str], list[StillGoingOut]] = {}
    for item in items:
        if item.going_out is not None:
            moved = spoken(item.moved) if item.moved is not None else ""
            posts.setdefault((moved, item.zone), []).append(item.going_out)
    for (moved, zone), found in posts.items():
        for same in by_cause(found, zone):
            lines = tuple(going_out_lines(same, zone, moved=moved))
            yield Item(Rank.STILL_GOING_OUT, (), lines, GoingOutTotal(same, zone, moved))


def _refusals(refusals: Iterable[Diagnostic]) -> Iterator[Item]:
    for refusal in refusals:
        fix = (fix_line(refusal.fix),) if refusal.fix else ()
        if is_drift(refusal):
            state = Span(spoken(DriftState.DRIFTED), _MARKS[DriftState.DRIFTED][1])
            yield _shared(subject_line("!", Style.RED, "expectation", state, Span(refusal.message)), *fix)
        else:
            yield refused_item((refusal,))


def _shared(*lines: Line) -> Item:
    """Lines that may be the same on many sites."""
    return Item(Rank.NOTE, lines)


def _words_of(item: DriftItem) -> object:
    """What a screen says about an object apart from its name: several posts with the same words are shown once."""
    if item.finding is Finding.BLOCKED:
        return item.statement, item.fix
    if item.channel and item.finding is not None and not item.shown_fields:
        return item.state, item.moved, item.statement, item.fix
    return item


def _with_fixes(groups: Sequence[list[DriftItem]], *, everything: bool) -> Iterator[tuple[list[DriftItem], str]]:
    """The objects with their fixes. A fix that several share comes once, after the last of them."""
    by_fix: dict[object, list[list[DriftItem]]] = {}
    for items in groups:
        shared = items[0].finding in (Finding.BLOCKED, Finding.UNAPPROVED) and items[0].fix and not everything
        by_fix.setdefault(items[0].fix if shared else items[0], []).append(items)
    for alike in by_fix.values():
        yield from ((items, "") for items in alike[:-1])
        said = alike[-1][0].finding is Finding.TAKEN_BACK  # the finding says that apply cancels it
        yield alike[-1], "" if said else shared_fix(alike[-1][0].fix, len(alike))


def _rank(item: DriftItem) -> int:
    return GOES_OUT[2] if item.finding is Finding.STILL_GOING_OUT else _MARKS[item.state][2]


def _order(item: DriftItem) -> tuple[object, ...]:
    """Worst first, and posts after other objects, by their words: sites with the same posts share a block.

    Posts that still go out stay in the order of a plan.
    """
    if not item.channel or item.going_out is not None:
        return _rank(item), False
    at = item.goes_out.at or UNKNOWN
    return _rank(item), True, without_weekdays(item.statement), at, item.title, item.channel


def _item(items: Sequence[DriftItem], fix: str, *, everything: bool, fields: bool) -> Item:
    """An object, or several with the same finding."""
    item, count = items[0], len(items)
    symbol, style, _ = GOES_OUT if item.finding is Finding.STILL_GOING_OUT else _MARKS[item.state]
    spans = [Span(spoken(item.state), style)]
    if item.moved is not None:
        spans.append(Span(spoken(item.moved)))
    if item.statement and not item.shown_fields:
        spans.append(Span(item.statement))
    if item.shown_fields and all(isinstance(field.applied, Absent) for field in item.shown_fields):
        spans.append(Span("never applied", Style.DIM))
    if everything:
        spans.append(Span(item.address.shown, Style.DIM))
    thing = "post" if item.channel else spoken(item.address.kind)
    subject = subject_of(item) if count == 1 else counted(count, thing)
    lines = [subject_line(symbol, style, subject, *spans)]
    shown = item.shown_fields if fields else ()
    widest = name_width(map(_name_of, shown))
    fields_shown = [_field(field, item, widest) for field in shown]
    lines += [Line((each.name, *each.own, *each.marks), indent=LEFT + 4, hang=LEFT + 6) for each in fields_shown]
    after = (fix_line(fix),) if fix else ()
    lines += after
    named = _names(items)
    if count > 1 and named:
        lines.append(names_line(named, Style.DIM))
    rank = Rank.BLOCKED if item.finding is Finding.BLOCKED and not everything else Rank.NOTE
    if not _is_told_together(item) or everything:
        several = fields_shown and count == 1
        site = item.address.site
        of_many = ValuesTotal(lines[0], fields_shown, site, after, indent=LEFT + 4) if several else None
        return Item(rank, tuple(lines), of_many=of_many)
    names, site = Counter(name for each in items if (name := _name(each))), item.address.site
    if item.finding in AT_WRONG_TIME and item.problem is not None:
        spans[-1] = Span(of_any_site(item.problem).message.removeprefix(f"{spoken(ChangedSide.GIT)}: "))
        named = at_times([(_wrong_time(item), ", ".join(map(_name_and_account, items)))], item.zone)
    total = FindingTotal(symbol, style, thing, spans, fix, count, names, site=site, named=named)
    return Item(rank, (), tuple(lines), total)


def _is_told_together(item: DriftItem) -> bool:
    """Whether many sites may share the finding; about a scheduled post, only after a change in git."""
    in_git = item.finding in ABOUT_SCHEDULED and item.moved is ChangedSide.GIT
    return in_git or item.finding in TOLD_TOGETHER or item.finding in NEVER_OUT


def _names(items: Sequence[DriftItem]) -> str:
    """The names of several objects; of posts that are blocked or not yet scheduled, only the first few.

    Scheduled posts also have the time and the account, as far as these are known; those that go out first come first.
    """
    if not items[0].channel:
        return ", ".join(filter(None, map(_name, items)))
    if any(item.goes_out != GoesOut() for item in items):
        times: dict[str, list[str]] = {}
        for item in sorted(items, key=lambda item: (item.goes_out.at or UNKNOWN, item.title, item.channel)):
            times.setdefault(item.when, []).append(_name_and_account(item))
        return at_times(((when, ", ".join(names)) for when, names in times.items()), items[0].zone)
    return by_channels(items, MOST_NAMED if items[0].finding in TOLD_TOGETHER else len(items), "post")


def _name_and_account(item: DriftItem) -> str:
    return name_of(item) + words.on_account(item.goes_out.account)


def _wrong_time(item: DriftItem) -> str:
    """`Thu 2026-11-05 09:30 -> Thu 2026-11-05 14:00 UTC`: when a post is scheduled, and when it should be."""
    *now, planned = item.about
    return f"{now[0].removesuffix(f' {item.zone}') if now else 'an unknown time'} -> {planned}"


def _name(item: DriftItem) -> str:
    """`"Winter check" (Facebook)`, with the time if it goes out; empty if it has none."""
    if item.channel:
        return f"{name_of(item)} {item.when}".rstrip()
    return item.problem.name if item.problem else ""


def _name_of(field: FieldDrift) -> str:
    return field.path.removeprefix("settings.")


def _field(field: FieldDrift, item: DriftItem, widest: int) -> FieldOfMany:
    """What each side says. What was last applied is shown if it differs from both the file and the site."""
    sides = [side("site: {}", field.live), side("file: {}", field.desired)]
    own = [each.span for each in sides]
    if is_read_by_parts(field.live, field.desired):
        own = [*_from_to("site -> file", field.live, field.desired)]
    applied = field.third
    if not isinstance(applied, Absent):
        sides.append(side("last applied: {}", applied))
        if is_read_by_parts(applied, field.live):
            own += _from_to("last applied -> site", applied, field.live)
        elif is_read_by_parts(applied, field.desired):
            own += _from_to("last applied -> file", applied, field.desired)
        else:
            own.append(sides[-1].span)
    marks = () if field.moved is item.moved else (Span(f"({spoken(field.moved)})"),)
    return FieldOfMany(Span(fill(_name_of(field), widest)), tuple(own), tuple(sides), marks)


def _from_to(sides: str, before: Json, after: Json) -> Iterator[Span]:
    """`site -> file:  … two of them [-ever-]{+look+} alike`: what differs between two sides."""
    yield Span(f"{sides}:", Style.DIM)
    yield from change_row(FieldChange("", before, after)).spans
