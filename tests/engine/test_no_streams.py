"""The engine, and what lies below it, prints nothing, asks nobody and looks into no environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
BELOW = ("engine", "executor", "config", "api", "state", "planner", "model")

FUNCTIONS = {"print", "input", "exit", "quit"}
OF_MODULES = {
    "os": {"environ", "environb", "getenv", "putenv"},
    "sys": {"stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__", "exit", "argv"},
}


def outside(source: str) -> Iterator[str]:
    """What a module reaches of the process around it."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield f"{node.lineno}: {name}()"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name in OF_MODULES.get(module, ()):
                yield f"{node.lineno}: {module}.{name}"
            case ast.ImportFrom(module=str(module), names=imported):
                for alias in imported:
                    if alias.name in OF_MODULES.get(module, ()):
                        yield f"{node.lineno}: {module}.{alias.name}"
            case _:
                pass


@pytest.mark.parametrize("part", BELOW)
def test_it_reaches_nothing_of_the_process(part: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{what}"
        for path in sorted((PACKAGE / part).rglob("*.py"))
        for what in outside(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import os\nos.environ['X']", "2: os.environ"),
        ("from os import getenv", "1: os.getenv"),
        ("import sys\ndef f():\n    sys.stderr.write('x')", "3: sys.stderr"),
        ("print('x')", "1: print()"),
        ("answer = input('yes?')", "1: input()"),
    ],
)
def test_it_would_be_found(source: str, what: str) -> None:
    assert list(outside(source)) == [what]
