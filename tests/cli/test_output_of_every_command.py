"""Every command has the same `--output` option, and obeys it in full.

The tree of commands is walked, so new ones are tested too.
"""

from __future__ import annotations

import importlib
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from reconciler.cli.main import COMMANDS, run
from reconciler.cli.run import CommandRun
from reconciler.engine.results import Event
from reconciler.model.marketing_plan import Generate
from reconciler.model.verdict import Verdict, verdict_with
from reconciler.reporters.registry import FORMATS, Coverage
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site
from tests.cli.test_state_command import Planted
from tests.reporters.verdicts import check_verdict

OTHER = "3f0c2a9e-8d0b-4b7c-9a55-000000000077"

DONE = {
    "init": ("new", "files"),
    "import": (f"{OTHER} --into .", "sites"),
    "validate": (".", "summary"),
    "plan": (".", "sites"),
    "apply": (". --auto-approve", "ledger"),
    "drift": (".", "sites"),
    "review": (".", "sites"),
    "approve": (". --all --yes", "summary"),
    "history": (".", "summary"),
    "show": ("saved.plan", "saved"),
    "merge": ("saved.plan --out whole.plan", "saved"),
    "doctor": (".", "project"),
    "state list": (".", "place"),
    "state show": ("shop .", "site"),
    "state mv": (f"shop {OTHER} .", "movedTo"),
    "state forget": ("shop . --force", "id"),
    "state unlock": ("shop . --force", "unlocked"),
    "state resolve": ("shop ENTRY done .", "resolved"),
    "schema": ("plan", "schema"),
    "sandbox serve": (". --port 0", "url"),
    "sandbox reset": (".", "verdict"),
    "sandbox show": (".", "sandbox"),
    "completion": ("zsh", "script"),
    "version": ("", "version"),
}
"""Arguments with which a command succeeds, and the JSON member that has its result."""

NOT_DONE = {
    "init": ("reconciler.yaml/new", Verdict.FAILED),
    "import": ("no-guid --into .", Verdict.FAILED),
    "validate": ("nowhere", Verdict.FAILED),
    "plan": (". --target nobody", Verdict.FAILED),
    "apply": (".", Verdict.REFUSED),
    "drift": (". --detailed", Verdict.FAILED),
    "review": (". --port 1", Verdict.FAILED),
    "approve": (". --all", Verdict.FAILED),
    "history": (". --target nobody", Verdict.FAILED),
    "show": ("reconciler.yaml", Verdict.FAILED),
    "merge": ("reconciler.yaml --out whole.plan", Verdict.FAILED),
    "doctor": (". --api https://127.0.0.1:9", Verdict.FAILED),
    "state list": ("nowhere", Verdict.FAILED),
    "state show": ("nobody .", Verdict.FAILED),
    "state mv": ("shop no-guid .", Verdict.FAILED),
    "state forget": ("shop .", Verdict.REFUSED),
    "state unlock": ("shop .", Verdict.REFUSED),
    "state resolve": ("shop nothing done .", Verdict.FAILED),
    "schema": ("nothing", Verdict.FAILED),
    "sandbox serve": (". --host 203.0.113.1", Verdict.FAILED),
    "sandbox reset": (". --seed nowhere.yaml", Verdict.FAILED),
    "sandbox show": (". --seed nowhere.yaml", Verdict.FAILED),
    "completion": ("tcsh", Verdict.FAILED),
    "version": ("nowhere", Verdict.FAILED),
}
"""Arguments with which it fails or is refused, and how that ends."""


def leaves() -> Iterator[tuple[str, click.Command]]:
    for name in COMMANDS:
        command = importlib.import_module(f"reconciler.cli.commands.{name}").command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())
        else:
            yield name, command


NAMES = [name for name, _ in leaves()]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that was applied and reviewed, with a saved shard and something to change."""
    made = Project(tmp_path_factory.mktemp("every-command"))
    more = "schedule: {rules: [{match: {within: 30d}}]}\n"
    made.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=more)})
    assert run(["apply", str(made.root), "--auto-approve"]) == 0
    assert run(["review", str(made.root)]) == 0
    made.edit("sites/shop.yaml", "warm and playful", "dry")
    assert run(["plan", str(made.root), "--shard", "1/1", "--out", str(made.root / "saved.plan")]) == 0
    return made.root


@pytest.fixture
def folder(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the prepared project for each test, as the current directory."""
    copy = tmp_path / "project"
    shutil.copytree(prepared, copy)
    monkeypatch.chdir(copy)
    return copy


def every_format(folder: Path) -> list[str]:
    return [word for name in FORMATS for word in ("--output", f"{name}={folder / f'report.{name}'}")]


