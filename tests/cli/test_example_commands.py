"""The commands in the README of an example, and on the pages of the manual, do what the text says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.projects import Command

REPOSITORY = Path(__file__).resolve().parents[2]
READMES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (*REPOSITORY.glob("examples/*/README.md"), *REPOSITORY.glob("docs/**/*.md"))
    if "```console\n" in path.read_text("utf-8")
)
IDENTITY = {f"GIT_{who}_{what}": "jane@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@dataclass(frozen=True, slots=True)
class Step:
    """A command and its output; `...` stands for any number of lines."""

    command: str
    said: tuple[str, ...]


def steps(text: str) -> Iterator[Step]:
    """The commands of all console blocks, in their order."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        command, said = "", list[str]()
        for line in block.splitlines():
            if line.startswith("$ "):
                if command:
                    yield Step(command, tuple(said))
                command, said = line.removeprefix("$ "), []
            else:
                said.append(line)
        yield Step(command, tuple(said))


def missing(said: tuple[str, ...], output: str) -> str | None:
    """The first line that the output lacks at its place."""
    lines, anywhere = output.splitlines(), False
    for line in said:
        if line == "...":
            anywhere = True
            continue
        place = lines.index(line) if line in lines else -1
        if place < 0 or (place > 0 and not anywhere):
            return line
        lines, anywhere = lines[place + 1 :], False
    return None if not said or anywhere or not lines else f"(the end); there is also: {lines[0]}"


@pytest.mark.parametrize("name", READMES)
def test_the_commands_of_an_example(
    name: str, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`reconciler` runs in this process, `cd` and `echo $?` are followed, and the rest is the shell's."""
    found = list(steps((REPOSITORY / name).read_text("utf-8")))
    assert sum(1 for step in found if step.command.startswith("reconciler ")) > (
        3 if name.startswith("examples") else 0
    )
    played_with = shutil.ignore_patterns(".reconciler", "*.html")
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples", ignore=played_with)
    shutil.copytree(REPOSITORY / "schemas", tmp_path / "schemas")
    environment = {**os.environ, **IDENTITY, "HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CEILING_DIRECTORIES": str(tmp_path)}
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    code = 0
    for step, following in zip(found, [*found[1:], None], strict=True):
        if step.command == "echo $?":
            output = f"{code}\n"
        elif step.command.startswith("cd "):
            monkeypatch.chdir(Path(step.command.removeprefix("cd ")).expanduser())
            output = ""
        elif step.command.startswith("reconciler "):
            words = shlex.split(step.command)[1:]
            done = reconciler(*words)
            if words[0] == "init":  # so that nothing takes real time: the clock moves only while a run waits
                (Path(words[1]) / "sandbox.yaml").write_text("freeze: true\n", "utf-8")
            code, output = done.code, done.out + done.err
            shown = following is not None and following.command == "echo $?"
            assert code == 0 or shown, f"{step.command}: {output}"
        else:
            ran = subprocess.run(step.command, shell=True, check=False, text=True, capture_output=True)
            code, output = ran.returncode, ran.stdout + ran.stderr
            assert code == 0, f"{step.command}: {output}"
        lacks = missing(step.said, output)
        assert lacks is None, f"$ {step.command}\nlacks: {lacks}\n{output}"
