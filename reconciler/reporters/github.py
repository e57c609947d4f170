"""The format for GitHub's runners: annotations on stdout, the comment as the step's summary, numbers as its outputs.

A workflow command is a line `::error file=...,line=...::message`. Its values are escaped the way the runner unescapes
them, so that a text can end neither its value nor its line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from reconciler.engine import results, site_results
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.plurals import plural
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import cause, sentence
from reconciler.reporters.excerpt import last_line
from reconciler.reporters.findings import Findings, goes_out, without_place
from reconciler.reporters.layout import inert, inert_lines
from reconciler.reporters.markdown import MarkdownReporter
from reconciler.reporters.places import in_checkout
from reconciler.spool import Spool

STEP_SUMMARY: Final = 240_000
"""In characters: GitHub takes 1,024 KiB, and a character has at most four bytes."""

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


FEW_SITES: Final = 5
"""If this many sites or more share a problem, the first gets its own annotation, and all others share one."""

MOST_NAMES: Final = 8
"""How many of them it names; the rest are counted."""


class _MoreSites:
    """The sites that have the same problem as an earlier one: the first few of them, and how many there are."""

    def __init__(self) -> None:
        self.first: list[Diagnostic] = []
        self.count = 0

    def add(self, finding: Diagnostic) -> None:
        self.count += 1
        if self.count <= MOST_NAMES:
            self.first.append(finding)

    def annotations(self) -> Iterator[str]:
        """One for each if there are few, otherwise one for all. GitHub shows only the first annotations of a step."""
        if self.count < FEW_SITES - 1:
            yield from map(annotation, self.first)
            return
        names = ", ".join(finding.address.site for finding in self.first if finding.address is not None)
        more = f" and {plural(self.count - MOST_NAMES, 'more site')}" if self.count > MOST_NAMES else ""
        one = self.first[0]
        text = f"the same on {plural(self.count, 'more site')} ({names}{more}): {cause(one)}"
        yield _command(one, {"title": one.code}, text)


class GithubReporter:
    """Writes the annotations of posts that still go out as they come, and the rest when the run has ended."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._findings = Findings()
        self._others = Spool()
        self._alike: dict[bytes, _MoreSites | None] = {}
        self._closing: results.ClosingEvent | None = None
        self._numbers: dict[str, int] = {}
        self._to_record = 0
        summary = context.step_summary
        self._summary = None if summary is None else MarkdownReporter(replace(context, write=summary), STEP_SUMMARY)

    def handle(self, event: results.Event) -> None:
        for finding in self._findings.of(event):
            self._annotate(finding)
        if isinstance(event, site_results.SitePlanned):
            self._to_record += event.is_to_record
        if isinstance(event, results.PlanCompleted):
            self._numbers["to-record"] = self._to_record
        if isinstance(event, results.ClosingEvent):
            self._closing = event
            self._numbers |= numbers_of(event)
        if isinstance(event, results.Ended):
            self._end(event)
        if self._summary is not None:
            self._summary.handle(event)

    def _annotate(self, finding: Diagnostic) -> None:
        """Writes or keeps an annotation; if an earlier site has the same problem, it only counts the site.

        What concerns one object of a site, such as a draft, always has its own.
        """
        about = finding.address
        if finding.place is not None:
            finding = replace(finding, place=in_checkout(self._context.folder, finding.place))
        if finding.place is None and about is not None and about.site and not about.key:
            same = repr((finding.severity, finding.code, about.kind, cause(finding)))
            key = hashlib.blake2b(same.encode("utf-8", "replace"), digest_size=16).digest()
            if key in self._alike:
                more = self._alike[key] = self._alike[key] or _MoreSites()
                more.add(finding)
                return
            self._alike[key] = None
        line = annotation(finding) + "\n"
        if goes_out(finding):
            self._context.write(line)
        else:
            self._others.append(line.encode("utf-8", "surrogatepass"))

    def _end(self, ended: results.Ended) -> None:
        for number in range(len(self._others)):
            self._context.write(self._others[number].decode("utf-8", "surrogatepass"))
        for more in self._alike.values():
            for line in more.annotations() if more is not None else ():
                self._context.write(line + "\n")
        line = "" if self._closing is None else last_line(self._context.command, self._closing)
        for part in inert_lines(line or f"Exit code {ended.exit_code} ({ended.verdict})"):
            self._context.write(part + "\n")
        if self._context.step_outputs is not None:
            numbers = {**self._numbers, "exit-code": ended.exit_code}
            self._context.step_outputs("".join(f"{name}={number}\n" for name, number in numbers.items()))


def annotation(finding: Diagnostic) -> str:
    """The workflow command that shows a problem beside its line, or beside the run."""
    place = finding.place
    properties = {"title": finding.code}
    if place is not None:
        properties["file"] = place.file
        if place.line:
            properties |= {"line": str(place.line), "col": str(place.column)}
    return _command(finding, properties, sentence(without_place(finding)))


def _command(finding: Diagnostic, properties: Mapping[str, str], text: str) -> str:
    values = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {values}::{_data(text)}"


def numbers_of(event: results.ClosingEvent) -> dict[str, int]:
    """The outputs of the step, by name."""
    match event:
        case results.PlanCompleted(tally=tally):
            return {
                "changes": event.changes,
                "publish": tally.publish,
                "discard": tally.discard,
                "blocked": tally.blocked,
                "still-going-out": tally.still_going_out,
                "failed": event.failed,
                "refused": results.refused_sites(event),
            }
        case results.ApplyCompleted():
            return {
                "published": event.tally.all_published,
                "withheld": event.tally.withheld,
                "unknown": event.tally.unknown,
                "still-going-out": event.tally.still_going_out,
                "failed": event.tally.failed + event.failed + event.plan.failed,
                "refused": event.refused + event.plan.refused,
            }
        case results.DriftCompleted(tally=tally):
            return {
                "drifted": tally.drifted,
                "pending": tally.pending,
                "blocked": tally.blocked,
                "still-going-out": event.all_going_out,
                "failed": event.failed,
                "refused": results.refused_sites(event),
            }
        case results.ReviewCompleted():
            return {"pending": event.pending, "approved": event.approved, "failed": event.failed}
        case _:  # the exit code says everything
            return {}


def _data(text: str) -> str:
    return inert(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