def check(folder: Path, name: str, verdict: Verdict) -> dict[str, Any]:
    """Checks that every report exists, can be read, and says how the command ended. Returns the JSON one."""
    texts = {format: (folder / f"report.{format}").read_text("utf-8") for format in FORMATS}
    for format, text in texts.items():
        check_verdict(format, text, verdict)
    found: dict[str, Any] = json.loads(texts["json"])
    assert found["command"] == name
    assert json.loads(texts["ndjson"].splitlines()[0])["command"] == name
    for problem in found.get("problems", ()):
        words = max(re.findall(r"[\w ]+", problem["message"]), key=len)
        silent = {format for format, text in texts.items() if words not in text}
        assert silent == {format for format in FORMATS if FORMATS[format].coverage is Coverage.NUMBERS}
    return found


def test_every_command_is_here() -> None:
    assert list(DONE) == list(NOT_DONE)
    assert sorted(DONE) == sorted(NAMES)


@pytest.mark.parametrize(("name", "command"), list(leaves()), ids=NAMES)
def test_it_is_the_same_option(name: str, command: click.Command) -> None:
    of_plan = {option.name: option for option in dict(leaves())["plan"].params}["outputs"]
    (found,) = (option for option in command.params if option.name == "outputs")
    assert (found.opts, found.multiple, found.help) == (of_plan.opts, of_plan.multiple, of_plan.help)


@pytest.mark.parametrize("name", NAMES)
def test_what_came_of_it_is_in_every_format(name: str, folder: Path, tmp_path: Path, reconciler: Command) -> None:
    arguments, outcome = DONE[name]
    planted = Planted(folder)
    if name == "state unlock":
        planted.locked()
    if name == "state resolve":
        arguments = arguments.replace("ENTRY", planted.open(Generate(), "shop/marketing-plan", unknown="lost"))
    words = [*name.split(), *arguments.split(), *every_format(tmp_path)]
    code = served(words) if name == "sandbox serve" else reconciler(*words).code
    verdict = Verdict.CHANGES if name == "drift" else Verdict.SUCCEEDED
    assert verdict_with(code) is verdict
    found = check(tmp_path, name, verdict)
    assert found[outcome] not in ([], {}, "")
    assert (tmp_path / "report.text").read_text("utf-8").strip()


def served(words: list[str]) -> int:
    """Starts a sandbox and interrupts it once it says that it is running; returns its exit code."""
    command = [sys.executable, "-m", "reconciler", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("Sandbox at http://")
        server.send_signal(signal.SIGINT)
        return server.wait(60)


@pytest.mark.parametrize("name", NAMES)
def test_why_nothing_came_of_it_is_in_every_format(
    name: str, folder: Path, tmp_path: Path, reconciler: Command
) -> None:
    if name == "state unlock":
        Planted(folder).locked()
    arguments, verdict = NOT_DONE[name]
    done = reconciler(*name.split(), *arguments.split(), *every_format(tmp_path))
    assert verdict_with(done.code) is verdict, done.err
    check(tmp_path, name, verdict)


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_it_does_not_have(name: str, folder: Path, tmp_path: Path, reconciler: Command) -> None:
    done = reconciler(*name.split(), "--zzz", *every_format(tmp_path))
    assert done.code == 1
    (problem,) = check(tmp_path, name, Verdict.FAILED)["problems"]
    assert problem["message"].startswith("No such option '--zzz'")
    assert problem["fix"] == f"try reconciler {name} --help"


@pytest.mark.parametrize("name", NAMES)
def test_an_interruption_is_in_every_format(
    name: str, folder: Path, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes at the first thing that the command has to say."""

    def interrupted(_running: CommandRun, _event: Event) -> None:
        raise KeyboardInterrupt

    planted = Planted(folder)
    arguments = DONE[name][0]
    if name == "state unlock":
        planted.locked()
    if name == "state resolve":
        arguments = arguments.replace("ENTRY", planted.open(Generate(), "shop/marketing-plan", unknown="lost"))
    init = CommandRun.__init__

    def start(running: CommandRun, *given: object) -> None:
        init(running, *given)  # type: ignore[arg-type]
        running.emit = interrupted.__get__(running)

    monkeypatch.setattr(CommandRun, "__init__", start)
    done = reconciler(*name.split(), *arguments.split(), *every_format(tmp_path))
    (last,) = done.out.splitlines()
    assert (done.code, last.startswith("Interrupted")) == (130, True), done.err
    check(tmp_path, name, Verdict.INTERRUPTED)


@pytest.mark.parametrize("format", FORMATS)
def test_only_one_format_goes_to_the_screen(format: str, reconciler: Command) -> None:
    for command in ("version", "schema", "completion bash"):
        done = reconciler(*command.split(), "--output", format)
        assert (done.code, done.err) == (0, "")
        check_verdict(format, done.out, Verdict.SUCCEEDED)


def test_a_schema_and_a_script_are_in_a_report_as_they_are(tmp_path: Path, reconciler: Command) -> None:
    for command, member in (("schema report", "schema"), ("completion fish", "script")):
        plain = reconciler(*command.split()).out
        file = tmp_path / member
        found = reconciler(*command.split(), "--output", "json", "--output", f"text={file}").json[member]
        assert file.read_text("utf-8") == plain
        assert found == (json.loads(plain) if member == "schema" else plain)
