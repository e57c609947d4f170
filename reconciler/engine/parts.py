"""What travels between a run and its workers: a part of its sites or files as a task, and the result as an answer.

Both are JSON after a line that names the version; another version is refused before anything is decoded. What is to be
carried out at each site follows in a line of its own, and is decoded line by line, because a part may have thousands of
sites. A task contains values and references, but no secrets: a worker takes its credentials from its own environment.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from reconciler.config.environment import clean_environment
from reconciler.config.packed_sites import Details, KeptSite, PackedSite
from reconciler.config.project import ProjectConfig, project_of_content
from reconciler.config.secrets import CredentialRef
from reconciler.config.sites import FilesRead, SiteEntry
from reconciler.config.stamps import Stamp
from reconciler.config.trust import Trust
from reconciler.engine import site_results
from reconciler.engine.results import Notice
from reconciler.engine.run_context import RunContext
from reconciler.engine.site_results import AuditedSite, Progressed, SiteApplied, SiteFailed, SitePlanned, SiteStarted
from reconciler.executor.events import ProgressEvent
from reconciler.executor.ledger import SiteLedger
from reconciler.executor.ports import Approvers
from reconciler.model.address import Labels, SiteName
from reconciler.model.codec import from_json, to_json
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.model.frozen import Struct, Variant
from reconciler.model.policy import Policy
from reconciler.model.sites import DesiredSite, RecordedSite
from reconciler.planner.actions import GoingOut, Plan
from reconciler.planner.drift_report import DriftReport
from reconciler.planner.reached import Reached
from reconciler.planner.tally import PlanTally, Spare
from reconciler.planner.unseen import UnseenPosts
from reconciler.version import __version__

HEADER: Final = f"reconciler {__version__}, parts 1\n".encode()
"""The first line of every task and every answer."""

T = TypeVar("T")

# The events name these types only for type checking (see site_results.py); the codec needs them to read events.
vars(site_results).update(
    {kind.__name__: kind for kind in (DriftReport, Plan, PlanTally, Reached, SiteLedger, UnseenPosts)},
    GoingOut=GoingOut,
    ProgressEvent=ProgressEvent,
)


class OtherVersion(Exception):
    """The other side runs another version of this program: its messages are not decoded."""


# --- the task --------------------------------------------------------------------------------------


class ProjectValues(Struct, frozen=True):
    """What a worker needs to know about a project; the sites are sent separately."""

    root: str
    credentials: tuple[tuple[str, CredentialRef], ...]
    approvals: str
    requests_per_minute: int
    poll_interval: timedelta
    poll_timeout: timedelta
    policy: Policy
    committed: bool
    stamp: Stamp = None


class Setup(Struct, frozen=True):
    """What a worker needs for any part of a run.

    `api` and `state` are locations (`state` is not relative); `parallelism` is this worker's share; `commit` is what
    git has checked out.
    """

    project: ProjectValues
    api: str
    state: str
    parallelism: int
    commit: str | None
    files: bool = True
    """Whether the worker has the project's files at the same place as the run, to read approvals from them."""
    where: str = ""
    """What to append to a `reconciler state` command so that it finds the run's state."""


class Planning(Variant, frozen=True):
    """The job of planning the sites of a part."""

    context: RunContext


class Auditing(Variant, frozen=True):
    """The job of auditing the sites of a part."""

    context: RunContext


class Preparing(Variant, frozen=True):
    """The job of planning a part's sites for an apply.

    It resolves unconfirmed calls, and refuses sites that another run holds.
    """

    context: RunContext
    lock_timeout: timedelta


class Checking(Variant, frozen=True):
    """The job of checking the sites of a part of a saved plan. `moved` and `again` are as in `engine.check_plan`.

    A site whose file is gone has only a plan.
    """

    context: RunContext
    lock_timeout: timedelta
    moved: bool
    again: bool
    plans: tuple[Plan, ...]


class Applying(Variant, frozen=True):
    """The job of carrying out the plans of a part. Its results are kept in the state, under the name of the `run`."""

    context: RunContext
    lock_timeout: timedelta
    allow_publish: bool
    run: str
    part: int
    spare: Spare = Spare()
    """What the sites of the part may delete and discard beyond their plans."""


Job: TypeAlias = Planning | Auditing | Preparing | Checking | Applying


class SiteValues(Struct, frozen=True):
    """A site as its file declares it; `desired` is None for one with `problems` of its own."""

    name: SiteName
    id: str
    labels: Labels
    desired: DesiredSite | None
    problems: tuple[Diagnostic, ...]
    file: str = ""
    stamp: Stamp = None


