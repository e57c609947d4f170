"""A plan with one of everything, and the pieces to make others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.engine.site_results import SitePlanned
from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, PostsRule
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, EventId, UpdateEvent
from reconciler.model.marketing_plan import Regenerate
from reconciler.model.operations import Deferred, SitePart
from reconciler.model.posts import ActivityId, Discarded, GeneratePosts, PostId
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.selectors import Match
from reconciler.model.settings import SettingIs, UpdateSettings
from reconciler.model.sites import SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, BlockedBy, InReview, Plan, Reason, RefusedBy, ToReview, blocked, refusal
from reconciler.planner.tally import tally_of

SITE = SiteName("janes-pottery")
REF = SiteRef(SITE, "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
ACTIVITY = ActivityId("b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30")
POST = PostId("834dc801-3e5c-416a-bd14-b130a95d100e")
OTHER_POST = PostId("ac01c174-5244-49df-8085-84d87cd0345a")
DIGEST = Digest("sha256:" + "41c9" * 16)
AT = datetime(2026, 12, 3, 8, 30, tzinfo=UTC)


def address(kind: Kind, key: str = "") -> Address:
    return Address(SITE, kind, key)


TONE = Action(
    address(Kind.SETTINGS),
    UpdateSettings((FieldChange("settings.toneOfVoice", "dry", "warm and playful"),)),
    Reason.DIFFERS,
    requires=(SettingIs("settings.toneOfVoice", "dry"),),
)


def plan_of(*actions: Action, site: str = SITE, **rest: object) -> Plan:
    return Plan(SiteRef(SiteName(site), REF.id), actions, **rest)  # type: ignore[arg-type]


def planned(plan: Plan) -> SitePlanned:
    return SitePlanned(plan, tally_of(plan), ("settings", "marketing-plan"))


@pytest.fixture
def everything() -> SitePlanned:
    """A plan with most kinds of action, and everything that is not an action."""
    event = CalendarEvent(EventId("e1"), "Open day", "Come by", AT)
    actions = (
        Action(
            address(Kind.EVENT, "Black Friday sale"),
            CreateEvent(DesiredEvent("Black Friday sale", "30% off everything\n", AT, whole_day=True)),
            Reason.DECLARED,
        ),
        Action(
            address(Kind.EVENT, "Open day"),
            UpdateEvent(
                event, (FieldChange("description", "Come", "Come by"), FieldChange("date", None, "2026-12-03"))
            ),
            Reason.DIFFERS,
        ),
        TONE,
        Action(
            address(Kind.MARKETING_PLAN),
            Regenerate(keyword_research=True, discards=(POST, OTHER_POST)),
            Reason.INPUTS_CHANGED,
            ("settings.toneOfVoice", "settings.topics.included"),
        ),
        Action(
            address(Kind.ACTIVITY, "Open studio 2026-12-05"),
            CreateActivity(DesiredActivity("Open studio", "Come by", AT, "SOCIAL_MARKETING")),
            Reason.DECLARED,
            ("activities[2]",),
        ),
        Action(address(Kind.ACTIVITY, ACTIVITY), DeleteActivity(ACTIVITY, "Crypto news"), Reason.ABSENT_WANTED),
        Action(
            address(Kind.POSTS, ACTIVITY),
            GeneratePosts(ACTIVITY, "Summer collection launch"),
            Reason.RULE,
            ("posts[0]",),
        ),
        Action(
            address(Kind.RULE, "posts.0"),
            Deferred(SitePart.POSTS, 0, posts_rules=(PostsRule(Match(), max=12),), at_most=12),
            Reason.RULE,
        ),
        Action(
            address(Kind.DRAFT, POST),
            SchedulePost(POST, ACTIVITY, "INSTAGRAM", DIGEST, AT, title="Summer launch"),
            Reason.APPROVED,
            ("ann",),
        ),
        Action(
            address(Kind.DRAFT, OTHER_POST),
            CancelPost(OTHER_POST, ACTIVITY, "FACEBOOK", AT, "Crypto news"),
            Reason.NOT_WANTED,
        ),
    )
    plan = plan_of(
        *actions,
        time_zone="Europe/Berlin",
        discarded=(
            Discarded(POST, "Summer collection launch", "INSTAGRAM"),
            Discarded(OTHER_POST, "Crypto news", "FACEBOOK"),
        ),
        blocked=(
            blocked(
                address(Kind.DRAFT, OTHER_POST),
                BlockedBy.CHANNEL_NOT_CONNECTED,
                "Facebook is not connected",
                "connect Facebook in the site's dashboard, under Social Media Marketing",
            ),
        ),
        to_review=(ToReview(address(Kind.DRAFT, POST), POST, "INSTAGRAM", "Summer launch", InReview.PENDING),),
        notes=(
            Diagnostic.note(
                "first-contact", "First run on this site: its current settings and events become the baseline."
            ),
        ),
    )
    return planned(plan)


@pytest.fixture
def refused() -> SitePlanned:
    """A plan that its own guard refuses."""
    found = refusal(
        Address(SITE),
        RefusedBy.EXPECT,
        "expect.published is true, but the site is not published",
        "change the site, or the expectation in its file",
    )
    return planned(plan_of(TONE, refusals=(found,)))
