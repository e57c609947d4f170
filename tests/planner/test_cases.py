"""Cases read as data: site.yaml + observed.json (+ recorded.json) -> plan.txt + plan.json.

`observed.json` contains `now` and the raw answers of the API by the part they are read for. After an intended change:
pytest --update-cases; review the diff like code.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.api import wire, wire_platform
from reconciler.api.events import events_page
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.engine.results import PlanCompleted
from reconciler.engine.site_results import SitePlanned
from reconciler.model.canonical import Digest
from reconciler.model.codec import from_json, to_plain
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.tally import tally_of
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.layout import Screen
from reconciler.reporters.text import TextReporter

CASES = Path(__file__).parent.parent / "cases"


@pytest.mark.parametrize("case", sorted(folder.name for folder in CASES.iterdir() if folder.is_dir()))
def test_case(case: str, update_cases: bool) -> None:
    folder = CASES / case
    answers = answers_of(folder)
    project = find_project([folder])
    [entry] = check_sites(project).entries
    desired = entry.load()
    options = PlanOptions(now=datetime.fromisoformat(answers["now"]), policy=project.policy)
    plan = make_plan(desired, observed(desired, answers), recorded(folder), options)
    expected = {"plan.txt": words(plan), "plan.json": facts(plan)}
    for name, text in expected.items():
        if update_cases:
            (folder / name).write_text(text, encoding="utf-8")
        assert (folder / name).read_text(encoding="utf-8") == text


def answers_of(folder: Path) -> dict[str, Any]:
    """The raw answers of a case, and its `now`."""
    answers: dict[str, Any] = json.loads((folder / "observed.json").read_text(encoding="utf-8"))
    return answers


def observed(desired: DesiredSite, answers: dict[str, Any]) -> ObservedSite:
    """The site that these raw answers show."""
    found = ObservedSite(desired.ref, datetime.fromisoformat(answers["now"]))
    for part, body in answers.items():
        match part:
            case "now":
                pass
            case "marketing-settings":
                settings = wire.settings(body)
                found = replace(found, settings=settings, language=settings.language)
            case "marketing-plan":
                found = replace(found, marketing_plan=wire.marketing_plan(body))
            case "events":
                found = replace(found, events=events_page(body).events)
            case "published-site-urls":
                found = replace(found, published=wire_platform.published(body))
            case "properties":
                found = replace(found, time_zone=wire_platform.properties(body)[0])
            case "features":
                found = replace(found, features=wire_platform.features(body))
            case "token-status":
                statuses = {channel: wire_platform.channel_status(status) for channel, status in body.items()}
                found = replace(found, channels=tuple(sorted(statuses.items())))
            case _:
                raise AssertionError(f"observed.json: no part is called {part}")
    return found


def recorded(folder: Path) -> RecordedSite:
    """What earlier runs recorded, if the case says so."""
    path = folder / "recorded.json"
    return from_json(RecordedSite, path.read_bytes()) if path.exists() else RecordedSite()


def words(plan: Plan) -> str:
    """The plan as a terminal of 80 columns shows it."""
    shown: list[str] = []
    reporter = TextReporter(ReporterContext("plan", shown.append, Screen(80)))
    reporter.handle(SitePlanned(plan, tally_of(plan)))
    reporter.handle(PlanCompleted(1, tally_of(plan), refused=int(bool(plan.refusals))))
    return "".join(shown)


def facts(plan: Plan) -> str:
    """The plan as it is saved, but without the digest of the files, which every edit of a comment would change."""
    return json.dumps(to_plain(replace(plan, config=Digest(""))), indent=2, ensure_ascii=False) + "\n"
