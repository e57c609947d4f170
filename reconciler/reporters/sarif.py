"""The SARIF 2.1.0 format: what is wrong in files, refused, blocked or has drifted, for code scanning.

A finding has the place in its file, or else that of its site or of the project file, and the address of its object if
it is about one. Its fingerprint ignores lines, so a finding that moves within its file stays the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from reconciler.engine.results import Ended, Event
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.diagnostics import sentence
from reconciler.reporters.findings import Findings, without_place
from reconciler.reporters.layout import inert, inert_json
from reconciler.reporters.places import Places
from reconciler.version import __version__

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"

FINGERPRINT: Final = "reconciler/v1"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


class SarifReporter:
    """Keeps the findings until the run has ended, because the rules that they break come before them."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._heard = Findings()
        self._findings: list[Diagnostic] = []
        self._places = Places(context.folder)

    def handle(self, event: Event) -> None:
        self._places.handle(event)
        self._findings += self._heard.of(event)
        if isinstance(event, Ended):
            document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [self._run(event)]}
            self._context.write(inert_json(json.dumps(document, ensure_ascii=True)) + "\n")

    def _run(self, ended: Ended) -> dict[str, Any]:
        rules = sorted({finding.code for finding in self._findings})
        driver = {"name": "reconciler", "version": __version__, "rules": [{"id": code} for code in rules]}
        return {
            "tool": {"driver": driver},
            "automationDetails": {"id": f"reconciler/{self._context.command.replace(' ', '-')}/"},
            "invocations": [
                {
                    "executionSuccessful": not ended.verdict.is_cut_short,
                    "exitCode": ended.exit_code,
                    "exitCodeDescription": ended.verdict.value,
                }
            ],
            "columnKind": "unicodeCodePoints",
            "results": self._results(rules),
        }

    def _results(self, rules: list[str]) -> list[dict[str, Any]]:
        numbers = {code: number for number, code in enumerate(rules)}
        alike: dict[str, int] = {}
        results = []
        for finding in self._findings:
            print_ = fingerprint(finding)
            alike[print_] = alike.get(print_, 0) + 1
            result: dict[str, Any] = {
                "ruleId": finding.code,
                "ruleIndex": numbers[finding.code],
                "level": _LEVELS[finding.severity],
                "message": {"text": inert(sentence(without_place(finding)))},
                "locations": locations(finding, self._places.of(finding)),
                "partialFingerprints": {FINGERPRINT: f"{print_}:{alike[print_]}"},
            }
            if known := {key: inert(text) for key, text in _particulars(finding) if text}:
                result["properties"] = known
            results.append(result)
        return results


def _particulars(finding: Diagnostic) -> Iterator[tuple[str, str]]:
    """What SARIF has no member for, under the names used in JSON."""
    yield "fix", finding.fix
    yield "requestId", finding.request_id or ""


def locations(finding: Diagnostic, place: Place) -> list[dict[str, Any]]:
    """Where a finding is shown: always in a file, which code scanning requires, and on an object of a site."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(place.file.encode("utf-8", "replace"))}}
    if place.line:
        physical["region"] = {"startLine": place.line, **({"startColumn": place.column} if place.column else {})}
    found: dict[str, Any] = {"physicalLocation": physical}
    if finding.address is not None:
        found["logicalLocations"] = [{"fullyQualifiedName": inert(str(finding.address))}]
    return [found]


def fingerprint(finding: Diagnostic) -> str:
    """Stays the same for the same problem of the same object, even if its line moves.

    The message counts only if the problem has no address.
    """
    parts = [finding.code, finding.file, str(finding.address or "")]
    if finding.address is None:
        parts.append(finding.message)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
