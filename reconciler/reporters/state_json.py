"""The state as JSON documents, for programs. The token of a lock is never among it: who has it, has the lock."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.codec import instant_text
from reconciler.reporters.journal_words import about, words_of
from reconciler.state.document import SiteDocument, encode
from reconciler.state.hold import Hold
from reconciler.state.repair import Glance, SiteState

FORMAT_VERSION = 1


def list_json(sites: Sequence[Glance], place: str, exit_code: int) -> str:
    """The document of `state list`."""
    summary = {
        "sites": len(sites),
        "inDoubt": sum(one.in_doubt for one in sites),
        "waiting": sum(one.waiting for one in sites),
        "locked": sum(one.hold is not None for one in sites),
        "unreadable": sum(bool(one.problem) for one in sites),
    }
    return _text(
        "state list", {"place": place, "sites": [_glance(one) for one in sites], "summary": summary}, exit_code
    )


def _glance(site: Glance) -> dict[str, Any]:
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
        "lock": _hold(site.hold, ended=site.ended),
    }


def show_json(site: SiteState, exit_code: int) -> str:
    """The document of `state show`: the site's own document as it is kept, with the lock and what calls mean."""
    document = json.loads(encode(SiteDocument(site.name, site.id, site.recorded)))
    del document["formatVersion"]
    for kept, entry in zip(document["open"], site.recorded.open, strict=True):
        words = words_of(entry)
        kept["inDoubt"] = not entry.sent
        kept["asked"], kept["about"], kept["look"] = words.asked, about(entry), words.look
    document["site"]["id"] = site.id or None
    found = {"site": document.pop("site"), "place": site.place, "lock": _hold(site.hold, ended=site.ended)}
    return _text("state show", {**found, **document}, exit_code)


def _hold(hold: Hold | None, *, ended: bool) -> dict[str, Any] | None:
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


def _text(command: str, members: dict[str, Any], exit_code: int) -> str:
    document = {"formatVersion": FORMAT_VERSION, "command": command, **members, "exitCode": int(exit_code)}
    return json.dumps(document, indent=2) + "\n"
