"""Approvals files, rewritten: what a review found, and what people decide on the command line.

People edit these files too. Comments, order and earlier decisions stay; see yaml_edit.py. A decision and the digest it
was given for are one value: to decide, the word before the digest is replaced.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final, TypeAlias

from reconciler.config.yaml_edit import (
    NotEditable,
    YamlText,
    as_item,
    block,
    flow,
    flow_members,
    id_scalar,
    quoted,
    scalar,
)
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, Decision, drafts_digest
from reconciler.model.canonical import Digest
from reconciler.model.content import comparable
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError, problem
from reconciler.model.events import instant
from reconciler.model.posts import PostId
from reconciler.model.publisher_fields import PLACES
from reconciler.model.review import ActivityForReview, DraftForReview

HEADER: Final = (
    "# What goes out, as people read it; `reconciler review` keeps this file up to date. To decide, replace the word\n"
    "# in front of a digest, here or with `reconciler approve`. A draft: pending | approve.\n"
    "# An activity: keep | regenerate | regenerate-media | discard.\n"
)

Shown: TypeAlias = dict[str, str | tuple[str, ...] | dict[str, str]]
"""The keys of a draft's entry that show its post, in their order, with their values."""


def update_approvals(
    text: str | None,
    site: SiteName,
    activities: Iterable[ActivityForReview],
    file: str = "approvals",
    kept: Collection[PostId] = (),
) -> str | None:
    """The text of an approvals file after a review; the same text where nothing is new.

    `text` is a valid approvals file, or None where there is none; then the result is None too if there is
    nothing to review. `activities` are all live ones in their order, with all their posts. Entries of `kept` drafts
    stay as they are, although no such post is live. `file` is for the places of problems. Raises InvalidFiles where
    the file is written so that it cannot be changed in place.
    """
    live = tuple(activities)
    if text is None:
        added = [as_item(_activity_lines(new), 2) for new in live if any(draft.wanted for draft in new.drafts)]
        if not added:
            return None
        return f"{HEADER}version: 1\nsite: {scalar(site)}\nactivities:\n{''.join(added)}"
    try:
        yaml = YamlText(text)
        if yaml.text_at(yaml.root, "site") != site:
            put = yaml.put_word if scalar(site) == site else yaml.put
            put(yaml.root, "site", scalar(site))
        _Update(yaml, frozenset(kept)).file(live)
        result = yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None
    return text if result == yaml.text else result


def set_decisions(
    text: str,
    drafts: Mapping[str, Decision],
    activities: Mapping[str, ActivityDecision] | None = None,
    file: str = "approvals",
    seen: Mapping[str, Digest] | None = None,
) -> str:
    """The text with these decisions, by the ids of drafts and of activities; ids it does not have are passed over.

    `seen` has the digests, by id, that the decisions were made for. Raises UsageError where the file names another
    one by now; InvalidFiles where the file is written so that it cannot be changed in place.
    """
    expected = seen or {}
    try:
        yaml = YamlText(text)
        for activity in yaml.get(yaml.root, "activities").value:
            activity_id = yaml.text_at(activity, "id") or ""
            wanted = (activities or {}).get(activity_id)
            if wanted is not None:
                _must_be_seen(_digest_of_activity(yaml, activity), expected.get(activity_id), file)
                _put_word(yaml, activity, wanted.value, _ACTIVITY_KEYS)
            for draft in _items(yaml, activity):
                draft_id = yaml.text_at(draft, "id") or ""
                said = drafts.get(draft_id)
                if said is not None:
                    _must_be_seen(_digest_in(yaml, draft), expected.get(draft_id), file)
                    _put_word(yaml, draft, said.value, _BEFORE["decision"])
        result = yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None
    return text if result == yaml.text else result


def _invalid(error: NotEditable, file: str) -> InvalidFiles:
    place = Place(file, error.line, error.column)
    return InvalidFiles((problem(place, f"this file cannot be kept up to date: {error.why}"),))


# --- reading nodes -----------------------------------------------------------------------------------

