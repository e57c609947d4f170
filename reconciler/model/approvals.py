"""What people decided about generated content, as recorded in `approvals/<site>.yaml`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

from reconciler.model.canonical import Digest, digest_of
from reconciler.model.content import (
    Difference,
    PublicContent,
    approval_digest,
    comparable,
    counted,
    differences,
    is_counted,
)
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Instant, Struct, instant
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus, account_id, account_name


class DraftDecision(StrEnum):
    """A decision about one draft."""

    PENDING = "pending"
    APPROVE = "approve"


class ActivityDecision(StrEnum):
    """A decision about an activity as a whole."""

    KEEP = "keep"
    REGENERATE = "regenerate"
    REGENERATE_MEDIA = "regenerate-media"
    DISCARD = "discard"


class DraftApproval(Struct, frozen=True):
    """A draft as it was reviewed: what the file shows of it, and the digest that the decision was made for.

    `earlier` marks an entry of the first layout, whose digest is on a separate line and covers only channel, type,
    texts and media. `account` is what the file says about the account, including its name.
    """

    id: PostId
    content: PublicContent
    digest: Digest
    decision: DraftDecision = DraftDecision.PENDING
    cancelled: int = 0
    """How many times this content had been scheduled and cancelled when the decision was made.

    An approval counts for one scheduling, so it is used up once the content has been scheduled more times than that.
    `review` writes the number, and the digest covers it; in older files, the digest does not.
    """
    earlier: bool = False
    account: str = ""
    goes_out: str = ""
    """When it goes out, written in the file for people. Not used for anything else."""
    blocked: tuple[str, ...] = ()
    """What blocks it, written in the file for people. Not used for anything else."""
    status: str = ""
    """The status of a post that is cancelled on the site, goes out without an approval, or did: `PUBLISHED`."""

    @property
    def is_cancelled(self) -> bool:
        """Whether it is cancelled. Approving it does not help: the API only schedules drafts."""
        return self.status == PostStatus.CANCELED

    @property
    def is_out(self) -> bool:
        """Whether it went out without an approval."""
        return self.status == PostStatus.PUBLISHED

    @property
    def can_be_approved(self) -> bool:
        """Whether an approval would change anything."""
        return not self.is_cancelled and not self.is_out

    @property
    def waits(self) -> bool:
        """Whether it waits for a decision. A cancelled post must first be made a draft again."""
        return self.decision is DraftDecision.PENDING and self.can_be_approved

    def names(self, post: Post, date: datetime) -> bool:
        """Whether its digest is that of a post as it is now, with its activity's own date."""
        if self.earlier:
            return self.digest == post.earlier_digest
        digest = approval_digest(post.id, post.content, date, account_name(self.account))
        return is_counted(self.digest, digest, self.cancelled)

    def is_as_written(self, date: datetime) -> bool:
        """Whether the entry still shows what its digest covers, given its activity's date in the file."""
        digest = approval_digest(self.id, self.content, date, account_name(self.account))
        return is_counted(self.digest, digest, self.cancelled)

    def covers_its_count(self, date: datetime) -> bool:
        """Whether its digest covers the count beside it too: the decision was made after the last cancellation."""
        shown = approval_digest(self.id, self.content, date, account_name(self.account))
        return self.earlier or self.digest == counted(shown, self.cancelled)

    @property
    def channel(self) -> str:
        """The channel that the post goes to."""
        return self.content.channel

    @property
    def type(self) -> str:
        """The type of the post, in the API's terms."""
        return self.content.type


class ActivityApproval(Struct, frozen=True):
    """An activity as it was reviewed. `decided` is the digest that its decision names; None in the first layout."""

    id: ActivityId
    title: str
    date: Instant
    decision: ActivityDecision = ActivityDecision.KEEP
    drafts: tuple[DraftApproval, ...] = ()
    decided: Digest | None = None

    @property
    def digest(self) -> Digest:
        """The digest of the drafts that the decision is about.

        A decision that was carried out for these drafts is not carried out again.
        """
        return drafts_digest(draft.digest for draft in self.drafts)

    @property
    def counts(self) -> bool:
        """Whether the decision was made for the drafts listed below it; a merge can put others there."""
        return self.decided is None or self.decided == self.digest


FOR_NOBODY: Final = "approvals-for-nobody"
"""The code of the problem that an approvals file belongs to no site."""

