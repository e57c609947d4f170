"""One suite over all engines: this process, processes, a `LocalCluster`, a scheduler with workers of its own.

Whatever happens to a worker or to the run: every write is made at most once, no lease is left, every site is in the
ledger, and another run finds no changes. With Dask, it needs the extra `dask`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from reconciler import dask_workers
from reconciler.engine.workers import Workers
from reconciler.executor.ledger import ActionResult
from reconciler.processes import WorkerProcess
from reconciler.sandbox.app import Seen
from reconciler.worker import run_part
from tests.canary import CANARY, leaks_in_folder, leaks_in_text
from tests.engine.fleet_over_http import Fleet, fleet
from tests.engine.lost_answers import run_part_and_die
from tests.engine.test_apply_on_workers import (
    ALL,
    GENERATE,
    POLL,
    SETTINGS,
    SITES,
    applied,
    finishes,
    held,
    kept_ledgers,
    left_in_state,
    wait_for,
)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.exhaustive]  # the warnings are Dask's own

READ: Final = SETTINGS.replace("POST", "GET")


class Engine:
    """What the sites of a run are spread over. `option` is what the command line takes; empty for this process."""

    def __init__(self, option: str, folder: Path) -> None:
        self.option = option
        self.folder = folder
        """Where its schedulers and workers write their logs and files."""

    @property
    def is_dask(self) -> bool:
        """Whether it is a cluster."""
        return self.option.startswith("tcp://")

    def workers(self, setup: Any, work: Callable[[bytes], bytes] | None = None) -> Workers:
        """Its workers, which may be given work other than the usual."""
        if not self.is_dask:
            return Workers(WorkerProcess, work or run_part, int(self.option), setup)
        with pytest.MonkeyPatch.context() as patch:
            if work is not None:
                patch.setattr(dask_workers, "run_task", work)
            return dask_workers.dask_workers(self.option, setup)


@contextmanager
def local_cluster(folder: Path) -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIX_API_KEY", CANARY)
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=False,
            host="127.0.0.1",
            local_directory=str(folder),
        ) as cluster:
            yield cluster.scheduler_address


@contextmanager
def own_scheduler(folder: Path) -> Iterator[str]:
    """A `dask scheduler` and two `dask worker`s; each has a nanny, as usual, that replaces it if it dies."""
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    environ = {**os.environ, "WIX_API_KEY": CANARY, "DASK_TEMPORARY_DIRECTORY": str(folder)}
    started: list[subprocess.Popen[bytes]] = []

    def start(role: str, *arguments: str) -> Path:
        log = folder / f"{role}-{len(started)}.log"
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", *arguments, "--no-dashboard"]
        with log.open("wb") as file:
            started.append(subprocess.Popen(command, env=environ, stdout=file, stderr=file))
        return log

    log = start("scheduler", "--host", "127.0.0.1", "--port", "0")
    try:
        wait_for(lambda: "Scheduler at:" in log.read_text())
        address = next(line.split()[-1] for line in log.read_text().splitlines() if "Scheduler at:" in line)
        workers = [start("worker", address, "--nthreads", "1") for _ in range(2)]
        wait_for(lambda: all("Registered to:" in worker.read_text() for worker in workers))
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Engine]]:
    """Engines by name; a cluster is started once."""
    made: dict[str, Engine] = {}
    with ExitStack() as stack:

        def engine(name: str) -> Engine:
            if name not in made:
                folder = tmp_path_factory.mktemp(name)
                match name:
                    case "this process":
                        option = ""
                    case "processes":
                        option = "2"
                    case "LocalCluster":
                        option = stack.enter_context(local_cluster(folder))
                    case _:
                        option = stack.enter_context(own_scheduler(folder))
                made[name] = Engine(option, folder)
            return made[name]

        yield engine


@pytest.fixture
def engine(request: pytest.FixtureRequest, engines: Callable[[str], Engine]) -> Engine:
    return engines(request.param)


WITH_WORKERS = ("processes", "LocalCluster", "scheduler")
spread = pytest.mark.parametrize("engine", WITH_WORKERS, indirect=True)
each = pytest.mark.parametrize("engine", ["this process", *WITH_WORKERS], indirect=True)


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES, generate=1) as made:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        yield made


def holder(shops: Fleet, site: str | None) -> int:
    """The process that holds the lease of a site."""
    return int(json.loads((shops.root / ".reconciler" / "locks" / f"{site}.json").read_text())["holder"]["process"])


def any_worker(engine: Engine) -> int:
    """A worker that works on a part."""
    if not engine.is_dask:
        import multiprocessing

        pid = multiprocessing.active_children()[0].pid
        assert pid is not None
        return pid
    from distributed import Client

    with Client(engine.option, set_as_default=False) as client:
        pids = client.run(os.getpid)
        [busy, *_] = [address for address, tasks in client.processing().items() if tasks]
        return int(pids[busy])


MOMENTS = ("while it reads", "before an effect", "after an effect", "after its part", "while it waits")


@spread
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_is_killed(engine: Engine, moment: str, shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    killed: list[int] = []
    asked: set[str | None] = set()
    polled: set[str | None] = set()

    def kill(seen: Seen) -> None:
        if killed or seen.when != ("after" if moment == "after an effect" else "before"):
            return
        killed.append(any_worker(engine) if moment == "while it reads" else holder(shops, seen.site))
        os.kill(killed[0], signal.SIGKILL)

    def kill_waiting(seen: Seen) -> None:
        # A site whose plan is read again has the answer, and has noted it.
        if seen.when == "before" and seen.site in asked:
            polled.add(seen.site)
            if len(polled) == SITES:
                kill(seen)

    work = run_part_and_die if moment == "after its part" else None
    if moment == "while it waits":
        shops.sandbox.add_hook(GENERATE, lambda seen: asked.add(seen.site))
        shops.sandbox.add_hook(POLL, kill_waiting)
    elif moment != "after its part":
        shops.sandbox.add_hook(READ if moment == "while it reads" else GENERATE, kill)
    completed, sites = applied(shops, partial(engine.workers, work=work))
    assert killed or (shops.root / "died").exists()
    assert sorted(site.name for site in sites) == ALL
    if moment in ("before an effect", "after an effect"):
        # Another site's call may still be under way when the site is read, and show just before it would be sent again.
        assert completed.results <= {ActionResult.DONE, ActionResult.SKIPPED, ActionResult.UNKNOWN}, sites
    else:
        assert (set(completed.results), completed.tally.generated) == ({ActionResult.DONE}, SITES), sites
    [ledger] = kept_ledgers(shops)
    assert [site["site"] for site in ledger["sites"]] == ALL
    assert (held(shops), left_in_state(shops)) == ([], [])
    finishes(shops, capsys, runs=2)


class Doubled(Executor):
    """Gives a part that writes to two workers at once: the scheduler wrongly takes one of them for lost."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._two = make(), make()

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        first, *second = [worker.submit(function, *args, **kwargs) for worker in self._two[: 1 + _writes(args[0])]]
        if not second:
            return first
        both: Future[Any] = Future()
        both.set_running_or_notify_cancel()
        answers: list[Any] = []

        def answered(future: Future[Any]) -> None:
            answers.append(future.result())
            if len(answers) == len(self._two):
                both.set_result(answers[0])

        for future in (first, *second):
            future.add_done_callback(answered)
        return both

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for worker in self._two:
            worker.shutdown(wait, cancel_futures=cancel_futures)


