"""Converts outcomes as earlier documents of format 2 stored them: a sentence, or a problem with its message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.canonical import Json, freeze
from reconciler.model.codec import to_plain
from reconciler.model.diagnostics import Severity
from reconciler.model.failures import Failure
from reconciler.model.outcomes import Trouble
from reconciler.model.requests import SentRequest

_SEVERITIES: Final = {"failed": Severity.ERROR, "unknown": Severity.ERROR, "pending": Severity.NOTE}

_CODES: Final = {"not-done": Trouble.NO_EFFECT, "unknown": Trouble.OUTCOME_UNKNOWN}
"""The problem code of each kind of outcome that has one; the earliest documents do not contain it."""

_CALL: Final = re.compile(r"(\S+) (\S+)(?: answered (?:(\d+) ?)?(\S*))?\Z")
"""A call as problems spelled it: `GET /marketing-plan answered 403 NOT_ALLOWED`."""


def with_failure(entry: dict[str, Any]) -> dict[str, Any]:
    """A plain journal entry whose `unknown`, a problem or a sentence, becomes a failure, or null if it was empty."""
    stored = entry.get("unknown")
    return {**entry, "unknown": _failure(stored, Trouble.OUTCOME_UNKNOWN)} if stored is not None else entry


def end_of(note: dict[str, Any]) -> dict[str, Any]:
    """A plain note of how a call ended, converted from one that held the whole outcome."""
    outcome = note["outcome"]
    if not isinstance(outcome, dict) or "kind" not in outcome:
        return note
    left = {key: value for key, value in note.items() if key != "outcome"}
    result, stored = str(outcome["kind"]), outcome.get("problem", outcome.get("detail"))
    if result not in _CODES:
        return {**left, "result": result, "failure": None}
    failure = _failure(stored, _CODES[result]) or _plain(Failure(_CODES[result]))
    return {**left, "result": result, "failure": {"requestId": outcome.get("requestId"), **_known(failure)}}


def _known(failure: Mapping[str, Any]) -> dict[str, Any]:
    """The failure, without a request id if it has none."""
    return {key: value for key, value in failure.items() if key != "requestId" or value is not None}


def _failure(stored: object, code: Trouble) -> dict[str, Any] | None:
    """The plain failure of a problem or a sentence, whose words are not kept; None if there is none."""
    if isinstance(stored, str):
        return _plain(Failure(code)) if stored else None
    if not isinstance(stored, dict) or "message" not in stored:
        return stored if isinstance(stored, dict) else None
    found = _CALL.match(str(stored.get("call") or ""))
    asked = SentRequest(found[1], found[2], int(found[3]) if found[3] else None, found[4] or "") if found else None
    return _plain(Failure(str(stored.get("code") or code), asked, stored.get("requestId")))


def ledger_of(ledger: Json) -> Json:
    """The ledger of a run, with problems in place of the sentences that its entries and notes held."""
    sites = ledger.get("sites") if isinstance(ledger, Mapping) else None
    if not isinstance(ledger, Mapping) or not isinstance(sites, tuple):
        return ledger
    return freeze({**ledger, "sites": [_site(site) if isinstance(site, Mapping) else site for site in sites]})


def _site(site: Mapping[str, Any]) -> dict[str, Any]:
    readers = {"entries": _with_problem, "notes": _with_problem, "stillGoingOut": _not_stopped}
    return {**site, **{name: [read(each) for each in site[name]] for name, read in readers.items() if name in site}}


def _not_stopped(post: Mapping[str, Any]) -> Mapping[str, Any]:
    """A post that still goes out, with a problem in place of the old members: a reason, a fix, sometimes an error."""
    if "obstacle" not in post:
        return post
    left, known = {name: post[name] for name in post if name not in ("obstacle", "stop")}, post.get("problem") or {}
    fix = "; or ".join(text for text in (known.get("fix"), post["stop"]) if text)
    problem = {"code": Trouble.NO_EFFECT, "severity": Severity.ERROR, **known, "message": post["obstacle"], "fix": fix}
    return {**left, "problem": problem}


def _with_problem(stored: object) -> object:
    """An entry, or a note, of a run's ledger."""
    if isinstance(stored, str):
        return {"code": "note", "severity": Severity.NOTE, "message": stored}
    if not isinstance(stored, Mapping) or "detail" not in stored:
        return stored
    left = {key: value for key, value in stored.items() if key != "detail" and value is not None}
    result = str(stored.get("result"))
    if result == "done":
        return left
    problem = {"code": result, "severity": _SEVERITIES.get(result, Severity.WARNING), "message": str(stored["detail"])}
    shared = {key: left[key] for key in ("address", "requestId") if key in left}
    return {**left, "problem": {**problem, **shared}}


def _plain(failure: Failure) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(failure)
    return plain
