"""An opened project, whose runs are functions over typed, frozen values."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.engine.choice import Invocation, SiteFilter
from reconciler.library.runs import ProjectRuns, wrong_workers
from reconciler.model.diagnostics import UsageError

if TYPE_CHECKING:
    from reconciler.api.client import ReadClient
    from reconciler.engine.apply_run import Applied, ApplyTerms, Decide, Decision, Proposal
    from reconciler.engine.results import ApplyCompleted, Emit, Event, Refused
    from reconciler.engine.run_context import RunContext
    from reconciler.engine.selection import Selection
    from reconciler.engine.session import Session
    from reconciler.engine.site_results import (
        SiteDrifted,
        SiteFailed,
        SiteHistory,
        SiteNotReviewed,
        SitePlanned,
        SiteReviewed,
    )

Result = TypeVar("Result")


class Project(ProjectRuns):
    """A project whose files have been read and whose sites can be reached. Made by `Project.open`.

    `targets` and `excludes` take what `--target` and `--exclude` take: names, globs, `label:team=emea`, addresses. A
    site that cannot be worked on is a `SiteFailed` among the results. What is wrong with the run as a whole raises
    `UsageError` (a missing key, a target that matches nothing) or `InvalidFiles`. After its `async with`, a project is
    closed: what was read can still be looked at, but beginning or continuing a run raises `UsageError`.

    Programs that report everything, as the command line does, use what it inherits from `ProjectRuns`.
    """

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: str | Path = ".",
        *,
        environ: Mapping[str, str] = os.environ,
        api: str | None = None,
        state: str | None = None,
        parallelism: int | None = None,
        workers: int | str | None = None,
        allow_hosts: Iterable[str] = (),
        require_approval: bool = False,
        committed: bool = False,
    ) -> AsyncIterator[Project]:
        """Reads the files of the project that `path` belongs to. `environ` has the keys, proxies and certificates.

        `workers`, a number of processes or the address of a Dask scheduler, spreads `plan`, `drift` and `apply` over
        them. Processes have the environment of this process, and Dask workers their own, so `environ` must not differ
        from `os.environ`.

        `api`, `state` and `parallelism` override the project's. The other arguments, like the options of the same
        names, are what the project's files may not decide themselves. Raises UsageError, and InvalidFiles with every
        problem.
        """
        if parallelism is not None:
            _check_parallelism(parallelism)
        if workers is not None:
            _check_workers(workers, environ)
        hosts = tuple(allow_hosts)
        invocation = Invocation(environ, api, state, parallelism, workers, hosts, require_approval, committed or None)
        project = cls.read((Path(path),), invocation)
        async with project._writing() as project._session:  # all runs share it
            try:
                yield project
            finally:
                project._session = None
                project._closed = True

    def plan(
        self,
        *,
        targets: Iterable[str] = (),
        excludes: Iterable[str] = (),
        regenerate: Iterable[str] = (),
        publish: bool = True,
        strict: bool = False,
    ) -> AsyncIterator[SitePlanned | SiteFailed]:
        """Reads the sites and yields what would change on each, in the order of the files. Writes nothing."""
        from reconciler.engine.plan import plans

        selection, context = self._selected(targets, excludes, regenerate, publish=publish, strict=strict)
        return self._each(selection, lambda session: plans(session, selection, context))

    def drift(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = (), strict: bool = False
    ) -> AsyncIterator[SiteDrifted | SiteFailed]:
        """Reads the sites and yields what drifted on each, and on which side. Writes nothing."""
        from reconciler.engine.drift import drifts

        selection, context = self._selected(targets, excludes, strict=strict)
        return self._each(selection, lambda session: drifts(session, selection, context))

    def review(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = ()
    ) -> AsyncIterator[SiteReviewed | SiteNotReviewed | SiteFailed]:
        """Updates the approvals file of each site, and yields what is waiting for review. Writes to no site."""
        from reconciler.engine.review import reviews
        from reconciler.engine.selection import whole_sites

        selection, _ = self._selected(targets, excludes)
        whole_sites(selection, "review")
        return self._each(selection, lambda session: reviews(session, selection))

    def history(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = ()
    ) -> AsyncIterator[SiteHistory | SiteFailed]:
        """What went out on each site, and what is waiting to, from the state alone."""
        from reconciler.engine.history import histories

        return self._while_open(histories(self.state(), self._selected(targets, excludes)[0], self.now()))

    async def apply(
        self,
        *,
        targets: Iterable[str] = (),
        excludes: Iterable[str] = (),
        regenerate: Iterable[str] = (),
        publish: bool = True,
        strict: bool = False,
        allow_publish: bool = False,
        lock_timeout: timedelta = timedelta(0),
        decide: Decide | None = None,
        emit: Emit = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Applied:
        """Plans the sites and carries the plans out.

        Calling it approves everything but publishing, which `allow_publish` approves. If `decide` is given, it is asked
        instead, after all sites are planned and before the first write. `emit` receives every event as it happens.
        `stop` is called between calls; once it returns true, nothing more is started.
        """
        selection, context = self._selected(targets, excludes, regenerate, publish=publish, strict=strict)
        terms = _terms(decide, lock_timeout, stop, allow_publish=allow_publish)
        return await _applied(partial(self.run_apply, selection, context, terms), emit)

    async def apply_plan(
        self,
        file: str | Path,
        *,
        strict: bool = False,
        allow_publish: bool = False,
        lock_timeout: timedelta = timedelta(0),
        decide: Decide | None = None,
        emit: Emit = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Applied:
        """Carries out a plan that `plan --out` saved: exactly that, once, while it still holds."""
        from reconciler.engine.plan_file import plan_in
        from reconciler.engine.run_context import RunContext

        self._check_open()
        terms = _terms(decide, lock_timeout, stop, allow_publish=allow_publish)
        return await _applied(partial(self.run_apply_plan, plan_in(Path(file)), RunContext(strict=strict), terms), emit)

    def _selected(
        self,
        targets: Iterable[str],
        excludes: Iterable[str],
        regenerate: Iterable[str] = (),
        *,
        publish: bool = True,
        strict: bool = False,
    ) -> tuple[Selection, RunContext]:
        names = _names("targets", targets), _names("excludes", excludes), _names("regenerate", regenerate)
        return self.select(SiteFilter(*names[:2]), names[2], publish=publish, strict=strict)

    async def _each(
        self, selection: Selection, results: Callable[[Session[ReadClient]], AsyncIterator[Result]]
    ) -> AsyncIterator[Result]:
        async with self._reading(selection.credentials) as session:
            async for result in self._while_open(results(session)):
                yield result


def _names(argument: str, given: object) -> tuple[str, ...]:
    if isinstance(given, str):
        raise UsageError(f"{argument}={given!r} is a single string", f"give a list: {argument}=[{given!r}]")
    names: tuple[object, ...] = tuple(given) if isinstance(given, Iterable) else (given,)
    found = tuple(name for name in names if isinstance(name, str))
    if len(found) < len(names):
        raise UsageError(f"{argument} is not a list of strings", f"write it like {argument}=['NAME']")
    return found


def _check_parallelism(given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise UsageError(f"parallelism={given!r} is not a whole number of 1 or more")


def _check_workers(asked: int | str, environ: Mapping[str, str]) -> None:
    if wrong := wrong_workers(asked):
        raise UsageError(f"workers={asked!r} {wrong}")
    if dict(environ) != dict(os.environ):
        raise UsageError(
            "workers: they cannot be given an `environ` other than os.environ",
            "set what they need in their own environment (worker processes inherit this one's), or leave `workers` out",
        )


def _terms(decide: Decide | None, lock_timeout: object, stop: Callable[[], bool], *, allow_publish: bool) -> ApplyTerms:
    from reconciler.engine.apply_run import ApplyTerms, Decision

    async def yes(_proposal: Proposal) -> Decision:
        return Decision(apply=True, allow_publish=allow_publish)

    if not isinstance(lock_timeout, timedelta):
        raise UsageError(f"lock_timeout={lock_timeout!r} is not a timedelta", "write timedelta(seconds=30)")
    return ApplyTerms(decide or yes, lock_timeout, stop)


async def _applied(apply: Callable[[Emit], Awaitable[ApplyCompleted | Refused]], emit: Emit) -> Applied:
    """What an apply did, and the sites that failed or had something to do."""
    from reconciler.engine.apply_run import Applied
    from reconciler.engine.site_results import SiteApplied, SiteFailed

    sites: list[SiteApplied | SiteFailed] = []

    def hear(event: Event) -> None:
        if isinstance(event, SiteApplied | SiteFailed):
            sites.append(event)
        emit(event)

    return Applied(await apply(hear), tuple(sites))
