"""Puts a session together: the API or the sandbox, the state, the clock. The only module that knows all parts.

The command line and the library share it. The environment is the one that they pass in.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

from msgspec.structs import replace

from reconciler import machine
from reconciler.api.address import WIX
from reconciler.config.discovery import absolute_path, find_root, shown_path
from reconciler.config.locations import check_api, check_state
from reconciler.config.project import SEED, ProjectConfig
from reconciler.config.secrets import UnsetVariables, check_variables, resolve
from reconciler.engine.policy_checks import load_checks
from reconciler.engine.results import Api, ApiKind
from reconciler.engine.selection import repository_of
from reconciler.engine.session import Session
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey, Credential
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases
from reconciler.state.sites import StateStore, open_state

if TYPE_CHECKING:
    import httpx

    from reconciler.api.client import ReadClient
    from reconciler.api.limits import Limits
    from reconciler.engine.parts import Setup
    from reconciler.engine.state import StateAccess
    from reconciler.engine.workers import Workers
    from reconciler.sandbox.app import Sandbox

MakeWorkers: TypeAlias = "Callable[[Setup], Workers]"

Client = TypeVar("Client", bound="ReadClient")

SANDBOX_KEY: Final = ApiKey(Secret("any-key-will-do"))
"""The key for the sandbox in this process, which accepts any."""

IN_PROCESS: Final = "http://localhost"
"""The address of the sandbox in this process; no request to it leaves the process."""

GROWTH: Final = 4
"""If no parallelism was given, a run may have this many times the usual number of requests in flight."""

AHEAD_OF_REQUESTS: Final = 2
"""If no parallelism was given, this many times the usual number of sites are under way, so requests never run out."""

TICK: Final = 0.001
"""Seconds: the resolution of a world's clock. Every wait moves a stopped clock by at least this much."""


@asynccontextmanager
async def open_session(
    project: ProjectConfig,
    client_type: type[Client],
    *,
    environ: Mapping[str, str],
    api: str | None = None,
    state: str | None = None,
    parallelism: int | None = None,
    workers: MakeWorkers | None = None,
    commit: Callable[[ProjectConfig], str | None] = lambda project: repository_of(project).head(),
    where: str | None = None,
) -> AsyncIterator[Session[Client]]:
    """Opens everything a run works with, and closes it again.

    `client_type` says whether it may write. `api`, `state` and `parallelism` override the project's. `workers` makes
    the workers for its sites; `commit` looks up what git has checked out; `where` is what to append to a
    `reconciler state` command so that it finds the state (None: what a command typed in the current directory
    needs). Raises UsageError.
    """
    from reconciler.api.limits import Limits

    api = api_of(project, api)
    if api == "sandbox" and workers is not None:
        raise UsageError(
            "--workers: the sandbox of `api: sandbox` runs inside this process, so no worker can reach it",
            "serve it with `reconciler sandbox serve`, and give its URL with --api",
        )
    at_once = parallelism or project.parallelism
    adapts = parallelism is None and project.parallelism_adapts and workers is None and api != "sandbox"
    limits = Limits(at_once, project.requests_per_minute, most=at_once * GROWTH if adapts else None)
    async with (
        _of_sandbox(project, client_type, limits)
        if api == "sandbox"
        else _of_address(WIX if api == "wix" else api, project, client_type, limits, environ)
    ) as (client, clock):
        store = _store(project, state, environ, clock.now, where)[0]
        leases = Leases(store.store, this_process(environ), machine.CLOCK, store.where)
        head = commit(project)
        opened = Session(
            project,
            client,
            store,
            clock,
            described(api),
            leases,
            at_once * AHEAD_OF_REQUESTS if adapts else at_once,
            head,
            load_checks(project.policy.checks),
            debug=bool(environ.get("RECONCILER_DEBUG")),
            workers=workers(_setup(project, api, state, at_once, head, store.where)) if workers else None,
        )
        try:
            yield opened
        finally:
            if opened.workers is not None:
                opened.workers.close()
            await leases.close()


