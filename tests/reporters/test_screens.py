"""What people read on the screen: golden screens of whole runs, and what is true of each of them.

After an intended change: pytest --update-cases; review the diff like code.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from reconciler.engine.adoption_results import DoctorCompleted, ImportCompleted
from reconciler.engine.results import (
    Api,
    ApiKind,
    ApplyCompleted,
    DriftCompleted,
    Event,
    HistoryListed,
    Interrupted,
    Notice,
    Phase,
    PhaseStarted,
    PlanCompleted,
    Refused,
    ReviewCompleted,
    RunStarted,
)
from reconciler.engine.site_results import SiteApplied, SiteDrifted, SiteFailed, SitePlanned, SiteReviewed, Written
from reconciler.engine.state_results import StateListed
from reconciler.executor.ledger import ActionResult, ApplyTally, Entry, SiteLedger
from reconciler.executor.ledger import tally_of as ledger_tally
from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, PostsRule, UpdateActivity
from reconciler.model.address import ALL_SITES, Address, Kind, SiteName
from reconciler.model.approvals import ActivityDecision
from reconciler.model.canonical import Digest, Json, digest_of
from reconciler.model.diagnostics import Diagnostic, Place, Severity
from reconciler.model.events import CreateEvent, DeleteEvent, DesiredEvent, EventId, NoEventNamed
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.operations import Deferred, Operation, SitePart
from reconciler.model.outcomes import Remark, Trouble
from reconciler.model.posts import ActivityId, ClearPosts, Discarded, GeneratePosts, PostId, PostsAmong, RegeneratePosts
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.settings import UpdateSettings
from reconciler.model.sites import Need, SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import (
    Action,
    BlockedBy,
    GoingOut,
    InReview,
    Plan,
    Reason,
    ReasonFact,
    RefusedBy,
    StillGoingOut,
    ToReview,
    blocked,
    refusal,
)
from reconciler.planner.channel_rules import SAME_MINUTE
from reconciler.planner.drift_problem import FINDINGS, with_problem
from reconciler.planner.drift_report import (
    ChangedSide,
    DriftItem,
    DriftReport,
    DriftState,
    DriftTally,
    FieldDrift,
    Finding,
    GoesOut,
)
from reconciler.planner.edits import MOMENT, edit_key
from reconciler.planner.reasons import REASONS
from reconciler.planner.review import ReviewStatus, Rewritten
from reconciler.planner.schedule import HELD_BACK
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.planner.unseen import UnseenPosts
from reconciler.planner.unstopped import Unstopped
from reconciler.reporters import words
from reconciler.reporters.blocks import all_or_part
from reconciler.reporters.context import CallsOf, Detail, ReporterContext
from reconciler.reporters.going_out import by_cause, going_out_lines
from reconciler.reporters.kinds.deferred import deferred_words
from reconciler.reporters.kinds.registry import precondition
from reconciler.reporters.last_lines import plan_line
from reconciler.reporters.layout import Line, Screen, Span, columns
from reconciler.reporters.page_ledger import applied_row
from reconciler.reporters.registry import make
from reconciler.reporters.review_text import review_line
from reconciler.state.repair import StateSummary
from tests.reporters.endings import exits
from tests.reporters.review_world import review

FOLDER: Final = Path(__file__).parent / "screens"
SHOP: Final = SiteName("shop")
STARTED: Final = RunStarted("plan", "acme-sites", 223, 223, Api(ApiKind.WIX, "wix", "www.wixapis.com"), "7d9c4ae" * 5)


def shown(
    *events: Event,
    command: str = "plan",
    screen: Screen | None = None,
    calls: CallsOf | None = None,
    detail: Detail | None = None,
) -> str:
    out = io.StringIO()
    reporter = make("text", ReporterContext(command, out.write, screen or Screen(), calls, detail=detail or Detail()))
    for event in (*events, exits(0)):
        reporter.handle(event)
    return out.getvalue()


def plan_of(*results: SitePlanned | SiteFailed, sites: int = 0) -> tuple[Event, ...]:
    """The events of a `plan` over these sites and others with nothing to say."""
    tally = sum((result.tally for result in results if isinstance(result, SitePlanned)), PlanTally())
    failed = sum(isinstance(result, SiteFailed) for result in results)
    refused = sum(isinstance(result, SitePlanned) and bool(result.plan.refusals) for result in results)
    count = sites or len(results)
    started = replace(STARTED, sites=count, of=count)
    return started, PhaseStarted(Phase.PLANNING, count), *results, PlanCompleted(count, tally, failed, refused)


def planned(*actions: Action, site: str = "shop", **rest: object) -> SitePlanned:
    plan = Plan(SiteRef(SiteName(site), "1"), actions, **rest)  # type: ignore[arg-type]
    return SitePlanned(plan, tally_of(plan), ("settings",), (("team", "emea"),))


def failed(site: str, message: str, fix: str = "") -> SiteFailed:
    return SiteFailed(SiteName(site), (Diagnostic("odd", message, fix, address=Address(SiteName(site))),))


def unreached(site: str) -> SiteFailed:
    """A site whose first read was refused."""
    call, fix = "GET /promote/marketing-plan-service/v1/marketing-plan answered 403", "give the key this permission"
    why = "the key lacks Manage Marketing Plans"
    return SiteFailed(SiteName(site), (Diagnostic("odd", why, fix, call=call, request_id=f"17.{site}"),))


def tone(site: str = "shop", after: str = "warm") -> Action:
    changes = (FieldChange("settings.toneOfVoice", "dry", after),)
    return Action(Address(SiteName(site), Kind.SETTINGS), UpdateSettings(changes), Reason.DIFFERS)


def waiting(site: str, count: int, state: InReview = InReview.NOT_REVIEWED) -> tuple[ToReview, ...]:
    return tuple(
        ToReview(Address(SiteName(site), Kind.DRAFT, f"d{n}"), PostId(f"d{n}"), "INSTAGRAM", f"Title {n // 2}", state)
        for n in range(count)
    )


def entry(
    kind: Kind, operation: UpdateSettings | Generate | SchedulePost, result: ActionResult, detail: str = ""
) -> Entry:
    address = Address(SHOP, kind, "834d" if kind is Kind.DRAFT else "")
    if result is ActionResult.DONE:
        return Entry(address, operation, result)
    request = "request-7" if result is ActionResult.FAILED else None
    return Entry.not_done(address, operation, result, Diagnostic("test", detail, request_id=request))


def applied(*ledgers: SiteLedger, sites: int = 1, failed: int = 0, refused: int = 0) -> tuple[Event, ...]:
    given_up = sum(ledger.error is not None for ledger in ledgers)
    plan = PlanCompleted(sites, failed=failed, refused=refused)
    done = ApplyCompleted(plan, ledger_tally(ledgers), len(ledgers), given_up)
    return PhaseStarted(Phase.APPLYING, len(ledgers)), *(SiteApplied(ledger, seconds=12.3) for ledger in ledgers), done


SCHEDULE = SchedulePost(PostId("834d"), ActivityId("b3f9"), "INSTAGRAM", Digest("sha256:1"), title="Summer sale")
UNCONNECTED = blocked(
    Address(SHOP, Kind.DRAFT, "d1"),
    BlockedBy.CHANNEL_NOT_CONNECTED,
    '"Summer sale" (Instagram): Instagram is not connected (it was disconnected)',
    "connect Instagram in the site's dashboard",
)
TWO = SiteLedger(
    SiteRef(SHOP, "1"),
    (
        entry(Kind.SETTINGS, tone().operation, ActionResult.DONE),  # type: ignore[arg-type]
        entry(Kind.MARKETING_PLAN, Generate(), ActionResult.FAILED, "the generation ended FAILED"),
        entry(Kind.DRAFT, SCHEDULE, ActionResult.WITHHELD, "publishing also needs --allow-publish"),
    ),
    notes=(Diagnostic("test", "took over an expired lock", severity=Severity.NOTE),),
)
PROMISE = Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match(), max=12),), at_most=12)
KEPT = SiteLedger(
    SiteRef(SHOP, "1"),
    (
        Entry(Address(SHOP, Kind.RULE, "posts.0"), PROMISE, ActionResult.DONE, matched=1, count=0),
        Entry(
            Address(SHOP, Kind.POSTS, "b3"), GeneratePosts(ActivityId("b3"), "Sale"), ActionResult.DONE, promised=True
        ),
    ),
)
STUDIO = DesiredActivity("Open studio", "", datetime(2026, 12, 5, 10, tzinfo=UTC), "SOCIAL_MARKETING")
CREATED = SiteLedger(
    SiteRef(SHOP, "1"),
    (
        Entry(
            Address(SHOP, Kind.RULE, "activities.0"),
            Deferred(SitePart.ACTIVITIES, 0, activity_rules=(STUDIO,), at_most=1),
            ActionResult.DONE,
            matched=1,
            count=0,
        ),
        Entry(Address(SHOP, Kind.ACTIVITY, STUDIO.title), CreateActivity(STUDIO), ActionResult.DONE, promised=True),
    ),
)
RULES = (PostsRule(Match(within=timedelta(days=2))), PostsRule(Match()), PostsRule(Match(), max=1))
ALIKE = tuple(
    Action(
        Address(SHOP, Kind.RULE, f"posts.{number}"),
        Deferred(SitePart.POSTS, number, posts_rules=RULES, at_most=rule.max),
        Reason.RULE,
        (f"posts[{number}]",),
    )
    for number, rule in enumerate(RULES)
)
LONG = " ".join(f"sentence {number} of the guidelines." for number in range(40))

RESUME: Final = "set `schedule.paused: false` in the site file"
PAUSED_DRAFTS: Final = tuple(
    blocked(Address(SHOP, Kind.DRAFT, f"d{n}"), BlockedBy.PAUSED, "publishing is paused", RESUME, f'"Title {n}" (X)')
    for n in range(9)
)


def paused_at(site: str, titles: Sequence[str]) -> SitePlanned:
    """A site with a blocked draft for each title and channel."""
    names = [f'"{title}" ({channel})' for title in titles for channel in ("Facebook", "X")]
    drafts = tuple(
        blocked(Address(SiteName(site), Kind.DRAFT, name), BlockedBy.PAUSED, "publishing is paused", RESUME, name)
        for name in names
    )
    return planned(site=site, blocked=drafts)


EXPECTATION: Final = "change the site, or the expectation in its file"


def not_connected(site: str, channel: str) -> Diagnostic:
    """The refusal of a site that should be connected to a channel."""
    asked = f"expect.channels: {channel} is not connected"
    return refusal(Address(SiteName(site)), RefusedBy.EXPECT, asked, EXPECTATION)


def unpublished(site: SiteName = SHOP) -> Diagnostic:
    """The refusal of a site that should be published."""
    asked = "expect.published is true, but the site is not published"
    return refusal(Address(site), RefusedBy.EXPECT, asked, EXPECTATION)


def going_out(site: str, number: int, **rest: object) -> Action:
    """A post of the site: two a day, the second of them an hour later."""
    at = datetime(2026, 12, 1 + number // 2, 9 + number % 2, 30, tzinfo=UTC)
    values = {"at": at, "title": f"Title {number}", "account": f"{site}.berlin", **rest}
    channel = "INSTAGRAM" if number % 2 else "FACEBOOK"
    values = {"post": PostId(f"d{number}"), **values}
    operation = SchedulePost(activity=ActivityId("b3"), channel=channel, digest=Digest("sha256:1"), **values)  # type: ignore[arg-type]
    return Action(Address(SiteName(site), Kind.DRAFT, f"d{number}"), operation, Reason.APPROVED)


def publishing(site: str, *more: Action) -> SitePlanned:
    """A site with four posts in two days: one has a title that no other site has, two go out in the same minute."""
    at = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    note = '"Title 1" (Instagram): it goes out in the same minute as "Title 0" (Facebook), Tue 2026-12-01 09:30 UTC'
    posts = (going_out(site, 0), going_out(site, 1, at=at), going_out(site, 2))
    return planned(
        *more,
        *posts,
        going_out(site, 3, title=f"Only at {site}"),
        site=site,
        notes=(Diagnostic.note(SAME_MINUTE, note),),
    )


def sent_back(site: str, number: int, *, approved: bool = False) -> SitePlanned:
    """A site whose reviewers sent one activity back and discarded another, and whose texts somebody edited."""
    draft, edited = PostId("d1"), Address(SiteName(site), Kind.ACTIVITY, "c")
    operations = (
        RegeneratePosts(ActivityId("a"), f"Idea A of {site}", (draft,)),
        ClearPosts(ActivityId("b"), f"Idea B of {site}"),
        UpdateActivity(ActivityId("c"), f"Idea C of {site}", (FieldChange("description", f"By {site}", "Come by"),)),
    )
    actions = (
        Action(Address(SiteName(site), Kind.POSTS, "a"), operations[0], Reason.SENT_BACK),
        Action(Address(SiteName(site), Kind.POSTS, "b"), operations[1], Reason.SENT_BACK),
        Action(edited, operations[2], Reason.RULE),
    )
    return planned(
        *(actions if number % 2 else reversed(actions)),
        tone(site),
        site=site,
        discarded=(Discarded(draft, f"Idea A of {site}", "FACEBOOK", approved),),
        edited=(edit_key(edited, "description"),) if number < 3 else (),
    )


def cancelled(site: str, day: int | None) -> Action:
    at = datetime(2026, 12, day, 9, tzinfo=UTC) if day else None
    operation = CancelPost(PostId(f"d{day}"), ActivityId("b3"), "INSTAGRAM", at, "Winter check")
    return Action(Address(SiteName(site), Kind.DRAFT, f"d{day}"), operation, Reason.PAUSED)


def cancelling(site: str, *more: Action) -> SitePlanned:
    """A site that cancels six posts with titles of their own, one a day."""
    posts = (
        CancelPost(PostId(f"d{n}"), ActivityId(f"a{n}"), "INSTAGRAM", moment(n), f"Idea {n} of {site}")
        for n in range(6)
    )
    actions = (Action(Address(SiteName(site), Kind.DRAFT, post.post), post, Reason.PAUSED) for post in posts)
    return planned(*actions, *more, site=site)


def moment(day: int) -> datetime:
    return datetime(2026, 12, 1 + day, 8, 30, tzinfo=UTC)


def stopped(site: str, **rest: object) -> SiteLedger:
    """A site at which a run was stopped while the marketing plan was being generated."""
    entries = (
        Entry(Address(SiteName(site), Kind.SETTINGS), tone().operation, ActionResult.DONE),
        Entry.not_done(
            Address(SiteName(site), Kind.MARKETING_PLAN),
            Generate(),
            ActionResult.PENDING,
            Diagnostic(Trouble.STILL_UNDER_WAY, "still under way when the run was stopped"),
        ),
        Entry.not_done(
            Address(SiteName(site), Kind.RULE, "posts.0"),
            PROMISE,
            ActionResult.NOT_STARTED,
            Diagnostic(Trouble.STOPPED, "the run was stopped"),
        ),
    )
    return SiteLedger(SiteRef(SiteName(site), "1"), entries, interrupted=True, **rest)  # type: ignore[arg-type]


def cut_short(site: str) -> SiteLedger:
    """A site whose call a second signal cut off, so that its outcome is unknown."""
    done, generating, behind = stopped(site).entries
    cut = Diagnostic(Trouble.STOPPED, "the run was cut short", "run apply again")
    entries = (done, replace(generating, result=ActionResult.UNKNOWN, problem=cut), behind)
    return replace(stopped(site), entries=entries)


def under_way(site: str) -> SiteLedger:
    """A site at which the time ran out while the marketing plan was being generated."""
    done, generating, behind = stopped(site).entries
    still = Diagnostic(Trouble.STILL_UNDER_WAY, "still GENERATING after 15 min", "run again to continue waiting")
    waits = Diagnostic(Trouble.BEHIND, "it depends on the generation")
    entries = (done, replace(generating, problem=still), replace(behind, problem=waits))
    return SiteLedger(SiteRef(SiteName(site), "1"), entries)


def withheld(site: str) -> SiteLedger:
    """A site with four posts that nobody allowed to go public."""
    allowed = Diagnostic(Trouble.NOT_ALLOWED, "publishing also needs --allow-publish")
    actions = [going_out(site, number) for number in range(4)]
    entries = (Entry.not_done(action.address, action.operation, ActionResult.WITHHELD, allowed) for action in actions)
    return SiteLedger(SiteRef(SiteName(site), "1"), tuple(entries))


def interrupted(*ledgers: SiteLedger) -> tuple[Event, ...]:
    *events, done = applied(*ledgers, sites=len(ledgers))
    return *events, replace(done, interrupted=True)


def waited(site: str) -> SiteLedger:
    """A site whose marketing plan an earlier run began to generate."""
    address = Address(SiteName(site), Kind.MARKETING_PLAN)
    return SiteLedger(SiteRef(SiteName(site), "1"), (Entry(address, AwaitGeneration(), ActionResult.DONE),))


SCREENS: Final[dict[str, Callable[[], str]]] = {
    "nothing-to-do": lambda: shown(*plan_of(planned(), sites=2)),
    "none-chosen": lambda: shown(replace(STARTED, sites=0), PhaseStarted(Phase.PLANNING, 0), PlanCompleted(0)),
    "discards-on-many-sites": lambda: shown(
        *plan_of(*(discarding(f"shop-{n}") for n in range(8)), discarding("odd", approved=True), sites=40)
    ),
    "one-obstacle-of-many-drafts": lambda: shown(*plan_of(planned(blocked=PAUSED_DRAFTS), sites=4)),
    "one-change-at-forty-columns": lambda: shown(*plan_of(discarding("shop"), sites=3), screen=Screen(40)),
    "two-sites-of-forty": lambda: shown(
        *plan_of(planned(), planned(tone("shop-2"), site="shop-2"), failed("shop-3", "503", "run again"), sites=40)
    ),
    "one-obstacle-on-six-sites": lambda: shown(*plan_of(*(paused_at(f"shop-{n}", ["Sale"]) for n in range(6)))),
    "one-obstacle-on-many-sites": lambda: shown(
        *plan_of(*(paused_at(f"shop-{n:02}", ["Sale", f"Idea {n:02}"]) for n in range(40)))
    ),
    "one-change-on-four-of-six-sites": lambda: shown(
        *plan_of(
            *(planned(tone(f"shop-{n}"), site=f"shop-{n}") for n in range(2)),
            *(discarding(f"calm-{n}") for n in range(4)),
        )
    ),
    "one-change-on-many-sites": lambda: shown(
        *plan_of(
            *(planned(tone(f"shop-{n:03}"), site=f"shop-{n:03}") for n in range(219)),
            failed("odd-1", "the key lacks Manage Marketing Plans", "give the key this permission"),
            failed("odd-2", "the key lacks Manage Marketing Plans", "give the key this permission"),
            planned(tone("odd-3", "cold"), site="odd-3"),
            planned(site="odd-4", blocked=(UNCONNECTED,)),
        )
    ),
    "all-unreachable": lambda: shown(
        *plan_of(*(failed(f"shop-{n}", "no connection to www.wixapis.com", "check the network") for n in range(30)))
    ),
    "all-unreachable-at-forty-columns": lambda: shown(
        replace(STARTED, project="sites-of-the-whole-agency", sites=30),
        *plan_of(*(unreached(f"shop-{n}") for n in range(30)))[1:],
        screen=Screen(40),
    ),
    "refused": lambda: shown(*plan_of(planned(tone(), refusals=(unpublished(),)))),
    "two-refused-of-nine": lambda: shown(
        *plan_of(
            *(
                planned(
                    tone(f"shop-{n}"),
                    site=f"shop-{n}",
                    refusals=(not_connected(f"shop-{n}", channel),) if channel else (),
                )
                for n, channel in enumerate(("Instagram", "Facebook", *[""] * 7))
            )
        )
    ),
    "blocked-only": lambda: shown(*plan_of(planned(blocked=(UNCONNECTED,)))),
    "drafts-of-a-fleet": lambda: shown(
        *plan_of(*(planned(site=f"shop-{n}", to_review=waiting(f"shop-{n}", 3)) for n in range(12)))
    ),
    "drafts-of-one-site": lambda: shown(*plan_of(planned(to_review=waiting("shop", 9, InReview.PENDING)))),
    "long-text": lambda: shown(
        *plan_of(
            planned(
                Action(
                    Address(SHOP, Kind.SETTINGS),
                    UpdateSettings(
                        (
                            FieldChange(
                                "settings.customContentGuidelines", LONG, LONG.replace("sentence 20", "phrase 20")
                            ),
                            FieldChange("settings.toneOfVoice", "café", "cafe\u0301"),
                            FieldChange("settings.topics.included", ("mugs", "bowls"), ("bowls", "plates")),
                        )
                    ),
                    Reason.DIFFERS,
                )
            )
        )
    ),
    "sent-back-in-a-fleet": lambda: shown(
        *plan_of(*(sent_back(f"shop-{number:03}", number) for number in range(222)), sent_back("odd", 9, approved=True))
    ),
    "posts-of-a-fleet": lambda: shown(
        *plan_of(*(publishing(f"shop-{n:03}") for n in range(223)), publishing("odd", tone("odd")), sites=224)
    ),
    "cancels-of-a-fleet": lambda: shown(
        *plan_of(
            *(planned(cancelled(f"shop-{n}", 1), cancelled(f"shop-{n}", 2), site=f"shop-{n}") for n in range(30)),
            *(planned(cancelled(f"shop-{n}", None), site=f"shop-{n}") for n in range(90, 140)),
        )
    ),
    "applied": lambda: shown(*applied(TWO), command="apply"),
    "promise-kept": lambda: shown(*applied(KEPT), command="apply"),
    "creation-kept": lambda: shown(*applied(CREATED), command="apply"),
    "rules-with-the-same-bound": lambda: shown(*plan_of(planned(*ALIKE))),
    "stopped": lambda: shown(*interrupted(stopped("shop"), waited("other")), command="apply"),
    "stopped-after-withholding": lambda: shown(*interrupted(stopped("shop"), withheld("other")), command="apply"),
    "stopped-on-many-sites": lambda: shown(
        *interrupted(
            *(stopped(f"shop-{n}") for n in range(6)),
            stopped("odd", error=Diagnostic("lost", "the lock was lost")),
            SiteLedger(SiteRef(SiteName("late"), "9"), (), interrupted=True),
        ),
        command="apply",
    ),
    "cut-short-on-many-sites": lambda: shown(
        *interrupted(*(cut_short(f"shop-{n}") for n in range(6))), command="apply"
    ),
    "withheld-on-one-site": lambda: shown(*applied(withheld("shop")), command="apply"),
    "withheld-on-many-sites": lambda: shown(
        *applied(*(withheld(f"shop-{n}") for n in range(5)), sites=9), command="apply"
    ),
    "under-way-on-many-sites": lambda: shown(
        *applied(*(under_way(f"shop-{n}") for n in range(6)), sites=9), command="apply"
    ),
    "waited-for-earlier-generations": lambda: shown(
        *plan_of(
            *(
                planned(Action(waited(f"s{n}").entries[0].address, AwaitGeneration(), Reason.UNDER_WAY), site=f"s{n}")
                for n in range(9)
            )
        ),
        *applied(*(waited(f"s{n}") for n in range(9)), sites=9),
        command="apply",
    ),
    "applied-in-part": lambda: shown(
        *plan_of(
            planned(*(Action(entry.address, entry.operation, Reason.APPROVED) for entry in TWO.entries)),
            planned(tone("a"), site="a"),
            planned(tone("b"), site="b"),
            failed("c", "503", "run again"),
            *(
                planned(
                    site=site,
                    refusals=(unpublished(SiteName(site)),),
                )
                for site in ("d", "e")
            ),
            sites=9,
        ),
        *applied(
            TWO,
            SiteLedger(SiteRef(SiteName("a"), "2"), error=Diagnostic("lost", "the lock was lost")),
            SiteLedger(
                SiteRef(SiteName("b"), "3"),
                (entry(Kind.SETTINGS, tone().operation, ActionResult.NOT_STARTED, "interrupted"),),  # type: ignore[arg-type]
                interrupted=True,
            ),
            sites=9,
            failed=1,
            refused=2,
        ),
        command="apply",
    ),
}


@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_is_as_it_was(name: str, update_cases: bool) -> None:
    text, file = SCREENS[name](), FOLDER / f"{name}.txt"
    if update_cases:
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


def test_a_plan_with_one_of_everything(everything: SitePlanned, update_cases: bool) -> None:
    file = FOLDER / "one-of-everything.txt"
    text = shown(*plan_of(everything))
    if update_cases:
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_but_the_last_ones_is_wider_than_the_screen(everything: SitePlanned, width: int) -> None:
    lines = shown(*plan_of(everything, planned(tone("b"), site="b")), screen=Screen(width)).splitlines()
    assert [line for line in lines if columns(line) > width and not line.startswith(("Plan:", "Next:"))] == []


@pytest.mark.parametrize("width", [41, 60, 80])
@pytest.mark.parametrize(
    "text",
    [
        "\u51ac\u306e\u30b3\u30ec\u30af\u30b7\u30e7\u30f3\u3001\u767a\u58f2\u300c\u8a18\u5ff5\u300d\u30bb\u30fc\u30eb\u3002"
        * 6,
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f44d\U0001f3fd\u2764\ufe0fe\u0301a" * 12,
        "\ubb38\uc7a5abc" * 30,
    ],
)
def test_a_long_text_without_spaces_breaks_between_its_characters(text: str, width: int) -> None:
    lines = list(Line((Span("toneOfVoice"), Span(text)), indent=6, hang=10).on(Screen(width)))
    assert "".join(line.strip() for line in lines) == "toneOfVoice" + text
    assert max(map(columns, lines)) <= width
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert {line.strip()[0] for line in lines}.isdisjoint("\u3001\u3002\u300d\u30fc\u30e7\u200d\ufe0f\u0301\U0001f3fd")
    assert {line[-1] for line in lines}.isdisjoint("\u300c\u200d")
    assert list(Line((Span(text),)).on(Screen(10_000))) == [text], "not if it fits"


def test_a_name_that_several_problems_share_is_said_once_with_their_number() -> None:
    drafts = [replace(PAUSED_DRAFTS[0], address=each.address) for each in PAUSED_DRAFTS[:2]]
    assert '"Title 0" (X) twice, "Title 2" (X)' in shown(*plan_of(planned(blocked=(*drafts, PAUSED_DRAFTS[2]))))


LONG_REFUSAL: Final = (
    "regenerating would discard 2 drafts, but the site file does not allow discarding any drafts (discard: nothing)",
    "allow it with `discard: unapproved` under marketingPlan.regenerate, or keep the marketing plan with "
    "`when: never` there",
)
ODD: Final[dict[str, Callable[[str], SitePlanned | SiteFailed]]] = {
    "another value": lambda site: planned(tone(site, "cold"), site=site),
    "discarding": lambda site: discarding(site),
    "refused by an expectation": lambda site: planned(tone(site), site=site, refusals=(not_connected(site, "TikTok"),)),
    "refused for its drafts": lambda site: planned(
        *(discarding(site).plan.actions),
        tone(site),
        site=site,
        discarded=discarding(site).plan.discarded,
        refusals=(refusal(Address(SiteName(site), Kind.MARKETING_PLAN), RefusedBy.DISCARD, *LONG_REFUSAL),),
    ),
    "publishing": lambda site: planned(going_out(site, 0), going_out(site, 2), site=site),
    "blocked": lambda site: planned(site=site, blocked=(UNCONNECTED,)),
    "failed": lambda site: failed(site, "the key lacks Manage Marketing Plans", "give the key this permission"),
    "waiting": lambda site: planned(site=site, to_review=waiting(site, 3)),
}


@pytest.mark.parametrize("odd", [*combinations(ODD, 4), *((name,) * 4 for name in ODD)], ids=", ".join)
def test_one_change_on_many_sites_and_four_odd_ones_take_a_screen(odd: tuple[str, ...]) -> None:
    many = (planned(tone(f"shop-{n:03}"), site=f"shop-{n:03}") for n in range(219))
    others = (ODD[name](f"odd-{number}") for number, name in enumerate(odd))
    lines = shown(*plan_of(*many, *others), screen=Screen(80)).splitlines()
    assert len(lines) <= 40, "\n".join(lines)


@pytest.mark.parametrize(("width", "more"), [(80, False), (120, True), (1_000, True)])
def test_four_sites_that_cancel_six_posts_each_name_them_all_on_a_screen(width: int, more: bool) -> None:
    many = (planned(tone(f"shop-{n:03}"), site=f"shop-{n:03}") for n in range(219))
    others = (cancelling(f"odd-{n}", *((tone(f"odd-{n}"),) if more else ())) for n in range(4))
    text = shown(*plan_of(*many, *others), screen=Screen(width))
    words = " ".join(text.split())
    assert all(f'"Idea {n} of odd-{site}"' in words for n in range(6) for site in range(4)), text
    assert text.count("publishing is paused") == 4, text
    assert len(text.splitlines()) <= 40, text


def test_the_table_says_that_a_site_is_refused_although_it_is_blocked_too() -> None:
    both = planned(tone("odd"), site="odd", refusals=(not_connected("odd", "X"),), blocked=(UNCONNECTED,))
    sites = [both, *(planned(tone(f"shop-{n}", f"{n}"), site=f"shop-{n}") for n in range(4))]
    rows = [line.split() for line in shown(*plan_of(*sites), detail=Detail(summary=True)).splitlines()]
    assert ["odd", "(refused)", "-", "1"] in rows


def test_a_refused_site_among_others_says_in_a_line_what_is_not_done() -> None:
    """On its own, or with `--sites` or `--explain`, the site shows all of it."""
    among = plan_of(ODD["refused for its drafts"]("odd"), *(planned(site=f"shop-{n}") for n in range(5)))
    left = "  Not done: * marketing plan, ~ settings  (in full with --sites)\n"
    text = shown(*among)
    assert (left in text, "toneOfVoice" in text) == (True, False)
    for whole in (
        shown(*among, detail=Detail(sites=True)),
        shown(*among, calls=lambda _operation, _site: ()),
        shown(*plan_of(ODD["refused for its drafts"]("odd"))),
    ):
        assert (left in whole, "toneOfVoice" in whole) == (False, True)
    assert "Not done" not in shown(*among, detail=Detail(quiet=True))


def generating(site: str, title: str) -> SitePlanned:
    """A site that generates posts for four activities."""
    operations = (GeneratePosts(ActivityId(str(number)), f"{title} {number}") for number in range(4))
    return planned(
        *(Action(Address(SiteName(site), Kind.POSTS, each.activity), each, Reason.RULE) for each in operations),
        site=site,
    )


def test_titles_that_most_sites_share_are_shown_although_others_have_their_own() -> None:
    same = [generating(f"same-{number}", "Tip") for number in range(40)]
    odd = [generating(f"odd-{number}", f"Idea {number}") for number in range(24)]
    text = shown(*plan_of(*odd, *same))
    assert 'generate posts for 4 activities\n        "Tip 0", "Tip 1", "Tip 2", "Tip 3"\n' in text
    assert "generate posts for 96 activities on these sites in total" in text
    few = shown(*plan_of(*odd[:5], *same))
    assert ("in total" in few, '"Idea 4 3"' in few) == (False, True), "their lines fit on a screen"


def test_the_sites_of_a_shared_block_are_listed_on_request() -> None:
    sites = [planned(tone(f"shop-{n:03}"), site=f"shop-{n:03}") for n in range(40)]
    text = shown(*plan_of(*sites), detail=Detail(sites=True))
    assert all(f"shop-{n:03}" in text for n in range(40))
    assert "shop-020" not in shown(*plan_of(*sites))


def test_quiet_shows_only_problems_and_the_last_line() -> None:
    text = shown(*plan_of(planned(tone()), failed("other", "503"), sites=9), detail=Detail(quiet=True))
    assert "toneOfVoice" not in text
    assert "LIVE" not in text
    assert "! other could not be read  503" in text
    assert text.splitlines()[-1].startswith("Plan incomplete: 1 of 9 sites could not be read; 0 to add, 1 to change")


@pytest.mark.parametrize("detail", [Detail(), Detail(quiet=True), Detail(summary=True)])
def test_every_plan_says_where_drafts_go_out_unapproved(detail: Detail) -> None:
    started, *rest = plan_of(planned(tone()), sites=1)
    assert isinstance(started, RunStarted)
    text = shown(replace(started, approval_none=(SHOP,)), *rest, detail=detail)
    assert "! approval: none on 1 site (shop): drafts go out there unapproved" in text


def test_a_narrow_summary_has_one_line_per_site() -> None:
    sites = []
    for name in ("shop-1", "shop-2", "a-shop-with-a-longer-name"):
        plan = discarding(name).plan
        sites.append(planned(plan.actions[0], tone(name, name), site=name, discarded=plan.discarded))
    lines = shown(*plan_of(*sites), detail=Detail(summary=True), screen=Screen(40)).splitlines()
    assert "shop-1  1 change, 1 generate, 2 discard" in lines
    assert "a-shop-with-a-longer-name  2 discard, …" in lines, "what is thrown away is never left out"
    narrower = shown(*plan_of(*sites), detail=Detail(summary=True), screen=Screen(34)).splitlines()
    assert "shop-2  1 change, 2 discard, …" in narrower
    assert "all 3 sites  3 change, 3 generate," in narrower, "the totals are whole"
    narrow = shown(*plan_of(*sites), detail=Detail(summary=True), screen=Screen(36)).splitlines()
    assert narrow[narrow.index("a-shop-with-a-longer-name") + 1] == "    1 change, 1 generate, 2 discard"


def test_summary_shows_no_blocks() -> None:
    sites = [planned(tone(f"shop-{n}"), site=f"shop-{n}") for n in range(6)]
    text = shown(*plan_of(*sites), detail=Detail(summary=True))
    assert "toneOfVoice" not in text
    assert "all 6 sites" in text


@pytest.mark.parametrize("detail", [Detail(quiet=True), Detail(summary=True)])
def test_a_short_screen_does_not_ask_for_reviews(detail: Detail) -> None:
    site = planned(tone(), to_review=waiting("shop", 3))
    assert "waiting for review" in shown(*plan_of(site))
    assert "waiting for review" not in shown(*plan_of(site), detail=detail)


def test_what_no_publish_holds_back_is_reported_however_little_a_person_wants_to_see() -> None:
    held_back = "held back by --no-publish"

    def held(count: int, detail: Detail) -> str:
        note = Diagnostic.note(HELD_BACK, f'{held_back}: "Summer sale" (Instagram)')
        return shown(*plan_of(*(planned(site=f"shop-{n}", notes=(note,)) for n in range(count))), detail=detail)

    for detail in (Detail(quiet=True), Detail(summary=True)):
        assert f'! shop-0: {held_back}: "Summer sale" (Instagram)' in held(1, detail)
        assert f"! posts {held_back} on 12 sites" in held(12, detail)
    assert '"Summer sale" (Instagram)' in held(1, Detail())
    assert held(12, Detail()).count(held_back) == 1, "once for all of them"


def test_a_table_without_numbers_is_left_out() -> None:
    why = unpublished()
    assert "all 3 sites" not in shown(*plan_of(planned(tone(), refusals=(why,)), sites=3), detail=Detail(summary=True))


@pytest.mark.parametrize("detail", [Detail(quiet=True), Detail(summary=True)])
def test_a_short_screen_says_once_why_its_only_site_is_refused(detail: Detail) -> None:
    started, reason = replace(STARTED, sites=1), unpublished()
    lines = shown(started, *plan_of(planned(tone(), refusals=(reason,))), detail=detail).splitlines()
    assert [line for line in lines if reason.message in line] == [
        f"Refused: shop: {reason.message}; {EXPECTATION}",
    ]
    whole = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")
    site = planned(tone(), refusals=(reason,))
    text = shown(started, site, PlanCompleted(1, site.tally, refused=1, refusals=(whole,)), detail=detail)
    assert text.count(reason.message) == 1, "above, if the last line begins with another"
    assert text.splitlines()[-1] == "Refused: the run would destroy 11; raise maxDelete (and 1 more, above)"


def test_a_refusal_of_the_run_is_the_last_line() -> None:
    whole = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")
    site = planned(tone())
    text = shown(STARTED, site, PlanCompleted(1, site.tally, refusals=(whole,)))
    plan, refused = text.splitlines()[-2:]
    assert (plan[:6], refused) == ("Plan: ", "Refused: the run would destroy 11; raise maxDelete")


@pytest.mark.parametrize("detail", [Detail(quiet=True), Detail(summary=True)])
@pytest.mark.parametrize("begin", [(), (STARTED,), (replace(STARTED, sites=1, of=1),)])
def test_a_short_screen_shows_the_only_refusal_once(detail: Detail, begin: tuple[Event, ...]) -> None:
    """Also `show`, which has no beginning that says how many sites there are."""
    site = planned(tone(), refusals=(unpublished(),))
    text = shown(*begin, site, PlanCompleted(1, site.tally, refused=1), detail=detail)
    assert (text.count("is not published"), text.splitlines()[-1][:14]) == (1, "Refused: shop:")
    whole = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")
    site = planned(tone())
    text = shown(*begin, site, PlanCompleted(1, site.tally, refusals=(whole,)), detail=detail)
    assert text.count("would destroy 11") == 1


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_the_last_line_counts_the_reasons_of_several_refused_sites(command: str) -> None:
    def last(*refusals: tuple[Diagnostic, ...]) -> str:
        sites = [planned(tone(f"s{n}"), site=f"s{n}", refusals=found) for n, found in enumerate(refusals)]
        events = list(plan_of(*sites))
        if command == "apply":
            events.append(Refused(refusals[0][0], sum(map(len, refusals)) - 1))
        return shown(*events, command=command).splitlines()[-1]

    one, two, same = not_connected("s0", "Instagram"), not_connected("s0", "Facebook"), not_connected("s1", "Instagram")
    assert last((one,)) == f"Refused: s0: {one.cause}; {EXPECTATION}"
    assert last((one, two)) == "Refused: s0, for 2 reasons (above)"
    assert last((one,), (same,)) == f"Refused: 2 sites: {one.cause}; {EXPECTATION}"
    assert last((one, two), (same,)) == "Refused: 2 sites, for 2 reasons (above)"


def test_a_quiet_apply_that_asks_nobody_has_one_last_line() -> None:
    def quiet(*events: Event, asks: bool = False) -> list[str]:
        return shown(*events, command="apply", detail=Detail(quiet=True, asks=asks)).splitlines()

    site, nothing, lost = planned(tone()), PlanCompleted(1), failed("other", "503")
    plan, done = PlanCompleted(1, site.tally), SiteLedger(SiteRef(SHOP, "1"))
    changed = "Apply: 0 added, 0 changed, 0 destroyed."
    refused = Refused(Diagnostic("no-terminal", "no terminal", "pass x"))
    assert quiet(site, plan, *applied(done)) == [changed]
    assert quiet(site, plan, *applied(done), asks=True) == [plan_line(plan), changed]
    assert quiet(nothing, ApplyCompleted(nothing)) == ["No changes."]
    assert quiet(site, plan, refused) == ["Refused: no terminal; pass x"]
    partly = (PhaseStarted(Phase.PLANNING, 2), site, lost, PlanCompleted(2, site.tally, failed=1))
    assert quiet(*partly, *applied(done, sites=2, failed=1)) == [
        "! other could not be read  503",
        "",
        "Apply: 0 added, 0 changed, 0 destroyed; 1 failed.",
    ]


@pytest.mark.parametrize("detail", [Detail(quiet=True, asks=True), Detail(summary=True)])
def test_a_short_apply_without_problems_has_no_empty_lines_at_its_end(detail: Detail) -> None:
    site = planned(tone())
    done = SiteLedger(SiteRef(SHOP, "1"), (Entry(Address(SHOP, Kind.SETTINGS), tone().operation, ActionResult.DONE),))
    events = (site, PlanCompleted(1, site.tally), *applied(done))
    plan, last = shown(*events, command="apply", detail=detail).splitlines()[-2:]
    assert (plan[:6], last[:7]) == ("Plan: ", "Apply: ")
    lines = shown(*events, command="apply").splitlines()
    assert [line[:6] for line in lines[-6:]] == ["Plan: ", "", "shop  ", "  ~ set"[:6], "", "Apply:"]


def test_explain_shows_addresses_calls_preconditions_and_reads(everything: SitePlanned) -> None:
    everything = replace(everything, reads=(Need.SETTINGS, Need.PUBLISHED, Need.CHANNELS))
    text = shown(*plan_of(everything), calls=lambda _operation, site: (f"PATCH /settings of {site.id}",))
    for wanted in (
        "address: janes-pottery/settings",
        "class: safe",
        "call: PATCH /settings of 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01",
        "needs: settings.toneOfVoice is 'dry'",
        "read: settings, published URLs, channel status",
        "address: janes-pottery/posts[0]",
        "reason: rule\n",
        "details: posts[0]",
    ):
        assert wanted in text
    assert "reason: rule (" not in text, "the row of a rule has its words"


@pytest.mark.parametrize(("posts", "said"), [(0, "has no posts"), (2, "has no posts other than the 2 listed")])
def test_explain_says_which_posts_a_deletion_allows(posts: int, said: str) -> None:
    listed = PostsAmong(ActivityId("b1"), tuple((PostId(f"p{n}"), digest_of(n)) for n in range(posts)))
    assert precondition(listed) == f"activity b1 {said}"


def test_explain_says_which_event_must_not_exist_yet() -> None:
    """An event of the same name on another date may exist."""
    said = 'no event "Sale" with this date or recurring rule exists yet'
    assert precondition(NoEventNamed("Sale", digest_of("facts"))) == said


def test_a_value_that_a_person_edited_on_the_site_is_named() -> None:
    text = shown(*plan_of(planned(tone(), edited=("shop/settings#settings.toneOfVoice",))), screen=Screen(200))
    assert "dry  ->  warm  edited on the site since the last apply" in text


def test_a_long_value_is_cut_with_a_note_and_whole_with_explain() -> None:
    change = UpdateSettings((FieldChange("settings.toneOfVoice", None, "long " * 100),))
    site = planned(Action(Address(SHOP, Kind.SETTINGS), change, Reason.DIFFERS))
    assert "more characters)" in shown(*plan_of(site))
    explained = shown(*plan_of(site), calls=lambda _operation, _site: ())
    assert explained.count("long") == 100


@pytest.mark.parametrize("colour", [False, True])
def test_remote_text_cannot_act_on_the_terminal(colour: bool) -> None:
    nasty = "\x1b]0;owned\x07\u202egnirts\nPlan: 0 to add\r\x9b2J"
    site = planned(
        tone("shop", nasty),
        Action(Address(SHOP, Kind.EVENT, nasty), DeleteEvent(EventId("e"), nasty), Reason.NOT_LISTED),
        notes=(Diagnostic.note("test", nasty),),
        blocked=(blocked(Address(SHOP), BlockedBy.POLICY, nasty, nasty),),
    )
    text = shown(*plan_of(site, failed("other", nasty)), screen=Screen(80, colour))
    for character in "\x07\u202e\r\x9b":
        assert character not in text
    assert "\x1b]" not in text
    if not colour:
        assert "\x1b" not in text


def test_colours_change_no_word(everything: SitePlanned) -> None:
    coloured = shown(*plan_of(everything), screen=Screen(80, colour=True))
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == shown(*plan_of(everything))


def test_wide_characters_are_counted_as_two_columns() -> None:
    event = DesiredEvent("陶 器 " * 10, recurring_rule=None, date=None)
    action = Action(Address(SHOP, Kind.EVENT, "e"), CreateEvent(event), Reason.DECLARED)
    change = replace(tone(), operation=UpdateSettings((FieldChange("settings.x", "陶 器 " * 20, "器"),)))
    lines = shown(*plan_of(planned(action, change))).splitlines()
    assert [line for line in lines if columns(line) > 80 and not line.startswith(("Plan:", "LIVE"))] == []


def test_the_same_warning_about_many_files_is_reported_once() -> None:
    def warned(file: str, line: int, message: str) -> Notice:
        return Notice(Diagnostic("odd", message, "correct it", Severity.WARNING, Place(file, line, 1)))

    told = (
        warned("a.yaml", 1, "odd"),
        warned("b.yaml", 1, "odd"),
        warned("b.yaml", 9, "other"),
        warned("b.yaml", 12, "other"),
    )
    lines = shown(STARTED, *told, warned("c.yaml", 1, "odd")).splitlines()
    assert lines == [
        "warning: a.yaml:1:1: odd; correct it (the same in b.yaml:1:1, c.yaml:1:1)",
        "warning: b.yaml:9:1: other; correct it (the same in b.yaml:12:1)",
    ]
    many = [warned(f"{name}.yaml", 1, "odd") for name in "abcdefgh"]
    assert shown(STARTED, *many).splitlines() == [
        "warning: a.yaml:1:1: odd; correct it (the same in 7 more files: b.yaml:1:1, c.yaml:1:1, d.yaml:1:1, "
        "e.yaml:1:1, f.yaml:1:1 and 2 more; `reconciler validate --sites` lists them)"
    ]


def discarding(site: str, *, approved: bool = False, title: str = "Winter check") -> SitePlanned:
    posts = tuple(
        Discarded(PostId(f"d{number}"), title, channel, approved)
        for number, channel in enumerate(("INSTAGRAM", "TWITTER"))
    )
    regenerate = Action(
        Address(SiteName(site), Kind.MARKETING_PLAN),
        Regenerate(keyword_research=False, discards=tuple(post.post for post in posts)),
        Reason.INPUTS_CHANGED,
        ("settings.toneOfVoice",),
    )
    return planned(regenerate, tone(site), site=site, discarded=posts)


def awaiting(site: str, *known: Discarded) -> SitePlanned:
    waits = AwaitGeneration((PostId("d0"), PostId("d1"), PostId("d2")))
    return planned(Action(Address(SiteName(site), Kind.MARKETING_PLAN), waits, Reason.UNDER_WAY), discarded=known)


def test_a_plan_that_waits_names_what_the_generation_discards_as_far_as_it_is_known() -> None:
    mugs = Discarded(PostId("d0"), "Mugs", "FACEBOOK", approved=True)
    bowls = Discarded(PostId("d1"), "Bowls", "TWITTER")
    text = shown(*plan_of(awaiting("a", mugs, bowls)))
    assert '- discards 3 drafts, 1 of them approved: "Mugs" (Facebook); unapproved: "Bowls"' in " ".join(text.split())
    assert "- discards 3 drafts\n" in shown(*plan_of(awaiting("a")))
    many = shown(*plan_of(*(awaiting(f"s{n}") for n in range(9)), sites=9))
    assert "- discards 27 drafts on these sites in total" in many


def test_few_sites_with_one_change_each_name_what_they_throw_away() -> None:
    text = shown(*plan_of(discarding("a", title="Spring"), discarding("b", title="Autumn"), sites=9))
    assert '- discards 2 unapproved drafts: "Spring" (Instagram, X)' in text
    assert '- discards 2 unapproved drafts: "Autumn" (Instagram, X)' in text


def test_a_changed_event_is_called_an_event_and_not_by_the_path_of_a_field() -> None:
    inputs = ("settings.toneOfVoice", "calendarEvents.Open day")
    regenerate = Regenerate(keyword_research=False, discards=())
    action = Action(Address(SHOP, Kind.MARKETING_PLAN), regenerate, Reason.INPUTS_CHANGED, inputs)
    text = shown(*plan_of(planned(action)), screen=Screen(300))
    assert 'because toneOfVoice and event "Open day" changed' in text


@pytest.mark.parametrize("few", [1, 4, 10])
def test_many_sites_with_one_change_count_what_they_throw_away_and_name_the_approved_drafts_of_a_few(few: int) -> None:
    many = [discarding(f"s{number}", title=f"Title {number}") for number in range(6)]
    odd = [discarding(f"odd{number}", approved=True) for number in range(few)]
    lines = shown(*plan_of(*many, *odd, sites=20), screen=Screen(120)).splitlines()
    shared = lines.index(f"Same change on all {6 + few} sites (list them with --sites)")
    assert lines[shared + 1].startswith("  * marketing plan    regenerate")
    total = f"{12 + 2 * few} drafts on these sites in total, {2 * few} of them approved:"
    assert lines[shared + 2] == f"        - discards {total}"
    named = [f'          odd{number}: "Winter check" (Instagram, X)' for number in range(few)]
    assert lines[shared + 3 : shared + 3 + few] == named
    assert sum("regenerate" in line for line in lines) == 1


def test_many_sites_that_throw_away_approved_drafts_share_a_block_that_says_how_many_do_and_the_first_titles() -> None:
    """On a few sites, and with `--sites`, every approved draft is named."""
    approved = [discarding(f"a{number:02}", title=f"Title {number:02}", approved=True) for number in range(30)]
    others = [discarding(f"b{number:02}", title=f"Title {number:02}") for number in range(30)]
    text = shown(*plan_of(*approved, *others), screen=Screen(300))
    named = ", ".join(f'"Title {number:02}" (2 drafts)' for number in range(5))
    assert "Same change on all 60 sites (list them with --sites)" in text
    discards = "- discards 120 drafts on these sites in total, 60 of them approved (on 30 sites): "
    assert f"{discards}{named} and 50 more drafts\n" in text
    text = shown(*plan_of(*approved), screen=Screen(300))
    assert f"- discards 60 approved drafts on these sites in total: {named} and 50 more drafts\n" in text
    listed = shown(*plan_of(*approved, *others), detail=Detail(sites=True))
    for text in (listed, shown(*plan_of(*approved[:4]))):
        assert f'- discards 2 approved drafts: "Title {text.count(" approved drafts: ") - 1:02}" (Instagram, X)' in text
    assert listed.count("- discards 2 approved drafts: ") == 30
    assert listed.count("- discards 2 unapproved drafts: ") == 30


def test_a_block_that_few_sites_share_or_whose_sites_are_listed_names_drafts_as_each_site_does() -> None:
    named = '- discards 2 unapproved drafts: "Winter check" (Instagram, X)'
    sites = [discarding(f"s{number:02}") for number in range(30)]
    few, listed = shown(*plan_of(*sites[:2])), shown(*plan_of(*sites), detail=Detail(sites=True))
    assert ("Same change on 2 sites (s00, s01), each:" in few, few.count(named)) == (True, 1)
    assert ("Same change on all 30 sites, each:" in listed, listed.count(named)) == (True, 1)
    assert f"  sites: {', '.join(f's{number:02}' for number in range(12))}," in listed
    paused = [paused_at(f"s{number:02}", ["Sale"]) for number in range(30)]
    listed = shown(*plan_of(*paused), detail=Detail(sites=True))
    assert listed.count("(2 drafts)\n") == listed.count('"Sale" (Facebook), "Sale" (X)\n') == 1


def test_approved_drafts_among_others_are_counted_and_their_titles_come_first() -> None:
    def both(site: str) -> SitePlanned:
        made = discarding(site, title=f"Idea of {site}", approved=True)
        first, second = made.plan.discarded
        return replace(made, plan=replace(made.plan, discarded=(first, replace(second, approved=False))))

    text = shown(*plan_of(*(both(f"s{number:02}") for number in range(20))), screen=Screen(300))
    named = ", ".join(f'"Idea of s{number:02}"' for number in range(5))
    total = f"- discards 40 drafts on these sites in total, 20 of them approved: {named} and 15 more drafts"
    assert total in text


def test_discards_name_every_approved_draft_first_and_say_once_which_channels_titles_share() -> None:
    def thrown(title: str, *channels: str, approved: bool = False, type: str = "POST") -> tuple[Discarded, ...]:
        return tuple(
            Discarded(PostId(f"{title}{channel}{type}"), title, channel, approved, type) for channel in channels
        )

    posts = (
        *thrown("Sale", "FACEBOOK", "TWITTER", approved=True),
        *thrown("Sale", "INSTAGRAM", type="STORY"),
        *(draft for n in range(8) for draft in thrown(f"Tip {n}", "FACEBOOK")),
    )
    regenerate = Regenerate(keyword_research=False, discards=tuple(post.post for post in posts))
    action = Action(Address(SHOP, Kind.MARKETING_PLAN), regenerate, Reason.INPUTS_CHANGED)
    assert (
        '- discards 11 drafts, 2 of them approved: "Sale" (Facebook, X); unapproved: "Sale" (Instagram story); '
        '"Tip 0", "Tip 1", "Tip 2", "Tip 3", "Tip 4", each on Facebook and 3 more drafts'
    ) in shown(*plan_of(planned(action, discarded=posts)), screen=Screen(300))
    twice = tuple(draft for title in ("Sale", "Tip") for draft in thrown(title, "FACEBOOK", "FACEBOOK", "TWITTER"))
    again = replace(action, operation=replace(regenerate, discards=tuple(post.post for post in twice)))
    assert '- discards 6 unapproved drafts: "Sale", "Tip" (each: 2 on Facebook, X)' in shown(
        *plan_of(planned(again, discarded=twice)), screen=Screen(300)
    )


def test_sites_with_the_same_obstacles_share_a_block_whatever_the_order_of_their_posts() -> None:
    def stuck(site: str, why: str) -> Diagnostic:
        name = f'"{why}" (X)'
        address = Address(SiteName(site), Kind.DRAFT, why)
        return blocked(address, BlockedBy.POLICY, f"{name} {why}", "edit it", name, says_name=True)

    whys = ["has no image", "has 300 letters"]
    sites = [
        planned(site=f"s{n}", blocked=tuple(stuck(f"s{n}", why) for why in (whys if n % 2 else whys[::-1])))
        for n in range(12)
    ]
    text = shown(*plan_of(*sites))
    assert ("Same on all 12 sites" in text, text.count("blocked ")) == (True, 2), text


def test_each_post_that_goes_out_unapproved_is_shown_with_its_time_and_account() -> None:
    def out(number: int) -> Diagnostic:
        said = f'"Sale {number // 2}" (Facebook) goes out Thu 2026-12-03 {9 + number:02}:00 UTC on Kiln'
        address = Address(SHOP, Kind.DRAFT, str(number))
        return blocked(address, BlockedBy.SCHEDULED_UNAPPROVED, f"{said}: no yes", "cancel it", said, says_name=True)

    problems = [out(number) for number in range(8)]
    text = shown(*plan_of(planned(blocked=tuple(problems))))
    assert text.count("no yes") == text.count("fix: cancel it") == 1
    lines = [line.strip() for line in text.splitlines()]
    assert [line for line in lines if line.startswith('"Sale')] == [problem.name for problem in problems]
    unapproved, remote = Finding.UNAPPROVED, ChangedSide.REMOTE
    items = ready(8, unapproved, remote)[1::2]
    items = [with_problem(replace(item, problem=out(2 * n)), "UTC") for n, item in enumerate(items)]
    audited = audit(items)
    for hour, n in ((9, 0), (11, 1), (13, 2), (15, 3)):
        moved = f'~ post "Sale {n}" (Facebook)  drifted  changed remotely'
        assert f"{moved}  goes out Thu 2026-12-03 {hour:02}:00 UTC on Kiln: no yes" in audited, audited
    assert "fix: cancel it  (for all 4 of the above)" in audited


def stuck_at(site: str, *obstacles: tuple[str, str, str]) -> tuple[Diagnostic, ...]:
    """Drafts, each with its title, what blocks it, and what to do."""
    return tuple(
        blocked(
            Address(SiteName(site), Kind.DRAFT, title),
            BlockedBy.POLICY,
            f'"{title}" {why}',
            fix,
            f'"{title}"',
            says_name=True,
        )
        for title, why, fix in obstacles
    )


NIGHT, WORDS = ("at night", "move it"), ("bad words", "edit it")
ONLY_THERE = ("is odd", "edit it")


def test_what_blocks_drafts_of_many_sites_is_reported_once_whatever_else_blocks_them() -> None:
    """What only one site has is one block, with what else there is to say about the site."""
    combined = {f"s{n:02}": [(NIGHT,), (NIGHT, WORDS), (WORDS,)][n % 3] for n in range(12)}
    sites = [
        planned(site=name, blocked=stuck_at(name, *((f"{why} at {name}", why, fix) for why, fix in found)))
        for name, found in combined.items()
    ]
    at_one = stuck_at("odd", ("Sale", *NIGHT), ("A", *ONLY_THERE), ("B", "is blank", "edit it"))
    sites.append(planned(tone("odd"), site="odd", blocked=at_one))
    lines = shown(*plan_of(*sites), screen=Screen(120)).splitlines()
    nights = [name for name, found in combined.items() if NIGHT in found]
    words = [name for name, found in combined.items() if WORDS in found]
    assert lines[2 : lines.index("odd") + 7] == [
        "Same on 9 sites (of 13 with team=emea)",
        "  ! blocked           at night  (9 drafts)",
        "        fix: move it",
        *(f'          {name}: "at night at {name}"' for name in nights),
        '          odd: "Sale"',
        "",
        "Same on 8 sites (of 13 with team=emea)",
        "  ! blocked           bad words  (8 drafts)",
        "        fix: edit it",
        *(f'          {name}: "bad words at {name}"' for name in words),
        "",
        "odd",
        '  ! blocked           "B" is blank',
        "        fix: edit it",
        '  ! blocked           "A" is odd',
        "        fix: as above",
        "  ~ settings",
        "        toneOfVoice  dry  ->  warm",
    ]


def test_what_blocks_posts_of_many_sites_is_reported_once_in_an_audit_too() -> None:
    def stuck(site: str, why: str, fix: str) -> DriftItem:
        address = Address(SiteName(site), Kind.DRAFT, why)
        problem = Diagnostic("blocked", why, fix)
        title = f"{why} at {site}"
        return DriftItem(address, DriftState.BLOCKED, Finding.BLOCKED, problem=problem, title=title, channel="X")

    combined = {f"s{n}": [(NIGHT,), (NIGHT, WORDS), (WORDS,)][n % 3] for n in range(9)}
    reports = [
        DriftReport(SiteRef(SiteName(name), name), tuple(stuck(name, *each) for each in found))
        for name, found in combined.items()
    ]
    tally = sum((report.tally for report in reports), DriftTally())
    started = replace(STARTED, command="drift", sites=9, of=9)
    text = shown(started, *map(SiteDrifted, reports), DriftCompleted(9, tally), command="drift", screen=Screen(120))
    said = [text.count(f"blocked  {why}\n        fix: {fix}\n          s") for why, fix in (NIGHT, WORDS)]
    assert (said, text.count("fix: ")) == ([1, 1], 2), text


def test_a_fix_that_ends_several_obstacles_is_reported_once_after_them() -> None:
    def stuck(title: str, why: str, fix: str = "edit it in the dashboard") -> Diagnostic:
        name = f'"{title}" (X)'
        return blocked(Address(SHOP, Kind.DRAFT, title), BlockedBy.POLICY, f"{name} {why}", fix, name, says_name=True)

    drafts = (stuck("A", "has no image"), stuck("B", "is paused", "wait"), stuck("C", "has 300 letters"))
    lines = shown(*plan_of(planned(blocked=drafts)), screen=Screen(300)).splitlines()
    start = next(number for number, line in enumerate(lines) if "has 300 letters" in line)
    assert [line.split("  ")[-1].strip() for line in lines[start : start + 5]] == [
        '"C" (X) has 300 letters',
        '"A" (X) has no image',
        "(for both of the above)",
        '"B" (X) is paused',
        "fix: wait",
    ]
    assert lines[start + 2].strip() == "fix: edit it in the dashboard  (for both of the above)"


def test_a_story_is_distinguished_from_a_post_of_the_same_activity() -> None:
    both = (going_out("shop", 1), going_out("shop", 1, post=PostId("d2"), type="STORY"))
    text = shown(*plan_of(planned(*both)), screen=Screen(300))
    assert '> post "Title 1" (Instagram)  goes out' in text
    assert '> post "Title 1" (Instagram story)  goes out' in text


def test_one_obstacle_of_several_drafts_is_reported_once_with_their_names() -> None:
    found = tuple(
        blocked(
            Address(SHOP, Kind.DRAFT, f"d{number}"), BlockedBy.PAUSED, "publishing is paused", "wait", f'"{number}" (X)'
        )
        for number in range(3)
    )
    lines = shown(*plan_of(planned(blocked=found))).splitlines()
    assert lines[3:6] == [
        "  ! blocked           publishing is paused  (3 drafts)",
        "        fix: wait",
        '        "0" (X), "1" (X), "2" (X)',
    ]


def test_one_cause_that_blocks_drafts_of_many_sites_is_reported_once() -> None:
    def banned(site: str, *titles: str) -> SitePlanned:
        posts = (
            blocked(
                Address(SiteName(site), Kind.DRAFT, title),
                BlockedBy.POLICY,
                f"{name} breaks it",
                "mend it",
                name,
                says_name=True,
            )
            for title in titles
            if (name := f'"{title}" (X)')
        )
        return planned(site=site, blocked=tuple(posts))

    one = shown(*plan_of(banned("a", "Sale"))).splitlines()
    assert one[3:5] == ['  ! blocked           "Sale" (X) breaks it', "        fix: mend it"]
    two = shown(*plan_of(banned("a", "Sale", "Tip"))).splitlines()
    assert two[3:6] == [
        "  ! blocked           breaks it  (2 drafts)",
        "        fix: mend it",
        '        "Sale" (X), "Tip" (X)',
    ]
    many = shown(*plan_of(*(banned(f"s{n}", *(f"Tip {m}" for m in range(1 + n % 3))) for n in range(90)))).splitlines()
    assert many[2:5] == [
        "Same on all 90 sites (list them and their posts with --sites)",
        "  ! blocked           breaks it  (180 drafts)",
        "        fix: mend it",
    ]
    assert many[-1] == "No changes; 180 blocked."


def test_large_numbers_are_grouped_in_the_last_line_too() -> None:
    tally = PlanTally(change=1234, discard=1940, blocked=1000)
    assert shown(STARTED, PlanCompleted(223, tally)).splitlines()[-2] == (
        "Plan: 0 to add, 1,234 to change, 0 to destroy, 1,940 to discard; 1,000 blocked."
    )


@pytest.mark.parametrize(
    ("public", "moved", "of_them", "to_do"),
    [
        (1, 0, "", "1 post to make public"),
        (1, 1, " (already scheduled)", "1 scheduled post to move"),
        (11, 11, " (all already scheduled)", "11 scheduled posts to move"),
        (12, 11, " (11 already scheduled)", "1 post to make public, 11 scheduled posts to move"),
    ],
)
def test_a_move_is_not_said_to_make_anything_new_public(public: int, moved: int, of_them: str, to_do: str) -> None:
    at, sha = datetime(2026, 12, 1, 9, tzinfo=UTC), Digest("sha256:1")
    actions = [going_out("shop", number) for number in range(public)]
    moves = [
        replace(action, operation=ReschedulePost(PostId(action.address.key), ActivityId("b3"), "FACEBOOK", sha, at))
        for action in actions
    ]
    actions = [*moves[:moved], *actions[moved:], *moves[moved:]]  # what is scheduled before it moves is new
    plan = PlanCompleted(1, planned(*actions).tally)
    line, step = shown(STARTED, plan).splitlines()[-2:]
    assert line == f"Plan: 0 to add, 0 to change, 0 to destroy, {public} to publish{of_them}."
    assert step == f"Next: reconciler apply --allow-publish   ({to_do})"
    entries = tuple(Entry(action.address, action.operation, ActionResult.DONE) for action in actions)
    tally = ledger_tally([SiteLedger(SiteRef(SHOP, "1"), entries)])
    done = shown(ApplyCompleted(plan, tally, 1), command="apply").splitlines()
    assert f"Apply: 0 added, 0 changed, 0 destroyed, {public} published{of_them}." in done


def test_a_value_from_the_defaults_says_so() -> None:
    result = replace(planned(tone()), inherited=(("settings.toneOfVoice", "team=emea"),))
    assert "toneOfVoice  dry  ->  warm  from defaults team=emea" in shown(*plan_of(result))


def test_a_fleet_has_a_line_for_each_site_that_went_well() -> None:
    done = Entry(Address(SHOP, Kind.SETTINGS), tone().operation, ActionResult.DONE)
    bad = Entry.not_done(done.address, done.operation, ActionResult.FAILED, Diagnostic("test", "no"))
    ledgers = [SiteLedger(SiteRef(SiteName(f"s{number}"), str(number)), (done,)) for number in range(6)]
    ledgers.append(SiteLedger(SiteRef(SiteName("odd"), "9"), (bad, done)))
    tally = ledger_tally(ledgers)
    plan = PlanCompleted(7, PlanTally(change=8))
    events: list[Event] = [PhaseStarted(Phase.APPLYING, 7), *(SiteApplied(ledger, seconds=1.0) for ledger in ledgers)]
    lines = shown(STARTED, *events, ApplyCompleted(plan, tally, 7), command="apply").splitlines()
    assert lines[0] == "s0  1 done  in 1.0 s  settings changed"
    assert lines[6:8] == ["odd  1 failed, 1 done  in 1.0 s  done: settings changed", "  ! settings          failed  no"]
    assert lines[9:11] == ["  odd           1 failed, 1 done", "  6 more sites  1 done each  settings changed"]


def test_what_one_call_failed_with_is_said_once() -> None:
    one, other = (entry(Kind.DRAFT, replace(SCHEDULE, title=title), ActionResult.FAILED, "503") for title in "ab")
    screen = shown(*applied(SiteLedger(SiteRef(SHOP, "1"), (one, other))), command="apply")
    posts = " ".join(screen.split()).split("! post ")
    assert posts[1] == '"a" (Instagram) failed due at a time Wix picks 503 (request id request-7) '
    assert posts[2].startswith('"b" (Instagram) failed due at a time Wix picks same cause as above ')


def test_what_many_calls_failed_with_is_said_once() -> None:
    """Each has its own post in its path, and its own request id."""

    def failed(number: int, answer: str = "answered 503") -> Entry:
        post = f"ad07ff8f-b7e8-516a-aa58-{number:012d}"
        call = f"POST /items/{post}/reschedule {answer}"
        problem = Diagnostic("test", f"it failed ({call})", "try again", call=call, request_id=f"request-{number}")
        address = Address(SHOP, Kind.DRAFT, post)
        return Entry.not_done(address, replace(SCHEDULE, post=PostId(post)), ActionResult.FAILED, problem)

    entries = (failed(1), failed(2), failed(3, "answered 500"))
    ledger = SiteLedger(SiteRef(SHOP, "1"), entries)
    posts = " ".join(shown(*applied(ledger), command="apply").split()).split("! post ")
    assert "it failed; try again (POST /items/ad07ff8f-b7e8-516a-aa58-000000000001/reschedule answered 503" in posts[1]
    assert posts[2] == '"Summer sale" (Instagram) failed due at a time Wix picks same cause as above '
    assert "answered 500, request id request-3)" in posts[3]
    page = "".join(applied_row(SiteApplied(ledger)).body)
    assert (page.count("try again"), page.count("same cause as above")) == (2, 1)


def test_a_move_that_was_not_started_says_when_and_where_the_post_still_goes_out() -> None:
    now, then = (datetime(2026, 12, 3, hour, tzinfo=UTC) for hour in (15, 9))
    move = ReschedulePost(PostId("d1"), ActivityId("a"), "X", Digest("digest"), then, now, "Sale", account="kiln (1)")
    problem = Diagnostic("test", "the run was stopped", "run it again", request_id="r1")
    left = Entry.not_done(Address(SHOP, Kind.DRAFT, "d1"), move, ActionResult.NOT_STARTED, problem)
    screen = shown(*applied(SiteLedger(SiteRef(SHOP, "1"), (replace(left, request_id="r2"),))), command="apply")
    said = " ".join(screen.split())
    assert "would have moved to Thu 2026-12-03 09:00 UTC; it still goes out Thu 2026-12-03 15:00 UTC on kiln" in said
    assert "(request ids r1 and r2)" in said


OWN_TIME = datetime(2026, 12, 3, 15, tzinfo=UTC)


def test_posts_that_the_next_apply_cancels_come_before_what_waits_for_review() -> None:
    why = Diagnostic(Unstopped.LEFT_BEHIND, "its activity is gone", "run apply again, which cancels it")
    address = Address(SHOP, Kind.DRAFT, "d1")
    left = StillGoingOut(address, PostId("d1"), "X", "Sale", None, OWN_TIME, Reason.ACTIVITY_GONE, (), why)
    ledger = SiteLedger(SiteRef(SHOP, "1"), (), still_going_out=(left,), new_drafts=6)
    screen = shown(*applied(ledger), command="apply")
    assert screen.splitlines()[-1] == "Next: reconciler apply   (1 post still going out)", screen


def not_moved(site: str, at: datetime | None = OWN_TIME, result: ActionResult = ActionResult.FAILED) -> SiteLedger:
    """Two posts that are scheduled, and could not be moved to 09:30."""
    found = []
    for number in range(2):
        operation = replace(
            SCHEDULE, post=PostId(f"p{number}"), at=datetime(2026, 12, 3, 9, 30, tzinfo=UTC), own_time_first=True
        )
        problem = Diagnostic("test", "it failed (POST /move)", "try again", call="POST /move", request_id=f"r{number}")
        entry = Entry.not_done(Address(SiteName(site), Kind.DRAFT, operation.post), operation, result, problem)
        found.append(replace(entry, remark=Remark.SCHEDULED, goes_out=at))
    return SiteLedger(SiteRef(SiteName(site), site), tuple(found))


@pytest.mark.parametrize(
    ("at", "result", "words", "last"),
    [
        (
            OWN_TIME,
            ActionResult.FAILED,
            "failed goes out Thu 2026-12-03 15:00 UTC, not 09:30",
            "2 published; 2 going out at another time, 2 failed.",
        ),
        (
            datetime(2026, 12, 4, 15, tzinfo=UTC),
            ActionResult.SKIPPED,
            "skipped goes out Fri 2026-12-04 15:00 UTC, not Thu 2026-12-03 09:30",
            "2 published; 2 going out at another time, 2 skipped.",
        ),
        (
            OWN_TIME,
            ActionResult.UNKNOWN,
            "unknown goes out Thu 2026-12-03 15:00 UTC, unless it was moved to 09:30",
            "2 published; 2 unknown.",
        ),
        (
            None,
            ActionResult.FAILED,
            "failed goes out at a time Wix picked, not Thu 2026-12-03 09:30 UTC",
            "2 published; 2 going out at another time, 2 failed.",
        ),
    ],
)
def test_a_post_that_is_not_moved_says_when_it_goes_out(
    at: datetime | None, result: ActionResult, words: str, last: str
) -> None:
    screen = " ".join(shown(*applied(not_moved("shop", at, result)), command="apply").split())
    assert f"{words} it failed; try again (POST /move, request id r0)" in screen, screen
    assert f"{words} same cause as above" in screen
    assert last in screen


def test_posts_that_were_promised_and_not_moved_count_with_the_promises() -> None:
    ledger = not_moved("shop")
    ledger = replace(ledger, entries=tuple(replace(entry, promised=True) for entry in ledger.entries))
    last = "Apply: 0 added, 0 changed, 0 destroyed; plus 2 published; 2 going out at another time, 2 failed."
    assert last in shown(*applied(ledger), command="apply")


def test_a_site_with_the_same_cause_as_another_says_when_its_own_posts_go_out() -> None:
    lines = shown(*applied(not_moved("a"), not_moved("b"), sites=2), command="apply", screen=Screen(200)).splitlines()
    (there,) = (number for number, line in enumerate(lines) if line.startswith("b  2 going out at another time"))
    for line in lines[there + 1 : there + 3]:
        assert "goes out Thu 2026-12-03 15:00 UTC, not 09:30  same cause as a" in line, lines


def test_on_many_sites_the_posts_of_a_site_that_were_not_moved_share_a_line() -> None:
    lines = shown(*applied(*map(not_moved, "abcdef"), sites=6), command="apply", screen=Screen(200)).splitlines()
    posts = [line for line in lines if line.startswith("  ! posts")]
    when = 'failed  2 going out at another time: Thu 2026-12-03 15:00 UTC  "Summer sale" (2 on Instagram)'
    assert len(posts) == 6
    assert f"{when}  it failed; try again  (POST /move, request id r0)" in posts[0]
    assert all(f"{when}  same cause as a" in line for line in posts[1:])
    assert "  6 sites  2 going out at another time, 2 failed each  it failed; try again" in lines


def test_what_one_lost_call_failed_with_is_said_once() -> None:
    """Without a response, it has no request id."""
    lost = Diagnostic(
        "api-network", "connection lost (POST /schedule-drafts)", "run again", call="POST /schedule-drafts"
    )
    one, other = (
        replace(entry(Kind.DRAFT, replace(SCHEDULE, title=title), ActionResult.FAILED), problem=lost) for title in "ab"
    )
    screen = " ".join(shown(*applied(SiteLedger(SiteRef(SHOP, "1"), (one, other))), command="apply").split())
    assert screen.count("connection lost") == 1
    assert 'post "b" (Instagram) failed due at a time Wix picks same cause as above' in screen


def fleet_applied(detail: Detail | None = None) -> list[str]:
    """More sites than fit a screen: most end well, six are refused alike, two schedule a post."""
    done = Entry(Address(SHOP, Kind.SETTINGS), tone().operation, ActionResult.DONE)
    ledgers = [SiteLedger(SiteRef(SiteName(f"s{number}"), str(number)), (done,)) for number in range(40)]
    ledgers += [refused_write(f"r{number}", number) for number in range(6)]
    for site in ("p1", "p2"):
        action = going_out("p1", 1)
        ledgers.append(
            SiteLedger(SiteRef(SiteName(site), site), (Entry(action.address, action.operation, ActionResult.DONE),))
        )
    completed = ApplyCompleted(PlanCompleted(48, PlanTally(change=48)), ledger_tally(ledgers), 48)
    ends = (SiteApplied(ledger, seconds=1.0) for ledger in ledgers)
    events: list[Event] = [PhaseStarted(Phase.APPLYING, 48), *ends, completed]
    return shown(STARTED, *events, command="apply", screen=Screen(200), detail=detail or Detail()).splitlines()


def test_each_site_of_a_fleet_is_streamed_and_those_that_end_alike_are_counted_at_the_end() -> None:
    lines = fleet_applied()
    for site in (*(f"s{number}" for number in range(40)), *(f"r{number}" for number in range(6)), "p1", "p2"):
        assert sum(line.startswith(f"{site} ") for line in lines) == 1, site
    assert "  6 sites  1 failed, 1 not started each  access was refused; give access" in lines
    assert "  40 sites  1 done each  settings changed" in lines


def test_a_fleet_counts_posts_that_were_scheduled_or_cancelled_as_such() -> None:
    post, cancel = (
        going_out("shop", 1),
        CancelPost(PostId("d2"), ActivityId("b3"), "INSTAGRAM", datetime(2026, 12, 1, tzinfo=UTC), "Winter check"),
    )
    entries = (
        Entry(post.address, post.operation, ActionResult.DONE),
        Entry(Address(SHOP, Kind.DRAFT, "d2"), cancel, ActionResult.DONE),
        Entry(Address(SHOP, Kind.DRAFT, "d3"), replace(cancel, post=PostId("d3")), ActionResult.DONE),
    )
    ledgers = [SiteLedger(SiteRef(SiteName(f"s{number}"), str(number)), entries) for number in range(6)]
    assert "  6 sites  3 done each  post scheduled, 2 posts cancelled" in shown(
        *applied(*ledgers, sites=6), command="apply"
    )


@pytest.mark.parametrize(
    ("result", "said"),
    [(ActionResult.DONE, "moved to Fri 2026-12-04"), (ActionResult.WITHHELD, "not moved, due Tue 2026-12-01")],
)
def test_a_fleet_says_when_posts_that_were_to_be_moved_go_out(result: ActionResult, said: str) -> None:
    def moved(number: int) -> Entry:
        sha = Digest("sha256:" + "0" * 64)
        operation = ReschedulePost(PostId(f"d{number}"), ActivityId("b3"), "X", sha, moment(3), moment(0), "Sale")
        return Entry(Address(SHOP, Kind.DRAFT, f"d{number}"), operation, result)

    ledgers = [SiteLedger(SiteRef(SiteName(f"s{n}"), str(n)), tuple(map(moved, range(4)))) for n in range(6)]
    text = shown(*applied(*ledgers, sites=6), command="apply", screen=Screen(120))
    assert f"4 {said} 08:30 UTC" in text, text


def test_a_fleet_tells_what_was_deleted_from_what_was_changed_or_generated() -> None:
    def done(site: str, *operations: Operation) -> SiteLedger:
        made = [
            Entry(Address(SiteName(site), write.kind, str(n)), write, ActionResult.DONE)
            for n, write in enumerate(operations)
        ]
        return SiteLedger(SiteRef(SiteName(site), site), tuple(made))

    ideas = [DeleteActivity(ActivityId(f"b{number}"), "Idea") for number in (1, 2)]
    posts = [ClearPosts(ActivityId(f"b{number}"), "Idea") for number in (1, 2)]
    ledgers = [done(f"s{number}", tone().operation, Regenerate(False)) for number in range(4)]
    ledgers += [
        done("gone", tone().operation, DeleteMarketingPlan()),
        done("ideas", tone().operation, *ideas),
        done("posts", tone().operation, *posts),
    ]
    lines = shown(*applied(*ledgers, sites=7), command="apply").splitlines()
    assert lines[0] == "s0  2 done  in 12 s  settings changed, marketing plan regenerated"
    assert lines[4:7] == [
        "gone  2 done  in 12 s  settings changed, marketing plan deleted",
        "ideas  3 done  in 12 s  settings changed, 2 activities deleted",
        "posts  3 done  in 12 s  settings changed, posts of 2 activities cleared",
    ]
    assert lines[8:12] == [
        "  ideas         3 done  settings changed, 2 activities deleted",
        "  posts         3 done  settings changed, posts of 2 activities cleared",
        "  4 more sites  2 done each  settings changed, marketing plan regenerated",
        "  gone          2 done  settings changed, marketing plan deleted",
    ]
    few = shown(*applied(*ledgers[3:5], sites=2), command="apply")
    assert "\n  gone  2 done\n" in few, "each action has a line above"


def test_a_single_site_says_in_the_past_tense_what_was_deleted() -> None:
    lost = (PostId("d1"), PostId("d2"))
    operations: tuple[Operation, ...] = (
        DeleteEvent(EventId("e1"), "Sale"),
        DeleteMarketingPlan(lost),
        DeleteActivity(ActivityId("b1"), "Idea", lost[:1]),
        ClearPosts(ActivityId("b2"), "Tip", lost),
        RegeneratePosts(ActivityId("b3"), "Fair", lost, media_only=True),
    )
    entries = [Entry(Address(SHOP, write.kind, str(n)), write, ActionResult.DONE) for n, write in enumerate(operations)]
    entries.append(replace(entries[0], remark=Remark.GONE_ALREADY))
    assert shown(*applied(SiteLedger(SiteRef(SHOP, "1"), tuple(entries))), command="apply").splitlines()[1:7] == [
        '  - event "Sale"      done  deleted',
        "  - marketing plan    done  deleted, with all its activities, 2 drafts discarded",
        '  - activity "Idea"   done  deleted, 1 draft discarded',
        '  - posts             done  cleared for "Tip", 2 drafts discarded',
        '  * posts             done  regenerated the images of "Fair"',
        '  - event "Sale"      done  it was gone already',
    ]


def test_sites_lists_each_site_of_a_fleet_that_ends() -> None:
    lines = fleet_applied(Detail(sites=True))
    for site in (*(f"s{number}" for number in range(40)), *(f"r{number}" for number in range(6))):
        assert sum(line.startswith((f"{site} ", f"  {site} ")) for line in lines) == 2, (
            site
        )  # streamed, and in the ledger


def refused_write(site: str, request: int, message: str = "access was refused") -> SiteLedger:
    """A site whose settings were refused, so that its marketing plan was not generated."""
    found = Diagnostic("api-forbidden", message, "give access", request_id=f"r-{request}")
    behind = Diagnostic(Trouble.BEHIND, "the settings were not saved (failed)")
    settings, generation = Address(SiteName(site), Kind.SETTINGS), Address(SiteName(site), Kind.MARKETING_PLAN)
    entries = (
        Entry.not_done(settings, tone().operation, ActionResult.FAILED, found),
        Entry.not_done(generation, Generate(), ActionResult.NOT_STARTED, behind),
    )
    return SiteLedger(SiteRef(SiteName(site), str(request)), entries)


def fleet_refused(*more: Event, detail: Detail | None = None) -> list[str]:
    ledgers = [refused_write(f"s{number}", number) for number in range(6)]
    ledgers.append(refused_write("odd", 9, "the field is unknown"))
    done = ApplyCompleted(PlanCompleted(8, PlanTally(change=8)), ledger_tally(ledgers), 8)
    events = [PhaseStarted(Phase.APPLYING, 8), *(SiteApplied(ledger, seconds=1.0) for ledger in ledgers), *more, done]
    screen = Screen(200)
    return shown(STARTED, *events, command="apply", screen=screen, detail=detail or Detail()).splitlines()


def test_a_failure_that_many_sites_share_is_reported_in_full_once() -> None:
    lines = fleet_refused()
    assert lines[:5] == [
        "s0  1 failed, 1 not started  in 1.0 s",
        "  ! settings          failed  access was refused; give access  (request id r-0)",
        "  ! marketing plan    not started  generate  the settings were not saved (failed)",
        "s1  1 failed, 1 not started  in 1.0 s  settings failed, marketing plan not started: same cause as s0",
        "s2  1 failed, 1 not started  in 1.0 s  settings failed, marketing plan not started: same cause as s0",
    ]
    assert lines[9].startswith("  ! settings          failed  the field is unknown; give access")  # a cause of its own
    assert lines[12:15] == [
        "  6 sites  1 failed, 1 not started each  access was refused; give access",
        "  odd  1 failed, 1 not started",
        "  1 site with nothing to do",
    ]


def test_two_sites_share_a_failure_too() -> None:
    site = "3f0c2a9e-8d0b-4b7c-9a55-00000000000"
    ledgers = [refused_write(f"s{n}", n, f"access to {site}{n} was refused") for n in range(2)]
    done = Entry(Address(SiteName("s1"), Kind.EVENT, "Sale"), DeleteEvent(EventId("e1"), "Sale"), ActionResult.DONE)
    ledgers[1] = replace(ledgers[1], entries=(done, *ledgers[1].entries))
    locked = Diagnostic("locked", "the site is locked by somebody else", "wait")
    failures = [SiteFailed(SiteName(name), (locked,)) for name in ("t0", "t1")]
    begun, *ends = applied(*ledgers, sites=4, failed=2)
    events = (begun, *ends[:-1], *failures, ends[-1])

    def streamed(detail: Detail) -> list[str]:
        return shown(*events, command="apply", screen=Screen(200), detail=detail).splitlines()[1:8]

    assert streamed(Detail())[2:6] == [
        "s1  1 failed, 1 not started, 1 done  in 12 s  settings failed, marketing plan not started: same cause as s0",
        '  - event "Sale"      done  deleted',
        "t0  failed  the site is locked by somebody else; wait",
        "t1  failed  same cause as t0",
    ]
    assert not any("same cause" in line for line in streamed(Detail(sites=True)))


def test_records_that_cannot_be_read_are_named_as_the_state_with_one_of_their_files() -> None:
    def unread(number: int) -> SiteFailed:
        why, fix = "cannot be read (Permission denied)", "give this user permission"
        problem = Diagnostic("state", why, fix, place=Place(f"state/records/{number}.json"), continues=True)
        return SiteFailed(SiteName(f"s{number}"), (problem,))

    alone = shown(*plan_of(unread(1)), screen=Screen(200)).splitlines()
    assert alone[2:4] == [
        "! s1 could not be read  state/records/1.json cannot be read (Permission denied)",
        "    fix: give this user permission",
    ]
    many = shown(*plan_of(unread(1), unread(2)), screen=Screen(200)).splitlines()
    assert many[2:5] == [
        "! 2 sites could not be read  the state cannot be read (Permission denied)",
        "    fix: give this user permission",
        "    sites: s1, s2  (such as state/records/1.json)",
    ]


def test_a_full_disk_is_reported_in_full_once_whatever_file_each_site_needed() -> None:
    def full(number: int) -> Diagnostic:
        why, fix = "cannot be written (No space left on device)", "free some space and run again"
        return Diagnostic("state", why, fix, place=Place(f"state/locks/{number}.json"), continues=True)

    failures = [SiteFailed(SiteName(f"s{number}"), (full(number),)) for number in range(6)]
    plans = [planned(tone(f"s{number}"), site=f"s{number}") for number in range(7)]
    done_before = (Entry(tone("s6").address, tone().operation, ActionResult.DONE),)
    late = SiteLedger(SiteRef(SiteName("s6"), "6"), done_before, error=full(6))
    done = ApplyCompleted(PlanCompleted(7, PlanTally(change=7)), ledger_tally([late]), 1, 7)
    events = (*plan_of(*plans), PhaseStarted(Phase.APPLYING, 7), *failures, SiteApplied(late, seconds=1.0), done)
    text = shown(*events, command="apply", screen=Screen(200))
    assert text.count("state/locks/") == 2, "once for a site that was not begun, and once for the one that was"
    assert "s5  failed  same cause as s0" in text
    why = "the state cannot be written (No space left on device); free some space and run again"
    assert f"\n  7 sites  failed  {why}\n" in text


def test_sites_with_only_blocked_items_are_counted_apart_from_those_with_nothing_to_do() -> None:
    sites = [planned(site=f"s{number}", blocked=(UNCONNECTED,)) for number in range(200)]
    refused = planned(site="no", blocked=(UNCONNECTED,), refusals=(UNCONNECTED,))
    plan = plan_of(*sites, failed("odd", "access was refused"), refused, planned(site="idle"))
    completed = plan[-1]
    assert isinstance(completed, PlanCompleted)
    text = shown(*plan, ApplyCompleted(completed, ApplyTally(), 0), command="apply")
    rows = ("  odd  could not be read", "  no   refused", "  200 sites with only blocked items (200)")
    assert "\n\n" + "\n".join((*rows, "  1 site with nothing to do")) + "\n\nApply: " in text, text


def test_a_failure_that_many_sites_share_is_listed_for_each_with_sites() -> None:
    lines = fleet_refused(detail=Detail(sites=True))
    assert [f"r-{number}" in "\n".join(lines) for number in range(6)] == [True] * 6
    assert not any("same cause" in line for line in lines)


@pytest.mark.parametrize("result", [ActionResult.SKIPPED, ActionResult.UNKNOWN])
def test_what_many_sites_skip_for_one_cause_is_reported_once(result: ActionResult) -> None:
    changed = Diagnostic("stale", "the settings changed after this plan was made", "run plan again")

    def left(number: int, moved: int) -> SiteLedger:
        site = SiteName(f"s{number}")
        posts = [going_out(site, post) for post in range(moved)]
        entries = [Entry.not_done(Address(site, Kind.SETTINGS), tone().operation, result, changed)]
        entries += [Entry.not_done(post.address, post.operation, result, changed) for post in posts]
        return SiteLedger(SiteRef(site, str(number)), tuple(entries))

    def rows(ledgers: list[SiteLedger]) -> list[str]:
        lines = shown(*applied(*ledgers, sites=7), command="apply", screen=Screen(200)).splitlines()
        assert lines[1].endswith("run plan again")
        assert lines[2] == f"s1  1 {result}  in 12 s  settings {result}: same cause as s0"
        return lines[lines.index("") + 1 : -3]

    why = "the settings changed after this plan was made; run plan again"
    assert rows([left(n, 0) for n in range(6)]) == [f"  6 sites  1 {result} each  {why}", "  1 site with nothing to do"]
    assert rows([left(n, n // 5) for n in range(6)])[:1] == [f"  6 sites  {result}  {why}"]


def test_a_block_that_several_refused_sites_share_does_not_speak_of_one() -> None:
    sites = [planned(tone(f"s{n}"), site=f"s{n}", refusals=(unpublished(),)) for n in range(6)]
    text = shown(*plan_of(*sites, planned(tone("odd"), site="odd")))
    assert "on 6 sites" in text
    assert "Not done: ~ settings  (in full with --sites)" in text
    assert "This site" not in text


def test_sites_that_fail_alike_after_approval_are_reported_once() -> None:
    locked = Diagnostic("locked", "the site is locked by somebody else", "wait")
    lines = fleet_refused(*(SiteFailed(SiteName(f"t{number}"), (locked,)) for number in range(5)))
    assert sum("locked by somebody else" in line for line in lines) == 2
    assert "t4  failed  same cause as t0" in lines
    assert "  5 sites  failed  the site is locked by somebody else; wait" in lines


def test_one_cause_is_reported_once_whatever_was_being_asked() -> None:
    def refused(site: str, route: str, request: str = "r-1") -> SiteFailed:
        call = f"GET {route} answered 403"
        found = Diagnostic(
            "api-forbidden", f"access was refused ({call})", "give access", request_id=request, call=call
        )
        return SiteFailed(SiteName(site), (found,))

    for many, particulars in (
        ([refused(f"s{number}", "/b") for number in range(9)], "GET /b answered 403, request id r-1"),
        (
            [refused(f"s{number}", "/b", f"r-{number}") for number in range(9)],
            "GET /b answered 403, such as request id r-0",
        ),
        (
            [refused(f"s{number}", f"/{number // 8}", f"r-{number}") for number in range(9)],
            "such as GET /0 answered 403, request id r-0",
        ),
    ):
        lines = shown(*plan_of(*many), screen=Screen(200)).splitlines()
        assert lines[2:5] == [
            "! 9 sites could not be read  access was refused",
            "    fix: give access",
            f"    sites: s0, s1, s2, s3, s4, s5, s6, s7 and 1 more site  ({particulars})",
        ]
    assert shown(*plan_of(refused("a", "/b")), screen=Screen(200)).splitlines()[2:4] == [
        "! a could not be read  access was refused",
        "    fix: give access  (GET /b answered 403, request id r-1)",
    ]


def test_summary_names_the_refused_sites_and_why() -> None:
    why = unpublished()
    sites = [planned(tone(f"shop-{n}"), site=f"shop-{n}", refusals=(why,) if n < 2 else ()) for n in range(6)]
    lines = shown(*plan_of(*sites), detail=Detail(summary=True)).splitlines()
    assert lines[2:5] == [
        "Same on 2 sites (shop-0, shop-1)",
        "  ! refused           expect.published is true, but the site is not published",
        "        fix: change the site, or the expectation in its file",
    ]
    assert [line for line in lines if "shop-0 " in line or "shop-1 " in line] == []
    assert ["2", "sites", "refused"] in [line.split() for line in lines]


@pytest.mark.parametrize("detail", [Detail(), Detail(summary=True), Detail(quiet=True), Detail(sites=True)])
def test_a_refusal_that_differing_blocks_share_is_shown_once(detail: Detail) -> None:
    """A site that is refused for another reason keeps it in its block."""
    same = [planned(tone(f"shop-{n}"), site=f"shop-{n}", refusals=(unpublished(),)) for n in range(6)]
    odd = [planned(site=f"odd-{n}", refusals=(unpublished(),), blocked=(UNCONNECTED,)) for n in range(2)]
    other = planned(tone("other"), site="other", refusals=(not_connected("other", "X"),), blocked=(UNCONNECTED,))
    text = shown(*plan_of(*same, *odd, other), detail=detail, screen=Screen(200))
    assert text.count("the site is not published") == 1
    if detail.quiet or detail.summary:  # then their changes are not shown, and they have all of their block in common
        assert "Same on 8 sites (of 9 with team=emea; list them with --sites)\n  ! refused " in text
    else:
        head = "! 8 sites refused  expect.published is true, but the site is not published\n"
        assert f"{head}    fix: change the site, or the expectation in its file\n    sites: shop-0, shop-1, " in text
    assert "other\n  ! refused           expect.channels: X is not connected" in text
    assert (
        f"Same on {'2 sites (odd-0, odd-1)' if detail.sites else '3 sites (odd-0, odd-1, other)'}\n  ! blocked " in text
    )


def test_a_refusal_that_differing_blocks_of_an_audit_share_is_shown_once() -> None:
    why = refusal(Address(SHOP), RefusedBy.MAX_DELETE, "it would discard 2 drafts", "allow it")
    reports = [
        DriftReport(SiteRef(SiteName(f"shop-{n}"), f"{n}"), refusals=(why, *((unpublished(),) if n < 2 else ())))
        for n in range(6)
    ]
    tally = sum((report.tally for report in reports), DriftTally())
    events: list[Event] = [SiteDrifted(report) for report in reports]
    text = shown(STARTED, *events, DriftCompleted(6, tally, refused=6), command="drift")
    assert (text.count("it would discard 2 drafts"), "! 6 sites refused  it would discard" in text) == (1, True), text
    assert "Same on 2 sites (shop-0, shop-1)\n  ! expectation " in text
    assert "Same on 4 sites" not in text, "nothing is left to say about them"


def test_an_audit_names_what_came_within_a_rules_dates_unless_it_is_on_many_sites() -> None:
    def lines(sites: int, titles: int, *, detail: Detail | None = None) -> list[str]:
        names = tuple(f'"Sale {n}"' for n in range(titles))
        reports = [DriftReport(SiteRef(SiteName(f"s{n}"), f"{n}"), due_names=names) for n in range(sites)]
        events: list[Event] = [SiteDrifted(report) for report in reports]
        ended = DriftCompleted(sites, DriftTally())
        text = shown(*events, ended, command="drift", screen=Screen(200), detail=detail)
        return [line.strip() for line in text.splitlines() if "note:" in line]

    came, two = "within a rule's dates (not drift)", '"Sale 0", "Sale 1"'
    assert lines(1, 1) == [f'note: 1 object now falls {came}: "Sale 0"; the next apply handles it']
    all_of_them = '"Sale 0", "Sale 1", "Sale 2", "Sale 3", "Sale 4" and 2 more'
    assert lines(1, 7) == [f"note: 7 objects now fall {came}: {all_of_them}; the next apply handles them"]
    assert lines(4, 2) == [f"note: 2 objects now fall {came}: {two}; the next apply handles them"]
    total = " (on each site; 18 in total)"
    assert lines(9, 2) == [f"note: 2 objects now fall {came}; the next apply handles them{total}"]
    listed = lines(9, 2, detail=Detail(sites=True))
    assert listed == [f"note: 2 objects now fall {came}: {two}; the next apply handles them"]


def test_the_summary_of_an_audit_names_the_refused_sites_and_why() -> None:
    why = refusal(Address(SHOP), RefusedBy.MAX_DELETE, "it would discard 2 drafts", "allow it")
    reports = [
        DriftReport(SiteRef(SiteName(f"shop-{n}"), f"{n}"), refusals=(why, unpublished()) if n < 2 else ())
        for n in range(3)
    ]
    tally = sum((report.tally for report in reports), DriftTally())
    events: list[Event] = [SiteDrifted(report) for report in reports]
    events.append(DriftCompleted(3, tally, refused=2))
    lines = shown(STARTED, *events, command="drift", detail=Detail(summary=True), screen=Screen(120)).splitlines()
    assert lines[:6] == [
        "Same on 2 sites (shop-0, shop-1)",
        "  ! refused           it would discard 2 drafts",
        "        fix: allow it",
        "  ! expectation       drifted  expect.published is true, but the site is not published",
        "        fix: change the site, or the expectation in its file",
        "",
    ]


def test_the_table_of_an_audit_has_refused_sites_first() -> None:
    why = refusal(Address(SHOP), RefusedBy.DISCARD, "it would discard 2 drafts", "allow it")
    reports = [
        DriftReport(SiteRef(SiteName(f"shop-{n}"), f"{n}"), refusals=(unpublished(), *((why,) if n == 2 else ())))
        for n in range(4)
    ]
    events: list[Event] = [SiteDrifted(report) for report in reports]
    tally = sum((report.tally for report in reports), DriftTally())
    text = shown(STARTED, *events, DriftCompleted(4, tally, refused=1), command="drift", detail=Detail(summary=True))
    rows = [line.split() for line in text.splitlines()]
    assert rows[rows.index(["site", "drifted", "refused"]) + 1] == ["shop-2", "1", "1"]


def test_the_marks_of_a_difference_are_not_torn_from_its_long_words() -> None:
    words = [Span("[-https://media.example/a,b/" + "x" * 70 + "-]"), Span("{+https://media.example/" + "y" * 70 + "+}")]
    old, new = (word.text for word in words)
    row = Line((Span("see "), *(replace(word, glued=True) for word in words)), hang=2)
    assert [line.strip() for line in row.on(Screen(80))] == ["see", old, new]
    wide = [Span("[-" + "日" * 45 + "-]", glued=True), Span("{+" + "本" * 45 + "+}", glued=True)]
    for before in range(70, 80):
        lines = list(Line((Span("x" * before), *wide), hang=6).on(Screen(80)))
        assert not [
            line for line in lines if line.endswith(("[-", "{+", "{", "[")) or line.lstrip()[:2] in ("-]", "+}")
        ]
    numbers = list(Line((Span("[-1," + "2," * 45 + "3]"),)).on(Screen(80)))
    assert (len(numbers), numbers[0][-1]) == (2, ","), "and JSON still breaks at its commas"


def test_a_review_of_many_sites_says_once_what_they_share() -> None:
    one = review()
    sites = [replace(one, site=SiteName(f"shop-{n}"), missed=()) for n in range(9)]
    bare = [replace(site, failures=(), rewritten=(), going_out=()) for site in sites[:8]]
    started = replace(STARTED, command="review", sites=9, of=9)
    events = [SiteReviewed(site, Written.CREATED, f"approvals/{site.site}.yaml") for site in bare]
    screen = Screen(300)
    text = shown(started, *events, ReviewCompleted(8, 8, 8), command="review", screen=screen)
    (line,) = [line for line in text.splitlines() if line.startswith("8 sites  ")]
    assert "8 files created  shop-0, shop-1" in line
    few = shown(started, *events[:4], ReviewCompleted(4, 4, 4), command="review", screen=screen)
    assert [line.split("  ")[0] for line in few.splitlines() if "(created)" in line] == [f"shop-{n}" for n in range(4)]


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("number", [1, 4, 9])
def test_a_review_of_many_sites_says_once_what_it_sets_back(number: int, quiet: bool) -> None:
    one = review()
    post = one.activities[0].posts[0].post
    back = tuple(
        Rewritten(replace(post, channel=channel), "Sale", ReviewStatus.WITHHELD, ReviewStatus.PENDING)
        for channel in ("X", "GBP")
    )
    why = '"Mugs" (X) was approved, but is gone from the site'
    gone = Diagnostic("draft-gone", why, name='"Mugs" (X)', says_name=True)
    activities = (replace(one.activities[0], lapsed=ActivityDecision.DISCARD), *one.activities[1:])
    same = replace(one, missed=(), failures=(), going_out=(), activities=activities, gone=(gone,))
    sites = [replace(same, site=SiteName(f"s{n}"), rewritten=back) for n in range(number)]
    started = replace(STARTED, command="review", sites=9, of=9)
    events = [SiteReviewed(site, Written.UPDATED, f"approvals/{site.site}.yaml") for site in sites]
    detail = Detail(quiet=quiet)
    text = shown(started, *events, ReviewCompleted(9, 9, 9), command="review", screen=Screen(300), detail=detail)
    said = [line for line in text.splitlines() if line.startswith(("!", "      "))]
    used = ": the approval may have been used already; run apply, then approve again"
    if number == 1:
        assert f'! back to pending  s0  "Sale" (X), "Sale" (Google Business Profile), each{used}' in said
        assert '! entry removed  s0  "Mugs" (X) was approved, but is gone from the site' in said
        return
    if number == 4:
        at = said.index(f"! back to pending  8 drafts in 4 sites, each{used}")
        assert said[at + 1 : at + 5] == [f'      s{n}: "Sale" (X), "Sale" (Google Business Profile)' for n in range(4)]
        at = said.index("! entry removed  4 drafts in 4 sites: each was approved, but is gone from the site")
        assert said[at + 1 : at + 5] == [f'      s{n}: "Mugs" (X)' for n in range(4)]
        return
    which = "      sites: s0, s1, s2, s3, s4, s5, s6, s7 and 1 more"
    lapsed = "`discard` was given for drafts that have changed since; decide again"
    assert said == [
        f"! back to keep  9 activities in 9 sites, each: {lapsed}",
        which,
        f"! back to pending  18 drafts in 9 sites, each{used}",
        which,
        "! entry removed  9 drafts in 9 sites: each was approved, but is gone from the site",
        which,
    ]
    assert ("9 sites  " in text) is not quiet, text


def test_what_blocks_several_new_drafts_is_said_once_after_an_apply() -> None:
    lost = Diagnostic("channel-not-connected", "Facebook is not connected", "connect it", address=Address(SHOP))
    names = [f'"Sale {n}" (Facebook)' for n in range(3)]
    notes = (*(lost.named(name) for name in names[:2]), Diagnostic.note("test", "other"), lost.named(names[2]))
    ledger = SiteLedger(SiteRef(SHOP, "1"), (), notes)
    assert shown(SiteApplied(ledger), command="apply", screen=Screen(200)).splitlines()[1:] == [
        "  note: Facebook is not connected (3 drafts); connect it",
        f"        {', '.join(names)}",
        "  note: other",
    ]


def test_a_review_of_few_sites_has_problems_first_and_says_once_what_they_share() -> None:
    one = review()
    back = (Rewritten(one.activities[0].posts[0].post, "Sale", ReviewStatus.WITHHELD, ReviewStatus.PENDING),)
    same = replace(one, missed=(), failures=(), going_out=(), rewritten=back)
    sites = [replace(same, site=SiteName(f"s{n}")) for n in range(2)]
    wrong = replace(same, site=SiteName("wrong"), rewritten=(), going_out=(unstopped("wrong"),))
    started = replace(STARTED, command="review", sites=4, of=4)
    events = [SiteReviewed(site, Written.UPDATED, f"{site.site}.yaml") for site in (*sites, wrong)]
    ends = unreadable(9), ReviewCompleted(4, 4, 4)
    text = shown(started, PhaseStarted(Phase.REVIEWING, 4), *events, *ends, command="review", screen=Screen(300))
    heads = [line.split("  ")[0] for line in text.splitlines() if line[:1] not in (" ", "")]
    assert heads[1:-2] == ["wrong", "! s9 could not be read", "! back to pending", "s0", "s1"]
    assert text.count("the approval may have been used already") == 1
    assert "\n\n\n" not in text
    stopped = shown(started, PhaseStarted(Phase.REVIEWING, 4), *events, Interrupted(), command="review")
    assert stopped.count("(updated)") == 3


def test_a_list_of_the_state_fits_a_narrow_screen() -> None:
    states = (
        StateSummary(SHOP, "1", in_doubt=2, pending=True),
        StateSummary(SiteName("other"), "2", generated_from=True),
        StateSummary(SiteName("new"), "3"),
    )
    lines = shown(StateListed(".reconciler", states), command="state list", screen=Screen(40)).splitlines()
    assert lines[:3] == ["shop  2 unconfirmed, inputs pending", "other  inputs up to date", "new  no unfinished calls"]


def unreadable(number: int) -> SiteFailed:
    """A site whose file in the state was written by another user."""
    place = Place(f".reconciler/records/{number}.json")
    problem = Diagnostic("state", "cannot be read (Permission denied)", "give this user permission", place=place)
    return SiteFailed(SiteName(f"s{number}"), (replace(problem, continues=True),))


@pytest.mark.parametrize(
    ("command", "phase", "done"),
    [
        ("history", None, HistoryListed(9, 0, 9)),
        ("doctor", Phase.EXAMINING, DoctorCompleted(9, 9)),
        ("import", Phase.IMPORTING, ImportCompleted(9, failed=9)),
    ],
)
def test_a_state_that_cannot_be_read_is_reported_once_for_all_sites(
    command: str, phase: Phase | None, done: Event
) -> None:
    began = replace(STARTED, command=command, sites=9, of=9)
    events = [began, *([PhaseStarted(phase, 9)] if phase else []), *map(unreadable, range(9)), done]
    lines = [line for line in shown(*events, command=command, screen=Screen(300)).splitlines() if line]
    assert lines[1:4] == [
        "! 9 sites could not be read  the state cannot be read (Permission denied)",
        "    fix: give this user permission",
        "    sites: s0, s1, s2, s3, s4, s5, s6, s7 and 1 more site  (such as .reconciler/records/0.json)",
    ]
    one = shown(began, *([PhaseStarted(phase, 1)] if phase else []), unreadable(4), done, command=command)
    assert (
        "\n\n! s4 could not be read\n    .reconciler/records/4.json cannot be read (Permission denied)\n    fix: give"
        in one
    )
    assert "\n\n\n" not in one


@pytest.mark.parametrize("width", [40, 300])
def test_a_list_of_the_state_says_once_why_records_cannot_be_read(width: int) -> None:
    failed = [StateSummary(site.name, problem=site.problem) for site in map(unreadable, range(9))]
    listed = StateListed(".reconciler", (StateSummary(SHOP, "1", in_doubt=2), *failed))
    text = shown(listed, command="state list", screen=Screen(width))
    assert text.index("shop") < text.index("\n\n! 9 sites could not be read") < text.index("State: 10 sites")
    assert " ".join(text.split()).count("the state cannot be read (Permission denied)") == 1
    assert "lock" not in shown(replace(listed, sites=tuple(failed)), command="state list", screen=Screen(width)).split()


def test_posts_of_many_sites_are_listed_one_by_one_while_they_fit_a_screen() -> None:
    few = shown(*plan_of(*(planned(going_out(f"s{n}", n), site=f"s{n}") for n in range(6)), sites=9))
    assert [f"s{n}.berlin" in few for n in range(6)] == [True] * 6
    many = plan_of(*(publishing(f"s{n}") for n in range(30)))
    assert "s7.berlin" not in shown(*many)
    for asked in (shown(*many, detail=Detail(sites=True)), shown(*many, calls=lambda _operation, _site: ())):
        text = " ".join(asked.split())
        assert [f'"Only at s{n}"' in text and f"s{n}.berlin" in text for n in range(30)] == [True] * 30


@pytest.mark.parametrize("posts", [1, 2, 4])
def test_what_several_sites_cancel_for_one_reason_is_said_once_with_the_posts_of_each(posts: int) -> None:
    """Posts are in the order of their times, whatever the order of the actions."""

    def cancelled_at(site: str, numbers: Iterable[int]) -> SitePlanned:
        found = (
            CancelPost(PostId(f"d{n}"), ActivityId(f"a{n}"), "FACEBOOK", moment(n), f"Idea {n} of {site}")
            for n in numbers
        )
        return planned(
            *(Action(Address(SiteName(site), Kind.DRAFT, each.post), each, Reason.PAUSED) for each in found), site=site
        )

    sites = [cancelled_at(f"s{n}", range(posts)[:: -1 if n % 2 else 1]) for n in range(6)]
    lines = shown(*plan_of(*sites, sites=9), screen=Screen(300)).splitlines()
    head = lines.index("Same change on all 6 sites")
    days = ["Tue 2026-12-01 08:30 UTC", "Wed 2026-12-02 08:30", "Thu 2026-12-03 08:30", "Fri 2026-12-04 08:30"]
    assert lines[head + 1].startswith(f"  x posts             {6 * posts} will be cancelled: publishing is paused")
    if posts == 2:  # below three, each has a line of its own on a single site, with its zone
        days = [f"{day.removesuffix(' UTC')} UTC" for day in days]
    assert lines[head + 2 : head + 8] == [
        f"          s{n}: " + "; ".join(f'{day} "Idea {m} of s{n}" (Facebook)' for m, day in enumerate(days[:posts]))
        for n in range(6)
    ]
    alike = [planned(cancelled(f"s{n}", 1), cancelled(f"s{n}", 2), site=f"s{n}") for n in range(20)]
    other = [planned(cancelled(f"t{n}", 2), cancelled(f"t{n}", 1), site=f"t{n}") for n in range(2)]
    assert "Same change on all 14 sites" in shown(*plan_of(*alike[:12], *other))


def test_what_is_done_to_three_or_more_posts_or_activities_is_said_once_with_their_names() -> None:
    def told(*actions: Action, **rest: object) -> list[str]:
        lines = shown(*plan_of(planned(*actions, site=SHOP, **rest)), screen=Screen(1_000)).splitlines()
        return lines[3 : lines.index("", 3)]

    def deleted(number: int, title: str, *discards: str) -> Action:
        operation = DeleteActivity(ActivityId(f"a{number}"), title, tuple(map(PostId, discards)))
        return Action(Address(SHOP, Kind.ACTIVITY, f"a{number}"), operation, Reason.ABSENT_WANTED)

    two, three = (tuple(going_out("shop", 2 * n) for n in range(count)) for count in (2, 3))
    assert [line.partition("  goes")[0] for line in told(*two)] == [f'  > post "Title {n}" (Facebook)' for n in (0, 2)]
    assert told(*three, going_out("shop", 1)) == [
        "  > posts             4 go out on account shop.berlin",
        '        Tue 2026-12-01 09:30 UTC "Title 0" (Facebook); Tue 2026-12-01 10:30 "Title 1" (Instagram); '
        'Wed 2026-12-02 09:30 "Title 2" (Facebook); Thu 2026-12-03 09:30 "Title 4" (Facebook)',
    ]
    other = told(*three, going_out("shop", 1, account="other"), time_zone="Europe/Berlin")
    assert other == [
        "  > posts             3 on Facebook go out on account shop.berlin",
        '        Tue 2026-12-01 10:30 Europe/Berlin "Title 0"; Wed 2026-12-02 10:30 "Title 2"; '
        'Thu 2026-12-03 10:30 "Title 4"',
        '  > post "Title 1" (Instagram)  goes out Tue 2026-12-01 11:30 Europe/Berlin on account other',
    ]
    picked = [going_out("shop", 2 * n, at=None, about=moment(0) if n else None, approved=False) for n in range(3)]
    assert told(*picked) == [
        "  > posts             3 on Facebook go out without approval (approval: none) on account shop.berlin "
        "at times that Wix picks",
        '        about Tue 2026-12-01 08:30 UTC "Title 2", "Title 4"; "Title 0"',
    ]
    edited = (edit_key(three[1].address, MOMENT),)
    assert len(told(*three, edited=edited)) == 3, "one was moved by somebody, so each is shown by itself"
    drafts = tuple(Discarded(PostId(f"d{n}"), f"Idea {n}", "X", approved=False) for n in range(3))
    gone = told(deleted(0, "Idea 0", "d0"), deleted(1, "Idea 1", "d1"), deleted(2, "Idea 2"), discarded=drafts)
    assert len(gone) == 5, "the activity without drafts is another kind of change"
    gone = told(*(deleted(n, f"Idea {n}", f"d{n}") for n in range(3)), discarded=drafts)
    assert gone == [
        "  - activities        delete 3, declared absent in the file",
        '        "Idea 0", "Idea 1", "Idea 2"',
        '        - discards 3 unapproved drafts: "Idea 0", "Idea 1", "Idea 2", each on X',
    ]


def test_posts_of_many_sites_say_what_differs_between_them() -> None:
    def told(*sites: SitePlanned) -> str:
        return shown(*plan_of(*sites), screen=Screen(300))

    one_account = told(*(planned(going_out("s", 1, account="acme"), site=f"s{n}") for n in range(50)))
    assert "50 go out on account acme" in one_account
    unapproved = told(*(planned(going_out("s", 1, approved=False), site=f"s{n}") for n in range(50)))
    assert "50 go out without approval (approval: none)" in unapproved
    wix = told(
        *(planned(going_out("s", n % 2, at=None, about=datetime(2026, 12, 1, n % 9, tzinfo=UTC))) for n in range(50))
    )
    assert "about Tue 2026-12-01 00:00 to 08:00 UTC (Wix picks the time)  50 on Facebook, Instagram" in wix
    zones = told(
        *(planned(going_out("s", 1), site=f"s{n}", time_zone=("Asia/Tokyo", "Europe/Berlin")[n % 2]) for n in range(50))
    )
    assert "Tue 2026-12-01 11:30 to 19:30 in each site's time zone" in zones
    long = told(*(planned(*(going_out(f"s{n}", 2 * day) for day in range(20)), site=f"s{n}") for n in range(20)))
    assert "and 120 on 6 later days, until Sun 2026-12-20" in long


def test_a_fleet_has_one_line_for_the_posts_of_a_site_that_went_as_planned() -> None:
    def ended(number: int, result: ActionResult = ActionResult.DONE, remark: Remark | None = None) -> Entry:
        action = going_out("shop", number)
        if result is not ActionResult.DONE:
            return Entry.not_done(action.address, action.operation, result, Diagnostic("test", "no"))
        at: datetime = action.operation.at  # type: ignore[union-attr,assignment]
        return Entry(action.address, action.operation, result, None, remark, at)

    four = SiteLedger(SiteRef(SHOP, "1"), tuple(ended(number) for number in range(4)))
    odd = SiteLedger(
        SiteRef(SHOP, "1"), (ended(0), ended(1), ended(2, remark=Remark.ASKED_BEFORE), ended(3, ActionResult.FAILED))
    )
    fleet, screen = (four, odd, four, four, four), Screen(300)
    lines = shown(*applied(*fleet), command="apply", screen=screen).splitlines()
    assert lines[:6] == [
        "shop  4 done  in 12 s",
        "  > posts             done  4 scheduled for Tue 2026-12-01 09:30 to Wed 2026-12-02 10:30 UTC"
        '  "Title 0", "Title 2", each on Facebook; "Title 1" (Instagram) and 1 more post',
        "shop  1 failed, 3 done  in 12 s",
        "  > posts             done  2 scheduled for Tue 2026-12-01 09:30 to Tue 2026-12-01 10:30 UTC"
        '  "Title 0" (Facebook); "Title 1" (Instagram)',
        '  > post "Title 2" (Facebook)  done  on account shop.berlin  scheduled for Wed 2026-12-02 09:30 UTC; '
        "requested by a worker that was lost afterwards",
        '  ! post "Title 3" (Instagram)  failed  due Wed 2026-12-02 10:30 UTC  no',
    ]
    listed = shown(*applied(*fleet), command="apply", screen=screen, detail=Detail(sites=True))
    assert listed.count('post "Title 1" (Instagram)  done') == 5


def test_a_quiet_apply_reports_only_problems() -> None:
    well = SiteLedger(SiteRef(SiteName("well"), "4"), (entry(Kind.MARKETING_PLAN, Generate(), ActionResult.DONE),))
    text = shown(*applied(TWO, well, sites=9), command="apply", detail=Detail(quiet=True))
    assert "well" not in text
    assert "the generation ended FAILED" in text
    assert "withheld" in text
    assert "settings" not in text
    assert text.splitlines()[-1].startswith("Apply: ")


def test_the_sites_that_a_stopped_run_never_began_are_only_counted() -> None:
    never = [replace(stopped(f"s{n}"), entries=stopped(f"s{n}").entries[2:]) for n in range(20)]
    begun = [stopped(f"b{n}") for n in range(5)]
    lines = shown(*interrupted(*begun, *never), command="apply", screen=Screen(200)).splitlines()
    assert [line.split()[0] for line in lines if line and line[0] != " "][:-2] == ["b0", "b1", "b2", "b3", "b4"]
    assert "  20 sites  1 not started each" in lines
    assert "s19" in shown(*interrupted(*begun, *never), command="apply", detail=Detail(sites=True))


def test_lines_are_wrapped_at_the_width_that_the_terminal_has_then() -> None:
    width = [60]
    screen = Screen(measure=lambda: width[0])
    line = Line((Span("one word after the other, " * 4),))
    assert max(map(len, line.on(screen))) in range(50, 61)
    width[0] = 40
    assert max(map(len, line.on(screen))) in range(30, 41)


def test_json_that_is_longer_than_a_line_breaks_after_a_comma() -> None:
    body = '{"marketingSettings":{"marketingTools":["SOCIAL_MARKETING"],"toneOfVoice":"upbeat"}}'
    lines = list(Line((Span("call:"), Span(body))).on(Screen(70)))
    assert max(map(len, lines)) <= 70
    assert "".join(line.strip() for line in lines).removeprefix("call:") == body


def test_json_whose_texts_have_blanks_breaks_at_them_and_after_a_comma_or_a_brace() -> None:
    body = '{"settings":{"overrides":{"socialMarketing":{"count":3}},"toneOfVoice":"down to earth"},"goal":{"key":"X"}}'
    lines = list(Line((Span("call:"), Span(body)), hang=6).on(Screen(40)))
    assert max(map(len, lines)) <= 40
    assert re.sub(r"\s", "", "".join(lines)).removeprefix("call:") == body.replace(" ", "")


def test_the_path_of_a_field_breaks_at_a_dot() -> None:
    line = Line((Span("+ overrides.socialMarketing.frequency"), Span("{count: 3}")), indent=8, hang=10)
    assert list(line.on(Screen(36))) == [
        "        + overrides.socialMarketing.",
        "          frequency  {count: 3}",
    ]


def test_the_last_row_of_a_table_counts_the_sites_that_have_a_row() -> None:
    names = ["1 site", "both sites", "1 of 2 sites", "all 10 sites", "9 of 10 sites"]
    assert [all_or_part(*sites) for sites in ((1, 1), (2, 2), (1, 2), (10, 10), (9, 10))] == names
    different = (planned(tone(after=value), site=value) for value in "abcde")
    assert "\n5 of 6 sites " in shown(*plan_of(*different, sites=6))


def test_an_audit_shows_a_fix_that_ends_several_obstacles_once_after_them() -> None:
    def stuck(draft: str, why: str, fix: str) -> DriftItem:
        address = Address(SHOP, Kind.DRAFT, draft)
        problem = Diagnostic("blocked", why, fix)
        return DriftItem(address, DriftState.BLOCKED, Finding.BLOCKED, problem=problem, title=draft, channel="X")

    found = (stuck("A", "no image", "edit it"), stuck("B", "paused", "wait"), stuck("C", "too long", "edit it"))
    report = DriftReport(SiteRef(SHOP, "1"), found)
    started = replace(STARTED, command="drift", sites=1, of=1)
    text = shown(started, SiteDrifted(report), DriftCompleted(1, report.tally), command="drift")
    places = [text.index(part) for part in ("no image", "too long", "fix: edit it  (for both of the above)", "paused")]
    assert places == sorted(places)
    assert text.count("fix: ") == 2


ALONE = {Finding.STILL_GOING_OUT, Finding.POSTS_CANCELLED, Finding.POSTS_CLEARED, Finding.POSTS_MISSING}
"""Findings that an audit never says of several posts at once."""

OTHERS = {Reason.RULE, Reason.INACTIVE, Reason.INPUTS_CHANGED, Reason.UNCONFIRMED}
"""Reasons for things other than cancelling posts."""


def ready(
    count: int, finding: Finding = Finding.NOT_SCHEDULED, moved: ChangedSide = ChangedSide.GIT
) -> list[DriftItem]:
    items = (
        DriftItem(
            Address(SHOP, Kind.DRAFT, f"{finding}{n}"),
            DriftState.DRIFTED,
            finding,
            moved,
            title=f"Sale {n // 2}",
            channel="FACEBOOK" if n % 2 else "INSTAGRAM",
            type="POST",
        )
        for n in range(count)
    )
    return [with_problem(item, "UTC") for item in items]


def audit(*sites: list[DriftItem], explain: bool = False, width: int = 200) -> str:
    reports = [DriftReport(SiteRef(SiteName(f"s{n}"), f"{n}"), tuple(items)) for n, items in enumerate(sites)]
    tally = sum((report.tally for report in reports), DriftTally())
    events: list[Event] = [SiteDrifted(report) for report in reports]
    events.append(DriftCompleted(len(sites), tally))
    return shown(*events, command="drift", screen=Screen(width), calls=(lambda *_: ()) if explain else None)


def test_an_audit_says_once_what_it_finds_about_several_posts() -> None:
    cancelled = ready(9, Finding.CANCELLED, ChangedSide.REMOTE)
    named = ", ".join(f'"Sale {n}"' for n in range(6))
    lines = audit([*ready(13), *ready(1, moved=ChangedSide.BOTH), *cancelled]).splitlines()
    assert lines[1:-3] == [
        "  ~ 13 posts          drifted  changed in git  ready to go out, but not scheduled yet",
        f"        {named}, each on Facebook, Instagram and 1 more post",
        '  ~ post "Sale 0" (Instagram)  drifted  changed in both  ready to go out, but not scheduled yet',
        "  ~ 9 posts           drifted  changed remotely  scheduled, then cancelled by somebody",
        '        "Sale 0", "Sale 1", "Sale 2", "Sale 3", each on Facebook, Instagram; "Sale 4" (Instagram)',
    ], "what apply will do is counted, what somebody did is named"
    assert audit(ready(15), explain=True).count("ready to go out") == 15


def test_an_audit_of_many_sites_with_one_finding_names_the_most_frequent_posts() -> None:
    lines = audit(*(ready(4) for _ in range(30))).splitlines()
    assert lines[1:3] == [
        "  ~ 120 posts         drifted  changed in git  ready to go out, but not scheduled yet",
        '        "Sale 0" (Facebook) 30 times, "Sale 0" (Instagram) 30 times, "Sale 1" (Facebook) 30 times, '
        '"Sale 1" (Instagram) 30 times',
    ]
    few = audit(*(ready(4) for _ in range(3))).splitlines()
    assert few[0] == "Same on 3 sites (s0, s1, s2), each:"
    assert few[2] == '        "Sale 0", "Sale 1", each on Facebook, Instagram'


def test_what_an_audit_says_of_several_posts_fits_several() -> None:
    item = replace(ready(1, Finding.TAKEN_BACK)[0], problem=None, reason=Reason.WITHDRAWN)
    other = replace(item, address=Address(SHOP, Kind.DRAFT, "other"))
    lines = audit([with_problem(post, "UTC") for post in (item, other)]).splitlines()
    what = "scheduled, but no longer wanted (the approval was withdrawn)"
    assert lines[1] == f"  ~ 2 posts           drifted  changed in git  {what}"
    of_posts = {finding for finding in Finding if finding not in ALONE}
    words = [
        *(FINDINGS[finding] for finding in of_posts),
        *(REASONS[reason] for reason in Reason if reason not in OTHERS),
    ]
    assert [said for said in words if re.search(r"\bits?\b", said)] == []


def test_an_audit_calls_a_draft_that_waits_for_review_a_draft() -> None:
    item = DriftItem(Address(SHOP, Kind.DRAFT, "p1"), DriftState.IN_REVIEW, Finding.REVIEW)
    waits = replace(item, about=("not-reviewed",), title="Sale", channel="FACEBOOK")
    text = audit([with_problem(waits, "UTC")], explain=True)
    assert '? draft "Sale"' in text


def test_an_audit_aligns_the_values_of_fields_as_a_plan_does() -> None:
    fields = (
        FieldDrift("settings.toneOfVoice", "warm", "dry", ChangedSide.GIT),
        FieldDrift("settings.pointOfView", "FIRST", "SECOND", ChangedSide.GIT),
        FieldDrift("settings.topics.included", ("tea",), ("tea", "mugs"), ChangedSide.GIT),
    )
    item = DriftItem(
        Address(SHOP, Kind.SETTINGS), DriftState.DRIFTED, Finding.DIFFERS, moved=ChangedSide.GIT, fields=fields
    )
    assert audit([with_problem(item, "UTC")]).splitlines()[1:5] == [
        "  ~ settings          drifted  changed in git  never applied",
        "        toneOfVoice      site: dry  file: warm",
        "        pointOfView      site: SECOND  file: FIRST",
        "        topics.included  site -> file:  - mugs",
    ]


NUMBERED = " ".join(f"sentence {number} of it." for number in range(30))


@pytest.mark.parametrize(
    ("applied", "live", "desired", "said"),
    [
        ("dry", "warm", "bold", "site: warm  file: bold  last applied: dry"),
        ("dry", "dry", "bold", "site: dry  file: bold"),
        ("café", "warm", "cafe\u0301", "site: warm  file: cafe\u0301"),
        (
            NUMBERED.replace("29 of", "nine of"),
            NUMBERED,
            NUMBERED.replace("29 of", "last of"),
            "site -> file:  … 28 of it. sentence [-29-]{+last+} of it.  "
            "last applied -> site:  … 28 of it. sentence [-nine-]{+29+} of it.",
        ),
        (
            NUMBERED.replace("15 of", "15  of"),
            NUMBERED,
            NUMBERED.replace("9 of", "nine of"),
            "site -> file:  … 8 of it. sentence [-9-]{+nine+} of it. sentence 10 … 18 of it. sentence [-19-]{+1nine+} "
            "of it. sentence 20 … 28 of it. sentence [-29-]{+2nine+} of it.  "
            "last applied -> site:  … of it. sentence 15[-··-]{+·+}of it. sentence 16 …  (they look the same)",
        ),
        (
            NUMBERED,
            None,
            NUMBERED.replace("29 of", "last of"),
            "last applied -> file:  … 28 of it. sentence [-29-]{+last+} of it.",
        ),
        (("a", "b"), ("a", "c"), ("b", "d"), "site -> file:  + b  + d  - a  - c  last applied -> site:  + c  - b"),
    ],
)
def test_an_audit_shows_what_differs_from_what_was_last_applied(
    applied: Json, live: Json, desired: Json, said: str
) -> None:
    field = FieldDrift("settings.x", desired, live, ChangedSide.BOTH, applied)
    item = DriftItem(Address(SHOP, Kind.SETTINGS), DriftState.DRIFTED, Finding.DIFFERS, ChangedSide.BOTH, (field,))
    line = audit([with_problem(item, "UTC")], width=1_000).splitlines()[2]
    assert line.endswith(said), line
    assert ("last applied" in line) is ("last applied" in said)


def test_an_audit_sums_up_ready_posts_of_a_fleet_but_never_what_somebody_did() -> None:
    lines = audit(*(ready(7) for _ in range(30))).splitlines()
    assert lines[:2] == [
        "Same on all 30 sites (list them and their posts with --sites)",
        "  ~ 210 posts         drifted  changed in git  ready to go out, but not scheduled yet",
    ]
    fleet = audit(*(ready(n % 3 + 1, Finding.CANCELLED, ChangedSide.REMOTE) for n in range(30)))
    assert fleet.count('"Sale 0"') == 3, "sites with the same posts share a block that names them"
    assert "each on Facebook, Instagram" not in audit(*(ready(2, Finding.STILL_GOING_OUT) for _ in range(2)))


def test_an_audit_sums_up_posts_of_a_fleet_that_a_change_in_git_makes_unwanted() -> None:
    def unwanted(count: int, moved: ChangedSide) -> list[DriftItem]:
        found = (
            replace(item, problem=None, reason=Reason.WITHDRAWN) for item in ready(count, Finding.TAKEN_BACK, moved)
        )
        return [with_problem(item, "UTC") for item in found]

    said = "scheduled, but no longer wanted (the approval was withdrawn)"
    assert audit(*(unwanted(n % 3 + 1, ChangedSide.GIT) for n in range(30))).splitlines()[:2] == [
        "Same on all 30 sites (list them and their posts with --sites)",
        f"  ~ 60 posts          drifted  changed in git  {said}",
    ]
    assert audit(*(unwanted(n % 3 + 1, ChangedSide.REMOTE) for n in range(30))).count('"Sale 0"') == 3


TUE: Final = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
WED: Final = TUE + timedelta(days=1)


def test_an_audit_names_scheduled_posts_with_time_and_account_even_if_many_sites_share_the_finding() -> None:
    def unwanted(finding: Finding, site: int, count: int = 3) -> list[DriftItem]:
        found = (
            replace(
                item,
                goes_out=GoesOut(at, account=f"studio{site} (1784)"),
                address=Address(SiteName(f"s{site}"), Kind.DRAFT, item.address.key),
            )
            for item, at in zip(ready(count, finding), (WED, TUE, TUE), strict=False)
        )
        return [with_problem(replace(item, problem=None), "UTC") for item in found]

    first, later = words.moment(TUE, "UTC"), words.moment(WED, "UTC")
    for finding in (Finding.TAKEN_BACK, Finding.NOT_WANTED):
        lines = audit(*(unwanted(finding, site) for site in range(6)), width=400).splitlines()
        assert lines[:3] == [
            "Same on all 6 sites",
            f"  ~ 18 posts          drifted  changed in git  {FINDINGS[finding]}",
            f'          s0: {first} "Sale 0" (Facebook) on studio0, "Sale 1" (Instagram) on studio0; '
            f'{later.removesuffix(" UTC")} "Sale 0" (Instagram) on studio0',
        ]
        assert audit(unwanted(finding, 0)).splitlines()[2].strip() == lines[2].strip().removeprefix("s0: ")
        lines = audit(*(unwanted(finding, site) for site in range(12)), width=400).splitlines()
        assert lines[0] == "Same on all 12 sites (list them and their posts with --sites)"
        assert f'"Sale 0" (Facebook) {first} 12 times, ' in lines[2]
        alone = audit(unwanted(finding, 0, 1), width=400).splitlines()[1]
        assert (
            alone == f'  ~ post "Sale 0" (Instagram) {later} on studio0  drifted  changed in git  {FINDINGS[finding]}'
        )


def test_an_audit_of_a_fleet_says_once_that_a_change_in_git_moved_the_times_of_posts() -> None:
    zones, said = ("Europe/Berlin", "UTC"), FINDINGS[Finding.OTHER_TIME]

    def moved(site: int) -> list[DriftItem]:
        zone = zones[site % 2]
        posts = (
            replace(
                item,
                address=Address(SiteName(f"s{site}"), Kind.DRAFT, item.address.key),
                about=(words.moment(at, zone), words.moment(at + timedelta(hours=4), zone)),
                goes_out=GoesOut(account=f"studio{site} (1784)"),
                finding=Finding.OTHER_TIME,
                problem=None,
            )
            for item, at in zip(ready(3), (WED, TUE, TUE), strict=True)
        )
        return [with_problem(item, zone) for item in posts]

    lines = audit(*map(moved, range(6)), width=400).splitlines()
    assert lines[:2] == ["Same on all 6 sites", f"  ~ 18 posts          drifted  changed in git  {said}"]
    assert lines[3] == (
        '          s1: Tue 2026-12-01 09:30 -> Tue 2026-12-01 13:30 UTC "Sale 0" (Facebook) on studio1, '
        '"Sale 1" (Instagram) on studio1; '
        'Wed 2026-12-02 09:30 -> Wed 2026-12-02 13:30 UTC "Sale 0" (Instagram) on studio1'
    )
    assert audit(*map(moved, range(12)), width=400).splitlines()[:3] == [
        "Same on all 12 sites (list them and their posts with --sites)",
        f"  ~ 36 posts          drifted  changed in git  {said}",
        '        "Sale 0" (Facebook) 12 times, "Sale 0" (Instagram) 12 times, "Sale 1" (Instagram) 12 times',
    ]
    one = audit(moved(1)).splitlines()
    assert [line.split("  ")[-1] for line in one[1::2][:2]] == [
        f"scheduled for {words.moment(at, 'UTC')}; the rule says {words.moment(at + timedelta(hours=4), 'UTC')}"
        for at in (TUE, WED)
    ]


@pytest.mark.parametrize("finding", [Finding.FAILED_POST, Finding.CHANNEL_LOST])
def test_an_audit_of_a_fleet_says_once_why_posts_reach_nobody_and_what_to_do(finding: Finding) -> None:
    def failed(site: int, account: str = "") -> list[DriftItem]:
        """Posts of a site, in an order that differs from site to site."""
        name = SiteName(f"s{site}")
        found = []
        for item, at in zip(ready(2, finding, ChangedSide.REMOTE), (WED, TUE), strict=True):
            address = Address(name, Kind.DRAFT, item.address.key)
            problem = blocked(address, BlockedBy.FAILED, "is lost", "do it by hand")
            post = replace(item, address=address, goes_out=GoesOut(at, account=account), problem=problem)
            found.append(with_problem(post, "UTC"))
        return found[:: 1 if site % 2 else -1]

    first, later = words.moment(TUE, "UTC"), words.moment(WED, "UTC")
    what = "drifted  changed remotely  is lost"
    for sites in (3, 6):
        assert audit(*map(failed, range(sites))).splitlines()[1:4] == [
            f"  ~ 2 posts           {what}",
            "        fix: do it by hand",
            f'        {first} "Sale 0" (Facebook); {later.removesuffix(" UTC")} "Sale 0" (Instagram)',
        ]
    lines = audit(*(failed(n, f"studio{n} (1784)") for n in range(6))).splitlines()
    assert lines[:4] == [
        "Same on all 6 sites",
        f"  ~ 12 posts          {what}",
        "        fix: do it by hand",
        f'          s0: {first} "Sale 0" (Facebook) on studio0; '
        f'{later.removesuffix(" UTC")} "Sale 0" (Instagram) on studio0',
    ]
    assert audit(*(failed(n, f"studio{n} (1784)") for n in range(12))).splitlines()[2:4] == [
        "        fix: do it by hand",
        f'        "Sale 0" (Facebook) {first} 12 times, "Sale 0" (Instagram) {later} 12 times',
    ]


def test_the_ledger_counts_what_goes_out_unwanted_at_a_refused_site() -> None:
    why = Diagnostic("site-refused", "the site is refused", "cancel it in the dashboard")
    address = Address(SHOP, Kind.DRAFT, "p1")
    post = StillGoingOut(address, PostId("p1"), "INSTAGRAM", "Sale", None, None, Reason.PAUSED, (), why)
    refused = planned(refusals=(unpublished(),), still_going_out=(post,))
    other = planned(tone("other"), site="other")
    done = SiteLedger(
        SiteRef(SiteName("other"), "2"),
        (Entry(Address(SiteName("other"), Kind.SETTINGS), tone().operation, ActionResult.DONE),),
    )
    plan = PlanCompleted(2, refused.tally + other.tally, refused=1)
    ledger = ledger_tally((done,))
    text = shown(
        refused, other, plan, PhaseStarted(Phase.APPLYING, 1), SiteApplied(done), ApplyCompleted(plan, ledger, sites=2),
        command="apply",
    )  # fmt: skip
    rows = [line.strip() for line in text.splitlines()]
    assert rows[-4:-2] == ["shop   1 post still going out, refused", "other  1 done"]


def test_posts_that_go_out_unwanted_for_one_cause_share_it() -> None:
    """They could not be cancelled; each is named, with when and where it goes out.

    What only support needs comes once, after what to do.
    """
    call = "PATCH /items/p0/cancel answered 500 INTERNAL"
    why = Diagnostic(
        "api-server-error", f"the server failed ({call})", "cancel it in the dashboard", request_id="r-7", call=call
    )
    posts = [
        StillGoingOut(
            Address(SHOP, Kind.DRAFT, f"p{n}"),
            PostId(f"p{n}"),
            "INSTAGRAM",
            f"Sale {n}",
            None,
            datetime(2026, 11, 5 + n, 10, tzinfo=UTC),
            Reason.WITHDRAWN,
            (),
            replace(why, request_id=f"r-{n}") if n < 2 else replace(why, message="access was refused", call=""),
        )
        for n in range(3)
    ]
    found = [line for same in by_cause(posts, "UTC") for line in going_out_lines(same, "UTC")]
    lines = [str(row) for line in found for row in line.on(Screen(200))]
    assert lines == [
        "  ! still going out   2 posts, each: the approval was withdrawn",
        "        but it was not stopped: the server failed",
        f"        fix: cancel it in the dashboard ({call}, such as request id r-0)",
        '        "Sale 0" (Instagram) Thu 2026-11-05 10:00 UTC',
        '        "Sale 1" (Instagram) Fri 2026-11-06 10:00 UTC',
        '  ! still going out   "Sale 2" (Instagram) Sat 2026-11-07 10:00 UTC: the approval was withdrawn',
        "        but it was not stopped: access was refused",
        "        fix: cancel it in the dashboard (request id r-7)",
    ]


def test_each_fact_about_a_post_that_goes_out_is_a_clause_of_its_own() -> None:
    facts = (ReasonFact.NO_APPROVALS_FILE, ReasonFact.KEPT_IF_APPROVED)
    why, at = Diagnostic("not-applied", "no apply has stopped it yet"), Address(SHOP, Kind.DRAFT, "p")
    post = StillGoingOut(at, PostId("p"), "INSTAGRAM", "Sale", None, None, Reason.WITHDRAWN, facts, why)
    first, second, *_ = [str(row) for line in going_out_lines([post], "UTC") for row in line.on(Screen(200))]
    assert first.endswith(": there is no approvals file; to keep it, run review and approve it")
    assert second == "        but no apply has stopped it yet"


def unstopped(site: str, channel: str = "INSTAGRAM") -> StillGoingOut:
    """A post that nobody wants any more, at a site that cannot cancel it."""
    why = Diagnostic("site-refused", "the site is refused", "cancel the post in the site's dashboard")
    address = Address(SiteName(site), Kind.DRAFT, channel)
    return StillGoingOut(address, PostId(channel), channel, "Sale", None, moment(2), Reason.WITHDRAWN, (), why)


def unwanted_in_git(site: str) -> tuple[DriftItem, ...]:
    found = []
    for item in ready(2, Finding.STILL_GOING_OUT):
        post = unstopped(site, item.channel)
        bare = replace(item, address=post.address, title=post.title, problem=post.problem, going_out=post)
        found.append(with_problem(bare, "UTC"))
    return tuple(found)


def test_an_audit_puts_what_goes_out_first_and_each_cause_once() -> None:
    why = refusal(Address(SHOP), RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")
    report = DriftReport(SiteRef(SHOP, "1"), unwanted_in_git("shop"), refusals=(why,))
    lines = shown(
        SiteDrifted(report), DriftCompleted(1, report.tally), command="drift", screen=Screen(200)
    ).splitlines()
    assert lines[1:8] == [
        "  ! still going out   2 posts, each: changed in git: the approval was withdrawn",
        "        but the site is refused",
        "        fix: cancel the post in the site's dashboard",
        f'        "Sale" (Instagram) {words.moment(moment(2), "UTC")}',
        f'        "Sale" (Facebook) {words.moment(moment(2), "UTC")}',
        "  ! refused           the run would destroy 11",
        "        fix: raise maxDelete",
    ]


def lost_sight_of(site: str) -> SiteFailed:
    """A site that cannot be read, where a post that nobody wants waits to go out."""
    return replace(unreached(site), unseen=UnseenPosts((GoingOut(unstopped(site), "UTC"),)))


TOO_MANY: Final = refusal(ALL_SITES, RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")


def going_out_events(command: str) -> tuple[Event, ...]:
    """Two sites that cannot be read, two where a post still goes out, a change, and a run that is refused."""
    dark = (unreached("aa"), lost_sight_of("bb"))
    stopped = (GoingOut(unstopped("dd"), "UTC"),)
    completed: tuple[Event, ...]
    if command == "drift":
        audited = [SiteDrifted(DriftReport(SiteRef(SiteName("cc"), "1"), unwanted_in_git("cc")))]
        tally = sum((site.report.tally for site in audited), DriftTally(still_going_out=1))
        completed = (*audited, DriftCompleted(4, tally, 2, 0, (TOO_MANY,), stopped))
    else:
        still = planned(site="cc", still_going_out=(unstopped("cc"),))
        tallies = still.tally + tally_of(planned(tone("dd"), site="dd").plan) + PlanTally(still_going_out=2)
        plan = PlanCompleted(4, tallies, 2, refusals=(TOO_MANY,), still_going_out=stopped)
        completed = (still, planned(tone("dd"), site="dd"), plan)
        if command == "apply":
            completed = (*completed, Refused(TOO_MANY, failed=2, unstopped=3))
    phase = PhaseStarted(Phase.READING if command == "drift" else Phase.PLANNING, 4)
    return replace(STARTED, command=command, sites=4, of=4), phase, *dark, *completed, exits(1)


def going_out_first(command: str, detail: Detail, width: int, *, colour: bool = False) -> str:
    events = going_out_events(command)
    return shown(*events[:-1], command=command, screen=Screen(width, colour=colour), detail=detail)


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize(
    "detail", [Detail(), Detail(quiet=True), Detail(summary=True)], ids=["whole", "quiet", "summary"]
)
@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_what_still_goes_out_comes_before_every_other_problem(command: str, detail: Detail, width: int) -> None:
    text = going_out_first(command, detail, width)
    found = [text.index(part) for part in ("! still going out   bb:", "! still going out   dd:", "\ncc\n")]
    assert found == sorted(found)
    assert text.rindex("! still going out") < text.index("! 2 sites could not be read")
    assert text.count("! still going out") == 3, "each is named once"
    before, _, after = text.partition("! still going out   bb:")
    assert "!" not in before
    assert "\n      but the site is refused" in after if width > 40 else True, "it belongs to no block"
    plain = re.sub(r"\x1b\[\d+m", "", going_out_first(command, detail, width, colour=True))
    assert [line.rstrip() for line in plain.splitlines()] == text.splitlines()


def test_a_refused_run_says_that_the_changes_above_are_not_made_either() -> None:
    text = going_out_first("plan", Detail(), 80)
    assert text.index("  None of the changes above or below will be made:") < text.index("\ndd\n")
    assert "\n  None of the changes below will be made:\n" in shown(
        planned(tone("dd"), site="dd"), PlanCompleted(1, planned(tone()).tally, refusals=(TOO_MANY,))
    )


def test_a_ledger_begins_with_the_sites_where_posts_still_go_out() -> None:
    """Those that could not be read are among them; why many sites failed comes after them."""
    site = SiteName
    done = SiteLedger(SiteRef(site("done"), "9"), (Entry(Address(site("done")), tone().operation, ActionResult.DONE),))
    failures = [
        SiteLedger(SiteRef(site(f"f{n}"), f"{n}"), (), error=Diagnostic("odd", "the server failed")) for n in range(6)
    ]
    plan = PlanCompleted(9, PlanTally(still_going_out=1), failed=1)
    ledgers = (done, *failures)
    text = shown(
        PhaseStarted(Phase.PLANNING, 9),
        lost_sight_of("bb"),
        plan,
        PhaseStarted(Phase.APPLYING, 8),
        *map(SiteApplied, ledgers),
        ApplyCompleted(plan, ledger_tally(ledgers), sites=8),
        command="apply",
        screen=Screen(200),
    )
    ledger = text.rpartition("\n\n")[0].rpartition("\n\n")[2].splitlines()
    assert [" ".join(row.split()) for row in ledger[:2]] == [
        "bb 1 post still going out, could not be read",
        "6 sites failed each the server failed",
    ]


@pytest.mark.parametrize("format", ["markdown", "html", "github"])
@pytest.mark.parametrize("command", ["plan", "drift"])
def test_reports_name_what_still_goes_out_before_every_other_problem(command: str, format: str) -> None:
    out = io.StringIO()
    reporter = make(format, ReporterContext(command, out.write, Screen()))
    for event in going_out_events(command):
        reporter.handle(event)
    text = out.getvalue()
    listed = text if format == "github" else text[text.index("<ul") : text.index("</ul>")]
    others = [listed.index(said) for said in ("the key lacks Manage Marketing Plans", "raise maxDelete")]
    assert max(*map(listed.index, ("bb", "cc", "dd")), listed.rindex("cancel the post in the site")) < min(others)
    if format == "html":
        rows = re.findall(r'<th scope="row"><button[^>]*>(\w+)</button>.*?data-state="([^"]+)"', text)
        assert rows[:2] == [("bb", "failed"), ("cc", "still going out")]


@pytest.mark.parametrize("sites", [1, 4, 5])
def test_an_audit_names_drafts_in_review_on_few_sites_as_plan_does(sites: int) -> None:
    def in_review() -> tuple[DriftItem, ...]:
        return tuple(
            replace(item, state=DriftState.IN_REVIEW, moved=None, finding=None, problem=None) for item in ready(3)
        )

    reports = [DriftReport(SiteRef(SiteName(f"s{n}"), f"{n}"), in_review()) for n in range(sites)]
    tally = sum((report.tally for report in reports), DriftTally())
    audited = shown(*map(SiteDrifted, reports), DriftCompleted(sites, tally), command="drift", screen=Screen(120))
    lines = [line for line in audited.splitlines() if line.startswith("?")]
    if sites == 5:
        assert lines == ["? 15 drafts waiting for review in 5 sites  (not drift)"]
        return
    named = [f's{n}: 3 drafts are waiting for review  "Sale 0" (2 drafts), "Sale 1"' for n in range(sites)]
    assert lines == [f"? {line}  (not drift)" for line in named]
    to_review = [planned(site=f"s{n}", to_review=waiting(f"s{n}", 3)) for n in range(sites)]
    planned_lines = [line for line in shown(*plan_of(*to_review)).splitlines() if line.startswith("?")]
    assert planned_lines == [f"? {line.replace('Sale', 'Title')}" for line in named]


def test_a_fleet_says_how_many_drafts_in_review_go_out_unapproved() -> None:
    def out(number: int) -> Diagnostic:
        draft = waiting(f"s{number}", 3)[0]
        return Diagnostic(BlockedBy.SCHEDULED_UNAPPROVED, "goes out", "cancel it", address=draft.address)

    sites = [planned(site=f"s{n}", to_review=waiting(f"s{n}", 3), blocked=(out(n),) if n < 2 else ()) for n in range(5)]
    text = shown(*plan_of(*sites), screen=Screen(120))
    assert "? 15 drafts are waiting for review in 5 sites; 2 of them go out unapproved" in text
    item = replace(ready(1)[0], finding=Finding.UNAPPROVED)
    reports = [
        DriftReport(SiteRef(SiteName(f"s{n}"), f"{n}"), (replace(item, state=DriftState.IN_REVIEW, finding=None), item))
        for n in range(5)
    ]
    tally = sum((report.tally for report in reports), DriftTally())
    audited = shown(*map(SiteDrifted, reports), DriftCompleted(5, tally), command="drift", screen=Screen(120))
    assert "? 5 other drafts waiting for review in 5 sites  (not drift)" in audited


def test_an_audit_of_a_fleet_has_one_line_a_site_on_a_narrow_screen() -> None:
    reports = [
        DriftReport(SiteRef(SiteName(f"shop-{n}"), f"{n}"), tuple(ready(n + 1, Finding.CANCELLED))) for n in range(6)
    ]
    tally = sum((report.tally for report in reports), DriftTally())
    events: list[Event] = [SiteDrifted(report) for report in reports]
    detail = Detail(summary=True)
    narrow, wide = (
        shown(*events, DriftCompleted(6, tally), command="drift", detail=detail, screen=Screen(width)).splitlines()
        for width in (40, 60)
    )
    assert narrow[:-1] == [*(f"shop-{n}  {n + 1} drifted" for n in reversed(range(6))), "all 6 sites  21 drifted", ""]
    assert wide[0] == "site         drifted"


@pytest.mark.parametrize("sites", [1, 3])
@pytest.mark.parametrize("detail", [Detail(), Detail(quiet=True), Detail(summary=True)])
def test_the_last_line_of_an_apply_counts_what_is_blocked(sites: int, detail: Detail) -> None:
    plan = PlanCompleted(sites, PlanTally(change=1, blocked=4, in_doubt=1), refused=1)
    ledger = SiteLedger(SiteRef(SHOP, "1"), (entry(Kind.MARKETING_PLAN, Generate(), ActionResult.DONE),))
    begun = (PhaseStarted(Phase.APPLYING, 1), SiteApplied(ledger))
    done = ApplyCompleted(plan, ledger_tally((ledger,)) + ApplyTally(unknown=1), sites=1)
    text = shown(*begun, done, command="apply", detail=detail)
    *_, last = (line for line in text.splitlines() if not line.startswith("Next:"))
    assert last == "Apply: 0 added, 0 changed, 0 destroyed, 1 generated; 1 unknown, 3 blocked, 1 refused."
    assert text.count("blocked") == 1, text
    assert "blocked" not in shown(*begun, replace(done, plan=PlanCompleted(sites)), command="apply")


def refused_to_discard(site: str, approved: int, *, code: str = "discard") -> SitePlanned:
    message = f"regenerating would throw away {approved} approved draft{'' if approved == 1 else 's'}, but it may not"
    drafts = tuple(Discarded(PostId(f"{n}"), f"Sale {n}", "FACEBOOK", n < approved) for n in range(5))
    regenerate = Regenerate(keyword_research=False, discards=tuple(draft.post for draft in drafts))
    action = Action(Address(SiteName(site), Kind.MARKETING_PLAN), regenerate, Reason.INPUTS_CHANGED)
    refusal = Diagnostic(code, message, "allow it", address=action.address)
    return planned(action, site=site, discarded=drafts, refusals=(refusal,))


def test_refusals_that_differ_only_in_a_number_are_one_block() -> None:
    sites = [refused_to_discard(f"shop-{n}", 1 + n % 3) for n in range(9)]
    text = shown(*plan_of(*sites), screen=Screen(300))
    assert text.count("throw away") == 2  # in the block, and in the last line
    assert "Same on all 9 sites\n  ! refused " in text
    assert (
        'approved:\n          shop-0: "Sale 0" (Facebook)\n          shop-1: "Sale 0", "Sale 1", each on Facebook\n'
        in text
    )
    assert "! refused           regenerating would throw away 1 to 3 approved drafts, but it may not" in text
    assert "- discards 45 drafts on these sites in total, 18 of them approved" in text
    few = shown(*plan_of(*sites[:4]), screen=Screen(300))
    assert "shop-0\n  ! refused           regenerating would throw away 1 approved draft, but it may not" in few
    others = [refused_to_discard(f"shop-{n}", 1 + n, code="expect") for n in range(9)]
    text = shown(*plan_of(*others), screen=Screen(300))
    assert (text.count("throw away"), text.splitlines()[-1]) == (9, "Refused: 9 sites, for 9 reasons (above)")


def test_a_label_is_shown_by_itself_only_for_all_sites_that_have_it() -> None:
    changed, clean = [planned(tone(f"s{n}"), site=f"s{n}") for n in range(9)], planned(site="zoe")
    head = shown(*plan_of(*changed), screen=Screen(300)).splitlines()[2]
    assert head == "Same change on all 9 sites (list them with --sites)"
    other = replace(clean, labels=())
    head = shown(*plan_of(*changed, other), screen=Screen(300)).splitlines()[2]
    assert head == "Same change on 9 sites (team=emea; list them with --sites)"
    head = shown(*plan_of(*changed), screen=Screen(300), detail=Detail(sites=True)).splitlines()[2]
    assert head == "Same change on all 9 sites"
    head = shown(*plan_of(*changed, clean), screen=Screen(300)).splitlines()[2]
    assert head == "Same change on 9 sites (of 10 with team=emea; list them with --sites)"


FIRST_RUN: Final = Diagnostic.note("first-contact", "First run on this site: its settings become the baseline.")


@pytest.mark.parametrize(
    ("first", "others", "said"),
    [
        (1, 0, "note: First run on this site: its settings become the baseline."),
        (1, 2, "note: The current settings and events of shop-0 become the baseline (first run there)."),
        (2, 1, "note: The current settings and events of 2 of 3 sites become the baseline (first run there)."),
        (9, 0, "note: The current settings and events of all 9 sites become the baseline (first run there)."),
    ],
)
def test_first_runs_are_reported_once(first: int, others: int, said: str) -> None:
    """A site at which nothing changes gets no block just for its first run."""
    fresh = [planned(site=f"shop-{n}", notes=(FIRST_RUN,)) for n in range(first - 1)]
    fresh.append(planned(tone(f"shop-{first - 1}"), site=f"shop-{first - 1}", notes=(FIRST_RUN,)))
    known = [planned(site=f"known-{n}") for n in range(others)]
    text = shown(*plan_of(*fresh, *known), screen=Screen(200))
    assert text.lower().count("first run") == 1
    assert text.splitlines()[-4:-2] == [said, ""], text
    assert "Same" not in text
    assert "first run" not in shown(*plan_of(*fresh, *known), detail=Detail(summary=True)).lower()
    for format_name in ("markdown", "html"):
        pieces: list[str] = []
        report = make(format_name, ReporterContext("plan", pieces.append))
        for event in (*plan_of(*fresh, *known), exits(0)):
            report.handle(event)
        document = "".join(pieces)
        assert document.lower().count("first run") == document.count(said.removeprefix("note: ")) == 1


def test_later_baselines_are_reported_once_and_apart_from_first_runs() -> None:
    later = Diagnostic.note("new-baseline", "The current settings and events of this site become the baseline.")
    fresh = [planned(site="fresh", notes=(FIRST_RUN,))]
    sites = [*fresh, *(planned(site=name, notes=(later,)) for name in ("a", "b"))]
    text = shown(*plan_of(*sites), screen=Screen(200))
    assert "Same" not in text
    assert "note: The current settings and events of fresh become the baseline (first run there).\n" in text
    assert "note: The current settings and events of 2 of 3 sites become the baseline.\n" in text
    text = shown(*plan_of(planned(site="a", notes=(later,))), screen=Screen(200))
    assert f"note: {later.message}\n" in text


def test_a_list_of_sites_names_those_with_a_first_run() -> None:
    fresh = (planned(site=name, notes=(FIRST_RUN,)) for name in ("a", "b"))
    text = shown(*plan_of(*fresh, planned(site="c")), detail=Detail(sites=True))
    assert "baseline (first\n      run there).\n  sites: a, b\n\nNo changes.\n" in text


@pytest.mark.parametrize(
    ("at_most", "words"),
    [
        (None, "all drafts that match go out without approval"),
        (1, "up to 1 draft goes out without approval"),
        (20, "up to 20 drafts go out without approval"),
    ],
)
def test_the_bound_of_drafts_that_go_out_without_approval(at_most: int | None, words: str) -> None:
    rule = Deferred(SitePart.SCHEDULE, 0, schedule_rules=(ScheduleRule(Match()),), at_most=at_most)
    assert deferred_words(rule, "UTC") == ("posts", f"{words} (decided after generation)")


@pytest.mark.parametrize(
    ("pending", "blocked", "said"),
    [
        (6, 0, "6 pending, "),
        (6, 2, "6 pending (2 of them blocked), "),
        (6, 6, "6 pending (all blocked), "),
        (1, 1, "1 pending (blocked), "),
        (0, 0, "0 pending, "),
    ],
)
def test_the_last_line_of_a_review_says_how_many_pending_drafts_are_blocked(
    pending: int, blocked: int, said: str
) -> None:
    line = review_line(ReviewCompleted(2, pending, min(1, pending), pending_blocked=blocked))
    assert line.startswith(f"Review: {said}0 approved"), line
    line = review_line(ReviewCompleted(2, approved=pending, blocked=blocked))
    assert line == f"Review: 0 pending, {said.replace('pending', 'approved')}in 2 sites.", line