class Ready(Variant, frozen=True):
    """A site with something to do: its plan, and the record that the plan was made from."""

    planned: SitePlanned
    recorded: RecordedSite
    approvers: Approvers | None = ()
    """Who approved which post, if the worker has no files to check; None if its files are not as in a commit."""
    forbidden: Diagnostic | None = None
    """Why nothing may be published on the site, if the worker has no files to check."""


class Task(Variant, frozen=True):
    """A part of a run."""

    setup: Setup
    job: Job
    sites: tuple[SiteValues, ...]


class TrustValues(Struct, frozen=True):
    """What was allowed from outside the repository; the environment is the worker's own."""

    api: str | None
    state: str | None
    hosts: frozenset[str]
    paths: tuple[str, ...]
    commands: bool
    require_approval: bool
    committed: bool
    home: str | None


class FilesTask(Variant, frozen=True):
    """Some site files to read. `content` is that of the project `file`, as the run read it."""

    root: str
    file: str | None
    content: bytes
    trust: TrustValues
    files: tuple[str, ...]


# --- the answer ------------------------------------------------------------------------------------


Reported: TypeAlias = SiteStarted | Progressed | Notice
"""What is reported about a site while it is worked on."""


class StaleAction(Struct, frozen=True):
    """What no longer holds in a saved plan at a site."""

    site: SiteName
    address: str
    problem: Diagnostic

    def order(self) -> tuple[str, str]:
        """The key for the order in which they are reported."""
        return self.site, self.address


class StaleSite(Variant, frozen=True, tag="stale-planned"):
    """A site of a saved plan that may not be carried out any more."""

    planned: SitePlanned
    stale: tuple[StaleAction, ...]


class Kept(Struct, frozen=True):
    """The result of a site whose plan was carried out, and what was reported about it."""

    reported: tuple[Reported, ...]
    outcome: SiteApplied | SiteFailed


class SoFar(Struct, frozen=True):
    """What has been reported so far about the sites of a part in progress."""

    reported: tuple[SiteStarted | Progressed, ...]


REPORT_EVERY: Final = 2.0
"""Seconds after which a worker sends a `SoFar` again, and its run looks for one again."""


class PackedValues(Struct, frozen=True):
    """A site in a file that was read: the entry, with the site as packed `data`."""

    name: SiteName
    labels: Labels
    below: str
    data: bytes
    problems: tuple[Diagnostic, ...]
    without_approval: bool


class FilesValues(Struct, frozen=True):
    """Site files that were read; all the packed sites share `sample`."""

    sample: bytes
    sites: tuple[PackedValues, ...]
    warnings: tuple[Diagnostic, ...]
    content: bytes
    taken: dict[str, dict[str, Place]]


SiteOutcome: TypeAlias = SitePlanned | StaleSite | AuditedSite | Ready | SiteFailed


class PartResult(Struct, frozen=True):
    """The result of a part: what was reported, and the result of each site, in order.

    `problem` says why there is no result; it concerns more than the part.
    """

    reported: tuple[Reported, ...] = ()
    outcomes: tuple[SiteOutcome, ...] = ()
    problem: Diagnostic | None = None
    files: FilesValues | None = None
    """The files that were read, if that was the task and nothing is wrong with them."""
    clock_ahead: float | None = None
    """How many seconds the worker's clock is ahead of the remote side's; None if that is not known."""


# --- values <-> bytes ------------------------------------------------------------------------------


def to_bytes(message: Task | FilesTask | PartResult | Kept | SoFar, ready: Iterable[Ready] = ()) -> bytes:
    """A task or an answer in the form that is sent; `ready`: what a task is to carry out, for each of its sites."""
    data = io.BytesIO(HEADER + to_json(message))
    data.seek(0, io.SEEK_END)
    for site in ready:
        data.write(b"\n" + to_json(site))
    return data.getvalue()


def from_bytes(kind: type[T], data: bytes) -> T:
    """A task or an answer that was received. Raises OtherVersion and Malformed."""
    if not data.startswith(HEADER):
        raise OtherVersion
    start, end = _line(data, len(HEADER))
    return from_json(kind, data[start:end])


def ready_in(data: bytes) -> Iterator[Ready]:
    """What a task is to carry out, for each of its sites. Raises Malformed."""
    _, end = _line(data, len(HEADER))
    while end < len(data):
        start, end = _line(data, end + 1)
        yield from_json(Ready, data[start:end])


