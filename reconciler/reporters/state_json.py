"""The state as JSON documents, for programs. It never holds the token of a lock: whoever has it has the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.engine.state_results import CallResolved
from reconciler.model.codec import instant_text, to_plain
from reconciler.reporters.kinds import call_about, call_words
from reconciler.state.lock_record import LockRecord
from reconciler.state.repair import SiteState, StateSummary


def list_summary(sites: Sequence[StateSummary]) -> dict[str, int]:
    """The counts of `state list`."""
    return {
        "sites": len(sites),
        "inDoubt": sum(one.in_doubt for one in sites),
        "waiting": sum(one.waiting for one in sites),
        "locked": sum(one.lock is not None for one in sites),
        "unreadable": sum(bool(one.problem) for one in sites),
    }


def summary_values(site: StateSummary) -> dict[str, Any]:
    """A site of `state list`."""
    if site.problem:
        return {"site": site.name, "error": site.problem}
    return {
        "site": site.name,
        "id": site.id,
        "inDoubt": site.in_doubt,
        "waiting": site.waiting,
        "pending": site.pending,
        "generatedFrom": site.generated_from,
        "published": site.published,
        "lock": lock_values(site.lock, ended=site.ended),
    }


def state_values(site: SiteState) -> dict[str, Any]:
    """The members of `state show`: all that is recorded, with the lock and what the open calls mean."""
    recorded = to_plain(site.recorded)
    for kept, entry in zip(recorded["open"], site.recorded.open, strict=True):
        words = call_words(entry)
        kept["inDoubt"] = not entry.sent
        kept["asked"], kept["about"], kept["look"] = words.asked, call_about(entry), words.look
    found = {
        "site": {"name": site.name, "id": site.id},
        "place": site.place,
        "lock": lock_values(site.lock, ended=site.ended),
    }
    return {**found, **recorded}


def lock_values(lock: LockRecord | None, *, ended: bool) -> dict[str, Any] | None:
    """Who holds a site; None if nobody does."""
    if lock is None:
        return None
    holder = lock.holder
    return {
        "user": holder.user,
        "host": holder.host,
        "process": holder.process,
        "run": holder.run,
        "ciUrl": holder.ci_url,
        "since": instant_text(lock.since),
        "expires": instant_text(lock.expires),
        "ended": ended,
    }


def resolved_values(resolved: CallResolved) -> dict[str, Any]:
    """A call that was resolved by hand."""
    entry = resolved.entry
    return {
        "site": resolved.name,
        "id": entry.id,
        "call": entry.call,
        "address": entry.address,
        "done": resolved.took_effect,
        "left": resolved.left,
    }
