"""Sites worked on by workers: the same results in the same order, and what happens to them if a worker is lost."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.cli.main import run
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites, open_project
from reconciler.engine import parts
from reconciler.engine.choice import SiteFilter
from reconciler.engine.parts import PartResult, Planning, Ready, Setup, Task
from reconciler.engine.plan import plan_sites
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import Event, Notice, PlanCompleted
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import select
from reconciler.engine.site_results import AuditedSite, SiteDrifted, SiteFailed, SitePlanned
from reconciler.engine.workers import ATTEMPTS, PartFailed, Workers
from reconciler.machine import CLOCK
from reconciler.model.address import Address
from reconciler.model.codec import Malformed
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.planner.drift import find_drift
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.planner.reached import Reached
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import ByAddress, ByLabel, ByName, TargetFilter
from reconciler.sandbox.app import Seen
from reconciler.wiring import open_session
from reconciler.worker import run_part
from tests.canary import leaks_in_text
from tests.engine.fleet_over_http import SITE, WORKERS, Fleet, Quick, fleet, without_durations, workers
from tests.planner.test_cases import CASES, answers_of, observed, recorded

SITES = 7


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("shops"), SITES) as made:
        yield made


def planned(shops: Fleet, make: Any = None) -> list[Event]:
    """The events of a plan, with workers or without."""
    events: list[Event] = []

    async def plan() -> None:
        project, index = open_project((shops.root,))
        async with open_session(project, ReadClient, environ=os.environ, workers=make) as session:
            await plan_sites(session, select(project, index, SiteFilter()), RunContext(), events.append)

    asyncio.run(plan())
    return events


FORMATS = ("text", "json", "markdown", "junit", "sarif", "openmetrics", "html")


@pytest.mark.parametrize("kind", WORKERS)
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_report_is_the_same_whoever_works_on_the_sites(
    shops: Fleet, command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.processes.WorkerProcess", WORKERS[kind])
    monkeypatch.setattr("reconciler.cli.outputs.utc_now", lambda: datetime(2026, 11, 2, 9, tzinfo=UTC))
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    codes = []
    for folder, more in ((alone, []), (spread, ["--workers", "2"])):
        folder.mkdir()
        outputs = [f"--output={name}={folder / name}" for name in FORMATS]
        codes.append(run([command, str(shops.root), *outputs, *more]))
    assert codes[0] == codes[1] == 1  # one of the sites has approvals that cannot be read
    for name in FORMATS:
        texts = [without_durations((folder / name).read_text()) for folder in (alone, spread)]
        assert texts[0] == texts[1], name
        assert texts[0], name


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("command", ["plan", "drift", "apply"])
def test_a_clock_that_is_wrong_is_reported_once_whoever_works_on_the_sites(
    shops: Fleet,
    command: str,
    more: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The `apply` has nobody to ask, so it changes nothing."""
    monkeypatch.setattr("reconciler.processes.WorkerProcess", Quick)
    late = timedelta(hours=2, seconds=30)
    monkeypatch.setattr("reconciler.machine.CLOCK", replace(CLOCK, now=lambda: CLOCK.now() - late))
    run([command, str(shops.root), *more])
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("this machine's clock is 2 h behind the server's; set the clock (NTP)") == 1, said


