"""Why an approval does not count for a post that a rule covers: code, message and fix, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from reconciler.model.approvals import ACTIVITY_TITLE, Approvals, ApprovalState, ApprovalStatus
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.differences import (
    Mark,
    around_changes,
    both_spelled_out,
    compare_words,
    looks_the_same,
    made_visible,
)
from reconciler.model.moments import moment_text
from reconciler.model.posts import account_id, account_name, accounts_apart
from reconciler.model.text import printable
from reconciler.planner.actions import BlockedBy
from reconciler.planner.channel_rules import is_signed

MEDIA: Final = "media"
"""The field with the URLs of a post's images and videos."""

LONGEST: Final = 80
"""Of texts with more characters, only the words that differ are shown. Other values are cut at twice this length."""


def objection(verdict: ApprovalStatus, file: str, zone: str) -> Diagnostic | None:
    """Why an approval does not count, or what was edited; None if it counts or there is none.

    It does not name the post. `zone` is the IANA name of the site's time zone.
    """
    what = difference_words(verdict.differences, zone)
    match verdict.state:
        case ApprovalState.NOT_REVIEWED | ApprovalState.PENDING | ApprovalState.APPROVED:
            return None
        case ApprovalState.CHANGED:
            detail = f"changed after approval: {what}" if what else "changed after approval"
            fix = "run review, read the current version in the approvals file, and approve that"
            if all(map(_is_signed_again, verdict.differences)) and verdict.differences:
                fix = (
                    f"{fix}; if the signature in the image's URL changes each time, use an image from the Media Manager"
                )
            return Diagnostic(BlockedBy.CHANGED_AFTER_APPROVAL, detail, fix)
        case ApprovalState.EDITED:
            if not what:
                return Diagnostic(
                    BlockedBy.EDITED_IN_FILE,
                    f"edited in the file: what {file} shows does not match the digest of its approval",
                    "run review, which sets it back to pending, and approve it again",
                )
            if is_of_title(verdict.differences):
                return Diagnostic(
                    BlockedBy.EDITED_IN_FILE,
                    f"its activity was renamed, or the title was edited in the file ({file} -> site): {what}",
                    "run review, which shows the site's title and keeps the approval; if the file's title is right, "
                    "change the content in the site's dashboard",
                )
            which = ": its account or its digest" if all(map(_is_of_one_account, verdict.differences)) else ""
            return Diagnostic(
                BlockedBy.EDITED_IN_FILE,
                f"edited in the file{which} ({file} -> site): {what}",
                "change the content in the site's dashboard, or send it back with `regenerate`; then run review and "
                "approve the new version",
            )
        case ApprovalState.USED_UP:
            return Diagnostic(
                BlockedBy.CANCELLED_AFTER_APPROVAL,
                "it was scheduled as approved and has been cancelled since",
                "run review, which sets it back to pending; approve it again if it should go out after all",
            )
        case ApprovalState.UNPROVEN:
            return Diagnostic(
                BlockedBy.APPROVAL_UNPROVEN,
                "it is approved, but the state has no record of this site from the time of the approval, so the "
                "approval may have been used already",
                "run review, which sets it back to pending, and apply, which records the site; then approve it again",
            )
        case ApprovalState.OVERCOUNTED:
            return Diagnostic(
                BlockedBy.APPROVAL_UNPROVEN,
                f"`cancelled` in {file} is higher than the state has recorded, so the approval does not count",
                "run review, which corrects it and sets it back to pending, and approve it again",
            )
        case _:
            assert_never(verdict.state)


def does_not_count(name: str, why: Diagnostic, late: str = "its time has passed") -> Diagnostic:
    """A note about an approved draft that is too late and whose approval does not count either: no fix helps it."""
    what = f"{name} will not go out: {late}, and its approval does not count: {why.message}"
    return Diagnostic.note("approval-does-not-count", what)


def is_of_title(differences: Iterable[Difference]) -> bool:
    """Whether nothing differs but the title of the activity, which somebody changed in the file or on the site."""
    return [found.field for found in differences] == [ACTIVITY_TITLE]


