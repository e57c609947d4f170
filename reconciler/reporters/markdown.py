"""The Markdown format, for a comment on a pull request: how the run ended, what is risky, then each site, folded.

The first line marks the comment, so that the next run can find and replace it. Texts from files and from sites are in
`<code>` and `<pre>` of HTML blocks, in which a forge sees no markup, mention, link or command. What does not fit in
a comment is left out from the end, and counted.
"""

from __future__ import annotations

from typing import Final, assert_never

from msgspec.structs import replace

from reconciler.engine import adoption_results, results, site_results, state_results, tool_results
from reconciler.model.canonical import ABSENT
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.planner.actions import BlockedBy
from reconciler.planner.drift_report import Finding
from reconciler.reporters.comment_pieces import FoldedSites, OwnBlock, Risks, Section, SharedProblem, SharedSites, code
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import cause, for_any_site, particulars_of_one, sentence
from reconciler.reporters.excerpt import (
    NOTHING_SHARED,
    Closing,
    SharedParts,
    closing_of,
    last_line,
    shared_of,
    site_text,
    text_of,
)
from reconciler.reporters.findings import Findings, goes_out
from reconciler.reporters.first_runs import FirstRuns
from reconciler.reporters.last_lines import header
from reconciler.reporters.plan_text import NOTHING_DONE
from reconciler.state.errors import of_any_site

MARKER: Final = "<!-- reconciler -->"

COMMENT: Final = 65_536
"""The most characters that a comment on GitHub may have."""

FOOT: Final = 400
"""How many characters are reserved for saying what was left out."""

OF_POSTS: Final = frozenset(
    {
        BlockedBy.FAILED,
        BlockedBy.CHANNEL_NOT_CONNECTED,
        Finding.FAILED_POST,
        Finding.OTHER_TIME,
        Finding.DATE_MOVED,
    }
)
"""Codes of problems that many posts have for one reason: it is said once."""

_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


