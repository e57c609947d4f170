"""`doctor`: what works in a project, its environment and its sites, and what to do about the rest. Only reads sites.

An error stops plan or apply. A warning is for a person to act on: a channel to connect, a site to publish.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError
from reconciler.config.discovery import absolute_path, shown_path
from reconciler.config.new_files import write_file
from reconciler.config.secrets import resolve
from reconciler.config.sites import SiteEntry
from reconciler.engine import facts
from reconciler.engine.adoption_results import DoctorCompleted, SiteExamined
from reconciler.engine.clock_skew import clock_skew
from reconciler.engine.examined_project import ProjectFindings, examine_environment, examine_git
from reconciler.engine.examined_site import SiteExamination
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.live_sites import ACCOUNT
from reconciler.engine.probe import probe
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import ApiKind, Emit, Phase, PhaseStarted
from reconciler.engine.selection import Selection, whole_sites
from reconciler.engine.session import Session, begin
from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import Address
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.plurals import plural
from reconciler.model.sites import SiteRef
from reconciler.state.examination import examine_store


async def examine(
    session: Session[ReadClient],
    selection: Selection,
    environ: Mapping[str, str],
    emit: Emit,
    *,
    strict: bool = False,
    probe_to: Path | None = None,
) -> DoctorCompleted:
    """Examines a project and the sites of a selection.

    `environ` are the run's environment variables. `probe_to` is where to record what the first site reveals about facts
    of the API that are only inferred. Raises UsageError for an address of an object.
    """
    whole_sites(selection, "doctor")
    begin("doctor", selection, emit, session)
    totals = _Totals()
    found, unusable = await _project(session, selection, environ)
    report = _Report(session, found, totals, emit)
    report.begin()
    emit(PhaseStarted(Phase.EXAMINING, len(selection)))
    try:
        async for result in examinations(session, selection, emit, unusable):
            report.add(result)
    finally:
        report.end()
    if probe_to is not None and selection.entries:
        await _probe(session, selection.entries[0], probe_to, emit, totals)
    completed = DoctorCompleted(len(selection), totals.errors, totals.warnings, totals.notes, strict)
    emit(completed)
    return completed


async def _project(
    session: Session[ReadClient], selection: Selection, environ: Mapping[str, str]
) -> tuple[ProjectFindings, frozenset[str]]:
    """Examines everything but the sites and the clock. Also returns the names of credentials that cannot be used."""
    project = session.project
    found = ProjectFindings()
    unusable: set[str] = set()
    if session.api.kind is ApiKind.SANDBOX:
        found.facts.append(facts.NoCredentialsNeeded())
    else:
        for name in sorted(_credentials_of(session, selection)):
            try:
                resolve(project.credentials[name], environ)
                found.facts.append(facts.CredentialsFound(name))
            except UsageError as error:
                unusable.add(name)
                found.add(Diagnostic("credentials-missing", f"credentials {name}: {error.message}", error.fix))
        examine_environment(environ, found)
    examine_git(project, found)
    place = session.store.store.place("x").removesuffix("x").rstrip("/")
    place = place if "://" in place else shown_path(Path(place))
    state = await examine_store(session.store.store, place)
    found.facts.append(facts.StateReached(place, state.exists, state.conditional))
    found.findings += state.findings
    if project.account is not None and project.account.credentials not in unusable:
        await _account(session, selection, found)
    return found, frozenset(unusable)


async def _probe(session: Session[ReadClient], entry: SiteEntry, file: Path, emit: Emit, totals: _Totals) -> None:
    """Probes one site, and writes the recording to a file."""
    found = ProjectFindings()
    try:
        verdicts, cassette = await probe(session.client, entry.load().ref, session.clock.now())
        write_file(absolute_path(file), cassette.text())
        for verdict in verdicts:
            found.facts.append(facts.Probed(verdict))
            if verdict.holds is False:
                assumed = f"`{verdict.probe}` (remote-api.md {verdict.section})"
                what = f"the assumption {assumed} does not hold on {entry.name}"
                fix = f"report it, and attach {shown_path(file)}"
                found.add(Diagnostic("probe-differs", what, fix, Severity.NOTE))
        found.facts.append(facts.ProbeRecorded(len(cassette.exchanges), shown_path(file)))
    except ApiError as error:
        found.add(diagnostic_of(error, entry.name))
    totals.count(found.findings)
    emit(found.project())


def _credentials_of(session: Session[ReadClient], selection: Selection) -> frozenset[str]:
    account = session.project.account
    used = selection.credentials() | ({account.credentials} if account else set())
    return used & set(session.project.credentials)


async def _account(session: Session[ReadClient], selection: Selection, found: ProjectFindings) -> None:
    """Whether the account's sites can be listed, and how many of them no file declares."""
    account = session.project.account
    assert account is not None
    try:
        listed = await session.client.endpoints.sites(SiteRef(ACCOUNT, account.id, account.credentials))
    except ApiError as error:
        found.add(replace(error.diagnostic(), code="account-unreadable"))
        return
    declared = selection.declared() if selection.declared is not None else ()
    undeclared = sum(site.id.lower() not in declared for site in listed)
    found.facts.append(facts.AccountListed(len(listed), undeclared))
    if undeclared:
        are, sites = "is" if undeclared == 1 else "are", plural(len(listed), "site")
        which = "the account's only site" if len(listed) == 1 else f"{undeclared:,} of the account's {sites}"
        what = f"{which} {are} not in any site file"
        found.add(
            Diagnostic("undeclared-sites", what, "`reconciler import --all` writes files for them", Severity.NOTE)
        )


