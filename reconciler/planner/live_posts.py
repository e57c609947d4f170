"""The posts an activity still has, and what must hold before they are thrown away."""

from __future__ import annotations

from typing import Final

from reconciler.model.activities import Activity
from reconciler.model.operations import Precondition
from reconciler.model.posts import Post, PostsAmong, PostStatus
from reconciler.model.schedule import NothingWaits

GONE: Final = frozenset({PostStatus.DELETED, PostStatus.CANCELED})


def live_posts(activity: Activity) -> tuple[Post, ...]:
    """The posts an activity still has, by id."""
    return tuple(sorted((post for post in activity.posts if post.status not in GONE), key=lambda post: post.id))


def as_listed(activity: Activity) -> tuple[Precondition, ...]:
    """What must hold before an activity's posts are thrown away: the plan lists all of them, and none is waiting."""
    listed = PostsAmong(activity.id, tuple((post.id, post.digest) for post in live_posts(activity)))
    return (listed, NothingWaits(activity.id))