def _is_of_one_account(difference: Difference) -> bool:
    """Whether both accounts have the same id and the site shows no name: the file's name or the digest was edited."""
    is_same = account_id(difference.in_file) == account_id(difference.live) and not account_name(difference.live)
    return difference.field == "account" and is_same


def not_committed(approvals: Approvals) -> Diagnostic:
    """Why a decision that is in the file on disk but not committed does not count, and how to make it count."""
    what, fix = f"its decision in {approvals.file}", f"commit {approvals.file}, or restore the committed version"
    if approvals.deleted:
        what = f"the deletion of {approvals.file}"
        fix = f"commit {what}, or restore the file"
    message = f"{what} is not committed, and only committed decisions count here"
    return Diagnostic(BlockedBy.NOT_COMMITTED, message, fix)


def difference_words(differences: Iterable[Difference], zone: str) -> str:
    """`account: a -> b; caption: … the [-Fryday-]{+Friday+} market …`: the file's value first, then the site's."""
    return "; ".join(f"{found.field}: {difference_values(found, zone)}" for found in differences)


def difference_values(found: Difference, zone: str) -> str:
    """The file's value and the site's, with dates in the site's time zone.

    Of long texts, only the words that differ are shown; of images and videos, only those that one side does not have.
    """
    before, after = found.in_file, found.live
    if found.field == "account":
        before, after = accounts_apart(before, after)
    if found.field == "date":
        return _dates(datetime.fromisoformat(before), datetime.fromisoformat(after), zone)
    if _is_signed_again(found):
        pairs = zip(before.split(), after.split(), strict=True)
        before, after = next((old, new) for old, new in pairs if old != new)
        return " -> ".join(_short(f"...?{address.partition('?')[2]}") for address in (before, after))
    if found.field == MEDIA and before and after:
        gone, new = _only_in(before, after), _only_in(after, before)
        if len(gone) == len(new) == 1:
            before, after = gone[0], new[0]
        elif gone or new:
            marked = (*map(_MARKED[Mark.REMOVED].format, gone), *map(_MARKED[Mark.ADDED].format, new))
            return printable(" ".join(marked))
    if not before or not after:
        return f"{_short(before)} -> {_short(after)}"
    if max(len(before), len(after)) > LONGEST:
        return _by_words(before, after)
    if looks_the_same(before, after):
        before, after = both_spelled_out(before, after)
    return f"{_short(before)} -> {_short(after)}"


def _dates(before: datetime, after: datetime, zone: str) -> str:
    """The dates of an activity: its days, because a post may go out at another time; its time only if the day is one.

    `Thu 2026-12-03 -> Sun 2026-12-06`, or `Thu 2026-12-03 (activity: 10:00 UTC -> 12:00 UTC)`.
    """
    words = [moment_text(at, zone).split(" ", 2) for at in (before, after)]
    (day, old), (new_day, new) = ((f"{weekday} {date}", time) for weekday, date, time in words)
    return f"{day} -> {new_day}" if day != new_day else f"{day} (activity: {old} -> {new})"


def _is_signed_again(found: Difference) -> bool:
    """Whether media are at the same addresses with other signatures.

    It is not documented that they are then the same media (10.3), so they still count as a difference.
    """
    if found.field != MEDIA:
        return False
    before, after = found.in_file.split(), found.live.split()
    changed = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
    return len(before) == len(after) and all(
        old.partition("?")[0] == new.partition("?")[0] and is_signed(old) and is_signed(new) for old, new in changed
    )


def _only_in(urls: str, others: str) -> list[str]:
    """The URLs that only one of two lists has."""
    return list((Counter(urls.split()) - Counter(others.split())).elements())


def _by_words(before: str, after: str) -> str:
    """`… at the [-Fryday-]{+Friday+} market …`: two long texts, cut to the words that differ."""
    pieces = made_visible(around_changes(compare_words(before, after)))
    return printable(" ".join("".join(_MARKED[piece.mark].format(piece.text) for piece in pieces).split()))


_MARKED: Final = {Mark.KEPT: "{}", Mark.REMOVED: "[-{}-]", Mark.ADDED: "{{+{}+}}", Mark.GAP: " {} "}


def _short(text: str) -> str:
    if not text:
        return "(not set)"
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= 2 * LONGEST else f"{shown[: 2 * LONGEST]}..."
