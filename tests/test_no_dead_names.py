"""Nothing in the package is there only for its tests: each name is used somewhere else in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from tests.sources import parsed

PACKAGE = Path(__file__).resolve().parents[1] / "reconciler"

CALLED_FROM_OUTSIDE = {
    *("list_commands", "get_command", "format_commands", "make_formatter", "list_", "mv", "command"),  # click's
    *("handle_exit", "capture_signals"),  # uvicorn's
    "get_source",  # jinja's
    *("add_hook", "start_in_thread", "variants"),  # the sandbox is there for tests
    "HOLD",  # a value of a file
    "coverage",  # tests check that a format shows what it says it covers
    "PLAN_STATUSES",  # for the schema of sandbox.yaml, which tools/ writes
}

BY_NAME = ("sandbox/dashboard.py", "web/app.py")
"""Called by a name that comes from outside, or by a route."""

WRITTEN = "reporters/*json*.py"
"""Records whose members are only written."""


def names(source: str) -> tuple[list[tuple[int, str]], set[str]]:
    """The functions, classes, constants and fields that a module defines, with their lines, and the names it reads.

    A name is read as such, as an attribute, as a member of a pattern, or as a text of its own.
    """
    defined: list[tuple[int, str]] = []
    used: set[str] = set()
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.add(node.value)
        elif isinstance(node, ast.MatchClass):
            used.update(node.kwd_attrs)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.append((node.lineno, node.name))
        if isinstance(node, ast.Module | ast.ClassDef):
            defined += _assigned(node)
    return sorted(defined), used


def _assigned(node: ast.Module | ast.ClassDef) -> Iterator[tuple[int, str]]:
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield line.lineno, name
            case _:
                pass


def unused(sources: dict[str, str], templates: str = "") -> list[str]:
    """Where a name is defined that none of the modules uses."""
    found = {file: names(source) for file, source in sources.items()}
    known = CALLED_FROM_OUTSIDE.union(*(used for _, used in found.values()))
    return [
        f"{file}:{line}: {name}"
        for file, (defined, _) in found.items()
        if file not in BY_NAME and not fnmatchcase(file, WRITTEN)
        for line, name in defined
        if name not in known and not name.startswith("__") and name not in templates
    ]


def test_each_name_is_used() -> None:
    sources = {
        str(path.relative_to(PACKAGE).as_posix()): path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py"))
    }
    templates = "".join(path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.html")))
    assert unused(sources, templates) == []


def test_one_that_is_not_would_be_found() -> None:
    alone = {"a.py": "LIMIT = 3\n\ndef f(): ...\n\nclass C:\n    x: int\n    def g(self): ..."}
    assert unused(alone) == ["a.py:1: LIMIT", "a.py:3: f", "a.py:5: C", "a.py:6: x", "a.py:7: g"]
    assert unused({**alone, "b.py": "from a import C, f, LIMIT\nprint(f(LIMIT), C().x, C().g())"}) == []
