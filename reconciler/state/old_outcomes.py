"""Converts outcomes as the first documents of this version stored them: a sentence in place of today's diagnostic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.canonical import Json, freeze
from reconciler.model.codec import to_plain
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.outcomes import Trouble

UNCLEAR: Final = "the answer was unclear"

_SEVERITIES: Final = {"failed": Severity.ERROR, "unknown": Severity.ERROR, "pending": Severity.NOTE}

_CODES: Final = {"not-done": Trouble.NO_EFFECT, "unknown": Trouble.OUTCOME_UNKNOWN}
"""The kinds of outcomes that have a problem, and its code, which the first documents do not contain."""


def with_problem(entry: dict[str, Any]) -> dict[str, Any]:
    """A plain journal entry whose `unknown` becomes a problem, or null; it was a sentence, or empty."""
    stored = entry.get("unknown")
    return {**entry, "unknown": unknown_of(stored)} if isinstance(stored, str) else entry


def unknown_of(stored: str) -> dict[str, Any] | None:
    """The plain problem of a call whose outcome a run could not determine; None: no run has tried."""
    return _plain(Diagnostic(Trouble.OUTCOME_UNKNOWN, stored)) if stored else None


def outcome_of(outcome: object) -> object:
    """A plain outcome with a problem in place of a sentence; anything else unchanged."""
    if not isinstance(outcome, dict) or "detail" not in outcome:
        return outcome
    left = {key: value for key, value in outcome.items() if key not in ("detail", "code")}
    if (code := _CODES.get(str(outcome.get("kind")))) is not None:
        problem = Diagnostic(code, str(outcome["detail"]) or UNCLEAR, request_id=left.pop("requestId", None))
        return {**left, "problem": _plain(problem)}
    return {**left, "remark": None} if outcome.get("kind") == "done" else left


def ledger_of(ledger: Json) -> Json:
    """The ledger of a run with problems for what was not done, and for its notes, which were sentences."""
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


def _plain(problem: Diagnostic) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(problem)
    return plain
