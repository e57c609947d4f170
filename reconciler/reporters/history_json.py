"""The history as plain values for the JSON format."""

from __future__ import annotations

from typing import Any

from reconciler.engine.site_results import SiteHistory
from reconciler.model.address import Address, Kind
from reconciler.model.codec import instant_text
from reconciler.model.posts import account_id, account_name


def history_values(history: SiteHistory) -> dict[str, Any]:
    """A site's posts, earliest first. What is not known about a post is left out."""
    posts = []
    for post in history.posts:
        outcome = history.outcome_of(post)
        found: dict[str, Any] = {
            "address": str(Address(history.name, Kind.DRAFT, post.id)),
            "post": post.id,
            "activity": post.activity or None,
            "title": post.title or None,
            "channel": post.channel,
            "type": post.type,
            "account": account_id(post.account) if post.account else None,
            "accountName": account_name(post.account) or None if post.account else None,
            "status": outcome.status.value if outcome else None,
            "unwanted": dict(history.unwanted).get(post.id),
            "link": outcome.link if outcome else None,
            "failure": (outcome.reason or None) if outcome else None,
            "scheduledFor": instant_text(post.scheduled_for) if post.scheduled_for else None,
            "movedTo": instant_text(moved) if (moved := dict(history.moved).get(post.id)) else None,
            "timeZone": post.zone,
            "notedAt": instant_text(post.done_at),
            "digest": post.digest,
            "times": post.times,
            "approved": post.approved,
            "approver": post.approver,
            "commit": post.commit,
        }
        posts.append({key: value for key, value in found.items() if value is not None})
    return {"site": history.name, "posts": posts}
