"""Links, FIFOs and devices in place of files: each is refused by name, or handled safely.

A repository can contain a link, and a machine whatever somebody left there. No command blocks on a FIFO, reads a device
without an end, or writes through a link to a place outside the project.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from reconciler.cli.main import run
from tests.cli.projects import PROJECT, SANDBOX, Command, Project, site

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links and FIFOs")

SECRET: Final = "SUPERSECRET0123456789: ["
RECORD: Final = "3f0c2a9e-8d0b-4b7c-9a55-000000000001.json"
APPLY: Final = ["apply", "--auto-approve"]


def link(path: Path) -> None:
    path.symlink_to("../" * len(path.relative_to(Path.cwd()).parts) + "outside/file")


def folder_link(path: Path) -> None:
    path.symlink_to("../" * len(path.relative_to(Path.cwd()).parts) + "outside/folder")


def dangling(path: Path) -> None:
    path.symlink_to("../" * len(path.relative_to(Path.cwd()).parts) + "outside/nothing")


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose site was applied and reviewed, with a saved plan of a change that is due."""
    root = tmp_path_factory.mktemp("made") / "project"
    schedule = "schedule: {rules: [{match: {within: 14d}}]}\n"
    project = Project(root)
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, "sites/shop.yaml": site("shop", more=schedule)})
    assert run([*APPLY, str(root)]) == 0
    assert run(["review", str(root)]) == 0
    project.edit("sites/shop.yaml", "warm and playful", "dry")
    assert run(["plan", str(root), "--out", str(root / "saved.plan")]) == 0
    return root


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the working directory, with files outside that nobody may touch."""
    shutil.copytree(made, tmp_path / "project")
    (tmp_path / "outside/folder").mkdir(parents=True)
    (tmp_path / "outside/file").write_text(SECRET)
    (tmp_path / "outside/folder/kept").write_text(SECRET)
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


PLACES: Final[list[tuple[str, list[Callable[[Path], None]], list[str]]]] = [
    (f".reconciler/records/{RECORD}", [link, device, os.mkfifo, folder], APPLY),
    (f".reconciler/locks/{RECORD}", [link, os.mkfifo], APPLY),
    (".reconciler/records", [folder_link], ["state", "list"]),
    (".reconciler/records", [folder_link], APPLY),
    (".reconciler/journals", [folder_link, os.mkfifo], APPLY),
    (".reconciler/locks", [folder_link], APPLY),
    (".reconciler/runs-alive", [folder_link], APPLY),
    (".reconciler/.locks", [folder_link, dangling], APPLY),
    (".reconciler/sandbox.db", [link, os.mkfifo, device], ["plan"]),
    (".reconciler/sandbox.db-wal", [link, os.mkfifo], ["plan"]),
    ("sandbox.yaml", [os.mkfifo, device], ["plan"]),
    ("approvals/shop.yaml", [link, dangling, os.mkfifo, device], ["review"]),
    ("approvals/shop.yaml", [link, os.mkfifo], ["approve", "--all", "--yes"]),
    ("approvals/shop.html", [link, dangling, os.mkfifo, device, folder], ["review"]),
    ("saved.plan", [link, os.mkfifo, device], ["apply", "saved.plan"]),
    ("saved.plan", [os.mkfifo, device], ["show", "saved.plan"]),
    ("out", [os.mkfifo, device], ["plan", "--out", "out"]),
    ("out", [folder_link], ["plan", "--out", "out/new.plan"]),
    ("out", [os.mkfifo, device], ["plan", "--output", "json=out"]),
    ("out", [folder_link], ["plan", "--output", "json=out/new.json"]),
]


@pytest.mark.parametrize(
    ("place", "kind", "command"),
    [
        pytest.param(place, kind, command, id=f"{kind.__name__} as {place} in {command[0]}")
        for place, kinds, command in PLACES
        for kind in kinds
    ],
)
def test_what_is_not_a_file_is_refused_by_name(
    place: str, kind: Callable[[Path], None], command: list[str], here: Path, reconciler: Command
) -> None:
    put(here / place, kind)
    done = reconciler(*command)
    said = done.out + done.err
    assert done.code == 1, said
    assert place.removesuffix(f"/{RECORD}") in said, said
    assert "SUPERSECRET" not in said
    assert untouched(here)


@pytest.mark.parametrize("kind", [folder_link, os.mkfifo])
def test_run_whose_ledger_cannot_be_kept_says_so_and_ends_in_it(
    kind: Callable[[Path], None], here: Path, reconciler: Command
) -> None:
    put(here / ".reconciler/runs", kind)
    done = reconciler(*APPLY)
    assert (done.code, "1 generated" in done.out) == (0, True)
    assert "the ledger of this run could not be saved" in done.err
    assert untouched(here)


@pytest.mark.parametrize("kind", [link, dangling])
@pytest.mark.parametrize("option", ["--out out", "--output json=out"])
def test_link_in_the_place_of_a_report_is_replaced(
    option: str, kind: Callable[[Path], None], here: Path, reconciler: Command
) -> None:
    put(here / "out", kind)
    done = reconciler("plan", *option.split())
    assert (done.code, (here / "out").is_symlink(), (here / "out").read_text()[0]) == (0, False, "{")
    assert untouched(here)


def test_allowed_folder_takes_reports_behind_a_link(
    here: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(here / "out", folder_link)
    monkeypatch.setenv("RECONCILER_ALLOW_PATHS", str(here.parent / "outside"))
    assert reconciler("plan", "--output", "json=out/new.json", "--out", "out/new.plan").code == 0
    assert {path.name for path in (here.parent / "outside/folder").iterdir()} == {"kept", "new.json", "new.plan"}


def test_devices_and_pipes_that_somebody_reads_take_reports(here: Path, reconciler: Command) -> None:
    os.mkfifo(here / "pipe")
    reader = os.open(here / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert reconciler("validate", "--output", "json=pipe", "--output", "markdown=/dev/null").code == 0
        assert os.read(reader, 65_536).startswith(b"{")
    finally:
        os.close(reader)


def put(path: Path, kind: Callable[[Path], None]) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    kind(path)


def untouched(here: Path) -> bool:
    found = {path.name: path.read_text() for path in (here.parent / "outside").rglob("*") if path.is_file()}
    return found == {"file": SECRET, "kept": SECRET}


TOO_LONG: Final = "x" * 300
WITH_PATHS: Final = (
    *(f"{command} PATH" for command in ("plan", "apply", "drift", "validate", "review", "approve", "history", "show")),
    *("init PATH", "merge PATH --out a.plan", "doctor PATH", "version --check-files PATH", "import --into PATH a"),
    *("plan --out PATH", "plan --output json=PATH", "sandbox show --seed PATH", "sandbox show --database PATH"),
)


@pytest.mark.parametrize("line", WITH_PATHS)
@pytest.mark.parametrize(
    ("path", "why"),
    [
        (TOO_LONG, "File name too long"),
        pytest.param(
            "closed/file.yaml",
            "Permission denied",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything"),
        ),
    ],
    ids=["name too long", "closed folder"],
)
def test_a_path_that_cannot_be_looked_up_is_no_bug(
    reconciler: Command, project: Project, monkeypatch: pytest.MonkeyPatch, line: str, path: str, why: str
) -> None:
    monkeypatch.chdir(project.root)
    Path("closed").mkdir(mode=0)
    ran = reconciler(*line.replace("PATH", path).split())
    said = f"{path} cannot be looked up: {why}; check the path and its permissions"
    assert (ran.code, said in ran.err, "bug" in ran.err) == (1, True, False), ran.err


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("reconciler.yaml", "version: 1", f"version: 1\napprovals: {TOO_LONG}", "cannot be listed: File name too long"),
        ("reconciler.yaml", "version: 1", f"version: 1\nstate: {TOO_LONG}", "cannot be listed (File name too long)"),
        (
            "sites/shop.yaml",
            "version: 1",
            f"# yaml-language-server: $schema={TOO_LONG}\nversion: 1",
            "which does not exist",
        ),
    ],
    ids=["approvals", "state", "modeline"],
)
def test_a_name_in_a_file_that_is_too_long_is_no_bug(
    reconciler: Command,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    before: str,
    after: str,
    said: str,
) -> None:
    monkeypatch.chdir(project.root)
    project.edit(file, before, after)
    shown = "".join(ran.err + ran.out for ran in map(reconciler, ("validate", "plan")))
    assert (said in shown, "bug" in shown) == (True, False), shown


@pytest.mark.parametrize(
    "arguments", [("approve", "", "--all", "--yes"), ("apply", "", "--auto-approve"), ("plan", "")]
)
def test_an_empty_path_is_not_the_whole_project(
    project: Project, reconciler: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    """For example from an unset variable in a script."""
    monkeypatch.chdir(project.root)
    done = reconciler(*arguments)
    assert (done.code, done.out) == (1, "")
    assert "'' is not a path; name a file or a folder, or leave it out" in done.err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("plan ROOT --out OUT/new.plan", 0),
        ("drift ROOT --output json=OUT/drift.json", 0),
        ("drift ROOT --output json=here.json", 1),
        ("show OUT/saved.plan", 0),
        ("apply OUT/saved.plan", 1),
        ("merge OUT/saved.plan --out OUT/all.plan", 1),
        ("merge part.plan --out all.plan", 1),
    ],
)
def test_a_current_directory_that_was_removed_is_not_a_bug(
    made: Path, tmp_path: Path, reconciler: Command, monkeypatch: pytest.MonkeyPatch, command: str, code: int
) -> None:
    root, out, gone = tmp_path / "project", tmp_path / "out", tmp_path / "gone"
    shutil.copytree(made, root)
    out.mkdir()
    shutil.move(root / "saved.plan", out)
    assert reconciler(*APPLY, root).code == 0
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = reconciler(*command.replace("ROOT", str(root)).replace("OUT", str(out)).split())
    assert ran.code == code, ran.out + ran.err
    assert "bug" not in ran.out + ran.err
    assert ("No such file or directory" in ran.err) is (code == 1 and "OUT/saved.plan --out" not in command), ran.err
