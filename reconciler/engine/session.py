"""What a run is given: project, client, state and clock, and how its plans are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct

from reconciler.config.project import ProjectConfig
from reconciler.config.sites import SiteEntry
from reconciler.engine.policy_checks import NamedCheck
from reconciler.engine.results import Api, Emit, Notice, RunStarted
from reconciler.engine.run_context import RunContext
from reconciler.engine.selection import Selection
from reconciler.model.address import SiteName
from reconciler.model.clock import Clock
from reconciler.model.diagnostics import Place
from reconciler.planner.options import PlanOptions
from reconciler.state.lease import Leases
from reconciler.state.sites import StateStore

if TYPE_CHECKING:  # `history` and `approve` have no client, and few runs have workers
    from reconciler.api.client import ReadClient
    from reconciler.engine.workers import Workers

AnyClient = TypeVar("AnyClient", bound="ReadClient", covariant=True)


class Session(Struct, Generic[AnyClient], frozen=True):
    """What a run works with.

    The type of `client` says whether the run may write. `clock` is that of the world it works on. `leases` are its
    locks, `parallelism` is how many sites are worked on at once, `commit` what git has checked out; `checks` are policy
    as code. With `debug`, a bug is raised where it occurs.
    """

    project: ProjectConfig
    client: AnyClient
    store: StateStore
    clock: Clock
    api: Api
    leases: Leases
    parallelism: int
    commit: str | None = None
    checks: tuple[NamedCheck, ...] = ()
    debug: bool = False
    workers: Workers | None = None


def plan_options(session: Session[ReadClient], context: RunContext, site: SiteName) -> PlanOptions:
    """What the planner is given about a site of this run, as of now."""
    project = session.project
    return PlanOptions(
        now=session.clock.now(),
        policy=project.policy,
        regenerate=site in context.regenerate,
        publish=context.publish,
        effect_timeout=project.poll_timeout,
        where=session.store.where,
    )


class SitePlaces:
    """The places of sites, taken from their entries: a separate list would take memory for thousands of sites."""

    def __init__(self, entries: Sequence[SiteEntry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[tuple[SiteName, Place]]:
        return ((entry.name, entry.place) for entry in self._entries)


def begin(command: str, selection: Selection, emit: Emit, session: Session[ReadClient] | None = None) -> None:
    """Reports that a run over these sites begins, and the problems of the project's files that do not stop it.

    `session` is None if no site is read.
    """
    without_approval = tuple(entry.name for entry in selection.entries if entry.without_approval)
    emit(
        RunStarted(
            command,
            selection.project.root.name,
            len(selection),
            selection.of,
            session.api if session else None,
            session.commit if session else None,
            without_approval,
            SitePlaces(selection.entries),
            selection.part,
        )
    )
    for warning in selection.warnings:
        emit(Notice(warning))