LEFT_BEHIND: Final = "approvals-left-behind"
"""The code of the problem that the decisions about a site's posts are in the approvals file of its old name."""

ACTIVITY_TITLE: Final = "activity.title"
"""How a difference names the title of the activity. No digest covers it: nobody knows on which side it changed."""


def drafts_digest(digests: Iterable[Digest]) -> Digest:
    """What a decision about an activity names: a digest of its drafts' digests."""
    return digest_of(tuple(sorted(digests)))


class ApprovalState(StrEnum):
    """What a site's approvals file says about a post."""

    NOT_REVIEWED = "not-reviewed"
    """The file does not have it."""
    PENDING = "pending"
    APPROVED = "approved"
    CHANGED = "changed-after-approval"
    """Approved, but its content, its place or its activity's date has changed since."""
    EDITED = "edited-in-file"
    """The file shows content other than what its digest covers, or a title that is not the activity's."""
    USED_UP = "used-up"
    """Approved, scheduled, and cancelled since: the approval was for one scheduling."""
    UNPROVEN = "unproven"
    """Approved, but the state knows nothing about the site, so nobody can tell whether the approval was used."""
    OVERCOUNTED = "overcounted"
    """The file says `cancelled: N`, where N is more than the state knows of."""


class ApprovalStatus(Struct, frozen=True):
    """What an approvals file says about a live post. `differences` come with CHANGED and EDITED."""

    state: ApprovalState
    differences: tuple[Difference, ...] = ()


