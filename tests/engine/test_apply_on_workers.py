"""Applying on workers: whatever happens to a worker or to the run, every write happens once and every site is reported.

Whatever has to happen during a run is done by a hook of the sandbox, while a request waits for its answer, so that
each moment is certain.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest
from msgspec.structs import replace

from reconciler import wiring, worker
from reconciler.api.client import FullClient
from reconciler.cli.main import run
from reconciler.config.sites import open_project
from reconciler.engine import apply_parts, apply_sites, parts
from reconciler.engine.apply import apply_live
from reconciler.engine.apply_run import ApplyRun, ApplyTerms, Decision, Proposal
from reconciler.engine.choice import SiteFilter
from reconciler.engine.parts import Applying, PartResult, Task
from reconciler.engine.prepared import Prepared, PreparedSites
from reconciler.engine.results import ApplyCompleted, Event
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import select
from reconciler.engine.site_results import Progressed, SiteApplied, SiteStarted
from reconciler.engine.workers import ATTEMPTS, Workers
from reconciler.executor.events import Started
from reconciler.executor.ledger import ActionResult, ApplyTally, KeptPromises
from reconciler.machine import CLOCK, utc_now
from reconciler.model.address import SiteName
from reconciler.model.marketing_plan import Generate
from reconciler.model.sites import SiteRef
from reconciler.processes import WorkerProcess
from reconciler.sandbox.app import Seen
from reconciler.state import lease
from reconciler.state.errors import StateError
from reconciler.state.heartbeat import RETRY
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases, Locked
from reconciler.state.ledger import OfSites, RunLedgers
from reconciler.state.memory import MemoryStore
from reconciler.state.part_results import PartResults
from reconciler.state.sites import open_state
from reconciler.wiring import open_session
from reconciler.worker import run_part
from tests.canary import leaks_in_text
from tests.engine.fleet_over_http import Fleet, Quick, fleet, without_durations
from tests.laws.scenario import once_only
from tests.told import told

SITES = 3
AS_EVER = RunContext()
SETTINGS = "POST /promote/marketing-plan-service/v1/marketing-settings"
CREATE_EVENT = "POST /promote/marketing-plan-service/v1/events"
GENERATE = "POST /marketing-plan/generate-marketing-plan"
POLL = "GET /promote/marketing-plan-service/v1/marketing-plan"
READS = 5
"""More reads of a plan than an attempt makes before it waits."""


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES) as made:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        yield made


async def yes(_proposal: Proposal) -> Decision:
    return Decision(apply=True)


def applied(
    shops: Fleet,
    make: Callable[..., Workers] | None,
    context: RunContext = AS_EVER,
    heard: Callable[[Event], object] = lambda _: None,
    decide: Callable[[Proposal], Awaitable[Decision]] = yes,
) -> tuple[ApplyCompleted, list[SiteApplied]]:
    """How an apply ended, and what was done at each site."""
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        heard(event)

    async def apply() -> object:
        project, index = open_project((shops.root,))
        async with open_session(project, FullClient, environ=os.environ, workers=make) as session:
            apply = ApplyRun(session, context, ApplyTerms(decide), emit)
            return await apply_live(apply, select(project, index, SiteFilter()))

    completed = asyncio.run(apply())
    assert isinstance(completed, ApplyCompleted)
    return completed, [event for event in events if isinstance(event, SiteApplied)]


PAUSED: Final = {
    "the policy": ("reconciler.yaml", "version: 1\n", "version: 1\npolicy: {paused: hold}\n", SITES),
    "a site": ("sites/shop-02.yaml", "{approval: none", "{paused: hold, approval: none", 1),
    "nothing": ("reconciler.yaml", "version: 1\n", "version: 1\n", 0),
}


@pytest.mark.parametrize("files", [True, False], ids=["with files", "elsewhere"])
@pytest.mark.parametrize("name", PAUSED)
def test_workers_publish_nothing_if_publishing_is_paused_while_somebody_is_asked(
    shops: Fleet, name: str, files: bool
) -> None:
    """Workers elsewhere do not have the files, so the run checks the files for them, as it checks the approvals."""
    file, before, after, sites = PAUSED[name]
    for site in (shops.root / "sites").iterdir():
        rules = "schedule: {approval: none, rules: [{match: {within: 30d}, max: 1}]}\n"
        site.write_text(site.read_text("utf-8") + rules, "utf-8")

    async def pauses(_proposal: Proposal) -> Decision:
        path = shops.root / file
        path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
        return Decision(apply=True, allow_publish=True)

    completed, ended = applied(shops, lambda setup: Workers(Quick, run_part, 2, setup, files=files), decide=pauses)
    skipped = [entry for site in ended for entry in site.ledger.entries if entry.result is ActionResult.SKIPPED]
    assert (completed.tally.skipped, completed.tally.all_published) == (sites, SITES - sites)
    assert all("changed in the meantime; run plan again" in told(entry) for entry in skipped)


def once(shops: Fleet) -> set[int]:
    """How often each thing that must be done once was done at each site."""
    writes: dict[str, list[Any]] = {}
    for request in shops.sandbox.requests():
        if request["wrote"]:
            writes.setdefault(request["site"], []).append(request)
    assert len(writes) == SITES
    return {count for done in writes.values() for count in once_only(done).values()}


def finishes(shops: Fleet, capsys: pytest.CaptureFixture[str], *, runs: int = 1) -> None:
    """The last of `runs` runs finds nothing to do; everything was done once over all runs, and no site is held."""
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
    state = open_state(".reconciler", shops.root, environ={}, now=utc_now)
    leases = Leases(state.store, this_process({}), CLOCK)

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
    state = shops.root / ".reconciler"
    return [path.name for folder in ("parts", "begun") for path in (state / folder).glob("*")]


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


@pytest.mark.parametrize("make", [None, of_threads], ids=["alone", "threads"])
def test_a_run_that_reads_no_site_has_a_ledger(shops: Fleet, make: Callable[..., Workers] | None) -> None:
    refused = {"kind": "error", "status": 403, "body": "json", "code": "PERMISSION_DENIED"}
    shops.sandbox.add_fault({"route": "*", "do": refused})
    completed, sites = applied(shops, make)
    (ledger,) = kept_ledgers(shops)
    assert (completed.plan.failed, sites) == (SITES, [])
    assert [site["error"]["code"] for site in ledger["sites"]] == ["api-forbidden"] * SITES


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
    # Another site's call may still be under way when the site is read, and show just before it would be sent again.
    assert completed.results <= {ActionResult.DONE, ActionResult.UNKNOWN, ActionResult.SKIPPED}, sites
    finishes(shops, capsys, runs=2)


def test_what_a_killed_worker_waited_for_is_waited_for_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = timedelta(minutes=5)
    with fleet(tmp_path, SITES, generate=long.total_seconds()) as shops:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        asked: set[str | None] = set()
        polls: Counter[str | None] = Counter()
        killed, over = threading.Event(), threading.Event()

        def ask(seen: Seen) -> None:
            asked.add(seen.site)

        def poll(seen: Seen) -> None:
            """Kills the workers once all wait, and ends the generations once all sites are waited for again."""
            if seen.when == "after" or seen.site not in asked or over.is_set():
                return
            polls[seen.site] += 1
            # A site whose plan is read again has the answer, and has noted it.
            if not killed.is_set() and len(polls) == SITES:
                killed.set()
                polls.clear()
                for worker in multiprocessing.active_children():
                    worker.kill()
            elif killed.is_set() and len(polls) == SITES and min(polls.values()) > READS:
                over.set()
                shops.sandbox.advance(long)

        shops.sandbox.add_hook(GENERATE, ask)
        shops.sandbox.add_hook(POLL, poll)
        completed, sites = applied(shops, of_processes)
        assert over.is_set()
        entries = [entry for site in sites for entry in site.ledger.entries]
        waited = [entry.operation for entry in entries if "requested by a worker that was lost" in told(entry)]
        assert waited == [Generate()] * SITES, sites
        # As one process counts it.
        assert (set(completed.results), completed.tally) == (
            {ActionResult.DONE},
            ApplyTally(added=6, changed=3, generated=3),
        )
        finishes(shops, capsys)


class LosesAnswers(Quick):
    """A worker that is lost after it has done its part, until the given number of workers have been lost."""

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
def test_what_a_part_did_is_known_if_its_answer_is_lost(
    shops: Fleet, losses: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LosesAnswers, "left", losses)
    completed, sites = applied(shops, losing_answers)
    assert LosesAnswers.left == 0
    assert completed.results == {ActionResult.DONE}, sites
    assert len(sites) == SITES
    finishes(shops, capsys)


@pytest.fixture
def forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first attempt at a part does everything, and is lost before any of it is stored."""
    keep = PartResults.keep

    async def kept(results: PartResults, id: str, data: bytes) -> None:
        if not LosesAnswers.left:
            await keep(results, id, data)

    monkeypatch.setattr(LosesAnswers, "left", 1)
    monkeypatch.setattr(PartResults, "keep", kept)


