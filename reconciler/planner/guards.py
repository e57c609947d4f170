"""Refusals of sites that do not meet their file's expectations, and of runs that exceed a limit of the policy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.model.address import ALL_SITES, Address, Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural
from reconciler.model.policy import Policy
from reconciler.model.sites import ChannelStatus, DesiredSite, ObservedSite
from reconciler.planner.actions import BlockedBy, Plan, RefusedBy, refusal
from reconciler.planner.channel_rules import not_connected
from reconciler.planner.options import Scope
from reconciler.planner.tally import PlanTally, Spare


def judge_expectations(desired: DesiredSite, observed: ObservedSite, scope: Scope) -> tuple[Diagnostic, ...]:
    """The refusals of a site that does not meet its file's expectations; each names what was found."""
    expect = desired.expect
    found: list[tuple[str, str]] = []
    if expect.published is not None and observed.published is not expect.published:
        asked = f"expect.published is {'true' if expect.published else 'false'}"
        if observed.published is None:
            fix = "give the key the permission SITE_URLS.READ, or remove `expect.published`"
            found.append((f"{asked}, but the published URLs of the site could not be read", fix))
        else:
            fix = "publish it in the dashboard, or change `expect.published`" if expect.published else CHANGE_EITHER
            found.append((f"{asked}, but the site is {'' if observed.published else 'not '}published", fix))
    if expect.language is not None and (observed.language or "").casefold() != expect.language.casefold():
        seen = f"is {observed.language}" if observed.language else "is not known"
        what = f"expect.language is {expect.language}, but the language of the site {seen}"
        found.append((what, CHANGE_EITHER))
    for channel in expect.channels:
        lost = not_connected(channel, observed.channel(channel) or ChannelStatus.UNKNOWN)
        if lost is not None:
            found.append((f"expect.channels: {lost.message}", f"{lost.fix}, or remove it from `expect.channels`"))
    site = scope.address(Kind.SITE)
    return tuple(refusal(site, RefusedBy.EXPECT, what, fix) for what, fix in found)


def not_expected(
    blocked: tuple[Diagnostic, ...], desired: DesiredSite, observed: ObservedSite
) -> tuple[Diagnostic, ...]:
    """What blocks parts of a site, except for what an unmet expectation of its file already says."""
    unpublished = desired.expect.published is True and observed.published is False
    lost = {channel for channel in desired.expect.channels if observed.channel(channel) is not ChannelStatus.VALID}
    if not unpublished and not lost:
        return blocked
    said = {post.id for post in observed.posts if post.channel in lost}
    return tuple(
        problem
        for problem in blocked
        if not (problem.code == BlockedBy.SITE_NOT_PUBLISHED and unpublished)
        and not (problem.code == BlockedBy.CHANNEL_NOT_CONNECTED and problem.about.key in said)
    )


CHANGE_EITHER: Final = "change the site, or the expectation in its file"


def judge_run(tallies: Iterable[PlanTally], policy: Policy) -> tuple[Diagnostic, ...]:
    """The refusals of a run whose plans, all sites together, exceed a limit of the policy."""
    total = sum(tallies, PlanTally())
    public, lower = total.publish + total.promises.publish, ""
    discarded = total.discard - total.discarded_anyway
    posts = plural(public, "post")
    if total.promises.publish:
        # Raising the limit does not help a rule without `max`: it promises as many posts as the limit allows.
        posts = f"up to {posts}"
        lower = "set or lower `max` in the schedule rules (a rule without `max` counts as maxPublish posts), "
    objects = f"{plural(total.deleted, 'object')} (events, activities, marketing plans)"
    target = "narrow the run with --target"
    counted = (
        (RefusedBy.MAX_DELETE, policy.max_delete, total.deleted, f"delete {objects}", f"raise maxDelete, or {target}"),
        (
            RefusedBy.MAX_DISCARD,
            policy.max_discard,
            discarded,
            f"discard {plural(discarded, 'draft')}",
            f"raise maxDiscard, or {target}",
        ),
        (
            RefusedBy.MAX_PUBLISH,
            policy.max_publish,
            public,
            f"publish {posts}",
            f"{lower}raise maxPublish, {target}, or use --no-publish",
        ),
    )
    return tuple(
        refusal(ALL_SITES, by, f"the run would {what}, but policy.{by.value} is {limit:,}", fix).at(
            policy.place_of(by.value)
        )
        for by, limit, count, what, fix in counted
        if limit is not None and count > limit
    )


def spare_of(tallies: Iterable[PlanTally], policy: Policy) -> Spare:
    """How much a run with these plans may still delete and discard once generations have ended (docs/design.md 3.2)."""
    total = sum(tallies, PlanTally())
    delete, discard = policy.max_delete, policy.max_discard
    return Spare(
        None if delete is None else max(delete - total.deleted, 0),
        None if discard is None else max(discard - (total.discard - total.discarded_anyway), 0),
    )


def judge_shard(tally: PlanTally, policy: Policy, number: int, of: int) -> tuple[Diagnostic, ...]:
    """The refusals of a shard that runs alone: it cannot know what the others add to what a limit counts."""
    counted = (
        (RefusedBy.MAX_DELETE, "maxDelete", "delete", policy.max_delete, tally.deleted),
        (RefusedBy.MAX_DISCARD, "maxDiscard", "discard", policy.max_discard, tally.discard - tally.discarded_anyway),
        (RefusedBy.MAX_PUBLISH, "maxPublish", "publish", policy.max_publish, tally.publish + tally.promises.publish),
    )
    return tuple(
        refusal(
            ALL_SITES,
            by,
            f"policy.{name} limits all {of:,} shards together, and shard {number:,} alone does not know what the "
            f"others would {verb}",
            "plan each shard with --out, then reconciler merge FILE... --out FILE, and apply that with --shard",
        )
        for by, name, verb, limit, count in counted
        if limit is not None and 0 < count <= limit  # beyond it, the shard alone is already refused
    )


def judge_strictly(plan: Plan) -> tuple[Diagnostic, ...]:
    """Under --strict, whatever only a person can change also refuses the site."""
    # Nobody can change what is already out, and if the site were refused, it would never be recorded.
    if all(found.code == BlockedBy.WENT_OUT_UNWANTED for found in plan.blocked):
        return ()
    return (
        refusal(
            Address(plan.site.name),
            RefusedBy.STRICT,
            "--strict refuses sites with blocked items",
            "resolve what is blocked, or run without --strict",
        ),
    )