_KEYS: Final = (
    "id", "channel", "account", *PLACES.values(), "type", "goesOut", "blocked", "digest", "decision", "cancelled",
    "title", "media", "link", "preview", "callToAction", "audience", "other", "caption", "description",
)  # fmt: skip
_BEFORE: Final = {key: _KEYS[:at] for at, key in enumerate(_KEYS)}
_ACTIVITY_KEYS: Final = ("id", "title", "date")
_NOT_SHOWN: Final = frozenset({"id", "digest", "decision", "cancelled"})
_PLAIN_MOMENT: Final = re.compile(r"(about )?[A-Z][a-z]{2} [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} [\w/+-]+")
_BLOCKS: Final = frozenset({"caption", "description"})


def _items(yaml: YamlText, activity: Any) -> list[Any]:
    node = yaml.get(activity, "drafts")
    return list(node.value) if node is not None else []


def _decision(yaml: YamlText, mapping: Any, default: Decision | ActivityDecision) -> tuple[str, str]:
    """The word of a decision, and the digest behind it: "" where it is on a line of its own, or missing."""
    word, _, digest = (yaml.text_at(mapping, "decision") or default.value).partition(" ")
    return word, digest


def _put_word(yaml: YamlText, mapping: Any, word: str, after: tuple[str, ...]) -> None:
    before, digest = _decision(yaml, mapping, Decision.PENDING)
    if before != word or yaml.get(mapping, "decision") is None:
        yaml.put_word(mapping, "decision", f"{word} {digest}".rstrip(), after)


def _entry(yaml: YamlText, node: Any) -> Shown:
    """What a draft's entry shows."""
    found: Shown = {}
    for key in (name.value for name, _ in node.value if name.value not in _NOT_SHOWN):
        text = yaml.text_at(node, key)
        found[key] = text if text is not None else yaml.members_at(node, key) or yaml.texts_at(node, key)
    return found


