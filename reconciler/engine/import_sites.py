"""`import`: writes site files from live sites. Only reads the sites, and checks that their plans are then empty.

Only what was set by hand is declared. If it is not certain that something is the site's own, it is left out and
reported: what is not declared is left alone. Each file is written when its site is read, so an interrupted run
continues where it stopped: a site that a file already declares is left alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.config.discovery import shown_path
from reconciler.config.event_text import DeclarableEvents, declarable_events, declares_events, event_lines
from reconciler.config.new_files import place_of, read_one_site, write_file
from reconciler.config.project import ProjectConfig
from reconciler.config.site_text import NewSite, declared_settings, merged_fields, new_site_text
from reconciler.config.sites import SiteIndex
from reconciler.engine.adoption_results import Import, ImportCompleted, SiteImported
from reconciler.engine.fleet import Turn, over_sites
from reconciler.engine.known_reader import KnownReader
from reconciler.engine.lift_defaults import lift_defaults
from reconciler.engine.live_sites import Found, Wanted, check_wanted, inherited_credentials, live_sites
from reconciler.engine.plan import judged
from reconciler.engine.results import Emit, Notice, Phase, PhaseStarted, RunStarted
from reconciler.engine.run_context import RunContext
from reconciler.engine.scheduled_outside import approve_as_they_are, scheduled_posts
from reconciler.engine.session import Session, plan_options
from reconciler.engine.site_results import SiteFailed
from reconciler.executor.observe import observe_and_plan
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.plurals import plural
from reconciler.model.settings import MarketingSettings
from reconciler.model.sites import DesiredSite, Need, ObservedSite, RecordedSite
from reconciler.model.text import printable
from reconciler.planner.actions import Plan
from reconciler.planner.doubt import with_known_status
from reconciler.planner.events import own_events
from reconciler.planner.tally import tally_of
from reconciler.planner.targets import SiteLabels

FIRST_READ: Final = frozenset({Need.SETTINGS, Need.MARKETING_PLAN, Need.EVENTS})

Made: TypeAlias = dict[Path, tuple[NewSite, str | None]]
"""The files that a run has created: what each says, and where its schema is."""


async def import_sites(session: Session[ReadClient], index: SiteIndex, wanted: Wanted, emit: Emit) -> ImportCompleted:
    """Imports sites into the project.

    Raises UsageError for what is wrong with the run as a whole, and ApiError if the account's sites cannot be
    listed.
    """
    project = session.project
    check_wanted(project, wanted)
    emit(PhaseStarted(Phase.LISTING, 0))
    found, failed = await live_sites(session, index, wanted)
    sites = len(found) + len(failed)
    emit(RunStarted("import", project.root.name, sites, sites, session.api, session.commit))
    emit(PhaseStarted(Phase.IMPORTING, sites))
    totals = Totals()
    made: Made = {}
    for nameless in failed:
        totals.add(nameless)
        emit(nameless)
    async for result in imports(session, found, emit, made):
        totals.add(result)
        emit(result)
    if wanted.lift and totals.failed:
        why = "some sites are missing, so nothing was moved into defaults"
        emit(Notice(Diagnostic("nothing-shared", why, "run the command again", Severity.WARNING)))
    elif wanted.lift:
        emit(Notice(lift_defaults(project, made)))
    completed = totals.completed()
    emit(completed)
    return completed


# --- one site --------------------------------------------------------------------------------------


def imports(
    session: Session[ReadClient], found: Sequence[Found], emit: Emit = lambda _: None, made: Made | None = None
) -> AsyncIterator[SiteImported | SiteFailed]:
    """What happened to each site, in order; a site that cannot be read says why. `made` receives the new files."""
    made = {} if made is None else made

    async def work(site: Found, turn: Turn) -> SiteImported:
        if site.declared_in:
            return SiteImported(site.name, site.id, Import.DECLARED, site.declared_in, seconds=turn.seconds)
        return await _import(session, site, turn, made)

    return over_sites(
        found,
        work,
        named=lambda site: SiteLabels(site.name, ()),
        at_once=session.parallelism,
        emit=emit,
        debug=session.debug,
    )


async def _import(session: Session[ReadClient], site: Found, turn: Turn, made: Made) -> SiteImported:
    path = place_of(session.project, site.name)
    recorded = await session.store.load(site.ref)
    observed = with_known_status(await session.client.reader().read(site.ref, FIRST_READ), recorded)
    notes: list[Diagnostic] = []
    new = await _new_site(session, site, observed, recorded, notes)
    if new.scheduled:
        observed = await approve_as_they_are(session, site.ref, observed)
    schema = _schema_for(session.project, path)
    write_file(path, new_site_text(new, schema))
    made[path] = (new, schema)
    desired = read_one_site(session.project, path, site.id)
    plan = await plan_now(session, desired, observed, recorded)
    changes = tally_of(plan).changes
    if changes or plan.refusals:
        notes.append(plan_not_empty(site.name, plan, changes))
    return SiteImported(
        site.name,
        site.id,
        Import.CREATED,
        shown_path(path),
        changes or len(plan.refusals),
        new.scheduled,
        tuple(notes),
        seconds=turn.seconds,
    )


async def _new_site(
    session: Session[ReadClient],
    site: Found,
    observed: ObservedSite,
    recorded: RecordedSite,
    notes: list[Diagnostic],
) -> NewSite:
    """The site file that describes a site as it is. What a file cannot express goes into `notes`."""
    project, live = session.project, observed.marketing_plan
    assert live is not None
    under = merged_fields(defaults.layer.value for defaults in project.defaults if defaults.applies({}))
    settings, unsaid = declared_settings(observed.settings or MarketingSettings(), under)
    notes += [left_out(site.name, path, "a site file cannot express its value") for path in unsaid]
    events, unsure = await _events(session, site, observed, recorded, notes)
    active = live.status is PlanStatus.ACTIVE
    if not active and live.status is not PlanStatus.NEVER_CREATED:
        notes.append(_no_plan(site, live))
    return NewSite(
        site.name,
        site.id,
        site.title,
        site.url,
        None if site.credentials == inherited_credentials(project) else site.credentials,
        settings,
        events=tuple(event_lines(events if events.events or _defaults_have_events(project) else None, unsure)),
        marketing_plan=active,
        scheduled=sum(len(activity.drafts) for activity in scheduled_posts(live)),
        approvals=shown_below(project, project.approvals_file(site.name)),
    )


async def plan_now(
    session: Session[ReadClient], desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite
) -> Plan:
    """What a plan made right now would do, from the file as it is and the site as it was just read."""
    reader = KnownReader(session.client.reader(), observed)
    options = plan_options(session, RunContext(), desired.ref.name)
    seen, plan = await observe_and_plan(reader, desired, recorded, options)
    return judged(session, RunContext(), desired, seen, plan)[0]


async def _events(
    session: Session[ReadClient], site: Found, observed: ObservedSite, recorded: RecordedSite, notes: list[Diagnostic]
) -> tuple[DeclarableEvents, DeclarableEvents]:
    """The events that are the site's own, and those that may not be.

    It is not documented which calendar is the site's own (remote-api.md 8.2): if there are several, including those
    that could be selected, an event may belong to a calendar that is only connected, and no event is declared.
    """
    found = declarable_events(own_events(observed.events or (), recorded), session.clock.now())
    why = "a site file cannot express it, or another event has the same name"
    notes += [left_out(site.name, f'event "{printable(name)}"', why) for name in found.unsaid]
    if not found.events:
        return found, DeclarableEvents()
    calendars = {event.calendar_id for event in observed.events or () if event.calendar_id}
    count = len(calendars | await _calendars(session, site))
    if count <= 1:
        return found, DeclarableEvents()
    why = f"the site has {count:,} calendars, and the API does not say which one is its own"
    notes.append(left_out(site.name, plural(len(found.events), "event"), why, "the file lists them as comments"))
    return DeclarableEvents(), found


async def _calendars(session: Session[ReadClient], site: Found) -> set[str]:
    """The calendars that the site can select; none if that cannot be read."""
    try:
        return set(await session.client.endpoints.calendars(site.ref))
    except ApiError as error:
        if error.kind in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND):
            return set()
        raise


def _defaults_have_events(project: ProjectConfig) -> bool:
    return any(declares_events(defaults.layer.value) for defaults in project.defaults if defaults.applies({}))


# --- words and places ------------------------------------------------------------------------------


def left_out(site: SiteName, what: str, why: str, fix: str = "it stays on the site as it is") -> Diagnostic:
    """Reports that something on a live site is in no file, and why."""
    return Diagnostic("left-out", f"left out {what}: {why}", fix, Severity.WARNING, address=Address(site))


def _no_plan(site: Found, live: MarketingPlan) -> Diagnostic:
    why = f"the marketing plan is {printable(str(live.status))}, so the file leaves it out"
    is_over = live.status in (PlanStatus.INACTIVE, PlanStatus.FAILED)
    fix = f"write `marketingPlan: {{state: present}}` to {'have it generated' if is_over else 'manage it'}"
    return Diagnostic("no-active-plan", why, fix, Severity.NOTE, address=Address(site.name, Kind.MARKETING_PLAN))


def plan_not_empty(site: SiteName, plan: Plan, changes: int) -> Diagnostic:
    """Reports that a plan made right afterwards is not empty."""
    reason = plan.refusals[0].message if plan.refusals else f"a plan would still make {plural(changes, 'change')}"
    fix = "run `reconciler plan` to see what the file's rules or the project's defaults ask for"
    return Diagnostic("plan-not-empty", reason, fix, Severity.WARNING, address=Address(site))


def shown_below(project: ProjectConfig, path: Path) -> str:
    """A path as the project's files would write it."""
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path)


