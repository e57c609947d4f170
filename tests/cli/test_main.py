"""The entry point: help that says everything, a light start, and an exit code for every ending."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from reconciler import __main__ as started
from reconciler import __version__
from reconciler.cli import main
from reconciler.cli.help_format import HelpFormatter
from reconciler.cli.signals import StoppedEarly, Terminated
from reconciler.machine import CLOCK
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError, problem
from reconciler.model.sites import SiteRef
from reconciler.sandbox.server import start_in_thread
from reconciler.state.sites import open_state
from reconciler.wiring import open_sandbox
from tests.cli.projects import Project
from tests.journals import begin

HEAVY = ("httpx", "aiohttp", "asyncio", "jsonschema", "jsonschema_rs", "deepdiff", "rich", "yaml", "uvicorn")


def commands() -> Iterator[tuple[str, click.Command]]:
    for name in main.COMMANDS:
        command = importlib.import_module(f"reconciler.cli.commands.{name}").command
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["plan", "--help"], ["apply", "--help"]])
def test_nothing_heavy_is_imported_to_start(arguments: list[str]) -> None:
    script = (
        "import sys, json, io, contextlib\n"
        "from reconciler.cli.main import run\n"
        "with contextlib.redirect_stdout(io.StringIO()): code = run(json.loads(sys.argv[1]))\n"
        f"print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(arguments)], capture_output=True, check=True)
    assert json.loads(done.stdout) == [0, []]


def test_help_starts_with_only_click() -> None:
    script = "import sys\nfrom reconciler.cli.main import run\nrun(['--help'])\nsys.exit('msgspec' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox."""
    with closing(open_sandbox(tmp_path_factory.mktemp("world"))) as world:
        running = start_in_thread(world)
        yield running.base_url
        running.stop()


REPORTING = (
    "reconciler.cli.outputs", "reconciler.cli.run", "reconciler.config.trust",
    "reconciler.engine.results", "reconciler.model.codec", "reconciler.model.diagnostics",
    "reconciler.model.operations", "reconciler.planner.actions", "reconciler.reporters.context",
    "reconciler.reporters.layout", "reconciler.reporters.text", "reconciler.reporters.tool_text",
)  # fmt: skip
"""Modules for commands that report on sites or write a report."""

NO_SITE_READ = {
    "aiohttp", "certifi", "deepdiff", "httpx", "jsonschema", "jsonschema_rs", "pickle", "pygments", "rich", "uvicorn",
    "reconciler.api.client", "reconciler.api.limits", "reconciler.api.reader", "reconciler.api.surroundings",
    "reconciler.api.transport", "reconciler.api.writer", "reconciler.engine.apply", "reconciler.engine.drift",
    "reconciler.engine.plan", "reconciler.engine.review", "reconciler.engine.workers", "reconciler.executor.executor",
    "reconciler.executor.kinds", "reconciler.executor.observe", "reconciler.planner.planner",
    "reconciler.reporters.gallery",
}  # fmt: skip
"""Modules that a command does not need if it reads no site: a client, what plans, and what carries plans out."""

JUDGES_A_CALL = {"reconciler.executor.kinds", "reconciler.executor.observe", "reconciler.planner.planner"}
"""Modules with which `state resolve` records how a call ended."""

READ_ONLY = {
    "aiohttp", "certifi", "deepdiff", "jsonschema", "jsonschema_rs", "pygments", "rich", "uvicorn",
    "reconciler.api.writer", "reconciler.cli.apply", "reconciler.engine.apply", "reconciler.engine.workers",
    "reconciler.executor.executor", "reconciler.executor.kinds", "reconciler.reporters.gallery",
}  # fmt: skip
"""Modules that a command does not need if it only reads sites, from a sandbox in its own process."""