def _clock(ahead: float | None, found: ProjectFindings) -> None:
    """How far the local clock is from the remote side's."""
    found.facts.append(facts.ClockAhead(ahead))
    if (skew := clock_skew(ahead)) is not None:
        found.add(skew)


MOST_HELD: Final = 100
"""At most this many sites that got no answer are held back."""


class _Report:
    """Reports the project, including the clock, before its sites.

    The clock is known only once there is an answer, so the first sites are held back until then.
    """

    def __init__(self, session: Session[ReadClient], found: ProjectFindings, totals: _Totals, emit: Emit) -> None:
        self._session = session
        self._project: ProjectFindings | None = found
        self._totals = totals
        self._emit = emit
        self._held: list[SiteExamined | SiteFailed] = []
        self._has_clock = session.api.kind is ApiKind.SANDBOX  # its clock is not compared

    def begin(self) -> None:
        """Reports the project if nothing more will be known about it."""
        if self._has_clock or self._session.client.answered:
            self._release()

    def add(self, result: SiteExamined | SiteFailed) -> None:
        """Takes the result of a site."""
        self._totals.add(result)
        self._held.append(result)
        if self._project is None or self._session.client.answered or len(self._held) > MOST_HELD:
            self._release()

    def end(self) -> None:
        """Reports what was held back."""
        if not self._has_clock and self._session.client.answered:
            self._project = self._project or ProjectFindings()
        self._release()

    def _release(self) -> None:
        if self._project is not None:
            if not self._has_clock and self._session.client.answered:
                self._has_clock = True
                _clock(self._session.client.clock_ahead, self._project)
            self._totals.count(self._project.findings)
            self._emit(self._project.project())
            self._project = None
        for result in self._held:
            self._emit(result)
        self._held.clear()


# --- sites -----------------------------------------------------------------------------------------


def examinations(
    session: Session[ReadClient],
    selection: Selection,
    emit: Emit = lambda _: None,
    unusable: frozenset[str] = frozenset(),
) -> AsyncIterator[SiteExamined | SiteFailed]:
    """What was found about each site, in the order of the files."""

    async def work(entry: SiteEntry, turn: Turn) -> SiteExamined:
        desired = entry.load()
        found = ProjectFindings()
        if desired.ref.credentials in unusable:
            found.facts.append(facts.NotRead(desired.ref.credentials))
        else:
            await SiteExamination(session, desired, found).examine()
        here = Address(entry.name)
        findings = tuple(replace(finding, address=finding.address or here) for finding in found.findings)
        return SiteExamined(entry.name, tuple(found.facts), findings, entry.labels, turn.seconds)

    return over_sites(
        selection.entries, work, named=named_by_file, at_once=session.parallelism, emit=emit, debug=session.debug
    )


class _Totals:
    """Running totals of all findings."""

    def __init__(self) -> None:
        self.errors = self.warnings = self.notes = 0

    def add(self, result: SiteExamined | SiteFailed) -> None:
        """Adds a site."""
        self.count(result.problems if isinstance(result, SiteFailed) else result.findings)

    def count(self, findings: tuple[Diagnostic, ...] | list[Diagnostic]) -> None:
        """Counts findings of a site, or of the project."""
        self.errors += sum(found.severity is Severity.ERROR for found in findings)
        self.warnings += sum(found.severity is Severity.WARNING for found in findings)
        self.notes += sum(found.severity is Severity.NOTE for found in findings)
