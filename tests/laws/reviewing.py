"""Approvals files as a review writes them and people decide them, for runs against the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.config.approvals_edit import set_decisions, update_approvals
from reconciler.model.activities import Activity
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, DraftDecision
from reconciler.model.content import approval_digest
from reconciler.model.posts import Post
from reconciler.model.review import ActivityForReview, DraftForReview


def approvals_text(
    activities: Iterable[Activity],
    says_yes: Callable[[Post], bool],
    decides: Callable[[Activity], ActivityDecision] = lambda _: ActivityDecision.KEEP,
    times: Callable[[Post], int] = lambda _: 0,
    site: str = "shop",
) -> str:
    """The approvals file of these live activities, with decisions by people.

    `times` is how often the state says that a post was scheduled with the content it has.
    """
    live = tuple(activities)
    shown = tuple(
        ActivityForReview(
            activity.id,
            activity.title,
            activity.date,
            tuple(
                DraftForReview(
                    post.id,
                    post.content,
                    approval_digest(post.id, post.content, activity.date, post.account_name or ""),
                    post.earlier_digest,
                    post.account,
                    cancelled=times(post),
                )
                for post in activity.posts
            ),
        )
        for activity in live
    )
    text = update_approvals(None, SiteName(site), shown) or f"version: 1\nsite: {site}\nactivities: []\n"
    posts = [post for activity in live for post in activity.posts]
    drafts = {str(post.id): DraftDecision.APPROVE if says_yes(post) else DraftDecision.PENDING for post in posts}
    return set_decisions(text, drafts, {str(activity.id): decides(activity) for activity in live if activity.posts})


def write_approvals(
    root: Path,
    activities: Iterable[Activity],
    says_yes: Callable[[Post], bool],
    decides: Callable[[Activity], ActivityDecision] = lambda _: ActivityDecision.KEEP,
    times: Callable[[Post], int] = lambda _: 0,
    site: str = "shop",
) -> None:
    """Rewrites the approvals file of a site: see `approvals_text`."""
    (root / "approvals").mkdir(exist_ok=True)
    text = approvals_text(activities, says_yes, decides, times, site)
    (root / "approvals" / f"{site}.yaml").write_text(text, encoding="utf-8")
