"""`doctor`: what of a project, its environment and its sites works, and what to do about the rest. Reads sites alone.

An error stops plan or apply. A warning is for a person: a channel to connect, a site to publish.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.config.discovery import absolute_path, shown_path
from reconciler.config.new_files import write_file
from reconciler.config.secrets import resolve
from reconciler.config.sites import SiteEntry
from reconciler.engine.examined_project import Findings, examine_environment, examine_git, finding
from reconciler.engine.fleet import Turn, named_by_file, over_sites
from reconciler.engine.known_reader import KnownReader
from reconciler.engine.plan import judged
from reconciler.engine.probe import probe, questions
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import (
    ApiKind,
    DoctorCompleted,
    Emit,
    Phase,
    PhaseStarted,
    ProjectExamined,
    SiteExamined,
    SiteFailed,
)
from reconciler.engine.selection import Selection
from reconciler.engine.session import RunContext, Session, begin, plan_options
from reconciler.executor.observe import merged, observe_and_plan
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, Severity, UsageError
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.sites import ChannelStatus, DesiredSite, Need, ObservedSite, RecordedSite, SiteRef
from reconciler.planner.candidates import SUPPORTED_CHANNELS
from reconciler.planner.doubt import with_known_status
from reconciler.state.examination import examine_store

ACCOUNT: Final = SiteName("account")

LARGEST_SKEW: Final = 60.0
"""Seconds by which two clocks may differ before times of locks and posts are no longer what they seem."""

SHORT_HORIZON: Final = timedelta(days=7)
"""A marketing plan with fewer days left is named: it spans two months at most (D 6.2), and ends without a word."""

STOPPING: Final = frozenset({ErrorKind.UNAUTHENTICATED, ErrorKind.NOT_FOUND, ErrorKind.NETWORK, ErrorKind.REDIRECT})
"""After one of these no other read of the site would end otherwise."""


async def examine(
    session: Session[ReadClient],
    selection: Selection,
    environ: Mapping[str, str],
    emit: Emit,
    *,
    strict: bool = False,
    probe_to: Path | None = None,
) -> DoctorCompleted:
    """Examines a project and the sites of a selection. `environ` are the variables of the run; `probe_to` is where the
    recording goes of what the first site settles of the facts that are only inferred."""
    begin("doctor", selection, emit, session)
    totals = _Totals()
    unusable = await _project(session, selection, environ, emit, totals)
    emit(PhaseStarted(Phase.EXAMINING, len(selection)))
    async for result in examinations(session, selection, emit, unusable):
        totals.add(result)
        emit(result)
    if session.api.kind is not ApiKind.SANDBOX:
        skew = _clock(session.client.clock_ahead)
        totals.count(skew.findings)
        emit(skew)
    if probe_to is not None and selection.entries:
        await _probe(session, selection.entries[0], probe_to, emit, totals)
    completed = DoctorCompleted(len(selection), totals.errors, totals.warnings, totals.notes, strict)
    emit(completed)
    return completed


async def _project(
    session: Session[ReadClient], selection: Selection, environ: Mapping[str, str], emit: Emit, totals: _Totals
) -> frozenset[str]:
    """Examines what is no site. The names of the credentials that cannot be used."""
    project = session.project
    found = Findings()
    unusable: set[str] = set()
    if session.api.kind is ApiKind.SANDBOX:
        found.fact("credentials", "none needed: the sandbox takes any")
    else:
        for name in sorted(_credentials_of(session, selection)):
            try:
                resolve(project.credentials[name], environ)
                found.fact("credentials", f"{name}: found")
            except UsageError as error:
                unusable.add(name)
                found.add(finding("credentials-missing", f"credentials {name}: {error}", ""))
        examine_environment(environ, found)
    examine_git(project, found)
    place = session.store.store.place("x").removesuffix("x").rstrip("/")
    place = place if "://" in place else shown_path(Path(place))
    state = await examine_store(session.store.store, place)
    found.fact("state", state.words)
    found.findings += state.findings
    if project.account is not None and project.account.credentials not in unusable:
        await _account(session, selection, found)
    emit(found.project())
    totals.count(found.findings)
    return frozenset(unusable)


async def _probe(session: Session[ReadClient], entry: SiteEntry, file: Path, emit: Emit, totals: _Totals) -> None:
    """Settles what a read can settle at one site, and records it."""
    found = Findings()
    try:
        verdicts, cassette = await probe(session.client, entry.load().ref, session.clock.now())
        write_file(absolute_path(file), cassette.text())
        questions(verdicts, found.fact)
        for verdict in verdicts:
            if verdict.holds is False:
                what = f"remote-api.md {verdict.section}: {verdict.question} does not hold ({verdict.found})"
                found.add(finding("probe-differs", what, f"report it, with {shown_path(file)}", Severity.NOTE))
        found.fact("recorded", f"{len(cassette.exchanges)} requests in {shown_path(file)}, without texts and ids")
    except ApiError as error:
        found.add(diagnostic_of(error, entry.name))
    totals.count(found.findings)
    emit(found.project())


def _credentials_of(session: Session[ReadClient], selection: Selection) -> set[str]:
    names = {entry.load().ref.credentials for entry in selection.entries if not entry.problems}
    account = session.project.account
    return (names | {account.credentials} if account else names) & set(session.project.credentials)


async def _account(session: Session[ReadClient], selection: Selection, found: Findings) -> None:
    """Whether the account's sites can be listed, and which of them no file declares."""
    account = session.project.account
    assert account is not None
    try:
        listed = await session.client.endpoints.sites(SiteRef(ACCOUNT, account.id, account.credentials))
    except ApiError as error:
        found.add(Diagnostic("account-unreadable", error.problem(), error.advice(), request_id=error.request_id))
        return
    undeclared = sum(site.id.lower() not in (selection.declared or ()) for site in listed)
    found.fact("account", f"{len(listed)} sites, {undeclared} of them not declared in a file")
    if undeclared:
        what = f"{undeclared} of the account's {len(listed)} sites are in no file"
        found.add(finding("undeclared-sites", what, "`reconciler import --all` writes files for them", Severity.NOTE))


