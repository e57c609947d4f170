"""Parts of the text format, as used by formats that have a frame of their own."""

from __future__ import annotations

import pytest

from reconciler.engine.results import Event, FilesInvalid, Notice, RunFailed
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.reporters.excerpt import last_line, text_of
from reconciler.reporters.findings import findings_of

PROBLEM = Diagnostic("invalid-file", "toneOfVoice: expected text", "quote it", place=Place("sites/shop.yaml", 3, 5))


@pytest.mark.parametrize("event", [Notice(PROBLEM), FilesInvalid((PROBLEM,)), RunFailed(PROBLEM)])
def test_a_problem_that_the_findings_have_is_not_repeated(event: Event) -> None:
    assert list(findings_of(event)) == [PROBLEM]
    assert text_of("plan", event) == []


def test_how_a_run_ended_can_be_a_problem() -> None:
    assert last_line("plan", FilesInvalid((PROBLEM,))) == "Error: 1 problem in 1 file; nothing was done"
    assert last_line("plan", RunFailed(PROBLEM)) == "Error: sites/shop.yaml:3:5: toneOfVoice: expected text; quote it"
