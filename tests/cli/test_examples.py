"""Every example validates, plans and applies, and has then converged."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.projects import Command

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir()))
def test_an_example(name: str, tmp_path: Path, reconciler: Command) -> None:
    shutil.copytree(EXAMPLES.parent / "schemas", tmp_path / "schemas")  # which the files tell editors to use
    copy = tmp_path / "examples" / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns(".reconciler"))
    assert reconciler("validate", copy).last.startswith("Valid: ")
    plan = reconciler("plan", copy, "--detailed-exitcode")
    assert (plan.code, plan.err) == (2, "")
    done = reconciler("apply", copy, "--auto-approve")
    assert done.code == 0, done.out + done.err
    assert re.fullmatch(r"Apply: [^;]*(; plus \d+ posts?)?\.", done.last)
    again = reconciler("plan", copy, "--detailed-exitcode")
    assert (again.code, again.last) == (0, "No changes."), again.out
