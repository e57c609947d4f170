"""The plan of a whole run on a screen: where it works, what is wrong, a block per site, and a line that says it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Final

from msgspec.structs import replace

from reconciler.engine.choice import Shard
from reconciler.engine.results import PlanCompleted, PlanLoaded, RunStarted
from reconciler.engine.site_results import SiteFailed, SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural, some_of
from reconciler.model.text import printable
from reconciler.model.writes import Verb
from reconciler.planner.actions import BlockedBy, InReview
from reconciler.planner.schedule import HELD_BACK
from reconciler.planner.tally import PlanTally
from reconciler.reporters.blocks import Blocks, all_or_part
from reconciler.reporters.context import CallsOf, Detail
from reconciler.reporters.diagnostics import above, cause, refused_line
from reconciler.reporters.failures import Causes, Failures, refusal_lines
from reconciler.reporters.first_runs import FirstRuns
from reconciler.reporters.items import CHANGES, Item, Rank, own_lines, parts_of_many, shared_parts
from reconciler.reporters.last_lines import SHORT_COMMIT, header_lines, plan_line
from reconciler.reporters.layout import Line, Row, Screen, Span, Style, paragraph, table
from reconciler.reporters.next_step import MERGE, NOTE, PLAN_EACH, not_an_option, posts_to_publish, record_first
from reconciler.reporters.plan_text import (
    NOTHING_DONE,
    NOTHING_DONE_AT_ALL,
    accounts_of,
    site_items,
    waiting_lines,
    without_refused,
)
from reconciler.reporters.totals import waiting_words
from reconciler.reporters.words import moment

FEW_SITES: Final = 5
"""With this many sites or more, there is a table, waiting drafts share one line, and so do a refused site's changes."""

MOST_ROWS: Final = 30
MOST_TITLES: Final = 3
MOST_SHARDS: Final = 3

NOTHING_OF_IT: Final = "None of its changes will be made."
"""Shown below which saved plan it is, if it is refused as a whole."""

COLUMNS: Final = ("still_going_out", "add", "change", "destroy", "generate", "discard", "publish", "cancel", "blocked")

ALWAYS_SHOWN: Final = frozenset({"still going out", "destroy", "discard", "publish"})
"""The columns that a narrow screen does not leave out."""

TO_RENEW: Final = frozenset({BlockedBy.APPROVAL_UNPROVEN, BlockedBy.CHANGED_AFTER_APPROVAL})
"""What blocks an approved draft until `review` sets it back to pending."""

_MAKES_DRAFTS: Final = frozenset({Verb.GENERATE, Verb.WAIT})


