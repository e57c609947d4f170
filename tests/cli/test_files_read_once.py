"""The project file and each site file are opened once in a run, so that all of it sees the same content."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from reconciler.cli.main import run
from tests.cli.projects import Project

SCRIPT = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
from reconciler.cli.main import run
code = run(sys.argv[1:])
print(*(path for path in map(str, opened) if path.endswith(".yaml")), sep="\\n", file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    "line",
    [
        "validate", "plan", "drift", "apply --auto-approve", "review", "history", "doctor", "state list",
        "state show shop", "version --check-files",
    ],
)  # fmt: skip
def test_the_project_file_and_each_site_file_are_opened_once(line: str, chain: Project) -> None:
    assert run(["apply", "--auto-approve", str(chain.root)]) == 0
    command = [sys.executable, "-c", SCRIPT, *line.split(), str(chain.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = Counter(path.removeprefix(f"{chain.root}/") for path in done.stderr.splitlines())
    sites = () if line == "state list" else ("sites/shop.yaml", "sites/b.yaml", "sites/c.yaml")
    assert {file: found[file] for file in ("reconciler.yaml", *sites)} == dict.fromkeys(("reconciler.yaml", *sites), 1)
    assert set(found) <= {"reconciler.yaml", "sandbox.yaml", *sites}
