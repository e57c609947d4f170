"""GitLab's Code Quality report: findings beside the lines of a merge request.

An array of objects, one per finding. GitLab compares their fingerprints with those of the target branch, so, like those
of SARIF, they ignore lines.
"""

from __future__ import annotations

import json
from typing import Any, Final

from reconciler.engine.results import Ended, Event
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import sentence
from reconciler.reporters.findings import Findings, without_place
from reconciler.reporters.layout import inert, inert_json
from reconciler.reporters.places import Places
from reconciler.reporters.sarif import fingerprint

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


class CodeQualityReporter:
    """Writes findings as they come, one per line."""

    def __init__(self, context: ReporterContext) -> None:
        self._write = context.write
        self._places = Places(context.folder)
        self._findings = Findings()
        self._alike: dict[str, int] = {}

    def handle(self, event: Event) -> None:
        self._places.handle(event)
        for finding in self._findings.of(event):
            self._write(("[\n" if not self._alike else ",\n") + inert_json(json.dumps(self._values(finding))))
        if isinstance(event, Ended):
            self._write("\n]\n" if self._alike else "[]\n")

    def _values(self, finding: Diagnostic) -> dict[str, Any]:
        print_ = fingerprint(finding)
        self._alike[print_] = self._alike.get(print_, 0) + 1
        place = self._places.of(finding)
        return {
            "description": inert(sentence(without_place(finding))),
            "check_name": finding.code,
            "fingerprint": f"{print_}:{self._alike[print_]}",
            "severity": _SEVERITIES[finding.severity],
            "location": {"path": inert(place.file), "lines": {"begin": place.line or 1}},
        }
