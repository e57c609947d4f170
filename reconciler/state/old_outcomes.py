"""Converts outcomes as the first documents of this version stored them: a sentence in place of today's diagnostic."""

from __future__ import annotations

from typing import Any, Final

from reconciler.model.codec import to_plain
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.outcomes import Trouble

UNCLEAR: Final = "the answer was unclear"

_CODES: Final = {"not-done": Trouble.NO_EFFECT, "unknown": Trouble.OUTCOME_UNKNOWN}
"""The kinds of outcomes that have a problem, and its code, which the first documents do not contain."""


def with_problem(entry: dict[str, Any]) -> dict[str, Any]:
    """A plain journal entry whose `unknown` becomes a problem, or null; it was a sentence, or empty."""
    told = entry.get("unknown")
    return {**entry, "unknown": unknown_of(told)} if isinstance(told, str) else entry


def unknown_of(told: str) -> dict[str, Any] | None:
    """The plain problem of a call whose outcome a run could not determine; None: no run has tried."""
    return _plain(Diagnostic(Trouble.OUTCOME_UNKNOWN, told)) if told else None


def outcome_of(outcome: object) -> object:
    """A plain outcome with a problem in place of a sentence; anything else unchanged."""
    if not isinstance(outcome, dict) or "detail" not in outcome:
        return outcome
    left = {key: value for key, value in outcome.items() if key not in ("detail", "code")}
    if (code := _CODES.get(str(outcome.get("kind")))) is not None:
        problem = Diagnostic(code, str(outcome["detail"]) or UNCLEAR, request_id=left.pop("requestId", None))
        return {**left, "problem": _plain(problem)}
    return {**left, "remark": None} if outcome.get("kind") == "done" else left


def _plain(problem: Diagnostic) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(problem)
    return plain
