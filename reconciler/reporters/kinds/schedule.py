"""The schedule: its writes in words and as JSON, what must hold before them, and calls that were cut short."""

from __future__ import annotations

from typing import ClassVar, assert_never

from reconciler.model.frozen import ApiInstant, instant
from reconciler.model.journal import OpenEntry
from reconciler.model.moments import moment_text
from reconciler.model.posts import name_of, shown_account
from reconciler.model.schedule import (
    Approved,
    CancelPost,
    DraftCondition,
    NothingWaits,
    PostIs,
    ReschedulePost,
    ScheduleOperation,
    SchedulePost,
    StillAhead,
    StillScheduled,
)
from reconciler.planner.actions import Action, Reason
from reconciler.planner.reasons import facts_behind
from reconciler.reporters.kinds.base import ActionText, Calls, CallWords, KindWords, Records, WriteRecord
from reconciler.reporters.words import moment, on_account, reason_behind, short


class OfPost(WriteRecord, frozen=True):
    """What every write of the schedule has."""

    post: str
    activity: str
    channel: str
    type: str
    title: str
    at: ApiInstant | None


class PostScheduled(OfPost, frozen=True, tag="schedule-post"):
    """Schedules a post."""

    digest: str
    approved: bool


class PostRescheduled(OfPost, frozen=True, tag="reschedule-post"):
    """Moves a scheduled post to another time."""

    before: ApiInstant | None
    digest: str


class PostCancelled(OfPost, frozen=True, tag="cancel-post"):
    """Cancels a scheduled post."""


class ScheduleWords(KindWords[ScheduleOperation, DraftCondition]):
    """The schedule."""

    records: ClassVar[Records] = {
        SchedulePost: PostScheduled,
        ReschedulePost: PostRescheduled,
        CancelPost: PostCancelled,
    }
    calls: ClassVar[Calls] = {
        SchedulePost: CallWords(
            "schedule a post",
            "whether the post is scheduled or has gone out",
            done="it is recorded as scheduled, and its approval is used up",
            not_done="the next apply schedules it if it is still a draft, and approved",
        ),
        ReschedulePost: CallWords(
            "move a scheduled post",
            "when the post is scheduled for",
            done="it is recorded with its new time",
            not_done="the next apply moves it if a rule still asks for a different time",
        ),
        CancelPost: CallWords("cancel a scheduled post", "whether the post is still scheduled"),
    }

    def text(self, action: Action, operation: ScheduleOperation, zone: str) -> ActionText:
        subject = f"post {name_of(operation)}"
        match operation:
            case SchedulePost(account=account):
                when = scheduled_words(operation, zone)
                unapproved = "" if operation.approved else ", without approval (approval: none)"
                comma = "" if operation.at or operation.about else ","  # not "at a time Wix picks on an account"
                return ActionText(subject, f"goes out {when}{comma} on {account_words(account)}{unapproved}")
            case ReschedulePost(at=at, before=before, account=account):
                earlier = f" instead of {moment(before, zone)}" if before else ""
                where = f", on {account_words(account)}" if account else ""
                because = ""
                if action.reason is Reason.FORBIDDEN:
                    facts = ", ".join(facts_behind(action.reason, (), action.grounds, zone))
                    because = f"; {reason_behind(action.reason)}" + (f" ({facts})" if facts else "")
                return ActionText(subject, f"moves to {moment(at, zone)}{earlier}{where}{because}")
            case CancelPost(at=at, account=account):
                when = f"scheduled for {moment(at, zone, exact=operation.is_exact)}" if at else "scheduled"
                when += on_account(account)
                found = facts_behind(action.reason, action.details, action.grounds, zone)
                facts = f" ({', '.join(found)})" if found else ""
                why = reason_behind(action.reason)
                return ActionText(f"cancel {name_of(operation)}", f"{when}; {why}{facts}" if why else when + facts)
            case _:
                assert_never(operation)

    def condition(self, required: DraftCondition) -> str:
        match required:
            case NothingWaits(activity=activity):
                return f"no post{f' of activity {activity}' if activity else ''} is waiting to go out"
            case Approved(post=post, decided=decided):
                return f"post {post} " + ("is approved" if decided else "was not scheduled in the meantime")
            case StillScheduled(id=id):
                return f"post {id} is still waiting to go out"
            case PostIs(id=id, status=status, content=digest):
                return f"post {id} is {status} with the same content ({short(digest)})"
            case StillAhead(moment=moment):
                return f"there is still enough time before {instant(moment)}"
            case _:
                assert_never(required)

    def about(self, entry: OpenEntry, operation: ScheduleOperation, zone: str) -> str:
        if isinstance(operation, CancelPost):
            return super().about(entry, operation, zone)
        when = f"for {moment(operation.at, zone)}" if operation.at else "at a time Wix picks"
        return f"{name_of(operation)}, {when}"


def account_words(account: str) -> str:
    """Where a post goes out, as people read it."""
    return shown_account(account) if account else "an unknown account (the draft does not say which)"


def scheduled_words(operation: SchedulePost, zone: str) -> str:
    """When a post goes out; an estimate, with `about`, if Wix picks the time."""
    if operation.at is not None:
        return moment(operation.at, zone)
    if operation.about is None:
        return "at a time Wix picks"
    return f"{moment_text(operation.about, zone, exact=False)} (Wix picks the time)"
