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


def test_a_path_chooses_the_sites(chain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chain.root)
    assert offered("plan sites/b.yaml --target sh") == ["shop-b"], "only sites of the path can match"
    assert offered(f"plan sites/b.yaml {'x' * 300} --target sh") == ["shop-b"], (
        "a path that is not there does not count"
    )
    chain.write({"empty/notes.txt": "", "reconciler.yml": ""})
    assert offered("plan empty --target ") == []
    (chain.root / "reconciler.yaml").unlink()
    assert offered("plan --target ") == offered("approve --channel ") == [], "no project"


CONFLICT = """\
version: 1
<<<<<<< HEAD
site: {name: shop-b, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000002, labels: {team: emea}}
settings: {toneOfVoice: dry}
=======
site: {name: shop-b, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000002, labels: {team: emea}}
settings: {toneOfVoice: warm}
>>>>>>> other
"""
TORN = "version: 1\nsite:\n  name: shop-b\n  labels: {team: emea}\nsettings: {toneOfVoice: [\n"
BAD_DEFAULT = "version: 1\ndefaults:\n  - settings: {toneOfVoice: [1], nonsense: ${TONE}}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("file", "content", "hidden"),
    [
        ("sites/b.yaml", CONFLICT, False),
        ("sites/b.yaml", TORN, False),
        ("sites/b.yaml", "version: 2\nsite: {name: shop-b, nonsense: 1}\nposts: yes\n", False),
        ("sites/b.yaml", "\ufeffsite:\r\n  # ours\r\n\r\n  name: shop-b\r\nversion: ${VERSION}\r\n", False),
        ("sites/b.yaml", '{"version": 1, "site": {"name": "shop-b"}}\n', False),
        ("sites/b.yaml", "version: 1\nsite: {name: '${NAME}', labels: {team: '${TEAM}'}}\n", True),
        ("sites/b.yaml", "version: 1\nsite: {name: shop-b\n", True),
        ("sites/b.yaml", "\x00", True),
        ("sites/b.yaml", "", True),
        ("sites/b.yaml", None, True),
        ("sites/d.yaml", "site: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-000000000001}", False),
        ("sites/d.yaml", "- 1\n", False),
        ("sites/d.yaml", 'site: {name: "a\\0b", labels: [1]}\n---\nsite: 1\n---\nsite: {name: 1}\n', False),
        ("reconciler.yaml", BAD_DEFAULT, False),
        ("reconciler.yaml", "version: [", False),
        ("reconciler.yaml", f"version: 1\n{CONFLICT}", False),
        ("reconciler.yaml", None, False),
        ("approvals/shop.yaml", CONFLICT, False),
        ("sandbox.yaml", "nonsense: [", False),
    ],
    ids=range(19),
)
def test_what_cannot_be_read_hides_no_other_site(
    chain: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    content: str | None,
    hidden: bool,
    shell: str,
) -> None:
    monkeypatch.chdir(chain.root)
    chain.write({file: content or ""})
    if content is None:
        (chain.root / file).unlink()
        (chain.root / file).mkdir()

    def asked(*words: str) -> set[str]:
        monkeypatch.setenv("_RECONCILER_COMPLETE", f"{shell}_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("reconciler", *words)))
        monkeypatch.setenv("COMP_CWORD", words[-1] if shell == "fish" else str(len(words)))
        assert run([]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return set(out.split())

    def word(text: str) -> str:
        return {"bash": f"plain,{text}", "zsh": text, "fish": f"plain,{text}"}[shell]

    assert {word("shop"), word("shop-c")} <= asked("plan", "--target", "sh")
    assert (word("shop-b") in asked("state", "show", "sh")) is not hidden
    assert word("label:team=americas") in asked("plan", "--target", "label:")
    assert asked("approve", "--channel", "F") == set()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to this user")
def test_what_this_user_may_not_read_hides_no_other_site(chain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chain.root)
    chain.write({"sites/more/d.yaml": site("shop-d"), "approvals/shop.yaml": ""})
    unreadable = [chain.root / name for name in ("sites/b.yaml", "sites/more", "approvals")]
    for path in unreadable:
        path.chmod(0)
    try:
        assert offered("plan --target sh") == ["shop", "shop-c"]
        assert offered("approve --channel ") == []
    finally:
        for path in unreadable:
            path.chmod(0o700)


def test_a_shell_that_asks_wrongly_is_told_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", "reconciler plan 'it")
    for shell, position in (("ksh_complete", "1"), ("bash_complete", "x"), ("bash_complete", "")):
        monkeypatch.setenv("_RECONCILER_COMPLETE", shell)
        monkeypatch.setenv("COMP_CWORD", position)
        assert run([]) == 0
        assert capsys.readouterr() == ("", "")


def test_words_that_a_terminal_would_act_on_are_not_offered(chain: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(chain.root)
    chain.edit("sites/b.yaml", "team: emea", r'team: "a\nplain,b", tier: "\e[2J", kept: "5 $(stars)"')
    assert offered("plan --target label:") == ["label:kept=5 $(stars)", "label:team=americas", "label:team=emea"]


def test_sites_in_a_folder_that_the_environment_allows(
    chain: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (chain.root / "sites/b.yaml").rename(elsewhere / "b.yaml")
    (chain.root / "sites/b.yaml").symlink_to(elsewhere / "b.yaml")
    monkeypatch.chdir(chain.root)
    assert offered("plan --target shop-b") == []
    monkeypatch.setenv("RECONCILER_ALLOW_PATHS", str(elsewhere))
    assert offered("plan --target shop-b") == ["shop-b"]


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
    assert offered("approve ../approvals/shop.yaml --channel F") == ["FACEBOOK"]
    project.edit("approvals/shop.yaml", "activities:", "<<<<<<< HEAD\nactivities:")
    assert offered("approve .. --channel F") == ["FACEBOOK"], "what can be read of a file counts"


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


def test_bash_quotes_what_it_would_act_on(chain: Project) -> None:
    chain.edit("sites/b.yaml", "team: emea", 'team: "5 $(stars)"')
    asked = "COMP_LINE='reconciler plan --target label:team='; COMP_POINT=${#COMP_LINE}; COMP_WORDBREAKS=' :='"
    shown = 'source ./script; compopt() { :; }; _reconciler_completion reconciler; printf "%s\n" "${COMPREPLY[@]}"'
    assert _by_shell(chain, "bash", f"{asked}; {shown}") == [r"5\ \$\(stars\)", "americas", "emea"]


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
    return ran(shell, {"fish": "--no-config", "bash": "--norc"}.get(shell, "-f"), "-c", command).splitlines()
