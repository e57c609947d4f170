"""Each kind of write in words for a person who reads a plan: what it is about, and what becomes of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.activities import CreateActivity, DeleteActivity, DesiredActivity, SetActivities, UpdateActivity
from reconciler.model.canonical import Json
from reconciler.model.events import EventWrite
from reconciler.model.marketing_plan import AwaitGeneration, DeleteMarketingPlan, Generate, Regenerate
from reconciler.model.moments import moment_text
from reconciler.model.operations import Deferred, Part
from reconciler.model.posts import AwaitPosts, ClearPosts, GeneratePosts, RegeneratePosts, name_of
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.model.writes import FieldChange, Verb
from reconciler.planner.actions import Action
from reconciler.reporters.event_words import event_words
from reconciler.reporters.layout import Style
from reconciler.reporters.values import quoted, yaml
from reconciler.reporters.words import because, moment, plural, reason_behind

SYMBOLS: Final = {
    Verb.CREATE: "+",
    Verb.UPDATE: "~",
    Verb.DELETE: "-",
    Verb.GENERATE: "*",
    Verb.PUBLISH: ">",
    Verb.CANCEL: "x",
    Verb.WAIT: ".",
}

STYLES: Final = {
    Verb.CREATE: Style.GREEN,
    Verb.UPDATE: Style.YELLOW,
    Verb.DELETE: Style.RED,
    Verb.GENERATE: Style.CYAN,
    Verb.PUBLISH: Style.MAGENTA,
    Verb.CANCEL: Style.RED,
    Verb.WAIT: Style.DIM,
}


class ActionText(Struct, frozen=True):
    """What an action is about, what becomes of it, and the fields that it changes."""

    subject: str
    text: str = ""
    changes: tuple[FieldChange, ...] = ()


def action_text(action: Action, zone: str) -> ActionText:  # noqa: C901 - a case for each kind of write
    """The words of an action. `zone` is the site's time zone."""
    operation = action.operation
    match operation:
        case UpdateSettings(changes=changes):
            return ActionText("settings", "", changes)
        case EventWrite():
            return ActionText(*event_words(action, operation, zone))
        case Generate():
            return ActionText("marketing plan", because(action, "generate"))
        case Regenerate(keyword_research=research):
            how = "regenerate with new keyword research" if research else "regenerate"
            return ActionText("marketing plan", because(action, how))
        case DeleteMarketingPlan():
            return ActionText("marketing plan", "delete, with all its activities")
        case AwaitGeneration():
            return ActionText("marketing plan", "wait for the generation that is under way")
        case CreateActivity(activity=activity):
            return ActionText(
                f"activity {quoted(activity.title)}", f"{moment(activity.target_date, zone)}, {activity.type}"
            )
        case UpdateActivity(title=title, changes=changes):
            return ActionText(f"activity {quoted(title)}", "", tuple(_in_zone(change, zone) for change in changes))
        case DeleteActivity(title=title):
            return ActionText(f"activity {quoted(title)}", because(action, "delete"))
        case GeneratePosts(title=title):
            return ActionText("posts", f"generate posts for {quoted(title)}")
        case AwaitPosts(title=title):
            return ActionText("posts", f"wait for the posts of {quoted(title)}")
        case RegeneratePosts(title=title, media_only=media_only, stories=stories):
            what = "stories" if stories else "images" if media_only else "posts"
            return ActionText("posts", f"regenerate the {what} of {quoted(title)} (sent back in review)")
        case ClearPosts(title=title):
            return ActionText("posts", because(action, f"clear the posts of {quoted(title)}"))
        case SchedulePost() | ReschedulePost() | CancelPost():
            return _post(action, operation, zone)
        case Deferred():
            return ActionText(*deferred_words(operation, zone))
        case _:
            assert_never(operation)


def _post(action: Action, operation: SchedulePost | ReschedulePost | CancelPost, zone: str) -> ActionText:
    subject = f"post {name_of(operation)}"
    match operation:
        case SchedulePost(account=account):
            when = scheduled_words(operation, zone)
            unapproved = "" if operation.approved else ", without approval (approval: none)"
            return ActionText(subject, f"goes out {when} on {account_words(account)}{unapproved}")
        case ReschedulePost(at=at, before=before):
            earlier = f" instead of {moment(before, zone)}" if before else ""
            return ActionText(subject, f"moves to {moment(at, zone)}{earlier}")
        case CancelPost(at=at):
            when = f"scheduled for {moment(at, zone)}" if at else "scheduled"
            facts = f" ({', '.join(action.because)})" if action.because else ""
            why = reason_behind(action.reason)
            return ActionText(f"cancel {name_of(operation)}", f"{when}; {why}{facts}" if why else when + facts)
        case _:
            assert_never(operation)


def account_words(account: str) -> str:
    """Where a post goes out, as people read it."""
    if not account:
        return "an unknown account: the draft names none"
    return account if "(" in account else f"account {account}"


def scheduled_words(operation: SchedulePost, zone: str) -> str:
    """When a post goes out; an estimate, with `about`, if Wix picks the time."""
    if operation.at is not None:
        return moment(operation.at, zone)
    if operation.about is None:
        return "at a time Wix picks"
    return f"{moment_text(operation.about, zone, exact=False)} (Wix picks the time)"


def _in_zone(change: FieldChange, zone: str) -> FieldChange:
    """A change of an activity, with its date as the moment that people know it by."""
    return replace(
        change, before=_moment(change.path, change.before, zone), after=_moment(change.path, change.after, zone)
    )


def _moment(name: str, value: Json, zone: str) -> Json:
    return moment(datetime.fromisoformat(value), zone) if name == "targetDate" and isinstance(value, str) else value


def deferred_words(operation: Deferred, zone: str) -> tuple[str, str]:
    """What a promise is about, and its bound: `posts`, `for up to 12 activities (decided after generation)`."""
    rule, most = operation.rule, operation.at_most
    later = "(decided after generation)"
    match operation.part:
        case Part.POSTS:
            of = "for" if operation.posts_rules[rule].present else "cleared for"
            return "posts", f"{of} {_up_to(most, 'activity', 'activities')} {later}"
        case Part.SCHEDULE:
            return "posts", f"go out without approval: {_up_to(most, 'draft', 'drafts')} {later}"
        case Part.ACTIVITIES:
            chosen = operation.activity_rules[rule]
            if isinstance(chosen, DesiredActivity):
                return f"activity {quoted(chosen.title)}", f"create {later}"
            if isinstance(chosen, SetActivities):
                values = ", ".join(f"{name} to {yaml(_moment(name, wanted, zone))}" for name, wanted in chosen.values())
                return "activities", f"set {values} on {_up_to(most, 'activity', 'activities')} {later}"
            return "activities", f"delete {_up_to(most, 'activity', 'activities')} {later}"
        case never:
            assert_never(never)


def _up_to(most: int | None, one: str, many: str) -> str:
    return f"all {many} that match" if most is None else f"up to {plural(most, one, many)}"
