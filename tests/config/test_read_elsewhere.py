"""Site files that other processes read: the index, and the problems, are as if this process had read them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.config import sites
from reconciler.config.project import ProjectConfig, find_project
from reconciler.config.sites import FilesRead, SiteIndex, check_sites
from reconciler.config.trust import trust_of
from reconciler.engine import parts
from reconciler.engine.parts import FilesTask, PartResult, files_read, files_task, from_bytes, project_in, to_bytes
from reconciler.engine.workers import PartFailed, answer_of
from reconciler.library.runs import wrong_workers
from reconciler.model.diagnostics import InvalidFiles
from reconciler.processes import Processes, WorkerProcess
from reconciler.worker import run_part
from tests.engine.fleet_over_http import Quick

SITES = 5


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectConfig:
    monkeypatch.setattr(sites, "MANY", 2)
    (tmp_path / "sites").mkdir()
    (tmp_path / "approvals").mkdir()
    (tmp_path / "reconciler.yaml").write_text("version: 1\n")
    for number in range(SITES):
        declare(tmp_path, number, f"shop-{number}")
    (tmp_path / "approvals" / "shop-1.yaml").write_text("version: 1\nsite: shop-1\nactivities: 3\n")
    return find_project((tmp_path,))


def declare(root: Path, number: int, name: str, tone: str = "warm") -> None:
    id = f"3f0c2a9e-8d0b-4b7c-9a55-00000000000{number}"
    text = f"version: 1\nsite: {{name: {name}, id: {id}, labels: {{team: emea}}}}\nsettings: {{toneOfVoice: {tone}}}\n"
    (root / "sites" / f"{number}.yaml").write_text(text)


def by_two(project: ProjectConfig, files: Sequence[Path]) -> Iterator[FilesRead | None]:
    """Two files at a time, as they come from another process."""
    for start in range(0, len(files), 2):
        found = answer_of(run_part(to_bytes(files_task(project, files[start : start + 2])))).files
        yield None if found is None else files_read(found)


def never(_project: ProjectConfig, _files: Sequence[Path]) -> Iterator[FilesRead | None]:
    raise AssertionError("few files are read in this process")


def values(index: SiteIndex) -> tuple[list[object], SiteIndex]:
    """What is known of each site, without how it is packed, and what else an index says."""
    sites = [
        (entry.name, entry.id, entry.labels, entry.file, entry.place, entry.problems, entry.stamp)
        + ((entry.load(),) if not entry.problems else ())
        for entry in index.entries
    ]
    return list(sites), replace(index, entries=())


def test_the_index_is_the_same_whoever_reads_the_files(project: ProjectConfig) -> None:
    spread = check_sites(project, (), by_two)
    assert [entry.name for entry in spread.entries] == [f"shop-{number}" for number in range(SITES)]
    assert spread.problems  # of a single site
    assert values(spread) == values(check_sites(project))


@pytest.mark.parametrize("wrong", ["a name twice", "an id twice", "a file that is no site"])
def test_problems_are_reported_as_in_one_process(project: ProjectConfig, wrong: str) -> None:
    match wrong:
        case "a name twice":
            declare(project.root, 4, "shop-0")
        case "an id twice":
            file = project.root / "sites" / "4.yaml"
            file.write_text(file.read_text().replace("000000004", "000000000"))
        case _:
            (project.root / "sites" / "2.yaml").write_text("site: [")
    told = []
    for elsewhere in (None, by_two):
        with pytest.raises(InvalidFiles) as caught:
            check_sites(project, (), elsewhere)
        told.append(caught.value.problems)
    assert told[0] == told[1]


PROJECT = """\
version: 1
credentials:
  default: {apiKey: {env: WIX_API_KEY}}
defaults:
- where: {labels: {team: emea}}
  settings: {pointOfView: SECOND_PERSON}
