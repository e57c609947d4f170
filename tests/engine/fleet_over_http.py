"""A project of several sites whose sandbox answers on a port, so that workers in other processes reach it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.engine.parts import Setup
from reconciler.engine.workers import Workers
from reconciler.processes import WorkerProcess
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.server import start_in_thread
from reconciler.worker import run_part

PROJECT = """\
version: 1
api: {url}
poll: {{interval: 50ms, timeout: 10s}}
"""

SITE = """\
version: 1
site: {{name: shop-{number}, id: 3f0c2a9e-8d0b-4b7c-9a55-0000000000{number:02}, labels: {{team: emea}}}}
settings:
  toneOfVoice: warm
calendarEvents:
  events:
    - {{name: Sale, recurringRule: {{frequency: MONTHLY}}}}
    - {{name: Fair, recurringRule: {{frequency: WEEKLY}}}}
marketingPlan: {{state: present}}
"""

BROKEN = "version: 1\nsite: x\nactivities: 3\n"


@dataclass
class Fleet:
    """The project's folder, its sandbox and where that answers."""

    root: Path
    sandbox: Sandbox
    url: str


@contextmanager
def fleet(root: Path, count: int, *, generate: float = 0.1) -> Iterator[Fleet]:
    """A fleet of sites, all new; the last has approvals that cannot be read. A generation takes `generate` seconds."""
    sandbox = Sandbox(root / "world.db", {"latency": {"generate": generate, "posts": 0.1}})
    server = start_in_thread(sandbox)
    try:
        (root / "sites").mkdir()
        (root / "approvals").mkdir()
        (root / "reconciler.yaml").write_text(PROJECT.format(url=server.base_url))
        for number in range(1, count + 1):
            (root / "sites" / f"shop-{number:02}.yaml").write_text(SITE.format(number=number))
        (root / "approvals" / f"shop-{count}.yaml").write_text(BROKEN)
        yield Fleet(root, sandbox, server.base_url)
    finally:
        server.stop()
        sandbox.close()


class Quick(ThreadPoolExecutor):
    """A worker in a thread of this process: it starts at once, and shares nothing but what a process would."""

    def __init__(self) -> None:
        super().__init__(1)


WORKERS: dict[str, type[Executor]] = {"threads": Quick, "processes": WorkerProcess}


def workers(kind: type[Executor], count: int, setup: Setup) -> Workers:
    """Workers of a kind."""
    return Workers(kind, run_part, count, setup)


def without_durations(text: str) -> str:
    """A report without what it says of how long things took."""
    return _DURATION.sub("", text)


_DURATION = re.compile(
    r'"seconds": ?[\d.e-]+|\b(time|timestamp)="[^"]*"|\b\d+(\.\d+)? s\b'
    r"|(?<=_seconds) [\d.e+-]+|_seconds\{[^}]*\} [\d.e+-]+"
)
"""How long something took, and when a report was written, in the formats that say so."""