class MarkdownReporter:
    """Keeps as much as fits, and counts the rest."""

    def __init__(self, context: ReporterContext, most: int = COMMENT) -> None:
        self._context = context
        self._most = most
        self._head: list[str] = []
        self._last = ""
        self._findings = Findings()
        self._public = Section(most)
        self._going_out = Section(most)
        self._problems = {severity: Section(most) for severity in Severity}
        self._sites = Section(most)
        self._files: list[str] = []
        self._first_runs = FirstRuns()

    def handle(self, event: results.Event) -> None:
        for finding in self._findings.of(event):
            self._problem(finding)
        match event:
            case results.RunStarted() | results.PlanLoaded():
                self._begins(event)
            case (
                site_results.SitePlanned()
                | site_results.SiteDrifted()
                | site_results.SiteApplied()
                | site_results.SiteReviewed()
                | site_results.SiteNotReviewed()
                | site_results.SiteHistory()
                | adoption_results.SiteImported()
                | adoption_results.SiteExamined()
            ):
                self._site(event)
            case adoption_results.ProjectExamined():
                self._fold("project", text_of(self._context.command, event))
            case tool_results.StarterFile():
                self._files += text_of(self._context.command, event)
            case (
                state_results.StateListed()
                | state_results.StateShown()
                | state_results.LockFound()
                | state_results.CallResolved()
                | tool_results.SchemaShown()
                | tool_results.ScriptShown()
                | tool_results.SandboxReady()
                | tool_results.SandboxShown()
            ):
                self._fold(self._context.command, text_of(self._context.command, event))
                if isinstance(event, state_results.StateEvent):
                    self._ending(event)
            case (
                results.PlanCompleted()
                | results.ApplyCompleted()
                | results.DriftCompleted()
                | adoption_results.Counts()
                | adoption_results.FilesChecked()
                | state_results.StateEvent()
                | tool_results.ToolEvent()
                | results.Refused()
                | results.FilesInvalid()
                | results.RunFailed()
                | results.Interrupted()
            ):
                self._ending(event)
            case (
                site_results.SiteFailed()
                | results.Notice()
                | results.PhaseStarted()
                | site_results.SiteStarted()
                | site_results.Progressed()
            ):
                pass
            case results.Ended():
                self._write(event)
            case _:
                assert_never(event)

    def _problem(self, finding: Diagnostic) -> None:
        """Adds a problem; if many sites or files share it, it appears once, with their number."""
        sign, where = _SIGNS[finding.severity], finding.address.site if finding.address is not None else ""
        said, thing = finding, "site"
        if finding.place is not None and (not where or finding.says_name is not True):
            said, where, thing = of_any_site(finding), str(finding.place), "place"

        name = finding.name if finding.code in OF_POSTS and finding.says_name is True else ""
        if name:
            said = for_any_site(replace(finding, message=finding.unnamed, says_name=ABSENT))

        def wording(sites: SharedSites, common: Diagnostic) -> str:
            if sites.times == 1 or not where:
                return f"<li>{sign} {code(sentence(finding))}</li>\n"
            last = f" ({last})" if (last := particulars_of_one(finding, common)) else ""
            return f"<li>{sign} {sites.words(thing)}: {code(problem.posts + cause(said) + last)}</li>\n"

        key = (thing, finding.code, cause(said)) if where else sentence(finding)
        section = self._going_out if goes_out(finding) else self._problems[finding.severity]
        problem = SharedProblem(finding, wording, name)
        section.add(key, where, problem)

    def _goes_out(self, planned: site_results.SitePlanned) -> None:
        """Adds what a plan would publish, move or discard; not in an apply, which shows what was done."""
        tally = planned.tally
        counts = {"to publish": tally.publish - tally.moved, "to move": tally.moved, "to discard": tally.discard}
        risks = {word: count for word, count in counts.items() if count}
        if risks and self._context.command != "apply":
            self._public.add(tuple(risks), planned.name, Risks(planned.name, risks))

    def _begins(self, event: results.RunStarted | results.PlanLoaded) -> None:
        if isinstance(event, results.PlanLoaded):
            self._head += [line.strip() for line in text_of("show", event, results.PlanCompleted(0))[:-1]]
            return
        self._head.append(header(event))
        if event.approval_none:
            sites = plural(len(event.approval_none), "site")
            self._head.append(f"approval: none on {sites}: drafts go out there unapproved")

    def _site(self, event: results.SiteEvent) -> None:
        """Adds a site's block; an apply shows what was done, not what was planned."""
        if isinstance(event, site_results.SitePlanned):
            self._goes_out(event)
            event = self._first_runs.taken_from(event)
            if self._context.command == "apply":
                return
        if isinstance(event, site_results.SitePlanned | site_results.SiteDrifted) and not event.says_something:
            return
        calls_of = self._context.calls_of
        lines = site_text(self._context.command, event, calls_of)
        if not lines:  # such as the history of a site without posts
            return
        self._fold(event.name, lines, closing_of(event), shared_of(event, calls_of))

    def _fold(
        self, name: str, lines: list[str], closing: Closing | None = None, shared: SharedParts = NOTHING_SHARED
    ) -> None:
        """Adds a block. Sites with the same one share it; so do many whose blocks differ only in names and values.

        `closing` has the totals of its last line.
        """
        explained = self._context.calls_of is not None
        sites = FoldedSites(OwnBlock(name, lines, closing), shared, list_posts=explained)
        self._sites.add(sites.key, name, sites)

    def _ending(self, event: results.Event) -> None:
        if isinstance(event, results.PlanCompleted):
            if event.refusals and event.tally.changes and self._context.command != "apply":
                self._head.append(NOTHING_DONE)
            for note, _ in self._first_runs.notes(event.sites):
                self._problem(note)
        self._last = last_line(self._context.command, event) or self._last

    def _write(self, ended: results.Ended) -> None:
        if self._files:
            self._fold("files", self._files)
        title = f"{MARKER}\n### reconciler {self._context.command}\n\n"
        ending = f"<p>{code(self._last)}</p>\n" if self._last else ""
        head = "".join(f"<p>{code(line)}</p>\n" for line in self._head)
        foot = f"\nExit code {ended.exit_code} ({ended.verdict})\n"
        room = self._most - len(title) - len(foot) - FOOT
        top = _cut(ending, room // 4) + _cut(head, room // 4)
        room -= len(top)
        risky, unsaid = "", 0
        errors, *others = (self._problems[severity] for severity in Severity)
        for part in (self._going_out, errors, self._public, *others):
            shown, more = part.within(room)
            risky, unsaid, room = risky + shown, unsaid + more, room - len(shown)
        sites, folded = self._sites.within(room)
        left = [plural(unsaid, "risky item")] if unsaid else []
        left += [plural(folded, "site")] if folded else []
        note = f"\nLeft out because the comment is full: {' and '.join(left)}. The text output of the run has them.\n"
        parts = (title, top, f"\n<ul>\n{risky}</ul>\n" if risky else "", f"\n{sites}" if sites else "")
        self._context.write("".join(parts) + (note if left else "") + foot)


def _cut(part: str, room: int) -> str:
    return part if len(part) <= room else "<p><code>(too long for a comment)</code></p>\n"
