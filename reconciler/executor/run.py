"""One run over one site: what it was given, what it has done so far, and how a call is sent and recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.api.errors import ApiError
from reconciler.api.fence import Fence
from reconciler.executor.events import Corrected, EmitProgress, Finished, Note, Skipped, Started
from reconciler.executor.fence import LastFence, NoLongerAllowed, PublicFence, unreadable
from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.base import Moment
from reconciler.executor.ledger import ActionResult, Entry, SiteLedger, about, unstopped
from reconciler.executor.outcome_check import read_for
from reconciler.executor.ports import ApplyOptions, Journal, Ports
from reconciler.executor.preconditions import refusal_reason
from reconciler.executor.problems import diagnostic_of
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.executor.state_updates import conclude
from reconciler.model.address import Kind
from reconciler.model.approvals import ActivityApproval, Approvals
from reconciler.model.canonical import EMPTY, Json
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.model.journal import CallIntent, OpenEntry, ReviewedDecision
from reconciler.model.notes import AppliedValues, Bound
from reconciler.model.operations import Operation, class_of
from reconciler.model.outcomes import Done, NotDone, Outcome, Pending, Remark, Trouble, Unknown, behind, stale
from reconciler.model.posts import ActivityId, Post, PostId
from reconciler.model.sites import Bindings, Inputs
from reconciler.model.text import spoken
from reconciler.model.writes import ActionClass, Verb
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.baseline import completed_rules
from reconciler.planner.tally import in_doubt
from reconciler.planner.unstopped import still_going_out, with_accounts
from reconciler.state.packed import Packed

NO_YES = Diagnostic(Trouble.NOT_ALLOWED, "publishing also needs --allow-publish")

UNDER_WAY = Diagnostic(Trouble.STILL_UNDER_WAY, "still under way", "run again to continue")


class CallAttempt(Struct, frozen=True):
    """A call that was sent for an action, with its journal entry and the answer.

    `applied_before` has the values that were last applied, before this call, to the fields that it changes.
    """

    action: Action
    entry: OpenEntry
    outcome: Outcome
    applied_before: Mapping[str, Json] = EMPTY


CancelIfSwapped: TypeAlias = Callable[["SiteRun", CallAttempt, Snapshot], Awaitable[bool]]
"""Undoes a write at once if what is read back is not what was approved, and returns whether it differed."""


class _Kept(Struct):
    """What a site needs again only when its generation has ended: the plan, and how actions ended so far."""

    plan: Plan
    entries: list[Entry] = []


class SiteRun:
    """The state of one `apply_plan`."""

    def __init__(
        self,
        plan: Plan,
        ports: Ports,
        options: ApplyOptions,
        emit: EmitProgress,
        cancel_if_swapped: Mapping[Kind, CancelIfSwapped],
    ) -> None:
        self.site = plan.site
        self.queue = list(plan.actions)
        """What is not over yet, in order; the first ones are being worked on."""
        self.ports = ports
        self.options = options
        self.emit = emit
        self._cancel_if_swapped = cancel_if_swapped
        self.cache = SiteCache(plan.site, ports.reader)
        self.approvals = ports.approved
        self.halted: Diagnostic | None = None
        """Why nothing that follows is started."""
        self.inputs_missing: Diagnostic | None = None
        """Why no generation is started: one of its inputs was not saved."""
        self.interrupted = False
        self.not_cancelled: dict[Action, Diagnostic] = {}
        """Cancels outside the plan that were not done: of posts that turned out not to be as approved, or that lost
        their activity to a generation."""
        self.approved: dict[PostId, Post] = {}
        """All posts of the marketing plan as they were found right before drafts were scheduled."""
        self._troubled: dict[ActivityId, Diagnostic] = {}
        self._kept = Packed(_Kept, _Kept(plan))
        self._done: list[CallAttempt] = []
        self._verbs_done: set[Verb] = set()
        # By identity, because equal actions may occur. They are kept, so that no later action can get the same `id`.
        self._begun: dict[int, Action] = {}
        self._ended: dict[int, Action] = {}
        self._promised: dict[int, Action] = {}
        self._notes: list[Diagnostic] = []

    @property
    def plan(self) -> Plan:
        """The plan that is carried out."""
        return self._kept.value.plan

    @property
    def _entries(self) -> list[Entry]:
        return self._kept.value.entries

    def put_aside(self) -> None:
        """Packs what is not needed while a generation takes its time, because many sites may wait at once."""
        left = {id(action) for action in self.queue}
        for marked in (self._begun, self._ended, self._promised):
            for gone in marked.keys() - left:
                del marked[gone]
        self._kept.pack()
        self.journal.put_aside()

    @property
    def journal(self) -> Journal:
        """Where calls are recorded before they are sent."""
        return self.ports.journal

    @property
    def awaited(self) -> OpenEntry | None:
        """The generation that an earlier call started and whose end is not known yet; None if there is none."""
        entries = reversed(self.journal.recorded.open)
        return next((entry for entry in entries if entry.operation.uses_inputs), None)

    def approvals_now(self) -> Approvals:
        """What people have approved, as the files are right now."""
        if self.ports.approvals is not None:
            self.approvals = self.ports.approvals()
        return self.approvals

    def now(self) -> datetime:
        """The time by the run's clock."""
        return self.ports.clock.now()

    def moment(self) -> Moment:
        """What a call is judged against right now."""
        return Moment(self.journal.recorded, self.approvals, self.now(), self.plan.time_zone)

    def stopped(self) -> bool:
        """Whether the run was asked to stop. Checked between calls, never within one."""
        self.interrupted = self.interrupted or self.options.stop()
        return self.interrupted

    # --- the ledger --------------------------------------------------------------------------------

    async def ledger(self, error: Diagnostic | None) -> SiteLedger:
        """All entries, and what still goes out: that is read once more if something was not stopped."""
        left = {**unstopped(self.plan, self._entries), **self.not_cancelled}
        live = None
        if left and error is None and not self.interrupted:
            live = await self._posts_of([action.operation for action in left])
        return SiteLedger(
            self.site,
            tuple(self._entries),
            tuple(self._notes),
            error,
            self.interrupted,
            with_accounts(still_going_out(self.plan, left, live), self.journal.recorded),
            self.plan.time_zone,
            in_doubt=in_doubt(self.plan),
        )

    async def _posts_of(self, operations: Sequence[Operation]) -> dict[PostId, Post | None] | None:
        """The posts of these operations as they are now; None if they cannot be read."""
        try:
            found = await read_for(self.site, self.ports.reader, operations)
        except (ApiError, UsageError):
            return None
        reads = (kind_of(operation).reads(operation) for operation in operations)
        return {post: found.post(post) for read in reads for post, _ in read.posts}

    def promise(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        """Records that these actions came from a deferred action, so that they are counted apart from the plan's."""
        self._promised.update((id(action), action) for action in actions)
        return actions

    def has_ended(self, action: Action) -> bool:
        """Whether the ledger has an outcome for an action."""
        return id(action) in self._ended

    def give_up(self, action: Action, why: Diagnostic) -> None:
        """Enters an action that the run did not finish."""
        if id(action) in self._begun:
            self.fail(action, ActionResult.UNKNOWN, why.while_("the run ended before the outcome was known"))
        else:
            self.skip(action, ActionResult.NOT_STARTED, why)

    def note(self, problem: Diagnostic) -> None:
        """Reports a note about the site, now and in the ledger."""
        note = replace(problem, severity=Severity.NOTE)
        self._notes.append(note)
        self.emit(Note(self.site, note))

    def skip(self, action: Action, result: ActionResult, why: Diagnostic) -> None:
        """Enters an action that was not started."""
        entry = Entry.not_done(action.address, action.operation, result, why)
        self.emit(Skipped(self._enter(action, entry)))

    def finish(
        self,
        action: Action,
        *,
        remark: Remark | None = None,
        goes_out: datetime | None = None,
        request: str | None = None,
    ) -> None:
        """Enters an action that was done."""
        entry = Entry(action.address, action.operation, ActionResult.DONE, None, remark, goes_out, request_id=request)
        self.emit(Finished(self._enter(action, entry)))

    def keep_promise(self, action: Action, matched: int) -> None:
        """Enters a deferred action that was expanded; it is not an object of its own."""
        entry = Entry(action.address, action.operation, ActionResult.DONE, matched=matched, count=0)
        self.emit(Finished(self._enter(action, entry)))

    def fail(
        self,
        action: Action,
        result: ActionResult,
        problem: Diagnostic,
        request: str | None = None,
        *,
        remark: Remark | None = None,
        goes_out: datetime | None = None,
    ) -> None:
        """Enters an action that was started but not done, with the request id of its call."""
        entry = Entry.not_done(action.address, action.operation, result, problem)
        entry = replace(entry, remark=remark, goes_out=goes_out, request_id=request or problem.request_id)
        self.emit(Finished(self._enter(action, entry)))

    def conclude_with(self, action: Action, outcome: Outcome) -> None:
        """Enters an action that ended with this outcome."""
        match outcome:
            case Done(remark=remark, request_id=request):
                self.finish(action, remark=remark, request=request)
            case Pending(request_id=request):
                self.fail(action, ActionResult.PENDING, UNDER_WAY, request)
            case NotDone(problem=problem, goes_out=goes_out):
                self.fail(action, result_of(outcome), problem, goes_out=goes_out)
            case Unknown(problem=problem):
                self.fail(action, ActionResult.UNKNOWN, problem)
            case _:
                assert_never(outcome)

    def correct(
        self, action: Action, problem: Diagnostic, *, unknown: bool = False, goes_out: datetime | None = None
    ) -> None:
        """Changes an entry into a failed one: the read-back found something else.

        `goes_out` is when a post that was not moved goes out.
        """
        done = [
            at
            for at, entry in enumerate(self._entries)
            if entry.result is ActionResult.DONE and entry.address == action.address
        ]
        exact = [at for at in done if self._entries[at].operation == action.operation]
        # A cancel that was accepted but shows no effect is not our error: how it ends is not known yet.
        result = ActionResult.UNKNOWN if unknown or action.operation.verb is Verb.CANCEL else ActionResult.FAILED
        for at in (exact or done)[:1]:
            corrected, entry = about(problem, action.address, result), self._entries[at]
            # A draft that was scheduled first, and then moved, is still scheduled.
            scheduled = goes_out is not None and entry.operation != action.operation
            remark = Remark.SCHEDULED if scheduled else None
            self._entries[at] = replace(entry, result=result, problem=corrected, remark=remark, goes_out=goes_out)
            self.emit(Corrected(self._entries[at]))
            self._follow(self._entries[at])

    def _enter(self, action: Action, entry: Entry) -> Entry:
        entry = replace(entry, promised=id(action) in self._promised)
        self._entries.append(entry)
        self._ended[id(action)] = action
        self._follow(entry)
        return entry

    def _follow(self, entry: Entry) -> None:
        """Records what must not follow an action that failed."""
        if entry.result is ActionResult.DONE:
            return
        kind, operation = kind_of(entry.operation), entry.operation
        self.inputs_missing = kind.inputs_missing(operation, entry.address, entry.result) or self.inputs_missing
        self.halted = kind.halts(operation) or self.halted
        if activity := kind.spoils(operation):
            failed = f"it depends on {entry.address}, which did not succeed ({spoken(entry.result)})"
            self._troubled.setdefault(activity, behind(failed))

    # --- before a call -----------------------------------------------------------------------------

    def skip_if_blocked(self, action: Action, *, only_reads: bool = False) -> bool:
        """Enters an action in the ledger if it may not be started, and returns whether it did.

        One that `only_reads` needs no right to publish.
        """
        activity = kind_of(action.operation).activity(action.operation)
        action_class = class_of(action.operation)
        if action_class is ActionClass.PROTECTIVE:
            return False  # cancelling a post is right whatever else went wrong
        if self.halted is not None:
            self.skip(action, ActionResult.NOT_STARTED, self.halted)
        elif action_class is ActionClass.PUBLIC and not (self.options.allow_publish or only_reads):
            self.skip(action, ActionResult.WITHHELD, NO_YES)
        elif activity in self._troubled:
            self.skip(action, ActionResult.SKIPPED, self._troubled[activity])
        else:
            return False
        return True

    async def skip_if_stale(self, action: Action) -> bool:
        """Enters an action in the ledger if it must not be carried out now, and returns whether it did.

        May raise an ApiError.
        """
        found = self._decided_differently(action) or await refusal_reason(action, self.cache, self.moment())
        if found is not None:
            self.skip(action, ActionResult.SKIPPED, found)
        return found is not None

    def _decided_differently(self, action: Action) -> Diagnostic | None:
        """A problem if the reviewers' decision that an action carries out is no longer what it was in the plan."""
        before = self._reviewed(action, self.ports.approved)
        if before is None:
            return None
        try:
            approvals = self.approvals_now()
        except (InvalidFiles, UsageError) as error:
            return unreadable("the approvals", error)
        now = approvals.activity(before.id)
        if now is not None and (now.decision, now.decided, now.digest) == (
            before.decision,
            before.decided,
            before.digest,
        ):
            return None
        return stale(f"the decision in {approvals.file} has been changed since the plan was made", "run plan again")

    def start(self, action: Action) -> None:
        """Reports that an action is being worked on."""
        self._begun[id(action)] = action
        self.emit(Started(action.address, action.operation))

    # --- a call ------------------------------------------------------------------------------------

    async def call(self, actions: Sequence[Action], *, waits: bool = False) -> tuple[CallAttempt, ...]:
        """Records the calls, sends them as one request if there are several, and records the answers.

        A clear answer closes its entry, with two exceptions, which are recorded as sent: a create that was done stays
        open until its object has been seen, and with `waits`, what was done stays open until the caller records the
        outcome.

        If cancelled (by a second Ctrl-C), it ends at once: what it may have done is in the journal.
        """
        calls = [await self._begun_with(action) for action in actions]
        entries = await self.journal.begin(calls)  # what cannot be recorded is not sent, and was not started
        for action in actions:
            self.start(action)
        fence = LastFence(self._public_fence(actions))
        try:
            outcomes = await self._perform(actions, [call.operation for call in calls], fence)
        except UsageError as error:  # a lost lease, for example
            if not fence.passed:
                for action, entry in zip(actions, entries, strict=True):
                    await self.journal.end(entry, NotDone(diagnostic_of(error)))
                    del self._begun[id(action)]
            raise
        attempts = []
        for action, entry, outcome in zip(actions, entries, outcomes, strict=True):
            self.cache.touch(kind_of(action.operation).touches(action.operation))
            noted, made, before = entry, _was_accepted(action.operation, outcome), self._applied(action)
            if made or (waits and isinstance(outcome, Done | Pending)):
                await self.journal.sent(entry)
                noted = replace(entry, sent=True)
            if made and isinstance(outcome, Done):
                self._has_done(CallAttempt(action, noted, outcome, before))  # it stays open until it has been seen
            elif not (waits and isinstance(outcome, Done | Pending)):
                await self.close(CallAttempt(action, noted, outcome, before))
            attempts.append(CallAttempt(action, noted, outcome, before))
        return tuple(attempts)

    def _applied(self, action: Action) -> Mapping[str, Json]:
        recorded = self.journal.recorded
        last = ((each.path, recorded.last_applied(action.address, each.path)) for each in action.operation.changes)
        return {path: value[0] for path, value in last if value is not None} or EMPTY

    async def close(self, attempt: CallAttempt) -> None:
        """Records the outcome of an attempt and what it means for later runs."""
        if isinstance(attempt.outcome, Done):
            self._has_done(attempt)
        await self.record(attempt)

    def _has_done(self, attempt: CallAttempt) -> None:
        self._done.append(attempt)
        self._verbs_done.add(attempt.action.operation.verb)

    async def record(self, attempt: CallAttempt, found: Snapshot | None = None) -> None:
        """Records the outcome of an attempt for later runs, without reading it back once more."""
        if isinstance(attempt.outcome, Done):
            operation = attempt.entry.operation
            applied = kind_of(operation).applied(operation, self.plan.inputs)
            if applied != Inputs():
                self.journal.note(AppliedValues(applied))
        await conclude(self.journal, attempt.entry, attempt.outcome, found, self.options, self.plan.time_zone)

    def complete_rules(self) -> None:
        """Records the rules of the parts that were carried out in full."""
        left = tuple(entry.operation for entry in self._entries if entry.result is not ActionResult.DONE)
        self.journal.note(Bound(Bindings(objects=completed_rules(self.plan, left))))

    def has_written(self, verb: Verb) -> bool:
        """Whether a write with this verb took effect and has not been read back yet."""
        return verb in self._verbs_done

    def take_written(self) -> tuple[CallAttempt, ...]:
        """Returns the successful attempts that were not read back; from now on they count as read back."""
        written, self._done, self._verbs_done = tuple(self._done), [], set()
        return written

    async def was_swapped(self, attempt: CallAttempt, found: Snapshot) -> bool:
        """Whether what is there is not what was approved; if so, tries to undo the write. May raise an ApiError."""
        cancel_if_swapped = self._cancel_if_swapped.get(attempt.action.operation.kind)
        return cancel_if_swapped is not None and await cancel_if_swapped(self, attempt, found)

    async def _begun_with(self, action: Action) -> CallIntent:
        """The call of an action with what was there before it, as already read for the preconditions.

        May raise an ApiError.
        """
        kind = kind_of(action.operation)
        operation = await kind.prepared(action.operation, self.cache)
        return CallIntent(action.address, operation, await kind.before(operation, self.cache), self._decided(action))

    def _public_fence(self, actions: Sequence[Action]) -> PublicFence | None:
        public = [action for action in actions if class_of(action.operation) is ActionClass.PUBLIC]
        if not public:
            return None
        forbid = self.ports.forbid or (lambda: None)
        return PublicFence(
            public, self.ports.approved, self.approvals_now, forbid, self.journal, self.now, self.plan.time_zone
        )

    async def _perform(
        self, actions: Sequence[Action], operations: Sequence[Operation], fence: Fence
    ) -> tuple[Outcome, ...]:
        try:
            return await self.ports.writer.perform(self.site, operations, fence)
        except NoLongerAllowed as refused:
            return (NotDone(refused.problem, skipped=True),) * len(actions)

    def _decided(self, action: Action) -> ReviewedDecision | None:
        """The reviewers' decision that an action carries out; None if it carries out none."""
        decision = kind_of(action.operation).decision(action.operation)
        reviewed = self._reviewed(action, self.approvals)
        return ReviewedDecision(decision, reviewed.digest) if decision is not None and reviewed is not None else None

    def _reviewed(self, action: Action, approvals: Approvals) -> ActivityApproval | None:
        """The reviewed activity whose decision an action carries out; None if it carries out none."""
        kind, operation = kind_of(action.operation), action.operation
        activity = kind.activity(operation)
        if action.reason is not Reason.SENT_BACK or kind.decision(operation) is None or activity is None:
            return None
        return approvals.activity(activity)


def _was_accepted(operation: Operation, outcome: Outcome) -> bool:
    """Whether the answer says that something was created: it is not created again, whether it shows or not (17.1)."""
    accepted = isinstance(outcome, Done) or (isinstance(outcome, Unknown) and outcome.accepted)
    return accepted and operation.verb is Verb.CREATE


def result_of(outcome: Outcome) -> ActionResult:
    """The ledger's result for an outcome."""
    match outcome:
        case Done():
            return ActionResult.DONE
        case Pending():
            return ActionResult.PENDING
        case NotDone(skipped=skipped):
            return ActionResult.SKIPPED if skipped else ActionResult.FAILED
        case Unknown():
            return ActionResult.UNKNOWN
        case _:
            assert_never(outcome)
