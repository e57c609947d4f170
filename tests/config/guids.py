"""GUIDs for tests that need no particular one."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5


def guid(word: str) -> str:
    """The same GUID for the same word."""
    return str(uuid5(NAMESPACE_URL, word))