def _shown(draft: DraftForReview) -> Shown:
    """What the entry of a live post shows."""
    content = draft.content
    shown: Shown = {
        "channel": content.channel,
        "account": draft.account,
        **dict(content.place),
        "type": content.type,
        "goesOut": draft.goes_out,
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


def _reads_as(key: str, written: object, shown: object) -> bool:
    """Whether a value in the file is what a review would write, whatever its form."""
    if isinstance(written, str) and isinstance(shown, str):
        return comparable(written) == comparable(shown)
    if isinstance(written, dict) and isinstance(shown, dict):
        return {name: comparable(text) for name, text in written.items()} == {
            name: comparable(text) for name, text in shown.items()
        }
    return written == shown or (key == "media" and not written and not shown)


def _same_content(before: Shown, after: Shown, *, earlier: bool) -> bool:
    """Whether an entry shows the content that the live post has; `goesOut` and `blocked` are for people.

    The first layout shows channel, type, media, and all words as one caption.
    """
    if earlier:
        words = [str(after[key]) for key in ("title", "caption", "description", "link") if after.get(key)]
        after = {key: after[key] for key in ("channel", "type", "media")} | {"caption": "\n\n".join(words)}
    keys = (before.keys() | after.keys()) - {"goesOut", "blocked"}
    empty: Shown = {"media": (), "caption": ""}
    return all(_reads_as(key, before.get(key, empty.get(key)), after.get(key, empty.get(key))) for key in keys)


# --- what a review changes -----------------------------------------------------------------------------


class _Update:
    """One review written into one file."""

    def __init__(self, yaml: YamlText, kept: frozenset[PostId]) -> None:
        self.yaml = yaml
        self.kept = kept

    def file(self, live: tuple[ActivityForReview, ...]) -> None:
        yaml = self.yaml
        by_id: dict[str | None, ActivityForReview] = {activity.id: activity for activity in live}
        nodes = yaml.get(yaml.root, "activities").value
        gone: list[Any] = []
        staying: list[tuple[Any, datetime]] = []
        listed: set[str] = set()
        for node in nodes:
            found = by_id.get(yaml.text_at(node, "id"))
            if found is not None and self._stays(node, found):
                self._activity(node, found)
                staying.append((node, found.date))
                listed.add(found.id)
            elif any(yaml.text_at(item, "id") in self.kept for item in _items(yaml, node)):
                staying.append((node, _moment(yaml.text_at(node, "date")) or datetime.min.replace(tzinfo=UTC)))
            else:
                gone.append(node)
        new = [found for found in live if found.id not in listed and any(draft.wanted for draft in found.drafts)]
        yaml.drop_items(yaml.root, "activities", gone)
        if nodes and len(gone) == len(nodes) and not new:
            yaml.empty(yaml.root, "activities")
        latest = list(accumulate((date for _, date in staying), max))
        items: list[tuple[Any, list[str]]] = []
        for activity in new:
            at = bisect_right(latest, activity.date)
            items.append((staying[at][0] if at < len(staying) else None, _activity_lines(activity)))
        yaml.add_items(yaml.root, "activities", items)

    def _stays(self, node: Any, found: ActivityForReview) -> bool:
        """Whether the file needs an entry for an activity.

        It does for a listed draft that still exists, for a new one, and for the decision to have none.
        """
        drafts = {draft.id for draft in found.drafts} | self.kept
        return (
            any(self.yaml.text_at(item, "id") in drafts for item in _items(self.yaml, node))
            or any(draft.wanted for draft in found.drafts)
            or _decision(self.yaml, node, ActivityDecision.KEEP)[0] == ActivityDecision.DISCARD.value
        )

    def _activity(self, node: Any, found: ActivityForReview) -> None:
        yaml = self.yaml
        same_date = _moment(yaml.text_at(node, "date")) == _moment(_date(found))
        by_id: dict[str | None, DraftForReview] = {draft.id: draft for draft in found.drafts}
        listed: set[str | None] = set()
        gone: list[Any] = []
        before: list[Digest] = []
        after: list[Digest] = []
        unchanged = True
        for item in _items(yaml, node):
            draft_id = yaml.text_at(item, "id")
            listed.add(draft_id)
            digest = _digest_in(yaml, item)
            before.append(digest)
            draft = by_id.get(draft_id)
            if draft is not None:
                unchanged &= self._draft(item, draft, same_date=same_date)
                after.append(draft.digest)
            elif draft_id in self.kept:
                after.append(digest)
            else:
                gone.append(item)
        new = [draft for draft in found.drafts if draft.wanted and draft.id not in listed]
        after += (draft.digest for draft in new)
        if yaml.text_at(node, "title") is None or not _reads_as("title", yaml.text_at(node, "title"), found.title):
            yaml.put(node, "title", scalar(found.title))
        if not same_date:
            yaml.put(node, "date", _date(found))
        unchanged = unchanged and not gone and not new
        self._activity_decision(node, found, before, after, unchanged=unchanged)
        yaml.drop_items(node, "drafts", gone)
        if gone and len(gone) == len(listed) and not new:
            yaml.empty(node, "drafts")
        if yaml.get(node, "drafts") is None and new:
            indent = node.value[0][0].start_mark.column
            lines = "".join(as_item(_draft_lines(draft), indent + 2) for draft in new)
            yaml.put(node, "drafts", "\n" + lines.rstrip("\n"))
        else:
            yaml.add_items(node, "drafts", [(None, _draft_lines(draft)) for draft in new])

    def _activity_decision(
        self, node: Any, found: ActivityForReview, before: list[Digest], after: list[Digest], *, unchanged: bool
    ) -> None:
        """A decision stays for the drafts it was given for, until it is carried out."""
        word, decided = _decision(self.yaml, node, ActivityDecision.KEEP)
        if word == ActivityDecision.DISCARD.value and found.carried_out and not found.drafts:
            return  # it says why there are none
        given_for_these = unchanged and decided in ("", _bare(drafts_digest(before)))
        if found.carried_out or not given_for_these:
            word = ActivityDecision.KEEP.value
        text = f"{word} {_bare(drafts_digest(after))}"
        if self.yaml.text_at(node, "decision") != text:
            self.yaml.put_word(node, "decision", text, _ACTIVITY_KEYS)

    def _draft(self, node: Any, found: DraftForReview, *, same_date: bool) -> bool:
        """Brings an entry up to date; whether it is about what it was about before.

        What was changed, in the file too, is pending again; so is what was scheduled and taken back since the last
        decision, and a yes of which nobody can tell whether it was used.
        """
        yaml = self.yaml
        before, after = _entry(yaml, node), _shown(found)
        word, named = _decision(yaml, node, Decision.PENDING)
        earlier = not named
        reviewed = yaml.text_at(node, "digest") == found.earlier_digest if earlier else named == found.digest
        unchanged = reviewed and (same_date or not earlier) and _same_content(before, after, earlier=earlier)
        counted = int(yaml.text_at(node, "cancelled") or 0)
        times = (counted if unchanged else 0) if found.cancelled is None else found.cancelled
        if not unchanged or counted != times or found.withheld:
            word = Decision.PENDING.value
        decision = f"{word} {found.digest}"
        if yaml.text_at(node, "decision") != decision:
            yaml.put_word(node, "decision", decision, _BEFORE["decision"])
        if yaml.get(node, "digest") is not None:
            yaml.drop_key(node, "digest")
        if counted != times and times:
            yaml.put(node, "cancelled", str(times), _BEFORE["cancelled"])
        elif counted != times:
            yaml.drop_key(node, "cancelled")
        indent = node.value[0][0].start_mark.column + 2
        for key in _KEYS:
            if key in _NOT_SHOWN:
                continue
            if key in after:
                if key not in before or not _reads_as(key, before[key], after[key]):
                    yaml.put(node, key, _value(key, after[key], indent, one_line=node.flow_style), _BEFORE[key])
            elif key in before:
                yaml.drop_key(node, key)
        return unchanged


def _must_be_seen(found: Digest, expected: Digest | None, file: str) -> None:
    if expected is not None and found != expected:
        raise UsageError(f"{file} was changed in the meantime, so nothing was written to it; run approve again")


def _digest_of_activity(yaml: YamlText, activity: Any) -> Digest:
    digest = _decision(yaml, activity, ActivityDecision.KEEP)[1]
    return Digest(f"sha256:{digest}" if digest else "")


def _digest_in(yaml: YamlText, item: Any) -> Digest:
    """The digest that an entry names, wherever it is."""
    return Digest(_decision(yaml, item, Decision.PENDING)[1] or yaml.text_at(item, "digest") or "")


def _bare(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _value(key: str, value: str | tuple[str, ...] | dict[str, str], indent: int, *, one_line: bool = False) -> str:
    """A value as YAML text; lines of a block stand at `indent`."""
    if isinstance(value, dict):
        return flow_members(value)
    if isinstance(value, tuple):
        return flow(value)
    if key == "goesOut" and _PLAIN_MOMENT.fullmatch(value):
        return value
    if key in _BLOCKS:
        return quoted(value) if one_line else block(value, indent)
    return scalar(value)


def _date(activity: ActivityForReview) -> str:
    return instant(activity.date).replace(".000Z", "Z")


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None


def _activity_lines(activity: ActivityForReview) -> list[str]:
    wanted = [draft for draft in activity.drafts if draft.wanted]
    return [
        f"id: {id_scalar(activity.id)}",
        f"title: {scalar(activity.title)}",
        f"date: {_date(activity)}",
        f"decision: {ActivityDecision.KEEP.value} {_bare(drafts_digest(draft.digest for draft in wanted))}",
        "drafts:",
        *(line for draft in wanted for line in as_item(_draft_lines(draft), 2).split("\n")[:-1]),
    ]


def _draft_lines(draft: DraftForReview) -> list[str]:
    shown = _shown(draft)
    lines = [f"id: {id_scalar(draft.id)}"]
    for key in _KEYS:
        if key == "decision":
            lines.append(f"decision: {Decision.PENDING.value} {draft.digest}")
        elif key == "cancelled" and draft.cancelled:
            lines.append(f"cancelled: {draft.cancelled}")
        elif key in shown:
            lines += f"{key}: {_value(key, shown[key], 2)}".split("\n")
    return lines
