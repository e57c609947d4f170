"""What a command costs grows with what it is given, not with its square."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from reconciler.cli.main import run
from tests.cli.projects import Project
from tests.counting import is_linear

SITE = "version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01}\n"
TWIN = """\
  - id: b0000000-0000-4000-8000-{at:012}
    title: News
    date: 2026-12-03T09:00:00Z
    decision: keep {digest}
    drafts:
      - id: d0000000-0000-4000-8000-{at:012}
        channel: INSTAGRAM
        account: shop
        type: POST
        decision: pending sha256:{digest}
        caption: The same on every one
"""


def test_deciding_is_linear_in_drafts_that_each_have_a_note(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    def decide(count: int) -> Callable[[], object]:
        twins = "".join(TWIN.format(at=at, digest="0" * 64) for at in range(count))
        text = f"version: 1\nsite: shop\nactivities:\n{twins}"
        project.write({"sites/shop.yaml": SITE, "approvals/shop.yaml": text})
        return partial(run, ["approve", str(project.root), "--all", "--yes"])

    assert is_linear(decide)
    assert "note: " in capsys.readouterr().out
