"""The words for open journal entries: what each call was to do, how a person finds out, and what follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from reconciler.model.calls import GENERATIONS, Call, known_call
from reconciler.model.canonical import EMPTY, Json, JsonObject
from reconciler.model.operations import OpenEntry
from reconciler.reporters.words import moment, value


class CallWords(Struct, frozen=True):
    """`asked` is what the call was to do, `look` what to look for on the site; `done` and `not_done` say what the
    next apply does once a person has settled it so."""

    asked: str
    look: str
    done: str = "the next plan takes the site as it reads it"
    not_done: str = "the next apply does it anew where the files ask for it still"


_GENERATED: Final = (
    "the next apply waits for the generation to end, and reads how it ended",
    "the next apply starts one where it is due still",
)

_WORDS: Final[Mapping[Call, CallWords]] = {
    Call.CREATE_EVENT: CallWords("create an event", "whether the calendar has it"),
    Call.UPDATE_EVENT: CallWords("change an event", "whether the event is as the file asks for"),
    Call.DELETE_EVENT: CallWords("delete an event", "whether the calendar has it still"),
    Call.UPDATE_SETTINGS: CallWords("change the settings", "whether the settings are as the file asks for"),
    Call.GENERATE: CallWords("generate a marketing plan", "whether one is there or under way", *_GENERATED),
    Call.REGENERATE: CallWords(
        "generate the marketing plan again", "whether it is under way, or its activities are new", *_GENERATED
    ),
    Call.DELETE_MARKETING_PLAN: CallWords("delete the marketing plan", "whether it is gone"),
    Call.CREATE_ACTIVITY: CallWords("create an activity", "whether the marketing plan has it"),
    Call.UPDATE_ACTIVITY: CallWords("change an activity", "whether the activity is as the file asks for"),
    Call.DELETE_ACTIVITY: CallWords("delete an activity", "whether it is gone"),
    Call.GENERATE_POSTS: CallWords(
        "generate posts for an activity",
        "whether the activity has posts",
        not_done="the next apply asks for them again where a rule wants them and none are there",
    ),
    Call.REGENERATE_POSTS: CallWords(
        "make the posts of an activity again",
        "whether the posts are new",
        done="the reviewers' decision counts as carried out",
        not_done="the reviewers' decision stands, and the next apply carries it out",
    ),
    Call.CLEAR_POSTS: CallWords(
        "clear the posts of an activity",
        "whether its posts are gone",
        done="a reviewers' decision that asked for it counts as carried out",
    ),
    Call.SCHEDULE_POST: CallWords(
        "schedule a post",
        "whether the post is scheduled or has gone out",
        done="it stands in the ledger as scheduled, and its approval is used up",
        not_done="the next apply schedules it if it is a draft still, and approved",
    ),
    Call.RESCHEDULE_POST: CallWords(
        "move a scheduled post",
        "when the post is scheduled for",
        done="it stands in the ledger with its new time",
        not_done="the next apply moves it if a rule asks for another time still",
    ),
    Call.CANCEL_POST: CallWords("take a scheduled post back", "whether the post is scheduled still"),
}
"""A test fails for a call that has none here."""

_OF_LATER: Final = CallWords("make a call that this version does not know", "whether it took effect")


def words_of(entry: OpenEntry) -> CallWords:
    """The words for the call of an entry."""
    call = known_call(entry)
    return _OF_LATER if call is None else _WORDS[call]


def about(entry: OpenEntry) -> str:
    """What the call was about, by the facts noted before it; empty where its address says it all."""
    facts = entry.facts if isinstance(entry.facts, JsonObject) else EMPTY
    match known_call(entry):
        case Call.CREATE_EVENT | Call.UPDATE_EVENT | Call.DELETE_EVENT:
            return value(facts.get("name"))
        case Call.UPDATE_SETTINGS | Call.UPDATE_ACTIVITY:
            values = _object(facts.get("values"))
            return ", ".join(f"{path.removeprefix('settings.')}: {value(values[path])}" for path in sorted(values))
        case Call.CREATE_ACTIVITY:
            activity = _object(facts.get("activity"))
            return f"{value(activity.get('title'))}, {_when(activity.get('targetDate'))}"
        case Call.SCHEDULE_POST | Call.RESCHEDULE_POST:
            return f"{facts.get('channel')}, {_when(facts.get('at'))}"
        case _:
            return ""


def standing(entry: OpenEntry, *, held: bool) -> str:
    """What is known of its outcome, and what the next run does about it. `held`: a run may be at it right now."""
    if entry.sent and known_call(entry) in GENERATIONS:
        return "it was started; the next apply waits for it to end"
    if entry.sent:
        return "it took effect; the next apply reads what became of it"
    if entry.unknown:
        return f"a run could not tell whether it took effect: {entry.unknown}"
    if held:
        return "the run that holds the site may be making this call right now"
    return "no run has looked yet whether it took effect: the next apply reads the site and settles it if it can"


def _when(at: Json) -> str:
    if not isinstance(at, str):
        return "at the time that the API chooses"
    try:
        return f"for {moment(datetime.fromisoformat(at), 'UTC')}"
    except ValueError:
        return f"for {at}"


def _object(facts: Json) -> JsonObject:
    return facts if isinstance(facts, JsonObject) else EMPTY
