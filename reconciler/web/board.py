"""All drafts of the page as cards, from the approvals files and the state, with what changed at which version.

A file is turned into cards again only if it changed, so that thousands of drafts cost nothing while nobody acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from reconciler.config.decisions import Subject
from reconciler.config.last_approvals import LastApprovals, LastApproved
from reconciler.model.address import Kind, SiteName
from reconciler.model.approvals import ActivityApproval, ActivityDecision, DraftApproval, DraftDecision
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_in, moment_text, zone_in
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.sites import NOTHING_RECORDED, PostOutcome, PublishedPost, RecordedSite
from reconciler.planner.baseline import WAS_CANCELLED, key_of
from reconciler.planner.channel_rules import warnings_of_reviewed
from reconciler.planner.policy_checks import LATER
from reconciler.planner.review import TOO_LATE
from reconciler.planner.used_approvals import times_of, was_scheduled
from reconciler.reporters.cards import CARD_STYLES, Card, CardState, Group, changed, in_order
from reconciler.reporters.diagnostics import cause
from reconciler.web.files import ApprovalsFolder, SiteFile

SOON: Final = timedelta(minutes=1)
"""After this much time, cards are made again even if nothing else has changed."""


_BY_THE_FILE: Final = frozenset(CardState) - {
    CardState.FAILED,
    CardState.GOING_OUT,
    CardState.SCHEDULED,
    CardState.OUT,
}
"""States of a draft that is not scheduled: its time is the one in the file."""


class BoardFacts(Struct, frozen=True):
    """What is known apart from the files: the time, and what the state remembers about each site.

    `problems` say why part of it is not known. `without_approval` are the sites whose files say `approval: none`.
    """

    now: datetime
    recorded: Mapping[SiteName, RecordedSite] = {}
    problems: tuple[str, ...] = ()
    without_approval: frozenset[SiteName] = frozenset()


class Changes(Struct, frozen=True):
    """What has changed since an earlier version of the board: cards in order, and keys of removed ones.

    `added` counts the cards among them that did not exist then.
    """

    version: int
    cards: tuple[Card, ...] = ()
    gone: tuple[str, ...] = ()
    added: int = 0


class Board:
    """The cards of a page, and their version, which grows with every change."""

    def __init__(self, folder: ApprovalsFolder, facts: BoardFacts, approved: LastApprovals | None = None) -> None:
        self.folder = folder
        self.facts = facts
        self._approved = approved
        self.version = 1
        self.cards: dict[str, Card] = {}
        self._made: dict[tuple[SiteName, str], tuple[ActivityApproval, tuple[Card, ...]]] = {}
        self._changed_at: dict[str, int] = {}
        self._added_at: dict[str, int] = {}
        self._gone_at: dict[str, int] = {}
        self._approvals: dict[SiteName, object] = {}
        self.update()

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with files, so that their sites cannot be shown."""
        return tuple(problem for file in self.folder.files.values() for problem in file.problems)

    def learn(self, facts: BoardFacts) -> None:
        """Adopts what is known now apart from the files."""
        known = self.facts
        if (facts.recorded, facts.problems) == (known.recorded, known.problems) and facts.now - known.now < SOON:
            return
        self.facts = facts
        self._again()

    def check_out(self) -> None:
        """Handles the checkout of another commit, whose history may contain other approvals."""
        if self._approved is not None:
            self._approved.forget()
        self._again()

    def _again(self) -> None:
        self._made.clear()
        self._approvals.clear()
        self.update()

    def update(self) -> None:
        """Checks the files, and updates the cards of those that have changed."""
        self.folder.look()
        files = self.folder.files.values()
        other = [file for file in files if self._approvals.get(file.site, self) is not file.approvals]
        if not other:
            return
        found = dict(self.cards)
        if self._approved is not None:
            self._approved.read([(file.site, file.path, file.approvals) for file in other])
        for file in other:
            self._approvals[file.site] = file.approvals
            for key in [key for key, card in found.items() if card.site == file.site]:
                del found[key]
            found |= {card.key: card for card in self._cards(file)}
            if self._approved is not None:
                self._approved.see(file.site, file.approvals)
        different = {key for key, card in found.items() if self.cards.get(key) != card}
        gone = self.cards.keys() - found.keys()
        if different or gone:
            self.version += 1
            self._changed_at |= dict.fromkeys(different, self.version)
            self._added_at |= dict.fromkeys(found.keys() - self.cards.keys(), self.version)
            self._gone_at |= dict.fromkeys(gone, self.version)
            for key in different:
                self._gone_at.pop(key, None)
        self.cards = {card.key: card for card in in_order(found.values())}

    def since(self, version: int) -> Changes:
        """What has changed since a version."""
        return Changes(
            self.version,
            tuple(card for key, card in self.cards.items() if self._changed_at[key] > version),
            tuple(key for key, at in self._gone_at.items() if at > version),
            sum(self._added_at[key] > version for key in self.cards),
        )

    def _cards(self, file: SiteFile) -> Iterator[Card]:
        approved = self._approved.of(file.site, file.path, file.approvals) if self._approved is not None else {}
        needs_approval = file.site not in self.facts.without_approval
        known = _Known(self.facts.now, self.facts.recorded.get(file.site), approved, needs_approval=needs_approval)
        for activity in file.approvals.activities:
            place = (file.site, activity.id)
            before = self._made.get(place)
            if before is None or before[0] is not activity:
                cards = tuple(_card(file, activity, draft, known) for draft in activity.drafts)
                before = self._made[place] = (activity, cards)
            yield from before[1]