class Approvals(Struct, frozen=True, dict=True):
    """One approvals file.

    `file` is its path as messages show it; empty if there is none. `written_for` is the site's name in the file if that
    differs from the site's: an old name.

    `uncommitted` are drafts and activities for which the file on disk has another decision, if only committed decisions
    count. `deleted` is True if the file is not on disk but is still in the last commit. `unasked` says why it is not
    known what is approved: only committed decisions count and git could not be asked, the file still has the site's old
    name, or it belongs to another site.
    """

    activities: tuple[ActivityApproval, ...] = ()
    file: str = ""
    written_for: str = ""
    approvable: bool = True
    """Whether an approval given now would count: not if apply refuses the site and has never recorded it.

    `review` writes that into the file, so that people can be told without the state.
    """
    uncommitted: frozenset[str] = frozenset()
    deleted: bool = False
    unasked: Diagnostic | None = None

    @cached_property
    def _drafts(self) -> dict[PostId, tuple[ActivityApproval, DraftApproval]]:
        return {draft.id: (activity, draft) for activity in self.activities for draft in activity.drafts}

    @cached_property
    def _seen(self) -> dict[PostId, tuple[Post, datetime, tuple[bool, tuple[Difference, ...]]]]:
        """A cache of the comparisons of posts with their entries: one plan asks about each several times."""
        return {}

    @cached_property
    def _accounts(self) -> dict[tuple[str, str], str]:
        drafts = [draft for activity in self.activities for draft in activity.drafts if account_name(draft.account)]
        return {(draft.channel, draft.content.account): draft.account for draft in drafts}

    @cached_property
    def _activities(self) -> dict[ActivityId, ActivityApproval]:
        return {activity.id: activity for activity in self.activities}

    def draft(self, id: PostId) -> DraftApproval | None:
        """The reviewed draft with this id, if it was ever reviewed."""
        found = self._drafts.get(id)
        return found[1] if found else None

    def activity_of(self, id: PostId) -> ActivityApproval | None:
        """The reviewed activity that contains the reviewed draft with this id."""
        found = self._drafts.get(id)
        return found[0] if found else None

    def activity(self, id: ActivityId) -> ActivityApproval | None:
        """The reviewed activity with this id."""
        return self._activities.get(id)

    def account_of(self, post: Post) -> str:
        """The account of a live post, with the name that was read, or that any entry has for it."""
        return self.account_named(post.channel, post.account)

    def account_named(self, channel: str, label: str) -> str:
        """An account of a channel; if it has no name, with the one that any entry has for it."""
        return label if account_name(label) else self._accounts.get((channel, account_id(label)), label)

    def verdict(
        self, post: Post, date: datetime, *, title: str | None = None, times: int | None = None, known: bool = True
    ) -> ApprovalStatus:
        """What the file says about a post as it is now, with its activity's own date.

        `title` is the activity's, compared if it is given. `times` is how many times the state says that this content
        was scheduled (None: not asked). `known` is False if the state knows nothing about the site.
        """
        found = self._drafts.get(post.id)
        if found is None:
            return ApprovalStatus(ApprovalState.NOT_REVIEWED)
        activity, draft = found
        seen = self._seen.get(post.id)
        if seen is None or seen[0] is not post or seen[1] != date:
            seen = self._seen[post.id] = (post, date, self._compared(activity, draft, post, date))
        edited, found_differences = seen[2]
        if title is not None and (edited or not found_differences):
            in_file, live = comparable(activity.title), comparable(title)
            if in_file != live:
                edited, found_differences = True, (*found_differences, Difference(ACTIVITY_TITLE, in_file, live))
        if edited:
            return ApprovalStatus(ApprovalState.EDITED, found_differences)
        if draft.decision is DraftDecision.PENDING:
            return ApprovalStatus(ApprovalState.PENDING, found_differences)
        if found_differences:
            return ApprovalStatus(ApprovalState.CHANGED, found_differences)
        if not known:
            return ApprovalStatus(ApprovalState.UNPROVEN)
        if times is not None and draft.cancelled != times:
            return ApprovalStatus(ApprovalState.OVERCOUNTED if draft.cancelled > times else ApprovalState.USED_UP)
        if times and not draft.covers_its_count(activity.date):
            return ApprovalStatus(ApprovalState.USED_UP)
        return ApprovalStatus(ApprovalState.APPROVED)

    def approves(self, post: Post, date: datetime, *, times: int | None = None) -> bool:
        """Whether a person approved exactly this content, place and day, after it was scheduled that many times."""
        return self.verdict(post, date, times=times).state is ApprovalState.APPROVED

    def _compared(
        self, activity: ActivityApproval, draft: DraftApproval, post: Post, date: datetime
    ) -> tuple[bool, tuple[Difference, ...]]:
        """Whether an entry was edited by hand, and how it differs from the live post."""
        found = [self._named(each, draft, post) for each in differences(draft.content, post.content)]
        name, live_name = account_name(draft.account), post.account_name
        if name and live_name and name != comparable(live_name) and draft.content.account == post.content.account:
            found.append(Difference("account", draft.account, post.account))
        if instant(activity.date) != instant(date):
            found.append(Difference("date", instant(activity.date), instant(date)))
        if draft.earlier:
            shown = _as_earlier(draft, post)
            found = [difference for difference in found if difference.field in ("channel", "type", "media", "date")]
            found += shown
            if draft.digest == post.earlier_digest:
                return any(difference.field != "date" for difference in found), tuple(found)
            return False, tuple(found) or (Difference("digest", draft.digest, post.earlier_digest),)
        if not draft.is_as_written(activity.date):
            if name and not found:  # everything else is as on the site, so the account name counts as edited
                found.append(Difference("account", draft.account, post.account))
            return True, tuple(found)
        return False, tuple(found)

    def _named(self, found: Difference, draft: DraftApproval, post: Post) -> Difference:
        """The same difference; that of two accounts with their names."""
        if found.field != "account":
            return found
        return Difference(found.field, draft.account or found.in_file, self.account_of(post))


def decided_otherwise(counting: Approvals, written: Approvals) -> frozenset[str]:
    """The ids of drafts and activities on which two versions of an approvals file disagree."""
    one, other = _decisions(counting), _decisions(written)
    return frozenset(id for id in one.keys() | other.keys() if one.get(id) != other.get(id))


def _decisions(approvals: Approvals) -> dict[str, tuple[str, Digest | None]]:
    """What is decided, by id, with what it was decided for."""
    found: dict[str, tuple[str, Digest | None]] = {}
    for activity in approvals.activities:
        if activity.decision is not ActivityDecision.KEEP:
            found[activity.id] = (activity.decision, activity.decided)
        found |= {
            draft.id: (draft.decision, draft.digest)
            for draft in activity.drafts
            if draft.decision is DraftDecision.APPROVE
        }
    return found


def _as_earlier(draft: DraftApproval, post: Post) -> list[Difference]:
    """In the first layout, all words of a post form one caption."""
    words = comparable("\n\n".join(text for text in (post.caption, post.link or "") if text))
    caption = comparable(draft.content.caption)
    return [] if caption == words else [Difference("caption", caption, words)]
