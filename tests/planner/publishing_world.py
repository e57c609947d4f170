"""Sites with drafts, for the tests of schedule rules, decisions and reviews."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.model.activities import Activity
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Approvals, DraftDecision
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.diagnostics import Place
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.operations import Operation
from reconciler.model.policy import Policy
from reconciler.model.posts import ActivityId, AnyPostStatus, Media, Post, PostId, PostStatus
from reconciler.model.schedule import DesiredSchedule, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.sites import (
    ChannelStatus,
    DesiredSite,
    Feature,
    ObservedSite,
    PublishedPost,
    RecordedSite,
    SiteRef,
)
from reconciler.planner.actions import BlockedBy, Plan
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from tests.reviewing import reviewed

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SHOP = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
IMAGE = (Media("IMAGE", "https://static.wixstatic.com/media/a.jpg"),)
ALL_CONNECTED = tuple((name, ChannelStatus.VALID) for name in ("FACEBOOK", "INSTAGRAM", "PINTEREST", "TWITTER"))
KNOWN = RecordedSite(objects=(("rule[events]", JsonObject({"prune": None})),))
"""The record of a site on which an apply has run."""
ANY_RULE = ScheduleRule(Match())


def post(
    id: str,
    channel: str = "INSTAGRAM",
    *,
    type: str = "POST",
    status: AnyPostStatus = PostStatus.DRAFT,
    caption: str = "New mugs",
    media: tuple[Media, ...] = IMAGE,
    at: datetime | None = None,
) -> Post:
    """A post with one caption."""
    return Post(PostId(id), channel, type, status, (("caption", caption),), media, scheduled_for=at)


def activity(
    id: str, *posts: Post, days: float = 2, title: str = "", type: str | None = "SOCIAL_MARKETING"
) -> Activity:
    """An activity some days from NOW, which is at nine in the morning, UTC."""
    return Activity(ActivityId(id), title or f"Idea {id}", "", NOW + timedelta(days=days), type, posts)


def site(
    *activities: Activity,
    zone: str = "UTC",
    channels: tuple[tuple[str, ChannelStatus], ...] = ALL_CONNECTED,
    features: tuple[Feature, ...] | None = (Feature("SCHEDULE_POST", enabled=True),),
    published: bool | None = True,
) -> ObservedSite:
    """A live site with these activities, where nothing is blocked."""
    return ObservedSite(
        SHOP,
        NOW,
        marketing_plan=MarketingPlan(PlanStatus.ACTIVE, activities),
        time_zone=zone,
        published=published,
        channels=channels,
        features=features,
    )


def approved(
    *activities: Activity,
    decision: DraftDecision = DraftDecision.APPROVE,
    about: ActivityDecision = ActivityDecision.KEEP,
    cancelled: int = 0,
) -> Approvals:
    """An approvals file in which every post of these activities has one decision."""
    return Approvals(
        tuple(reviewed(found, decision, about=about, cancelled=cancelled) for found in activities),
        "approvals/shop.yaml",
    )


def desired(
    *rules: ScheduleRule,
    approvals: Approvals | None = None,
    required: bool = True,
    cancel_others: bool = False,
) -> DesiredSite:
    """A file with a schedule only."""
    return DesiredSite(
        SHOP,
        Place("sites/shop.yaml"),
        Digest("sha256:" + "0" * 64),
        schedule=DesiredSchedule(rules or (ANY_RULE,), required, cancel_others),
        approvals=approvals or Approvals(),
    )


def plan(
    wanted: DesiredSite,
    observed: ObservedSite,
    recorded: RecordedSite | None = None,
    *,
    policy: Policy | None = None,
    now: datetime = NOW,
    publish: bool = True,
) -> Plan:
    """The plan for a site."""
    options = PlanOptions(now, policy or Policy(), publish=publish)
    return make_plan(wanted, observed, recorded or KNOWN, options)


def operations(made: Plan) -> list[Operation]:
    """What a plan does, in order."""
    return [action.operation for action in made.actions]


def names(made: Plan) -> list[str]:
    """The keys of what a plan does, such as post ids, in its order."""
    return [action.address.key for action in made.actions]


def reasons(made: Plan) -> list[tuple[str, BlockedBy]]:
    """What is blocked, and by what."""
    return [(problem.about.key, BlockedBy(problem.code)) for problem in made.blocked]


def scheduled_before(one: Post, times: int = 1) -> RecordedSite:
    """The state after a post was scheduled with its present content."""
    return RecordedSite(published=(PublishedPost(one.id, one.digest, one.channel, None, NOW, times),))