class _Known:
    """What the state remembers about a site, by post."""

    def __init__(
        self,
        now: datetime,
        recorded: RecordedSite | None,
        approved: Mapping[PostId, LastApproved],
        *,
        needs_approval: bool,
    ) -> None:
        self.now = now
        self.needs_approval = needs_approval
        self.approved = approved
        self.met = recorded is None or recorded.is_known
        """Whether an apply has run on the site before; assumed if the state could not be read."""
        self.recorded = recorded = recorded or NOTHING_RECORDED
        self.objects = dict(recorded.objects)
        self._consumed = frozenset(recorded.consumed)
        self.published = {post.id: post for post in recorded.published}
        self.outcomes = {outcome.post: outcome for outcome in recorded.outcomes}

    def times(self, draft: DraftApproval) -> int:
        """How many approvals of a draft with its present content count as used."""
        return times_of(self.recorded, draft.id, frozenset({draft.content.digest}))

    def done(self, activity: ActivityApproval) -> bool:
        """Whether an activity's decision was carried out."""
        return (activity.id, activity.decision.value, activity.digest) in self._consumed

    def scheduled(self, draft: DraftApproval) -> PublishedPost | None:
        """How a draft was scheduled, if it was and has not been cancelled since."""
        found = self.published.get(draft.id)
        if found is None or self.objects.get(key_of(Kind.DRAFT, draft.id)) == WAS_CANCELLED:
            return None
        return found if found.times > draft.cancelled else None


def _card(file: SiteFile, activity: ActivityApproval, draft: DraftApproval, known: _Known) -> Card:
    words = draft.goes_out or moment_text(activity.date, "UTC", exact=False)
    moment = moment_in(words) or activity.date
    outcome = known.outcomes.get(draft.id)
    state, notes = _state(file, activity, draft, known, moment, outcome)
    scheduled = known.scheduled(draft)
    if scheduled is not None and scheduled.scheduled_for is not None and state not in _BY_THE_FILE:
        moment = scheduled.scheduled_for.astimezone(moment.tzinfo)
        words = moment_text(moment, zone_in(words))
    before = known.approved.get(draft.id)
    apart = (
        before.differences(activity, draft) if before is not None and draft.decision is DraftDecision.PENDING else ()
    )
    if before is not None and apart and state in (CardState.PENDING, CardState.CANCELLED):
        state = CardState.CHANGED
    late = moment <= known.now
    return Card(
        site=file.site,
        activity=activity.id,
        title=activity.title,
        draft=draft.id,
        content=draft.content,
        account=draft.account or draft.content.account,
        goes_out=words,
        moment=moment,
        state=state,
        digest=draft.digest,
        posts=len(activity.drafts),
        decision=draft.decision,
        sent_back=activity.decision,
        activity_digest=activity.decided,
        late=late,
        blocked=_blocked(draft, state, late=late),
        notes=(*notes, *(map(cause, warnings_of_reviewed(draft)) if state is not CardState.OUT else ())),
        changed=changed(apart, draft.content, zone_in(words)),
        link=(outcome.link or "") if outcome is not None else "",
    )


