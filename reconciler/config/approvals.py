"""Approvals files -> what people decided. They are rewritten, with their comments, in approvals_edit.py."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from reconciler.config import times
from reconciler.config.discovery import shown_path
from reconciler.config.documents import Document
from reconciler.config.layers import Layer, MergedDocument
from reconciler.config.lines import GitLines
from reconciler.config.rules import NotUsable, read_time
from reconciler.config.schema import check
from reconciler.config.words import KeyPath, close_match, dotted, quoted
from reconciler.config.yaml_source import only_document, read_file
from reconciler.model.approvals import ActivityApproval, ActivityDecision, Approvals, DraftApproval, DraftDecision
from reconciler.model.canonical import Digest, digest_of, freeze
from reconciler.model.content import LinkPreview, PublicContent
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, problem
from reconciler.model.posts import ActivityId, PostId, account_id
from reconciler.model.publisher_fields import PLACES
from reconciler.model.text import in_quotes

_LOST: Final = "restore the line from git and replace only the word, or delete the entry and run `reconciler review`"
_DIGEST: Final = "[0-9a-f]{64}"


def read_approvals(path: Path, site: str | None = None, text: str | None = None) -> Approvals:
    """Reads an approvals file; the empty Approvals if there is none. `text` is its content, if that is known.

    With `site`, it is taken as that site's, even if it names another (`written_for`): the site may have been renamed.
    Raises InvalidFiles with every problem of the file.
    """
    if text is None and not os.path.lexists(path):
        return Approvals()
    problems: list[Diagnostic] = []
    found = approvals_in(path, site, problems, None if text is None else text.encode("utf-8"))
    if found is None:
        raise InvalidFiles(problems)
    return found[0]


def approvals_in(
    path: Path, site: str | None, problems: list[Diagnostic], data: bytes | None = None
) -> tuple[Approvals, Digest] | None:
    """The approvals in a file and the digest of the file. If it cannot be used: None, and problems.

    `data` is used as its content, such as the committed version; None reads the file.
    """
    shown = shown_path(path)
    before = len(problems)
    if data is None:
        data = read_file(path, shown, problems)
    if data is None:
        return None
    document = only_document(
        path, shown, problems, "restore it from git, or delete it, which withdraws its approvals", data
    )
    if document is None:
        return None
    problems += _decision_problems(document, GitLines(data.decode("utf-8-sig")))
    checked = check(document, "approvals", problems)
    merged = MergedDocument((Layer(document, checked.value),), problems)
    named = checked.value.get("site")
    # Another name is taken as the site's old one: approvals name posts by id, so they fit no other site.
    other = named if site is not None and isinstance(named, str) and named != site else ""
    approvals = Approvals(_activities(merged), shown, other, approvable=checked.value.get("approvable", True))
    return (approvals, digest_of(freeze(document.value))) if len(problems) == before else None


def _decision_problems(document: Document, lines: GitLines) -> Iterator[Diagnostic]:
    """What is wrong with the decisions, in more helpful words than the schema's."""
    for path, written in _members(document.value, ("activities",)):
        yield from _decision_problem(document, lines, path, written, ActivityDecision, "")
        for inner, draft in _members(written, ("drafts",)):
            yield from _decision_problem(document, lines, (*path, *inner), draft, DraftDecision, "sha256:")


