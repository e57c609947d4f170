"""What a shell offers, asked the way a shell asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from reconciler.cli.main import cli, run
from reconciler.reporters.registry import FORMATS
from tests.cli.projects import PROJECT, SANDBOX, Project, site


def offered(line: str) -> list[str]:
    """What is offered for the last word of a line; the line ends in a blank if nothing of it is typed yet."""
    *words, incomplete = line.split(" ")
    completer = ShellComplete(cli, {}, "reconciler", "_RECONCILER_COMPLETE")
    return [item.value for item in completer.get_completions(words, incomplete)]


@pytest.mark.parametrize("line", ["plan acme --target ", "plan acme --strict --target ", "review acme/ --target "])
def test_sites_of_a_path_from_outside_the_project(
    line: str, chain: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = chain.root / "acme"
    inside.mkdir()
    for name in ("reconciler.yaml", "sandbox.yaml", "sites"):
        (chain.root / name).rename(inside / name)
    monkeypatch.chdir(chain.root)
    assert offered("plan --target ") == []
    assert offered(line) == ["label:team=americas", "label:team=emea", "shop", "shop-b", "shop-c"]
    assert offered(f"{line}shop-") == ["shop-b", "shop-c"]


def test_a_path_that_is_not_there_or_cannot_be_read_offers_nothing(
    chain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(chain.root)
    assert offered("plan sites/b.yaml --target sh") == ["shop-b"], "only sites of the path can match"
    chain.write({"reconciler.yaml": "version: ["})
    assert offered("plan . --target ") == offered("state show ") == offered("approve --channel ") == []


def test_sites_as_arguments(chain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chain.root)
    assert offered("state show shop-") == ["shop-b", "shop-c"]
    assert offered("plan --regenerate shop-b --regenerate shop-") == ["shop-b", "shop-c"]


def test_channels_are_those_of_the_drafts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    more = "schedule: {rules: [{match: {within: 30d}}]}\n"
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    monkeypatch.chdir(project.root)
    assert offered("approve --channel ") == []
    assert run(["apply", "--auto-approve"]) == run(["review"]) == 0
    channels = offered("approve --channel ")
    assert channels == sorted(channels)
    assert {"FACEBOOK", "INSTAGRAM"} < set(channels)
    assert offered("approve --channel in") == ["INSTAGRAM"]
    monkeypatch.chdir(project.root / "sites")
    assert offered("approve .. --channel F") == ["FACEBOOK"]


def test_formats_and_the_files_that_they_go_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/plan.json").touch()
    (tmp_path / ".hidden").touch()
    for command in ("plan", "state list", "sandbox serve", "version"):
        assert offered(f"{command} --output ") == list(FORMATS)
    assert offered("plan --output j") == ["json", "junit"]
    assert offered("plan --output json=") == ["json=reports/"]
    assert offered("plan --output json=reports/p") == ["json=reports/plan.json"]
    assert offered("plan --output json=.h") == ["json=.hidden"]
    assert offered("plan --output nonsense=") == offered("plan --output json=nowhere/") == []
    assert offered("plan --api s") == ["sandbox"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_keeps_the_option_before_an_equals_sign(chain: Project) -> None:
    assert _by_shell(chain, "fish", 'source script; complete -C "reconciler plan --target=shop-"') == [
        "--target=shop-b",
        "--target=shop-c",
    ]
    assert "label:team=emea" in _by_shell(chain, "fish", 'source script; complete -C "reconciler plan --target label:"')


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_keeps_the_option_before_an_equals_sign(chain: Project) -> None:
    begins = "compdef() {}; compadd() { print -l -- $plain }; source script; words=("
    ends = "); CURRENT=$#words; _reconciler_completion"
    found = _by_shell(chain, "zsh", f"{begins}reconciler plan --target=shop-{ends}")
    assert found == ["--target=shop-b", "--target=shop-c"]
    found = _by_shell(chain, "zsh", f"{begins}reconciler plan --target label:{ends}")
    assert found == ["label:team=americas", "label:team=emea"]


def _by_shell(project: Project, shell: str, command: str) -> list[str]:
    """What a shell prints for a command; the file `script` has the completion script."""
    program = Path(sys.executable).with_name("reconciler")
    environ = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}

    def ran(*words: str) -> str:
        return subprocess.run(words, cwd=project.root, env=environ, capture_output=True, text=True, check=True).stdout

    (project.root / "script").write_text(ran(str(program), "completion", shell), encoding="utf-8")
    return ran(shell, "--no-config" if shell == "fish" else "-f", "-c", command).split()
