"""The words for open journal entries: what each call should have done, how a person finds out, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from reconciler.model.activities import CreateActivity, UpdateActivity
from reconciler.model.journal import OpenEntry, UnreadableCall
from reconciler.model.marketing_plan import Generate, Regenerate
from reconciler.model.schedule import ReschedulePost, SchedulePost
from reconciler.model.settings import UpdateSettings
from reconciler.reporters.words import moment, value


class CallWords(Struct, frozen=True):
    """The words for one call of the journal.

    `asked` is what the call should have done, `look` what to look for on the site; `done` and `not_done`: what the next
    apply does once a person has resolved it that way.
    """

    asked: str
    look: str
    done: str = "the next plan goes by what the site shows"
    not_done: str = "the next apply does it again if the files still ask for it"


_GENERATED: Final = (
    "the next apply waits for the generation to end, and reads the result",
    "the next apply starts one if it is still needed",
)

_WORDS: Final[Mapping[str, CallWords]] = {
    "create-event": CallWords("create an event", "whether the calendar has it"),
    "update-event": CallWords("change an event", "whether the event is as the file asks for"),
    "delete-event": CallWords("delete an event", "whether the calendar still has it"),
    "update-settings": CallWords("change the settings", "whether the settings are as the file asks for"),
    "generate": CallWords("generate a marketing plan", "whether it exists or is under way", *_GENERATED),
    "regenerate": CallWords(
        "regenerate the marketing plan", "whether it is under way, or its activities are new", *_GENERATED
    ),
    "delete-marketing-plan": CallWords("delete the marketing plan", "whether it is gone"),
    "create-activity": CallWords("create an activity", "whether the marketing plan has it"),
    "update-activity": CallWords("change an activity", "whether the activity is as the file asks for"),
    "delete-activity": CallWords("delete an activity", "whether it is gone"),
    "generate-posts": CallWords(
        "generate posts for an activity",
        "whether the activity has posts",
        not_done="the next apply requests them again if a rule covers the activity and it still has none",
    ),
    "regenerate-posts": CallWords(
        "regenerate the posts of an activity",
        "whether the posts are new",
        done="the reviewers' decision counts as carried out",
        not_done="the next apply carries out the reviewers' decision",
    ),
    "clear-posts": CallWords(
        "clear the posts of an activity",
        "whether its posts are gone",
        done="if a reviewers' decision asked for it, that decision counts as carried out",
    ),
    "schedule-post": CallWords(
        "schedule a post",
        "whether the post is scheduled or has gone out",
        done="it is recorded as scheduled, and its approval is used up",
        not_done="the next apply schedules it if it is still a draft, and approved",
    ),
    "reschedule-post": CallWords(
        "move a scheduled post",
        "when the post is scheduled for",
        done="it is recorded with its new time",
        not_done="the next apply moves it if a rule still asks for a different time",
    ),
    "cancel-post": CallWords("cancel a scheduled post", "whether the post is still scheduled"),
}
"""A test fails for a call without an entry here."""

_OF_LATER: Final = CallWords("make a call that this version does not know", "whether it took effect")


def words_of(entry: OpenEntry) -> CallWords:
    """The words for the call of an entry."""
    return _OF_LATER if isinstance(entry.operation, UnreadableCall) else _WORDS[entry.call]


def about(entry: OpenEntry) -> str:
    """What the call was about; empty if its address says it all."""
    operation = entry.operation
    if isinstance(operation, UpdateSettings | UpdateActivity):
        changes = sorted((change.path.removeprefix("settings."), change.after) for change in operation.changes)
        return ", ".join(f"{path}: {value(after)}" for path, after in changes)
    if isinstance(operation, CreateActivity):
        return f"{value(operation.activity.title)}, for {moment(operation.activity.target_date, 'UTC')}"
    if isinstance(operation, SchedulePost | ReschedulePost):
        when = f"for {moment(operation.at, 'UTC')}" if operation.at else "at a time Wix picks"
        return f"{operation.channel}, {when}"
    return value(entry.address.key) if entry.address.kind.has_names else ""


def standing(entry: OpenEntry, *, held: bool) -> str:
    """What is known of its outcome, and what the next run does about it. `held`: a run may be working on it."""
    if entry.sent and isinstance(entry.operation, Generate | Regenerate):
        return "it was started; the next apply waits for it to end"
    if entry.sent:
        return "it took effect; the next apply reads the result"
    if entry.unknown:
        return f"a run could not tell whether it took effect: {entry.unknown}"
    if held:
        return "the run that has locked the site may be making this call right now"
    return "no run has checked yet whether it took effect; the next apply reads the site and resolves it if it can"
