"""The program in examples/library does what it says."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "library"


def test_the_script(tmp_path: Path) -> None:
    copy = tmp_path / "library"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns(".reconciler", "__pycache__"))
    first, again = (
        subprocess.run([sys.executable, copy / "summary.py", "emea"], capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert first.stdout == "harbour-cafe: 3 to do\n1 changed, 1 generated: succeeded\n"
    assert again.stdout == "harbour-cafe: 0 to do\n0 changed, 0 generated: succeeded\n"
    assert first.stderr + again.stderr == ""


def test_a_site_that_fails_is_not_a_success(tmp_path: Path) -> None:
    copy = tmp_path / "library"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns(".reconciler", "__pycache__"))
    (copy / "sandbox.yaml").write_text("clock: 2026-11-02T09:00:00Z\ncreateSites: false\n", "utf-8")
    done = subprocess.run([sys.executable, copy / "summary.py", "emea"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == "0 changed, 0 generated: failed"