@asynccontextmanager
async def _of_sandbox(
    project: ProjectConfig, client_type: type[Client], limits: Limits
) -> AsyncIterator[tuple[Client, Clock]]:
    """A client of the project's own sandbox, in this process, and that world's clock."""
    world = open_sandbox(project.root, in_process=True)
    try:
        clock = _clock_of(world)
        async with client_type(
            IN_PROCESS, credentials=lambda _: SANDBOX_KEY, limits=limits, clock=clock, transport=_asgi(world)
        ) as client:
            yield client, clock
    finally:
        world.close()


@asynccontextmanager
async def _of_address(
    base: str, project: ProjectConfig, client_type: type[Client], limits: Limits, environ: Mapping[str, str]
) -> AsyncIterator[tuple[Client, Clock]]:
    """A client of Wix, or of another address, and this machine's clock."""
    from reconciler.api.surroundings import Surroundings

    credentials = _credentials(project, environ)
    async with client_type(
        base, credentials=credentials, limits=limits, clock=machine.CLOCK, surroundings=Surroundings(environ)
    ) as client:
        yield client, machine.CLOCK


def api_of(project: ProjectConfig, given: str | None) -> str:
    """The API of a run: `wix`, `sandbox` or a URL. `given` overrides the project's. Raises UsageError."""
    api = given if given is not None else project.api
    if wrong := check_api(api):
        shown = "" if "@" in api else f" {api}"  # what comes before an @ may be a password
        raise UsageError(f"--api{shown}: {wrong.message}", wrong.fix)
    return api


def described(api: str) -> Api:
    """An API as reports show it."""
    if api == "sandbox":
        return Api(ApiKind.SANDBOX, api)
    if api == "wix":
        return Api(ApiKind.WIX, api, urlsplit(WIX).hostname or "")
    host = urlsplit(api).hostname or ""
    return Api(ApiKind.WIX if host == urlsplit(WIX).hostname else ApiKind.OTHER, api, host)


def open_state_of(project: ProjectConfig, *, environ: Mapping[str, str], state: str | None = None) -> StateAccess:
    """The state of a project, for commands that read no site. `state` overrides the project's. Raises UsageError."""
    from reconciler.engine.state import StateAccess

    store, place = _store(project, state, environ, machine.CLOCK.now)
    return StateAccess(
        store, Leases(store.store, this_process(environ), machine.CLOCK, store.where), place, project.parallelism
    )


def _setup(project: ProjectConfig, api: str, state: str | None, at_once: int, commit: str | None, where: str) -> Setup:
    """What the workers of a run work with. The number of sites at once is for all of them together."""
    from reconciler.engine.parts import Setup, project_values

    location, root = _location(project, state)
    place = location if "://" in location else str(absolute_path(root / location))
    return Setup(project_values(project), api, place, at_once, commit, where=where)


def _store(
    project: ProjectConfig,
    given: str | None,
    environ: Mapping[str, str],
    now: Callable[[], datetime],
    where: str | None = None,
) -> tuple[StateStore, str]:
    """The state, and where it is as messages show it.

    A relative path that is `given` starts from the current directory, like every path on a command line.
    """
    location, root = _location(project, given)
    place = location if "://" in location else shown_path(absolute_path(root / location))
    where = _where(project, given) if where is None else where
    return open_state(location, root, environ=environ, now=now, where=where), place


def _where(project: ProjectConfig, given: str | None) -> str:
    """What to append to a `reconciler state` command that is typed here so that it finds the same state."""
    words = [] if given is None else ["--state", given]
    try:
        here = find_root(())[0]
    except UsageError:  # there is no project here
        here = None
    if here != project.root:
        words.append(shown_path(project.root))
    if not words:
        return ""
    import shlex  # most runs need none of this

    return f" {shlex.join(words)}"


