"""The format of GitLab's `reports:terraform`."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from reconciler.engine.results import PlanCompleted
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.gitlab import GitlabReporter
from tests.reporters.endings import Run, endings, exits

RUNS = dict(endings(str))


def report(run: Run) -> Any:
    out = io.StringIO()
    reporter = GitlabReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nothing to change", {"create": 0, "update": 0, "delete": 0}),
        ("changes", {"create": 2, "update": 2, "delete": 0}),
        ("a refused run", {"create": 2, "update": 2, "delete": 0}),
        ("a saved plan", {"create": 2, "update": 2, "delete": 0}),
        ("no drift", {"create": 0, "update": 0, "delete": 0}),
    ],
)
def test_the_numbers_of_all_sites(name: str, wanted: dict[str, int]) -> None:
    assert report(RUNS[name]) == wanted


@pytest.mark.parametrize(
    "name",
    [
        "a site that cannot be read",
        "an apply that its only site refuses",
        "a missing key",
        "plan of bad files",
        "interrupted while planning",
        "drift",
    ],
)
def test_no_numbers_rather_than_wrong_ones(name: str) -> None:
    assert report(RUNS[name]) == {}


def test_what_is_thrown_away_or_cancelled_is_deleted() -> None:
    tally = PlanTally(destroy=1, cancel=2, discard=4, publish=8, change=16, add=32, generate=64)
    found = report(Run("plan", (PlanCompleted(1, tally), exits(0))))
    assert found == {"create": 96, "update": 24, "delete": 7}
