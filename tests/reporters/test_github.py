"""The format for GitHub's runners: annotations that nothing can break out of, the step's summary and its outputs."""

from __future__ import annotations

import io

import pytest

from reconciler.engine.results import DriftCompleted, PlanCompleted
from reconciler.model.address import Address, SiteName
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.github import STEP_SUMMARY, GithubReporter, annotation
from reconciler.reporters.markdown import MARKER
from tests.reporters.endings import Run, endings, exits, started, unread

RUNS = dict(endings(str))


def reported(run: Run) -> tuple[str, str, dict[str, int]]:
    """What is on stdout, in the summary, and in the outputs."""
    out, summary, outputs = io.StringIO(), io.StringIO(), io.StringIO()
    context = ReporterContext(run.command, out.write, step_summary=summary.write, step_outputs=outputs.write)
    reporter = GithubReporter(context)
    for event in run.events:
        reporter.handle(event)
    lines = (line.partition("=") for line in outputs.getvalue().splitlines())
    return out.getvalue(), summary.getvalue(), {name: int(value) for name, _, value in lines}


def undone(text: str) -> str:
    """What the runner makes of a value."""
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


@pytest.mark.parametrize(
    ("severity", "command"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.NOTE, "notice")],
)
def test_an_annotation_has_its_place(severity: Severity, command: str) -> None:
    found = Diagnostic("invalid-file", "expected text", "quote it", severity, Place("sites/a.yaml", 3, 5))
    assert annotation(found) == (
        f"::{command} title=invalid-file,file=sites/a.yaml,line=3,col=5::expected text; quote it"
    )


def test_a_name_of_a_file_ends_no_value() -> None:
    name = "a,line=9::b%2C.yaml"
    text = annotation(Diagnostic("invalid-file", "100% :: wrong\n::error::x", place=Place(name, 3, 5)))
    rest = text.partition("file=")[2]
    file = rest.partition(",")[0]
    assert undone(file) == name
    assert "::" not in file
    assert text.count("\n") == 0
    assert text.endswith(r"::100%25 :: wrong\n::error::x")


def test_a_site_is_named_if_there_is_no_file() -> None:
    assert (
        annotation(Diagnostic("locked", "held", address=Address(SiteName("shop"))))
        == "::error title=locked::shop: held"
    )


def test_the_step_gets_a_summary_and_numbers() -> None:
    out, summary, outputs = reported(RUNS["a site that cannot be read"])
    assert [line.partition(" ")[0].rstrip(":") for line in out.splitlines()] == ["::warning", "::error", "Plan"]
    assert summary.startswith(MARKER)
    assert outputs == {
        **{"changes": 4, "publish": 1, "discard": 0, "blocked": 1, "still-going-out": 0},
        **{"to-record": 0, "failed": 1, "refused": 0, "exit-code": 1},
    }


@pytest.mark.parametrize("completed", [PlanCompleted, DriftCompleted])
def test_a_limit_of_the_run_refuses_every_site_that_could_be_read(
    completed: type[PlanCompleted | DriftCompleted],
) -> None:
    limit = Diagnostic("maxDelete", "too many")
    _, _, outputs = reported(Run("plan", (completed(23, failed=1, refused=2, refusals=(limit,)), exits(1))))
    assert (outputs["failed"], outputs["refused"]) == (1, 22)


@pytest.mark.parametrize(("sites", "lines"), [(1, 1), (4, 4), (5, 2), (223, 2)])
def test_a_problem_of_many_sites_is_annotated_in_full_once(sites: int, lines: int) -> None:
    """GitHub shows only the first annotations of a step, so one cause must not hide the others."""
    events = [
        *started("plan"),
        *(unread(str, f"s{n}") for n in range(sites)),
        PlanCompleted(sites, failed=sites),
        exits(1),
    ]
    out = reported(Run("plan", events))[0].splitlines()
    assert len([line for line in out if line.startswith("::error ")]) == lines
    assert out[0].startswith("::error ")
    assert "s0: w-unread" in out[0]
    if sites == 5:
        assert out[1].endswith("::the same on 4 more sites (s1, s2, s3, s4): w-unread; w-again")
    if sites == 223:
        assert "::the same on 222 more sites (s1, s2, s3, s4, s5, s6, s7, s8 and 214 more sites): w-unread" in out[1]


@pytest.mark.parametrize("name", RUNS)
def test_the_summary_fits_and_the_exit_code_is_always_there(name: str) -> None:
    _, summary, outputs = reported(RUNS[name])
    assert len(summary.encode()) < 1024 * 1024
    assert outputs["exit-code"] == getattr(RUNS[name].events[-1], "exit_code")  # noqa: B009 - an Ended, always
    assert STEP_SUMMARY * 4 < 1024 * 1024