def _clock(ahead: float | None) -> ProjectExamined:
    """How far our clock is from the remote side's."""
    found = Findings()
    if ahead is None:
        found.fact("clock", "the remote side did not say what time it is")
    else:
        way = "ahead of" if ahead > 0 else "behind"
        found.fact("clock", f"{abs(ahead):.0f} s {way} the remote side's")
        if abs(ahead) > LARGEST_SKEW:
            what = f"this machine's clock is {abs(ahead):.0f} s {way} the remote side's"
            fix = "set the clock (NTP): times of posts and locks depend on it"
            found.add(finding("clock-skew", what, fix, Severity.WARNING))
    return found.project()


# --- sites -----------------------------------------------------------------------------------------


def examinations(
    session: Session[ReadClient],
    selection: Selection,
    emit: Emit = lambda _: None,
    unusable: frozenset[str] = frozenset(),
) -> AsyncIterator[SiteExamined | SiteFailed]:
    """What was found of each site, in the order of the files."""

    async def work(entry: SiteEntry, turn: Turn) -> SiteExamined:
        desired = entry.load()
        found = Findings()
        if desired.ref.credentials in unusable:
            found.fact("site", f"not read: its credentials {desired.ref.credentials} cannot be used")
        else:
            await _Site(session, desired, found).examine()
        return SiteExamined(entry.name, tuple(found.facts), tuple(found.findings), entry.labels, turn.seconds)

    return over_sites(
        selection.entries, work, named=named_by_file, at_once=session.parallelism, emit=emit, debug=session.debug
    )


