"""Action and Plan: what the planner returns, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import field

from reconciler.model.address import Address, Labels
from reconciler.model.canonical import ABSENT, Absent, Digest, JsonObject
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.frozen import Instant, Struct
from reconciler.model.operations import Operation, Precondition
from reconciler.model.posts import Discarded, PostId, account_id, account_name
from reconciler.model.sites import Bindings, Inputs, SiteRef
from reconciler.model.writes import Verb

# --- actions ---------------------------------------------------------------------------------------


class Reason(StrEnum):
    """Why an action is planned."""

    DIFFERS = "differs"
    DECLARED = "declared"
    NOT_LISTED = "not-listed"
    NO_MARKETING_PLAN = "no-marketing-plan"
    MARKETING_PLAN_GONE = "marketing-plan-gone"
    GENERATION_FAILED = "generation-failed"
    INACTIVE = "inactive"
    INPUTS_CHANGED = "inputs-changed"
    ASKED_FOR = "asked-for"
    UNDER_WAY = "under-way"
    UNCONFIRMED = "unconfirmed"
    ABSENT_WANTED = "absent-wanted"
    RULE = "rule"
    NEVER_GENERATED_FROM = "never-generated-from"
    SENT_BACK = "sent-back"
    APPROVED = "approved"
    NO_APPROVAL_NEEDED = "no-approval-needed"
    OTHER_TIME = "other-time"
    NOT_WANTED = "not-wanted"
    WITHDRAWN = "withdrawn"
    CHANGED = "changed"
    EDITED = "edited"
    NEVER_APPROVED = "never-approved"
    APPROVAL_NEEDED = "approval-needed"
    REPLACED = "replaced"
    ACTIVITY_GONE = "activity-gone"
    DATE_MOVED = "date-moved"
    FORBIDDEN = "forbidden"
    PAUSED = "paused"


class ReasonFact(StrEnum):
    """A fact behind a reason, other than a path or a rule."""

    NO_APPROVALS_FILE = "no-approvals-file"
    NOT_APPROVED_NOW = "not-approved-now"
    KEPT_IF_APPROVED = "kept-if-approved"


class Grounds(Struct, frozen=True):
    """What is wrong with a waiting post: the rules that forbid it, and how it differs from what was approved."""

    forbidden_by: tuple[Diagnostic, ...] = ()
    differences: tuple[Difference, ...] = ()


class Action(Struct, frozen=True):
    """An operation at an address, with its reason and its preconditions.

    `details` are facts for the reason's sentence: paths that changed, the rule that matched, or a ReasonFact.
    `grounds` say more about a post that is stopped.
    """

    address: Address
    operation: Operation
    reason: Reason
    details: tuple[str, ...] = field(name="because", default=())
    requires: tuple[Precondition, ...] = ()
    grounds: Grounds | Absent = ABSENT


class Column(StrEnum):
    """The column of a run's last line that counts an action (design.md 2.2)."""

    ADD = "add"
    CHANGE = "change"
    DESTROY = "destroy"
    GENERATE = "generate"
    DISCARD = "discard"
    PUBLISH = "publish"
    CANCEL = "cancel"


_COLUMNS: Final = {
    Verb.CREATE: Column.ADD,
    Verb.UPDATE: Column.CHANGE,
    Verb.DELETE: Column.DESTROY,
    Verb.GENERATE: Column.GENERATE,
    Verb.PUBLISH: Column.PUBLISH,
    Verb.CANCEL: Column.CANCEL,
}


def column_of(operation: Operation) -> Column | None:
    """The column an operation counts in; None for waiting, which changes nothing.

    DISCARD counts drafts rather than activities: clearing posts destroys nothing but drafts.
    """
    if operation.only_drafts:
        return Column.DISCARD if operation.discards else Column.CHANGE
    return _COLUMNS.get(operation.verb)


def only_moved(writes: Iterable[tuple[Address, Operation]]) -> set[Address]:
    """The scheduled posts that only move to another time; one that the same run also schedules is not among them."""
    published = [(address, write.moves) for address, write in writes if column_of(write) is Column.PUBLISH]
    return {address for address, moves in published if moves} - {address for address, moves in published if not moves}


# --- what is not an action --------------------------------------------------------------------------


