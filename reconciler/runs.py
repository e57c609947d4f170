"""Runs: every run over a project's sites. It opens what a run needs, calls the engine, and closes it again.

The command line and the library are built on it, and call the engine nowhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from reconciler.api.client import FullClient, ReadClient
from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteIndex
from reconciler.engine.choice import Shard, SiteFilter
from reconciler.engine.results import Api, Emit
from reconciler.engine.selection import Selection, regenerated, repository_of, select
from reconciler.engine.session import RunContext, Session
from reconciler.wiring import MakeWorkers, api_of, described, open_session, open_state_of

if TYPE_CHECKING:  # of each run, what it alone needs is imported when it begins
    from reconciler.engine.adoption_results import DoctorCompleted, FilesChecked, ImportCompleted
    from reconciler.engine.apply_run import ApplyTerms
    from reconciler.engine.live_sites import Wanted
    from reconciler.engine.results import (
        ApplyCompleted,
        DriftCompleted,
        HistoryListed,
        PlanCompleted,
        Refused,
        ReviewCompleted,
    )
    from reconciler.engine.site_results import (
        SiteDrifted,
        SiteFailed,
        SiteHistory,
        SiteNotReviewed,
        SitePlanned,
        SiteReviewed,
    )
    from reconciler.engine.state import StateAccess
    from reconciler.planner.document import SavedPlan, UnusablePlan
    from reconciler.planner.review import Review

    Gallery = Callable[[Review], str] | None

Client = TypeVar("Client", bound=ReadClient)


NO_SITES: Final = SiteIndex((), 0, 0)
"""For runs that read no site files, or read them later."""


class Means(Struct, frozen=True):
    """What a run is carried out with: the environment, and what was passed to override the project's files."""

    environ: Mapping[str, str]
    api: str | None = None
    state: str | None = None
    parallelism: int | None = None
    workers: MakeWorkers | None = None


