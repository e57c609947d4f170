"""What a file is, by what it says: a site file, an approvals file, or a project file."""

from __future__ import annotations

from typing import Any, Final

from reconciler.config.documents import Document
from reconciler.config.words import close_match
from reconciler.model.address import Labels

_SITE_KEYS: Final = frozenset({"name", "id", "labels", "credentials", "instanceId"})
_PROJECT_KEYS: Final = frozenset(
    {"sites", "api", "credentials", "state", "approvals", "defaults", "limits", "poll", "policy"}
)


def name_and_labels(document: Document) -> tuple[str, Labels] | None:
    """The name and the labels of a site whose document has problems; None if either may be wrong."""
    site = document.value.get("site") if isinstance(document.value, dict) else None
    if not isinstance(site, dict) or not site.keys() <= _SITE_KEYS:
        return None
    name, labels = site.get("name"), site.get("labels", {})
    if not isinstance(name, str) or not isinstance(labels, dict):
        return None
    pairs = [(key, value) for key, value in labels.items() if isinstance(key, str) and isinstance(value, str)]
    return (name, tuple(sorted(pairs))) if len(pairs) == len(labels) else None


def looks_like_approvals(value: Any) -> bool:
    """Whether a document looks like an approvals file rather than a site file.

    Either its `site` is a string, and it has `activities` (perhaps misspelled) or nothing else; or it has no `site`,
    and its activities have drafts or decisions.
    """
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("site"), str):
        return value.keys() <= {"version", "site"} or any(close_match(str(key), ("activities",)) for key in value)
    entries = value.get("activities") if "site" not in value else None
    found = entries if isinstance(entries, list) else ()
    return any(isinstance(entry, dict) and not entry.keys().isdisjoint({"drafts", "decision"}) for entry in found)


def looks_like_project(value: Any) -> bool:
    """Whether a document looks like a project file: it has one of its keys, and no `site`."""
    return isinstance(value, dict) and "site" not in value and not _PROJECT_KEYS.isdisjoint(value)