class BlockedBy(StrEnum):
    """What only a person can change."""

    SITE_NOT_PUBLISHED = "site-not-published"
    NO_MARKETING_PLAN = "no-marketing-plan"
    OUT_OF_REACH = "out-of-reach"
    CHANNEL_NOT_CONNECTED = "channel-not-connected"
    FEATURE_MISSING = "feature-missing"
    QUOTA_EXHAUSTED = "quota-exhausted"
    CHANNEL_GONE = "channel-gone"
    TOO_LATE = "too-late"
    CHANGED_AFTER_APPROVAL = "changed-after-approval"
    CANCELLED_AFTER_APPROVAL = "cancelled-after-approval"
    EDITED_IN_FILE = "edited-in-file"
    DRAFT_GONE = "draft-gone"
    APPROVAL_UNPROVEN = "approval-unproven"
    NOT_COMMITTED = "not-committed"
    DECIDED_FOR_OTHERS = "decided-for-others"
    EDITED_BY_HAND = "edited-by-hand"
    MOVED_BY_HAND = "moved-by-hand"
    NOT_MOVED = "not-moved"
    SCHEDULED_UNAPPROVED = "scheduled-unapproved"
    PAUSED = "paused"
    REGENERATION_FIRST = "regeneration-first"
    FAILED = "failed"
    WENT_OUT_UNWANTED = "went-out-unwanted"
    """It has already gone out. Reported until an apply has recorded it."""
    POLICY = "policy"
    OUTCOME_UNKNOWN = "outcome-unknown"
    CANNOT_BE_JUDGED = "cannot-be-judged"
    UNKNOWN_STATUS = "unknown-status"
    READ_ONLY = "read-only"


def blocked(
    address: Address,
    code: BlockedBy,
    message: str,
    fix: str,
    name: str = "",
    differences: tuple[Difference, ...] = (),
    *,
    says_name: bool = False,
) -> Diagnostic:
    """Something the files ask for that is not planned: what blocks it, and what a person can do about it."""
    return Diagnostic(
        code.value,
        message,
        fix,
        Severity.WARNING,
        address=address,
        name=name,
        differences=differences,
        says_name=says_name or ABSENT,
    )


class RefusedBy(StrEnum):
    """A guard. MAX_PUBLISH, MAX_DELETE and MAX_DISCARD refuse the whole run, the others a single site.

    STRICT also refuses the whole run if a site is undeclared.
    """

    EXPECT = "expect"
    MIN = "min"
    UNKNOWN_ID = "unknown-id"
    DISCARD = "discard"
    CONTRADICTION = "contradiction"
    MAX_PUBLISH = "maxPublish"
    MAX_DELETE = "maxDelete"
    MAX_DISCARD = "maxDiscard"
    STRICT = "strict"
    NOT_SHOWN = "not-shown"
    AMBIGUOUS = "ambiguous"


COUNTING: Final = frozenset({RefusedBy.MIN, RefusedBy.DISCARD})
"""The guards whose messages count objects of the site."""


def refusal(address: Address, code: RefusedBy, message: str, fix: str, *, says_name: bool = False) -> Diagnostic:
    """Why a plan may not be applied: what was found, and how to lift the refusal."""
    return Diagnostic(code.value, message, fix, address=address, says_name=says_name or ABSENT)


ENOUGH: Final = 2
"""If the state has this many objects of a kind or more and none is shown, the site is refused; one missing is drift."""


def not_shown(address: Address, message: str, where: str) -> Diagnostic:
    """Refuses a site whose answers do not show what earlier runs know about it (doubt.py)."""
    forget = f"`reconciler state forget {address.site}{where}`"
    fix = f"check the site's id and credentials; if it was emptied on purpose, {forget} starts over"
    return refusal(address, RefusedBy.NOT_SHOWN, message, fix)


GOES_OUT_UNAPPROVED: Final = frozenset({BlockedBy.SCHEDULED_UNAPPROVED, BlockedBy.CHANGED_AFTER_APPROVAL})
"""What is said of a post in review that somebody else scheduled."""


class InReview(StrEnum):
    """The review status of a draft that a rule covers."""

    NOT_REVIEWED = "not-reviewed"
    PENDING = "pending"


class ToReview(Struct, frozen=True):
    """A draft that a schedule rule selects and nobody has approved yet. Neither drift nor a failure."""

    address: Address
    post: PostId
    channel: str
    title: str
    state: InReview
    type: str = "POST"
    stuck: bool | Absent = ABSENT

    @property
    def is_stuck(self) -> bool:
        """Whether it breaks the policy, so that approving it does not help."""
        return self.stuck is True


