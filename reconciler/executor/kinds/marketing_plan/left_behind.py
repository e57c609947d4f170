"""Posts that are waiting to go out although the marketing plan was generated without their activity.

Posts of activities that a regeneration is known to replace are cancelled before it. But if the marketing plan
showed no activities, it may come back with the old ones or with others; this is known only after the generation.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from reconciler.executor.run import SiteRun
from reconciler.model.address import Address, Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.schedule import CancelPost
from reconciler.model.sites import ObservedSite
from reconciler.planner.actions import Action, Reason
from reconciler.planner.hidden_posts import orphans
from reconciler.planner.needs import missing_items
from reconciler.planner.unstopped import Unstopped

LEFT_BEHIND: Final = Diagnostic(
    Unstopped.LEFT_BEHIND,
    "its activity is not in the new marketing plan; this could not be known in advance",
    "run apply again, which cancels it",
)


async def posts_left_behind(run: SiteRun, observed: ObservedSite) -> None:
    """Records the posts of this tool that still go out and have lost their activity. May raise an ApiError."""
    recorded = run.journal.recorded
    missing = missing_items(observed, recorded)
    if not missing:
        return
    whole = replace(observed, items=await run.ports.reader.items(run.site, missing))
    for activity in orphans(whole, recorded, run.now()):
        for post in activity.posts:
            cancel = CancelPost(post.id, activity.id, post.channel, post.scheduled_for, activity.title, post.type)
            address = Address(run.site.name, Kind.DRAFT, post.id)
            run.not_cancelled[Action(address, cancel, Reason.ACTIVITY_GONE)] = LEFT_BEHIND