def _blocked(draft: DraftApproval, state: CardState, *, late: bool) -> tuple[str, ...]:
    """What blocks a draft: what its file says, and that its time has passed since the file was written.

    The file does not say what to do about it.
    """
    if state in (CardState.OUT, CardState.SCHEDULED):
        return ()
    asked = CARD_STYLES[state].group is Group.WAITING or state is CardState.MISSED
    found = (*draft.blocked, TOO_LATE) if late and asked and TOO_LATE not in draft.blocked else draft.blocked
    return tuple(f"{what}; {LATER}" if what == TOO_LATE else what for what in found)


def _not_approved(*, as_scheduled: bool, is_wanted: bool, passed: str) -> tuple[CardState, list[str]]:
    """The state of a scheduled post that is not approved. `is_wanted`: it needs no approval."""
    if not is_wanted:
        return CardState.GOING_OUT, [
            f"It is scheduled, and no longer approved. {passed or 'The next apply cancels it.'}"
        ]
    if as_scheduled:
        return CardState.SCHEDULED, [passed] if passed else []
    return CardState.PENDING, [passed or "It is scheduled, and goes out as it is now: this site needs no approval."]


def _state(
    file: SiteFile,
    activity: ActivityApproval,
    draft: DraftApproval,
    known: _Known,
    moment: datetime,
    outcome: PostOutcome | None,
) -> tuple[CardState, list[str]]:
    """The state of a draft, and what there is to say about it."""
    kept = activity.decision is ActivityDecision.KEEP
    approved = draft.decision is DraftDecision.APPROVE and kept
    scheduled = known.scheduled(draft)
    edited = Subject(file.site, file.path, activity, (draft,)).edited
    if scheduled is not None and outcome is not None:
        if outcome.status is PostStatus.FAILED:
            return CardState.FAILED, [outcome.reason or "the channel gave no reason"]
        if outcome.status is PostStatus.PUBLISHED:
            return CardState.OUT, []
    late = scheduled is not None and scheduled.scheduled_for is not None and scheduled.scheduled_for <= known.now
    passed = "Its time has passed; the next apply checks what became of it."
    if scheduled is not None and not approved:
        as_scheduled = scheduled.digest == draft.content.digest
        return _not_approved(
            as_scheduled=as_scheduled, is_wanted=kept and not known.needs_approval, passed=passed if late else ""
        )
    if scheduled is not None and not edited and scheduled.digest == draft.content.digest:
        return CardState.SCHEDULED, [passed] if late else []
    if not kept:
        if not activity.counts:
            return CardState.SENT_BACK, ["The posts changed after this was decided; refresh, and decide again."]
        return CardState.SENT_BACK, ["Done. Refresh to see the current state."] if known.done(activity) else []
    if edited:
        return CardState.EDITED, [
            "The text in the file does not match its digest. Refresh to see the text on the site."
        ]
    if not approved:
        state = CardState.CANCELLED if was_scheduled(known.recorded, draft.id) else CardState.AGAIN
        return (state if draft.cancelled else CardState.PENDING), []
    if moment <= known.now:
        return CardState.MISSED, ["It was approved, but not scheduled in time."]
    if draft.cancelled > known.times(draft):
        return CardState.AGAIN, [
            "The file counts more cancellations than the state has recorded, so this approval does not count. "
            "Refresh, and approve again."
        ]
    if not known.met:
        return CardState.AGAIN, [
            "This site has not been applied yet, so this approval does not count. Apply once, and approve again."
        ]
    return CardState.APPROVED, []