UNUSED = {
    "validate .": {
        "aiohttp", "asyncio", "deepdiff", "difflib", "httpx", "jsonschema",
        "jsonschema_rs", "pickle", "regex", "reconciler.api.client", "reconciler.executor.executor",
        "reconciler.planner.planner", "reconciler.sandbox.app", "reconciler.state.store", "rich", "shlex",
        "shutil", "subprocess", "tempfile", "traceback", "uvicorn", "zoneinfo",
    },
    "plan .": {
        "aiohttp", "certifi", "deepdiff", "difflib", "jsonschema", "jsonschema_rs", "pickle", "pygments",
        "reconciler.cli.apply", "reconciler.engine.apply", "reconciler.engine.plan_file", "reconciler.engine.state",
        "reconciler.executor.executor", "reconciler.executor.kinds", "reconciler.reporters.gallery", "rich", "uvicorn",
    },
    "plan . --api URL": {
        "certifi", "deepdiff", "difflib", "httpcore", "httpx", "jsonschema", "jsonschema_rs", "pygments",
        "reconciler.cli.apply", "reconciler.engine.apply", "reconciler.engine.plan_file", "reconciler.engine.state",
        "reconciler.executor.executor", "reconciler.executor.kinds", "reconciler.reporters.gallery",
        "reconciler.sandbox.app", "rich", "uvicorn", "zoneinfo", "reconciler.api.writer", "reconciler.engine.problems",
        "reconciler.executor.ledger", "reconciler.executor.ports", "reconciler.planner.document",
        "reconciler.planner.drift_report",
    },
    "init new": {
        "aiohttp", "asyncio", "deepdiff", "difflib", "httpx", "jsonschema", "jsonschema_rs", "regex",
        "reconciler.api.client", "reconciler.config.documents", "reconciler.config.project",
        "reconciler.engine.live_sites", "reconciler.engine.problems", "reconciler.executor.executor",
        "reconciler.planner.planner", "reconciler.sandbox.app", "reconciler.state.store", "rich", "subprocess", "yaml",
    },
    "apply . --auto-approve": {
        *READ_ONLY - {"reconciler.api.writer", "reconciler.cli.apply", "reconciler.engine.apply",
                      "reconciler.executor.executor", "reconciler.executor.kinds"},
        "difflib", "pickle", "reconciler.engine.drift", "reconciler.engine.review", "reconciler.planner.drift",
        "reconciler.planner.review", "shlex",
    },
    "drift .": {
        *READ_ONLY, "difflib", "pickle", "reconciler.engine.plan_file", "reconciler.engine.review",
        "reconciler.engine.saved", "reconciler.engine.state", "reconciler.planner.document",
        "reconciler.planner.review",
    },
    "review .": {
        *READ_ONLY - {"reconciler.reporters.gallery"}, "difflib", "reconciler.engine.drift", "reconciler.engine.plan",
        "reconciler.engine.plan_file", "reconciler.engine.state", "reconciler.planner.document",
        "reconciler.planner.drift",
    },
    "doctor .": {
        *READ_ONLY, "difflib", "pickle", "reconciler.engine.drift", "reconciler.engine.plan_file",
        "reconciler.engine.review", "reconciler.planner.drift", "reconciler.planner.review",
    },
    "import 3f0c2a9e-8d0b-4b7c-9a55-000000000009": {
        *READ_ONLY, "difflib", "pickle", "reconciler.engine.drift", "reconciler.engine.plan_file",
        "reconciler.engine.state", "reconciler.planner.drift",
    },
    "approve . --all --yes": {
        *NO_SITE_READ, "difflib", "reconciler.engine.state", "reconciler.planner.document", "reconciler.sandbox.app",
        "reconciler.wiring", "zoneinfo",
    },
    "history .": {*NO_SITE_READ, "difflib", "reconciler.planner.document", "reconciler.sandbox.app", "zoneinfo"},
    "show plan.json": {*NO_SITE_READ, "difflib"},  # it asks the sandbox for the time
    "merge a.json b.json --out both.json": {*NO_SITE_READ, "difflib"},
    "state list": {*NO_SITE_READ, "difflib", "reconciler.sandbox.app", "zoneinfo"},
    "state show shop": {*NO_SITE_READ, "difflib", "reconciler.sandbox.app", "zoneinfo"},
    "state unlock shop --force": {*NO_SITE_READ, "difflib", "reconciler.sandbox.app", "zoneinfo"},
    "state forget shop --force": {*NO_SITE_READ, "difflib"},  # it asks the sandbox for the time
    "state mv shop 3f0c2a9e-8d0b-4b7c-9a55-000000000009": {*NO_SITE_READ, "difflib"},
    "state resolve shop ENTRY done": {*NO_SITE_READ, "difflib"} - JUDGES_A_CALL,
    "sandbox serve --port 0": {*NO_SITE_READ - {"pickle", "uvicorn"}, "difflib"},
    "sandbox show": {*NO_SITE_READ, "difflib"},
    "sandbox reset": {*NO_SITE_READ, "difflib"},
    "version": set(REPORTING),
    "schema": {"reconciler.config.schema", *REPORTING},
    "completion bash": set(REPORTING),
    "completion zsh": set(REPORTING),
}  # fmt: skip
"""Modules that a command does not need if all is well: each once cost start-up time, or would."""


