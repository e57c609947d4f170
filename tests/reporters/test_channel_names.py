"""On every screen a channel has the name people use (`Instagram`); JSON and files have the API's (`INSTAGRAM`)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import reconciler
from reconciler.model.posts import CHANNEL_NAMES
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent
TESTS = Path(__file__).parents[1]
GOLDEN = ("*/screens/*.txt", "cases/*/plan.txt", "cases/*/reports/report.*")
FOR_PROGRAMS = {".json", ".ndjson"}
SCREENS = sorted(path for pattern in GOLDEN for path in TESTS.glob(pattern) if path.suffix not in FOR_PROGRAMS)
TYPED = re.compile(r"leave [A-Z]+ out of schedule|channels: \[[A-Z, ]+\]")
"""What a person types into a file."""


@pytest.mark.parametrize("screen", SCREENS, ids=lambda path: str(path.relative_to(TESTS)))
def test_golden_screens_name_channels_as_people_do(screen: Path) -> None:
    text = TYPED.sub("", screen.read_text())
    assert [name for name in CHANNEL_NAMES if re.search(rf"(?<![\w\"-]){name}(?![\w\"-])", text)] == []


TYPED_IN = {
    "config/decisions.py": "--channel, as it was given",
    "planner/eligibility.py": "what a rule of the file lists",
    "reporters/page_audit.py": "an attribute of HTML",
}


def test_a_channel_is_put_into_a_text_by_its_name() -> None:
    found = {
        f"reconciler/{path.relative_to(ROOT)}:{part.lineno}: {ast.unparse(part.value)}"
        for path in ROOT.rglob("*.py")
        if path.relative_to(ROOT).parts[0] != "sandbox" and str(path.relative_to(ROOT)) not in TYPED_IN
        for part in ast.walk(parsed(path.read_text()))
        if isinstance(part, ast.FormattedValue) and re.fullmatch(r"(\w+\.)*channel", ast.unparse(part.value))
    }
    assert not found
