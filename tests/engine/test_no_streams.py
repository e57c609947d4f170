"""The engine and everything below it print nothing, ask nobody, and read neither the environment nor a clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources import parsed

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
BELOW = ("engine", "executor", "config", "api", "state", "planner", "model", "whole_files.py", "spool.py")
MACHINE = PACKAGE / "machine.py"
"""The module with the clock that all others are given."""

FUNCTIONS = {"print", "input", "exit", "quit", "__import__"}
TIMES = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {
        *("time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "clock_gettime", "clock_gettime_ns", "sleep"),
        *("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time", "process_time_ns"),
    },
}
OF_MODULES = {
    "os": {
        *("environ", "environb", "getenv", "putenv", "getlogin", "dup2", "_exit", "abort", "__dict__"),
        *("get_terminal_size", "ttyname", "ctermid", "openpty"),
    },
    "sys": {"stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__", "exit", "argv", "__dict__"},
    "shutil": {"get_terminal_size"},
    "importlib": {"import_module"},
    "Path": {"home"},
    "traceback": {"print_exc", "print_exception", "print_last", "print_list", "print_stack", "print_tb"},
    **TIMES,
}
OF_ANYTHING = {"expanduser", "expandvars", "isatty"}
MODULES = {"faulthandler", "getpass", "locale", "pprint", "readline", "termios", "tty", "warnings", "webbrowser"}


WAITS_ITSELF = {"state/file_lock.py"}
"""It waits in a thread for a lock that another process holds. By a sandbox's clock that stands still, it would wait
forever or not at all.
"""

REAL_TIME = {
    "api/transport.py": 1,  # how long a connection may take: the remote side is not in a sandbox's time
    "engine/fleet.py": 2,  # how long a site was worked on, as screens say
    "engine/apply_run.py": 1,  # waits for another process to give back its lock
    "worker.py": 1,  # whether the run that handed out the work is still heard of
    "wiring.py": 1,  # a world whose clock stands still lets others run
    "machine.py": 1,
}
"""Modules that measure time or wait by the event loop instead of the clock that a run is given, and how often."""


def outside(source: str) -> Iterator[str]:
    """What a module reaches in the process around it, by whatever name."""
    for node in ast.walk(_by_first_names(ast.parse(source))):
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[ast.Name(id=of), ast.Constant(value=str(name)), *_]) if (
                name in OF_MODULES.get(of, ())
            ):
                yield f"{node.lineno}: {of}.{name}"
            case ast.ImportFrom(module=str(module), names=[ast.alias(name="*")]) if module in OF_MODULES:
                yield f"{node.lineno}: {module}.*"
            case ast.Call(
                func=ast.Name(id="open") | ast.Attribute(value=ast.Name(id="os"), attr="fdopen" | "open" | "write"),
                args=[ast.Constant(value=int()), *_],
            ):
                yield f"{node.lineno}: a standard stream by its number"
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


def _by_first_names(tree: ast.Module) -> ast.Module:
    """The module with the aliases of its imports replaced by the original names."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    first = {
        alias.asname: alias.name.rpartition(".")[2]
        for node in imports
        for alias in node.names
        if alias.asname is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = first.get(node.id, node.id)
    return tree


def by_the_loop(source: str) -> int:
    """How often a module measures time or waits by the event loop."""
    return len(
        re.findall(r"\basyncio\.sleep\(|get_running_loop\(\)\.time\b|\b_?loop\.time\b|\bcall_(?:later|at)\(", source)
    )


@pytest.mark.parametrize("part", BELOW)
def test_it_reaches_nothing_of_the_process(part: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{what}"
        for path in sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / part]
        for what in outside(path.read_text("utf-8"))
        if str(path.relative_to(PACKAGE).as_posix()) not in WAITS_ITSELF or ": time." not in what
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
    assert {str(path.relative_to(PACKAGE).as_posix()) for path in asked} == {"machine.py", *WAITS_ITSELF}


