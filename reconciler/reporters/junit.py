"""The JUnit format, for the test pages of CI services: one test case per site, and one for the run itself.

A case fails if a site could not be worked on, if a guard refuses it (with `--strict`, also if anything is blocked),
if an action did not end well, or if it has drifted. What is only worth knowing is in its `system-out`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from reconciler.engine.adoption_results import SiteExamined, SiteImported
from reconciler.engine.results import Ended, Event, FilesInvalid
from reconciler.engine.site_results import (
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
)
from reconciler.engine.state_results import StateListed
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.planner.drift_report import DriftState
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import sentence
from reconciler.reporters.findings import Findings, drifted, findings_of
from reconciler.reporters.layout import inert, inert_lines

RUN: Final = "run"
"""The case of the run itself."""


class _Case:
    """A test case: what fails it, what else is said, and whether it could be worked on at all."""

    def __init__(self) -> None:
        self.failures: dict[Diagnostic, None] = {}
        self.notes: dict[Diagnostic, None] = {}
        self.error = False
        self.seconds = 0.0


class JunitReporter:
    """Keeps one case per site, because the numbers come at the top."""

    def __init__(self, context: ReporterContext) -> None:
        self._command = context.command
        self._write = context.write
        self._findings = Findings()
        self._cases: dict[str, _Case] = {RUN: _Case()}

    def handle(self, event: Event) -> None:
        """An event of the run."""
        new = self._findings.of(event)
        match event:
            case (
                SitePlanned(seconds=seconds)
                | SiteApplied(seconds=seconds)
                | SiteImported(seconds=seconds)
                | SiteExamined(seconds=seconds)
            ):
                self._tell(event.name, findings_of(event), seconds)
            case SiteDrifted(report=report, seconds=seconds):
                failing = (drifted(item) for item in report.of(DriftState.DRIFTED))
                self._tell(event.name, findings_of(event), seconds, {found for found in failing if found is not None})
            case SiteFailed(seconds=seconds):
                self._tell(event.name, findings_of(event), seconds)
                self._case(event.name).error = True
            case SiteReviewed() | SiteNotReviewed() | SiteHistory():
                self._tell(event.name, findings_of(event))
            case StateListed(sites=sites):
                for site in sites:
                    self._case(site.name)
                for finding in findings_of(event):
                    self._tell(finding.about.site, (finding,))
            case FilesInvalid(problems=problems):
                for problem in problems:
                    self._tell(problem.file or RUN, (problem,))
            case Ended(exit_code=exit_code):
                self._write("".join(f"{line}\n" for line in self._document(exit_code)))
            case _:
                self._tell(RUN, new)

    def _case(self, name: str) -> _Case:
        return self._cases.setdefault(name, _Case())

    def _tell(
        self,
        name: str,
        findings: Iterable[Diagnostic],
        seconds: float = 0.0,
        failing: Iterable[Diagnostic] = (),
    ) -> None:
        case = self._case(name)
        case.seconds += seconds
        failing = frozenset(failing)
        for finding in findings:
            fails = finding.severity is Severity.ERROR or finding in failing or finding.code == "interrupted"
            (case.failures if fails else case.notes)[finding] = None

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
        for line in inert_lines(f"{finding.severity}: {sentence(finding)}"):
            yield escape(line)