class Runs:
    """Runs over a project whose files are read. Each raises UsageError for what is wrong with it as a whole."""

    def __init__(self, files: ProjectConfig, means: Means, index: SiteIndex = NO_SITES) -> None:
        self.files = files
        self.index = index
        self._means = means
        self._open: Session[Any] | None = None

    @property
    def api(self) -> Api:
        """The remote side. Raises UsageError for an address that cannot be used."""
        return described(api_of(self.files, self._means.api))

    def commit(self) -> str | None:
        """What git has checked out; None outside of a repository."""
        return repository_of(self.files).head()

    def select(self, choice: SiteFilter) -> Selection:
        """The sites that a run is about."""
        return select(self.files, self.index, choice)

    @asynccontextmanager
    async def kept_open(self, client_type: type[ReadClient]) -> AsyncIterator[None]:
        """Meanwhile all runs share one session, with a client of this type."""
        async with self.session(client_type) as session:
            self._open = session
            try:
                yield
            finally:
                self._open = None

    @asynccontextmanager
    async def session(self, client_type: type[Client]) -> AsyncIterator[Session[Client]]:
        """What a run works with. `client_type` says whether it may write."""
        if self._open is not None:
            yield self._open
            return
        means = self._means
        async with open_session(
            self.files,
            client_type,
            environ=means.environ,
            api=means.api,
            state=means.state,
            parallelism=means.parallelism,
            workers=means.workers,
        ) as session:
            yield session

    def state(self) -> StateAccess:
        """The state, for runs that read no site."""
        return open_state_of(self.files, environ=self._means.environ, state=self._means.state)

    # --- runs from their beginning to their end: what happens is emitted --------------------------------

    async def plan(
        self,
        selection: Selection,
        context: RunContext,
        emit: Emit,
        done: Callable[[Session[ReadClient]], None] = lambda _: None,
    ) -> PlanCompleted:
        """Reads the sites and says what would change. `done` is called before what it worked with is closed."""
        from reconciler.engine.plan import plan_sites

        async with self.session(ReadClient) as session:
            completed = await plan_sites(session, selection, context, emit)
            done(session)
            return completed

    async def drift(self, selection: Selection, context: RunContext, emit: Emit) -> DriftCompleted:
        """Reads the sites and says what moved."""
        from reconciler.engine.drift import drift_sites

        async with self.session(ReadClient) as session:
            return await drift_sites(session, selection, context, emit)

    async def review(self, selection: Selection, emit: Emit, gallery: Gallery = None) -> ReviewCompleted:
        """Reads the sites and brings their approvals files up to date. `gallery` makes the page beside each."""
        from reconciler.engine.review import review_sites

        async with self.session(ReadClient) as session:
            return await review_sites(session, selection, emit, gallery)

    async def history(self, selection: Selection, emit: Emit) -> HistoryListed:
        """What went out, from the state alone."""
        from reconciler.engine.history import list_history

        return await list_history(self.state(), selection, emit)

    async def apply(
        self, selection: Selection, context: RunContext, terms: ApplyTerms, emit: Emit
    ) -> ApplyCompleted | Refused:
        """Plans the sites, has somebody decide, and carries the plans out."""
        from reconciler.engine.apply import apply_live
        from reconciler.engine.apply_run import ApplyRun

        async with self.session(FullClient) as session:
            return await apply_live(ApplyRun(session, context, terms, emit), selection)

    async def apply_plan(
        self,
        saved: SavedPlan | UnusablePlan,
        context: RunContext,
        terms: ApplyTerms,
        emit: Emit,
        shard: Shard | None = None,
    ) -> ApplyCompleted | Refused:
        """Carries out a saved plan, or says why it is refused."""
        from reconciler.engine.apply import apply_saved, refuse_plan
        from reconciler.engine.apply_run import ApplyRun
        from reconciler.engine.saved import check_project, files_of
        from reconciler.planner.document import UnusablePlan

        if not isinstance(saved, UnusablePlan):
            check_project(saved, self.files, self.api.target)
        async with self.session(FullClient) as session:
            run = ApplyRun(session, context, terms, emit)
            if isinstance(saved, UnusablePlan):
                return await refuse_plan(run, saved)
            return await apply_saved(run, saved, files_of(self.files), shard)

    async def doctor(
        self, selection: Selection, emit: Emit, *, strict: bool = False, probe_to: Path | None = None
    ) -> DoctorCompleted:
        """Examines the project and its sites."""
        from reconciler.engine.doctor import examine

        async with self.session(ReadClient) as session:
            environ = self._means.environ
            return await examine(session, selection, environ, emit, strict=strict, probe_to=probe_to)

    async def import_new(self, wanted: Wanted, emit: Emit) -> ImportCompleted:
        """Writes site files from live sites."""
        from reconciler.engine.import_sites import import_sites

        async with self.session(ReadClient) as session:
            return await import_sites(session, self.index, wanted, emit)

    async def update_files(self, emit: Emit) -> ImportCompleted:
        """Brings site files up to date with their live sites."""
        from reconciler.engine.update_sites import update_sites

        async with self.session(ReadClient) as session:
            return await update_sites(session, self.index.entries, self.index.total, emit)

    async def check_files(self, plans: Sequence[Path], emit: Emit) -> FilesChecked:
        """What an upgrade to this version would touch."""
        from reconciler.engine.check_files import check_files

        return await check_files(self.files, self.index, self.state().store, plans, emit)

    # --- site by site: what a program goes through ------------------------------------------------------

    async def plans(self, selection: Selection, context: RunContext) -> AsyncIterator[SitePlanned | SiteFailed]:
        """The plan of each site."""
        from reconciler.engine.plan import plans

        async with self.session(ReadClient) as session:
            async for result in plans(session, selection, context):
                yield result

    async def drifts(self, selection: Selection, context: RunContext) -> AsyncIterator[SiteDrifted | SiteFailed]:
        """What moved at each site."""
        from reconciler.engine.drift import drifts

        async with self.session(ReadClient) as session:
            async for result in drifts(session, selection, context):
                yield result

    async def reviews(
        self, selection: Selection, gallery: Gallery = None
    ) -> AsyncIterator[SiteReviewed | SiteNotReviewed | SiteFailed]:
        """The review of each site, whose approvals file is brought up to date."""
        from reconciler.engine.review import reviews

        async with self.session(ReadClient) as session:
            async for result in reviews(session, selection, gallery=gallery):
                yield result

    def histories(self, selection: Selection) -> AsyncIterator[SiteHistory | SiteFailed]:
        """What went out on each site, from the state alone."""
        from reconciler.engine.history import histories

        return histories(self.state(), selection)


def context_of(
    selection: Selection, regenerate: Collection[str] = (), *, publish: bool = True, strict: bool = False
) -> RunContext:
    """How the plans of a run are made. Raises UsageError for a site to regenerate that is not in it."""
    return RunContext(selection.targets, regenerated(tuple(regenerate), selection), publish, strict)
