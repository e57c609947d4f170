"""Where a kind is registered, and the words of any action, write, condition or call by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.model.address import Kind
from reconciler.model.journal import OpenEntry, UnreadableCall
from reconciler.model.operations import Operation, Precondition
from reconciler.planner.actions import Action
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.kinds.activities import ActivityWords
from reconciler.reporters.kinds.base import ActionText, CallWords, KindWords, WriteRecord, named
from reconciler.reporters.kinds.deferred import DeferredWords
from reconciler.reporters.kinds.events import EventWords
from reconciler.reporters.kinds.marketing_plan import MarketingPlanWords
from reconciler.reporters.kinds.posts import PostsWords
from reconciler.reporters.kinds.schedule import ScheduleWords
from reconciler.reporters.kinds.settings import SettingsWords

KINDS: Final[Mapping[Kind, KindWords[Any, Any]]] = {
    Kind.SETTINGS: SettingsWords(),
    Kind.EVENT: EventWords(),
    Kind.MARKETING_PLAN: MarketingPlanWords(),
    Kind.ACTIVITY: ActivityWords(),
    Kind.POSTS: PostsWords(),
    Kind.DRAFT: ScheduleWords(),
    Kind.RULE: DeferredWords(),
}
"""A test fails for a kind of write or condition without an entry here."""

_OF_LATER: Final = CallWords("make a call that this version does not know", "whether it took effect")


def action_text(action: Action, zone: str) -> ActionText:
    """The words of an action. `zone` is the site's time zone."""
    return KINDS[action.operation.kind].text(action, action.operation, zone)


def write_record(operation: Operation) -> WriteRecord:
    """A write in JSON."""
    return KINDS[operation.kind].record(operation)


def precondition(required: Precondition) -> str:
    """What must still hold when an action runs, for `--explain`."""
    return KINDS[required.kind].condition(required)


def call_words(entry: OpenEntry) -> CallWords:
    """The words for the call of a journal entry."""
    operation = entry.operation
    return _OF_LATER if isinstance(operation, UnreadableCall) else KINDS[operation.kind].calls[type(operation)]


def call_about(entry: OpenEntry, zone: str = "UTC") -> str:
    """What a call in the journal was about; empty if its address is enough."""
    operation = entry.operation
    return (
        named(entry) if isinstance(operation, UnreadableCall) else KINDS[operation.kind].about(entry, operation, zone)
    )


def call_status(entry: OpenEntry, *, held: bool) -> str:
    """What is known about a call's outcome, and what the next run does about it. `held`: a run may be working on it."""
    if entry.sent and entry.operation.uses_inputs:
        return "it was started; the next apply waits for it to end"
    if entry.sent:
        return "it took effect; the next apply reads the result"
    if entry.unknown:
        return f"a run could not tell whether it took effect: {of_its_site(entry.unknown.problem())}"
    if held:
        return "the run that has locked the site may be making this call right now"
    return "no run has checked yet whether it took effect; the next apply reads the site and resolves it if it can"
