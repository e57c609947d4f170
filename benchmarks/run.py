"""Measures start-up, validation, no-op plans, requests per site and memory, and prints them as ratios.

    python benchmarks/run.py [--sites 1000] [--rounds 3]

Everything runs on this machine: files are made in a temporary folder, and the server is the sandbox in a separate
process on loopback, with its load limited by --sites. Absolute times differ between machines; the ratios are what
matters.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import KEY, cost_of

SITE = """\
version: 1
site:
  name: site-{number:05}
  id: {id}
  labels: {{team: emea, tier: gold}}
settings:
  marketingPlanGoal: {{goalKey: BOOST_SALES}}
  marketingTools: [SOCIAL_MARKETING, BLOGS]
  topics: {{included: [handmade ceramics, studio life], excluded: [politics]}}
  toneOfVoice: warm and playful
  pointOfView: SECOND_PERSON
  businessProfile: {{valueProposition: hand-thrown stoneware, targetAudience: home cooks}}
overrides:
  socialMarketing: {{frequency: {{interval: WEEK, count: 3}}}}
marketingPlan:
  state: present
"""
SEED = """\
latency: {generate: 0, regenerate: 0, posts: 0}
defaults:
  plan: {status: ACTIVE, activities: []}
  settings:
    marketingPlanGoal: {goalKey: BOOST_SALES}
    marketingTools: [SOCIAL_MARKETING, BLOGS]
    topics: {included: [handmade ceramics, studio life], excluded: [politics]}
    toneOfVoice: warm and playful
    pointOfView: SECOND_PERSON
    businessProfile: {valueProposition: hand-thrown stoneware, targetAudience: home cooks}
  overrides: {socialMarketing: {frequency: {interval: WEEK, count: 3}}}
"""


def site_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


def write_project(root: Path, sites: int) -> None:
    (root / "sites").mkdir()
    (root / "reconciler.yaml").write_text("version: 1\nlimits: {parallelism: 50}\n", encoding="utf-8")
    (root / "sandbox.yaml").write_text(SEED, encoding="utf-8")
    for number in range(sites):
        text = SITE.format(number=number, id=site_id(number))
        (root / "sites" / f"{number:05}.yaml").write_text(text, encoding="utf-8")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "reconciler", *arguments]


def timed(arguments: list[str], root: Path, rounds: int, *, codes: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Median seconds of a command, and the peak memory of any of its runs, in MiB."""
    seconds, most = [], 0.0
    for _ in range(rounds):
        begun = time.perf_counter()
        process = subprocess.Popen(
            arguments, cwd=root, env={**os.environ, **KEY}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        errors = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - begun)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in codes:
            raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}: {errors.decode()}")
        most = max(most, usage.ru_maxrss / 1024)
    return statistics.median(seconds), most


@contextmanager
def sandbox(root: Path) -> Iterator[str]:
    """The sandbox as a server in a separate process; its address."""
    arguments = command("sandbox", "serve", str(root), "--port", "0")
    process = subprocess.Popen(arguments, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield found.group()
                return
        raise SystemExit("the sandbox did not start")
    finally:
        process.terminate()
        process.wait(timeout=30)


def requests_served(base: str) -> int:
    with urllib.request.urlopen(f"{base}/_sandbox/requests", timeout=30) as answer:  # noqa: S310 - loopback only
        return len(json.load(answer)["requests"])


async def bare_gets(base: str, sites: int) -> float:
    """Seconds for the GETs of a no-op plan and nothing else, over the same client library."""
    import httpx
    from httpx_aiohttp import AiohttpTransport

    from reconciler.api.routes import GET_MARKETING_PLAN, GET_SETTINGS

    gate = asyncio.Semaphore(50)
    async with httpx.AsyncClient(transport=AiohttpTransport(), base_url=base, trust_env=False) as client:

        async def get(path: str, number: int) -> None:
            async with gate:
                headers = {"Authorization": "any", "wix-site-id": site_id(number)}
                (await client.get(path, headers=headers)).raise_for_status()

        begun = time.perf_counter()
        paths = (GET_SETTINGS.template, GET_MARKETING_PLAN.template)
        await asyncio.gather(*(get(path, number) for number in range(sites) for path in paths))
        return time.perf_counter() - begun


def row(name: str, value: str, ratio: str = "") -> None:
    sys.stdout.write(f"{name:<44} {value:>14} {ratio:>24}\n")


def measure(sites: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, sites)
        python, _ = timed([sys.executable, "-c", "pass"], root, max(5, rounds))
        start, _ = timed(command("--help"), root, max(5, rounds))
        row("python -c pass", f"{python * 1000:.0f} ms")
        row("reconciler --help", f"{start * 1000:.0f} ms", f"{start / python:.1f} x python")
        checked, memory = timed(command("validate", "."), root, rounds)
        row(f"validate, {sites} files", f"{checked:.2f} s", f"{sites / (checked - start):.0f} files/s")
        cpu = statistics.median(cost_of(command("validate", "."), root).cpu for _ in range(rounds))
        row("  CPU, including startup", f"{cpu:.2f} s", f"{sites / cpu:.0f} files/CPU second")
        row("  peak memory", f"{memory:.0f} MiB")
        with sandbox(root) as base:
            plan = command("plan", ".", "--api", base, "--detailed-exitcode")
            timed(plan, root, 1)  # every site is created on first sight
            before = requests_served(base)
            planned, memory = timed(plan, root, rounds)
            served = (requests_served(base) - before) / rounds / sites if sites * (rounds + 1) * 2 < 20_000 else None
            bare = statistics.median(asyncio.run(bare_gets(base, sites)) for _ in range(rounds))
        row(f"the bare GETs of {sites} sites", f"{bare:.2f} s")
        row(f"no-op plan, {sites} sites", f"{planned:.2f} s", f"{planned / bare:.2f} x the bare GETs")
        row("  peak memory", f"{memory:.0f} MiB")
        if served is not None:
            row("  requests per site", f"{served:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="how many sites (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default 3)")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CPU, (3600, 3600))  # ends a runaway benchmark
    measure(given.sites, given.rounds)


if __name__ == "__main__":
    main()