def losing_answers(setup: Any) -> Workers:
    return Workers(LosesAnswers, run_part, 1, setup)


@pytest.mark.usefixtures("forgets")
def test_what_is_found_to_be_done_already_is_reported_as_done(shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    completed, sites = applied(shops, losing_answers)
    assert completed.results == {ActionResult.DONE}
    assert {len(site.ledger.entries) for site in sites} == {4}
    assert all("from one that was lost" in told(entry) for site in sites for entry in site.ledger.entries)
    finishes(shops, capsys)


@pytest.mark.usefixtures("forgets")
def test_a_drifted_value_that_a_lost_worker_corrected_is_reported_as_done(
    shops: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record says both before and afterwards that it is as declared, and nothing is left to do."""
    LosesAnswers.left = 0
    applied(shops, None)
    LosesAnswers.left = 1
    [drifted] = [site for site in shops.sandbox.world()["sites"] if site.endswith("1")]
    shops.sandbox.dashboard.patch_settings(drifted, {"settings.toneOfVoice": "dry"})
    completed, sites = applied(shops, losing_answers)
    assert (set(completed.results), completed.tally) == ({ActionResult.DONE}, ApplyTally(changed=1)), sites
    finishes(shops, capsys)


@pytest.mark.usefixtures("forgets")
def test_how_much_of_a_promise_a_lost_worker_kept_is_unknown(shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (shops.root / "sites").glob("*.yaml"):
        file.write_text(file.read_text() + "posts:\n  - {match: {within: 60d}, max: 2}\n")
    completed, sites = applied(shops, losing_answers)
    results = [{str(entry.operation.kind): entry.result for entry in site.ledger.entries} for site in sites]
    assert [found.pop("rule") for found in results] == [ActionResult.UNKNOWN] * SITES
    assert {result for found in results for result in found.values()} == {ActionResult.DONE}
    assert (completed.tally.generated, completed.tally.promised, completed.tally.unknown) == (
        SITES,
        KeptPromises(),
        SITES,
    )
    finishes(shops, capsys)


@pytest.mark.parametrize("changed", [True, False], ids=["of new inputs", "of the same inputs"])
@pytest.mark.parametrize("tools", ["", "  marketingTools: [BLOGS]\n"], ids=["with drafts", "without drafts"])
def test_a_generation_that_was_asked_for_is_not_made_twice(
    shops: Fleet, changed: bool, tools: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without drafts, the generation that was lost sight of looks the same as the one that is still asked for."""
    file = shops.root / "sites" / "shop-01.yaml"
    file.write_text(file.read_text().replace("settings:\n", f"settings:\n{tools}"))
    applied(shops, None)
    request.getfixturevalue("forgets")
    if changed:
        file.write_text(file.read_text().replace("warm", "cold"))
    _, [site] = applied(shops, losing_answers, RunContext(regenerate=frozenset({SiteName("shop-1")})))
    asked = [sent["path"].rpartition("/")[2] for sent in shops.sandbox.requests()]
    assert asked.count("regenerate-marketing-plan") == 1
    assert {entry.result for entry in site.ledger.entries} == {ActionResult.UNKNOWN}
    finishes(shops, capsys)


def started(shops: Fleet, *args: str) -> subprocess.Popen[str]:
    """`reconciler apply` on two workers, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "--workers", "2", *args, str(shops.root)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def during(shops: Fleet, route: str, what: Callable[[], object]) -> threading.Event:
    """Makes something happen once, while the first request to a route waits; the event is set when it has."""
    over, begun = threading.Event(), threading.Event()

    def hook(seen: Seen) -> None:
        if seen.when == "before" and not begun.is_set():
            begun.set()
            try:
                what()
            finally:
                over.set()

    shops.sandbox.add_hook(route, hook)
    return over


ALL = [f"shop-{number}" for number in range(1, SITES + 1)]


def test_ctrl_c_lets_workers_finish_their_calls_and_every_site_is_in_the_ledger(
    shops: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[subprocess.Popen[str]] = []
    during(shops, GENERATE, lambda: runs[0].send_signal(signal.SIGINT))
    runs.append(started(shops))
    out, err = runs[0].communicate(timeout=60)
    assert runs[0].returncode == 130, out + err
    assert "Apply:" in out
    assert "Traceback" not in err
    [ledger] = kept_ledgers(shops)
    assert [site["site"] for site in ledger["sites"]] == ALL
    assert (held(shops), left_in_state(shops)) == ([], [])
    finishes(shops, capsys, runs=3)


@pytest.mark.exhaustive
def test_ctrl_c_twice_ends_the_workers_at_once(shops: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    runs: list[subprocess.Popen[str]] = []

    def twice() -> None:
        runs[0].send_signal(signal.SIGINT)
        assert runs[0].stderr is not None
        next(line for line in runs[0].stderr if "Press Ctrl-C again" in line)
        runs[0].send_signal(signal.SIGINT)
        runs[0].wait(timeout=60)  # it does not wait for its answer, which this very function keeps back

    over = during(shops, GENERATE, twice)
    runs.append(started(shops))
    assert over.wait(timeout=120)
    out, err = runs[0].communicate(timeout=60)
    assert runs[0].returncode == 130, out + err
    assert "Apply:" in out
    [ledger] = kept_ledgers(shops)
    assert [site["site"] for site in ledger["sites"]] == ALL
    assert ledger["interrupted"]
    assert (held(shops), left_in_state(shops)) == ([], [])
    finishes(shops, capsys, runs=3)


def test_workers_whose_run_is_killed_finish_their_calls_and_keep_the_ledger(
    shops: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    runs: list[subprocess.Popen[str]] = []
    during(shops, GENERATE, lambda: runs[0].kill())
    runs.append(started(shops))
    runs[0].wait(timeout=60)
    assert runs[0].returncode == -signal.SIGKILL
    wait_for(lambda: len(kept_ledgers(shops)) == 2)  # one from each worker
    runs[0].communicate(timeout=60)  # the workers have its streams until they end
    sites = [site["site"] for ledger in kept_ledgers(shops) for site in ledger["sites"]]
    assert sorted(sites) == ALL
    assert all(ledger["interrupted"] for ledger in kept_ledgers(shops))
    assert (held(shops), left_in_state(shops)) == ([], [])
    finishes(shops, capsys, runs=3)


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def test_a_site_that_is_begun_and_changed_meanwhile_is_unknown(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A lost attempt has begun it, and more is left to do than was approved."""
    changed: list[str] = []

    class Dies(Quick):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            def work(*given: Any) -> Any:
                if b'"kind":"applying"' in given[0] and not changed:
                    changed.append("shop-1")
                    begin_and_change(shops, parts.from_bytes(Task, given[0]))
                    raise BrokenExecutor
                return function(*given)

            return super().submit(work, *args, **kwargs)

    completed, sites = applied(shops, lambda setup: Workers(Dies, run_part, 1, setup))
    by_name = {str(site.name): site.ledger for site in sites}
    assert {entry.result for entry in by_name["shop-1"].entries} == {ActionResult.UNKNOWN}
    assert "what it did here is not known" in told(by_name["shop-1"].entries[0])
    assert {entry.result for name in ("shop-2", "shop-3") for entry in by_name[name].entries} == {ActionResult.DONE}
    assert ActionResult.UNKNOWN in completed.results
    finishes(shops, capsys, runs=2)


def test_the_lease_of_a_lost_worker_is_waited_for_if_nobody_can_tell_that_it_is_gone(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ran on another machine, so that its lease ends only with time; waiting for a lease takes no time here."""
    ahead, waited = timedelta(0), []

    async def sleep(seconds: float) -> None:
        nonlocal ahead
        if seconds > RETRY.total_seconds():  # a heartbeat between two renewals
            await asyncio.sleep(seconds)
            return
        waited.append(seconds)
        ahead += timedelta(seconds=seconds)
        await asyncio.sleep(0)

    elsewhere = replace(this_process({}), host="elsewhere", machine="elsewhere")
    clock = replace(CLOCK, now=lambda: datetime.now(UTC) + ahead, sleep=sleep)
    monkeypatch.setattr(wiring, "Leases", lambda store, holder, _, where: Leases(store, holder, clock, where))

    async def begin_and_hold(task: Task) -> None:
        assert isinstance(task.job, Applying)
        store = open_state(".reconciler", shops.root, environ={}, now=utc_now).store
        assert await PartResults(store, task.job.run).begin(task.job.part)
        await Leases(store, elsewhere, clock).acquire(SiteRef(task.sites[0].name, task.sites[0].id))

    class Dies(Quick):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            def work(*given: Any) -> Any:
                if b'"kind":"applying"' in given[0] and not died:
                    died.append(True)
                    asyncio.run(begin_and_hold(parts.from_bytes(Task, given[0])))
                    raise BrokenExecutor
                return function(*given)

            return super().submit(work, *args, **kwargs)

    died: list[bool] = []
    completed, sites = applied(shops, lambda setup: Workers(Dies, run_part, 1, setup))
    assert (completed.refused, set(completed.results), len(sites)) == (0, {ActionResult.DONE}, SITES)
    assert sum(waited) > 50  # how long a lease lasts if nobody renews it
    finishes(shops, capsys)


def begin_and_change(shops: Fleet, task: Task) -> None:
    """Begins a part like a worker that is then lost, and makes one of its sites differ more from its file."""
    assert isinstance(task.job, Applying)
    state = open_state(".reconciler", shops.root, environ={}, now=utc_now)
    results = PartResults(state.store, task.job.run)
    assert asyncio.run(results.begin(task.job.part))
    assert asyncio.run(results.begin_site(task.sites[0].id))
    site = shops.root / "sites" / "shop-01.yaml"
    text = site.read_text()
    site.write_text(text.replace("toneOfVoice: warm", "toneOfVoice: cold"))
    assert run(["apply", "--auto-approve", "--target", "shop-1/settings", str(shops.root)]) == 0
    site.write_text(text)


def test_no_part_of_an_apply_holds_a_secret(shops: Fleet) -> None:
    seen: list[bytes] = []

    def work(data: bytes) -> bytes:
        answer = run_part(data)
        kept = [path.read_bytes() for path in (shops.root / ".reconciler" / "parts").glob("*")]
        seen.extend((data, answer, *kept))
        return answer

    applied(shops, lambda setup: Workers(Quick, work, 1, setup))
    assert len(seen) == 4 + SITES + 2  # the 2: what the workers are asked to do, and that the part has begun
    assert not any(leaks_in_text(data.decode(), "a part") for data in seen)


def test_a_site_whose_result_cannot_be_kept_is_unknown_and_the_others_continue(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keep = PartResults.keep

    async def kept(results: PartResults, id: str, data: bytes) -> None:
        if id.endswith("1"):
            raise StateError("the state", "is full", "make room")
        await keep(results, id, data)

    monkeypatch.setattr(PartResults, "keep", kept)
    _, sites = applied(shops, of_threads)
    found = {str(site.name): {entry.result for entry in site.ledger.entries} for site in sites}
    assert found == {"shop-1": {ActionResult.UNKNOWN}, "shop-2": {ActionResult.DONE}, "shop-3": {ActionResult.DONE}}
    finishes(shops, capsys)


class Twice(Quick):
    """A worker that is wrongly taken for lost: each part that writes is worked on by two at once."""

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if b'"kind":"applying"' not in args[0]:
            return super().submit(function, *args, **kwargs)

        def both() -> Any:
            with ThreadPoolExecutor(2) as two:
                first, second = [two.submit(function, *args) for _ in range(2)]
            assert first.result()
            return second.result()

        return super().submit(both)


def test_two_attempts_at_one_part_do_it_once(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def planned_again(_run: object, prepared: Prepared, *_: object) -> None:
        again.append(prepared.plan.site.name)

    again: list[str] = []
    monkeypatch.setattr(apply_sites, "_carry_on", planned_again)
    completed, sites = applied(shops, lambda setup: Workers(Twice, run_part, 1, setup))
    assert completed.results == {ActionResult.DONE}, sites
    assert {len(site.ledger.entries) for site in sites} == {4}
    # The first attempt's own results are reported; nothing is planned again to tell what it did.
    assert again == []
    finishes(shops, capsys)


def test_a_first_attempt_that_meets_the_lease_of_a_second_does_not_report_another_run(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second writes only after the first has found a site locked."""
    writes, met = threading.Event(), threading.Event()
    begin, acquire = PartResults.begin, Leases.acquire

    def writing(_seen: Seen) -> None:
        writes.set()
        met.wait(20)

    async def begun(results: PartResults, part: int) -> bool:
        first = await begin(results, part)
        if first:
            assert await asyncio.to_thread(writes.wait, 20)
        return first

    async def acquired(leases: Leases, *args: Any) -> Any:
        try:
            return await acquire(leases, *args)
        except Locked:
            met.set()
            raise

    monkeypatch.setattr(PartResults, "begin", begun)
    monkeypatch.setattr(Leases, "acquire", acquired)
    monkeypatch.setattr(lease, "RETRY", timedelta(seconds=0.05))
    shops.sandbox.add_hook(SETTINGS, writing)
    completed, sites = applied(shops, lambda setup: Workers(Twice, run_part, 1, setup))
    assert met.is_set()
    assert (completed.refused, set(completed.results), len(sites)) == (0, {ActionResult.DONE}, SITES)
    assert completed.tally == ApplyTally(added=6, changed=3, generated=3)
    finishes(shops, capsys)


def test_a_worker_that_was_taken_for_lost_does_not_deny_what_another_did(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It gets to its sites after the other one has done and left them, and lets the results stand."""
    done = threading.Event()

    class Late(Quick):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            if b'"kind":"applying"' not in args[0]:
                return super().submit(function, *args, **kwargs)

            def both() -> Any:
                with ThreadPoolExecutor(1) as late:
                    first = late.submit(function, *args)
                    try:
                        assert waits.wait(20)
                        return function(*args)
                    finally:
                        done.set()
                        assert not parts.from_bytes(PartResult, first.result()).problem

            return super().submit(both)

    waits, begin = threading.Event(), PartResults.begin

    async def begun(results: PartResults, part: int) -> bool:
        first = await begin(results, part)
        if first:
            waits.set()
            assert await asyncio.to_thread(done.wait, 20)
        return first

    monkeypatch.setattr(PartResults, "begin", begun)
    monkeypatch.setattr(apply_parts, "EVERY", 60)  # the run looks once both have ended
    completed, sites = applied(shops, lambda setup: Workers(Late, run_part, 1, setup))
    assert (set(completed.results), completed.tally) == (
        {ActionResult.DONE},
        ApplyTally(added=6, changed=3, generated=3),
    ), sites
    finishes(shops, capsys)


@pytest.mark.parametrize("lost", [False, True], ids=["at once", "by a second worker"])
def test_what_happens_is_reported_while_it_happens_and_once(
    shops: Fleet, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (apply_parts, worker):
        monkeypatch.setattr(module, "REPORT_EVERY", 0.01)
    monkeypatch.setattr(apply_parts, "EVERY", 0.02)
    monkeypatch.setattr(LosesAnswers, "left", int(lost))
    seen: list[Event] = []
    told = threading.Event()

    def generating(event: Event) -> None:
        seen.append(event)
        if isinstance(event, Progressed) and isinstance(event.event, Started) and event.event.operation.takes_time:
            told.set()

    def wait(_seen: Seen) -> None:
        told.wait(20)  # the remote side does not answer before the run knows that it was asked

    shops.sandbox.add_hook(GENERATE, wait)
    applied(shops, losing_answers, heard=generating)
    assert told.is_set()
    for name in ALL:
        begun = [event for event in seen if isinstance(event, SiteStarted) and event.name == name]
        assert len(begun) == 2, name  # once while it is planned
        said = [event for event in seen if isinstance(event, Progressed) and event.name == name]
        assert len({str(event) for event in said}) == len(said), name


def test_what_a_site_came_to_is_kept_before_its_lease_is_given_back(
    shops: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, released = PartResults.keep, []

    async def kept(results: PartResults, id: str, data: bytes) -> None:
        lock = json.loads((shops.root / ".reconciler" / "locks" / f"{id}.json").read_text())
        released.append(lock["released"])
        await keep(results, id, data)

    monkeypatch.setattr(PartResults, "keep", kept)
    applied(shops, of_threads)
    assert released == [False] * SITES


def test_the_ledgers_of_parts_stay_if_their_run_writes_none(shops: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a run that is killed after its parts have ended would have none."""

    async def refused(*_args: Any, **_kwargs: Any) -> str:
        raise StateError("the state", "is full", "make room")

    with monkeypatch.context() as patch:
        patch.setattr("reconciler.state.ledger.RunLedgers.write", refused)
        applied(shops, of_threads)
    ledgers = kept_ledgers(shops)
    assert sorted([site["site"] for site in ledger["sites"]] for ledger in ledgers) == [[ALL[0], ALL[2]], [ALL[1]]]
    assert {entry["result"] for ledger in ledgers for site in ledger["sites"] for entry in site["entries"]} == {"done"}


def test_the_ledger_of_a_part_includes_what_a_lost_attempt_did(shops: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[tuple[int, OfSites]] = []

    async def write(_ledgers: RunLedgers, _run: str, part: int, ledger: OfSites) -> None:
        written.append((part, ledger))

    monkeypatch.setattr(RunLedgers, "write_part", write)
    monkeypatch.setattr(LosesAnswers, "left", 1)
    applied(shops, losing_answers)
    assert [(part, [json.loads(site)["site"] for site in ledger.sites()]) for part, ledger in written] == [(0, ALL)] * 2


def test_a_worker_that_outlives_its_run_adds_no_ledger_to_that_of_the_run(shops: Fleet) -> None:
    class Noted(Quick):
        def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            tasks.append(args[0])
            return super().submit(function, *args, **kwargs)

    tasks: list[bytes] = []
    applied(shops, lambda setup: Workers(Noted, run_part, 1, setup))
    assert not parts.from_bytes(PartResult, run_part(tasks[-1])).problem
    [ledger] = kept_ledgers(shops)
    assert [site["site"] for site in ledger["sites"]] == ALL


# --- saved plans -----------------------------------------------------------------------------------


class Listed(Quick):
    """A worker that records what it was asked for."""

    jobs: ClassVar[list[str]] = []

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if isinstance(args[0], bytes):
            Listed.jobs.append(str(json.loads(args[0].splitlines()[1])["job"]["kind"]))
        return super().submit(function, *args, **kwargs)


class LostAtOnce(Quick):
    """A worker that is lost as soon as it is given a part."""

    def submit(self, *_args: Any, **_kwargs: Any) -> Future[Any]:
        lost: Future[Any] = Future()
        lost.set_exception(BrokenExecutor())
        return lost


@pytest.fixture
def saved(shops: Fleet, tmp_path: Path) -> str:
    file = tmp_path / "all.plan"
    assert run(["plan", str(shops.root), "--out", str(file)]) == 0
    return str(file)


def drifted(shops: Fleet) -> None:
    first = sorted(shops.sandbox.world()["sites"])[0]
    shops.sandbox.dashboard.patch_settings(first, {"settings.toneOfVoice": "dry"})


def other_file(shops: Fleet) -> None:
    file = shops.root / "sites" / "shop-02.yaml"
    file.write_text(file.read_text().replace("marketingPlan: {state: present}", ""))


def file_gone(shops: Fleet) -> None:
    (shops.root / "sites" / "shop-02.yaml").unlink()


@pytest.mark.parametrize("change", [drifted, other_file, file_gone])
def test_a_saved_plan_that_no_longer_holds_is_refused_by_workers_as_by_one_process(
    shops: Fleet,
    saved: str,
    change: Callable[[Fleet], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("reconciler.processes.WorkerProcess", Listed)
    monkeypatch.setattr(Listed, "jobs", [])
    monkeypatch.chdir(shops.root)
    change(shops)
    said = []
    for more in ([], ["--workers", "2"]):
        capsys.readouterr()
        code = run(["apply", saved, "--auto-approve", *more])
        said.append((code, without_durations("".join(capsys.readouterr()))))
    assert said[0] == said[1]
    assert said[0][0] == 4, said
    assert "the saved plan is stale" in said[0][1], said
    assert set(Listed.jobs) == {"checking"}
    assert not any(request["wrote"] for request in shops.sandbox.requests())


def test_workers_check_a_saved_plan_and_carry_it_out(
    shops: Fleet, saved: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reconciler.processes.WorkerProcess", Listed)
    monkeypatch.setattr(Listed, "jobs", [])
    monkeypatch.chdir(shops.root)
    capsys.readouterr()
    assert run(["apply", saved, "--auto-approve", "--workers", "2"]) == 0
    assert "Apply: 6 added, 3 changed, 0 destroyed, 3 generated." in capsys.readouterr().out
    assert Listed.jobs == ["checking", "checking", "applying", "applying"]
    finishes(shops, capsys)


def test_a_saved_plan_is_refused_if_the_workers_that_check_it_are_lost(
    shops: Fleet, saved: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("reconciler.processes.WorkerProcess", LostAtOnce)
    monkeypatch.chdir(shops.root)
    capsys.readouterr()
    assert run(["apply", saved, "--auto-approve", "--workers", "2"]) == 1
    said = " ".join("".join(capsys.readouterr()).split())
    assert "3 sites could not be read the workers for this site were lost 3 times" in said, said
    assert not any(request["wrote"] for request in shops.sandbox.requests())
    assert run(["apply", saved, "--auto-approve"]) == 0  # it was not used up


def test_results_are_listed_less_often_the_more_there_are() -> None:
    class Many(PreparedSites):
        def id(self, number: int) -> str:
            return f"id-{number}"

    ready = Many()
    ready.names = [SiteName(f"shop-{number}") for number in range(5 * apply_parts.LISTED)]
    gathered = apply_parts._Gathered(PartResults(MemoryStore(), "run"), ready, lambda _: None)
    for number in range(len(ready)):
        assert gathered.pause == apply_parts.EVERY * (number // apply_parts.LISTED)
        del gathered._waiting[f"id-{number}"]


@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_the_limits_of_a_run_hold_over_all_its_workers(
    shops: Fleet, more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The activities that a rule deletes are only known after the generation of each site."""
    monkeypatch.chdir(shops.root)
    project = shops.root / "reconciler.yaml"
    project.write_text(project.read_text("utf-8").replace("version: 1\n", "version: 1\npolicy: {maxDelete: 3}\n", 1))
    for file in (shops.root / "sites").glob("*.yaml"):
        file.write_text(file.read_text("utf-8") + 'activities: [{match: {title: "*"}, state: absent}]\n', "utf-8")
    assert run(["apply", "--auto-approve", *more]) == 3
    said = capsys.readouterr().out
    deleted = sum(request["method"] == "DELETE" for request in shops.sandbox.requests())
    assert (0 < deleted <= 3, "policy.maxDelete (3 across all sites)" in said) == (True, True), said