def _schema_for(project: ProjectConfig, path: Path) -> str | None:
    """Where an editor finds the schema of site files, if the project has it."""
    schema = project.root / "schemas" / "site.schema.json"
    if not schema.is_file():
        return None
    depth = len(path.relative_to(project.root).parts) - 1
    return "../" * depth + "schemas/site.schema.json"


# --- totals ----------------------------------------------------------------------------------------


class Totals:
    """Running totals over all sites."""

    def __init__(self) -> None:
        self.sites = self.failed = self.not_empty = self.not_empty_new = 0
        self.written = dict.fromkeys(Import, 0)

    def add(self, result: SiteImported | SiteFailed) -> None:
        """Adds a site."""
        self.sites += 1
        if isinstance(result, SiteFailed):
            self.failed += 1
            return
        self.written[result.written] += 1
        self.not_empty += bool(result.changes)
        self.not_empty_new += bool(result.changes) and result.written is Import.CREATED

    def completed(self) -> ImportCompleted:
        """The result, once all sites have been added."""
        return ImportCompleted(
            self.sites,
            self.written[Import.CREATED],
            self.written[Import.UPDATED],
            self.written[Import.UNCHANGED],
            self.written[Import.DECLARED],
            self.not_empty,
            self.not_empty_new,
            self.failed,
        )
