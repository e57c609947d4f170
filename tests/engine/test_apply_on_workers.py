"""Applying on workers: whatever becomes of a worker or of the run, every write happens once and every site is told.

What happens beside a run happens in a hook of the sandbox, while a request waits for its answer: so each moment is
certain.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import pytest

from reconciler.api.client import FullClient
from reconciler.cli.main import run
from reconciler.config.sites import open_project
from reconciler.engine.apply import apply_live
from reconciler.engine.applying import ApplyTerms, Decision, Proposal, Run
from reconciler.engine.choice import Choice
from reconciler.engine.results import ApplyCompleted, Event, SiteApplied
from reconciler.engine.selection import select
from reconciler.engine.session import RunContext
from reconciler.engine.workers import ATTEMPTS, Workers
from reconciler.executor.ledger import Result
from reconciler.model.sites import SiteRef
from reconciler.processes import WorkerProcess
from reconciler.sandbox.app import Seen
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.sites import open_state
from reconciler.wiring import open_session
from reconciler.worker import run_part
from tests.engine.fleet_over_http import Fleet, Quick, fleet, without_durations
from tests.laws.scenario import once_only

SITES = 3
SETTINGS = "POST /promote/marketing-plan-service/v1/marketing-settings"
CREATE_EVENT = "POST /promote/marketing-plan-service/v1/events"
GENERATE = "POST /marketing-plan/generate-marketing-plan"


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES) as made:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        yield made


async def yes(_proposal: Proposal) -> Decision:
    return Decision(apply=True)


def applied(
    shops: Fleet, make: Callable[..., Workers] | None, *, stop: Callable[[], bool] = lambda: False
) -> tuple[ApplyCompleted, list[SiteApplied]]:
    """How an apply ended, and what was done at each site."""
    events: list[Event] = []

    async def apply() -> object:
        project, index = open_project((shops.root,))
        async with open_session(project, FullClient, environ=os.environ, workers=make) as session:
            context = Run(session, RunContext(), ApplyTerms(yes, stop=stop), events.append)
            return await apply_live(context, select(project, index, Choice()))

    completed = asyncio.run(apply())
    assert isinstance(completed, ApplyCompleted)
    return completed, [event for event in events if isinstance(event, SiteApplied)]


def once(shops: Fleet) -> set[int]:
    """How often each thing was done at each site that must be done once."""
    writes: dict[str, list[Any]] = {}
    for request in shops.sandbox.requests():
        if request["wrote"]:
            writes.setdefault(request["site"], []).append(request)
    assert len(writes) == SITES
    return {count for done in writes.values() for count in once_only(done).values()}


def finishes(shops: Fleet, capsys: pytest.CaptureFixture[str], *, runs: int = 1) -> None:
    """The next runs find nothing left to do in the end; each thing was done once over all of them, no site is held."""
    for _ in range(runs - 1):
        run(["apply", "--auto-approve", str(shops.root)])
    capsys.readouterr()
    code = run(["apply", "--auto-approve", str(shops.root)])
    out = capsys.readouterr().out
    assert (code, "No changes." in out) == (0, True), out
    assert once(shops) == {1}
    assert held(shops) == []


def held(shops: Fleet) -> list[str]:
    """The sites that somebody still holds."""
    state = open_state(".reconciler", shops.root, environ={})
    leases = Leases(state.store, this_process({}))

    async def look() -> list[str]:
        return [
            label.name
            for label in await state.labels()
            if (lock := await leases.inspect(SiteRef(label.name, label.id))) and not lock.released
        ]

    return asyncio.run(look())


def kept_ledgers(shops: Fleet) -> list[dict[str, Any]]:
    """The ledgers that the state keeps."""
    paths = sorted((shops.root / ".reconciler" / "runs").glob("*.json"))
    return [json.loads(path.read_text())["ledger"] for path in paths]


def left_in_state(shops: Fleet) -> list[str]:
    return [path.name for path in (shops.root / ".reconciler" / "parts").glob("*")]


def of_processes(setup: Any, count: int = 1) -> Workers:
    return Workers(WorkerProcess, run_part, count, setup)


def of_threads(setup: Any, count: int = 2) -> Workers:
    return Workers(Quick, run_part, count, setup)


@pytest.mark.parametrize("make", [of_threads, of_processes], ids=["threads", "processes"])
def test_an_apply_on_workers_does_what_one_process_does(
    make: Callable[..., Workers], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worlds, ledgers = [], []
    for folder, workers in ((tmp_path / "alone", None), (tmp_path / "spread", make)):
        folder.mkdir()
        with fleet(folder, SITES) as shops:
            (folder / "approvals" / f"shop-{SITES}.yaml").unlink()
            completed, sites = applied(shops, workers)
            ledgers.append(sorted((site.name, str(site.ledger.entries)) for site in sites))
            worlds.append((completed.tally, completed.results, without_durations(str(kept_ledgers(shops)))))
            assert left_in_state(shops) == []
            finishes(shops, capsys)
    assert worlds[0][:2] == worlds[1][:2]
    assert [name for name, _ in ledgers[0]] == [name for name, _ in ledgers[1]]


MOMENTS = [(route, when) for route in (SETTINGS, CREATE_EVENT, GENERATE) for when in ("before", "after")]
SAMPLE = (GENERATE, "after")


@pytest.mark.parametrize(
    ("route", "when"),
    [pytest.param(*at, marks=() if at == SAMPLE else pytest.mark.exhaustive) for at in MOMENTS],
)
def test_a_worker_that_is_killed_in_a_call_is_replaced_and_nothing_is_done_twice(
    shops: Fleet, route: str, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    killed: list[int | None] = []

    def kill(seen: Seen) -> None:
        if seen.when == when and not killed:
            for worker in multiprocessing.active_children():
                killed.append(worker.pid)
                worker.kill()

    shops.sandbox.add_hook(route, kill)
    completed, sites = applied(shops, of_processes)
    assert killed
    assert {site.name for site in sites} == {f"shop-{number}" for number in range(1, SITES + 1)}
    # A call of another site may still be under way when it is looked at, and shows just before it would be sent again.
    assert completed.results <= {Result.DONE, Result.UNKNOWN, Result.SKIPPED}, sites
    finishes(shops, capsys, runs=2)


class LosesAnswers(Quick):
    """A worker that is lost after it has done its part, until as many were as are to be."""

    left = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        def work(*given: Any) -> Any:
            answer = function(*given)
            if b'"kind":"applying"' in given[0] and LosesAnswers.left:
                LosesAnswers.left -= 1
                raise BrokenExecutor
            return answer

        return super().submit(work, *args, **kwargs)


@pytest.mark.parametrize("losses", [1, ATTEMPTS])
def test_what_a_part_did_is_known_where_its_answer_is_lost(
    shops: Fleet, losses: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LosesAnswers, "left", losses)
    completed, sites = applied(shops, lambda setup: Workers(LosesAnswers, run_part, 1, setup))
    assert LosesAnswers.left == 0
    assert completed.results == {Result.DONE}, sites
    assert len(sites) == SITES
    finishes(shops, capsys)