MADE_BEFORE = {
    "drift .": ["apply . --auto-approve"],
    "show plan.json": ["plan . --out plan.json"],
    "merge a.json b.json --out both.json": ["plan . --shard 1/2 --out a.json", "plan . --shard 2/2 --out b.json"],
    "state show shop": ["apply . --auto-approve"],
    "state unlock shop --force": ["apply . --auto-approve"],
    "state forget shop --force": ["apply . --auto-approve"],
    "state mv shop 3f0c2a9e-8d0b-4b7c-9a55-000000000009": ["apply . --auto-approve"],
}
"""The commands to run before a line, which make what it works on."""


SAY_MORE = ("merge ", "state mv ", "state resolve ", "sandbox serve ")
"""Commands that print notes on stderr even if all is well."""


def open_call(root: Path) -> str:
    """Leaves a call of the shop open, and returns its id."""

    async def left_open() -> str:
        shop = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-000000000001")
        journal = await open_state(".reconciler", root, environ={}, now=CLOCK.now).open_journal(shop)
        entry = await begin(journal)
        await journal.flush()
        return entry.id

    return asyncio.run(left_open())


def test_no_command_is_left_out() -> None:
    named = {name for name, command in commands() if not isinstance(command, click.Group)}
    assert {name for name in named if not any(f"{line} ".startswith(f"{name} ") for line in UNUSED)} == set()


@pytest.mark.parametrize("line", list(UNUSED))
def test_a_command_imports_nothing_that_it_does_not_use(
    line: str, project: Project, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIX_API_KEY", "any-key-will-do-for-a-sandbox")
    monkeypatch.chdir(project.root)
    for earlier in MADE_BEFORE.get(line, []):
        assert main.run(earlier.split()) == 0
    entry = open_call(project.root) if "ENTRY" in line else ""
    script = (
        "import sys, json\n"
        "from reconciler.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "sys.stderr.write(json.dumps([code, sorted(sys.modules)]))"
    )
    arguments = [sys.executable, "-c", script, *line.replace("URL", served).replace("ENTRY", entry).split()]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=project.root) as process:
        # It prints a key on purpose; with `communicate`, that would be a leak (tests/conftest.py).
        if line.startswith("sandbox serve"):
            assert process.stdout is not None
            assert process.stderr is not None
            assert b"http://" in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            stderr = process.stderr.read()
        else:
            stderr = process.communicate(timeout=60)[1]
    *notes, found = stderr.splitlines()
    assert not notes or line.startswith(SAY_MORE)
    code, modules = json.loads(found)
    assert code == 0
    assert sorted(UNUSED[line] & set(modules)) == []


@pytest.mark.parametrize(
    ("words", "some"), [("", "plan"), ("ver", "version"), ("plan --tar", "--target"), ("plan --output ", "json")]
)
def test_completing_a_word_imports_at_most_its_own_command(words: str, some: str) -> None:
    """For the name of a command, the table is enough; for its options, the command's own module."""
    script = (
        "import atexit, sys\n"
        "from reconciler.cli.main import run\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "run([])"
    )
    typed = {"COMP_WORDS": f"reconciler {words}", "COMP_CWORD": str(1 + words.count(" "))}
    asked = {**os.environ, **typed, "_RECONCILER_COMPLETE": "bash_complete"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=asked)
    assert f"plain,{some}" in done.stdout.splitlines()
    modules = set(done.stderr.split())
    loaded = {name for name in modules if name.startswith("reconciler.cli.commands.")}
    assert loaded == ({"reconciler.cli.commands.plan"} if " " in words else set())
    assert not modules & {"json", "reconciler.config", *REPORTING}
    assert {name for name in modules if name.startswith("reconciler.engine.")} <= {"reconciler.engine.verdict"}


