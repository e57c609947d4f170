"""The JUnit format, for the test pages of CI services: a test case per site or invalid file, and one for the run.

What makes a run fail (exit code 1) is an `error`: a site that could not be worked on, an action that failed, a problem
found by `doctor`. What a guard refuses (with `--strict`, also what is blocked), what was left undone and what has
drifted is a `failure`. Everything else, and everything in a run that succeeded, is in a case's `system-out`: a test
page is never red if the exit code is 0, and never green if the run failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from reconciler.engine import adoption_results, results, site_results, state_results
from reconciler.executor.ledger import ActionResult
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.verdict import Verdict
from reconciler.planner.drift_report import DriftState
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import sentence
from reconciler.reporters.findings import STILL_GOING_OUT, Findings, ended_badly, findings_of
from reconciler.reporters.layout import inert, inert_lines

RUN: Final = "run"
"""The case of the run itself."""


class _Case:
    """A test case: what makes it fail, what else is said, and whether it makes the run fail."""

    def __init__(self) -> None:
        self.failures: dict[Diagnostic, None] = {}
        self.notes: dict[Diagnostic, None] = {}
        self.error = False
        self.seconds = 0.0

    def pass_all(self) -> None:
        """Makes the case succeed, whatever was found."""
        self.notes, self.failures = self.failures | self.notes, {}
        self.error = False

    def drop(self, code: str) -> None:
        """Drops the findings with a code."""
        self.failures = {finding: None for finding in self.failures if finding.code != code}

    def fail_warnings(self) -> None:
        """Makes warnings fail the case, as with `--strict`."""
        self.failures |= {finding: None for finding in self.notes if finding.severity is Severity.WARNING}
        self.notes = {finding: None for finding in self.notes if finding not in self.failures}


class JunitReporter:
    """Keeps one case per site, because the numbers come at the top."""

    def __init__(self, context: ReporterContext) -> None:
        self._command = context.command
        self._write = context.write
        self._findings = Findings()
        self._cases: dict[str, _Case] = {RUN: _Case()}

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        new = self._findings.of(event)
        match event:
            case site_results.SitePlanned(seconds=seconds) | adoption_results.SiteImported(seconds=seconds):
                self._add_case(event.name, findings_of(event), seconds)
            case site_results.SiteApplied(ledger=ledger, seconds=seconds):
                failed = ledger.error is not None or any(
                    entry.result is ActionResult.FAILED for entry in ledger.entries
                )
                self._case(event.name).drop(STILL_GOING_OUT)  # of the plan: the ledger has those that are left
                undone = dict.fromkeys((*findings_of(event), *ledger.in_doubt))
                self._add_case(event.name, undone, seconds, failing=undone, error=failed)
            case site_results.SiteDrifted(report=report, seconds=seconds):
                failing = {item.problem for item in report.of(DriftState.DRIFTED) if item.problem is not None}
                self._add_case(event.name, findings_of(event), seconds, failing=failing)
            case site_results.SiteFailed(seconds=seconds):
                self._add_case(event.name, findings_of(event), seconds, error=not event.refused)
            case adoption_results.SiteExamined(seconds=seconds):
                self._add_case(event.name, findings_of(event), seconds, error=True)
            case site_results.SiteReviewed() | site_results.SiteNotReviewed() | site_results.SiteHistory():
                self._add_case(event.name, findings_of(event))
            case state_results.StateListed(sites=sites):
                for site in sites:
                    self._case(site.name)
                for finding in findings_of(event):
                    self._add_case(finding.about.site, (finding,), error=True)
            case results.FilesInvalid(problems=problems):
                for problem in problems:
                    self._add_case(problem.file or RUN, (problem,), error=True)
            case adoption_results.ProjectExamined() | adoption_results.FilesChecked() | results.RunFailed():
                self._add_case(RUN, new, error=True)
            case adoption_results.DoctorCompleted(strict=True):
                for case in self._cases.values():
                    case.fail_warnings()
            case results.Ended():
                self._agree(event)
                self._write("".join(f"{line}\n" for line in self._document(event.exit_code)))
            case _:
                self._add_case(RUN, new)

    def _case(self, name: str) -> _Case:
        return self._cases.setdefault(name, _Case())

    def _add_case(
        self,
        name: str,
        findings: Iterable[Diagnostic],
        seconds: float = 0.0,
        *,
        failing: Iterable[Diagnostic] = (),
        error: bool = False,
    ) -> None:
        """Adds findings to a case, which fails if one of them is severe; with `error`, it makes the run fail."""
        case = self._case(name)
        case.seconds += seconds
        failing = frozenset(failing)
        for finding in findings:
            severe = finding.severity is Severity.ERROR
            if severe or finding in failing or finding.code == "interrupted":
                case.failures[finding] = None
                case.notes.pop(finding, None)
            else:
                case.notes[finding] = None
            case.error = case.error or (severe and error)

    def _agree(self, ended: results.Ended) -> None:
        """Makes sure that no case contradicts the exit code."""
        cases = self._cases.values()
        if ended.verdict is Verdict.SUCCEEDED:
            for case in cases:
                case.pass_all()
        elif ended.verdict is Verdict.FAILED and not any(case.error for case in cases):
            self._cases[RUN].failures[ended_badly(ended)] = None
            self._cases[RUN].error = True
        elif not ended.verdict.is_success and not any(case.failures for case in cases):
            self._cases[RUN].failures[ended_badly(ended)] = None

    def _document(self, exit_code: int) -> Iterator[str]:
        cases = self._cases.values()
        errors = sum(case.error for case in cases)
        failures = sum(bool(case.failures) and not case.error for case in cases)
        seconds = sum(case.seconds for case in cases)
        name = quoteattr(f"reconciler {inert(self._command)}")
        numbers = f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0" time="{seconds:.3f}"'
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield f"<testsuites name={name} {numbers}>"
        yield f"<testsuite name={name} {numbers}>"
        yield f'<properties><property name="exitCode" value="{int(exit_code)}"/></properties>'
        for site, case in self._cases.items():
            yield from self._lines(site, case)
        yield "</testsuite>"
        yield "</testsuites>"

    def _lines(self, name: str, case: _Case) -> Iterator[str]:
        classname = quoteattr("reconciler." + inert(self._command).replace(" ", "."))
        head = f'<testcase classname={classname} name={quoteattr(inert(name))} time="{case.seconds:.3f}"'
        if not case.failures and not case.notes:
            yield head + "/>"
            return
        yield head + ">"
        if case.failures:
            first = next(iter(case.failures))
            tag = "error" if case.error else "failure"
            yield f"<{tag} type={quoteattr(inert(first.code))} message={quoteattr(inert(sentence(first)))}>"
            yield from _texts(case.failures)
            yield f"</{tag}>"
        if case.notes:
            yield "<system-out>"
            yield from _texts(case.notes)
            yield "</system-out>"
        yield "</testcase>"


def _texts(findings: Iterable[Diagnostic]) -> Iterator[str]:
    for finding in findings:
        for line in inert_lines(f"{finding.severity}[{finding.code}]: {sentence(finding)}"):
            yield escape(line)
