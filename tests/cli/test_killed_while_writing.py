"""`review` and `approve`, killed at each file that they write: whoever runs them again gets what was asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

KILLED = 9
PROGRAM = """\
import os, sys
left, rename = int(sys.argv[1]), os.replace
def replace(*paths, **more):
    global left
    if not left:
        os._exit(9)  # as a SIGKILL does: nothing is cleaned up
    left -= 1
    rename(*paths, **more)
os.replace = replace
from reconciler.cli.main import run
sys.exit(run(sys.argv[2:]))
"""


def killed(project: Path, writes: int, *words: str) -> int:
    """Runs a command that dies after `writes` files, when it is about to rename the next one into place."""
    environ = {**os.environ, "CI": ""}
    ran = subprocess.run(
        (sys.executable, "-c", PROGRAM, str(writes), *words), cwd=project, env=environ, capture_output=True, check=False
    )
    return ran.returncode


def files(project: Path) -> dict[str, str]:
    """The approvals files, without what a killed command left beside them."""
    found = (project / "approvals").iterdir() if (project / "approvals").is_dir() else ()
    return {path.name: path.read_text("utf-8") for path in found if not path.name.startswith(".")}


COMMANDS = [
    pytest.param(("approve", "--all", "--yes"), id="approve"),
    pytest.param(("review",), id="review", marks=pytest.mark.exhaustive),
]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_is_killed_at_each_file_can_run_again(
    project: Project, reconciler: Command, words: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    more = "schedule: {rules: [{match: {within: 30d}}]}\n"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    assert reconciler("apply", project.root, "--auto-approve").code == 0
    if words[0] == "approve":
        assert reconciler("review", project.root).code == 0
    folder = tmp_path_factory.mktemp("killed")
    shutil.copytree(project.root, start := folder / "before")
    assert reconciler(words[0], project.root, *words[1:]).code == 0
    aimed, before, writes, left = files(project.root), files(start), 0, 0
    while True:
        shutil.rmtree(tried := folder / "tried", ignore_errors=True)
        shutil.copytree(start, tried)
        if (code := killed(tried, writes, *words)) != KILLED:
            break
        for name, text in files(tried).items():
            assert text in (before.get(name), aimed[name]), (writes, name)  # never a part
        left += len(list(tried.glob("approvals/.*.tmp")))
        again = reconciler(words[0], tried, *words[1:])
        assert (again.code, files(tried)) == (0, aimed), (writes, again.out)
        valid = reconciler("validate", tried)
        assert (valid.code, ".tmp" in valid.out + valid.err) == (0, False), valid.err
        writes += 1
    assert (code, writes > 0, left > 0) == (0, True, True)