def test_few_others_count_real_time() -> None:
    counted = {
        str(path.relative_to(PACKAGE).as_posix()): count
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] != "sandbox" and (count := by_the_loop(path.read_text("utf-8")))
    }
    assert counted == REAL_TIME


CORE = {
    *(
        "__future__",
        "base64",
        "bisect",
        "collections",
        "datetime",
        "deepdiff",
        "difflib",
        "enum",
        "fnmatch",
        "functools",
        "html",
    ),
    *("binascii", "hashlib", "ipaddress", "itertools", "json", "math", "msgspec", "operator", "re", "reconciler"),
    *("regex", "threading", "typing", "unicodedata", "zoneinfo"),
}
"""What model and planner may import: functions over values. Threads may decode at once, so a decoder has a lock."""

CONSTANTS = {("html", "unescape"), ("urllib.parse", "urlsplit"), ("signal", "SIGINT"), ("signal", "SIGTERM")}
"""What else they may import: single names, from modules that need not be pure as a whole."""

REACHING = {"open", "exec", "eval", "compile", "__import__", "breakpoint"}


def impure(source: str) -> Iterator[str]:
    """What a module of the core imports or calls that may not be a function over values."""
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Import(names=imported):
                yield from (f"{node.lineno}: {name.name}" for name in imported if name.name.split(".")[0] not in CORE)
            case ast.ImportFrom(module=str(module), names=imported) if module.split(".")[0] not in CORE:
                asked = (alias.name for alias in imported if (module, alias.name) not in CONSTANTS)
                yield from (f"{node.lineno}: {module}.{name}" for name in asked)
            case ast.Call(func=ast.Name(id=name)) if name in REACHING:
                yield f"{node.lineno}: {name}()"
            case _:
                pass


@pytest.mark.parametrize("part", ["model", "planner"])
def test_the_core_is_functions_over_values(part: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{what}"
        for path in sorted((PACKAGE / part).rglob("*.py"))
        for what in impure(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        *(
            "import sys",
            "import socket as s",
            "from subprocess import run",
            "import os.path",
            "from pathlib import Path",
        ),
        *("def f():\n    import asyncio", "import httpx", "from urllib.request import urlopen", "import random"),
        *("from signal import signal", "import importlib", "open('x')", "__import__('os')"),
    ],
)
def test_what_is_impure_would_be_found(source: str) -> None:
    assert list(impure(source))


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
        ("import os as o\no.environ['X']", "2: os.environ"),
        ("from os import environ as e", "1: os.environ"),
        ("from os import *", "1: os.*"),
        ("import time as t\nt.monotonic()", "2: time.monotonic"),
        ("from time import perf_counter as p", "1: time.perf_counter"),
        ("import datetime as d\nd.datetime.now()", "2: datetime.now"),
        ("from datetime import datetime as D\nD.now()", "2: datetime.now"),
        ("from pathlib import Path as P\nP.home()", "2: Path.home"),
        ("import sys\ngetattr(sys, 'stderr')", "2: sys.stderr"),
        ("import os as o\no.write(1, b'hello')", "2: a standard stream by its number"),
        ("open(1, 'w').write('x')", "1: a standard stream by its number"),
        ("import os\nos.fdopen(2, 'w')", "2: a standard stream by its number"),
        ("import traceback\ntraceback.print_exc()", "2: traceback.print_exc"),
        ("from traceback import print_stack", "1: traceback.print_stack"),
        ("import warnings", "1: warnings"),
        ("from pprint import pprint", "1: pprint.pprint"),
        ("import os as o\no.get_terminal_size()", "2: os.get_terminal_size"),
        ("from shutil import get_terminal_size", "1: shutil.get_terminal_size"),
        ("stream.isatty()", "1: isatty"),
        ("import sys\nsys.__dict__['stdout']", "2: sys.__dict__"),
        ("__import__('click')", "1: __import__()"),
        ("import importlib as i\ni.import_module('click')", "2: importlib.import_module"),
        ("from importlib import import_module", "1: importlib.import_module"),
    ],
)
def test_it_would_be_found(source: str, what: str) -> None:
    assert list(outside(source)) == [what]
