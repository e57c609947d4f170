"""How a write ended. `request_id` is the remote side's own id for the last request (`x-wix-request-id`, S-sdk)."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Instant, Variant
from reconciler.model.requests import SentRequest


class Trouble(StrEnum):
    """Why an action failed, if no error from the remote side, the state or the files explains it.

    These are the codes of its diagnostic.
    """

    NOT_ALLOWED = "publish-not-allowed"
    STALE = "stale"
    """A precondition no longer held."""
    NO_LONGER_ALLOWED = "no-longer-allowed"
    """The time, the files or the approvals forbid it now."""
    BEHIND = "depends-on-another"
    """Another action that it depends on failed."""
    BEYOND_PROMISE = "beyond-promise"
    STOPPED = "run-stopped"
    OVERTAKEN = "overtaken"
    """Another run worked on the site in between."""
    WORKER_LOST = "worker-lost"
    OUTCOME_UNKNOWN = "outcome-unknown"
    NOT_AS_ASKED = "not-as-asked"
    """The read-back found something else."""
    NO_EFFECT = "no-effect"
    GONE = "gone"
    UNEXPECTED_STATUS = "unexpected-status"
    NOT_SCHEDULED = "left-a-draft"
    """The API silently left it a draft."""
    NO_TIME_OF_OUR_OWN = "no-own-time"
    """The API schedules only at times that it chooses."""
    GENERATION_FAILED = "generation-failed"
    STILL_UNDER_WAY = "still-under-way"
    CHANGED_MEANWHILE = "changed-while-publishing"
    """A post changed from what was approved while it was being scheduled or moved."""
    READ_ONLY = "read-only"
    """It belongs to a calendar that this tool cannot write to."""
    MANUALLY = "resolved-manually"


class Remark(StrEnum):
    """What else is reported about an action, whatever its result."""

    GONE_ALREADY = "gone-already"
    NOT_WAITING = "no-longer-waiting"
    """A post that was to be cancelled was no longer waiting to go out."""
    NO_ID = "no-id"
    """The answer to a create contains no id."""
    IN_PART = "regenerated-in-part"
    DONE_BEFORE = "done-before"
    """Done before another worker took over from one that was lost."""
    ASKED_BEFORE = "asked-before"
    """Requested by a worker that was lost afterwards."""
    SCHEDULED = "scheduled"
    """The post is scheduled, but was not moved to the time of its rule, as far as is known."""


class Done(Variant, frozen=True):
    """It took effect. `created` is the id that a create returned."""

    created: str | None = None
    remark: Remark | None = None
    request_id: str | None = None


class Pending(Variant, frozen=True):
    """It has started and is still under way."""

    request_id: str | None = None


class NotDone(Variant, frozen=True):
    """It had no effect, and why.

    `skipped` means that the remote side or a precondition ruled it out, which is not an error (exit 3, not 1).
    """

    problem: Diagnostic
    skipped: bool = False
    missing: bool = False
    """Whether the answer was that the object does not exist (404): what was to be removed may already be gone."""
    asked: SentRequest | None = None
    """The request that was refused, if there was one."""
    goes_out: Instant | None = None
    """If a post was not moved: when it goes out, as it was read last. None if it does not, or if that is unknown."""

    @property
    def request_id(self) -> str | None:
        """The id of the request that was refused."""
        return self.problem.request_id


class Unknown(Variant, frozen=True):
    """The answer was unclear, and reading could not resolve it.

    `accepted`: the remote side accepted the call (any 2xx) with an answer that could not be understood. It has
    happened, is never sent again, and its effect is looked for (17.1).
    """

    problem: Diagnostic
    accepted: bool = False
    asked: SentRequest | None = None
    """The request whose answer was unclear."""

    @property
    def request_id(self) -> str | None:
        """The id of the request whose answer was unclear."""
        return self.problem.request_id


Outcome: TypeAlias = Done | Pending | NotDone | Unknown


def not_done(code: Trouble, message: str, fix: str = "", *, skipped: bool = False) -> NotDone:
    """A call that had no effect, and why."""
    return NotDone(Diagnostic(code, message, fix), skipped=skipped)


def stale(message: str, fix: str = "") -> Diagnostic:
    """What was found instead of what a precondition asks for."""
    return Diagnostic(Trouble.STALE, message, fix)


def not_as_asked(message: str, fix: str = "") -> Diagnostic:
    """How the site differs from what a call asked for."""
    return Diagnostic(Trouble.NOT_AS_ASKED, message, fix)


def behind(message: str) -> Diagnostic:
    """Why an action is not started: it depends on another one, which was not done."""
    return Diagnostic(Trouble.BEHIND, message)
