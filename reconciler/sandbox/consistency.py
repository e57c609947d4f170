"""Owns read-your-writes: the token of `X-Wix-Consistent`, and reads that lag if the world has them (1, 17).

The header is known (S-sdk); what it means, and whether these services send or honour it, is inferred (I).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from reconciler.sandbox import marketing_plan
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns
from reconciler.sandbox.world import Transaction

HEADER = "x-wix-consistent"
_WRITES = "writes"
_SCHEDULED = "scheduled"
_PLAN = "/marketing-plan"


def note_write(site: Site, path: str) -> None:
    """Counts a client's write: each has a token of its own."""
    site.counters[_WRITES] = site.counters.get(_WRITES, 0) + 1
    if path.endswith("/schedule-drafts"):
        site.counters[_SCHEDULED] = site.counters[_WRITES]


def _token(site: Site) -> str:
    return f"v1.{site.id}.{site.counters.get(_WRITES, 0)}"


def headers(site: Site | None, unknowns: Unknowns) -> dict[str, str]:
    """The headers of an answer: none before the first write to a site."""
    if site is None or not unknowns.consistencyHeader or not site.counters.get(_WRITES):
        return {}
    return {HEADER: _token(site)}


def remember(store: Transaction, site: Site, now: datetime, unknowns: Unknowns) -> None:
    """Saves a site as it is now, for reads that lag."""
    if unknowns.readLag != "none" or unknowns.planAfterScheduling != "at-once":
        store.add_past(site, site.counters.get(_WRITES, 0), now.isoformat())


def lagging(
    store: Transaction, site: Site, path: str, given: Mapping[str, str], now: datetime, seed: Seed
) -> Site | None:  # fmt: skip
    """The site as seen by a read of a path that lags behind; None if the read sees everything."""
    unknowns = seed.unknowns
    late = timedelta(seconds=unknowns.readLagSeconds)
    seen = _seen(given.get(HEADER, ""), site) if unknowns.readLag == "without-header" else 0
    if unknowns.readLag == "none":
        newest = site.counters.get(_WRITES, 0)
        if unknowns.planAfterScheduling == "at-once" or not path.endswith(_PLAN):
            return None
        if not newest or site.counters.get(_SCHEDULED) != newest:
            return None
        late = timedelta(minutes=1) if unknowns.planAfterScheduling == "a-minute-late" else late
        seen = 0
    then = now - late
    past = store.past(site.id, then.isoformat(), seen)
    if past is None:
        return None
    marketing_plan.finish_due(past, then, seed)
    return past


def _seen(token: str, site: Site) -> int:
    """How many writes a token knows about."""
    head, _, count = token.rpartition(".")
    return int(count) if head == f"v1.{site.id}" and count.isdecimal() else 0