class PlanScreen:
    """Collects the sites of a run, but keeps only numbers, and blocks that wait in a file."""

    def __init__(self, screen: Screen, detail: Detail, calls_of: CallsOf | None) -> None:
        self._screen = screen
        self._detail = detail
        self._calls_of = calls_of
        self._run: RunStarted | None = None
        self._saved: PlanLoaded | None = None
        self._failures = Failures(list_sites=detail.sites)
        explained = calls_of is not None
        self._blocks: Blocks[PlanTally] = Blocks(screen, list_sites=detail.sites, list_posts=explained, changes=CHANGES)
        self._waiting: list[tuple[str, Counter[str], str]] = []
        self._drafts = self._unapproved = self._sites_waiting = 0
        self._decidable = self._unwritten = self._sites_decidable = self._sites_unwritten = 0
        """Drafts that people can decide on now, and in how many sites. What breaks the policy must be changed first."""
        self._to_renew = 0
        """Approved drafts that must be approved again."""
        self.new_elsewhere = self.sites_new_elsewhere = 0
        """Those of them that no file has, at sites where this plan makes no drafts, and how many sites these are."""
        self._refusals = Failures()
        """Why sites are refused, for the last line."""
        self._problems: Blocks[PlanTally] = Blocks(screen, list_sites=detail.sites, list_posts=explained)
        """The blocks of a short screen: problems alone."""
        self._causes = Causes(list_sites=detail.sites)
        self._sites = 0
        self._first: SitePlanned | None = None
        """The first site, on a short screen: if it is the only one, its only refusal is in the last line alone."""
        self._unrecorded = 0
        self._first_runs = FirstRuns(list_sites=detail.sites)
        self._held: list[str] = []
        self._sites_held = 0

    @property
    def _is_short(self) -> bool:
        """Whether the screen leaves out what sites would do."""
        return self._detail.quiet or self._detail.summary

    @property
    def _is_all_or_nothing(self) -> bool:
        """Whether a saved plan is applied: on all its sites or on none."""
        return self._saved is not None and self._run is not None and self._run.command == "apply"

    def is_in_vain(self, completed: PlanCompleted) -> bool:
        """Whether a saved plan is refused as a whole: the screen has the problems, but not what it would have done."""
        return self._is_all_or_nothing and bool(completed.refusals or self._failures)

    def started(self, run: RunStarted) -> None:
        """Remembers what the header says."""
        self._run = run

    def loaded(self, saved: PlanLoaded) -> None:
        """Remembers that the plans come from a file."""
        self._saved = saved

    def failed(self, failed: SiteFailed) -> None:
        """Adds a site that could not be read."""
        self._add_first()
        self._sites += 1
        self._failures.add(failed)
        if failed.refused:
            self._refusals.add(failed)
        self._saw(failed.labels)

    def site(self, planned: SitePlanned) -> None:
        """Adds a site."""
        plan = planned.plan
        if self._is_short and len(plan.refusals) == 1 and not self._sites:
            self._first = planned
        else:
            self._add_first()
        self._sites += 1
        self._saw(planned.labels)
        if plan.refusals:
            self._refusals.add(SiteFailed(planned.name, plan.refusals, refused=True))
        to_record = not planned.recorded and not plan.refusals  # an apply records no site that it refuses
        self._unrecorded += to_record and bool(plan.to_review or plan.blocked)
        self._to_renew += sum(problem.code in TO_RENEW for problem in plan.blocked)
        self._count_drafts(planned)
        self._count_held(planned)
        if self._first is None:
            self._add(planned)

    def _add_first(self) -> None:
        """Adds the first site after all, because it is not the only one."""
        if (first := self._first) is not None:
            self._first = None
            self._add(first)

    def _add(self, planned: SitePlanned) -> None:
        """Adds what is shown about a site."""
        known = self._first_runs.taken_from(planned)
        items = site_items(known, self._calls_of, each_with_fix=not self._is_whole)
        if not items:
            return
        self._causes.add(planned.name, planned.plan.refusals)
        twice = self._is_short or self._is_all_or_nothing
        if twice and items[0].rank <= Rank.BLOCKED:
            self._add_block(self._problems, planned, [item for item in items if item.rank <= Rank.BLOCKED])
        if not self._detail.quiet:
            # Totals are added up in place, so these blocks, and the merged ones, need totals of their own.
            if twice:
                items = site_items(known, self._calls_of, each_with_fix=not self._is_whole)
            of_many = site_items(known) if any(item.of_many for item in items) else ()
            self._add_block(self._blocks, planned, items, of_many)

    @property
    def _is_whole(self) -> bool:
        """Whether each site's block contains everything about it, because there are few or all are listed."""
        return self._detail.sites or self._calls_of is not None or self._run is None or self._run.sites < FEW_SITES

    def _add_block(
        self, blocks: Blocks[PlanTally], planned: SitePlanned, items: Sequence[Item], of_many: Sequence[Item] = ()
    ) -> None:
        if not self._is_whole:
            for item in items:
                if item.rank is Rank.BLOCKED:
                    self._add_items(blocks, planned, [item], apart=True)
            items, of_many = (
                without_refused([item for item in found if item.rank is not Rank.BLOCKED], planned.plan)
                for found in (items, of_many)
            )
        self._add_items(blocks, planned, items, of_many)

    def _add_items(
        self,
        blocks: Blocks[PlanTally],
        planned: SitePlanned,
        items: Sequence[Item],
        of_many: Sequence[Item] = (),
        *,
        apart: bool = False,
    ) -> None:
        blocks.add(
            planned.name,
            items[0].rank if items else Rank.NOTE,
            shared_parts(items),
            lambda: own_lines(items),
            planned.tally,
            differs=any(item.own for item in items),
            labels=planned.labels,
            of_many=parts_of_many(of_many),
            accounts=() if apart else accounts_of(planned.plan),
            apart=apart,
        )

    def _saw(self, labels: Sequence[tuple[str, str]]) -> None:
        self._blocks.saw(labels)
        self._problems.saw(labels)

    def _count_drafts(self, planned: SitePlanned) -> None:
        waiting = planned.plan.to_review
        if not waiting:
            return
        self._sites_waiting += 1
        self._drafts += len(waiting)
        self._unapproved += planned.plan.unapproved
        if planned.recorded or not planned.plan.refusals:  # elsewhere no approval would count yet
            unwritten = sum(draft.state is InReview.NOT_REVIEWED for draft in waiting)
            written = sum(draft.state is InReview.PENDING and not draft.is_stuck for draft in waiting)
            self._sites_decidable += bool(unwritten or written)
            self._decidable += unwritten + written
            self._unwritten += unwritten
            self._sites_unwritten += bool(unwritten)
            if not any(action.operation.verb in _MAKES_DRAFTS for action in planned.plan.actions):
                self.new_elsewhere += unwritten
                self.sites_new_elsewhere += bool(unwritten)
        if len(self._waiting) < FEW_SITES:
            text = waiting_words(len(waiting), planned.plan.unapproved)
            self._waiting.append((planned.name, Counter(draft.title for draft in waiting), text))

    def _count_held(self, planned: SitePlanned) -> None:
        """Adds a site whose notes on `--no-publish` are not shown."""
        if not self._is_short:
            return
        held = [note for note in planned.plan.notes if note.code == HELD_BACK]
        self._sites_held += bool(held)
        if self._sites_held < FEW_SITES:
            self._held += [f"{planned.name}: {cause(note)}" for note in held]

    # --- the end -----------------------------------------------------------------------------------

    def head(self, completed: PlanCompleted) -> Iterator[str]:
        """Where the run works, and what it may do without approval; with `--quiet`, only the latter."""
        if not self._detail.quiet:
            if self._run is not None:
                yield from header_lines(self._run, self._screen)
            if self._saved is not None:
                yield from _saved_lines(self._saved, self._screen, whole=self._calls_of is not None)
            if self.is_in_vain(completed):
                yield from Line((Span(NOTHING_OF_IT),)).on(self._screen)
        if self._run is not None and self._run.approval_none:
            names = self._run.approval_none
            shown = some_of(names, MOST_TITLES)
            text = f"! approval: none on {plural(len(names), 'site')} ({shown}): drafts go out there unapproved"
            yield from Line((Span(text, Style.RED),)).on(self._screen)

    def body(self, completed: PlanCompleted) -> Iterator[str]:
        """Everything above the last line."""
        if (first := self._first) is not None:
            self._first = None
            if not completed.refusals:  # the last line says why the site is refused
                first = replace(first, plan=replace(first.plan, refusals=()))
            self._add(first)
        going_out = self._failures.going_out
        going_out.add(completed.still_going_out)
        yield from paragraph(going_out.lines(), self._screen)
        in_vain = self.is_in_vain(completed)
        blocks = self._problems if self._is_short or in_vain else self._blocks
        problems = [*self._problem_lines(completed, blocks), *self._causes.lines(blocks.repeated, self._screen)]
        yield from blocks.lines(problems, Rank.REFUSED)
        yield from self._held_lines()
        if not self._is_short and not in_vain:
            yield from self._first_run_lines(completed.sites)
            yield from self._drafts_lines()
        if not self._detail.quiet and not in_vain:
            yield from self._table(completed)

    def _problem_lines(self, completed: PlanCompleted, blocks: Blocks[PlanTally]) -> Iterator[str]:
        """The sites that could not be read, and why the run as a whole is refused."""
        refusals = () if self._is_short and len(completed.refusals) == 1 else completed.refusals  # it is the last line
        lines = [*self._failures.lines(), *refusal_lines(refusals, list_sites=self._detail.sites)]
        above_changes = completed.tally.changes and not self._is_short and not self.is_in_vain(completed)
        if completed.refusals and above_changes:
            said = NOTHING_DONE_AT_ALL if blocks.sites_below(Rank.REFUSED) else NOTHING_DONE
            lines.append(Line((Span(said, Style.DIM),), indent=2))
        return paragraph(lines, self._screen)

    def forget(self) -> None:
        """Forgets the blocks, which have been shown, before an apply goes on."""
        self._blocks, self._problems = Blocks(self._screen), Blocks(self._screen)

    def last(self, completed: PlanCompleted) -> str:
        """The line with the totals; a refusal has a line of its own."""
        return plan_line(completed)

    def refusal(self, completed: PlanCompleted) -> str | None:
        """`Refused: ...` if the run as a whole is refused, or every site in it."""
        if completed.refusals:
            more = len(completed.refusals) + self._refusals.count - 1
            line: str | None = refused_line(completed.refusals[0], more)
        else:
            line = self._refusals.refused_line() if completed.refused == completed.sites else None
        return None if line is None else line + above(completed.failed, completed.tally.still_going_out)

    def refused_sites(self, reason: Diagnostic) -> str | None:
        """`Refused: 3 sites: ...` if an apply is refused for this reason because its sites are; otherwise None."""
        return self._refusals.refused_line() if reason == self._refusals.first else None

    def next_step(self, completed: PlanCompleted) -> str | None:
        """What to type next."""
        step = self._step(completed)
        if step is None or step == MERGE or self._saved is None or not self._saved.outside:
            return step
        command, _, note = step.rstrip(")").partition(NOTE)
        return f"{command}{NOTE}in the folder of its project{f': {note}' if note else ''})"

    def _step(self, completed: PlanCompleted) -> str | None:
        tally = completed.tally
        if completed.refusals or completed.unsaved:
            return None
        if (saved := self._saved) is not None and tally.changes:
            if saved.parts > 1:
                return MERGE
            if saved.spent_at is not None or saved.expired:
                why = "already been applied" if saved.spent_at is not None else "expired"
                return f"reconciler plan   (this plan has {why})"
        if completed.needs_others and not self._detail.again.is_part:
            return PLAN_EACH
        file = self._file_to_type()
        if saved is not None and saved.shards_left and tally.changes:
            publish = " --allow-publish" if tally.moved or posts_to_publish(tally) else ""
            shard = Shard(saved.shards_left[0], saved.shards)
            return f"reconciler apply {file} --shard {shard}{publish}   ({_shards_left(saved)})"
        if tally.changes and file and completed.failed:
            unread = f"not saved: {plural(completed.failed, 'site')} could not be read"
            return f"reconciler plan --out {file}   ({unread}; fix that first, or leave out what fails with --exclude)"
        if tally.changes:
            command = " ".join(part for part in ("reconciler apply", file) if part)
            public = [f"{posts} to make public"] if (posts := posts_to_publish(tally)) else []
            public += [f"{plural(tally.moved, 'scheduled post')} to move"] if tally.moved else []
            command += " --allow-publish" if public else ""
            left_out = f"leaves out {plural(completed.refused, 'refused site')}" if completed.refused else ""
            note = "; ".join(filter(None, (", ".join(public), left_out)))
            return f"{command}   ({note})" if note else command
        if tally.in_doubt:
            return f"reconciler apply   ({plural(tally.in_doubt, 'unconfirmed call')})"
        return record_first(self._unrecorded) or self.review_step()

    def _file_to_type(self) -> str:
        """The file that the plan is saved to, as a shell takes it; empty if it is not saved."""
        import shlex  # only a saved plan needs it

        file = not_an_option(printable(self._detail.saved_to))
        return shlex.quote(file) if file else ""

    def review_step(self) -> str | None:
        """What to type if drafts wait for people."""
        if self._unwritten:
            new = plural(self._unwritten, "new draft")
            return f"reconciler review   ({new} in {plural(self._sites_unwritten, 'site')})"
        if self._to_renew:
            return f"reconciler review   (sets {plural(self._to_renew, 'approval')} back to pending)"
        if self._decidable:
            drafts = plural(self._decidable, "draft")
            return f"reconciler approve   ({drafts} in {plural(self._sites_decidable, 'site')})"
        return None

    def _first_run_lines(self, of: int) -> Iterator[str]:
        """At how many sites the current values become the baseline; named one by one if all sites are listed."""
        for note, names in self._first_runs.notes(of):
            yield from Line((Span(f"note: {cause(note)}", Style.DIM),), hang=6).on(self._screen)
            if self._detail.sites and len(names) > 1:
                yield from Line((Span(f"sites: {', '.join(names)}"),), indent=2, hang=4).on(self._screen)
            yield ""

    def _held_lines(self) -> Iterator[str]:
        """What `--no-publish` leaves out, for a screen without the sites' own blocks."""
        held = self._held
        if self._sites_held >= FEW_SITES:
            held = [f"posts held back by --no-publish on {plural(self._sites_held, 'site')}"]
        for text in held:
            yield from Line((Span(f"! {text}", Style.YELLOW),), hang=4).on(self._screen)
        if held:
            yield ""

    def _drafts_lines(self) -> Iterator[str]:
        if not self._drafts:
            return
        if self._sites_waiting >= FEW_SITES:
            text = waiting_words(self._drafts, self._unapproved, f" in {plural(self._sites_waiting, 'site')}")
            yield from Line((Span(f"? {text}", Style.CYAN),)).on(self._screen)
        else:
            for line in waiting_lines(self._waiting):
                yield from line.on(self._screen)
        yield ""

    def _rows(self) -> tuple[list[tuple[int, str, PlanTally]], int]:
        """The rows of the table, and how many sites they are about.

        Sites that are only refused share one: their blocks name them.
        """
        rows, refused, listed = [], [], 0
        for rank, name, tally, sites in self._blocks.rows():
            listed += sites if rank < Rank.NOTE or tally != PlanTally() else 0
            if rank == Rank.REFUSED and tally == PlanTally():
                refused.append((name, sites))
            elif rank < Rank.NOTE or tally != PlanTally():
                rows.append((rank, f"{name} (refused)" if rank == Rank.REFUSED else name, tally))
        if refused:
            together = plural(sum(sites for _, sites in refused), "site")
            rows.insert(0, (Rank.REFUSED, together if len(refused) > 1 else refused[0][0], PlanTally()))
        return rows, listed

    def _table(self, completed: PlanCompleted) -> Iterator[str]:
        found, listed = self._rows()
        rows = nsmallest(MOST_ROWS, found, key=lambda row: row[0])  # those of the same rank keep their order
        if len(found) < FEW_SITES and not (self._detail.summary and rows):
            return
        used = [name for name in COLUMNS if getattr(completed.tally, name)]
        if not used:  # everything in the rows has been said above, and the table would be all dashes
            return
        heads = [name.replace("_", " ") for name in used]
        cells = []
        # A single row for all sites would repeat the total.
        everywhere = rows[0][0] != Rank.REFUSED and rows[0][1] == plural(completed.sites, "site")
        for rank, name, tally in () if everywhere else rows:
            counts = tuple(getattr(tally, column) for column in used)
            nothing = "refused" if rank == Rank.REFUSED else "nothing is done"
            cells.append(Row(name, counts) if any(counts) else Row(name, text=nothing))
        if more := len(found) - len(rows):
            cells.append(Row(plural(more, "more row"), text="…"))
        total = tuple(getattr(completed.tally, column) for column in used)
        cells.append(Row(all_or_part(listed, completed.sites), total, style=Style.BOLD))
        yield from table("site", heads, cells, self._screen, ALWAYS_SHOWN)
        yield ""


