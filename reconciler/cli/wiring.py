"""Puts a run together: the API or the sandbox, the state, the clock. The one module that knows all parts."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from msgspec import Struct

from reconciler.api.client import WIX, ReadClient
from reconciler.api.limits import Limits
from reconciler.cli.state_place import place_of_state
from reconciler.config.locations import check_api
from reconciler.config.project import Project
from reconciler.config.secrets import is_unset, resolve
from reconciler.executor.ports import Clock
from reconciler.model.credentials import ApiKey, Credential
from reconciler.model.diagnostics import UsageError
from reconciler.model.locations import is_loopback
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef
from reconciler.state.sites import StateStore, open_state

if TYPE_CHECKING:
    import httpx

    from reconciler.sandbox.app import Sandbox

Client = TypeVar("Client", bound=ReadClient)
AnyClient = TypeVar("AnyClient", bound=ReadClient, covariant=True)

SANDBOX_KEY: Final = ApiKey(Secret("any-key-will-do"))
"""What a sandbox is given for a key: it takes any."""

IN_PROCESS: Final = "http://localhost"
"""The address of the sandbox in this process; no request to it leaves the process."""


TICK: Final = 0.001
"""Seconds; a world's clock shows no less, and whoever waits for less would wait for ever."""


class Reach(Struct, Generic[AnyClient], frozen=True):
    """What a run works with. `clock` is that of the world it works on."""

    client: AnyClient
    store: StateStore
    clock: Clock


@asynccontextmanager
async def reach(
    project: Project, client_type: type[Client], *, api: str | None, state: str | None, parallelism: int
) -> AsyncIterator[Reach[Client]]:
    """Opens everything a run works with, and closes it again.

    `client_type` says whether it may write. `api` and `state` override the project's. Raises UsageError.
    """
    target = api if api is not None else project.api
    if wrong := check_api(target):
        raise UsageError(f"--api {target}: {wrong[0]}; {wrong[1]}" if "@" not in target else f"--api: {wrong[0]}")
    location, root = place_of_state(project, state)
    limits = Limits(parallelism=parallelism, requests_per_minute=project.requests_per_minute)
    if target == "sandbox":
        world = open_sandbox(project.root)
        try:
            clock = _clock_of(world)
            async with client_type(
                IN_PROCESS, credentials=lambda _: SANDBOX_KEY, limits=limits, clock=clock, transport=_asgi(world)
            ) as client:
                yield Reach(client, open_state(location, root, now=clock.now), clock)
        finally:
            world.close()
        return
    base = WIX if target == "wix" else target
    clock = Clock(now=lambda: datetime.now(UTC), sleep=asyncio.sleep)
    async with client_type(base, credentials=_credentials(project, base), limits=limits, clock=clock) as client:
        yield Reach(client, open_state(location, root, now=clock.now), clock)


def open_sandbox(root: Path, *, database: Path | None = None, seed: Path | None = None) -> Sandbox:
    """The sandbox of a project: its world in `.reconciler/sandbox.db`, seeded from `sandbox.yaml` if there is one.

    Raises UsageError for a seed or a file that cannot be used.
    """
    from reconciler.sandbox.app import Sandbox
    from reconciler.sandbox.seed_values import SeedError
    from reconciler.sandbox.world import WorldError

    if seed is not None and not seed.exists():
        raise UsageError(f"there is no file {seed}; check the path, or leave --seed out")
    try:
        return Sandbox.open(database or root / ".reconciler" / "sandbox.db", seed or root / "sandbox.yaml")
    except (SeedError, WorldError) as error:
        raise UsageError(str(error)) from None


def _asgi(world: Sandbox) -> httpx.AsyncBaseTransport:
    from httpx import ASGITransport

    return ASGITransport(app=world)


def _clock_of(world: Sandbox) -> Clock:
    """The world's clock. Where that stands still, waiting moves it, and takes no time."""

    async def advance(seconds: float) -> None:
        from datetime import timedelta

        world.advance(timedelta(seconds=max(seconds, TICK)))
        await asyncio.sleep(0)

    return Clock(now=world.now, sleep=advance if world.seed.freeze else asyncio.sleep)


def _credentials(project: Project, base: str) -> Callable[[SiteRef], Credential]:
    """Who we are to each site: fetched when the first request is made for it, and once a run.

    A server on this machine is given a made-up key if the project names no credentials and the environment holds
    none: a sandbox takes any.
    """
    found: dict[str, Credential] = {}
    local = _is_local(base)

    def of(site: SiteRef) -> Credential:
        if site.credentials not in found:
            ref = project.credentials[site.credentials]
            keyless = local and not project.names_credentials and is_unset(ref, os.environ)
            found[site.credentials] = SANDBOX_KEY if keyless else resolve(ref, os.environ)
        return found[site.credentials]

    return of


def _is_local(base: str) -> bool:
    from urllib.parse import urlsplit

    url = urlsplit(base)
    return url.scheme == "http" and is_loopback(url.hostname or "")


def monotonic() -> float:
    """Seconds that never jump, for progress."""
    return time.monotonic()