policy: {minLead: 2h, bannedWords: [cheap]}
"""


def test_a_worker_reads_files_as_part_of_the_same_project(project: ProjectConfig) -> None:
    """None of the values that it needs is lost, whether from the repository or from the environment."""
    (project.root / "reconciler.yaml").write_text(PROJECT)
    environ = {
        **os.environ,
        "RECONCILER_ALLOW_PATHS": str(project.root.parent),
        "RECONCILER_ALLOW_COMMANDS": "1",
        "HOME": "/home/of-a-user",
    }
    trust = trust_of(
        environ, api="wix", state="s3://bucket/x", allow_hosts=["wix.example"], require_approval=True, committed=True
    )
    project = find_project((project.root,), trust)
    assert project.policy.min_lead == timedelta(hours=2)
    sent = from_bytes(FilesTask, to_bytes(files_task(project, ())))
    assert without_documents(project_in(sent, environ)) == without_documents(project)

    # The file may be another one now: what counts is what the run has read.
    (project.root / "reconciler.yaml").write_text("version: 1\n")
    assert without_documents(project_in(sent, environ)) == without_documents(project)


def without_documents(project: ProjectConfig) -> ProjectConfig:
    """A project that can be compared: a document equals only itself, and no worker needs the file's stamp."""
    return replace(project, defaults=(), stamp=None)


def test_defaults_reach_sites_that_are_read_elsewhere(project: ProjectConfig) -> None:
    (project.root / "reconciler.yaml").write_text(PROJECT)
    project = find_project((project.root,))
    spread = check_sites(project, (), by_two)
    assert "SECOND_PERSON" in [field.value for field in spread.entries[0].load().settings]
    assert values(spread) == values(check_sites(project))


def test_only_bytes_go_to_the_processes_and_come_back(project: ProjectConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.processes.AT_ONCE", 3)
    monkeypatch.setattr("reconciler.processes.WorkerProcess", Quick)
    travelled: list[object] = []

    def noted(data: bytes) -> bytes:
        answer = run_part(data)
        travelled.extend((data, answer))
        return answer

    assert len(check_sites(project, (), Processes(2, noted).read)) == SITES
    assert len(travelled) == 4
    for message in travelled:
        assert type(message) is bytes
        assert message.startswith(parts.HEADER)


def test_a_process_of_another_version_reads_nothing(project: ProjectConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    task = to_bytes(files_task(project, ()))
    with monkeypatch.context() as patched:
        patched.setattr(parts, "from_json", lambda *_: pytest.fail("it was decoded"))
        refused = run_part(task.replace(b"parts 1", b"parts 2", 1))
    problem = from_bytes(PartResult, refused).problem
    assert problem is not None
    assert problem.code == "other-version"

    monkeypatch.setattr("reconciler.processes.WorkerProcess", Quick)
    monkeypatch.setattr(parts, "from_json", lambda *_: pytest.fail("it was decoded"))
    older = Processes(1, lambda _: b"reconciler 0.0.1, parts 1\n{}")
    with pytest.raises(PartFailed, match="a different version"):
        check_sites(project, (), older.read)


def test_few_files_are_read_here(project: ProjectConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "MANY", SITES + 1)
    assert len(check_sites(project, (), never)) == SITES


def test_processes_read_files_and_losing_one_does_no_harm(
    project: ProjectConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.processes.AT_ONCE", 3)
    processes = Processes(1)
    found = check_sites(project, (), processes.read)
    assert found.content == check_sites(project).content
    [worker] = processes._started
    assert isinstance(worker, WorkerProcess)
    worker.submit(pid).result()
    for process in worker._processes.values():
        process.kill()
        process.join()
    assert len(check_sites(project, (), processes.read)) == SITES
    assert processes._started == []


def pid() -> int:
    return 0


@pytest.mark.parametrize(
    ("asked", "wrong"), [(1, ""), (1000, ""), (0, "1 to 1,000"), (1001, "1 to 1,000"), ("x", "must be a number")]
)
def test_workers_are_a_number_of_processes_or_an_address(asked: int | str, wrong: str) -> None:
    found = wrong_workers(asked)
    assert wrong in found
    assert bool(found) == bool(wrong)


def test_a_worker_collects_garbage_as_rarely_as_its_run() -> None:
    """The command puts it off while it starts; with Python's own thresholds workers took an eighth more CPU."""
    before = gc.get_threshold()
    gc.set_threshold(90_000, 21, 51)
    try:
        with WorkerProcess() as worker:
            assert worker.submit(gc.get_threshold).result() == (90_000, 21, 51)
    finally:
        gc.set_threshold(*before)
