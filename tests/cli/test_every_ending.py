"""However a command ends (bad files, no answer, a refusal, a signal), every format that was asked for is written."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.reporters.registry import FORMATS, Coverage
from tests.cli.projects import Command, Project, site

ALWAYS = ("text", "json", "markdown")
"""The reports that the tests look into."""


@dataclass(frozen=True, slots=True)
class Reports:
    """A report in each format, in files: what to ask a command for, and what it wrote."""

    folder: Path
    formats: tuple[str, ...]

    @property
    def options(self) -> list[str]:
        return [word for name in self.formats for word in ("--output", f"{name}={self.folder / f'report.{name}'}")]

    def written(self, *problems: str) -> dict[str, str]:
        """The reports; checks that all exist, and that each shows the problems it has room for."""
        found = {name: (self.folder / f"report.{name}").read_text("utf-8") for name in self.formats}
        for name, text in found.items():
            assert text.endswith("\n"), name
            if FORMATS[name].coverage is not Coverage.NUMBERS:
                assert [problem for problem in problems if problem not in text] == [], name
        return found


@pytest.fixture(params=[tuple(FORMATS)], ids=["-".join(FORMATS)])
def reports(request: pytest.FixtureRequest, tmp_path: Path) -> Reports:
    """All formats at once; with `-k NAME`, only that one and those in ALWAYS."""
    named = set(re.findall(r"\w+", request.config.getoption("keyword"))) & set(FORMATS)
    return Reports(tmp_path, tuple(name for name in request.param if not named or name in (*named, *ALWAYS)))


COMMANDS = ("validate", "plan", "apply", "drift", "review", "approve --all --yes", "history", "state list")


@pytest.mark.parametrize("command", COMMANDS)
def test_bad_files(command: str, project: Project, reconciler: Command, reports: Reports) -> None:
    project.edit("sites/shop.yaml", "toneOfVoice: warm", "toneOfVoize: warm")
    if command == "state list":  # reads no site file unless it is named
        command = f"state list {project.root / 'sites' / 'shop.yaml'}"
        done = reconciler(*command.split(), *reports.options)
    else:
        done = reconciler(*command.split(), project.root, *reports.options)
    assert done.code == 1, done.out
    assert "toneOfVoize" in done.err
    found = json.loads(reports.written("toneOfVoize")["json"])
    (problem,) = found["problems"]
    assert problem["file"].endswith("sites/shop.yaml")
    assert (problem["line"], problem["column"], problem["severity"]) == (4, 3, "error")
    assert problem["code"]
    assert problem["fix"]
    assert found["exitCode"] == 1


@pytest.mark.parametrize("command", ["plan", "apply --auto-approve", "drift", "review"])
def test_an_api_that_does_not_answer(command: str, project: Project, reconciler: Command, reports: Reports) -> None:
    project.write({"sites/shop.yaml": site("shop", more="schedule: {rules: [{match: {within: 14d}}]}\n")})
    arguments = (*command.split(), project.root, "--api", "http://127.0.0.1:9")
    done = reconciler(*arguments, *reports.options)
    assert done.code == 1
    found = json.loads(reports.written("/marketing-")["json"])
    (failed,) = found["sites"]
    assert failed["error"]["code"] == "api-network-error"
    assert failed["error"]["address"] == "shop"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "--target", "shup"), "shup"),
        (("plan", "--targt", "shop"), "--targt"),
        (("plan", "--parallelism", "0"), "--parallelism"),
        (("plan", "--output", "jsn"), "jsn"),
        (("state", "resolve", "shop"), "ENTRY"),
        (("plan", "--regenerate", "nobody"), "nobody"),
        (("plan", "no/such/folder"), "no/such/folder"),
        (("plan", "--api", "ftp://x"), "ftp://x"),
        (("state", "show", "nobody"), "nobody"),
        (("show", "reconciler.yaml"), "reconciler.yaml"),
        (("approve", "--yes"), "--yes"),
    ],
)
def test_a_usage_error(
    arguments: tuple[str, ...],
    said: str,
    project: Project,
    reconciler: Command,
    reports: Reports,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project.root)
    done = reconciler(*arguments, *reports.options)
    assert (done.code, done.out) == (1, "")
    found_in = reports.written(said)
    (problem,) = json.loads(found_in["json"])["problems"]
    assert problem["severity"] == "error"
    assert problem["fix"] not in ("", problem["message"])
    assert "; " not in problem["message"], "what to do is a field of its own"
    assert f"{problem['message']}; {problem['fix']}" in done.err


def test_a_refusal(project: Project, reconciler: Command, reports: Reports) -> None:
    project.write({"sites/shop.yaml": site("shop", more="expect: {published: false}\n")})
    for command in (("plan",), ("apply", "--auto-approve")):
        done = reconciler(*command, project.root, *reports.options)
        assert done.code == 4
        found = json.loads(reports.written("expect.published")["json"])
        assert found["sites"][0]["refusals"][0]["code"] == "expect"
        assert found["exitCode"] == 4


def test_nobody_to_ask(project: Project, reconciler: Command, reports: Reports) -> None:
    done = reconciler("apply", project.root, *reports.options)
    assert done.code == 4
    found = json.loads(reports.written("--auto-approve")["json"])
    assert found["refused"]["code"] == "no-terminal"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal(number: int, code: int, project: Project, reports: Reports) -> None:
    """While a server keeps the run waiting."""
    server = (
        "import socket, sys\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "print(listening.getsockname()[1], flush=True)\n"
        "while True: listening.accept()[0].recv(1); print('asked', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE, text=True) as silent:
        assert silent.stdout is not None
        address = f"http://127.0.0.1:{silent.stdout.readline().strip()}"
        arguments = [sys.executable, "-m", "reconciler", "plan", str(project.root), "--api", address]
        with subprocess.Popen([*arguments, *reports.options], stderr=subprocess.PIPE, text=True) as running:
            assert silent.stdout.readline() == "asked\n"
            running.send_signal(number)
            time.sleep(0.02)
            running.send_signal(number)  # in a hurry: what the first has begun to report is still reported
            _, said = running.communicate(timeout=30)
        silent.kill()
    assert (running.returncode, said) == (code, "Interrupted: 0 of 1 site planned; nothing was changed.\n")
    found_in = reports.written()
    assert found_in["text"] == said
    assert "Interrupted: 0 of 1 site planned; nothing was changed." in found_in["markdown"]
    found = json.loads(found_in["json"])
    assert (found["interrupted"], found["exitCode"]) == (True, code)


def test_a_report_that_cannot_be_written_does_not_stop_the_others(
    project: Project, reconciler: Command, tmp_path: Path
) -> None:
    done = reconciler("plan", project.root, "--output", "json=/dev/full", "--output", f"html={tmp_path / 'x.html'}")
    assert done.code == 1
    assert "cannot write" in done.err or "cannot be written" in done.err
    assert "</html>" in (tmp_path / "x.html").read_text("utf-8")


def test_problems_of_validate_and_of_a_failing_plan_are_one_object_each(
    chain: Project, reconciler: Command, tmp_path: Path
) -> None:
    chain.edit("sites/b.yaml", "toneOfVoice: warm", "toneOfVoize: warm")
    chain.edit("sites/c.yaml", "state: present", "state: there")

    def problems(*command: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = reconciler(*command, chain.root, "--output", "json").json["problems"]
        return found

    found = problems("validate")
    assert [Path(problem["file"]).name for problem in found] == ["b.yaml", "c.yaml"]
    assert found == problems("plan")
    known = {"code", "severity", "message", "fix", "file", "line", "column", "address", "requestId"}
    assert all(set(problem) <= known for problem in found)


@pytest.mark.parametrize("command", ["apply --auto-approve", "apply --nonsense"])
def test_a_report_that_cannot_be_opened_is_mentioned_in_the_others(
    command: str, project: Project, reconciler: Command, reports: Reports
) -> None:
    """Unless every report can be opened, the command does nothing on the site."""
    nowhere = reports.folder / "nowhere" / "x.json"
    done = reconciler(*command.split(), project.root, "--output", f"json={nowhere}", *reports.options)
    assert (done.code, done.err.count("nowhere")) == (1, 1)
    found = json.loads(reports.written()["json"])
    (problem,) = found["problems"]
    assert problem["fix"]
    assert ("nowhere" in problem["message"]) != ("nonsense" in problem["message"])
    assert "nonsense" in done.err or "nonsense" not in command
    assert project.requests() == []
