"""A note that many sites share says how many things it is about on all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.executor.ended_since import ENDED_SINCE
from reconciler.model.diagnostics import Diagnostic
from reconciler.reporters.layout import Screen
from reconciler.reporters.problem_items import note_item
from reconciler.reporters.totals import Total
from tests.cli.projects import Command
from tests.cli.test_what_a_fleet_shares import DRAFTS, fleet


def test_what_generations_of_many_sites_discarded_is_a_total() -> None:
    lost = ("3 drafts were", "1 draft was", "3 drafts were")
    notes = [Diagnostic.note(ENDED_SINCE, f"the generation has since ended: {drafts} discarded") for drafts in lost]
    total, *others = [item.total for item in map(note_item, notes) if item.total is not None]
    assert {other.kind for other in others} == {total.kind}
    assert text_of(total) == "note: the generation has since ended: 3 drafts were discarded"
    for other in others:
        total.add(other)
    assert text_of(total) == (
        "note: the generation has since ended: 1 to 3 drafts were discarded (on each site; 7 in total)"
    )


def text_of(total: Total) -> str:
    [line] = total.lines()
    return " ".join(" ".join(line.on(Screen(200))).split())


@pytest.mark.parametrize("sites", [2, 12])
def test_an_obstacle_that_many_approvals_files_still_show_is_one_note(
    sites: int, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleet(tmp_path, DRAFTS, sites)
    assert (reconciler("apply", "--auto-approve").code, reconciler("review").code) == (0, 0)
    assert reconciler("approve", "--all", "--yes").code == 0
    for file in (tmp_path / "approvals").glob("*.yaml"):
        text = file.read_text()
        file.write_text(text.replace("        decision: ", '        blocked: ["the tone changed"]\n        decision: '))
    text = " ".join(reconciler("plan").out.split())
    if sites == 2:
        assert text.count("still shows `blocked` (the tone changed), but that line has no effect") == 4, text
        return
    note = "note: 24 posts go out; the approvals file still shows `blocked`, but that line has no effect"
    assert (text.count("no effect"), note in text) == (1, True), text
