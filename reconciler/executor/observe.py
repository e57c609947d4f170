"""Reads a site until its plan is final: first what the file shows to be needed, then what the answers show."""

from __future__ import annotations

from dataclasses import fields, replace

from reconciler.executor.ports import Reader
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite
from reconciler.planner.actions import Plan
from reconciler.planner.needs import first_reads, further_reads
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan

MOST_ROUNDS = 4
"""Each round reads something that was not read before, so this is never reached; it bounds the loop."""


async def observe_and_plan(
    reader: Reader, desired: DesiredSite, recorded: RecordedSite, options: PlanOptions
) -> tuple[ObservedSite, Plan]:
    """The site as it is now, and what would make it what its file says. Raises ApiError when a read fails."""
    reads = first_reads(desired, options)
    observed = await reader.read(desired.ref, reads.needs, channels=reads.channels)
    plan = make_plan(desired, observed, recorded, options)
    for _ in range(MOST_ROUNDS):
        reads = further_reads(desired, observed, plan)
        if not reads.needs:
            break
        more = await reader.read(desired.ref, reads.needs, channels=reads.channels)
        observed = merged(observed, more)
        plan = make_plan(desired, observed, recorded, options)
    return observed, plan


def merged(before: ObservedSite, more: ObservedSite) -> ObservedSite:
    """Two reads of one site as one; what the later one read counts."""
    news = {
        one.name: value
        for one in fields(ObservedSite)
        if one.name not in ("ref", "had_reads", "channels", "read_at")
        and (value := getattr(more, one.name)) not in (None, (), frozenset())
    }
    channels = {**dict(before.channels), **dict(more.channels)}
    return replace(
        before, **news, channels=tuple(sorted(channels.items())), had_reads=before.had_reads | more.had_reads
    )
