"""Every run over a project: it emits its events, up to the closing event that it returns.

What only a run needs is imported when it begins.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from reconciler import machine
from reconciler.config.project import SEED, InvalidProject, ProjectConfig, find_project
from reconciler.config.sites import SiteIndex, check_sites, open_project
from reconciler.engine.choice import Invocation, Shard, SiteFilter
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, UsageError

if TYPE_CHECKING:
    from reconciler.api.client import FullClient, ReadClient
    from reconciler.config.sites import ReadElsewhere
    from reconciler.engine.adoption_results import DoctorCompleted, FilesChecked, ImportCompleted
    from reconciler.engine.apply_run import ApplyTerms
    from reconciler.engine.approve_terms import DecideDraft, Saved, ToApprove, UndoLast
    from reconciler.engine.live_sites import Wanted
    from reconciler.engine.results import (
        Api,
        ApplyCompleted,
        Decided,
        DriftCompleted,
        Emit,
        HistoryListed,
        PartsMerged,
        PlanCompleted,
        Refused,
        ReviewCompleted,
    )
    from reconciler.engine.run_context import RunContext
    from reconciler.engine.selection import Selection
    from reconciler.engine.session import Session
    from reconciler.engine.site_results import (
        SiteFailed,
    )
    from reconciler.engine.state import Agree, Remembered, StateAccess
    from reconciler.engine.state_results import CallResolved, LockRemoved, RecordChanged, StateListed, StateShown
    from reconciler.planner.document import SavedPlan, UnusablePlan
    from reconciler.planner.review import Review
    from reconciler.wiring import MakeWorkers

    Gallery = Callable[[Review], str] | None

Client = TypeVar("Client", bound="ReadClient")
Result = TypeVar("Result")

NO_SITES: Final = SiteIndex((), 0)
"""The index of a project whose site files are not read."""

MOST_WORKERS: Final = 1000


class ProjectRuns:
    """A project's files as they were read, its sites, and every run over them.

    `read`, `find` and `check` make one, `select` chooses its sites, and the methods that begin with `run_` emit the
    events of a run up to the closing event, which they return. Each opens what it needs. What is wrong with the run as
    a whole raises `UsageError` (a missing key, a target that matches nothing) or `InvalidFiles`. `files` and `index`
    are what was read.
    """

    def __init__(
        self,
        invocation: Invocation,
        files: ProjectConfig,
        index: SiteIndex = NO_SITES,
        workers: MakeWorkers | None = None,
    ) -> None:
        self.files = files
        self.index = index
        self._invocation = invocation
        self._workers = workers
        self._session: Session[Any] | None = None
        self._closed = False

    @classmethod
    def read(cls, paths: Sequence[Path], invocation: Invocation, *, only_check: bool = False) -> Self:
        """The project that the paths belong to, with the sites that they name.

        `only_check`: no run will need its sites. Raises UsageError, and InvalidFiles with every problem of every file.
        """
        workers, elsewhere = _workers(invocation.workers)
        try:
            return cls(invocation, *open_project(paths, invocation.trust(), elsewhere, only_check=only_check), workers)
        except InvalidFiles as invalid:
            of_sandbox: list[Diagnostic] = []
            files = cls.find(paths, invocation, usable=True).files
            _start_of_sandbox(files, invocation.api or files.api, of_sandbox)
            raise InvalidFiles((*invalid.problems, *of_sandbox), invalid.warnings) from None

    @classmethod
    def check(
        cls, paths: Sequence[Path], invocation: Invocation, now: Callable[[], datetime] = machine.utc_now
    ) -> Self:
        """Checks all files of the project that the paths belong to, `sandbox.yaml` too if it uses the sandbox.

        The warnings include those about dates that have passed (for a sandbox, as of when its clock starts).
        The returned project is not for runs. Raises UsageError, and InvalidFiles with every problem of every file.
        """
        of_sandbox: list[Diagnostic] = []

        def time_in(files: ProjectConfig) -> datetime | None:
            starts = _start_of_sandbox(files, files.api, of_sandbox)
            return None if of_sandbox else starts or now()

        try:
            files, index = open_project(paths, invocation.trust(), only_check=True, now=time_in)
        except InvalidFiles as invalid:
            raise InvalidFiles((*invalid.problems, *of_sandbox), invalid.warnings) from None
        if wrong := (*index.problems, *of_sandbox):
            raise InvalidFiles(wrong, index.warnings)
        return cls(invocation, files, index)

    @classmethod
    def find(cls, paths: Sequence[Path], invocation: Invocation, *, usable: bool = False) -> Self:
        """The project that the paths belong to, without its sites.

        Raises UsageError. If the project file has problems, raises InvalidFiles or, if `usable`, takes its usable part.
        """
        try:
            files = find_project(paths, invocation.trust())
        except InvalidProject as invalid:
            if not usable:
                raise
            files = invalid.project
        return cls(invocation, files, workers=_workers(invocation.workers)[0])

    def with_sites(self, named: Sequence[Path] = ()) -> Self:
        """This project with all its sites, or those that are `named`; there may be no site file yet.

        Raises UsageError and InvalidFiles.
        """
        index = check_sites(self.files, named, may_be_empty=True)
        return type(self)(self._invocation, self.files, index, self._workers)

    @property
    def sites(self) -> tuple[str, ...]:
        """The names of the project's sites, in the order of the files."""
        return tuple(entry.name for entry in self.index.entries)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """Almost certain mistakes in the project's files that stop nothing."""
        return self.index.warnings

    # --- whole runs: what happens is emitted, up to the event that is returned --------------------------

    def select(
        self, choice: SiteFilter, regenerate: Collection[str] = (), *, publish: bool = True, strict: bool = False
    ) -> tuple[Selection, RunContext]:
        """The sites that a run is about, and how their plans are made.

        Raises UsageError for a choice that names nothing that exists, and InvalidFiles if git cannot be asked what was
        approved.
        """
        from reconciler.engine.run_context import RunContext
        from reconciler.engine.selection import regenerated, select

        self._check_open()
        selection = select(self.files, self.index, choice, publish=publish)
        context = RunContext(selection.targets, regenerated(tuple(regenerate), selection), publish, strict)
        return selection, context

    async def run_plan(self, selection: Selection, context: RunContext, emit: Emit) -> PlanCompleted:
        """Reads the sites and says what would change."""
        from reconciler.engine.plan import plan_sites

        async with self._reading(selection.credentials) as session:
            return await plan_sites(session, selection, context, emit)

    async def run_drift(self, selection: Selection, context: RunContext, emit: Emit) -> DriftCompleted:
        """Reads the sites and says what drifted."""
        from reconciler.engine.drift import drift_sites

        async with self._reading(selection.credentials) as session:
            return await drift_sites(session, selection, context, emit)

    async def run_review(self, selection: Selection, emit: Emit, gallery: Gallery = None) -> ReviewCompleted:
        """Reads the sites and brings their approvals files up to date. `gallery` makes the page beside each."""
        from reconciler.engine.review import review_sites

        async with self._reading(selection.credentials) as session:
            return await review_sites(session, selection, emit, gallery)

    async def run_approve(
        self,
        selection: Selection,
        asked_for: ToApprove,
        decide: DecideDraft,
        emit: Emit,
        saved: Saved = lambda _: None,
        undo_last: UndoLast | None = None,
    ) -> Decided:
        """Decides about drafts in the approvals files, as `decide` says. `saved` receives what was written.

        `undo_last` is asked after the last draft.
        """
        from reconciler.engine.approve import approve

        self._check_open()
        return await approve(selection, asked_for, decide, emit, saved, undo_last)

    async def run_history(self, selection: Selection, emit: Emit) -> HistoryListed:
        """What went out, from the state alone."""
        from reconciler.engine.history import list_history

        return await list_history(self.state(), selection, self.now(), emit)

    async def run_apply(
        self, selection: Selection, context: RunContext, terms: ApplyTerms, emit: Emit
    ) -> ApplyCompleted | Refused:
        """Plans the sites, has somebody decide, and carries the plans out."""
        from reconciler.engine.apply import apply_live
        from reconciler.engine.apply_run import ApplyRun

        async with self._writing(selection.credentials) as session:
            return await apply_live(ApplyRun(session, context, terms, emit), selection)

    async def run_apply_plan(
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
        from reconciler.engine.saved import check_found, check_project, files_of
        from reconciler.planner.document import UnusablePlan

        check_found(self.files)
        if not isinstance(saved, UnusablePlan):
            check_project(saved, self.files, self.api.target)

        def used() -> set[str]:
            return set() if isinstance(saved, UnusablePlan) else {plan.site.credentials for plan in saved.plans}

        async with self._writing(used) as session:
            run = ApplyRun(session, context, terms, emit)
            if isinstance(saved, UnusablePlan):
                return await refuse_plan(run, saved)
            return await apply_saved(run, saved, files_of(self.files), shard)

    async def run_show(self, saved: SavedPlan, emit: Emit, *, outside: bool = False) -> PlanCompleted:
        """Reports a saved plan, judged by the limits of this project. Reads no site.

        `outside`: the plan's own project was not found, and this one only stands in for it.
        """
        from reconciler.engine.plan_file import in_file_order
        from reconciler.engine.results import RunStarted
        from reconciler.engine.saved import is_for_other_state, show_saved, without_approval

        unapproved, sites = without_approval(in_file_order(saved.plans)), len(saved.plans)
        name, commit = ("", None) if outside else (self.files.root.name, self.commit())
        started = RunStarted("show", name, sites, saved.of, self.api, commit, unapproved)
        elsewhere = outside or is_for_other_state(saved, self.files)  # and a file is not trusted to say where
        state = None if elsewhere and self._invocation.state is None else self.state
        now = saved.made_at if outside and saved.api == "sandbox" else self.now()  # each sandbox has its own clock
        return await show_saved(saved, state, now, started, self.files, emit, outside=outside)

    async def run_doctor(
        self, selection: Selection, emit: Emit, *, strict: bool = False, probe_to: Path | None = None
    ) -> DoctorCompleted:
        """Examines the project and its sites."""
        from reconciler.engine.doctor import examine

        async with self._reading() as session:
            return await examine(session, selection, self._invocation.environ, emit, strict=strict, probe_to=probe_to)

    async def run_import(self, wanted: Wanted, emit: Emit) -> ImportCompleted:
        """Writes site files for live sites."""
        from reconciler.engine.import_sites import import_sites

        async with self._reading() as session:
            return await import_sites(session, self.index, wanted, emit)

    async def run_update(self, emit: Emit) -> ImportCompleted:
        """Brings site files up to date with their live sites."""
        from reconciler.engine.selection import credentials_in
        from reconciler.engine.update_sites import update_sites

        async with self._reading(partial(credentials_in, self.index.entries)) as session:
            return await update_sites(session, self.index.entries, self.index.total, emit)

    async def run_check_files(self, plans: Sequence[Path], emit: Emit) -> FilesChecked:
        """What an upgrade to this version would touch."""
        from reconciler.engine.check_files import check_files

        return await check_files(self.files, self.index, self.state().store, plans, emit)

    async def unchecked_posts(self) -> Diagnostic | None:
        """A warning that names the scheduled posts that nobody checks while the files cannot be used."""
        from reconciler.engine.unseen import unchecked_posts

        return await unchecked_posts(self.state().store, self.now())

    def records(self, selection: Selection) -> AsyncIterator[Remembered | SiteFailed]:
        """What the state knows about each site that was selected."""
        from reconciler.engine.state import records

        return self._while_open(records(self.state(), selection))

    # --- the state: what is recorded, and repairs ---------------------------------------------------------

    async def run_state_list(self, only: Collection[str] | None, emit: Emit) -> StateListed:
        """What is recorded about each site, in numbers; if `only` is given, just the sites with those ids."""
        from reconciler.engine.state import list_state

        return await list_state(self.state(), only, emit)

    async def run_state_show(self, site: str, emit: Emit) -> StateShown:
        """Everything recorded about a site."""
        from reconciler.engine.state import show_state

        try:
            state = self._state_by_name(site)
        except InvalidFiles:  # what is recorded can be looked at without them
            state = self.state()
        return await show_state(state, site, emit)

    async def run_state_unlock(self, site: str, agree: Agree, emit: Emit) -> LockRemoved | Refused:
        """Removes the lock of a site, if `agree` agrees once it is known whose it is."""
        from reconciler.engine.state import unlock_site

        return await unlock_site(self._state_by_name(site), site, agree, emit)

    async def run_state_move(
        self, site: str, new_id: str, emit: Emit, lock_timeout: timedelta = timedelta(0)
    ) -> RecordChanged:
        """Moves the record of a site to another id."""
        from reconciler.engine.state import move_record

        state = self._state_by_name(site)
        try:
            declared = self._declared()
        except InvalidFiles:  # the record of an id can be moved without them
            declared = {}
        return await move_record(state, site, new_id, declared, lock_timeout=lock_timeout, emit=emit)

    async def run_state_forget(
        self, site: str, agree: Agree, emit: Emit, lock_timeout: timedelta = timedelta(0)
    ) -> RecordChanged | Refused:
        """Removes everything recorded about a site, if `agree` agrees once it is known what still goes out there."""
        from reconciler.engine.state import forget_site

        state = self._state_by_name(site)
        return await forget_site(state, site, agree, self.now(), lock_timeout=lock_timeout, emit=emit)

    async def run_state_resolve(
        self, site: str, entry: str, emit: Emit, lock_timeout: timedelta = timedelta(0), *, took_effect: bool
    ) -> CallResolved:
        """Records how an unconfirmed call ended."""
        from reconciler.engine.state import resolve_call

        state = self._state_by_name(site)
        return await resolve_call(state, site, entry, took_effect=took_effect, lock_timeout=lock_timeout, emit=emit)

    def _state_by_name(self, site: str) -> StateAccess:
        """The state, to look up one site by what its file calls it now. Raises UsageError and InvalidFiles."""
        from msgspec.structs import replace

        from reconciler.engine.state import GUID

        state = self.state()
        return state if GUID.match(site) else replace(state, declared=self._declared())

    def _declared(self) -> dict[str, str]:
        return {entry.name: entry.id.lower() for entry in self.with_sites().index.entries}

    # --- what runs work with ----------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """The remote side. Raises UsageError for an address that cannot be used."""
        from reconciler.wiring import api_of, described

        return described(api_of(self.files, self._invocation.api))

    def commit(self) -> str | None:
        """What git has checked out; None outside of a repository."""
        from reconciler.engine.selection import repository_of

        return repository_of(self.files).head()

    def now(self) -> datetime:
        """The current time, by the clock of the project's sandbox or of this machine."""
        from reconciler.wiring import time_of

        return time_of(self.files, self._invocation.api or self.files.api)

    def state(self) -> StateAccess:
        """The state, for runs that read no site."""
        from reconciler.wiring import open_state_of

        self._check_open()
        return open_state_of(self.files, environ=self._invocation.environ, state=self._invocation.state)

    def _reading(
        self, credentials: Callable[[], Iterable[str]] = tuple
    ) -> AbstractAsyncContextManager[Session[ReadClient]]:
        from reconciler.api.client import ReadClient

        return self._opened(ReadClient, credentials)

    def _writing(
        self, credentials: Callable[[], Iterable[str]] = tuple
    ) -> AbstractAsyncContextManager[Session[FullClient]]:
        from reconciler.api.client import FullClient

        return self._opened(FullClient, credentials)

    @asynccontextmanager
    async def _opened(
        self, client_type: type[Client], credentials: Callable[[], Iterable[str]]
    ) -> AsyncIterator[Session[Client]]:
        from reconciler.wiring import naming_all_unset

        self._check_open()
        with naming_all_unset(self.files, self._invocation.environ, credentials):
            if self._session is not None:
                yield self._session
                return
            async with self._open_session(client_type) as session:
                yield session

    def _open_session(self, client_type: type[Client]) -> AbstractAsyncContextManager[Session[Client]]:
        from reconciler.wiring import open_session

        invocation = self._invocation
        return open_session(
            self.files,
            client_type,
            environ=invocation.environ,
            api=invocation.api,
            state=invocation.state,
            parallelism=invocation.parallelism,
            workers=self._workers,
        )

    async def _while_open(self, results: AsyncIterator[Result]) -> AsyncIterator[Result]:
        self._check_open()
        async for result in results:
            yield result
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(
                "this project is closed: its `async with` block has ended",
                "use it inside the block, or open it again",
            )


def merge_shards(files: Sequence[Path], out: Path) -> SavedPlan | PartsMerged:
    """Joins the saved plans, or the JSON reports, of all shards of a run, and writes the whole to `out`.

    Raises UsageError for files that are not all shards of one run.
    """
    from reconciler.engine.merge import merge_files

    return merge_files(files, out)


def wrong_workers(asked: int | str) -> str:
    """What is wrong with a number of processes or the address of a scheduler; empty if nothing is."""
    if isinstance(asked, int):
        return "" if 1 <= asked <= MOST_WORKERS else f"must be 1 to {MOST_WORKERS:,} processes"
    from reconciler.dask_workers import check_address

    return check_address(asked)


def _workers(asked: int | str | None) -> tuple[MakeWorkers | None, ReadElsewhere | None]:
    """What makes the workers of a run and, if they are processes, what reads many site files with them."""
    if asked is None:
        return None, None
    if isinstance(asked, int):
        from reconciler.processes import Processes

        processes = Processes(asked)
        return processes, processes.read
    from reconciler.dask_workers import dask_workers

    return partial(dask_workers, asked), None


def _start_of_sandbox(files: ProjectConfig, api: str, problems: list[Diagnostic]) -> datetime | None:
    """When the world of the project's sandbox begins; None if at the current time, or if the API is another one.

    What is wrong with its `sandbox.yaml` is added to `problems`.
    """
    file = files.root / SEED
    if api != "sandbox" or not os.path.lexists(file):
        return None
    from reconciler.sandbox_file import time_of_seed

    try:
        return time_of_seed(file)
    except InvalidFiles as invalid:
        problems.extend(invalid.problems)
        return None