class _Site:
    """The examination of one site."""

    def __init__(self, session: Session[ReadClient], desired: DesiredSite, found: Findings) -> None:
        self.session = session
        self.desired = desired
        self.found = found
        self.observed = ObservedSite(desired.ref, session.clock.now())
        self.denied = False

    async def examine(self) -> None:
        """Reads what there is to know, and judges it."""
        recorded = await self.session.store.load(self.desired.ref)
        if not await self._read(Need.SETTINGS):
            return
        self.found.fact("key", "accepted; it may manage the marketing plan")
        await self._read(Need.MARKETING_PLAN)
        await self._read(Need.PUBLISHED)
        await self._read(Need.PROPERTIES)
        self._published()
        if self.observed.time_zone is None:
            fix = "set it in the dashboard, or give the key the permission to read site properties; UTC is taken"
            self.found.add(finding("no-time-zone", "the site's time zone cannot be read", fix, Severity.NOTE))
        else:
            self.found.fact("time zone", self.observed.time_zone)
        if self.desired.events is not None and await self._read(Need.EVENTS):
            self.found.fact("events", f"{len(self.observed.events or ())} in the calendar")
        self._marketing_plan(recorded)
        if self.desired.schedule is not None or self.desired.expect.channels:
            await self._publishing()
        self._record(recorded)
        await self._refusals(recorded)

    async def _read(self, need: Need, channels: tuple[str, ...] = ()) -> bool:
        """Reads a part; why it cannot be read is a finding. Whether it was."""
        reader = self.session.client.reader()
        try:
            read = await reader.read(self.desired.ref, frozenset({need}), channels=channels)
        except ApiError as error:
            if not (self.denied and error.kind in STOPPING):
                self.found.add(diagnostic_of(error, self.desired.ref.name))
            self.denied = True
            return False
        self.observed = merged(self.observed, read)
        return True

    def _published(self) -> None:
        match self.observed.published:
            case True:
                self.found.fact("published", "yes")
            case False:
                fix = "publish it in the dashboard; nothing is generated for it until then"
                self.found.add(finding("not-published", "the site is not published", fix, Severity.WARNING))
            case None:
                fix = "give the key the permission SITE_URLS.READ; a site that is not published makes no posts"
                what = "whether the site is published cannot be read"
                self.found.add(finding("published-unknown", what, fix, Severity.NOTE))

    def _marketing_plan(self, recorded: RecordedSite) -> None:
        live = with_known_status(self.observed, recorded).marketing_plan
        if live is None:
            return
        now = self.session.clock.now()
        ahead = [activity.date for activity in live.activities if activity.date > now]
        self.found.fact("marketing plan", _plan_words(live, ahead, now))
        if live.status is PlanStatus.ACTIVE and self.desired.marketing_plan is not None:
            left = max(ahead, default=now) - now
            if left < SHORT_HORIZON:
                what = f"the marketing plan has activities for {left.days} more days only"
                fix = f"`reconciler apply --regenerate {self.desired.ref.name}` makes the next ones"
                self.found.add(finding("short-horizon", what, fix, Severity.WARNING))
        elif live.status in (PlanStatus.INACTIVE, PlanStatus.FAILED) and self.desired.marketing_plan is not None:
            what, fix = f"the marketing plan is {live.status}", "`reconciler apply` generates it again"
            self.found.add(finding("plan-not-active", what, fix, Severity.NOTE))

    async def _publishing(self) -> None:
        """Channels, features and quotas, where posts are to go out."""
        schedule = self.desired.schedule
        rules = schedule.rules if schedule is not None else ()
        named = {channel for rule in rules for channel in rule.channels} | set(self.desired.expect.channels)
        asked = tuple(sorted(named | (set(SUPPORTED_CHANNELS) if any(not rule.channels for rule in rules) else set())))
        if asked and await self._read(Need.CHANNELS, asked):
            self._channels(frozenset(named))
        if rules and await self._read(Need.FEATURES):
            self._features()

    def _channels(self, named: frozenset[str]) -> None:
        connected = [channel for channel, status in self.observed.channels if status is ChannelStatus.VALID]
        others = [
            f"{channel} {status.lower().replace('_', ' ')}"
            for channel, status in self.observed.channels
            if status is not ChannelStatus.VALID and (channel in named or status is not ChannelStatus.NEVER_CREATED)
        ]
        self.found.fact("channels", "; ".join((", ".join(connected) or "none connected", *others)))
        if not connected and not named:
            fix = "connect one in the site's dashboard; nothing can go out until then"
            self.found.add(finding("no-channel", "no channel is connected", fix, Severity.WARNING))
        for channel, status in self.observed.channels:
            if channel in named and status is ChannelStatus.UNKNOWN:
                what = f"whether {channel} is connected cannot be read"
                fix = "give the key the permission Manage Social Posts (SCOPE.PROMOTE.MANAGE-SOCIAL-POSTS)"
                self.found.add(finding("channel-unknown", what, fix, Severity.NOTE))
            elif channel in named and status is not ChannelStatus.VALID:
                what, fix = f"{channel} is not connected ({status})", f"connect {channel} in the site's dashboard"
                self.found.add(finding("channel-not-connected", what, fix, Severity.WARNING))

    def _features(self) -> None:
        for feature in self.observed.features or ():
            left = "" if feature.remaining is None else f", {feature.remaining} of {feature.limit} left"
            period = f" ({feature.period.lower()})" if left and feature.period else ""
            self.found.fact(feature.type, ("included" if feature.enabled else "not included") + left + period)
            if not feature.enabled:
                what = f"the site's premium plan does not include {feature.type}"
                self.found.add(finding("feature-missing", what, "take one that does", Severity.WARNING))
            elif feature.remaining == 0:
                what = f"nothing of {feature.type} is left"
                fix = "wait for the next period, or take a larger premium plan"
                self.found.add(finding("quota-exhausted", what, fix, Severity.WARNING))

    def _record(self, recorded: RecordedSite) -> None:
        name = self.desired.ref.name
        self.found.fact("state", "known" if recorded.is_known else "not known yet: the first apply makes it so")
        if recorded.open:
            what = f"an earlier run left {len(recorded.open)} unconfirmed calls"
            fix = f"the next apply looks what became of them; `reconciler state show {name}` names them"
            self.found.add(finding("unconfirmed-calls", what, fix, Severity.WARNING))

    async def _refusals(self, recorded: RecordedSite) -> None:
        """What would stop a plan of the site."""
        if self.denied:
            return
        options = plan_options(self.session, RunContext(), self.desired.ref.name)
        reader = KnownReader(self.session.client.reader(), self.observed)
        observed, plan = await observe_and_plan(reader, self.desired, recorded, options)
        plan, _ = judged(self.session, RunContext(), self.desired, observed, plan)
        for refusal in plan.refusals:
            self.found.add(refusal)


def _plan_words(live: MarketingPlan, ahead: list[datetime], now: datetime) -> str:
    if live.status is not PlanStatus.ACTIVE or not ahead:
        return str(live.status)
    count = "1 activity" if len(ahead) == 1 else f"{len(ahead)} activities"
    return f"{live.status}, {count} until {max(ahead):%Y-%m-%d} ({(max(ahead) - now).days} days)"


class _Totals:
    """What is kept of all findings: numbers."""

    def __init__(self) -> None:
        self.errors = self.warnings = self.notes = 0

    def add(self, result: SiteExamined | SiteFailed) -> None:
        """One site more."""
        self.count(result.problems if isinstance(result, SiteFailed) else result.findings)

    def count(self, findings: tuple[Diagnostic, ...] | list[Diagnostic]) -> None:
        """Findings of a site, or of the project."""
        self.errors += sum(found.severity is Severity.ERROR for found in findings)
        self.warnings += sum(found.severity is Severity.WARNING for found in findings)
        self.notes += sum(found.severity is Severity.NOTE for found in findings)
