"""The HTML format: one file to look at, with what matters first, a calendar, and the sites to sort and filter.

For a review, it is the gallery of all its sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, assert_never

from reconciler.engine import adoption_results, results, site_results, state_results, tool_results
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.model.verdict import Verdict
from reconciler.planner.review import Review
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import cause, each_cause_once, sentence
from reconciler.reporters.excerpt import last_line, text_of
from reconciler.reporters.failures import UNREAD
from reconciler.reporters.findings import Findings, goes_out
from reconciler.reporters.first_runs import FirstRuns
from reconciler.reporters.gallery import gallery
from reconciler.reporters.last_lines import header
from reconciler.reporters.markup import bullets, text
from reconciler.reporters.page import ReportPage
from reconciler.reporters.page_adoption import examined_row, imported_row
from reconciler.reporters.page_audit import drifted_row, history_row
from reconciler.reporters.page_ledger import applied_row, not_planned_row
from reconciler.reporters.page_plan import ended_in_calendar, planned_row, refused_row
from reconciler.reporters.page_rows import SEVERITIES, SiteRow, failed_row
from reconciler.reporters.words import moment

MOST_POSTS: Final = 10
"""How many posts that still go out are named at the top of the page; the table has all of them."""

MOST_CAUSES: Final = 50
"""How many causes of failing sites are listed at the top of the page; the table has the cause for every site."""

TITLES: Final = {
    "plan": "Planned changes",
    "apply": "What was done",
    "drift": "Drift",
    "history": "What went out",
    "import": "Imported sites",
    "doctor": "Checks",
}


_STYLES: Final = {
    Verdict.SUCCEEDED: "good",
    Verdict.CHANGES: "calm",
    Verdict.INCOMPLETE: "warn",
    Verdict.REFUSED: "bad",
    Verdict.FAILED: "bad",
    Verdict.INTERRUPTED: "bad",
    Verdict.TERMINATED: "bad",
}

NOTHING_MADE: Final = "None of the planned changes were made."
"""Shown above them if an apply was refused as a whole."""


class HtmlReporter:
    """Passes sites to the page as they come, and keeps what the top of the page says."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._page = ReportPage()
        self._run: results.RunStarted | None = None
        self._phase: results.Phase | None = None
        self._findings = Findings()
        self._going_out: list[str] = []
        """Markup for the first posts that still go out."""
        self._more_going_out = 0
        self._problems: list[Diagnostic] = []
        self._causes: dict[tuple[str, str], list[str]] = {}
        self._texts: list[str] = []
        self._calm = 0
        self._last = ""
        self._reviews: list[Review] = []
        self._refused: list[SiteRow] = []
        self._first_runs = FirstRuns()

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        new = self._without_going_out(self._findings.of(event))
        match event:
            case results.RunStarted():
                self._run = event
            case results.PhaseStarted(phase=phase):
                self._phase = phase
                if phase is results.Phase.APPLYING:  # only then is there a ledger, which has every site of the run
                    for row in self._refused:
                        self._page.add("apply", TITLES["apply"], row)
            case results.PlanLoaded():
                self._texts += text_of("show", event, results.PlanCompleted(0))[:-1]
            case site_results.SitePlanned():
                self._planned(self._first_runs.taken_from(event))
            case site_results.SiteDrifted() if event.says_something:
                self._page.add("drift", TITLES["drift"], drifted_row(event))
            case site_results.SiteDrifted():
                self._calm += 1
            case site_results.SiteApplied():
                self._page.add("apply", TITLES["apply"], applied_row(event))
            case site_results.SiteHistory():
                if event.posts:
                    self._page.add("history", TITLES["history"], history_row(event))
            case adoption_results.SiteImported():
                self._page.add("import", TITLES["import"], imported_row(event))
            case adoption_results.SiteExamined() | adoption_results.ProjectExamined():
                self._page.add("doctor", TITLES["doctor"], examined_row(event))
            case site_results.SiteReviewed(review=review):
                self._reviews.append(review)
                self._problems += new
            case site_results.SiteFailed():
                self._failed(event)
            case site_results.SiteNotReviewed(why=why):
                self._problems += (*new, why)
            case results.Notice():
                self._problems += new
            case state_results.StateEvent():
                self._texts += text_of(self._context.command, event)
            case (
                tool_results.SchemaShown()
                | tool_results.ScriptShown()
                | tool_results.StarterFile()
                | tool_results.SandboxReady()
                | tool_results.SandboxShown()
            ):
                self._texts += text_of(self._context.command, event)
            case tool_results.ToolEvent():
                self._last = last_line(self._context.command, event) or self._last
            case site_results.SiteStarted() | site_results.Progressed():
                pass
            case results.Ended():
                self._problems += new
                self._write(event)
            case _:
                self._closing(event, new)

    def _without_going_out(self, findings: Iterable[Diagnostic]) -> list[Diagnostic]:
        """The other findings. Posts that still go out come first on the page."""
        others = []
        for finding in findings:
            if not goes_out(finding):
                others.append(finding)
            elif len(self._going_out) < MOST_POSTS:
                self._going_out.append(text(sentence(finding)))
            else:
                self._more_going_out += 1
        return others

    def _unwanted(self) -> list[str]:
        more = [f"and {plural(self._more_going_out, 'more post')} still going out"] if self._more_going_out else []
        return [*self._going_out, *more]

    def _planned(self, planned: site_results.SitePlanned) -> None:
        if not planned.says_something and not planned.plan.ended:
            self._calm += 1
            return
        self._page.add("plan", TITLES["plan"], planned_row(planned, self._context.calls_of))
        if self._context.command == "apply":  # its calendar shows what was done
            for post in ended_in_calendar(planned.plan):
                self._page.enter("apply", post)
        if planned.plan.refusals and self._context.command == "apply":
            self._refused.append(refused_row(planned))
        for refusal in planned.plan.refusals:
            self._cause("refused", refusal, planned.name)

    def _failed(self, failed: site_results.SiteFailed) -> None:
        part = "apply" if self._phase is results.Phase.APPLYING else self._context.command
        row = not_planned_row if part == "apply" else failed_row
        self._page.add(part, TITLES.get(part, "Sites"), row(failed))
        word = "refused" if failed.refused else "failed" if part == "apply" else UNREAD
        self._cause(word, failed.problem, failed.name)

    def _cause(self, word: str, problem: Diagnostic, site: str) -> None:
        key = (word, cause(problem))
        if key in self._causes or len(self._causes) < MOST_CAUSES:
            self._causes.setdefault(key, []).append(site)

    def _shared(self) -> Iterator[str]:
        """`shop failed: ...`, `210 sites failed: ...`; the cause that most sites share comes first."""
        for (word, why), sites in sorted(self._causes.items(), key=lambda item: -len(item[1])):
            who = sites[0] if len(sites) == 1 else plural(len(sites), "site")
            yield text(f"{who} {word}: {why}")

    def _closing(self, event: results.RunClosing, new: Sequence[Diagnostic]) -> None:
        self._last = last_line(self._context.command, event) or self._last
        match event:
            case results.PlanCompleted(sites=sites):
                if event.refusals:
                    self._page.refuse("plan")
                self._problems += (*new, *(note for note, _ in self._first_runs.notes(sites)))
            case results.Refused():
                self._problems += new
                if "plan" in self._page.parts():
                    self._texts.append(NOTHING_MADE)
            case (
                results.DriftCompleted()
                | results.FilesInvalid()
                | results.Interrupted()
                | adoption_results.FilesChecked()
            ):
                self._problems += new
            case results.RunFailed():
                self._problems += new
                self._last = ""
            case results.ApplyCompleted() | adoption_results.Counts():
                pass
            case _:
                assert_never(event)

    # --- the page ----------------------------------------------------------------------------------

    def _write(self, ended: results.Ended) -> None:
        command = self._context.command
        if self._reviews:
            self._context.write(self._gallery(ended))
            return
        top = list(self._top(ended))
        project = f" · {self._run.project}" if self._run is not None else ""
        first = "apply" if "apply" in self._page.parts() else command
        if command in ("show", "merge"):
            first = "plan"
        self._page.write(self._context.write, f"reconciler {command}{project}", top, first=first)

    def _top(self, ended: results.Ended) -> Iterator[str]:
        yield f'<header class="top"><h1>reconciler {text(self._context.command)}</h1>\n'
        facts = [header(self._run)] if self._run is not None else []
        if self._context.now is not None:
            facts.append(moment(self._context.now(), "UTC"))
        if any(facts):
            yield f'<p class="soft">{text(" · ".join(fact for fact in facts if fact))}</p>\n'
        if self._last:
            yield f'<p class="last {_STYLES[ended.verdict]}">{text(self._last)}</p>\n'
        entries = [f'<li class="bad" dir="auto">{said}</li>' for said in self._unwanted()]
        problems = [*each_cause_once(self._problems)]
        for severity in Severity:
            entries += [
                f'<li class="{SEVERITIES[severity]}" dir="auto">{text(sentence(problem) + elsewhere)}</li>'
                for problem, elsewhere in problems
                if problem.severity is severity
            ]
            if severity is Severity.ERROR:
                entries += [f'<li class="bad">{said}</li>' for said in self._shared()]
        if self._run is not None and self._run.approval_none:
            sites = ", ".join(self._run.approval_none)
            entries.insert(0, f'<li class="bad">approval: none on {text(sites)}: drafts go out there unapproved</li>')
        if entries:
            yield f'<ul class="problems">{"".join(entries)}</ul>\n'
        if self._texts:
            yield f'<pre class="text">{"<br>".join(map(text, self._texts))}</pre>\n'
        if self._calm:
            yield f'<p class="soft">{plural(self._calm, "site")} with nothing to report.</p>\n'
        yield f'<p class="soft">{_code(ended)}</p></header>\n'

    def _gallery(self, ended: results.Ended) -> str:
        """The gallery of the reviewed sites, and below it what else the run has to say."""
        sandbox = self._run is not None and self._run.api is not None and self._run.api.kind is results.ApiKind.SANDBOX
        page = gallery(self._reviews, self._context.picture if sandbox else None)
        found = each_cause_once(self._problems)
        items = [
            *self._unwanted(),
            *(text(sentence(problem) + elsewhere) for problem, elsewhere in found),
            *self._shared(),
        ]
        problems = bullets(items, "problems") + "\n" if items else ""
        return page.replace("</body>", f'{problems}<p class="soft">{_code(ended)}</p>\n</body>')


def _code(ended: results.Ended) -> str:
    return f"Exit code {ended.exit_code} ({ended.verdict})"
