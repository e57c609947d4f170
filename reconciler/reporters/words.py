"""The words for actions, reasons, changes and outcomes. Plain text; layout.py makes it safe to show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconciler.model.activities import DesiredActivity, SetActivities
from reconciler.model.canonical import Json, thaw
from reconciler.model.events import DesiredEvent, instant
from reconciler.model.operations import (
    AwaitGeneration,
    AwaitPosts,
    CancelPost,
    ClearPosts,
    CreateActivity,
    CreateEvent,
    Deferred,
    DeleteActivity,
    DeleteEvent,
    DeleteMarketingPlan,
    FieldChange,
    Generate,
    GeneratePosts,
    Operation,
    Part,
    Regenerate,
    RegeneratePosts,
    ReschedulePost,
    SchedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
    Verb,
)
from reconciler.model.posts import PostId
from reconciler.planner.actions import (
    Action,
    ActivityIs,
    Approved,
    DateIs,
    DiscardsOnly,
    EventIs,
    InReview,
    MarketingPlanIs,
    NoActivityLike,
    NoEventNamed,
    NothingWaits,
    PostIs,
    PostsAmong,
    PostsAre,
    Precondition,
    Reason,
    SettingIs,
    StillAhead,
    StillScheduled,
)
from reconciler.planner.changes import Step, details_of
from reconciler.reporters.plurals import plural as plural

SYMBOLS: dict[Verb, str] = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.DELETE: "-",
    Verb.GENERATE: "*",
    Verb.PUBLISH: "!",
    Verb.CANCEL: "x",
    Verb.WAIT: ".",
}

REASONS: Final[Mapping[Reason, str]] = {
    Reason.DIFFERS: "differs from the file",
    Reason.DECLARED: "declared, not there yet",
    Reason.NOT_LISTED: "not listed, and prune is on",
    Reason.NO_MARKETING_PLAN: "there is no marketing plan yet",
    Reason.GENERATION_FAILED: "the last generation failed",
    Reason.INACTIVE: "the marketing plan went inactive",
    Reason.INPUTS_CHANGED: "generation inputs changed",
    Reason.ASKED_FOR: "asked for by --regenerate",
    Reason.UNDER_WAY: "a generation is under way",
    Reason.ABSENT_WANTED: "the file wants it absent",
    Reason.RULE: "matched by a rule",
    Reason.NEVER_GENERATED_FROM: "an earlier run saved settings that no generation has used yet",
    Reason.SENT_BACK: "sent back in review",
    Reason.APPROVED: "approved in review",
    Reason.NO_APPROVAL_NEEDED: "approval: none",
    Reason.OTHER_TIME: "scheduled for another time than the rule says",
    Reason.NOT_WANTED: "no rule wants it, and manage is all",
    Reason.WITHDRAWN: "its approval was withdrawn",
    Reason.CHANGED: "it is no longer what was approved",
    Reason.EDITED: "its entry in the approvals file shows something else",
    Reason.NEVER_APPROVED: "nobody approved it, and manage is all",
    Reason.REPLACED: "its activity is generated again",
    Reason.ACTIVITY_GONE: "its activity is no longer in the marketing plan",
    Reason.DATE_MOVED: "its activity has another date",
    Reason.FORBIDDEN: "the policy forbids it now",
    Reason.PAUSED: "publishing is paused",
}
"""A test fails for a reason that has no words here."""

IN_REVIEW: Final[Mapping[InReview, str]] = {
    InReview.NOT_REVIEWED: "not in the approvals file yet",
    InReview.PENDING: "waits for a decision",
}

LONGEST = 160
"""Characters of one value that are shown; `--explain` and the other formats have all of it."""


class Description(Struct, frozen=True):
    """What an operation does: a phrase for its line, and what is listed below it."""

    phrase: str = ""
    lines: tuple[str, ...] = ()


def moment(at: datetime, zone: str) -> str:
    """`Thu 2026-12-03 09:30 Europe/Berlin`: how a person says when."""
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        local, zone = at.astimezone(UTC), "UTC"
    return f"{local:%a %Y-%m-%d %H:%M} {zone}"


def value(json_value: Json, *, whole: bool = False) -> str:
    """A value as JSON, shortened unless the whole of it is asked for."""
    if json_value is None:
        return "nothing"
    text = json.dumps(thaw(json_value), ensure_ascii=False)
    if whole or len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}... ({len(text) - LONGEST} characters more)"


def change(one: FieldChange, *, whole: bool = False) -> str:
    """`toneOfVoice: "dry" -> "warm and playful"`; fields of the settings without the word `settings`."""
    path = one.path.removeprefix("settings.")
    if isinstance(one.before, tuple) and isinstance(one.after, tuple) and one.before and one.after:
        return f"{path}: {_list_change(one, whole=whole)}"
    return f"{path}: {value(one.before, whole=whole)} -> {value(one.after, whole=whole)}"


def _list_change(one: FieldChange, *, whole: bool) -> str:
    """`adds "studio life"; removes "politics"`: a list is read by what is new in it and what is gone."""
    details = details_of(one)
    added = [value(each.after, whole=whole) for each in details if each.step is not Step.REMOVED]
    removed = [value(each.before, whole=whole) for each in details if each.step is not Step.ADDED]
    parts = [f"{verb} {', '.join(found)}" for verb, found in (("adds", added), ("removes", removed)) if found]
    return "; ".join(parts)


def describe(operation: Operation, zone: str, *, whole: bool = False) -> Description:
    """What an operation does, for a person who sees its address beside it."""
    match operation:
        case UpdateSettings(changes=changes) | UpdateEvent(changes=changes):
            return _changes("", changes, whole=whole)
        case UpdateActivity(title=title, changes=changes):
            return _changes(value(title), changes, whole=whole)
        case CreateEvent(event=event):
            return Description(_event(event, zone, whole=whole))
        case DeleteEvent(name=name):
            return Description(value(name))
        case CreateActivity(activity=activity):
            return Description(f"{activity.type} {value(activity.title)} on {moment(activity.target_date, zone)}")
        case DeleteActivity(title=title):
            return Description(value(title))
        case Generate() | Regenerate() | DeleteMarketingPlan() | AwaitGeneration():
            return _marketing_plan(operation)
        case GeneratePosts(title=title):
            return Description(f"posts for {value(title)}")
        case AwaitPosts(title=title):
            return Description(f"for posts of {value(title)} that an earlier run asked for")
        case RegeneratePosts(title=title, discards=discards, media_only=media_only, stories=stories):
            what = "stories" if stories else "images of the posts" if media_only else "posts"
            return Description(f"{what} for {value(title)} again", _discards(discards))
        case ClearPosts(title=title, discards=discards):
            return Description(f"posts of {value(title)}", _discards(discards))
        case SchedulePost() | ReschedulePost() | CancelPost():
            return Description(_post(operation, zone))
        case Deferred():
            return Description(deferred(operation))
        case _:
            assert_never(operation)


def _changes(phrase: str, changes: tuple[FieldChange, ...], *, whole: bool) -> Description:
    lines = tuple(change(one, whole=whole) for one in changes)
    if len(lines) == 1:
        return Description(f"{phrase}  {lines[0]}".strip())
    return Description(phrase, lines)


def _event(event: DesiredEvent, zone: str, *, whole: bool) -> str:
    if event.date is not None:
        words = event.date.date().isoformat() if event.whole_day else moment(event.date, zone)
    else:
        words = value(event.recurring_rule)
    if isinstance(event.description, str) and event.description:
        words += ": " + value(event.description, whole=whole)
    return words


def _marketing_plan(operation: Generate | Regenerate | DeleteMarketingPlan | AwaitGeneration) -> Description:
    match operation:
        case Generate():
            return Description("a marketing plan")
        case AwaitGeneration():
            return Description("for the generation to end")
        case DeleteMarketingPlan(discards=discards):
            return Description("the marketing plan and all its activities", _discards(discards))
        case Regenerate(keyword_research=research, discards=discards):
            how = "again, with keyword research" if research else "again"
            return Description(how, _discards(discards))
        case _:
            assert_never(operation)


def _discards(posts: tuple[PostId, ...]) -> tuple[str, ...]:
    if not posts:
        return ()
    return (f"discards {plural(len(posts), 'draft')}: {', '.join(posts)}",)


def _post(operation: SchedulePost | ReschedulePost | CancelPost, zone: str) -> str:
    channel = f"{operation.channel} {value(operation.title)}" if operation.title else operation.channel
    match operation:
        case SchedulePost(at=at, account=account):
            where = f"{channel} (account {account})" if account else channel
            return f"{where} on {moment(at, zone)}" if at else f"{where} at the time that the API chooses"
        case ReschedulePost(at=at, before=before):
            earlier = f" instead of {moment(before, zone)}" if before else ""
            return f"{channel} on {moment(at, zone)}{earlier}"
        case CancelPost(at=at):
            return f"{channel}, scheduled for {moment(at, zone)}" if at else channel
        case _:
            assert_never(operation)


def deferred(operation: Deferred) -> str:
    """`posts for at most 12 activities matching posts[0]`, to stand after the verb."""
    bound = f"at most {operation.at_most} " if operation.at_most is not None else "all "
    things = "activity" if operation.at_most == 1 else "activities"
    match operation.part:
        case Part.POSTS:
            of = "for" if operation.posts_rules[operation.rule].present else "of"
            return f"posts {of} {bound}{things} matching posts[{operation.rule}]"
        case Part.SCHEDULE:
            drafts = "draft" if operation.at_most == 1 else "drafts"
            return f"{bound}{drafts} matching schedule.rules[{operation.rule}]"
        case Part.ACTIVITIES:
            rule = operation.activity_rules[operation.rule]
            if isinstance(rule, DesiredActivity):
                return f"activity {value(rule.title)} of activities[{operation.rule}]"
            sets = ""
            if isinstance(rule, SetActivities):
                sets = ", setting " + ", ".join(f"{name} to {value(wanted)}" for name, wanted in rule.values())
            return f"{bound}{things} matching activities[{operation.rule}]{sets}"
        case never:
            assert_never(never)


def reason(action: Action) -> str:
    """`differs from the file`; with the facts it rests on, where the action names any."""
    if isinstance(action.operation, Deferred):
        return "known after generation"
    facts = ", ".join(action.because)
    reason = REASONS[action.reason]
    return f"{reason}: {facts}" if facts else reason


def precondition(required: Precondition) -> str:
    """What must still hold when an action runs, for `--explain`."""
    match required:
        case SettingIs(path=path, value=wanted):
            return f"{path} is {value(wanted)}"
        case EventIs(id=id, facts=digest):
            return f"event {id} is as read ({short(digest)})"
        case NoEventNamed(name=name):
            return f"there is no event {value(name)} like this yet"
        case MarketingPlanIs(statuses=statuses):
            return f"the marketing plan is {' or '.join(statuses)}"
        case DiscardsOnly(posts=posts):
            return f"no more than {plural(len(posts), 'draft')} would be discarded"
        case ActivityIs(id=id, facts=digest):
            return f"activity {id} is as read ({short(digest)})"
        case NoActivityLike(title=title, target_date=date):
            return f"there is no activity {value(title)} at {date} yet"
        case _:
            return _post_precondition(required)


def _post_precondition(
    required: PostsAre | PostsAmong | NothingWaits | DateIs | Approved | StillScheduled | PostIs | StillAhead,
) -> str:
    match required:
        case PostsAre(activity=activity, posts=posts):
            return f"activity {activity} has " + (f"the same {plural(len(posts), 'post')}" if posts else "no posts")
        case PostsAmong(activity=activity, posts=posts):
            return f"activity {activity} has no posts but the {len(posts)} listed ones"
        case NothingWaits(activity=activity):
            return f"nothing{f' of activity {activity}' if activity else ''} waits to go out"
        case DateIs(activity=activity, date=date):
            return f"activity {activity} still is on {instant(date)}"
        case Approved(post=post, decided=decided):
            return f"post {post} " + ("is approved" if decided else "was not scheduled meanwhile")
        case StillScheduled(id=id):
            return f"post {id} still waits to go out"
        case PostIs(id=id, status=status, content=digest):
            return f"post {id} is {status} with the same content ({short(digest)})"
        case StillAhead(moment=moment):
            return f"it is early enough for {instant(moment)}"
        case _:
            assert_never(required)


def short(digest: str) -> str:
    """The first digits of a digest, enough to tell two apart by eye."""
    return digest[:15]
