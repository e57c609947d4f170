"""The words of the journal: what each kind of write is called there, and which of them belong together."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

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
    Generate,
    GeneratePosts,
    OpenEntry,
    Operation,
    Regenerate,
    RegeneratePosts,
    ReschedulePost,
    SchedulePost,
    UpdateActivity,
    UpdateEvent,
    UpdateSettings,
)


class Call(StrEnum):
    """The calls a journal knows, by the name they have there."""

    CREATE_EVENT = "create-event"
    UPDATE_EVENT = "update-event"
    DELETE_EVENT = "delete-event"
    UPDATE_SETTINGS = "update-settings"
    GENERATE = "generate"
    REGENERATE = "regenerate"
    DELETE_MARKETING_PLAN = "delete-marketing-plan"
    CREATE_ACTIVITY = "create-activity"
    UPDATE_ACTIVITY = "update-activity"
    DELETE_ACTIVITY = "delete-activity"
    GENERATE_POSTS = "generate-posts"
    REGENERATE_POSTS = "regenerate-posts"
    CLEAR_POSTS = "clear-posts"
    SCHEDULE_POST = "schedule-post"
    RESCHEDULE_POST = "reschedule-post"
    CANCEL_POST = "cancel-post"


GENERATIONS = frozenset({Call.GENERATE, Call.REGENERATE})
POSTS = frozenset({Call.GENERATE_POSTS, Call.REGENERATE_POSTS, Call.CLEAR_POSTS})
EVENTS = frozenset({Call.CREATE_EVENT, Call.UPDATE_EVENT, Call.DELETE_EVENT})
ITEMS = frozenset({Call.SCHEDULE_POST, Call.RESCHEDULE_POST, Call.CANCEL_POST})
CREATES = frozenset({Call.CREATE_EVENT, Call.CREATE_ACTIVITY})


def known_call(entry: OpenEntry) -> Call | None:
    """The call of an entry; None for one that a later version of this tool noted."""
    return Call(entry.call) if entry.call in set(Call) else None


def call_of(operation: Operation) -> Call | None:
    """The call an operation makes; None for those that only wait or are not known yet."""
    match operation:
        case AwaitGeneration() | AwaitPosts() | Deferred():
            return None
        case _:
            return _CALLS[type(operation)]


_CALLS: Final[dict[type[Operation], Call]] = {
    CreateEvent: Call.CREATE_EVENT,
    UpdateEvent: Call.UPDATE_EVENT,
    DeleteEvent: Call.DELETE_EVENT,
    UpdateSettings: Call.UPDATE_SETTINGS,
    Generate: Call.GENERATE,
    Regenerate: Call.REGENERATE,
    DeleteMarketingPlan: Call.DELETE_MARKETING_PLAN,
    CreateActivity: Call.CREATE_ACTIVITY,
    UpdateActivity: Call.UPDATE_ACTIVITY,
    DeleteActivity: Call.DELETE_ACTIVITY,
    GeneratePosts: Call.GENERATE_POSTS,
    RegeneratePosts: Call.REGENERATE_POSTS,
    ClearPosts: Call.CLEAR_POSTS,
    SchedulePost: Call.SCHEDULE_POST,
    ReschedulePost: Call.RESCHEDULE_POST,
    CancelPost: Call.CANCEL_POST,
}
"""A test fails for an operation that has none here and does write."""
