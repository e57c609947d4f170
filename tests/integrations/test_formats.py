"""Reports as other people's tools read them: the schema of SARIF, promtool, and a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from reconciler.model.writes import FieldChange
from reconciler.planner.tally import PlanTally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.registry import make
from tests.browser import chromium, complaints, needs_browser, requested, worked
from tests.hostile import CAPTIONS
from tests.reporters.endings import AT, Run, endings, exits, full_plan, planned, started, unread
from tests.reporters.test_html import site

SARIF = Path(__file__).parent / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
PROMTOOL = shutil.which("promtool")
SITES = 1_000


def report(format: str, run: Run) -> str:
    pieces: list[str] = []
    reporter = make(format, ReporterContext(run.command, pieces.append, now=lambda: AT))
    for event in run.events:
        reporter.handle(event)
    return "".join(pieces)


def everything() -> Run:
    """A thousand sites with every kind of problem, hostile texts, and posts that go out."""
    from reconciler.engine.results import PlanCompleted

    sites = [planned(full_plan(str, "aa"))]
    sites += [
        planned(full_plan(lambda word, text=text: f"{word} {text}", f"evil-{name}"))  # type: ignore[misc]
        for name, text in CAPTIONS.items()
    ]
    sites += [site(f"s{n:04}", FieldChange("settings.toneOfVoice", "dry", f"warm{n % 7}")) for n in range(SITES)]
    total = sum((found.tally for found in sites), PlanTally())
    events = (*started("plan"), *sites, unread(str), PlanCompleted(len(sites) + 1, total, 1), exits(1))
    return Run("plan", events)


@pytest.mark.skipif(
    not SARIF.is_file(), reason="the schema of SARIF is not installed: npm install in tests/integrations"
)
def test_every_ending_is_sarif() -> None:
    schema = json.loads(SARIF.read_text("utf-8"))
    for kind in ("run", "toolComponent"):
        del schema["definitions"][kind]["properties"]["language"]["pattern"]  # which is not a regular expression
    validator = jsonschema_rs.validator_for(schema)
    for _, run in endings(lambda word: f"{word} {CAPTIONS['html']} {CAPTIONS['bidi']}"):
        document = json.loads(report("sarif", run))
        validator.validate(document)
        for result in document["runs"][0]["results"]:  # which GitHub asks for beyond the schema
            assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    document["runs"][0]["invocations"][0]["executionSuccessful"] = "perhaps"
    assert not validator.is_valid(document)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed; it comes with prometheus")
@pytest.mark.parametrize("name", ["changes", "every result", "drift", "declined"])
def test_promtool_finds_nothing(name: str) -> None:
    text = report("openmetrics", dict(endings(lambda word: f'{word} "\\\n{CAPTIONS["html"]}'))[name])
    done = subprocess.run([str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_browser
def test_a_browser_shows_sorts_and_filters_a_thousand_sites(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report("html", everything()), "utf-8")
    with chromium(tmp_path, width=1280, height=900) as driver:
        requested(driver)
        driver.get(page.as_uri())

        def ask(script: str) -> Any:
            return driver.execute_script(f"return {script}")

        def shown() -> list[str]:
            names: list[str] = ask(
                "[...document.querySelectorAll('tbody.site')].filter(s => s.offsetParent !== null || s.offsetHeight)"
                ".map(s => s.querySelector('th button').textContent)"
            )
            return names

        def settled(script: str) -> float:
            """Milliseconds of work from a change of the filter until the page has been laid out again."""
            before = worked(driver)
            driver.execute_async_script(
                f"const done = arguments[0]; {script};"
                "setTimeout(() => requestAnimationFrame(() => setTimeout(done, 0)), 100)"
            )
            return worked(driver) - before

        assert len(shown()) == 200
        assert shown()[0] == "lost"  # the site that failed comes first
        assert ask("document.querySelector('.found').textContent") == f"200 of {SITES + len(CAPTIONS) + 2:,} shown"
        field = "const f = document.querySelector('input')"
        took = settled(f"{field}; f.value = 'warm3'; f.dispatchEvent(new Event('input'))")
        assert 0 < took < 500
        assert 100 < len(shown()) < 200
        settled(f"{field}; f.value = 'evil-html'; f.dispatchEvent(new Event('input'))")
        assert shown() == ["evil-html"]
        driver.find_element("css selector", "tbody.site:not(.late) tr.row").click()
        assert "<script>alert(1)</script>" in driver.find_element("css selector", "tbody.open tr.more").text
        settled(f"{field}; f.value = ''; f.dispatchEvent(new Event('input'))")
        driver.find_element("css selector", "thead th:first-child button").click()
        assert shown()[0] == "aa"
        driver.find_element("css selector", "thead th:first-child button").click()
        assert shown()[0].startswith("s09")
        assert ask("document.documentElement.scrollWidth <= innerWidth")
        driver.set_window_size(500, 900)
        assert ask("document.documentElement.scrollWidth <= innerWidth"), "a phone scrolls one way only"
        assert complaints(driver) == []
        assert requested(driver) <= {page.as_uri()}


@needs_browser
def test_a_printed_report_has_every_site_and_its_totals_once(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(report("html", everything()), "utf-8")
    with chromium(tmp_path) as driver:
        driver.get(page.as_uri())
        listed = "[...document.querySelectorAll('tbody.site')].filter(s => s.offsetHeight).length"
        seen = f"const found = {listed}, note = document.querySelector('.found').textContent"
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        before, printed, after = driver.execute_script(
            f"const look = () => {{ {seen}; return [found, note]; }}, found = [look()];"
            "for (const name of ['beforeprint', 'afterprint']) { dispatchEvent(new Event(name)); found.push(look()); }"
            "return found"
        )
        total = SITES + len(CAPTIONS) + 2
        assert printed == [total, f"{total:,} sites"]
        assert before == after == [200, f"200 of {total:,} shown"]
        groups = "['thead', 'tfoot'].map(name => getComputedStyle(document.querySelector(`.sites ${name}`)).display)"
        assert driver.execute_script(f"return {groups}") == ["table-row-group"] * 2, "on the last page, not on each"
        assert driver.execute_script("return document.querySelector('.found').offsetHeight > 0"), "how many of how many"
