"""A whole run in one process: files, client, planner, executor and state against the sandbox, with its clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from reconciler.api.client import FullClient, ReadClient
from reconciler.api.limits import Limits
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.engine.apply_run import declared_in
from reconciler.executor.events import ProgressEvent
from reconciler.executor.executor import apply_plan
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.observe import observe_and_plan
from reconciler.executor.open_entries import resolve_open
from reconciler.executor.ports import ApplyOptions, PollPolicy, Ports
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey
from reconciler.model.secret import Secret
from reconciler.model.sites import DesiredSite, Need, ObservedSite
from reconciler.planner.actions import Plan
from reconciler.planner.deferred import resolve
from reconciler.planner.options import PlanOptions
from reconciler.sandbox.app import Sandbox
from reconciler.state.lease import Lease
from reconciler.state.memory import MemoryStore
from reconciler.state.sites import StateStore
from reconciler.state.store import Store
from tests.canary import CANARY

SITE_ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"
START = "2026-12-01T08:41:17Z"  # off the hour, unlike the activities, so that no `within` ends on one
ALWAYS = PollPolicy(timedelta(seconds=5), timedelta(minutes=15))

Json = dict[str, Any]


@dataclass
class WholeRun:
    """One project with one site. `events` are what the last apply emitted; `way` makes the transport to the sandbox."""

    root: Path
    sandbox: Sandbox
    store: Store = field(default_factory=MemoryStore)
    waiting: PollPolicy = ALWAYS
    allow_publish: bool = False
    stop: Callable[[], bool] = lambda: False
    lease: Lease | None = None
    """The lease of the site; checked before every attempt of a write."""
    way: Callable[[Sandbox], httpx.AsyncBaseTransport] = lambda sandbox: httpx.ASGITransport(app=sandbox)
    events: list[ProgressEvent] = field(default_factory=list)
    planned: Plan | None = None
    """What the last apply intended to do."""
    name: str = "shop"

    @classmethod
    def of(cls, root: Path, site: Mapping[str, Any], world: Json | None = None, **seed: Any) -> WholeRun:
        """`site` is a site document without `version` and `site`; `world` the seed of the live site."""
        sandbox = Sandbox(seed={"clock": START, "freeze": True, **seed, "sites": [{"id": SITE_ID, **(world or {})}]})
        run = cls(root, sandbox)
        run.write(site)
        return run

    def write(self, site: Mapping[str, Any]) -> None:
        """Replaces the site's file with another document."""
        (self.root / "sites").mkdir(parents=True, exist_ok=True)
        (self.root / "reconciler.yaml").write_text("version: 1\napi: sandbox\n", encoding="utf-8")
        document = {"version": 1, "site": {"name": self.name, "id": SITE_ID}, **site}
        text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
        (self.root / "sites" / f"{self.name}.yaml").write_text(text, encoding="utf-8")

    def rename(self, name: str, site: Mapping[str, Any]) -> None:
        """Gives the site another name, and its file with it."""
        (self.root / "sites" / f"{self.name}.yaml").unlink()
        self.name = name
        self.write(site)

    def desired(self) -> DesiredSite:
        [entry] = check_sites(find_project([self.root])).entries
        return entry.load()

    def plan(self, **options: Any) -> Plan:
        return asyncio.run(self._plan(PlanOptions(self.sandbox.now(), **options)))

    def apply(self, **options: Any) -> SiteLedger:
        return asyncio.run(self.applying(**options))

    async def applying(self, **options: Any) -> SiteLedger:
        """`apply`, in a loop in which other things can go on."""
        return await self._apply(PlanOptions(self.sandbox.now(), **options))

    def requests(self) -> list[Json]:
        """All requests so far, oldest first."""
        return self.sandbox.requests()

    def writes(self) -> list[Json]:
        return [request for request in self.requests() if request["wrote"]]

    async def observe(self, needs: frozenset[Need]) -> ObservedSite:
        """Parts of the live site as they are now."""
        async with ReadClient(**self._connection()) as client:
            return await client.reader().read(self.desired().ref, needs)

    async def _plan(self, options: PlanOptions) -> Plan:
        async with ReadClient(**self._connection()) as client:
            state = StateStore(self.store, now=self.sandbox.now)
            desired = self.desired()
            _, plan = await observe_and_plan(client.reader(), desired, await state.load(desired.ref), options)
            return plan

    async def _apply(self, options: PlanOptions) -> SiteLedger:
        desired = self.desired()
        self.events = []
        journal = await StateStore(self.store, now=self.sandbox.now).open_journal(desired.ref, self.lease)
        async with FullClient(**self._connection()) as client:
            ports = Ports(client.reader(), client.writer(self.lease), journal, self._clock(), *declared_in(desired))
            how = ApplyOptions(
                lambda action, plan, observed, recorded: resolve(action, plan, observed, recorded, options),
                allow_publish=self.allow_publish,
                waiting=self.waiting,
                stop=self.stop,
                policy=options.policy,
            )
            recorded = await resolve_open(desired.ref, ports, how, self.events.append)
            _, plan = await observe_and_plan(ports.reader, desired, recorded, options)
            assert not plan.refusals, plan.refusals
            self.planned = plan
            return await apply_plan(plan, ports, how, self.events.append)

    def _clock(self) -> Clock:
        async def sleep(seconds: float) -> None:
            self.sandbox.advance(timedelta(seconds=seconds))

        return Clock(self.now, sleep, time.monotonic)

    def now(self) -> datetime:
        return self.sandbox.now()

    def _connection(self) -> Json:
        return {
            "base_url": "http://127.0.0.1",
            "credentials": lambda _: ApiKey(Secret(CANARY)),
            "limits": Limits(requests_per_minute=100_000),
            "clock": self._clock(),
            "transport": self.way(self.sandbox),
        }
