"""Entries of approvals files as `review` writes them, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from reconciler.model.activities import Activity
from reconciler.model.approvals import ActivityApproval, ActivityDecision, DraftApproval, DraftDecision, drafts_digest
from reconciler.model.content import approval_digest, counted
from reconciler.model.posts import Post
from reconciler.model.review import ActivityForReview, DraftForReview


def entry(
    post: Post, date: datetime, decision: DraftDecision = DraftDecision.APPROVE, *, cancelled: int = 0, **changes: Any
) -> DraftApproval:
    """The entry of a post whose activity has that date; `changes` replaces any of its members."""
    made = DraftApproval(
        post.id,
        post.content,
        counted(approval_digest(post.id, post.content, date, post.account_name or ""), cancelled),
        decision,
        cancelled,
        account=post.account,
    )
    return replace(made, **changes)


def reviewed(
    activity: Activity,
    decision: DraftDecision = DraftDecision.APPROVE,
    *,
    about: ActivityDecision = ActivityDecision.KEEP,
    cancelled: int = 0,
) -> ActivityApproval:
    """An activity whose posts all have the same decision."""
    drafts = tuple(entry(post, activity.date, decision, cancelled=cancelled) for post in activity.posts)
    digest = drafts_digest(draft.digest for draft in drafts)
    return ActivityApproval(activity.id, activity.title, activity.date, about, drafts, digest)


def for_review(post: Post, date: datetime, **changes: Any) -> DraftForReview:
    """A live post as a review writes it."""
    made = DraftForReview(
        post.id,
        post.content,
        approval_digest(post.id, post.content, date, post.account_name or ""),
        post.earlier_digest,
        post.account,
        "Thu 2026-12-03 09:30 Europe/Berlin",
    )
    return replace(made, **changes)


def activity_for_review(activity: Activity, *drafts: DraftForReview, **changes: Any) -> ActivityForReview:
    """A live activity as a review writes it."""
    found = drafts or tuple(for_review(post, activity.date) for post in activity.posts)
    return replace(ActivityForReview(activity.id, activity.title, activity.date, found), **changes)