class StillGoingOut(Struct, frozen=True):
    """A post that goes out although it is no longer wanted, and that this plan does not cancel.

    `reason`, `details` and `grounds` say why it is unwanted, as in an action. `problem` says why it is not cancelled,
    and how to stop it. `moment` is None if it is not known when it goes out, and `estimated` is True if it is only an
    estimate, because the API picked the time and does not say which.
    """

    address: Address
    post: PostId
    channel: str
    title: str
    account: str | None
    moment: Instant | None
    reason: Reason
    details: tuple[str, ...] = field(name="because")
    problem: Diagnostic
    type: str = "POST"
    grounds: Grounds | Absent = ABSENT
    estimated: bool | Absent = ABSENT

    @property
    def is_exact(self) -> bool:
        """Whether `moment` is when it goes out."""
        return self.estimated is not True

    @property
    def account_id(self) -> str | None:
        """The id of its account; None if unknown."""
        return account_id(self.account) if self.account else None

    @property
    def account_name(self) -> str | None:
        """The name of its account; None if unknown."""
        return account_name(self.account) or None if self.account else None


class GoingOut(Struct, frozen=True):
    """A post that is no longer wanted and still goes out. `zone` is the site's time zone."""

    post: StillGoingOut
    zone: str


class EndedPost(Struct, frozen=True):
    """A post scheduled by this tool that this plan found published or failed, as it is shown to people.

    `moment` is when it was last expected to go out; None if unknown.
    """

    post: PostId
    channel: str
    title: str
    account: str | None
    moment: Instant | None
    type: str = "POST"


class SiteBackground(Struct, frozen=True):
    """What a screen says about a site in addition to its plan, as it was when the plan was made.

    Most fields are those of `SitePlanned`. `approval_none`: the site's drafts go out without approval. `position` is
    the site's place among all sites of the project, in the order of their files.
    """

    labels: Labels = ()
    reads: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    inherited: tuple[tuple[str, str], ...] = ()
    nothing_public: bool = False
    recorded: bool = True
    approval_none: bool = False
    position: int = 0


class EarlierGenerations(Struct, frozen=True):
    """How many generations of earlier runs ended after these runs, and how many drafts they discarded."""

    ended: int
    discarded: int


class Plan(Struct, frozen=True):
    """The actions for one site, in the order they are applied, and what belongs with them.

    `inputs` are what the files ask for (recorded as pending before any of them is written, design.md 3.3).
    `adopted_inputs` are what the current marketing plan was generated from: as recorded, or the live value of what was
    never recorded. `bindings` hold what planning found out, to be recorded. `notes` are remarks for people. `config` is
    the digest of the files.
    """

    site: SiteRef
    actions: tuple[Action, ...] = ()
    blocked: tuple[Diagnostic, ...] = ()
    refusals: tuple[Diagnostic, ...] = ()
    to_review: tuple[ToReview, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    inputs: Inputs = Inputs()
    adopted_inputs: Inputs | None = None
    bindings: Bindings = Bindings()
    time_zone: str = "UTC"
    config: Digest = Digest("")
    rules: tuple[tuple[str, JsonObject], ...] = ()
    """The digest of each part's rules, recorded once everything that the part asks for is done."""
    still_going_out: tuple[StillGoingOut, ...] = ()
    """What goes out although it is no longer wanted. Comes first on every screen."""
    discarded: tuple[Discarded, ...] = ()
    """The drafts that actions throw away, as they are shown to people."""
    edited: tuple[str, ...] = ()
    """The fields that somebody edited on the site since the last apply and that this plan overwrites (`edit_key`)."""
    ended: tuple[EndedPost, ...] = ()
    """The posts whose outcomes are in `bindings`."""
    earlier: EarlierGenerations | Absent = ABSENT
    """Absent if there are none, or if an earlier version made the plan."""
    background: SiteBackground | Absent = ABSENT
    """Only in a saved plan, and absent if an earlier version made it."""

    def discarded_by(self, operation: Operation) -> tuple[Discarded, ...]:
        """The drafts that one write of this plan, or the call that it waits for, throws away.

        For those that the site does not show and the state does not name, only the ids are known.
        """
        posts = dict.fromkeys(operation.throws_away)
        shown = tuple(draft for draft in self.discarded if draft.post in posts) if posts else ()
        known = {draft.post for draft in shown}
        return (*shown, *(Discarded(post, "", "") for post in operation.replaces if post not in known))

    @property
    def unapproved(self) -> int:
        """How many posts in `to_review` go out although nobody approved them, because somebody else scheduled them."""
        out = {found.address for found in self.blocked if found.code in GOES_OUT_UNAPPROVED}
        return len(out & {draft.address for draft in self.to_review})

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do and nothing pending."""
        return not self.actions
