"""Approvals files, rewritten: what a review found, and what people decide on the command line.

People edit these files too. Comments, order and earlier decisions stay; see yaml_edit.py.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciler.config.yaml_edit import NotEditable, YamlText, as_item, block, flow, id_scalar, quoted, scalar
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Decision
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import InvalidFiles, Place, problem
from reconciler.model.events import instant
from reconciler.model.review import ActivityForReview, DraftForReview

HEADER: Final = (
    "# What goes out, as people read it. `reconciler review` keeps this file up to date; decide here or with\n"
    "# `reconciler approve`. A draft: pending | approve. An activity: keep | regenerate | regenerate-media | discard.\n"
)


def update_approvals(
    text: str | None, site: SiteName, activities: Iterable[ActivityForReview], file: str = "approvals"
) -> str | None:
    """The text of an approvals file after a review; the same text where nothing is new.

    `text` is a valid approvals file, or None where there is none; then the result is None too if there is
    nothing to review. `activities` are all live ones in their order, with all their posts. `file` is for the
    places of problems. Raises InvalidFiles where the file is written so that it cannot be changed in place.
    """
    live = tuple(activities)
    if text is None:
        added = [as_item(_activity_lines(one), 2) for one in live if any(draft.wanted for draft in one.drafts)]
        if not added:
            return None
        return f"{HEADER}version: 1\nsite: {site}\nactivities:\n{''.join(added)}"
    try:
        yaml = YamlText(text)
        _update(yaml, live)
        result = yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None
    return text if result == yaml.text else result


def set_decisions(
    text: str,
    drafts: Mapping[str, Decision],
    activities: Mapping[str, ActivityDecision] | None = None,
    file: str = "approvals",
) -> str:
    """The text with these decisions, by the ids of drafts and of activities; ids it does not have are passed over.

    Raises InvalidFiles where the file is written so that it cannot be changed in place.
    """
    try:
        yaml = YamlText(text)
        for activity in yaml.get(yaml.root, "activities").value:
            wanted = (activities or {}).get(yaml.text_at(activity, "id") or "")
            if wanted is not None and _decision(yaml, activity, ActivityDecision.KEEP) != wanted.value:
                yaml.put_word(activity, "decision", wanted.value, ("id", "title", "date"))
            for draft in _items(yaml, activity):
                said = drafts.get(yaml.text_at(draft, "id") or "")
                if said is not None and _decision(yaml, draft, Decision.PENDING) != said.value:
                    yaml.put_word(draft, "decision", said.value, _BEFORE["decision"])
        result = yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None
    return text if result == yaml.text else result


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that a reader, or a crash, sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _invalid(error: NotEditable, file: str) -> InvalidFiles:
    place = Place(file, error.line, error.column)
    return InvalidFiles((problem(place, f"this file cannot be kept up to date: {error.why}"),))


# --- what a review changes -------------------------------------------------------------------------

_KEYS: Final = ("id", "channel", "type", "digest", "decision", "cancelled", "media", "caption")
_BEFORE: Final = {key: _KEYS[:at] for at, key in enumerate(_KEYS)}


def _items(yaml: YamlText, activity: Any) -> list[Any]:
    node = yaml.get(activity, "drafts")
    return list(node.value) if node is not None else []


def _decision(yaml: YamlText, mapping: Any, default: Decision | ActivityDecision) -> str:
    return yaml.text_at(mapping, "decision") or default.value


def _update(yaml: YamlText, live: tuple[ActivityForReview, ...]) -> None:
    by_id: dict[str | None, ActivityForReview] = {one.id: one for one in live}
    nodes = yaml.get(yaml.root, "activities").value
    kept = [(node, by_id.get(yaml.text_at(node, "id"))) for node in nodes]
    gone = [node for node, found in kept if found is None or not _stays(yaml, node, found)]
    for node, found in kept:
        if found is not None and node not in gone:
            _update_activity(yaml, node, found)
    listed = {found.id for node, found in kept if found is not None and node not in gone}
    new = [one for one in live if one.id not in listed and any(draft.wanted for draft in one.drafts)]
    yaml.drop_items(yaml.root, "activities", gone)
    if nodes and len(gone) == len(nodes) and not new:
        yaml.empty(yaml.root, "activities")
    staying = [(node, found.date) for node, found in kept if found is not None and node not in gone]
    items = [(next((node for node, date in staying if date > one.date), None), _activity_lines(one)) for one in new]
    yaml.add_items(yaml.root, "activities", items)


def _stays(yaml: YamlText, node: Any, found: ActivityForReview) -> bool:
    """Whether an activity has anything to stand in the file for: a listed draft that is still there, a new one,
    or its decision to have none."""
    drafts = {one.id for one in found.drafts}
    return (
        any(yaml.text_at(one, "id") in drafts for one in _items(yaml, node))
        or any(one.wanted for one in found.drafts)
        or _decision(yaml, node, ActivityDecision.KEEP) == ActivityDecision.DISCARD.value
    )


def _update_activity(yaml: YamlText, node: Any, found: ActivityForReview) -> None:
    if yaml.text_at(node, "title") != found.title:
        yaml.put(node, "title", scalar(found.title))
    if _moment(yaml.text_at(node, "date")) != _date(found):
        yaml.put(node, "date", _date(found))
    decision = _decision(yaml, node, ActivityDecision.KEEP)
    # A discarded activity keeps its decision as long as it has no posts: it says why there are none.
    if found.carried_out and decision != "keep" and (decision != ActivityDecision.DISCARD.value or found.drafts):
        yaml.put_word(node, "decision", ActivityDecision.KEEP.value)
    by_id: dict[str | None, DraftForReview] = {one.id: one for one in found.drafts}
    items = _items(yaml, node)
    gone = [item for item in items if yaml.text_at(item, "id") not in by_id]
    listed = {yaml.text_at(item, "id") for item in items}
    new = [one for one in found.drafts if one.wanted and one.id not in listed]
    for item in items:
        if item not in gone:
            _update_draft(yaml, item, by_id[yaml.text_at(item, "id")])
    yaml.drop_items(node, "drafts", gone)
    if items and len(gone) == len(items) and not new:
        yaml.empty(node, "drafts")
    if yaml.get(node, "drafts") is None and new:
        indent = node.value[0][0].start_mark.column
        lines = "".join(as_item(_draft_lines(one), indent + 2) for one in new)
        yaml.put(node, "drafts", "\n" + lines.rstrip("\n"))
    else:
        yaml.add_items(node, "drafts", [(None, _draft_lines(one)) for one in new])


def _update_draft(yaml: YamlText, node: Any, found: DraftForReview) -> None:
    """Changed content is pending again; so is what was scheduled and taken back since the last decision."""
    changed = Digest(yaml.text_at(node, "digest") or "") != found.digest
    known = int(yaml.text_at(node, "cancelled") or 0)
    for key, value in (("channel", found.channel), ("type", found.type)):
        if yaml.text_at(node, key) != value:
            yaml.put(node, key, scalar(value))
    if changed:
        yaml.put_word(node, "digest", found.digest)
    renewed = found.cancelled > known or (changed and known != found.cancelled)
    if (changed or renewed) and _decision(yaml, node, Decision.PENDING) != Decision.PENDING.value:
        yaml.put_word(node, "decision", Decision.PENDING.value, _BEFORE["decision"])
    if renewed and found.cancelled:
        yaml.put(node, "cancelled", str(found.cancelled), _BEFORE["cancelled"])
    elif renewed:
        yaml.drop_key(node, "cancelled")
    if yaml.texts_at(node, "media") != found.media:
        yaml.put(node, "media", flow(found.media), _BEFORE["media"])
    if not _reads_as(yaml.text_at(node, "caption"), found.caption):
        indent = node.value[0][0].start_mark.column + 2
        caption = quoted(found.caption) if node.flow_style else block(found.caption, indent)
        yaml.put(node, "caption", caption, _BEFORE["caption"])


def _reads_as(written: str | None, caption: str) -> bool:
    """Whether a caption in the file is the post's. A literal block ends in a line break that is not the post's."""
    shown = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in caption)
    return written is not None and written in (shown, shown + "\n")


def _date(one: ActivityForReview) -> str:
    return instant(one.date).replace(".000Z", "Z")


def _moment(text: str | None) -> str:
    try:
        moment = datetime.fromisoformat(text or "")
        return instant(moment).replace(".000Z", "Z")
    except ValueError:
        return ""


def _activity_lines(one: ActivityForReview) -> list[str]:
    drafts = [line for draft in one.drafts if draft.wanted for line in as_item(_draft_lines(draft), 2).split("\n")[:-1]]
    return [
        f"id: {id_scalar(one.id)}",
        f"title: {scalar(one.title)}",
        f"date: {_date(one)}",
        f"decision: {ActivityDecision.KEEP.value}",
        "drafts:",
        *drafts,
    ]


def _draft_lines(one: DraftForReview) -> list[str]:
    return [
        f"id: {id_scalar(one.id)}",
        f"channel: {scalar(one.channel)}",
        f"type: {scalar(one.type)}",
        f"digest: {one.digest}",
        f"decision: {Decision.PENDING.value}",
        *([f"cancelled: {one.cancelled}"] if one.cancelled else []),
        f"media: {flow(one.media)}",
        *f"caption: {block(one.caption, 2)}".split("\n"),
    ]
