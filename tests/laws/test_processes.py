"""Real processes against one sandbox: two at once on a site, and runs that signals end in the middle of a call.

Whatever has to happen during a run is done by a hook of the sandbox, while a request of the run waits for its answer:
so each moment is certain, and nothing waits for time to pass.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.cli.main import run
from reconciler.machine import utc_now
from reconciler.model.sites import RecordedSite, SiteRef
from reconciler.sandbox.app import Sandbox, Seen
from reconciler.sandbox.server import start_in_thread
from reconciler.state.sites import open_state
from tests.laws.scenario import once_only

PROJECT = "version: 1\napi: {url}\npoll: {{interval: 50ms, timeout: 20s}}\n"
SITE = """\
version: 1
site: {{name: {name}, id: 3f0c2a9e-8d0b-4b7c-9a55-00000000000{number}}}
settings: {{toneOfVoice: warm, marketingTools: [SOCIAL_MARKETING]}}
calendarEvents:
  events:
    - {{name: Sale, recurringRule: {{frequency: MONTHLY}}}}
    - {{name: Fair, recurringRule: {{frequency: YEARLY}}}}
marketingPlan: {{state: present}}
"""
SHOP = "sites/shop.yaml"
GENERATE = "POST /marketing-plan/generate-marketing-plan"
CREATE_EVENT = "POST /promote/marketing-plan-service/v1/events"


@dataclass
class Bench:
    """A project with two sites whose sandbox answers on a port, and the processes that work on it."""

    root: Path
    sandbox: Sandbox
    capsys: pytest.CaptureFixture[str]
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """`reconciler apply` as a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "apply", "--auto-approve", *args],
            cwd=self.root,
            env={**os.environ, "COLUMNS": "100", "CI_JOB_URL": "https://ci.example/job/7"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.running.append(process)
        return process

    def apply(self) -> tuple[int, str, str]:
        """The same on the first site, in this process, to its end: exit code, output, errors."""
        self.capsys.readouterr()
        code = run(["apply", "--auto-approve", str(self.root / SHOP)])
        return code, *self.capsys.readouterr()

    def during(self, route: str, when: str, what: Callable[[], object]) -> None:
        """Makes something happen once, while the first request to a route waits for its answer."""
        done: list[Seen] = []

        def hook(seen: Seen) -> None:
            if seen.when == when and not done:
                done.append(seen)
                what()

        self.sandbox.add_hook(route, hook)

    def done_once(self) -> Counter[str]:
        return once_only([request for request in self.sandbox.requests() if request["wrote"]])


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    sandbox = Sandbox(tmp_path / "world.db", {"latency": {"generate": 0.1, "posts": 0.1}})
    server = start_in_thread(sandbox)
    made = Bench(tmp_path, sandbox, capsys)
    (tmp_path / "sites").mkdir()
    (tmp_path / "reconciler.yaml").write_text(PROJECT.format(url=server.base_url))
    for number, name in enumerate(("shop", "studio")):
        (tmp_path / "sites" / f"{name}.yaml").write_text(SITE.format(name=name, number=number))
    try:
        yield made
    finally:
        for process in made.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        server.stop()
        sandbox.close()


EACH_ONCE = {f"{CREATE_EVENT} Sale": 1, f"{CREATE_EVENT} Fair": 1}


def generations(bench: Bench) -> int:
    return sum(count for what, count in bench.done_once().items() if "generate-marketing-plan" in what)


def finishes(bench: Bench) -> None:
    """The next run succeeds, and then there is nothing left to do; everything was done once over all runs."""
    code, out, err = bench.apply()
    assert code == 0, out + err
    before = len(bench.sandbox.requests())
    code, out, err = bench.apply()
    assert (code, "No changes." in out) == (0, True), out + err
    assert not any(request["wrote"] for request in bench.sandbox.requests()[before:])
    assert generations(bench) == 1
    assert {what: count for what, count in bench.done_once().items() if what in EACH_ONCE} == EACH_ONCE


def test_of_two_runs_on_one_site_one_works_and_the_other_names_it(bench: Bench) -> None:
    second: list[tuple[int, str, str]] = []

    def beside() -> None:
        process = bench.start(SHOP)
        said = process.communicate(timeout=60)
        second.append((process.returncode, *said))

    bench.during(CREATE_EVENT, "before", beside)
    first = bench.start(SHOP)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 0, out + err
    [(code, said, more)] = second
    assert code == 4, said + more
    assert "shop: locked by" in said + more
    assert str(first.pid) in said + more
    assert "https://ci.example/job/7" in said + more
    finishes(bench)


def test_two_runs_on_different_sites_both_work(bench: Bench) -> None:
    runs = [bench.start(SHOP), bench.start("sites/studio.yaml")]
    said = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert generations(bench) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_lock_of_a_killed_run_is_taken_over_and_its_work_finished(bench: Bench, when: str) -> None:
    first: list[subprocess.Popen[str]] = []
    bench.during(GENERATE, when, lambda: first[0].kill())
    first.append(bench.start(SHOP))
    first[0].communicate(timeout=60)
    assert first[0].returncode == -signal.SIGKILL
    code, out, err = bench.apply()
    assert "took over an expired lock" in err
    assert code == 0, out + err
    finishes(bench)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("route", [CREATE_EVENT, GENERATE])
def test_a_signal_lets_the_call_in_flight_finish_and_leaves_a_ledger(
    bench: Bench, number: signal.Signals, code: int, route: str
) -> None:
    first: list[subprocess.Popen[str]] = []
    bench.during(route, "before", lambda: first[0].send_signal(number))
    first.append(bench.start(SHOP))
    out, err = first[0].communicate(timeout=60)
    assert first[0].returncode == code, out + err
    assert "Apply:" in out
    # What was created is known by its id, and stays open until an answer has shown it.
    assert [entry.call for entry in record(bench).open] == ["generate" if route == GENERATE else "create-event"]
    assert [site["site"] for site in kept_ledger(bench)["ledger"]["sites"]] == ["shop"]
    last = [request for request in bench.sandbox.requests() if request["wrote"]][-1]
    assert f"{last['method']} {last['path']}".endswith(route.rpartition("/")[2])
    code, out, err = bench.apply()
    assert "took over" not in err  # it was given back
    assert code == 0, out + err
    finishes(bench)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("route", [CREATE_EVENT, GENERATE])
def test_a_second_signal_stops_at_once_and_leaves_a_journal_that_resolves(bench: Bench, route: str, when: str) -> None:
    first: list[subprocess.Popen[str]] = []
    over = threading.Event()

    def twice() -> None:
        try:
            first[0].send_signal(signal.SIGINT)
            assert first[0].stderr is not None
            next(line for line in first[0].stderr if "Press Ctrl-C again" in line)
            first[0].send_signal(signal.SIGINT)
            first[0].wait(timeout=60)  # it does not wait for its answer, which this very function keeps back
        finally:
            over.set()

    bench.during(route, when, twice)
    first.append(bench.start(SHOP))
    assert over.wait(timeout=120)
    out, _ = first[0].communicate(timeout=60)
    assert first[0].returncode == 130
    assert "Apply:" in out
    assert kept_ledger(bench)["ledger"]["interrupted"]
    assert [entry.call for entry in record(bench).open] == ["generate" if route == GENERATE else "create-event"]
    finishes(bench)


def test_a_run_that_is_stopped_in_a_pause_writes_nothing_more_once_its_site_was_taken(bench: Bench) -> None:
    project = bench.root / "reconciler.yaml"
    project.write_text(project.read_text().replace("interval: 50ms, timeout: 20s", "interval: 200ms, timeout: 2s"))
    bench.sandbox.add_fault({"route": GENERATE, "times": 1, "do": {"kind": "throttle", "retryAfter": 2}})
    first = bench.start(SHOP)
    wait_for(lambda: any(request["path"].endswith("/generate-marketing-plan") for request in bench.sandbox.requests()))
    time.sleep(0.3)  # so that it has the answer, and waits
    first.send_signal(signal.SIGSTOP)
    assert run(["state", "unlock", "shop", "--force", str(bench.root)]) == 0
    bench.apply()  # may have to wait until it is sure that nothing came of the call
    finishes(bench)
    before = len(bench.sandbox.requests())
    first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=60)
    assert (first.returncode, "was taken by another run" in out) == (1, True), out + err
    assert not any(request["wrote"] for request in bench.sandbox.requests()[before:])
    finishes(bench)


def wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def record(bench: Bench) -> RecordedSite:
    """What is recorded of the only site that a run has worked on."""
    state = open_state(".reconciler", bench.root, environ={}, now=utc_now)

    async def read() -> RecordedSite:
        [label] = await state.labels()
        return await state.load(SiteRef(label.name, label.id))

    return asyncio.run(read())


def kept_ledger(bench: Bench) -> dict[str, dict[str, list[dict[str, object]]]]:
    [path] = sorted((bench.root / ".reconciler" / "runs").glob("*.json"))
    found: dict[str, dict[str, list[dict[str, object]]]] = json.loads(path.read_text())
    return found