def test_a_clock_that_is_wrong_on_another_machine_is_not_called_this_machines(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.machine.CLOCK", replace(CLOCK, now=lambda: CLOCK.now() + timedelta(days=1)))
    found = planned(shops, lambda setup: Workers(Quick, run_part, 2, setup, files=False))
    said = [event.problem.message for event in found if isinstance(event, Notice)]
    assert said == ["a worker's clock is 1 day ahead of the server's"]


class Lossy(Quick):
    """A worker that is lost with the part that it has, until the given number of workers have been lost."""

    left = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        if Lossy.left == 0:
            return super().submit(*args, **kwargs)
        Lossy.left -= 1
        lost: Future[Any] = Future()
        lost.set_exception(BrokenExecutor())
        return lost


@pytest.mark.parametrize("losses", [1, ATTEMPTS - 1])
def test_a_part_is_tried_again_by_another_worker(shops: Fleet, losses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lossy, "left", losses)
    found = planned(shops, partial(workers, Lossy, 2))
    assert Lossy.left == 0
    assert [type(event) for event in found if isinstance(event, SitePlanned | SiteFailed)] == [
        *[SitePlanned] * (SITES - 1),
        SiteFailed,
    ]


def test_a_part_that_takes_three_workers_with_it_fails_and_the_others_continue(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lossy, "left", ATTEMPTS)
    found = planned(shops, partial(workers, Lossy, 1))
    [lost] = [event for event in found if isinstance(event, SiteFailed) and event.problem.code == "worker-lost"][:1]
    assert "3 times" in lost.problem.message
    [completed] = [event for event in found if isinstance(event, PlanCompleted)]
    assert completed.sites == SITES


def test_a_worker_that_is_killed_while_it_reads_is_replaced(shops: Fleet) -> None:
    killed: list[int | None] = []

    def kill(seen: Seen) -> None:
        if not killed:
            [worker] = multiprocessing.active_children()
            killed.append(worker.pid)
            worker.kill()

    shops.sandbox.add_hook("GET /promote/marketing-plan-service/v1/marketing-settings", kill)
    found = planned(shops, partial(workers, WORKERS["processes"], 1))
    assert len(killed) == 1
    assert sum(isinstance(event, SitePlanned) for event in found) == SITES - 1


def setup_of(shops: Fleet) -> Setup:
    project, _ = open_project((shops.root,))
    return Setup(parts.project_values(project), shops.url, str(shops.root / ".reconciler"), 4, None)


def test_another_version_is_refused_before_anything_is_decoded(shops: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "from_json", lambda *_: pytest.fail("it was decoded"))
    answer = run_part(parts.HEADER.replace(b"parts 1", b"parts 2") + b"{}")
    monkeypatch.undo()
    problem = parts.from_bytes(PartResult, answer).problem
    assert problem is not None
    assert problem.code == "other-version"

    older = Workers(Quick, lambda _: b"reconciler 0.0.1, parts 1\n{}", 1, setup_of(shops))
    with pytest.raises(PartFailed, match="a different version"):
        asyncio.run(older.run(Planning(RunContext()), ()))


def test_what_a_worker_reports_stays_the_problem_that_it_is(shops: Fleet) -> None:
    found = Diagnostic("bug", "this is a bug", "please report it", request_id="r-1")
    broken = Workers(Quick, lambda _: parts.to_bytes(PartResult(problem=found)), 1, setup_of(shops))
    with pytest.raises(PartFailed) as failed:
        asyncio.run(broken.run(Planning(RunContext()), ()))
    assert diagnostic_of(failed.value) == found.while_("on a worker")


def test_no_task_and_no_answer_holds_a_secret(shops: Fleet) -> None:
    seen: list[bytes] = []

    def work(data: bytes) -> bytes:
        seen.extend((data, answer := run_part(data)))
        return answer

    planned(shops, lambda setup: Workers(Quick, work, 2, setup))
    assert len(seen) > 2
    assert not any(leaks_in_text(data.decode(), "a part") for data in seen)
    assert b"WIX_API_KEY" in seen[0]  # where the key is, which is not the key


def test_a_worker_without_the_key_says_so_once(shops: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIX_API_KEY")
    with pytest.raises(UsageError, match=r"on a worker: .*WIX_API_KEY is not set"):
        planned(shops, partial(workers, Quick, 2))


def test_a_sandbox_in_process_has_no_workers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sites").mkdir()
    (tmp_path / "reconciler.yaml").write_text("version: 1\napi: sandbox\n")
    (tmp_path / "sites" / "shop.yaml").write_text(SITE.format(number=1))
    assert run(["plan", "--workers", "2", str(tmp_path)]) == 1
    assert "sandbox serve" in capsys.readouterr().err


def test_parallelism_is_over_all_workers(shops: Fleet) -> None:
    shares = [Workers(Quick, run_part, count, setup_of(shops)) for count in (1, 3, 9)]
    assert [(share.count, share.share) for share in shares] == [(1, 4), (3, 1), (4, 1)]


@pytest.mark.parametrize("case", sorted(folder.name for folder in CASES.iterdir() if folder.is_dir()))
def test_what_travels_arrives_as_it_was(case: str) -> None:
    folder = CASES / case
    answers = answers_of(folder)
    project = find_project([folder])
    [entry] = check_sites(project).entries
    desired, options = entry.load(), PlanOptions(now=datetime.fromisoformat(answers["now"]), policy=project.policy)
    live, known = observed(desired, answers), recorded(folder)
    plan = make_plan(desired, live, known, options)
    filtered = TargetFilter((ByName("a*"), ByLabel("team", "emea")), (ByAddress(Address(entry.name)),))
    context = RunContext(filtered, frozenset({entry.name}))
    values = Setup(parts.project_values(project), "wix", "s3://bucket", 4, "1234567")
    task = Task(values, Planning(context), (parts.site_values(entry),))
    report = find_drift(desired, live, known, plan, options)
    answer = PartResult(
        outcomes=(
            SitePlanned(plan, tally_of(plan)),
            AuditedSite(
                SiteDrifted(report, entry.labels, 0.5), tally_of(plan), Reached(frozenset({Address(entry.name)}))
            ),
        )
    )
    for message in (task, answer):
        assert parts.from_bytes(type(message), parts.to_bytes(message)) == message
    assert parts.entry_of(task.sites[0]).load() == desired
    ready = Ready(SitePlanned(plan, tally_of(plan)), known)
    data = parts.to_bytes(task, iter((ready, ready)))
    assert parts.from_bytes(Task, data) == task
    assert list(parts.ready_in(data)) == [ready, ready]
    assert next(parts.ready_in(data + b"\n{")) == ready  # one by one: a part may have thousands
    with pytest.raises(Malformed):
        list(parts.ready_in(data + b"\n{"))
