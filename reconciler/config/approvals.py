"""Approvals files -> what people decided. Rewriting them, with their comments, is not done here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reconciler.config import times
from reconciler.config.discovery import shown_path
from reconciler.config.layers import Layer, Layers
from reconciler.config.rules import NotUsable, read_time
from reconciler.config.schema import check
from reconciler.config.words import KeyPath, quoted
from reconciler.config.yaml_source import only_document
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, Decision, DraftApproval
from reconciler.model.canonical import Digest, digest_of, freeze
from reconciler.model.diagnostics import Diagnostic, InvalidFiles
from reconciler.model.posts import ActivityId, PostId


def read_approvals(path: Path, site: str | None = None) -> Approvals:
    """An approvals file; the empty Approvals where there is none.

    With `site`, the file must be that site's. Raises InvalidFiles with every problem of the file.
    """
    if not os.path.lexists(path):
        return Approvals()
    problems: list[Diagnostic] = []
    found = approvals_in(path, site, problems)
    if found is None:
        raise InvalidFiles(problems)
    return found[0]


def approvals_in(
    path: Path, site: str | None, problems: list[Diagnostic], data: bytes | None = None
) -> tuple[Approvals, Digest] | None:
    """The approvals in a file and the digest of the file; None, and problems, if it cannot be used.

    `data` is what is taken for its content, such as what is committed of it; None reads the file.
    """
    shown = shown_path(path)
    before = len(problems)
    document = only_document(path, shown, problems, "delete it, or run `reconciler review`", data)
    if document is None:
        return None
    checked = check(document, "approvals", problems)
    layers = Layers((Layer(document, checked.value),), problems)
    named = checked.value.get("site")
    if site is not None and named not in (site, None):
        message = f"these are the approvals of {quoted(named)}, in the file of {quoted(site)}"
        layers.problem(("site",), message, "the file is named for its site")
    approvals = Approvals(_activities(layers), shown)
    return (approvals, digest_of(freeze(document.value))) if len(problems) == before else None


def _activities(layers: Layers) -> tuple[ActivityApproval, ...]:
    activities: list[ActivityApproval] = []
    seen: dict[str, KeyPath] = {}
    for at, written in enumerate(layers.value.get("activities", ())):
        if written is None:  # a bad one, told already
            continue
        path: KeyPath = ("activities", at)
        _once(written["id"], "activity", (*path, "id"), seen, layers)
        drafts: list[DraftApproval] = []
        for number, draft in enumerate(written.get("drafts", ())):
            _once(draft["id"], "draft", (*path, "drafts", number, "id"), seen, layers)
            drafts.append(_draft(draft))
        try:
            date = read_time(times.moment, written["date"], (*path, "date"), layers)
        except NotUsable:
            continue
        decision = ActivityDecision(written.get("decision", ActivityDecision.KEEP))
        activities.append(ActivityApproval(ActivityId(written["id"]), written["title"], date, decision, tuple(drafts)))
    return tuple(activities)


def _draft(written: dict[str, Any]) -> DraftApproval:
    return DraftApproval(
        id=PostId(written["id"]),
        channel=written["channel"],
        type=written["type"],
        digest=Digest(written["digest"]),
        decision=Decision(written.get("decision", Decision.PENDING)),
        media=tuple(written.get("media", ())),
        caption=written.get("caption", ""),
        cancelled=written.get("cancelled", 0),
    )


def _once(id: str, kind: str, path: KeyPath, seen: dict[str, KeyPath], layers: Layers) -> None:
    """Two decisions about one thing could disagree."""
    if f"{kind} {id}" in seen:
        layers.problem(path, f"the {kind} {quoted(id)} stands here twice", "keep one of them")
    seen.setdefault(f"{kind} {id}", path)
