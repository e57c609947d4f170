"""Every way a run can end, as the events that a reporter is given: what every format must cope with."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache

from msgspec.structs import replace

from reconciler.engine.adoption_results import (
    DoctorCompleted,
    FilesChecked,
    Import,
    ImportCompleted,
    ProjectExamined,
    SiteExamined,
    SiteImported,
)
from reconciler.engine.facts import InTimeZone, ProxyUsed
from reconciler.engine.results import (
    Api,
    ApiKind,
    ApplyCompleted,
    Decided,
    DriftCompleted,
    Ended,
    Event,
    FilesInvalid,
    HistoryListed,
    Interrupted,
    Notice,
    PartsMerged,
    Phase,
    PhaseStarted,
    PlanCompleted,
    PlanLoaded,
    Refused,
    ReviewCompleted,
    RunFailed,
    RunStarted,
    Validated,
)
from reconciler.engine.site_results import (
    Progressed,
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    SiteStarted,
    Written,
)
from reconciler.engine.state_results import CallResolved, LockFound, LockRemoved, RecordChanged, StateListed, StateShown
from reconciler.engine.tool_results import (
    SandboxReady,
    SandboxReset,
    SandboxShown,
    SandboxStopped,
    SandboxView,
    SchemaShown,
    ScriptShown,
    StarterFile,
    StarterWritten,
    VersionShown,
)
from reconciler.executor.events import Started
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, tally_of
from reconciler.model.activities import Activity
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.model.events import CreateEvent, DesiredEvent
from reconciler.model.journal import OpenEntry
from reconciler.model.marketing_plan import Generate
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import PublishedPost, RecordedSite, SiteRef
from reconciler.model.verdict import Verdict, verdict_with
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import (
    Action,
    BlockedBy,
    GoingOut,
    InReview,
    Plan,
    Reason,
    RefusedBy,
    StillGoingOut,
    ToReview,
    blocked,
    refusal,
)
from reconciler.planner.drift_problem import with_problem
from reconciler.planner.drift_report import ChangedSide, DriftItem, DriftReport, DriftState, FieldDrift, Finding
from reconciler.planner.review import Review
from reconciler.planner.tally import tally_of as plan_tally
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.layout import Screen
from reconciler.reporters.registry import make
from reconciler.state.holder import Holder
from reconciler.state.lock_record import LockRecord
from reconciler.state.record import SiteLabel
from reconciler.state.repair import SiteState, StateSummary
from tests.planner.publishing_world import activity
from tests.planner.publishing_world import post as draft_post
from tests.reporters.review_world import review

AT = datetime(2026, 12, 3, 8, 30, tzinfo=UTC)
DIGEST = Digest("sha256:" + "41c9" * 16)
ACTIVITY, POST = ActivityId("b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30"), PostId("834dc801-3e5c-416a-bd14-b130a95d100e")

NOT_DONE = tuple(result for result in ActionResult if result is not ActionResult.DONE)

Say = Callable[[str], str]
"""A text from outside, beginning with a word by which it can be found again."""


def exits(code: int) -> Ended:
    """The last event of a run with this exit code."""
    return Ended(verdict_with(code))


class Run:
    """A command with its events. `words` are those that a format with room for everything shows, `problems` those
    that one with room for problems shows. `codes` are those of problems, which every format for machines shows."""

    def __init__(
        self,
        command: str,
        events: Iterable[Event],
        *,
        words: str = "",
        problems: str = "",
        codes: tuple[str, ...] = (),
    ) -> None:
        self.command = command
        self.codes = codes
        self.events = tuple(events)
        self.problems = tuple(problems.split())
        self.words = (*words.split(), *self.problems)


def a_lock(site: SiteName) -> LockRecord:
    """A lock that another run holds."""
    return LockRecord(SiteLabel("1", site), Holder("ci-7", 12, "ana", "token"), AT, AT)


def endings(say: Say) -> Iterator[tuple[str, Run]]:
    """Every ending, by name. `say` makes the texts that come from outside."""
    yield from _without_sites(say)
    yield from _plans(say)
    yield from _applies(say)
    yield from _others(say)
    yield from _adopting(say)
    yield from _tools(say)


# --- runs without a site ---------------------------------------------------------------------------


def _without_sites(say: Say) -> Iterator[tuple[str, Run]]:
    bad = (
        Diagnostic("invalid-file", say("w-message"), say("w-fix"), place=Place("sites/a.yaml", 3, 5)),
        Diagnostic("unreadable", say("w-other"), place=Place("sites/b.yaml")),
    )
    for command in ("validate", "plan", "apply", "drift", "review", "approve", "history", "state list", "show"):
        yield (
            f"{command} of bad files",
            Run(command, (FilesInvalid(bad), exits(1)), problems="w-message w-other sites/a.yaml sites/b.yaml"),
        )
    failed = RunFailed(Diagnostic("usage", say("w-usage")))
    yield "a usage error", Run("plan", (failed, exits(1)), problems="w-usage")
    yield (
        "a bug",
        Run("apply", (RunFailed(Diagnostic("bug", say("w-bug"), say("w-report"))), exits(1)), problems="w-bug"),
    )
    yield "interrupted at once", Run("drift", (Interrupted(), exits(130)))
    warned = Notice(Diagnostic("schema-missing", say("w-warn"), severity=Severity.WARNING, place=Place("a.yaml", 1, 1)))
    started = RunStarted("validate", "acme-sites", 40, 40)
    yield "valid files", Run("validate", (started, Validated(12, 40), exits(0)))
    yield (
        "valid files with a warning",
        Run("validate", (started, warned, Validated(12, 40), exits(0)), problems="w-warn"),
    )
    yield "merged reports", Run("merge", (PartsMerged(3, 40, Verdict.SUCCEEDED), exits(0)))
    yield "decided", Run("approve", (RunStarted("approve", "acme-sites", 1, 1), Decided(3, 1, 1, 4, 8, 9, 1), exits(0)))


# --- plans -----------------------------------------------------------------------------------------


def started(command: str) -> tuple[Event, ...]:
    api = Api(ApiKind.WIX, "wix", "www.wixapis.com")
    first = RunStarted(command, "acme-sites", 4, 223, api, "7d9c4ae0", (SiteName("free"),))
    return first, PhaseStarted(Phase.PLANNING, 4), SiteStarted(SiteName("shop"))


def full_plan(say: Say, site: str = "shop") -> Plan:
    """Actions of several classes, and everything that is not an action."""
    name = SiteName(site)

    def at(kind: Kind, key: str = "") -> Address:
        return Address(name, kind, key)

    actions = (
        Action(
            at(Kind.EVENT, say("w-event")),
            CreateEvent(DesiredEvent(say("w-event"), say("w-description"), AT, whole_day=True)),
            Reason.DECLARED,
        ),
        Action(
            at(Kind.SETTINGS),
            UpdateSettings((FieldChange("settings.toneOfVoice", say("w-before"), say("w-after")),)),
            Reason.DIFFERS,
        ),
        Action(at(Kind.MARKETING_PLAN), Generate(), Reason.NO_MARKETING_PLAN),
        Action(
            at(Kind.DRAFT, POST),
            SchedulePost(POST, ACTIVITY, "INSTAGRAM", DIGEST, AT, title=say("w-title")),
            Reason.APPROVED,
        ),
    )
    return Plan(
        SiteRef(name, "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"),
        actions,
        blocked=(
            blocked(at(Kind.DRAFT, "x"), BlockedBy.CHANNEL_NOT_CONNECTED, say("w-blocked"), say("w-blocked-fix")),
        ),
        to_review=(ToReview(at(Kind.DRAFT, "y"), PostId("y"), "FACEBOOK", say("w-waits"), InReview.PENDING),),
        notes=(Diagnostic.note("test", say("w-note")),),
        time_zone="Europe/Berlin",
    )


def planned(plan: Plan) -> SitePlanned:
    return SitePlanned(plan, plan_tally(plan), ("settings",), (("team", "emea"),), 1.25)


def unread(say: Say, site: str = "lost") -> SiteFailed:
    name = SiteName(site)
    problem = Diagnostic(
        "api-server-error", say("w-unread"), say("w-again"), address=Address(name), request_id="r-4711"
    )
    return SiteFailed(name, (problem,), seconds=0.5)


def _plans(say: Say) -> Iterator[tuple[str, Run]]:
    empty = planned(Plan(SiteRef(SiteName("calm"), "2")))
    full = planned(full_plan(say))
    expect = refusal(Address(SiteName("shop")), RefusedBy.EXPECT, say("w-expect"), say("w-fix"))
    refused = planned(Plan(SiteRef(SiteName("shop"), "1"), full.plan.actions, refusals=(expect,)))
    limit = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, say("w-limit"), say("w-raise"))
    shown = "settings w-event w-title w-after w-waits"
    begun = started("plan")
    yield "nothing to change", Run("plan", (*begun, empty, PlanCompleted(1), exits(0)))
    yield (
        "changes",
        Run("plan", (*begun, full, empty, PlanCompleted(2, full.tally), exits(2)), words=shown, problems="w-blocked"),
    )
    yield (
        "a site that cannot be read",
        Run(
            "plan",
            (*begun, full, unread(say), PlanCompleted(2, full.tally, failed=1), exits(1)),
            words=shown,
            problems="w-unread r-4711",
        ),
    )
    yield (
        "a refused site",
        Run(
            "plan", (*begun, refused, empty, PlanCompleted(2, refused.tally, refused=1), exits(4)), problems="w-expect"
        ),
    )
    yield (
        "a refused run",
        Run("plan", (*begun, full, PlanCompleted(1, full.tally, refusals=(limit,)), exits(4)), problems="w-limit"),
    )
    yield "interrupted while planning", Run("plan", (*begun, full, Interrupted(), exits(130)))
    failed = RunFailed(Diagnostic("usage", say("w-key")))
    yield "a missing key", Run("plan", (*begun, failed, exits(1)), problems="w-key")
    saved = PlanLoaded("7f", DIGEST, AT, AT + timedelta(hours=24), "0.1.0", "wix", spent_at=AT)
    yield "a saved plan", Run("show", (saved, full, PlanCompleted(1, full.tally), exits(0)), words=shown)


# --- applies ---------------------------------------------------------------------------------------


def ledger(say: Say, *results: ActionResult, site: str = "shop", error: Diagnostic | None = None) -> SiteLedger:
    plan = full_plan(say, site)
    entries = tuple(ended(action, result, say) for action, result in zip(plan.actions, results, strict=False))
    note = Diagnostic("no-posts", say("w-note"), severity=Severity.NOTE)
    return SiteLedger(plan.site, entries, (note,), error, interrupted=False)


def ended(action: Action, result: ActionResult, say: Say) -> Entry:
    """How an action ended: one that was not done has a code, a fix and a request of its own."""
    if result is ActionResult.DONE:
        return Entry(action.address, action.operation, result, request_id="r-9")
    problem = Diagnostic(f"c-{result}", say("w-detail"), say(f"w-fix-{result}"), request_id=f"r-{result}")
    return Entry.not_done(action.address, action.operation, result, problem)


def applied(say: Say, *ledgers: SiteLedger, plan: PlanCompleted, interrupted: bool = False) -> tuple[Event, ...]:
    results = frozenset(entry.result for found in ledgers for entry in found.entries)
    failed = sum(bool(found.error) for found in ledgers)
    done = ApplyCompleted(plan, tally_of(ledgers), len(ledgers), failed, 0, results, interrupted)
    first = full_plan(say).actions[1]
    progress = Progressed(SiteName("shop"), Started(first.address, first.operation))
    return (
        plan,
        PhaseStarted(Phase.APPLYING, len(ledgers)),
        progress,
        *(SiteApplied(found, seconds=3.5) for found in ledgers),
        done,
    )


def _applies(say: Say) -> Iterator[tuple[str, Run]]:
    begun, full = started("apply"), planned(full_plan(say))
    other = planned(full_plan(say, "other"))
    one = PlanCompleted(1, full.tally)
    done = ledger(say, *[ActionResult.DONE] * 4)
    yield (
        "applied",
        Run("apply", (*begun, full, *applied(say, done, plan=one), exits(0)), words="settings w-event"),
    )
    mixed = ledger(say, ActionResult.DONE, ActionResult.FAILED, ActionResult.PENDING, ActionResult.WITHHELD)
    rest = ledger(
        say,
        ActionResult.SKIPPED,
        ActionResult.UNKNOWN,
        ActionResult.NOT_STARTED,
        site="other",
        error=Diagnostic("state", say("w-given-up")),
    )
    two = PlanCompleted(3, full.tally + other.tally, failed=1)
    yield (
        "every result",
        Run(
            "apply",
            (*begun, full, other, unread(say), *applied(say, mixed, rest, plan=two), exits(1)),
            words="shop other settings",
            problems=f"w-unread w-given-up {' '.join(f'w-fix-{result} r-{result}' for result in NOT_DONE)}",
            codes=tuple(f"c-{result}" for result in NOT_DONE),
        ),
    )
    yield (
        "interrupted while applying",
        Run(
            "apply", (*begun, full, *applied(say, done, plan=one, interrupted=True), exits(143)), words="shop settings"
        ),
    )
    locked = SiteFailed(
        SiteName("other"), (Diagnostic("locked", say("w-locked"), address=Address(SiteName("other"))),), True
    )
    ended = ApplyCompleted(
        PlanCompleted(2, full.tally), tally_of((done,)), 2, refused=1, results=frozenset({ActionResult.DONE})
    )
    held = (
        *begun,
        full,
        other,
        ended.plan,
        PhaseStarted(Phase.APPLYING, 2),
        SiteApplied(done),
        locked,
        ended,
        exits(4),
    )
    yield "locked after the yes", Run("apply", held, words="shop settings", problems="w-locked")
    expect = refusal(Address(SiteName("shop")), RefusedBy.EXPECT, say("w-expect"), say("w-fix"))
    limit = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, say("w-limit"), say("w-raise"))
    refused = planned(Plan(SiteRef(SiteName("shop"), "1"), full.plan.actions, refusals=(expect,)))
    for name, site, plan, reason in (
        ("an apply that its only site refuses", refused, PlanCompleted(1, refused=1), expect),
        ("an apply that a limit refuses", full, PlanCompleted(1, full.tally, refusals=(limit,)), limit),
    ):
        events = (*begun, site, plan, Refused(reason), exits(4))
        yield name, Run("apply", events, problems=reason.message.split()[0])
    declined = Refused(Diagnostic("declined", say("w-declined")), more=2)
    yield "declined", Run("apply", (*begun, full, one, declined, exits(4)), problems="w-declined")
    left = StillGoingOut(
        Address(SiteName("shop"), Kind.DRAFT, POST),
        POST,
        "INSTAGRAM",
        say("w-left"),
        None,
        AT,
        Reason.WITHDRAWN,
        (),
        Diagnostic("not-applied", say("w-not-done"), say("w-by-hand")),
    )
    stopped = Interrupted(Phase.PLANNING, 1, 1, (GoingOut(left, "UTC"),))
    yield (
        "interrupted when asked",
        Run("apply", (*begun, full, one, stopped, exits(130)), problems="w-left w-not-done w-by-hand"),
    )
    yield "nothing to apply", Run("apply", (*begun, PlanCompleted(3), ApplyCompleted(PlanCompleted(3)), exits(0)))
    nothing = PlanCompleted(1, failed=1)
    yield (
        "no site could be read",
        Run("apply", (*begun, unread(say), nothing, ApplyCompleted(nothing), exits(1)), problems="w-unread"),
    )


# --- drift, review, history, state -----------------------------------------------------------------


def _written(say: Say) -> Activity:
    """An activity whose every text was written by an AI or a stranger, including those of its draft."""
    texts = tuple((name, say(f"w-{name}")) for name in ("title", "caption", "description"))
    draft = replace(draft_post("said"), texts=texts, account_name=say("w-account"), link=say("https://w.example"))
    return activity("f", draft, days=10, title=say("w-draft"))


@cache
def _reviewed(written: Activity) -> Review:
    """The review that all formats show: to plan it takes longer than to build all other endings."""
    return review(None, written)


def _others(say: Say) -> Iterator[tuple[str, Run]]:
    shop = SiteName("shop")
    item = DriftItem(
        Address(shop, Kind.SETTINGS),
        DriftState.DRIFTED,
        Finding.DIFFERS,
        ChangedSide.REMOTE,
        (FieldDrift("settings.toneOfVoice", say("w-file"), say("w-live"), ChangedSide.REMOTE, say("w-applied")),),
    )
    edited = DriftItem(
        Address(shop, Kind.DRAFT, "edited"),
        DriftState.DRIFTED,
        Finding.EDITED,
        ChangedSide.REMOTE,
        problem=Diagnostic("changed-after-approval", say("w-changed"), say("w-mend")),
        title=say("w-title"),
        channel="INSTAGRAM",
    )
    items = tuple(with_problem(found, "UTC") for found in (item, edited))
    report = DriftReport(
        SiteRef(shop, "1"), items, due_names=('"Sale" (X)', say("due")), notes=(Diagnostic.note("test", say("w-note")),)
    )
    begun = (RunStarted("drift", "acme-sites", 2, 2), PhaseStarted(Phase.READING, 2))
    drift = (*begun, SiteDrifted(report), unread(say), DriftCompleted(2, report.tally, failed=1), exits(1))
    yield (
        "drift",
        Run("drift", drift, words="settings w-live w-file w-title w-changed", problems="w-unread w-changed w-file"),
    )
    calm = SiteDrifted(DriftReport(SiteRef(SiteName("calm"), "2")))
    yield "no drift", Run("drift", (*begun, calm, DriftCompleted(1), exits(0)))

    begun = (RunStarted("review", "acme-sites", 3, 3), PhaseStarted(Phase.REVIEWING, 3))
    why = Diagnostic("nothing-to-review", say("w-why"), severity=Severity.NOTE, address=Address(SiteName("calm")))
    reviews = (
        *begun,
        SiteReviewed(_reviewed(_written(say)), Written.CREATED, "approvals/shop.yaml", "approvals/shop.html"),
        SiteNotReviewed(SiteName("calm"), why),
        unread(say),
        ReviewCompleted(3, 9, 1, 1, 1),
        exits(1),
    )
    yield "review", Run("review", reviews, problems="w-unread")
    nothing = (*begun, SiteNotReviewed(SiteName("calm"), why), ReviewCompleted(1), exits(0))
    yield "nothing to review", Run("review", nothing)

    post = PublishedPost(POST, DIGEST, "INSTAGRAM", AT, AT, 2, "7d9c4ae0", say("w-approver"))
    history = (
        RunStarted("history", "acme-sites", 2, 2),
        SiteHistory(shop, (post,)),
        unread(say),
        HistoryListed(2, 1, 1, 1),
        exits(1),
    )
    yield "history", Run("history", history, words="w-approver", problems="w-unread")

    holder = Holder(say("w-host"), 4711, say("w-user"), "token", ci_url=say("w-ci"))
    lock = LockRecord(SiteLabel("1", shop), holder, AT, AT)
    summaries = (
        StateSummary(shop, "1", in_doubt=1, lock=lock),
        StateSummary(
            SiteName("bad"), problem=Diagnostic("state", say("w-corrupt"), say("w-mend"), place=Place("bad.json"))
        ),
    )
    yield "state list", Run("state list", (StateListed(".reconciler", summaries), exits(1)), words="shop w-corrupt")
    entry = OpenEntry("59e9", Address(shop, Kind.MARKETING_PLAN), Generate(), AT)
    state = SiteState(shop, "1", "state/shop.json", RecordedSite(published=(post,), open=(entry,)), lock)
    yield "state show", Run("state show", (StateShown(state), exits(0)), words="shop 59e9")
    unlocked = (LockFound(lock, ended=False), LockRemoved(shop, lock), exits(0))
    yield "state unlock", Run("state unlock", unlocked, words="shop")
    yield "state forget", Run("state forget", (RecordChanged(shop, "1"), exits(0)), words="shop")
    yield "state mv", Run("state mv", (RecordChanged(shop, "1", "2"), exits(0)), words="shop")
    yield "state resolve", Run("state resolve", (CallResolved(shop, entry, True, 1), exits(0)), words="59e9")


# --- import, doctor, version -------------------------------------------------------------------------


def _adopting(say: Say) -> Iterator[tuple[str, Run]]:
    shop, file = SiteName("shop"), "sites/shop.yaml"
    left = Diagnostic("left-out", say("w-left"), say("w-stays"), Severity.WARNING, address=Address(shop))
    begun = (RunStarted("import", "acme-sites", 3, 3), PhaseStarted(Phase.IMPORTING, 3))
    imported = (
        *begun,
        SiteImported(shop, "1", Import.CREATED, file, 2, 1, (left,)),
        SiteImported(SiteName("calm"), "2", Import.DECLARED, "sites/calm.yaml"),
        unread(say),
        ImportCompleted(3, new=1, declared=1, not_empty=1, not_empty_new=1, failed=1),
        exits(1),
    )
    yield "import", Run("import", imported, words=f"shop calm {file} created", problems="w-left w-unread")
    nothing = SiteImported(shop, "1", Import.UNCHANGED, file)
    yield "nothing new", Run("import", (*begun, nothing, ImportCompleted(1, unchanged=1), exits(0)), words=file)

    begun = (RunStarted("doctor", "acme-sites", 2, 2), PhaseStarted(Phase.EXAMINING, 2))
    error = Diagnostic("no-permission", say("w-denied"), say("w-allow"), address=Address(shop), request_id="r-1")
    state = Diagnostic("state-lost", say("w-state"), say("w-mend"), Severity.WARNING)
    examined = (
        *begun,
        ProjectExamined((ProxyUsed(say("w-head")),), (state,)),
        SiteExamined(shop, (InTimeZone(say("w-yes")),), (error,)),
        DoctorCompleted(1, 1, 1, 0),
        exits(1),
    )
    yield "doctor", Run("doctor", examined, words="shop w-head w-yes", problems="w-denied r-1 w-state")
    well = (*begun, ProjectExamined(), SiteExamined(shop), DoctorCompleted(1), exits(0))
    yield "nothing wrong", Run("doctor", well)
    old = Diagnostic("old-layout", say("w-old"), say("w-review"), Severity.NOTE, Place("approvals/shop.yaml"))
    checked = (FilesChecked("0.2.0", 4, (old,)), exits(0))
    yield "files of an earlier version", Run("version", checked, problems="w-old approvals/shop.yaml")


# --- the tool itself ---------------------------------------------------------------------------------


def _tools(say: Say) -> Iterator[tuple[str, Run]]:
    yield "a version", Run("version", (VersionShown("0.1.0"), exits(0)), words="0.1.0")
    schema = SchemaShown("site", '{"title": "w-schema"}\n')
    yield "a schema", Run("schema", (schema, exits(0)), words="w-schema")
    script = ScriptShown("fish", "# Install: w-script\ncomplete\n")
    yield "a completion script", Run("completion", (script, exits(0)), words="w-script")
    files = (StarterFile("reconciler.yaml", written=True), StarterFile(say("w-kept"), written=False))
    yield "a starter", Run("init", (*files, StarterWritten("new", 1, 1), exits(0)), words="reconciler.yaml w-kept")
    url = "http://127.0.0.1:8080"
    served = (SandboxReady(url), SandboxStopped(), exits(0))
    yield "a sandbox that was served", Run("sandbox serve", served, words=url)
    yield "a sandbox that was reset", Run("sandbox reset", (SandboxReset(), exits(0)))
    request = {"at": "w-at", "status": None, "site": None, "method": "GET", "path": say("/w-path")}
    gap = {"method": "PUT", "path": say("/w-gap")}
    world = {"clock": "2026-12-01T09:00:00Z", "sites": {}, "gaps": [gap]}
    for view, words in ((SandboxView.SITES, "w-gap"), (SandboxView.REQUESTS, "w-path"), (SandboxView.EVERYTHING, "")):
        shown = SandboxShown(world, (request,), view)
        yield f"a sandbox: {view}", Run("sandbox show", (shown, exits(0)), words=words)


def report(format: str, run: Run, screen: Screen | None = None) -> str:
    """What a format says of a run."""
    out = io.StringIO()
    reporter = make(format, ReporterContext(run.command, out.write, screen or Screen()))
    for event in run.events:
        reporter.handle(event)
    return out.getvalue()


if __name__ == "__main__":
    for found, run in endings(str):
        print(f"--- {found}", report(sys.argv[1], run), sep="\n")
