"""The library: an opened project, with what the command line does as functions over typed, frozen values.

Nothing here prints, asks or exits, and the environment is the one that is passed in.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from reconciler.api.client import FullClient
from reconciler.config.sites import open_project
from reconciler.config.trust import trust_of
from reconciler.engine.apply_run import ApplyTerms, Decide, Decision, Proposal
from reconciler.engine.choice import SiteFilter
from reconciler.engine.plan_file import read_plan
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import ApplyCompleted, Emit, Event, Refused
from reconciler.engine.selection import Selection
from reconciler.engine.session import RunContext
from reconciler.engine.site_results import (
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
)
from reconciler.engine.verdict import verdict_of
from reconciler.model.diagnostics import Diagnostic, UsageError
from reconciler.model.verdict import Verdict
from reconciler.planner.document import UnusablePlan
from reconciler.runs import Means, Runs, context_of
from reconciler.spread import Spread, problem_of, spread_over


class Applied(Struct, frozen=True):
    """What an apply did: how it ended, and the sites that failed or had something to do, as they ended."""

    outcome: ApplyCompleted | Refused
    sites: tuple[SiteApplied | SiteFailed, ...]

    @property
    def verdict(self) -> Verdict:
        """How it ended in one word, as `reconciler apply` ends: everything that failed or was left undone counts.

        `verdict.exit_code` is the code for a shell.
        """
        return verdict_of(self.outcome)


class Project:
    """A project whose files have been read and whose sites can be reached. Made by `Project.open`.

    `targets` and `excludes` take what `--target` and `--exclude` take: names, globs, `label:team=emea`, addresses. A
    site that cannot be worked on is a `SiteFailed` among the results. What is wrong with the run as a whole raises
    `UsageError` (a missing key, a target that matches nothing) or `InvalidFiles`.
    """

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

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
        them. They have the environment of this process, so `environ` must not be a different one.

        `api`, `state` and `parallelism` override the project's. The other arguments, like the options of the same
        names, are what the project's files may not decide themselves. Raises UsageError, and InvalidFiles with every
        problem.
        """
        trust = trust_of(
            environ,
            api=api,
            state=state,
            allow_hosts=allow_hosts,
            require_approval=require_approval,
            committed=committed,
        )
        if parallelism is not None:
            _check_parallelism(parallelism)
        spread = _spread(workers, environ)
        files, index = open_project((Path(path),), trust, spread.elsewhere if spread else None)
        runs = Runs(files, Means(environ, api, state, parallelism, spread.make if spread else None), index)
        async with runs.kept_open(FullClient):
            yield cls(runs)

    @property
    def sites(self) -> tuple[str, ...]:
        """The names of the project's sites, in the order of the files."""
        return tuple(entry.name for entry in self._runs.index.entries)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Almost certain mistakes in the project's files that stop nothing."""
        return self._runs.index.warnings

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
        selection = self._select(targets, excludes)
        context = context_of(selection, _names("regenerate", regenerate), publish=publish, strict=strict)
        return self._runs.plans(selection, context)

    def drift(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = (), strict: bool = False
    ) -> AsyncIterator[SiteDrifted | SiteFailed]:
        """Reads the sites and yields what moved on each, and on which side. Writes nothing."""
        selection = self._select(targets, excludes)
        return self._runs.drifts(selection, context_of(selection, strict=strict))

    def review(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = ()
    ) -> AsyncIterator[SiteReviewed | SiteNotReviewed | SiteFailed]:
        """Updates the approvals file of each site, and yields what waits for people. Writes to no site."""
        return self._runs.reviews(self._select(targets, excludes))

    def history(
        self, *, targets: Iterable[str] = (), excludes: Iterable[str] = ()
    ) -> AsyncIterator[SiteHistory | SiteFailed]:
        """What went out on each site, and what is waiting to, from the state alone."""
        return self._runs.histories(self._select(targets, excludes))

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
        selection = self._select(targets, excludes)
        context = context_of(selection, _names("regenerate", regenerate), publish=publish, strict=strict)
        terms = ApplyTerms(decide or _yes(allow_publish=allow_publish), lock_timeout, stop)
        collector = _Collector(emit)
        outcome = await self._runs.apply(selection, context, terms, collector.emit)
        return Applied(outcome, tuple(collector.sites))

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
        try:
            saved = read_plan(Path(file))
        except UnusablePlan as refused:
            return Applied(Refused(diagnostic_of(refused)), ())
        terms = ApplyTerms(decide or _yes(allow_publish=allow_publish), lock_timeout, stop)
        collector = _Collector(emit)
        outcome = await self._runs.apply_plan(saved, RunContext(strict=strict), terms, collector.emit)
        return Applied(outcome, tuple(collector.sites))

    def _select(self, targets: Iterable[str], excludes: Iterable[str]) -> Selection:
        return self._runs.select(SiteFilter(_names("targets", targets), _names("excludes", excludes)))


def _names(argument: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(f"{argument}={names!r} is one text", f"give a list: {argument}=[{names!r}]")
    return tuple(names)


def _check_parallelism(given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise UsageError(f"parallelism={given!r} is not a whole number of 1 or more")


def _spread(workers: int | str | None, environ: Mapping[str, str]) -> Spread | None:
    if workers is None:
        return None
    if wrong := problem_of(workers):
        raise UsageError(f"workers={workers!r} {wrong}")
    if dict(environ) != dict(os.environ):
        raise UsageError(
            "workers: they use the environment of this process, but `environ` is a different one",
            "set what they need in os.environ, or leave `workers` out",
        )
    return spread_over(workers)


def _yes(*, allow_publish: bool) -> Decide:
    async def decide(_proposal: Proposal) -> Decision:
        return Decision(apply=True, allow_publish=allow_publish)

    return decide


class _Collector:
    """Passes events on, and keeps the sites where something was done."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self.sites: list[SiteApplied | SiteFailed] = []

    def emit(self, event: Event) -> None:
        if isinstance(event, SiteApplied | SiteFailed):
            self.sites.append(event)
        self._emit(event)
