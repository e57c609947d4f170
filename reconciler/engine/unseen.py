"""What is known of the posts of a site that could not be worked on: they go out all the same."""

from __future__ import annotations

from reconciler.api.client import ReadClient
from reconciler.config.sites import SiteEntry
from reconciler.engine.session import RunContext, Session, plan_options
from reconciler.model.sites import SiteRef
from reconciler.planner.unseen import UnseenPosts, unseen_posts
from reconciler.state.errors import StateError


async def unseen_at(session: Session[ReadClient], entry: SiteEntry | None) -> UnseenPosts:
    """The posts that wait at a site, as far as the state knows. None where the state cannot be read either."""
    if entry is None:
        return UnseenPosts()
    try:
        recorded = await session.store.load(SiteRef(entry.name, entry.id))
    except StateError:
        return UnseenPosts()
    if not recorded.is_known:
        return UnseenPosts()
    desired = None if entry.problems else entry.load()
    return unseen_posts(entry.name, desired, recorded, plan_options(session, RunContext(), entry.name))
