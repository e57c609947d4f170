"""The engine and everything below it print nothing, ask nobody, and read neither the environment nor a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
BELOW = ("engine", "executor", "config", "api", "state", "planner", "model", "whole_files.py")
MACHINE = PACKAGE / "machine.py"
"""The module with the clock that all others are given."""

FUNCTIONS = {"print", "input", "exit", "quit"}
TIMES = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime"},
}
OF_MODULES = {
    "os": {"environ", "environb", "getenv", "putenv", "getlogin"},
    "sys": {"stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__", "exit", "argv"},
    "Path": {"home"},
    **TIMES,
}
OF_ANYTHING = {"expanduser", "expandvars"}
MODULES = {"getpass", "locale", "readline", "termios", "tty", "webbrowser"}


def outside(source: str) -> Iterator[str]:
    """What a module reaches of the process around it."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield f"{node.lineno}: {name}()"
            case ast.Attribute(attr=name) if name in OF_ANYTHING:
                yield f"{node.lineno}: {name}"
            case ast.Attribute(value=ast.Name(id=of) | ast.Attribute(attr=of), attr=name) if name in OF_MODULES.get(
                of, ()
            ):
                yield f"{node.lineno}: {of}.{name}"
            case ast.Import(names=imported):
                for alias in imported:
                    if alias.name in MODULES:
                        yield f"{node.lineno}: {alias.name}"
            case ast.ImportFrom(module=str(module), names=imported):
                for alias in imported:
                    if alias.name in OF_MODULES.get(module, ()) or module in MODULES or alias.name in OF_ANYTHING:
                        yield f"{node.lineno}: {module}.{alias.name}"
            case _:
                pass


@pytest.mark.parametrize("part", BELOW)
def test_it_reaches_nothing_of_the_process(part: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{what}"
        for path in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]
        for what in outside(path.read_text("utf-8"))
    ]
    assert found == []


def test_one_module_has_the_clock() -> None:
    """Code above the engine is also given it. The sandbox keeps the time of its own world."""
    asked = [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "sandbox"
        for what in outside(path.read_text("utf-8"))
        if what.split(": ")[1].partition(".")[0] in TIMES
    ]
    assert asked == [MACHINE]


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import os\nos.environ['X']", "2: os.environ"),
        ("from os import getenv", "1: os.getenv"),
        ("import sys\ndef f():\n    sys.stderr.write('x')", "3: sys.stderr"),
        ("print('x')", "1: print()"),
        ("answer = input('yes?')", "1: input()"),
        ("import getpass", "1: getpass"),
        ("from getpass import getuser", "1: getpass.getuser"),
        ("Path(written).expanduser()", "1: expanduser"),
        ("from os.path import expanduser", "1: os.path.expanduser"),
        ("Path.home() / '.config'", "1: Path.home"),
        ("moment = datetime.now(UTC)", "1: datetime.now"),
        ("import datetime\nmoment = datetime.datetime.now()", "2: datetime.now"),
        ("field(default=lambda: date.today())", "1: date.today"),
        ("started = time.time()", "1: time.time"),
        ("from time import time", "1: time.time"),
    ],
)
def test_it_would_be_found(source: str, what: str) -> None:
    assert list(outside(source)) == [what]
