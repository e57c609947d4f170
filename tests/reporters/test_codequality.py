"""GitLab's Code Quality: every finding has what GitLab requires, and a fingerprint of its own."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from reconciler.engine.results import FilesInvalid
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.reporters.codequality import CodeQualityReporter
from reconciler.reporters.context import ReporterContext
from tests.reporters.endings import Run, endings, exits

RUNS = dict(endings(str))


def report(run: Run) -> list[dict[str, Any]]:
    out = io.StringIO()
    reporter = CodeQualityReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    return found


@pytest.mark.parametrize("name", RUNS)
def test_what_gitlab_asks_for(name: str) -> None:
    found = report(RUNS[name])
    prints = [finding["fingerprint"] for finding in found]
    assert len(set(prints)) == len(prints)
    for finding in found:
        assert set(finding) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert finding["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert finding["location"]["path"]
        assert finding["location"]["lines"]["begin"] >= 1


def test_a_problem_in_a_file_has_its_line() -> None:
    wrong = Diagnostic(
        "invalid-file", "toneOfVoize is not known", "write toneOfVoice", place=Place("sites/a.yaml", 3, 5)
    )
    (found,) = report(Run("validate", (FilesInvalid((wrong,)), exits(1))))
    assert found["location"] == {"path": "sites/a.yaml", "lines": {"begin": 3}}
    assert found["description"] == "toneOfVoize is not known; write toneOfVoice"
    assert report(RUNS["valid files"]) == []