def _shards_left(saved: PlanLoaded) -> str:
    """`shard 2/8 is left`, `shards 1/8, 3/8, 4/8 and 2 more are left`."""
    which = some_of([str(Shard(number, saved.shards)) for number in saved.shards_left], MOST_SHARDS)
    return f"shard {which} is left" if len(saved.shards_left) == 1 else f"shards {which} are left"


def _saved_lines(saved: PlanLoaded, screen: Screen, *, whole: bool) -> Iterator[str]:
    """Which plan this is, and whether it can still be applied; with its id and digest if it is shown as a `whole`."""
    made = f"Saved plan, made {moment(saved.made_at, 'UTC')}"
    made += f" from git {saved.commit[:SHORT_COMMIT]}" if saved.commit else ""
    state = f"expires {moment(saved.expires_at, 'UTC')}"
    if saved.spent_at is not None:
        state = f"used up: it was applied {moment(saved.spent_at, 'UTC')}"
    elif saved.expired:
        state = f"expired {moment(saved.expires_at, 'UTC')}"
    elif saved.begun_at is not None:
        state = f"apply began {moment(saved.begun_at, 'UTC')}; {_shards_left(saved)}; {state}"
    elif saved.outside:
        state = f"{state}; outside its project, so it is not known whether it can still be applied"
    elif not saved.spent_known:
        state = f"{state}; it is not known whether it was applied"
    yield from Line((Span(made), Span(f"({state})"))).on(screen)
    facts = (f"made by reconciler {saved.tool} for {saved.api}", f"id {saved.id}", f"digest {saved.digest}")
    for text in facts if whole else ():
        yield from Line((Span(text, Style.DIM),)).on(screen)