def _location(project: ProjectConfig, given: str | None) -> tuple[str, Path]:
    """Where the state is, and the folder from which a relative path starts. Raises UsageError."""
    if given is None:
        return project.state, project.root
    if wrong := check_state(given):
        shown = "" if not given or "@" in given else f" {given}"  # what comes before an @ may be a password
        raise UsageError(f"--state{shown}: {wrong.message}", wrong.fix)
    return given, Path.cwd()


def open_sandbox(
    root: Path, *, database: Path | None = None, seed: Path | None = None, in_process: bool = False
) -> Sandbox:
    """The sandbox of a project: its world in `.reconciler/sandbox.db`, seeded from `sandbox.yaml` if there is one.

    `in_process`: no server is meant, but a run with `api: sandbox`. Raises UsageError for a file that cannot be used,
    and InvalidFiles with everything that is wrong with the seed.
    """
    from reconciler.sandbox.app import Sandbox
    from reconciler.sandbox.seed_values import SeedError
    from reconciler.sandbox.world import WorldError
    from reconciler.sandbox_file import KEYS_IN_PROCESS, seed_in

    if seed is not None and not seed.exists():
        raise UsageError(f"there is no file {seed}", "check the path, or leave --seed out")
    file, database_file = seed or root / SEED, database or root / ".reconciler" / "sandbox.db"
    try:
        if os.path.lexists(file):  # a link to nothing is not the same as no file
            with seed_in(file, in_process=in_process) as source:
                return Sandbox(database_file, source)
        world = Sandbox(database_file)
    except WorldError as error:
        another = ", or name another file with --database" if database else ""
        raise UsageError(error.message, f"{error.fix}{another}") from None
    except SeedError as error:  # another version took it, and its file is gone
        first = error.problems[0]
        raise UsageError(first.message, first.fix, Place(shown_path(database_file))) from None
    if in_process and world.seed.keys is not None:  # those of a seed that is gone
        world.close()
        raise InvalidFiles((KEYS_IN_PROCESS.at(Place(shown_path(file))),))
    return world


def time_of(project: ProjectConfig, api: str) -> datetime:
    """The time in the world behind an API."""
    if api == "sandbox" and (project.root / ".reconciler" / "sandbox.db").exists():
        try:
            world = open_sandbox(project.root)
        except (UsageError, InvalidFiles):
            return machine.utc_now()
        try:
            return world.now()
        finally:
            world.close()
    return machine.utc_now()


def _asgi(world: Sandbox) -> httpx.AsyncBaseTransport:
    from reconciler.api.lean_httpx import httpx

    return httpx.ASGITransport(app=world)


def _clock_of(world: Sandbox) -> Clock:
    """The world's clock. If it stands still, waiting moves it, and takes no time."""

    async def advance(seconds: float) -> None:
        from datetime import timedelta

        world.advance(timedelta(seconds=max(seconds, TICK)))
        await asyncio.sleep(0)

    return replace(machine.CLOCK, now=world.now, sleep=advance if world.seed.freeze else asyncio.sleep)


def _credentials(project: ProjectConfig, environ: Mapping[str, str]) -> Callable[[SiteRef], Credential]:
    """The credentials for each site, fetched for its first request, once per run."""
    found: dict[str, Credential] = {}

    def of(site: SiteRef) -> Credential:
        if site.credentials not in found:
            found[site.credentials] = resolve(project.credentials[site.credentials], environ)
        return found[site.credentials]

    return of


@contextmanager
def naming_all_unset(
    project: ProjectConfig, environ: Mapping[str, str], credentials: Callable[[], Iterable[str]]
) -> Iterator[None]:
    """Runs a block; if it fails because an environment variable with a secret is not set, all such variables are named.

    `credentials` returns the names of the credentials that the block needs.
    """
    try:
        yield
    except UnsetVariables:
        check_variables((project.credentials[name] for name in credentials()), environ)
        raise
