"""Every registered format, over every way a run can end and every hostile text. A new format is included automatically.

A format may do more, and have a test file of its own; what it must do is here.
"""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Callable
from signal import SIGINT, SIGTERM
from typing import get_args

import pytest

from reconciler.engine.results import ClosingEvent, Ended, Event, PartsMerged, PhaseStarted
from reconciler.engine.site_results import Progressed, SiteDrifted, SiteStarted
from reconciler.engine.tool_results import SandboxReset, SandboxStopped, StarterWritten
from reconciler.engine.verdict import verdict_of
from reconciler.executor.ledger import SEVERITIES
from reconciler.model.verdict import Verdict
from reconciler.reporters.layout import Screen
from reconciler.reporters.registry import FORMATS, Coverage
from tests.hostile import CAPTIONS, RAW
from tests.reporters.endings import NOT_DONE, Run, endings, exits, report
from tests.reporters.verdicts import check_verdict

ENDINGS = tuple(name for name, _ in endings(str))
FOR_PEOPLE = ("text", "markdown", "html", "gitlab")
"""Formats that show no codes; `gitlab` is three numbers."""
OBEYED = ("##[", "##vso[")
COMMAND = re.compile(r"::(?:error|warning|notice) title=[\w-]+(?:,file=[\w./]+)?(?:,line=\d+,col=\d+)?::")


def ending(name: str, say: Callable[[str], str] = str) -> Run:
    return next(run for found, run in endings(say) if found == name)


def test_the_endings_are_told_apart() -> None:
    assert len(set(ENDINGS)) == len(ENDINGS) > 35


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("format", FORMATS)
def test_it_says_what_there_is_to_say(format: str, name: str) -> None:
    run = ending(name)
    text = report(format, run)
    coverage = FORMATS[format].coverage
    assert text.endswith("\n"), "a report is never empty, and ends its last line"
    wanted = {Coverage.EVERYTHING: run.words, Coverage.PROBLEMS: run.problems, Coverage.NUMBERS: ()}[coverage]
    assert [word for word in wanted if word not in text] == [], f"{format} has to say these of {name!r}"


SAYS_NOTHING = {PhaseStarted, SiteStarted, Progressed, StarterWritten, SandboxStopped, SandboxReset, Ended}
"""Events that may leave no trace: they only say that a run continues or is over, which other tests look for."""


@pytest.mark.parametrize("format", [name for name, format in FORMATS.items() if format.coverage is Coverage.EVERYTHING])
def test_a_format_that_shows_everything_drops_no_event(format: str) -> None:
    """A `case _` that drops an event passes the type checker: the report is the same as without the event."""
    runs = [run for _, run in endings(str)]
    dropped = {kind for kind in get_args(Event) if not any(leaves_a_trace(format, run, kind) for run in runs)}
    assert dropped - SAYS_NOTHING == set()


def leaves_a_trace(format: str, run: Run, kind: type[Event]) -> bool:
    """Whether a report would differ without the events of this kind."""
    others = tuple(event for event in run.events if not isinstance(event, kind))
    return others != run.events and report(format, Run(run.command, others)) != report(format, run)


@pytest.mark.parametrize("name", ENDINGS)
def test_the_endings_end_as_a_run_does(name: str) -> None:
    """The formats below are given the exit code that the command line would give."""
    run = ending(name)
    closing = next(event for event in reversed(run.events) if isinstance(event, ClosingEvent))
    ended = run.events[-1]
    assert isinstance(ended, Ended)
    signal = SIGTERM if ended.verdict is Verdict.TERMINATED else SIGINT
    assert ended.verdict in {verdict_of(closing, detailed=detailed, signal=signal) for detailed in (False, True)}


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("format", FORMATS)
def test_its_verdict_is_that_of_the_exit_code(format: str, name: str) -> None:
    run = ending(name)
    ended = run.events[-1]
    assert isinstance(ended, Ended)
    check_verdict(format, report(format, run), ended.verdict)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("format", FORMATS)
def test_no_format_is_silent_about_how_a_run_ended(format: str, verdict: Verdict) -> None:
    """Whatever was reported before, and even if nothing was: merged reports only say how their parts ended."""
    merged = PartsMerged(3, 40, verdict)
    check_verdict(format, report(format, Run("merge", (merged, Ended(verdict)))), verdict)


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in FOR_PEOPLE])
def test_what_failed_has_its_own_code_in_every_format_for_machines(format: str) -> None:
    run = ending("every result")
    text = report(format, run)
    assert [code for code in run.codes if not re.search(rf"\b{code}\b", text)] == []
    if format != "openmetrics":
        assert [word for word in run.problems if word not in text] == [], "their fixes and requests"


def test_what_failed_is_one_object_in_json_and_ndjson() -> None:
    run = ending("every result")
    document = json.loads(report("json", run))
    entries = [entry for site in document["ledger"] for entry in site.get("entries", ())]
    lines = [json.loads(line) for line in report("ndjson", run).splitlines()]
    assert entries == [entry for line in lines for entry in line.get("entries", ())]
    undone = [entry for entry in entries if entry["result"] != "done"]
    assert {entry["result"] for entry in undone} == set(NOT_DONE)
    for entry in undone:
        problem, result = entry["problem"], entry["result"]
        assert problem.pop("severity") == SEVERITIES[result]
        assert problem == {
            "code": f"c-{result}",
            "message": "w-detail",
            "fix": f"w-fix-{result}",
            "address": entry["address"],
            "requestId": f"r-{result}",
        }


