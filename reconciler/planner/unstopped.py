"""Posts that go out because an action that was to stop them is not carried out (docs/design.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from reconciler.model.address import Kind, key_of
from reconciler.model.canonical import ABSENT, JsonObject, freeze_object, thaw
from reconciler.model.codec import from_plain, to_plain
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.failures import Failure
from reconciler.model.moments import moment_text
from reconciler.model.outcomes import Trouble
from reconciler.model.posts import Post, PostId, PostStatus, account_id, account_with_name, name_of
from reconciler.model.schedule import CancelPost, ReschedulePost
from reconciler.model.sites import RecordedSite
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action, Plan, Reason, StillGoingOut
from reconciler.planner.baseline import WAS_CANCELLED, Objects

STOP_BY_HAND: Final = "cancel the post in the site's dashboard"

TAKE_DOWN: Final = "take it down on its channel once it is out, if the site's dashboard cannot stop it"


class Unstopped(StrEnum):
    """The codes for why a post that is no longer wanted is not stopped, unless the error of a call says why."""

    NOT_CANCELLABLE = "not-cancellable"
    NOT_OURS = "not-ours"
    CANCEL_FAILED = "cancel-failed"
    LEFT_OUT = "left-out"
    NOT_IN_SAVED_PLAN = "not-in-saved-plan"
    PLAN_REFUSED = "plan-refused"
    NOT_APPLIED = "not-applied"
    NOT_SHOWN = "not-shown"
    REGENERATION_FIRST = "regeneration-first"
    RUN_REFUSED = "run-refused"
    SITE_REFUSED = "site-refused"
    SITE_UNREAD = "site-unread"
    SITE_LOCKED = "site-locked"
    BLOCKED_BY_CHECK = "blocked-by-check"
    LEFT_BEHIND = "left-behind"
    """The generation of this run made a marketing plan without its activity; the next run cancels it."""


def or_by_hand(problem: Diagnostic, live: Post | None = None) -> Diagnostic:
    """The problem, and what a person can do about the post: only a SCHEDULED one can be cancelled (D 10.1).

    `live` is the post as it was read last; None if it was not, in which case it is taken to be SCHEDULED.
    """
    if live is not None and live.status is not PostStatus.SCHEDULED:
        return replace(problem, fix=TAKE_DOWN)
    return replace(problem, fix=f"{problem.fix}; or {STOP_BY_HAND}" if problem.fix else STOP_BY_HAND)


TRIED: Final = "failed cancel"


def tried_key(post: PostId) -> str:
    """The key that records that a post should have been cancelled, and was not."""
    return f"{TRIED}[{post}]"


def failed_cancel(failure: Failure | None) -> JsonObject:
    """The facts under `tried_key`: why the post was not cancelled; without a failure, that it no longer waits."""
    return freeze_object({"over": True} if failure is None else to_plain(failure))


_OVER_ONCE: Final = JsonObject({"why": ""})
"""What the oldest records have in place of `over`."""


def why_not_cancelled(recorded: RecordedSite, post: PostId) -> Diagnostic | None:
    """Why an earlier run did not cancel a post; None if none tried, or if the post no longer waits."""
    cancels = ((entry, entry.operation) for entry in recorded.open if isinstance(entry.operation, CancelPost))
    for entry in (entry for entry, cancel in cancels if cancel.post == post):
        said = "an earlier run tried to cancel it, and its outcome is not known; apply tries again"
        return replace((entry.unknown or Failure(Trouble.OUTCOME_UNKNOWN)).problem(), message=said, call="")
    facts = recorded.object(tried_key(post))
    if facts is None or facts.get("over") or facts == _OVER_ONCE:
        return None
    problem = from_plain(Failure, thaw(facts)).problem() if "asked" in facts else _in_words(facts)
    return problem.saying(f"cancelling it failed before ({problem.cause}); apply tries again")


def cancelled_since(posts: Iterable[Post], recorded: RecordedSite) -> Objects:
    """What is to be recorded about posts that an earlier run tried to cancel, and that are cancelled now.

    The read after the call lagged behind (17.6). Unless this is recorded, the posts count as waiting to go out, and
    once a regeneration has removed them, as missing.
    """
    gone = (PostStatus.CANCELED, PostStatus.DELETED)
    late = [post.id for post in posts if post.status in gone and why_not_cancelled(recorded, post.id) is not None]
    cancelled = [(key_of(Kind.DRAFT, id), WAS_CANCELLED) for id in late]
    return (*cancelled, *((tried_key(id), failed_cancel(None)) for id in late))


def _in_words(facts: JsonObject) -> Diagnostic:
    """Why a cancel failed, from an older record, which has the reason in words; the oldest ones have no code."""
    code, why, fix, request = (str(facts.get(name) or "") for name in ("code", "why", "fix", "requestId"))
    return Diagnostic(code or Unstopped.CANCEL_FAILED, why, fix, request_id=request or None)


def stops(action: Action) -> bool:
    """Whether a post goes out unwanted, or at an unwanted time, if the action is not done."""
    return action.operation.verb is Verb.CANCEL or action.reason in (Reason.FORBIDDEN, Reason.DATE_MOVED)


def not_stopped(action: Action, problem: Diagnostic, live: Post | None = None) -> StillGoingOut:
    """The post that an action was to stop, and why it did not. `live` is what has been read of it since."""
    operation = action.operation
    assert isinstance(operation, CancelPost | ReschedulePost)
    moment = live.scheduled_for if live else None
    return StillGoingOut(
        action.address,
        operation.post,
        operation.channel,
        operation.title,
        (account_with_name(live, operation.account) if live else operation.account) or None,
        moment or operation.now,
        action.reason,
        action.details if operation.verb is Verb.CANCEL else (),  # of a move: the rule that asks for it
        or_by_hand(problem, live),
        operation.type,
        action.grounds,
        operation.estimated if moment is None else ABSENT,
    )


BY_SELECTION: Final = Diagnostic(
    Unstopped.LEFT_OUT,
    "--target or --exclude leaves it out of this run",
    "run `apply` without --target and --exclude to cancel it",
)

BY_NO_PUBLISH: Final = Diagnostic(
    Unstopped.LEFT_OUT, "not moved because of --no-publish", "run `apply` without --no-publish to move it"
)

BY_SAVED_PLAN: Final = Diagnostic(
    Unstopped.NOT_IN_SAVED_PLAN, "the saved plan does not stop it", "run plan again, and apply it"
)

IF_PLAN_REFUSED: Final = Diagnostic(
    Unstopped.PLAN_REFUSED, "the saved plan is refused, so nothing cancels it", "run plan again, and apply it"
)

UNTIL_APPLY: Final = Diagnostic(Unstopped.NOT_APPLIED, "no apply has stopped it yet", "run apply")

UNTIL_CANCELLED: Final = Diagnostic(Unstopped.NOT_APPLIED, "the next apply cancels it", "run apply")

UNTIL_SHOWN: Final = Diagnostic(
    Unstopped.NOT_SHOWN,
    "it is not moved while the marketing plan does not show it",
    "run apply again once the marketing plan is ACTIVE",
)
"""Why a rule's moves are not made while the marketing plan is being generated, failed, inactive or gone."""