def _writes(task: bytes) -> bool:
    return b'"kind":"applying"' in task


@spread
def test_two_attempts_at_a_part_are_alive_at_once(
    engine: Engine, shops: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(setup: Any) -> Workers:
        workers = engine.workers(setup)
        workers.count, workers._make = 1, partial(Doubled, workers._make)
        return workers

    completed, sites = applied(shops, make)
    assert (set(completed.results), completed.tally.generated) == ({ActionResult.DONE}, SITES), sites
    assert (held(shops), left_in_state(shops)) == ([], [])
    finishes(shops, capsys)


def apply(engine: Engine, shops: Fleet) -> subprocess.Popen[str]:
    """`reconciler apply`, as a process of its own."""
    option = ["--workers", engine.option] if engine.option else []
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--auto-approve", *option, str(shops.root)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@each
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_a_run_is_interrupted(engine: Engine, times: int, shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[subprocess.Popen[str]] = []
    begun, over = threading.Event(), threading.Event()

    def interrupt(seen: Seen) -> None:
        if seen.when != "before" or begun.is_set():
            return
        begun.set()
        try:
            runs[0].send_signal(signal.SIGINT)
            if times == 2:
                assert runs[0].stderr is not None
                next(line for line in runs[0].stderr if "Press Ctrl-C again" in line)
                runs[0].send_signal(signal.SIGINT)
                runs[0].wait(timeout=60)
        finally:
            over.set()

    shops.sandbox.add_hook(GENERATE, interrupt)
    runs.append(apply(engine, shops))
    assert over.wait(timeout=120)
    out, err = runs[0].communicate(timeout=60)
    assert runs[0].returncode == 130, out + err
    assert "Apply:" in out
    assert "Traceback" not in err
    wait_for(lambda: held(shops) == [])  # a call that the second signal cut off may still wait for its answer
    sites = [site["site"] for site in kept_ledgers(shops)[0]["sites"]]
    assert sites == ALL
    finishes(shops, capsys, runs=3)


@each
def test_a_run_is_killed(engine: Engine, shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[subprocess.Popen[str]] = []

    def kill(seen: Seen) -> None:
        if seen.when == "before" and runs[0].poll() is None:
            runs[0].kill()
            runs[0].wait()

    shops.sandbox.add_hook(GENERATE, kill)
    runs.append(apply(engine, shops))
    runs[0].wait(timeout=60)
    assert runs[0].returncode == -signal.SIGKILL
    runs[0].communicate(timeout=60)
    if engine.option:

        def all_told() -> bool:
            return sorted(site["site"] for ledger in kept_ledgers(shops) for site in ledger["sites"]) == ALL

        wait_for(all_told)
        wait_for(lambda: held(shops) == [])
        assert left_in_state(shops) == []
    finishes(shops, capsys, runs=3)


@spread
def test_a_run_is_killed_after_one_of_its_parts_has_ended(
    engine: Engine, shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the part did is in a ledger, although neither the run nor any worker is there to write one."""
    runs: list[subprocess.Popen[str]] = []

    def told() -> list[str]:
        return sorted(site["site"] for ledger in kept_ledgers(shops) for site in ledger["sites"])

    async def kill(_seconds: float) -> None:
        await asyncio.to_thread(wait_for, lambda: told() == [ALL[0], ALL[2]])
        runs[0].kill()
        runs[0].wait()

    monkeypatch.setattr(shops.sandbox, "_sleep", kill)
    second = "3f0c2a9e-8d0b-4b7c-9a55-000000000002"
    shops.sandbox.add_fault({"route": GENERATE, "site": second, "times": 1, "do": {"kind": "slow", "seconds": 1}})
    runs.append(apply(engine, shops))
    assert runs[0].wait(timeout=90) == -signal.SIGKILL
    runs[0].communicate(timeout=60)
    wait_for(lambda: told() == ALL)
    wait_for(lambda: (held(shops), left_in_state(shops)) == ([], []))
    finishes(shops, capsys, runs=3)


@spread
def test_no_secret_is_anywhere(engine: Engine, shops: Fleet, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither in what the state keeps meanwhile, nor in the logs and files of schedulers and workers."""
    seen: list[bytes] = []

    def look(_seen: Seen) -> None:
        for path in (shops.root / ".reconciler").rglob("*"):
            if path.is_file():
                seen.append(path.read_bytes())

    shops.sandbox.add_hook(GENERATE, look)
    applied(shops, engine.workers)
    assert seen
    assert not any(leaks_in_text(data.decode(errors="replace"), "the state") for data in seen)
    assert list(leaks_in_folder(shops.root / ".reconciler")) == []
    assert list(leaks_in_folder(engine.folder)) == []
    assert not leaks_in_text("".join(capfd.readouterr()), "a log")
