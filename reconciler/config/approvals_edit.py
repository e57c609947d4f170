"""Approvals files, rewritten with what a review found and with what people decided.

People edit these files too, so comments, order and earlier decisions stay (see yaml_edit.py). A decision and the digest
it was made for are one value: a new decision replaces the word before the digest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final

from reconciler.config.approval_entries import (
    ACTIVITY_KEYS,
    BEFORE,
    KEYS,
    NOT_SHOWN,
    ShownFields,
    activity_lines,
    bare,
    date_text,
    decision_at,
    digest_of_activity,
    digest_of_draft,
    draft_lines,
    entry_at,
    items_of,
    moment_at,
    put_decision,
    reads_as,
    same_content,
    shown_of,
    value_text,
)
from reconciler.config.yaml_edit import NotEditable, YamlText, as_item, scalar
from reconciler.model.address import SiteName
from reconciler.model.approvals import ActivityDecision, DraftDecision, drafts_digest
from reconciler.model.canonical import Digest
from reconciler.model.content import counted, is_counted
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError, problem
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.review import ActivityForReview, DraftForReview

HEADER: Final = (
    "# The site's drafts and the decisions about them; `reconciler review` keeps this file up to date. To decide,\n"
    "# replace the word in front of a digest, here or with `reconciler approve`. A draft: pending | approve.\n"
    "# An activity: keep | regenerate | regenerate-media | discard.\n"
)

APPROVABLE: Final = "approvable"
"""The key that says that an approval given now would not count."""


def update_approvals(
    text: str | None,
    site: SiteName,
    activities: Iterable[ActivityForReview],
    file: str = "approvals",
    kept: Collection[PostId] = (),
    *,
    approvable: bool = True,
) -> str | None:
    """The text of an approvals file after a review; the same text if nothing is new.

    `text` is a valid approvals file, or None if there is none; then the result is also None if there is nothing to
    review. `activities` are all live ones in order, with all their posts. Entries of `kept` drafts stay as they are
    although no such post is live. `approvable`: whether an approval given now would count. `file` is for the places of
    problems. Raises InvalidFiles if the file is written in a way that cannot be changed in place.
    """
    live = tuple(activities)
    if text is None:
        added = [as_item(activity_lines(new), 2) for new in live if any(draft.wanted for draft in new.drafts)]
        if not added:
            return None
        of_no_use = "" if approvable else f"{APPROVABLE}: false\n"
        return f"{HEADER}version: 1\nsite: {scalar(site)}\n{of_no_use}activities:\n{''.join(added)}"
    try:
        yaml = YamlText(text)
        if yaml.text_at(yaml.root, "site") != site:
            put = yaml.put_word if scalar(site) == site else yaml.put
            put(yaml.root, "site", scalar(site))
        if not approvable and yaml.text_at(yaml.root, APPROVABLE) != "false":
            yaml.put(yaml.root, APPROVABLE, "false", ("version", "site"))
        elif approvable and yaml.get(yaml.root, APPROVABLE) is not None:
            yaml.drop_key(yaml.root, APPROVABLE)
        _Update(yaml, frozenset(kept)).file(live)
        return yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None


def set_decisions(
    text: str,
    drafts: Mapping[str, DraftDecision],
    activities: Mapping[str, ActivityDecision] | None = None,
    file: str = "approvals",
    seen: Mapping[str, Digest] | None = None,
) -> str:
    """The text with these decisions, by the ids of drafts and of activities.

    `seen` has the digests, by id, that the decisions were made for. Raises UsageError if the file now names a different
    one, has no such entry, or discards or regenerates the activity of a draft that is approved. Without `seen`, ids
    that the file does not have are ignored. Raises InvalidFiles if the file is written in a way that cannot
    be changed in place.
    """
    expected, left = seen or {}, {*drafts, *(activities or {})}
    try:
        yaml = YamlText(text)
        for activity in yaml.get(yaml.root, "activities").value:
            activity_id = yaml.text_at(activity, "id") or ""
            wanted = (activities or {}).get(activity_id)
            left -= {activity_id}
            if wanted is not None:
                _must_be_seen(digest_of_activity(yaml, activity), expected.get(activity_id), file)
                put_decision(yaml, activity, wanted.value, ACTIVITY_KEYS)
            whole, _ = decision_at(yaml, activity, ActivityDecision.KEEP)
            for draft in items_of(yaml, activity):
                draft_id = yaml.text_at(draft, "id") or ""
                said = drafts.get(draft_id)
                left -= {draft_id}
                if said is not None:
                    if said is DraftDecision.APPROVE and seen is not None and whole != ActivityDecision.KEEP.value:
                        raise _changed(file)
                    _must_be_seen(digest_of_draft(yaml, draft), expected.get(draft_id), file)
                    put_decision(yaml, draft, said.value, BEFORE["decision"])
        if left and seen is not None:
            raise _changed(file)
        return yaml.result
    except NotEditable as error:
        raise _invalid(error, file) from None


def _invalid(error: NotEditable, file: str) -> InvalidFiles:
    place = Place(file, error.line, error.column)
    return InvalidFiles((problem(place, f"this file cannot be updated: {error.why}"),))


# --- what a review changes -----------------------------------------------------------------------------


class _Update:
    """Writes one review into one file."""

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
            elif any(yaml.text_at(item, "id") in self.kept for item in items_of(yaml, node)):
                staying.append((node, moment_at(yaml.text_at(node, "date")) or datetime.min.replace(tzinfo=UTC)))
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
            items.append((staying[at][0] if at < len(staying) else None, activity_lines(activity)))
        yaml.add_items(yaml.root, "activities", items)

    def _stays(self, node: Any, found: ActivityForReview) -> bool:
        """Whether the file needs an entry for an activity.

        It does for a listed draft that still exists or is kept, for a new one, and for a decision to discard.
        """
        drafts = {draft.id for draft in found.drafts} | self.kept
        return (
            any(self.yaml.text_at(item, "id") in drafts for item in items_of(self.yaml, node))
            or any(draft.wanted for draft in found.drafts)
            or decision_at(self.yaml, node, ActivityDecision.KEEP)[0] == ActivityDecision.DISCARD.value
        )

    def _activity(self, node: Any, found: ActivityForReview) -> None:
        yaml = self.yaml
        same_date = moment_at(yaml.text_at(node, "date")) == moment_at(date_text(found))
        by_id: dict[str | None, DraftForReview] = {draft.id: draft for draft in found.drafts}
        listed: set[str | None] = set()
        gone: list[Any] = []
        before: list[Digest] = []
        after: list[Digest] = []
        unchanged = True
        for item in items_of(yaml, node):
            draft_id = yaml.text_at(item, "id")
            listed.add(draft_id)
            digest = digest_of_draft(yaml, item)
            before.append(digest)
            draft = by_id.get(draft_id)
            if draft is not None:
                same, now_named = self._draft(item, draft, same_date=same_date)
                unchanged &= same
                after.append(now_named)
            elif draft_id in self.kept:
                after.append(digest)
            else:
                gone.append(item)
        new = [draft for draft in found.drafts if draft.wanted and draft.id not in listed]
        after += (draft.named for draft in new)
        if yaml.text_at(node, "title") is None or not reads_as("title", yaml.text_at(node, "title"), found.title):
            yaml.put(node, "title", scalar(found.title))
        if not same_date:
            yaml.put(node, "date", date_text(found))
        unchanged = unchanged and not new
        self._activity_decision(node, found, before, after, unchanged=unchanged)
        yaml.drop_items(node, "drafts", gone)
        if gone and len(gone) == len(listed) and not new:
            yaml.empty(node, "drafts")
        if yaml.get(node, "drafts") is None and new:
            indent = node.value[0][0].start_mark.column
            lines = "".join(as_item(draft_lines(draft), indent + 2) for draft in new)
            yaml.put(node, "drafts", "\n" + lines.rstrip("\n"))
        else:
            yaml.add_items(node, "drafts", [(None, draft_lines(draft)) for draft in new])

    def _activity_decision(
        self, node: Any, found: ActivityForReview, before: list[Digest], after: list[Digest], *, unchanged: bool
    ) -> None:
        """Keeps a decision until it is carried out, or until the drafts it was made for change.

        If one of them is gone, the decision is still about the others.
        """
        word, decided = decision_at(self.yaml, node, ActivityDecision.KEEP)
        if word == ActivityDecision.DISCARD.value and found.carried_out and not found.drafts:
            return  # it has no drafts because of this decision
        given_for_these = unchanged and decided in ("", bare(drafts_digest(before)))
        if found.carried_out or not given_for_these:
            word = ActivityDecision.KEEP.value
        text = f"{word} {bare(drafts_digest(after))}"
        if self.yaml.text_at(node, "decision") != text:
            self.yaml.put_word(node, "decision", text, ACTIVITY_KEYS)

    def _draft(self, node: Any, found: DraftForReview, *, same_date: bool) -> tuple[bool, Digest]:
        """Updates an entry. Returns whether it is about the same content as before, and the digest that it now names.

        A draft that has changed, on the site or in the file, is pending again. So is one that was scheduled and
        cancelled since the last decision, and one whose approval may have been used already.
        """
        yaml = self.yaml
        before, after = entry_at(yaml, node), shown_of(found)
        word, named = decision_at(yaml, node, DraftDecision.PENDING)
        earlier = not named
        counted_before = int(yaml.text_at(node, "cancelled") or 0)
        reviewed = (
            yaml.text_at(node, "digest") == found.earlier_digest
            if earlier
            else is_counted(named, found.digest, counted_before)
        )
        unchanged = reviewed and (same_date or not earlier) and same_content(before, after, earlier=earlier)
        times = (counted_before if unchanged else 0) if found.cancelled is None else found.cancelled
        digest = counted(found.digest, times)
        given_before = found.cancelled and not earlier and named != digest
        if not unchanged or counted_before != times or given_before or found.withheld:
            word = DraftDecision.PENDING.value
        decision = f"{word} {digest}"
        if yaml.text_at(node, "decision") != decision:
            yaml.put_word(node, "decision", decision, BEFORE["decision"])
        if yaml.get(node, "digest") is not None:
            yaml.drop_key(node, "digest")
        if counted_before != times and times:
            yaml.put(node, "cancelled", str(times), BEFORE["cancelled"])
        elif counted_before != times:
            yaml.drop_key(node, "cancelled")
        if word == DraftDecision.APPROVE.value and found.status == PostStatus.PUBLISHED:
            del after["status"]  # as approved
        self._members(node, before, after)
        return unchanged, digest

    def _members(self, node: Any, before: ShownFields, after: ShownFields) -> None:
        """Makes an entry show the live post."""
        indent = node.value[0][0].start_mark.column + 2
        for key in KEYS:
            if key in NOT_SHOWN:
                continue
            if key in after:
                if key not in before or not reads_as(key, before[key], after[key]):
                    value = value_text(key, after[key], indent, one_line=node.flow_style)
                    self.yaml.put(node, key, value, BEFORE[key])
            elif key in before:
                self.yaml.drop_key(node, key)


def _must_be_seen(found: Digest, expected: Digest | None, file: str) -> None:
    if expected is not None and found != expected:
        raise _changed(file)


def _changed(file: str) -> UsageError:
    return UsageError(f"{file} was changed in the meantime", "run approve again")
