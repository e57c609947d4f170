"""The SARIF format: findings with their places, and fingerprints that do not change when a line moves."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.engine.results import FilesInvalid, RunStarted
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.sarif import FINGERPRINT, SarifReporter, fingerprint
from tests.reporters.endings import Run, endings, exits

RUNS = dict(endings(str))
WRONG = Diagnostic("invalid-file", "toneOfVoize is not known", "write toneOfVoice", place=Place("sites/a b.yaml", 3, 5))


def document(run: Run) -> Any:
    out = io.StringIO()
    reporter = SarifReporter(ReporterContext(run.command, out.write))
    for event in run.events:
        reporter.handle(event)
    return json.loads(out.getvalue())


def results(run: Run) -> list[dict[str, Any]]:
    (found,) = document(run)["runs"]
    told: list[dict[str, Any]] = found["results"]
    return told


@pytest.mark.parametrize("name", RUNS)
def test_what_the_standard_asks_for(name: str) -> None:
    found = document(RUNS[name])
    assert (found["version"], len(found["runs"])) == ("2.1.0", 1)
    (run,) = found["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    prints = [result["partialFingerprints"][FINGERPRINT] for result in run["results"]]
    assert len(set(prints)) == len(prints)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        for location in result["locations"]:
            region = location.get("physicalLocation", {}).get("region", {})
            assert all(number >= 1 for number in region.values())


def test_a_problem_in_a_file_has_its_place() -> None:
    (found,) = results(Run("validate", (FilesInvalid((WRONG,)), exits(1))))
    assert found["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "sites/a%20b.yaml"},
                "region": {"startLine": 3, "startColumn": 5},
            }
        }
    ]
    assert found["message"]["text"] == "toneOfVoize is not known; write toneOfVoice"


def test_drift_names_its_object() -> None:
    found = next(result for result in results(RUNS["drift"]) if result["ruleId"] == "differs")
    (location,) = found["locations"]
    assert location["logicalLocations"] == [{"fullyQualifiedName": "shop/settings"}]
    assert "w-live" in found["message"]["text"]


def test_a_finding_without_a_file_is_shown_at_its_site_or_at_the_project_file() -> None:
    """Code scanning takes no result without a file."""
    places = ((SiteName("shop"), Place("sites/shop.yaml", 2, 1)),)
    begun = RunStarted("plan", "acme", 1, 1, places=places)
    of_site = Diagnostic("paused", "until Monday", address=Address(SiteName("shop"), Kind.DRAFT, "x"))
    of_run = Diagnostic("maxPublish", "too many")
    found = results(Run("plan", (begun, FilesInvalid((of_site, of_run)), exits(1))))
    shown = [result["locations"][0]["physicalLocation"] for result in found]
    assert shown == [
        {"artifactLocation": {"uri": "sites/shop.yaml"}, "region": {"startLine": 2, "startColumn": 1}},
        {"artifactLocation": {"uri": "reconciler.yaml"}, "region": {"startLine": 1, "startColumn": 1}},
    ]


def test_a_finding_that_moves_stays_the_same() -> None:
    moved = replace(WRONG, place=Place("sites/a b.yaml", 30, 1))
    assert fingerprint(moved) == fingerprint(WRONG)
    assert fingerprint(replace(WRONG, place=Place("sites/other.yaml", 3, 5))) != fingerprint(WRONG)
    blocked = Diagnostic("paused", "until Monday", address=Address(SiteName("shop"), Kind.DRAFT, "x"))
    assert fingerprint(replace(blocked, message="until Tuesday")) == fingerprint(blocked)


def test_two_alike_in_one_file_are_two() -> None:
    twice = (WRONG, replace(WRONG, place=Place("sites/a b.yaml", 9, 5)))
    found = results(Run("validate", (FilesInvalid(twice), exits(1))))
    assert len({result["partialFingerprints"][FINGERPRINT] for result in found}) == 2


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("validate of bad files", False),
        ("changes", True),
        ("a refused run", True),
        ("plan of bad files", False),
        ("doctor", False),
        ("state list", False),
        ("a site that cannot be read", False),
        ("a missing key", False),
        ("interrupted at once", False),
    ],
)
def test_a_run_that_could_not_look_says_so(name: str, whole: bool) -> None:
    (run,) = document(RUNS[name])["runs"]
    assert run["invocations"][0]["executionSuccessful"] is whole
