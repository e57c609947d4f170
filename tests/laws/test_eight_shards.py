"""Eight parts of one run in eight processes over an object store, one of them killed: together they are one run."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox.app import Sandbox, Seen
from reconciler.sandbox.server import start_in_thread
from tests.laws.scenario import once_only

pytestmark = pytest.mark.exhaustive  # some forty processes

SHARDS, SITES, DEAD = 8, 24, 3
ID = "3f0c2a9e-8d0b-4b7c-9a55-0000000000{:02}"
PROJECT = "version: 1\napi: {url}\nstate: s3://bucket/{name}\npoll: {{interval: 50ms, timeout: 30s}}\n"
SITE = """\
version: 1
site: {{name: shop-{number:02}, id: {id}}}
settings: {{toneOfVoice: tone {number}}}
calendarEvents: {{prune: true, events: [{{name: Sale, date: 2026-11-27}}]}}
marketingPlan: {{state: present}}
"""
SERVICE = "/promote/marketing-plan-service/v1"
EVENTS = (f"DELETE {SERVICE}/events/*", f"POST {SERVICE}/events")
SETTINGS = (f"POST {SERVICE}/marketing-settings",)
POLL = (f"GET {SERVICE}/marketing-plan",)
OWN = [{"name": "Old fair", "recurringRule": {"frequency": "MONTHLY"}}]


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    """The variables of an object store on loopback."""
    import httpx
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/bucket").raise_for_status()
    yield {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "WIX_API_KEY": "any-key-will-do-for-a-sandbox",
    }
    moto.stop()


class Fleet:
    """A project of many sites, its sandbox, and commands as processes."""

    def __init__(self, root: Path, name: str, url: str, environ: dict[str, str], policy: str = "") -> None:
        self.root = root / name
        (self.root / "sites").mkdir(parents=True)
        (self.root / "reconciler.yaml").write_text(PROJECT.format(url=url, name=name) + policy)
        for number in range(SITES):
            text = SITE.format(number=number, id=ID.format(number))
            (self.root / "sites" / f"{number:02}.yaml").write_text(text)
        self.environ = {**os.environ, **environ, "COLUMNS": "100"}

    def start(self, *args: str) -> subprocess.Popen[str]:
        """A command, begun."""
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *args],
            cwd=self.root,
            env=self.environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *args: str) -> tuple[int, str]:
        """A command run to its end: exit code, and all its output."""
        return ended(self.start(*args))

    def in_parts(self, *args: str) -> list[subprocess.Popen[str]]:
        """A command for each part, all at once."""
        return [self.start(*args, "--shard", f"{number}/{SHARDS}") for number in range(1, SHARDS + 1)]

    def saved(self) -> None:
        """Plans all parts and joins them to `all.plan`."""
        for number in range(1, SHARDS + 1):
            code, said = self.run("plan", "--shard", f"{number}/{SHARDS}", "--out", f"{number}.plan")
            assert code == 0, said
        code, said = self.run("merge", *(f"{number}.plan" for number in range(1, SHARDS + 1)), "--out", "all.plan")
        assert code == 0, said


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and all its output."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


def new_world(path: Path) -> Sandbox:
    """A world in which every site has an event of its own that no file declares."""
    sites = {ID.format(number): {"events": OWN} for number in range(SITES)}
    return Sandbox(path, {"latency": {"generate": 0.1, "posts": 0.1}, "sites": sites})


def kept(sandbox: Sandbox) -> dict[str, Any]:
    """What every site contains, without ids and times."""
    return {
        id: {
            "events": sorted(event["shown"]["name"] for event in site["events"]),
            "tone": site["settings"]["settings"]["toneOfVoice"],
            "plan": [site["plan"].get(key) for key in ("status", "generation")],
        }
        for id, site in sandbox.world()["sites"].items()
    }


def done_once(sandbox: Sandbox) -> Counter[str]:
    """How often each thing was done that must be done only once, over all sites."""
    return once_only([seen for seen in sandbox.requests() if seen["wrote"]])


GENERATE = ("POST /marketing-plan/generate-marketing-plan", "POST /marketing-plan/regenerate-marketing-plan")
MOMENTS = {
    "before its first write": (EVENTS, "before"),
    "before a write": (SETTINGS, "before"),
    "after a write": (SETTINGS, "after"),
    "before a generation": (GENERATE, "before"),
    "after a generation has begun": (GENERATE, "after"),
    "while a generation waits": (POLL, "before"),
}
"""The routes and the moment at which a part is killed."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_eight_parts_of_which_one_is_killed_are_one_undisturbed_run(
    tmp_path: Path, store: dict[str, str], moment: str
) -> None:
    with closing(new_world(tmp_path / "whole.db")) as whole, closing(new_world(tmp_path / "parts.db")) as parts:
        servers = [start_in_thread(world) for world in (whole, parts)]
        try:
            undisturbed = Fleet(tmp_path, "whole", servers[0].base_url, store)
            code, said = undisturbed.run("apply", "--auto-approve")
            assert code == 0, said

            fleet = Fleet(tmp_path, "parts", servers[1].base_url, store)
            fleet.saved()
            saved = (fleet.root / f"{DEAD}.plan").read_text()
            its_sites = {ID.format(number) for number in range(SITES) if ID.format(number) in saved}
            assert 0 < len(its_sites) < SITES
            routes, when = MOMENTS[moment]
            killed: list[Seen] = []
            asked: set[str | None] = set()
            running: list[subprocess.Popen[str]] = []

            def kill(seen: Seen) -> None:
                """In the middle of a call, so that the run does not know what it did."""
                if (
                    seen.site in its_sites
                    and seen.when == when
                    and not killed
                    and (routes != POLL or seen.site in asked)
                ):
                    killed.append(seen)
                    running[DEAD - 1].kill()

            for route in routes:
                parts.add_hook(route, kill)
            for route in GENERATE:
                parts.add_hook(route, lambda seen: asked.add(seen.site) if seen.when == "after" else None)
            running += fleet.in_parts("apply", "all.plan", "--auto-approve")
            codes = [ended(process) for process in running]
            assert killed
            assert [code for code, _ in codes] == [-9 if at == DEAD else 0 for at in range(1, SHARDS + 1)], codes

            code, said = fleet.run("apply", "all.plan", "--auto-approve", "--shard", f"{DEAD}/{SHARDS}")
            assert code in (0, 3), said  # what was begun may be left for the next run
            code, said = fleet.run("apply", "--auto-approve")
            assert code == 0, said
            code, said = fleet.run("plan", "--detailed-exitcode")
            assert (code, "No changes." in said) == (0, True), said
            assert kept(parts) == kept(whole)
            assert done_once(parts) == done_once(whole)
            assert "0 unconfirmed calls, 0 in progress, 0 locked." in fleet.run("state", "list")[1]
        finally:
            for server in servers:
                server.stop()


def test_limits_hold_over_all_parts(tmp_path: Path, store: dict[str, str]) -> None:
    """Each part deletes three events; all of them together are more than a run may delete."""
    with closing(new_world(tmp_path / "world.db")) as world:
        server = start_in_thread(world)
        try:
            fleet = Fleet(tmp_path, "limits", server.base_url, store, f"policy: {{maxDelete: {SITES}}}\n")
            fleet.saved()
            file = fleet.root / "reconciler.yaml"
            file.write_text(file.read_text().replace(f"maxDelete: {SITES}", f"maxDelete: {SITES - 1}"))
            for code, said in [ended(process) for process in fleet.in_parts("apply", "all.plan", "--auto-approve")]:
                assert code == 4, said
                assert "maxDelete" in said
            parts = [f"{number}.plan" for number in range(1, SHARDS + 1)]
            code, said = fleet.run("merge", *parts, "--out", "again.plan")
            assert (code, "maxDelete" in said) == (4, True), said
            assert not any(seen["wrote"] for seen in world.requests())
        finally:
            server.stop()
