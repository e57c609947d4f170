"""The state as JSON documents, for programs. The token of a lock is never among it: who has it, has the lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.engine.results import CallResolved
from reconciler.model.codec import instant_text
from reconciler.reporters.journal_words import about, words_of
from reconciler.state.document import SiteDocument, encode
from reconciler.state.hold import Hold
from reconciler.state.repair import Glance, SiteState


def list_summary(sites: Sequence[Glance]) -> dict[str, int]:
    """The counts of `state list`."""
    return {
        "sites": len(sites),
        "inDoubt": sum(one.in_doubt for one in sites),
        "waiting": sum(one.waiting for one in sites),
        "locked": sum(one.hold is not None for one in sites),
        "unreadable": sum(bool(one.problem) for one in sites),
    }


def glance_values(site: Glance) -> dict[str, Any]:
    """A site of `state list`."""
    if site.problem:
        return {"site": site.name, "error": site.problem}
    return {
        "site": site.name,
        "id": site.id or None,
        "inDoubt": site.in_doubt,
        "waiting": site.waiting,
        "pending": site.pending,
        "generatedFrom": site.generated_from,
        "published": site.published,
        "lock": lock_values(site.hold, ended=site.ended),
    }


def state_values(site: SiteState) -> dict[str, Any]:
    """The members of `state show`: the site's own document as it is kept, with the lock and what calls mean."""
    document = json.loads(encode(SiteDocument(site.name, site.id, site.recorded)))
    del document["formatVersion"]
    for kept, entry in zip(document["open"], site.recorded.open, strict=True):
        words = words_of(entry)
        kept["inDoubt"] = not entry.sent
        kept["asked"], kept["about"], kept["look"] = words.asked, about(entry), words.look
    document["site"]["id"] = site.id or None
    found = {"site": document.pop("site"), "place": site.place, "lock": lock_values(site.hold, ended=site.ended)}
    return {**found, **document}


def lock_values(hold: Hold | None, *, ended: bool) -> dict[str, Any] | None:
    """Who holds a site; None where nobody does."""
    if hold is None:
        return None
    holder = hold.holder
    return {
        "user": holder.user,
        "host": holder.host,
        "process": holder.process,
        "ciUrl": holder.ci_url,
        "since": instant_text(hold.since),
        "expires": instant_text(hold.expires),
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
