"""Diagnostics in words and as JSON: the one place where a problem becomes a sentence."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from reconciler.model.diagnostics import Diagnostic


def sentence(diagnostic: Diagnostic) -> str:
    """`sites/shop.yaml:3:5: toneOfVoice: expected text; quote it (request id ...)`: where, what, what to do."""
    where = diagnostic.place or diagnostic.address
    text = f"{where}: {diagnostic.message}" if where is not None else diagnostic.message
    text += f"; {diagnostic.fix}" if diagnostic.fix else ""
    return f"{text} (request id {diagnostic.request_id})" if diagnostic.request_id else text


def of_its_site(diagnostic: Diagnostic) -> str:
    """The sentence of a problem that stands beside the name of its site."""
    return sentence(replace(diagnostic, address=None))


def refused_line(reason: Diagnostic, more: int = 0) -> str:
    """`Refused: shop: expect.published ...`, or `Cancelled.` where a person said no: the last line of a run."""
    if reason.code == "declined":
        return f"Cancelled. {reason.message}."
    return f"Refused: {sentence(reason)}" + (f" (and {more} more, above)" if more else "")


def notice_line(problem: Diagnostic) -> str:
    """`warning: ...` or `note: ...`."""
    return f"{problem.severity}: {sentence(problem)}"


def problem_values(diagnostic: Diagnostic) -> dict[str, Any]:
    """A problem as the members of a JSON object; what is not known is left out."""
    place = diagnostic.place
    found: dict[str, Any] = {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "fix": diagnostic.fix,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
        "address": str(diagnostic.address) if diagnostic.address is not None else None,
        "requestId": diagnostic.request_id,
    }
    return {key: value for key, value in found.items() if value}
