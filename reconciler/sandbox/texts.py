"""Owns what happens to texts that are sent: kept as they are, or normalised (17.7: not known)."""

from __future__ import annotations

import unicodedata
from typing import Any

from reconciler.sandbox.errors import violation
from reconciler.sandbox.unknowns import Unknowns

_CUT = 100
_LONGEST = 500


def kept(value: Any, unknowns: Unknowns) -> Any:
    """A value as it is stored, with its texts normalised."""
    if unknowns.texts == "exact":
        return value
    if isinstance(value, dict):
        return {name: kept(each, unknowns) for name, each in value.items()}
    if isinstance(value, list):
        return [kept(each, unknowns) for each in value]
    return _normal(value, unknowns.texts) if isinstance(value, str) else value


def _normal(text: str, form: str) -> str:
    if form == "cut":
        return text[:_CUT]
    if form in ("line-ends", "all"):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if form in ("nfc", "all"):
        text = unicodedata.normalize("NFC", text)
    return text.strip() if form in ("trimmed", "all") else text


def check(field: str, value: Any, unknowns: Unknowns) -> None:
    """Refuses (400) texts that are too long, if the world has a limit (14.16, 14.18: not known)."""
    if unknowns.textLimit == "none":
        return
    if isinstance(value, dict):
        for name, each in value.items():
            check(f"{field}.{name}", each, unknowns)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            check(f"{field}[{place}]", each, unknowns)
    elif isinstance(value, str) and len(value) > _LONGEST:
        raise violation(field, f"has length {len(value)}, but must be at most {_LONGEST}", "MAX_LENGTH")