def test_every_command_is_offered_with_its_summary() -> None:
    items = ShellComplete(main.cli, {}, "reconciler", "_RECONCILER_COMPLETE").get_completions([], "")
    assert {item.value: item.help for item in items} == main.COMMANDS


COLLECTING = """
import atexit, gc, sys
import reconciler.__main__
begun = []
gc.callbacks.append(lambda phase, _: begun.append(phase))
atexit.register(lambda: print(begun, file=sys.stderr))
sys.argv = ["reconciler", "--help"]
reconciler.__main__.main()
"""


def test_nothing_collects_garbage_while_a_command_starts() -> None:
    """Collections while modules are imported find nothing and took 5 ms of each start."""
    done = subprocess.run([sys.executable, "-c", COLLECTING], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


ENDING = """
import atexit, sys
from reconciler.cli import main
from reconciler.cli.help_format import HelpFormatter
atexit.register(print, "at the end")
class Held:
    def __del__(self): print("taken apart")
held = Held()
main.run = lambda _: sys.stderr.write("said") and 3
MORE
main.entry_point()
"""


@pytest.mark.parametrize(
    ("more", "taken_apart"),
    [
        ("", ""),
        ("import importlib.metadata", "taken apart\n"),
        ("import multiprocessing", "taken apart\n"),
        ("import threading, time; threading.Thread(target=lambda: [time.sleep(0.2), print('done')]).start()", "done\n"),
    ],
)
def test_the_end_of_a_process_leaves_nothing_out(more: str, taken_apart: str) -> None:
    """Exit handlers run, and their output is written; other people's code and threads end as always."""
    done = subprocess.run(
        [sys.executable, "-c", ENDING.replace("MORE", more)],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
    )
    assert (done.returncode, done.stderr) == (3, "said")
    assert "at the end\n" in done.stdout
    assert taken_apart in done.stdout
    assert ("taken apart" in done.stdout) == bool(more)


def test_every_command_and_option_has_help() -> None:
    for name, command in commands():
        assert command.help, name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"


def test_the_summaries_are_those_of_the_commands() -> None:
    for name, command in commands():
        if " " not in name:
            assert command.help is not None
            assert command.help.splitlines()[0] == main.COMMANDS[name]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_help_of_every_command_fits_the_screen(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for name, command in [("", main.cli), *commands()]:
        assert main.run([*name.split(), "--help"]) == 0
        text = capsys.readouterr().out
        assert columns - 4 <= max(map(len, text.splitlines())) <= columns - 2, name
        assert words(text) >= words(command.help or ""), name
        for parameter in command.params:
            assert words(text) >= words(getattr(parameter, "help", None) or ""), f"{name} {parameter.opts}"


def words(text: str) -> set[str]:
    """The words of a text. Lines may break at hyphens, but not within a word."""
    return set(re.split(r"[\s-]+", text))


def test_an_option_too_long_for_the_screen_is_wrapped() -> None:
    formatter = HelpFormatter(width=38)
    with formatter.indentation():
        formatter.write_dl([(f"--decision [{'|'.join(['regenerate'] * 9)}]", "What to do.")])
    lines = formatter.getvalue().splitlines()
    assert max(map(len, lines)) == 38
    assert lines[-1] == "      What to do."


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["version"], ["--version"]):
        assert main.run(arguments) == 0
        assert capsys.readouterr().out == f"reconciler {__version__}\n"


@pytest.mark.parametrize("arguments", [["plann"], ["plan", "--nonsense"], ["plan", "--shard", "9/8"], ["schema", "x"]])
def test_clicks_usage_errors_are_1(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(arguments) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Error" in said.err


@pytest.mark.parametrize("arguments", [["apply"], ["state", "resolve", "shop", "59e9", "done"]])
def test_an_invalid_time_is_quoted(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([*arguments, "--lock-timeout", "5x"]) == 1
    assert "'--lock-timeout': '5x' is not a valid duration; write it like 30s or 5m" in capsys.readouterr().err


def test_a_misspelt_command_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    main.run(["vaildate"])
    assert "did you mean validate?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no key: set WIX_API_KEY"), 1, "Error: no key: set WIX_API_KEY\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
        (click.Abort(), 130, "Interrupted.\n"),
        (StoppedEarly(signal.SIGTERM), 143, "Interrupted.\n"),
        (Terminated(), 143, "Interrupted.\n"),
        (UsageError("a\x1b[2J\u202eb"), 1, "Error: a\\x1b[2J\\u202eb\n"),
    ],
)
def test_every_end_has_a_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, error)
    assert main.run(["version"]) == code
    assert capsys.readouterr().err.lstrip("\n") == said


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (click.Abort(), 130), (Terminated(), 143)])
def test_a_signal_before_a_command_has_begun_is_mentioned_in_its_reports(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def importing(*_: object) -> click.Command:
        raise error

    monkeypatch.setattr(main.LazyGroup, "get_command", importing)
    assert main.run(["plan"]) == code
    assert capsys.readouterr().out == "Interrupted: nothing was changed.\n"
    assert main.run(["plan", "--output", "json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert (found["command"], found["interrupted"], found["exitCode"]) == ("plan", True, code)


def test_an_interruption_is_reported_once_if_both_streams_end_up_in_one_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def importing(*_: object) -> click.Command:
        raise KeyboardInterrupt

    monkeypatch.setattr(main.LazyGroup, "get_command", importing)
    log = tmp_path / "log"
    with log.open("w") as out, log.open("a") as err, monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", out)
        streams.setattr(sys, "stderr", err)
        main.run(["plan"])
    assert log.read_text() == "Interrupted: nothing was changed.\n"
    with log.open("w") as out, (tmp_path / "other").open("w") as err, monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", out)
        streams.setattr(sys, "stderr", err)
        main.run(["plan"])
    assert (tmp_path / "other").read_text().lstrip() == log.read_text() == "Interrupted: nothing was changed.\n"


def test_ctrl_c_while_python_starts_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    before, found = signal.getsignal(signal.SIGINT), list[object]()
    monkeypatch.setattr(gc, "set_threshold", lambda *_: None)
    monkeypatch.setattr(main, "entry_point", lambda: found.append(signal.getsignal(signal.SIGINT)))
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        started.main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # `nohup`
        started.main()
    finally:
        signal.signal(signal.SIGINT, before)
    assert found == [signal.SIG_DFL, signal.SIG_IGN]


def test_all_problems_of_files_are_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = (problem(Place("a.yaml", 3, 5), "wrong", "right"), problem(Place("b.yaml"), "empty"))
    failing(monkeypatch, InvalidFiles(problems))
    assert main.run(["version"]) == 1
    assert capsys.readouterr().err == (
        "a.yaml:3:5: wrong; right\nb.yaml: empty\nError: 2 problems in 2 files; nothing was done\n"
    )


def test_a_bug_says_where_to_report_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, ValueError("odd\x1b"))
    monkeypatch.delenv("RECONCILER_DEBUG", raising=False)
    assert main.run(["version"]) == 1
    said = capsys.readouterr().err
    assert "This is a bug in reconciler" in said
    assert "ValueError: odd\\x1b" in said
    assert "issue tracker" in said
    assert "Traceback" not in said
    monkeypatch.setenv("RECONCILER_DEBUG", "1")
    main.run(["version"])
    assert "Traceback" in capsys.readouterr().err


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Makes `version` raise an error, as any command might."""

    def callback() -> None:
        raise error

    broken = click.Command("version", callback=callback)
    monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: broken)


def test_python_m_and_a_reader_that_is_gone(tmp_path: Path) -> None:
    script = f"{shlex.quote(sys.executable)} -m reconciler schema | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, cwd=tmp_path)
    assert done.stdout == b"{"
    assert done.stderr == b""
    assert main.run(["init", str(tmp_path)]) == 0
    script = f"{shlex.quote(sys.executable)} -m reconciler apply --auto-approve | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"S")
    assert done.stderr == b"Error: standard output was closed, so the run stopped; run it again to finish\n"


@pytest.mark.parametrize("arguments", ["version", "schema", "validate .", "plan .", "plan . --output json"])
@pytest.mark.parametrize(
    ("stream", "code", "said"),
    [
        (">&-", 0, "warning: standard output is closed, so nothing that is printed there is shown\n"),
        ("2>&- >/dev/null", 0, ""),
        ("<&- >/dev/null", 0, ""),
        (
            ">/dev/full",
            1,
            "Error: cannot write to standard output: No space left on device; free some space, then run again\n",
        ),
    ],
)
def test_output_that_has_nowhere_to_go(arguments: str, stream: str, code: int, said: str, tmp_path: Path) -> None:
    main.run(["init", str(tmp_path)])
    script = f"{shlex.quote(sys.executable)} -m reconciler {arguments} {stream}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False, cwd=tmp_path, text=True)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_say_how_to_install_them(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Install: ")
    assert "_RECONCILER_COMPLETE" in out


@pytest.mark.parametrize("name", ["site", "project", "approvals"])
def test_schemas_are_printed_as_they_are(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == f"urn:reconciler:schema:{name}"


def test_a_command_line_that_cannot_be_understood_reaches_every_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "plan.json"
    assert main.run(["plan", "--targt", "x", "--output", f"json={report}", "--output", "nonsense"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: No such option '--targt'")
    assert said.endswith("'--target'? Try reconciler plan --help\n")
    (problem,) = json.loads(report.read_text())["problems"]
    assert (problem["code"], problem["message"]) == ("usage", "No such option '--targt'")
    assert problem["fix"].startswith("did you mean ")
    assert main.run(["plan", "--nope"]) == 1
    assert capsys.readouterr().err == "Error: No such option '--nope'; try reconciler plan --help\n"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "plan --allow-publish",
            "No such option '--allow-publish'; it is an option of apply; try reconciler plan --help",
        ),
        ("apply --out x", "No such option '--out'; it is an option of plan and merge; try reconciler apply --help"),
        (
            "state --force",
            "No such option '--force'; it is an option of state forget and state unlock; try reconciler state --help",
        ),
        (
            "--detailed-exitcode plan",
            "No such option '--detailed-exitcode'; it is an option of plan and drift; write it after the command",
        ),
        ("plan -out=shop.plan", "No such option '-out'; write --out, with two dashes"),
        ("apply -auto-approve", "No such option '-auto-approve'; write --auto-approve, with two dashes"),
        ("plan -x", "No such option '-x'; try reconciler plan --help"),
    ],
)
def test_an_option_of_another_command_or_with_one_dash_is_recognised(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(typed.split()) == 1
    assert capsys.readouterr().err == f"Error: {said}\n"


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("reconciler plan --target ", ["label:team=emea"]),
        ("reconciler plan --target label:te", ["team=emea"]),
        ("reconciler plan --target=label:team=e", ["emea"]),
    ],
)
def test_bash_completes_labels_from_the_colon_on(
    typed: str, offered: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Bash splits words at `:` and `=`, and inserts the offered text in place of the part after them."""
    assert main.run(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(
        f"{capsys.readouterr().out}\nreconciler() {{ echo plain,label:team=emea; }}\nCOMP_LINE='{typed}'\n"
        f"COMP_POINT={len(typed)}\n_reconciler_completion reconciler\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    done = subprocess.run([bash, script], capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.split() == offered


def test_validate_reports_warnings_along_with_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = "version: 1\nsite: {{name: {0}, id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e0{1}}}\n"
    (tmp_path / "reconciler.yaml").write_text("version: 1\napi: sandbox\n")
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites/a.yaml").write_text(head.format("a", 1) + "settings: {toneOfVoice: '${TONE}'}\n")
    (tmp_path / "sites/b.yaml").write_text(head.format("b", 2) + "setings: {}\n")
    assert main.run(["validate", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "warning: " in said
    assert "${TONE}" in said
    assert said.endswith("Error: 1 problem in 1 file; nothing was done\n")
    assert main.run(["validate", "--strict", str(tmp_path)]) == 1
    assert capsys.readouterr().err.endswith("Error: 2 problems in 2 files; nothing was done\n")
