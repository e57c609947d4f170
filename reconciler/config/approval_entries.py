"""Entries of an approvals file: what one says, what it should say, and how a new one is written."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, TypeAlias

from reconciler.config.yaml_edit import YamlText, as_item, block, flow, flow_members, id_scalar, quoted, scalar
from reconciler.model.approvals import ActivityDecision, DraftDecision, drafts_digest
from reconciler.model.canonical import Digest
from reconciler.model.content import comparable
from reconciler.model.frozen import instant
from reconciler.model.moments import if_approved
from reconciler.model.publisher_fields import PLACES
from reconciler.model.review import ActivityForReview, DraftForReview

ShownFields: TypeAlias = dict[str, str | tuple[str, ...] | dict[str, str]]
"""The keys of a draft's entry that show its post, in order, with their values."""

KEYS: Final = (
    "id", "channel", "account", *PLACES.values(), "type", "goesOut", "status", "blocked", "digest", "decision",
    "cancelled", "title", "media", "link", "preview", "callToAction", "audience", "other", "caption", "description",
)  # fmt: skip
BEFORE: Final = {key: KEYS[:at] for at, key in enumerate(KEYS)}
ACTIVITY_KEYS: Final = ("id", "title", "date")
NOT_SHOWN: Final = frozenset({"id", "digest", "decision", "cancelled"})
_PLAIN_MOMENT: Final = re.compile(r"(about )?[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} [\w/+-]+")
"""A time that is written without quotes."""
_BLOCKS: Final = frozenset({"caption", "description"})


def items_of(yaml: YamlText, activity: Any) -> list[Any]:
    """The nodes of an activity's drafts."""
    node = yaml.get(activity, "drafts")
    return list(node.value) if node is not None else []


def decision_at(yaml: YamlText, mapping: Any, default: DraftDecision | ActivityDecision) -> tuple[str, str]:
    """The word of a decision, and the digest after it: "" if it is on a separate line, or missing."""
    word, _, digest = (yaml.text_at(mapping, "decision") or default.value).partition(" ")
    return word, digest


def put_decision(yaml: YamlText, mapping: Any, word: str, after: tuple[str, ...]) -> None:
    """Writes the word of a decision in front of its digest. `after` are the keys it follows."""
    before, digest = decision_at(yaml, mapping, DraftDecision.PENDING)
    if before != word or yaml.get(mapping, "decision") is None:
        yaml.put_word(mapping, "decision", f"{word} {digest}".rstrip(), after)


def entry_at(yaml: YamlText, node: Any) -> ShownFields:
    """What a draft's entry shows."""
    found: ShownFields = {}
    for key in (name.value for name, _ in node.value if name.value not in NOT_SHOWN):
        text = yaml.text_at(node, key)
        found[key] = text if text is not None else yaml.members_at(node, key) or yaml.texts_at(node, key)
    return found


def shown_of(draft: DraftForReview) -> ShownFields:
    """What the entry of a live post should show."""
    content = draft.content
    shown: ShownFields = {
        "channel": content.channel,
        "account": draft.account,
        **dict(content.place),
        "type": content.type,
        "goesOut": draft.goes_out,
        "status": draft.status,
        "blocked": draft.blocked,
        "title": content.title,
        "media": content.media,
        "link": content.link,
        "preview": dict(content.preview.members()),
        "callToAction": content.call_to_action,
        "audience": content.audience,
        "other": dict(content.other),
        "caption": content.caption,
        "description": content.description,
    }
    return {key: value for key, value in shown.items() if value or key in ("media", "caption")}


def reads_as(key: str, written: object, shown: object) -> bool:
    """Whether a value in the file means what a review would write, whatever its form."""
    if isinstance(written, str) and isinstance(shown, str):
        return comparable(written) == comparable(shown)
    if isinstance(written, dict) and isinstance(shown, dict):
        return {name: comparable(text) for name, text in written.items()} == {
            name: comparable(text) for name, text in shown.items()
        }
    return written == shown or (key == "media" and not written and not shown)


def same_content(before: ShownFields, after: ShownFields, *, earlier: bool) -> bool:
    """Whether an entry shows the live post's content. `goesOut`, `status` and `blocked` are ignored here.

    With `earlier`, the entry has the first layout: channel, type, media, and all words as one caption.
    """
    if earlier:
        words = [str(after[key]) for key in ("title", "caption", "description", "link") if after.get(key)]
        after = {key: after[key] for key in ("channel", "type", "media")} | {"caption": "\n\n".join(words)}
    keys = (before.keys() | after.keys()) - {"goesOut", "status", "blocked"}
    empty: ShownFields = {"media": (), "caption": ""}
    return all(reads_as(key, before.get(key, empty.get(key)), after.get(key, empty.get(key))) for key in keys)


def digest_of_activity(yaml: YamlText, activity: Any) -> Digest:
    """The digest that an activity's decision names; empty if it names none."""
    digest = decision_at(yaml, activity, ActivityDecision.KEEP)[1]
    return Digest(f"sha256:{digest}" if digest else "")


def digest_of_draft(yaml: YamlText, item: Any) -> Digest:
    """The digest that an entry names, wherever in the entry it is."""
    return Digest(decision_at(yaml, item, DraftDecision.PENDING)[1] or yaml.text_at(item, "digest") or "")


def bare(digest: Digest) -> str:
    """A digest as an activity's decision names it: without `sha256:`."""
    return digest.removeprefix("sha256:")


def value_text(key: str, value: str | tuple[str, ...] | dict[str, str], indent: int, *, one_line: bool = False) -> str:
    """A value as YAML text. Lines of a block are indented by `indent`."""
    if isinstance(value, dict):
        return flow_members(value)
    if isinstance(value, tuple):
        return flow(value)
    if key == "goesOut" and _PLAIN_MOMENT.fullmatch(if_approved(value)):
        return value
    if key in _BLOCKS:
        return quoted(value) if one_line else block(value, indent)
    return scalar(value)


def date_text(activity: ActivityForReview) -> str:
    """The date of an activity as the file writes it."""
    return instant(activity.date).replace(".000Z", "Z")


def moment_at(text: str | None) -> datetime | None:
    """The instant in a text; None if it is not one."""
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None


def activity_lines(activity: ActivityForReview) -> list[str]:
    """The lines of a new activity, with the drafts that are wanted."""
    wanted = [draft for draft in activity.drafts if draft.wanted]
    return [
        f"id: {id_scalar(activity.id)}",
        f"title: {scalar(activity.title)}",
        f"date: {date_text(activity)}",
        f"decision: {ActivityDecision.KEEP.value} {bare(drafts_digest(draft.named for draft in wanted))}",
        "drafts:",
        *(line for draft in wanted for line in as_item(draft_lines(draft), 2).split("\n")[:-1]),
    ]


def draft_lines(draft: DraftForReview) -> list[str]:
    """The lines of a new draft, pending."""
    shown = shown_of(draft)
    lines = [f"id: {id_scalar(draft.id)}"]
    for key in KEYS:
        if key == "decision":
            lines.append(f"decision: {DraftDecision.PENDING.value} {draft.named}")
        elif key == "cancelled" and draft.cancelled:
            lines.append(f"cancelled: {draft.cancelled}")
        elif key in shown:
            lines += f"{key}: {value_text(key, shown[key], 2)}".split("\n")
    return lines
