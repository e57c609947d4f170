"""What a report says about how its run ended, as read by the programs that it is meant for."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

from reconciler.model.verdict import Verdict

SUCCESS = (Verdict.SUCCEEDED, Verdict.CHANGES)
CUT_SHORT = (Verdict.FAILED, Verdict.INTERRUPTED, Verdict.TERMINATED)


def check_verdict(format: str, text: str, verdict: Verdict) -> None:
    """Asserts that a report can be read, and does not contradict the exit code."""
    {
        "text": _text,
        "json": lambda text, verdict: _object(json.loads(text), verdict),
        "ndjson": lambda text, verdict: _object([json.loads(line) for line in text.splitlines()][-1], verdict),
        "markdown": _words,
        "html": _words,
        "junit": _junit,
        "sarif": _sarif,
        "codequality": lambda text, verdict: _findings([found["severity"] for found in json.loads(text)], verdict),
        "github": _github,
        "gitlab": _gitlab,
        "openmetrics": _openmetrics,
    }.get(format, _named)(text, verdict)


def _text(text: str, verdict: Verdict) -> None:
    """Its last line is for people; only a run that succeeded says that all is well."""
    last = text.splitlines()[-1] if text.strip() else ""
    assert verdict in SUCCESS or not re.match(r"No changes\.|No drift\.|Valid:", last), last


def _named(text: str, verdict: Verdict) -> None:
    """A format without a check of its own here contains the verdict as a word: enough for people and for a search."""
    assert re.search(rf"\b{verdict}\b", text), f"the report does not say {verdict}"


def _object(found: dict[str, Any], verdict: Verdict) -> None:
    assert (found["verdict"], found["exitCode"]) == (verdict.value, verdict.exit_code)


def _words(text: str, verdict: Verdict) -> None:
    assert f"Exit code {verdict.exit_code} ({verdict})" in text


def _junit(text: str, verdict: Verdict) -> None:
    suite = ElementTree.fromstring(text.encode())
    errors, failures = int(suite.attrib["errors"]), int(suite.attrib["failures"])
    assert suite.find(".//property").attrib["value"] == str(verdict.exit_code)  # type: ignore[union-attr]
    assert bool(errors) == (verdict is Verdict.FAILED), "an error is what makes a run fail"
    assert verdict is not Verdict.SUCCEEDED or not failures
    assert verdict in SUCCESS or errors + failures


def _sarif(text: str, verdict: Verdict) -> None:
    (run,) = json.loads(text)["runs"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is (verdict not in CUT_SHORT)
    assert (invocation["exitCode"], invocation["exitCodeDescription"]) == (verdict.exit_code, verdict.value)
    _findings([{"error": "critical"}.get(result["level"], result["level"]) for result in run["results"]], verdict)


def _findings(severities: list[str], verdict: Verdict) -> None:
    assert verdict is not Verdict.FAILED or "critical" in severities
    assert verdict in SUCCESS or set(severities) - {"note", "info"}, "a run that did not succeed has a reason"


def _github(text: str, verdict: Verdict) -> None:
    told = re.findall(r"^::(error|warning|notice) ", text, re.MULTILINE)
    _findings([{"error": "critical", "notice": "note"}.get(word, word) for word in told], verdict)


def _gitlab(text: str, verdict: Verdict) -> None:
    numbers = json.loads(text)
    assert not (numbers and verdict in CUT_SHORT)
    assert set(numbers) in (set(), {"create", "update", "delete"})


def _openmetrics(text: str, verdict: Verdict) -> None:
    assert text.endswith("# EOF\n")
    assert re.search(rf"^reconciler_exit_code{{[^}}]*}} {verdict.exit_code}$", text, re.MULTILINE)
    outcomes = dict(re.findall(r'^reconciler_outcome{command="[^"]*",outcome="(.*)"} ([01])$', text, re.MULTILINE))
    assert outcomes == {other.value: str(int(other is verdict)) for other in Verdict}
    sites = dict(re.findall(r'^reconciler_sites{command="[^"]*",outcome="(.*)"} (\d+)$', text, re.MULTILINE))
    counted = {Verdict.FAILED: "failed", Verdict.REFUSED: "refused"}.get(verdict, "all")
    assert (sites[counted] != "0") == (sites["all"] != "0"), "a run that failed has no sites, or one that did"
    assert verdict is not Verdict.SUCCEEDED or (sites["failed"], sites["refused"]) == ("0", "0")
    assert ("last_success_timestamp" in text) <= (verdict in SUCCESS)