UNTIL_REGENERATED: Final = Diagnostic(
    Unstopped.REGENERATION_FIRST,
    "it is not moved until the marketing plan is regenerated",
    "run apply again after the regeneration, or, to keep the marketing plan, write `when: never` under "
    "marketingPlan.regenerate",
)
"""Why a rule's moves are not made while a regeneration is due, whether it is part of the run or left out of it."""

IF_RUN_REFUSED: Final = Diagnostic(
    Unstopped.RUN_REFUSED, "the run is refused, so nothing cancels it", "resolve what blocks the run, then apply"
)

IF_REFUSED: Final = Diagnostic(Unstopped.SITE_REFUSED, "the site is refused")

NOT_REFUSED: Final = "resolve this site's refusal, then run apply"
"""What to do about a post that is not moved because its site is refused."""

IF_NOTHING_DONE: Final = Diagnostic(Unstopped.NOT_APPLIED, "nothing was done on the site")

IF_UNWRITABLE: Final = Diagnostic(
    Unstopped.RUN_REFUSED, "the state cannot be written", "make it writable, then run apply"
)


def left_out(dropped: Iterable[Action], why: Diagnostic) -> tuple[StillGoingOut, ...]:
    """What goes out unwanted because a plan does less than is due."""
    return tuple(not_stopped(action, why) for action in dropped if stops(action))


NOT_MOVED: Final = "not-moved-yet"
"""The code of a note about a post that goes out at a time other than its rule's. Its fix says what it waits for."""


def not_moved(moves: Iterable[Action], why: Diagnostic, zone: str) -> Iterator[Diagnostic]:
    """A note for each post that may stay at its time, but is not moved to the time of its rule, and what to do."""
    stay = (action.operation for action in moves if not stops(action))
    for move in [operation for operation in stay if isinstance(operation, ReschedulePost)]:
        now = moment_text(move.before, zone) if move.before else "at another time"
        what = f"{name_of(move)}: it goes out {now}, although its rule says {moment_text(move.at, zone)}"
        yield Diagnostic.note(NOT_MOVED, what, why.fix)


