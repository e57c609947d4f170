"""How much faster a plan without changes is on 2 and 4 workers than on one.

python benchmarks/workers.py [--sites 5000] [--rounds 3]

Each worker's process answers its own requests, so that no server is the bottleneck. Prints wall-clock seconds, the
shortest of the rounds, and the CPU of the run's own process, which limits how many workers are useful.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

from canned import Canned
from measure import KEY, compiled
from run import write_project

from reconciler.__main__ import GARBAGE
from reconciler.api.client import ReadClient
from reconciler.config.sites import open_project
from reconciler.engine.choice import SiteFilter
from reconciler.engine.plan import plan_sites
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import select
from reconciler.processes import Processes
from reconciler.wiring import open_session
from reconciler.worker import run_part

NOWHERE = "http://127.0.0.1:1"
"""A placeholder that each worker replaces with its own server's address."""

COUNTS = (1, 2, 4)


@cache
def own_server() -> str:
    """The address of a server in a thread of this process."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[int] = []

    async def serve() -> None:
        server = await loop.create_server(Canned, "127.0.0.1", 0)
        found.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True).start()
    ready.wait()
    return f"http://127.0.0.1:{found[0]}"


def work(data: bytes) -> bytes:
    """Works on a part, with answers from this process."""
    return run_part(data.replace(NOWHERE.encode(), own_server().encode()))


async def plan(root: Path, count: int) -> None:
    """A plan of all sites on a given number of workers."""
    spread = Processes(count, work)
    project, index = open_project((root,), elsewhere=spread.read)
    async with open_session(project, ReadClient, environ=os.environ, api=NOWHERE, workers=spread) as session:
        completed = await plan_sites(session, select(project, index, SiteFilter()), RunContext(), lambda _: None)
    for worker in multiprocessing.active_children():
        worker.join()
    assert (completed.sites, completed.failed, completed.changes) == (len(index), 0, 0)


def one_run(root: Path, count: int) -> tuple[float, float, float]:
    """Wall-clock seconds, CPU of the run's own process, and CPU of its workers."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", str(count), str(root)],
        env={**os.environ, **KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, own, workers = map(float, done.stdout.split())
    return wall, own, workers


def main() -> None:
    """Prints the seconds, and their ratio to those of one worker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=5000, help="how many sites (default 5000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default 3)")
    parser.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        begun = time.perf_counter()
        gc.set_threshold(*GARBAGE)  # as the command does
        asyncio.run(plan(Path(given.run[1]), int(given.run[0])))
        usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        print(time.perf_counter() - begun, *(each.ru_utime + each.ru_stime for each in usage))
        return
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, given.sites)
        first = 0.0
        for count in COUNTS:
            wall, own, workers = min(one_run(root, count) for _ in range(given.rounds))
            first = first or wall
            print(
                f"{count} worker{'s' if count > 1 else ' '}: {wall:6.1f} s, {first / wall:.2f} x as fast; "
                f"CPU of the run {own:.1f} s, of its workers {workers:.1f} s"
                + (" (target on two cores: at least 1.7 x)" if count == 2 else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()