def _members(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
    found = value.get(path[-1]) if isinstance(value, dict) else None
    for at, member in enumerate(found if isinstance(found, list) else ()):
        if isinstance(member, dict):
            yield (*path, at), member


def _decision_problem(
    document: Document, lines: GitLines, path: KeyPath, written: dict[str, Any], kind: type[StrEnum], prefix: str
) -> Iterator[Diagnostic]:
    text = written.get("decision")
    if not isinstance(text, str):
        return
    here: KeyPath = (*path, "decision")
    place = document.place(here)
    word, blank, digest = text.partition(" ")
    if word not in set(kind):
        near = close_match(word, kind)
        message = f"{quoted(word)} must be one of: {', '.join(kind)}"
        hint = f"did you mean {near}?" if near else "replace only the word, and keep the digest after it"
    elif blank and not (digest.startswith(prefix) and re.fullmatch(_DIGEST, digest.removeprefix(prefix))):
        digits = sum(character in "0123456789abcdef" for character in digest.removeprefix(prefix))
        what = f"has {digits:,} of 64 digits" if digits < 64 else f"must be {prefix}64 hexadecimal digits"
        message = f"the digest after {in_quotes(word)} {what}"
        hint = _LOST
    elif not lines.holds(place.line, text):
        # Otherwise, a merge could put an old approval beside another digest, and so approve what nobody reviewed.
        message = "the word and its digest must be on one line, unchanged"
        hint = _LOST
    else:
        return
    yield problem(place, f"{dotted(here)}: {message}", hint)


def _activities(merged: MergedDocument) -> tuple[ActivityApproval, ...]:
    activities: list[ActivityApproval] = []
    seen: dict[str, KeyPath] = {}
    for at, written in enumerate(merged.value.get("activities", ())):
        if written is None:  # an invalid one, already reported
            continue
        path: KeyPath = ("activities", at)
        _once(written["id"], "activity", (*path, "id"), seen, merged)
        drafts: list[DraftApproval] = []
        for number, shown in enumerate(written.get("drafts", ())):
            here = (*path, "drafts", number)
            _once(shown["id"], "draft", (*here, "id"), seen, merged)
            if (draft := _draft(shown, here, merged)) is not None:
                drafts.append(draft)
        try:
            date = read_time(times.moment, written["date"], (*path, "date"), merged)
        except NotUsable:
            continue
        word, _, decided = written.get("decision", ActivityDecision.KEEP.value).partition(" ")
        activities.append(
            ActivityApproval(
                ActivityId(written["id"]),
                written["title"],
                date,
                ActivityDecision(word),
                tuple(drafts),
                Digest(f"sha256:{decided}") if decided else None,
            )
        )
    return tuple(activities)


def _draft(written: dict[str, Any], path: KeyPath, merged: MergedDocument) -> DraftApproval | None:
    """A draft. If it does not say what its decision is about: None, and a problem."""
    word, _, digest = written.get("decision", DraftDecision.PENDING.value).partition(" ")
    apart = written.get("digest", "")
    if digest and apart:
        merged.problem((*path, "digest"), "the decision already names a digest", "delete this line", key=True)
        return None
    if not digest and not apart:
        message = "the digest that `review` wrote after the word is missing"
        merged.problem((*path, "decision"), message, _LOST)
        return None
    label = written.get("account", "")
    return DraftApproval(
        id=PostId(written["id"]),
        content=_content(written, account_id(label)),
        digest=Digest(digest or apart),
        decision=DraftDecision(word),
        cancelled=written.get("cancelled", 0),
        earlier=not digest,
        account=label,
        goes_out=written.get("goesOut", ""),
        status=written.get("status", ""),
        blocked=tuple(written.get("blocked", ())),
    )


def _content(written: dict[str, Any], account: str) -> PublicContent:
    """What an entry shows of its post, in the form in which live posts are compared."""
    return PublicContent(
        channel=written["channel"],
        type=written["type"],
        account=account,
        place=tuple((key, written[key]) for key in PLACES.values() if written.get(key)),
        title=written.get("title", ""),
        media=tuple(written.get("media", ())),
        link=written.get("link", ""),
        preview=LinkPreview(**written.get("preview", {})),
        call_to_action=written.get("callToAction", ""),
        audience=written.get("audience", ""),
        other=tuple(sorted(written.get("other", {}).items())),
        caption=written.get("caption", ""),
        description=written.get("description", ""),
    )


def _once(id: str, kind: str, path: KeyPath, seen: dict[str, KeyPath], merged: MergedDocument) -> None:
    """Reports an id that occurs twice: two decisions about the same thing could disagree."""
    if f"{kind} {id}" in seen:
        merged.problem(path, f"the {kind} {quoted(id)} is listed twice", "keep one of them")
    seen.setdefault(f"{kind} {id}", path)
