"""Kinds of bad files, one folder each: what is reported, and that it is never a traceback.

`pytest --update-cases` rewrites the folders' expected.txt.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.config.sites import open_project
from reconciler.model.diagnostics import InvalidFiles
from reconciler.reporters.diagnostics import sentence

BAD = Path(__file__).parent / "bad"
KINDS = sorted(folder.name for folder in BAD.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_bad_file_is_reported_in_full(kind: str, update_cases: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BAD / kind)
    try:
        problems = open_project([Path()])[1].problems  # of a file that stops only its own site
    except InvalidFiles as invalid:
        problems = invalid.problems
    assert problems
    said = "".join(f"{sentence(problem)}\n" for problem in problems)
    expected = BAD / kind / "expected.txt"
    if update_cases:
        expected.write_text(said, "utf-8")
    assert said == expected.read_text("utf-8")


def test_there_are_at_least_fifty_kinds() -> None:
    assert len(KINDS) >= 50


@pytest.mark.parametrize("kind", KINDS)
def test_no_message_holds_a_secret_or_an_escape(kind: str) -> None:
    said = (BAD / kind / "expected.txt").read_text("utf-8")
    assert "hunter2" not in said
    assert "IST." not in said
    assert "c2VjcmV0" not in said
    assert all(mark.isprintable() or mark == "\n" for mark in said)


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_has_a_place_and_fits_on_a_line(kind: str) -> None:
    for line in (BAD / kind / "expected.txt").read_text("utf-8").splitlines():
        place, message = re.split(r": | (?=cannot |is |leads )", line, maxsplit=1)
        assert message
        assert len(line) < 400
        assert place.split(":")[0].endswith((".yaml", "approvals"))