def _line(data: bytes, start: int) -> tuple[int, int]:
    """The start and the end of the line that starts at `start`."""
    end = data.find(b"\n", start)
    return start, len(data) if end < 0 else end


def planned_in(data: bytes) -> SitePlanned:
    """A planned site that was kept as JSON."""
    return from_json(SitePlanned, data)


def task_of(data: bytes) -> Task | FilesTask:
    """A task of either kind that was received. Raises OtherVersion and Malformed."""
    either: Any = Task | FilesTask
    task: Task | FilesTask = from_bytes(either, data)
    return task


def project_values(project: ProjectConfig) -> ProjectValues:
    """What a worker needs to know about a project."""
    return ProjectValues(
        str(project.root),
        tuple(project.credentials.items()),
        project.approvals,
        project.requests_per_minute,
        project.poll_interval,
        project.poll_timeout,
        project.policy,
        project.trust.committed,
        project.stamp,
    )


def project_of(values: ProjectValues, environ: Mapping[str, str]) -> ProjectConfig:
    """The project on a worker. Its child processes get the worker's own environment without secrets."""
    return ProjectConfig(
        root=Path(values.root),
        credentials=dict(values.credentials),
        approvals=values.approvals,
        requests_per_minute=values.requests_per_minute,
        poll_interval=values.poll_interval,
        poll_timeout=values.poll_timeout,
        policy=values.policy,
        trust=Trust(committed=values.committed, environment=tuple(sorted(clean_environment(environ).items()))),
        stamp=values.stamp,
    )


def files_task(project: ProjectConfig, files: Sequence[Path]) -> FilesTask:
    """The task of reading some site files of a project."""
    trust = project.trust
    return FilesTask(
        str(project.root),
        str(project.file) if project.file is not None else None,
        project.content,
        TrustValues(
            trust.api,
            trust.state,
            trust.hosts,
            tuple(map(str, trust.paths)),
            trust.commands,
            trust.require_approval,
            trust.committed,
            str(trust.home) if trust.home is not None else None,
        ),
        tuple(map(str, files)),
    )


def project_in(task: FilesTask, environ: Mapping[str, str]) -> ProjectConfig:
    """The project whose files are to be read, on a worker. Raises InvalidProject."""
    values = task.trust
    trust = Trust(
        api=values.api,
        state=values.state,
        hosts=values.hosts,
        paths=tuple(map(Path, values.paths)),
        commands=values.commands,
        require_approval=values.require_approval,
        committed=values.committed,
        environment=tuple(sorted(clean_environment(environ).items())),
        home=Path(values.home) if values.home is not None else None,
    )
    return project_of_content(Path(task.root), Path(task.file) if task.file is not None else None, task.content, trust)


def files_values(found: FilesRead) -> FilesValues:
    """Files that were read, in the form that is sent."""
    packed = [(entry, entry.kept) for entry in found.entries if isinstance(entry.kept, PackedSite)]
    return FilesValues(
        packed[0][1].sample if packed else b"",
        tuple(
            PackedValues(entry.name, entry.labels, entry.below, kept.data, entry.problems, entry.without_approval)
            for entry, kept in packed
        ),
        found.warnings,
        found.content,
        found.taken,
    )


def files_read(values: FilesValues) -> FilesRead:
    """Files that were read, as received."""
    entries = tuple(
        SiteEntry(
            site.name,
            site.labels,
            site.below,
            PackedSite(values.sample, site.data),
            site.problems,
            site.without_approval,
        )
        for site in values.sites
    )
    return FilesRead(entries, values.warnings, values.content, values.taken)


def site_values(entry: SiteEntry) -> SiteValues:
    """A site in the form that is sent."""
    desired, details = None if entry.problems else entry.load(), entry.kept.details
    path = entry.below + details.place.file
    return SiteValues(entry.name, details.id, entry.labels, desired, entry.problems, path, details.stamp)


def entry_of(site: SiteValues) -> SiteEntry:
    """A site on a worker. Its file is only used to see whether it was changed."""
    place = site.desired.place if site.desired is not None else Place("")
    # A site without a value has problems, and is never unpacked.
    kept = KeptSite(Details(site.id, place, site.stamp), site.desired)  # type: ignore[arg-type]
    below = site.file.removesuffix(place.file)
    return SiteEntry(site.name, site.labels, below, kept, site.problems)
