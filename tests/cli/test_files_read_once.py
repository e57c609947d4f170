"""Each file of a project is opened once in a run, so that all of it sees the same content."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from reconciler.cli.main import run
from tests.cli.projects import Project

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

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
def test_each_file_is_opened_once(line: str, chain: Project) -> None:
    """Approvals files too."""
    chain.write(
        {f"approvals/{name}.yaml": f"version: 1\nsite: {name}\nactivities: []\n" for name in ("shop", "shop-b")}
    )
    assert run(["apply", "--auto-approve", str(chain.root)]) == 0
    sites = ("sites/shop.yaml", "sites/b.yaml", "sites/c.yaml", "approvals/shop.yaml", "approvals/shop-b.yaml")
    once = ("reconciler.yaml", *(() if line == "state list" else sites))
    found = opened(chain.root, *line.split())
    assert found.pop("sandbox.yaml", 1) == (2 if line == "validate" else 1), "its first line is looked at separately"
    assert found == dict.fromkeys(once, 1)


def test_an_approvals_file_is_opened_again_only_to_see_that_nobody_has_changed_it(tmp_path: Path) -> None:
    root = tmp_path / "quickstart"
    shutil.copytree(EXAMPLES / "quickstart", root)
    assert run(["apply", "--auto-approve", str(root)]) == run(["review", str(root)]) == 0
    (file,) = (f"approvals/{path.name}" for path in (root / "approvals").glob("*.yaml"))
    assert opened(root, "approve", "--all", "--yes")[file] == 2
    assert opened(root, "review")[file] == 2
    assert opened(root, "plan")[file] == 1


def opened(root: Path, *command: str) -> Counter[str]:
    """How often a command opens each YAML file of a project."""
    arguments = [sys.executable, "-c", SCRIPT, *command, str(root)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return Counter(path.removeprefix(f"{root}/") for path in done.stderr.splitlines() if path.endswith(".yaml"))
