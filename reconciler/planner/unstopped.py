"""Posts that go out because an action that was to stop them is not carried out (docs/design.md 1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.canonical import JsonObject
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.moments import moment_text
from reconciler.model.posts import Post, PostId, PostStatus, name_of
from reconciler.model.schedule import CancelPost, ReschedulePost
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Action, Plan, Reason, StillGoingOut

STOP_BY_HAND: Final = "cancel it in the site's dashboard"

TAKE_DOWN: Final = "take it down on its channel once it is out, if the site's dashboard cannot stop it"


def how_to_stop(post: Post) -> str:
    """What a person can do about a post: only a SCHEDULED one can be cancelled (D 10.1)."""
    return STOP_BY_HAND if post.status is PostStatus.SCHEDULED else TAKE_DOWN


TRIED: Final = "failed cancel"


def tried_key(post: PostId) -> str:
    """The key that records that a post should have been cancelled, and was not."""
    return f"{TRIED}[{post}]"


def failed_cancel(problem: Diagnostic | None) -> JsonObject:
    """The facts under that key: why; empty once it is over (None)."""
    if problem is None:
        return JsonObject({"why": ""})
    known = {"code": str(problem.code), "why": problem.message, "fix": problem.fix, "requestId": problem.request_id}
    return JsonObject({key: value for key, value in known.items() if value})


def why_not_cancelled(recorded: RecordedSite, post: PostId) -> tuple[str, Diagnostic | None] | None:
    """Why an earlier run did not cancel a post, as a clause, with the error; None if none tried, or it is over."""
    for entry in recorded.open:
        if isinstance(entry.operation, CancelPost) and entry.operation.post == post:
            return "an earlier run tried to cancel it, and its outcome is not known", entry.unknown
    facts = recorded.object(tried_key(post))
    if not facts or not facts.get("why"):
        return None
    code, why, fix, request = (str(facts.get(name) or "") for name in ("code", "why", "fix", "requestId"))
    problem = Diagnostic(code, why, fix, request_id=request or None) if code else None  # the first notes had none
    return f"cancelling it failed before ({why})", problem


def stops(action: Action) -> bool:
    """Whether a post goes out that nobody wants, at least not at that time, if the action is not done."""
    operation = action.operation
    moves = isinstance(operation, ReschedulePost) and action.reason in (Reason.FORBIDDEN, Reason.DATE_MOVED)
    return moves or isinstance(operation, CancelPost)


def not_stopped(action: Action, obstacle: str | Diagnostic, live: Post | None = None) -> StillGoingOut:
    """The post that an action was to stop. `live` is what has been read of it since."""
    operation = action.operation
    assert isinstance(operation, CancelPost | ReschedulePost)
    moment = operation.at if isinstance(operation, CancelPost) else operation.before
    return StillGoingOut(
        action.address,
        operation.post,
        operation.channel,
        operation.title,
        live.account or None if live else None,
        (live.scheduled_for if live else None) or moment,
        action.reason,
        action.because,
        obstacle if isinstance(obstacle, str) else obstacle.cause,
        how_to_stop(live) if live else STOP_BY_HAND,
        operation.type,
        None if isinstance(obstacle, str) else obstacle,
    )


class LeftOut(Struct, frozen=True):
    """Why actions are left out of a plan, and what can still stop their posts."""

    why: str
    stop: str


BY_SELECTION: Final = LeftOut(
    "--target or --exclude leaves it out of this run",
    "apply without --target and --exclude cancels it; or cancel it in the site's dashboard",
)


BY_SAVED_PLAN: Final = LeftOut(
    "the saved plan does not stop it",
    "run plan again, and apply it; or cancel it in the site's dashboard",
)

IF_PLAN_REFUSED: Final = LeftOut(
    "the saved plan is refused, so nothing cancels it",
    "run plan again, and apply it; or cancel it in the site's dashboard",
)

UNTIL_APPLY: Final = LeftOut("no apply has stopped it yet", "run apply; or cancel it in the site's dashboard")

UNTIL_SHOWN: Final = LeftOut(
    "it is not moved while the marketing plan does not show it",
    "run apply again once the marketing plan is ACTIVE, which moves it; or cancel it in the site's dashboard",
)
"""The reason for moves by a rule, while the marketing plan is being generated, failed, inactive or gone."""

IF_RUN_REFUSED: Final = LeftOut(
    "the run is refused, so nothing cancels it",
    "fix what refuses the run, then apply; or cancel it in the site's dashboard",
)

IF_REFUSED: Final = LeftOut("the site is refused", STOP_BY_HAND)


def left_out(dropped: Iterable[Action], reason: LeftOut) -> tuple[StillGoingOut, ...]:
    """What goes out although nobody wants it, because a plan does less than is due."""
    return tuple(replace(not_stopped(action, reason.why), stop=reason.stop) for action in dropped if stops(action))


def moved_later(moves: Iterable[Action], zone: str) -> Iterator[Diagnostic]:
    """A line for each post that may stay where it is for now, and is moved once the marketing plan shows it."""
    for action in moves:
        operation = action.operation
        if isinstance(operation, ReschedulePost) and not stops(action):
            now = f"it goes out {moment_text(operation.before, zone)}, and " if operation.before else ""
            yield Diagnostic.note(
                "moved-later",
                f"{name_of(operation)}: {now}is moved to "
                f"{moment_text(operation.at, zone)} once the marketing plan is ACTIVE",
            )


def beyond_the_plan(plan: Plan) -> tuple[StillGoingOut, ...]:
    """What still goes out and no action of the plan stops. What an earlier run failed to cancel is tried again."""
    stopping = {action.address for action in plan.actions if stops(action)}
    return tuple(post for post in plan.still_going_out if post.address not in stopping)


def beyond_saved(saved: Plan, today: Plan) -> tuple[StillGoingOut, ...]:
    """What goes out although today's plan of the same site does not want it, and a saved plan does not stop."""
    stopping = {action.address for action in saved.actions if stops(action)}
    missed = left_out((action for action in today.actions if action.address not in stopping), BY_SAVED_PLAN)
    said = {post.address for post in missed}
    if today.refusals:
        said |= stopping
    return (*missed, *(post for post in today.still_going_out if post.address not in said))


def until_applied(plan: Plan) -> tuple[StillGoingOut, ...]:
    """What goes out although nobody wants it if nothing of a plan is done, soonest first."""
    known = {post.address for post in plan.still_going_out}
    reason = IF_REFUSED if plan.refusals else UNTIL_APPLY
    found = (*plan.still_going_out, *left_out((each for each in plan.actions if each.address not in known), reason))
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(found, key=lambda post: (post.moment or last, post.address)))