_WAITS: Final = frozenset({Unstopped.LEFT_OUT, Unstopped.NOT_SHOWN, Unstopped.REGENERATION_FIRST})
"""Why a plan that could be carried out does not stop posts; if its site is refused, no other run stops them either."""


def with_refusal_named(plan: Plan) -> Plan:
    """The plan of a site; if that is refused, with the refusal as the reason why nothing stops or moves its posts."""
    if not plan.refusals:
        return plan
    found = still_going_out(plan, {action: IF_REFUSED for action in plan.actions if stops(action)})
    return replace(
        plan,
        still_going_out=tuple(
            replace(post, problem=or_by_hand(IF_REFUSED)) if post.problem.code in _WAITS else post for post in found
        ),
        notes=tuple(replace(note, fix=NOT_REFUSED) if note.code == NOT_MOVED else note for note in plan.notes),
    )


def beyond_the_plan(plan: Plan) -> tuple[StillGoingOut, ...]:
    """What still goes out, except what the plan's actions stop. What an earlier run failed to cancel is tried again."""
    stopping = {action.address for action in plan.actions if stops(action)}
    return tuple(post for post in plan.still_going_out if post.address not in stopping)


def beyond_saved(saved: Plan, today: Plan) -> tuple[StillGoingOut, ...]:
    """What goes out because a saved plan does not stop it, although today's plan of the same site does not want it."""
    stopping = {action.address for action in saved.actions if stops(action)}
    missed = left_out((action for action in today.actions if action.address not in stopping), BY_SAVED_PLAN)
    said = {post.address for post in missed}
    if today.refusals:
        said |= stopping
    return (*missed, *(post for post in today.still_going_out if post.address not in said))


def until_applied(plan: Plan) -> tuple[StillGoingOut, ...]:
    """What goes out unwanted if nothing in a plan is done, soonest first."""
    plan = with_refusal_named(plan)
    known = {post.address for post in plan.still_going_out}
    missed = left_out((action for action in plan.actions if action.address not in known), UNTIL_APPLY)
    last = datetime.max.replace(tzinfo=UTC)
    found = (*plan.still_going_out, *missed)
    return tuple(sorted(found, key=lambda post: (post.moment or last, post.address)))


# --- after a run -----------------------------------------------------------------------------------

OVER: Final = frozenset(
    {PostStatus.DRAFT, PostStatus.CANCELED, PostStatus.DELETED, PostStatus.PUBLISHED, PostStatus.FAILED}
)
"""Statuses of a post that is no longer waiting to go out."""


def still_going_out(
    plan: Plan, unstopped: Mapping[Action, Diagnostic], live: Mapping[PostId, Post | None] | None = None
) -> tuple[StillGoingOut, ...]:
    """The posts that the plan could not stop, and those that the run failed to stop and why, soonest first.

    `live` are the posts as they were read at the end; None means they were not read, so what was not stopped goes out.
    """
    found = [_if_it_goes_out(action, problem, live or {}) for action, problem in unstopped.items()]
    accounts = {post.address: post.account for post in plan.still_going_out}
    last = datetime.max.replace(tzinfo=UTC)
    missed = (replace(post, account=post.account or accounts.get(post.address)) for post in found if post)
    all_of_them = (*beyond_the_plan(plan), *missed)
    return tuple(sorted(all_of_them, key=lambda post: (post.moment or last, post.address)))


def with_accounts(posts: Iterable[StillGoingOut], recorded: RecordedSite) -> tuple[StillGoingOut, ...]:
    """The posts with the accounts recorded when they were scheduled: a post read by itself has only an account id."""
    return tuple(replace(post, account=_account(post, recorded)) for post in posts)


def _account(post: StillGoingOut, recorded: RecordedSite) -> str | None:
    records = recorded.published_by_id.get(post.post, ())
    label = max(records, key=lambda record: record.done_at).account if records else None
    known = label and post.account_id in (None, account_id(label))
    return label if known and post.account_name is None else post.account


def _if_it_goes_out(action: Action, problem: Diagnostic, live: Mapping[PostId, Post | None]) -> StillGoingOut | None:
    """The post that an action should have stopped, if it still goes out."""
    operation = action.operation
    assert isinstance(operation, CancelPost | ReschedulePost)
    if operation.post not in live:
        return not_stopped(action, problem)
    post = live[operation.post]
    if post is None or post.status in OVER:
        return None
    if isinstance(operation, ReschedulePost) and post.scheduled_for not in (None, operation.before):
        return None  # somebody moved it, and the next plan decides where to
    return not_stopped(action, problem, post)
