"""The history as the records of the JSON formats."""

from __future__ import annotations

from reconciler.engine.site_results import SiteHistory
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.frozen import Instant, Struct
from reconciler.model.posts import PostStatus, account_id, account_name
from reconciler.model.sites import PublishedPost
from reconciler.planner.actions import Reason


class PostRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A post that this tool scheduled. What is not known is left out."""

    address: Address
    post: str
    activity: str = ""
    title: str = ""
    channel: str
    type: str
    account: str | None = None
    account_name: str | None = None
    status: PostStatus | None = None
    unwanted: Reason | None = None
    link: str | None = None
    failure: str | None = None
    scheduled_for: Instant | None = None
    moved_to: Instant | None = None
    time_zone: str | None = None
    noted_at: Instant
    digest: str
    times: int
    approved: bool
    approver: str | None = None
    commit: str | None = None


class HistoryRecord(Struct, frozen=True):
    """What went out on a site and what is waiting to, earliest first."""

    site: SiteName
    posts: tuple[PostRecord, ...]


def history_record(history: SiteHistory) -> HistoryRecord:
    """A site's posts."""
    return HistoryRecord(history.name, tuple(_post(history, post) for post in history.posts))


def _post(history: SiteHistory, post: PublishedPost) -> PostRecord:
    outcome = history.outcome_of(post)
    return PostRecord(
        address=Address(history.name, Kind.DRAFT, post.id),
        post=post.id,
        activity=post.activity,
        title=post.title,
        channel=post.channel,
        type=post.type,
        account=account_id(post.account) if post.account else None,
        account_name=account_name(post.account) or None if post.account else None,
        status=outcome.status if outcome else None,
        unwanted=dict(history.unwanted).get(post.id),
        link=outcome.link if outcome else None,
        failure=outcome.reason or None if outcome else None,
        scheduled_for=post.scheduled_for,
        moved_to=dict(history.moved).get(post.id),
        time_zone=post.zone,
        noted_at=post.done_at,
        digest=post.digest,
        times=post.times,
        approved=post.approved,
        approver=post.approver,
        commit=post.commit,
    )
