"""Reads a site until its plan is final: first what the file needs, then what the answers show to be needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.executor.stale_drafts import with_posts_as_read
from reconciler.model.activities import Activity
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.posts import ActivityId, Post
from reconciler.model.sites import DesiredSite, Need, ObservedSite, RecordedSite, SiteRef
from reconciler.planner.account_names import channels_to_ask, with_account_names
from reconciler.planner.actions import Action, Plan
from reconciler.planner.hidden_posts import with_hidden_posts
from reconciler.planner.left_out import unasked_approvals
from reconciler.planner.needs import first_reads, further_reads
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan

if TYPE_CHECKING:
    from reconciler.executor.ports import Reader

MOST_ROUNDS = 4
"""Each round reads something that was not read before, so this is never reached; it bounds the loop."""


async def observe_and_plan(
    reader: Reader, desired: DesiredSite, recorded: RecordedSite, options: PlanOptions
) -> tuple[ObservedSite, Plan]:
    """The site as it is now, and what would make it match its file.

    Raises ApiError if a read fails, and InvalidFiles if posts are waiting and nobody can say whether they are approved.
    """
    if (unasked := unasked_approvals(desired, recorded, options.now)) is not None:
        raise InvalidFiles((unasked,))
    reads = first_reads(desired, options, recorded)
    observed = await reader.read(desired.ref, reads.needs, channels=reads.channels)
    plan = make_plan(desired, observed, recorded, options)
    for _ in range(MOST_ROUNDS):
        reads = further_reads(desired, observed, plan, recorded)
        if not reads:
            break
        if reads.needs:
            observed = merged(observed, await reader.read(desired.ref, reads.needs, channels=reads.channels))
        if reads.posts_of:
            observed = with_posts(observed, reads.posts_of, await reader.posts_of(desired.ref, reads.posts_of))
        if reads.items:
            observed = replace(observed, items=(*observed.items, *await reader.items(desired.ref, reads.items)))
        observed = with_hidden_posts(with_posts_as_read(observed), recorded)
        plan = make_plan(desired, observed, recorded, options)
    return observed, plan


async def with_names_read(reader: Reader, site: SiteRef, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """The actions, with the names of accounts that only the site has, as far as it gives them."""
    channels = channels_to_ask(actions)
    if not channels:
        return actions
    read = await reader.read(site, frozenset({Need.ACCOUNT_NAMES}), channels=channels)
    return with_account_names(actions, read.accounts)


def with_posts(
    observed: ObservedSite,
    asked: tuple[ActivityId, ...],
    found: tuple[tuple[ActivityId, tuple[Post, ...]], ...],
) -> ObservedSite:
    """The site with the posts that were read separately for some of its activities."""
    assert observed.marketing_plan is not None
    posts = dict(found)

    def filled(activities: tuple[Activity, ...]) -> tuple[Activity, ...]:
        return tuple(
            replace(activity, posts=posts[activity.id]) if posts.get(activity.id) else activity
            for activity in activities
        )

    return replace(
        observed,
        marketing_plan=replace(observed.marketing_plan, activities=filled(observed.activities)),
        past=filled(observed.past),
        posts_confirmed=observed.posts_confirmed | frozenset(asked),
    )


def merged(before: ObservedSite, more: ObservedSite) -> ObservedSite:
    """Two reads of one site combined; the later read takes precedence."""
    news = {
        name: value
        for name in ObservedSite.__struct_fields__
        if name not in ("ref", "had_reads", "channels", "read_at")
        and (value := getattr(more, name)) not in (None, (), frozenset())
    }
    channels = {**dict(before.channels), **dict(more.channels)}
    return replace(
        before, **news, channels=tuple(sorted(channels.items())), had_reads=before.had_reads | more.had_reads
    )
