"""The cases in every format, as files to read: tests/cases/<name>/reports/. `pytest --update-cases` rewrites them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import pytest

from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.engine.results import Api, ApiKind, Event, PlanCompleted, RunStarted
from reconciler.engine.site_results import SitePlanned
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.tally import tally_of
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.registry import FORMATS, make
from tests.planner.test_cases import CASES, answers_of, observed, recorded
from tests.reporters.endings import exits

ENDINGS: Final = {
    "text": "txt",
    "markdown": "md",
    "junit": "junit.xml",
    "openmetrics": "metrics.txt",
    "github": "github.txt",
    "gitlab": "gitlab.json",
    "codequality": "codequality.json",
}
"""The file extension of each format whose name is not its extension."""


def test_there_are_cases() -> None:
    assert sum(1 for case in CASES.iterdir() if case.is_dir()) >= 12


@pytest.mark.parametrize("case", sorted(case.name for case in CASES.iterdir() if case.is_dir()))
def test_a_case_in_every_format(case: str, update_cases: bool) -> None:
    folder = CASES / case
    answers = answers_of(folder)
    now = datetime.fromisoformat(answers["now"])
    project = find_project([folder])
    [entry] = check_sites(project).entries
    desired = entry.load()
    options = PlanOptions(now=now, policy=project.policy)
    plan = make_plan(desired, observed(desired, answers), recorded(folder), options)
    tally, refused = tally_of(plan), int(bool(plan.refusals))
    begun = RunStarted("plan", "acme-sites", 1, 1, Api(ApiKind.WIX, "wix", "www.wixapis.com"), "7d9c4ae" * 5)
    code = 4 if refused else 2 if tally.changes else 0
    events = (begun, SitePlanned(plan, tally), PlanCompleted(1, tally, refused=refused), exits(code))
    for format in FORMATS:
        text = _stable(_report(format, events, now))
        file = folder / "reports" / f"report.{ENDINGS.get(format, format)}"
        if update_cases:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"run pytest --update-cases to write {file.name} of each case"
        assert file.read_text(encoding="utf-8") == text


def _report(format: str, events: tuple[Event, ...], now: datetime) -> str:
    pieces: list[str] = []
    reporter = make(format, ReporterContext("plan", pieces.append, now=lambda: now))
    for event in events:
        reporter.handle(event)
    return "".join(pieces)


def _stable(text: str) -> str:
    """Without the style and script of the page, which are files of their own, and their hashes."""
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1>...</\1>", text, flags=re.DOTALL)
    return re.sub(r"'sha256-[^']+'", "'sha256-...'", text)