def test_what_failed_has_its_fix_and_its_request_apart_in_sarif() -> None:
    found = json.loads(report("sarif", ending("every result")))["runs"][0]["results"]
    told = {result["ruleId"]: result["properties"] for result in found if result["ruleId"].startswith("c-")}
    assert told == {f"c-{result}": {"fix": f"w-fix-{result}", "requestId": f"r-{result}"} for result in NOT_DONE}


@pytest.mark.parametrize("name", ["an apply that its only site refuses", "an apply that a limit refuses"])
@pytest.mark.parametrize("format", [name for name, format in FORMATS.items() if format.coverage is Coverage.PROBLEMS])
def test_a_refusal_that_comes_twice_is_reported_once(format: str, name: str) -> None:
    times = {"junit": 2, "github": 2}.get(format, 1)  # in an attribute and in words; as an annotation and the last line
    run = ending(name)
    assert [report(format, run).count(word) for word in run.problems] == [times]


@pytest.mark.parametrize("name", ENDINGS)
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_run_gives_the_same_bytes(format: str, name: str) -> None:
    assert report(format, ending(name)) == report(format, ending(name))


@pytest.mark.parametrize("text", CAPTIONS)
@pytest.mark.parametrize("format", FORMATS)
def test_nothing_in_a_text_is_obeyed(format: str, text: str) -> None:
    """No control character, no bidi control, no workflow command; but the text is in the report all the same."""
    for name, run in endings(lambda word: f"{word} {CAPTIONS[text]}"):
        shown = report(format, run)
        assert not RAW.search(shown), name
        obeyed = [line for line in shown.splitlines() if line.lstrip().startswith("::")]
        if format == "github":  # it has just as many commands of its own as without the text, and they are whole
            plain = report(format, ending(name)).splitlines()
            assert [COMMAND.match(line)[0] for line in obeyed] == [  # type: ignore[index]
                COMMAND.match(line)[0]  # type: ignore[index]
                for line in plain
                if line.startswith("::")
            ]
        else:
            assert obeyed == [], name
        assert not [mark for mark in OBEYED if mark in shown], name
        shown.encode()
        coverage = FORMATS[format].coverage
        wanted = {Coverage.EVERYTHING: run.words, Coverage.PROBLEMS: run.problems, Coverage.NUMBERS: ()}[coverage]
        assert [word for word in wanted if word not in shown] == [], f"{format} has to say these of {name!r}"


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_of_a_hundred_thousand_characters_is_harmless(format: str) -> None:
    """Whether it is shown in full or cut, nothing in it is obeyed."""
    huge = "".join(itertools.islice(itertools.cycle("".join(CAPTIONS.values())), 100_000))
    for name in ("changes", "drift of bad files", "doctor"):
        run = ending(name, lambda word: f"{word} {huge}")
        shown = report(format, run)
        assert not RAW.search(shown), name
        assert not [mark for mark in OBEYED if mark in shown], name
        if format != "github":  # whose own commands begin like this
            assert not re.search(r"^\s*::", shown, re.MULTILINE), name
        shown.encode()
        coverage = FORMATS[format].coverage
        wanted = {Coverage.EVERYTHING: run.words, Coverage.PROBLEMS: run.problems, Coverage.NUMBERS: ()}[coverage]
        assert format == "markdown" or [word for word in wanted if word not in shown] == [], name


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_of_half_a_letter_can_be_written(format: str) -> None:
    for name, run in endings(lambda word: f"{word} \ud83d"):
        report(format, run).encode(), name


@pytest.mark.parametrize("format", FORMATS)
def test_a_run_may_be_cut_short_anywhere(format: str) -> None:
    """Whatever came before, a bug or an interruption closes the report."""
    from reconciler.engine.results import Interrupted, RunFailed
    from reconciler.model.diagnostics import Diagnostic

    closings: tuple[RunFailed | Interrupted, ...] = (RunFailed(Diagnostic("bug", "w-bug")), Interrupted())
    for name, closing in itertools.product(
        ("every result", "a site that cannot be read", "drift", "history"), closings
    ):
        run = ending(name)
        for cut in range(len(run.events) - 2):
            short = Run(run.command, (*run.events[:cut], closing, exits(1)))
            text = report(format, short)
            assert text.endswith("\n")
            if isinstance(closing, RunFailed) and FORMATS[format].coverage is not Coverage.NUMBERS:
                assert "w-bug" in text


@pytest.mark.parametrize(
    "format", [name for name, format in FORMATS.items() if format.coverage is not Coverage.NUMBERS]
)
def test_an_audit_says_the_same_about_an_object_in_every_format(format: str) -> None:
    """A screen and a page show the fields in rows, and the name separately."""
    run = ending("drift")
    [[settings, post]] = [event.report.items for event in run.events if isinstance(event, SiteDrifted)]
    said = html.unescape(report(format, run, Screen(500)))
    assert post.statement in said
    assert "changed remotely" in said
    assert settings.problem is not None
    assert settings.problem.message in said or format in ("text", "html")
