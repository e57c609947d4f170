# ruff: noqa: N815 - the names are those of the seed
"""Owns what is not known of the remote API: one switch for each open question, so that every answer can be tried.

One table: the fields of `Unknowns`. The first value of a switch is its default. `sandbox.yaml` sets them under
`unknowns:`; its schema and the manual are made from `TABLE`. The mark says where the question comes from (a section of
docs/remote-api.md) and how much is known. What the documentation does say is not a switch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeAlias, cast

Value: TypeAlias = str | int | bool


class OpenQuestion(NamedTuple):
    """One open question: its possible answers, the default, how much is known, and what it changes.

    `values` is empty for a count, which may be any whole number.
    """

    name: str
    values: tuple[Value, ...]
    default: Value | None
    mark: str
    about: str


def _choice(*values: Value, mark: str, about: str) -> Any:
    return field(default=values[0], metadata={"values": values, "mark": mark, "about": about})


def _flag(default: bool, *, mark: str, about: str) -> Any:
    return _choice(default, not default, mark=mark, about=about)


def _count(default: int | None, *, mark: str, about: str) -> Any:
    return field(default=default, metadata={"values": (), "mark": mark, "about": about})


@dataclass(frozen=True, slots=True)
class Unknowns:
    """The answers that a world gives to what is not known."""

    # How answers look
    emptyLists: str = _choice(
        "omit",
        "emit",
        "null",
        mark="14.22: not known",
        about="Empty lists are left out of a response, sent as [], or sent as null.",
    )
    zeroValues: str = _choice(
        "omit",
        "emit",
        mark="14.22: not known",
        about="Empty texts and `false` in settings, events, activities and posts are left out, or sent.",
    )
    numbers: str = _choice(
        "plain",
        "text",
        "decimal",
        mark="17.7: int64 is text in proto3 JSON; which fields are int64 is not known",
        about='Whole numbers are sent as 3, as "3", or as 3.0.',
    )
    moments: str = _choice(
        "milliseconds",
        "seconds",
        "offset",
        mark="1: RFC 3339 (D); the example has milliseconds (S-wix)",
        about="Times are sent as 09:00:00.000Z, 09:00:00Z, or 09:00:00+00:00.",
    )
    addedFields: bool = _flag(
        False, mark="13.1.12: a Developer Preview gains fields", about="Every object in a response has one more field."
    )
    newEnumMembers: str = _choice(
        "none",
        "plan-status",
        "item-status",
        "channel",
        "item-type",
        "activity-type",
        "token-status",
        mark="13.1.12: enums grow",
        about="Which status, channel or type has a value that clients do not know yet: the status of an ACTIVE plan or "
        "of drafts, the channel of a draft added to each activity, the type of POST items or of activities, or the "
        "status of VALID tokens.",
    )
    refusalStatus: str = _choice(
        "real",
        "200",
        mark="17.1: not expected, but must not be misread",
        about="A refusal comes with its own HTTP status, or with 200 and the error in the body.",
    )
    preconditionStatus: int = _choice(
        428, 412, mark="3.2: 428 (D); an earlier recipe said 412 (S-wix)", about="The status of a failed precondition."
    )
    successStatus: int = _choice(200, 201, 202, mark="1: 200 (S-sdk, I)", about="The status of a successful write.")
    emptyAnswer: str = _choice(
        "object",
        "nothing",
        "no-content",
        mark="1: {} (D); a body on every success (S-sdk, I)",
        about="A write with nothing to return responds with {}, an empty body, or 204.",
    )
    pagingSigns: str = _choice(
        "none",
        "complete",
        "hasNext",
        "cursor",
        "total",
        mark="14.1, 14.17: paging not seen",
        about="Plan, activity posts and events have no paging field, one that says the list is complete, or only the "
        "first ten items and a field that says there are more: hasNext, a next cursor, or a total.",
    )
    consistencyHeader: bool = _flag(
        True,
        mark="1: the header (S-sdk); which services send it is not known",
        about="Responses to a write, and later responses for the same site, carry X-Wix-Consistent.",
    )
    readLag: str = _choice(
        "none",
        "without-header",
        "always",
        mark="17.6: meaning of the header (I)",
        about="A read shows a write at once, only after `readLagSeconds` unless the request sends the header back, or "
        "only after `readLagSeconds` in any case.",
    )
    readLagSeconds: int = _count(3, mark="17.6: not known", about="How far reads lag behind, if they do.")
    planAfterScheduling: str = _choice(
        "at-once",
        "late",
        "a-minute-late",
        mark="17.6: which reads lag is not known",
        about="The marketing plan shows scheduled drafts at once, only after `readLagSeconds`, or only after a minute, "
        "whether the header is sent back or not.",
    )
    texts: str = _choice(
        "exact",
        "trimmed",
        "nfc",
        "line-ends",
        "all",
        "cut",
        mark="17.7: not known",
        about="Texts of settings, events and activities are kept as sent, trimmed, in NFC, with plain line endings, "
        "with all three changes, or cut at 100 characters.",
    )
    textLimit: str = _choice(
        "none",
        "refuse",
        mark="14.16, 14.18: lengths not seen",
        about="Whether texts of settings and activities over 500 characters are refused with 400.",
    )
    unknownFields: str = _choice(
        "ignore", "refuse", mark="not stated anywhere", about="Unknown fields in a request: ignored, or 400."
    )

    # Marketing plan
    planWrapper: str = _choice(
        "none",
        "marketingPlan",
        "payload",
        mark="14.1: 12.2 has none (S-wix)",
        about="The key around a plan's response.",
    )
    planId: bool = _flag(
        False, mark="6.5: an id exists (D); where it appears is not known", about="A plan's response has an `id`."
    )
    noPlanAnswer: str = _choice(
        "written",
        "no-status",
        "empty-object",
        "nothing",
        "no-content",
        "null",
        "list",
        "not-found",
        "error-with-200",
        mark="6.3: NEVER_CREATED (D); 14.22: whether it is sent is not known",
        about="How GET says that there is no plan.",
    )
    activitiesKey: str = _choice(
        "marketingActivities",
        "activities",
        mark="6.2: D for the plan, S-wix for the posts",
        about="The key of the list of activities, in the plan and in the posts of activities.",
    )
    planItems: str = _choice(
        "whole",
        "short",
        "none",
        mark="6.4: S-wix; whole or not is not known",
        about="Activities in a plan contain their posts, only their posts' id, channel and status, or no posts.",
    )
    postsItems: str = _choice(
        "whole",
        "short",
        mark="12.3: the example is short (S-wix)",
        about="The posts of activities are complete, or only have id, channel and status.",
    )
    postItemsKey: str = _choice("items", "posts", mark="6.4: S-wix", about="The key of an activity's posts.")
    storiesKey: str = _choice(
        "items",
        "stories",
        mark="14.1: not seen",
        about="Stories are among an activity's posts, or under their own key.",
    )
    videoCandidates: bool = _flag(
        False, mark="6.2: returned (D), the field was not seen", about="Activities have `videoCandidates`."
    )
    activityTypes: bool = _flag(
        True, mark="6.4: whether it is there is not known", about="A plan's activities have `marketingActivityType`."
    )
    generateWhileGenerating: str = _choice(
        "refuse",
        "restart",
        "ignore",
        mark="14.5: not known",
        about="Generate while GENERATING: 428, the generation starts again, or 200 without effect.",
    )
    generateWhileActive: str = _choice(
        "regenerate",
        "refuse",
        "ignore",
        mark="14.5: not known",
        about="Generate with an ACTIVE plan: same as regenerate, 428, or 200 without effect.",
    )
    regenerateWithoutPlan: str = _choice(
        "refuse", "generate", mark="14.5: not known", about="Regenerate without a plan: 428, or same as generate."
    )
    generatingShows: str = _choice(
        "nothing", "previous", mark="6.2: not documented", about="What a plan shows while GENERATING."
    )
    nearTermDays: int | None = _count(
        None,
        mark="6.2: the end of next week (D); depends on the premium plan (D)",
        about="How many days ahead posts are generated with the plan. If left out, to the end of next week.",
    )
    idleDays: int = _count(
        42, mark="6.3: a long idle time (D), six weeks (S-wix)", about="How many idle days make a plan INACTIVE."
    )
    replacedDrafts: str = _choice(
        "delete",
        "keep",
        mark="14.8: not known",
        about="What happens to drafts of activities that a regeneration replaces.",
    )
    replacedScheduled: str = _choice(
        "keep",
        "cancel",
        "delete",
        mark="14.8: not known",
        about="What happens to scheduled posts of activities that a regeneration replaces.",
    )
    deletedDrafts: str = _choice(
        "delete",
        "keep",
        mark="14.8: not known",
        about="What happens to drafts of a plan or activity that is deleted, or whose posts are cleared.",
    )
    deletedScheduled: str = _choice(
        "keep",
        "cancel",
        "delete",
        mark="14.8: not known",
        about="What happens to scheduled posts of a plan or activity that is deleted, or whose posts are cleared.",
    )
    createdActivitiesSurvive: bool = _flag(
        False,
        mark="6.2: upcoming ones are rebuilt (D); created ones not named",
        about="A regeneration keeps activities that were created with Create.",
    )
    deletedPlan: str = _choice(
        "NEVER_CREATED", "INACTIVE", mark="6.2: NEVER_CREATED (I)", about="The status once a plan is deleted."
    )
    oneBound: str = _choice(
        "default",
        "refuse",
        mark="14.9: not known",
        about="If only one end of a timeframe is given, the other one has its default, or the response is 400.",
    )
    dayZone: str = _choice("site", "utc", mark="14.9: not known", about="The time zone of `today`.")
    unknownActivity: str = _choice(
        "refuse", "ignore", mark="6.2: not documented", about="Deleting an activity that does not exist: 404, or {}."
    )
    unknownActivityPosts: str = _choice(
        "omit",
        "refuse",
        mark="6.2: not documented",
        about="Posts of an activity that does not exist: left out, or 404.",
    )
    failedPosts: str = _choice(
        "nothing",
        "failed-items",
        mark="14.6: not known",
        about="An activity whose posts cannot be generated: no posts appear, or FAILED ones do.",
    )
    regeneratedPosts: str = _choice(
        "same-ids", "new-ids", mark="14.2: not known", about="Whether regenerated posts keep their ids."
    )
    remakingShows: str = _choice(
        "previous",
        "nothing",
        mark="6.2: a transient snapshot (D); what the posts show is not known",
        about="What is shown of an activity's posts while they are being regenerated.",
    )
    snapshot: str = _choice(
        "marketingActivity",
        "bare",
        "list",
        "empty",
        "payload",
        mark="14.2: not seen",
        about="The response of the methods that regenerate posts or media.",
    )
    activityIdKey: str = _choice(
        "marketingActivityId",
        "id",
        mark="14.3: as in the similar method Clear (I)",
        about="The key of the activity in the body of the methods that regenerate posts or media; other keys are 400.",
    )
    schedulePlacement: str = _choice(
        "activity-date",
        "activity-morning",
        "in-an-hour",
        mark="14.7: not known",
        about="When a scheduled draft goes out: at its activity's date, at six that morning, or in an hour.",
    )
    scheduledDateShown: bool = _flag(
        True, mark="14.7: not described", about="Scheduled posts show `schedulingInfo.scheduledDate`."
    )
    pastSchedule: str = _choice(
        "later",
        "skip",
        "refuse",
        mark="14.7: not known",
        about="Scheduling a draft whose activity has passed: it goes out in an hour, is skipped silently, or 428.",
    )
    scheduleQuota: str = _choice(
        "per-post",
        "per-call",
        "none",
        mark="14.7: not known",
        about="A quota that is too small for all drafts: the first ones are scheduled, none are (428), or all are.",
    )
    scheduleAnswer: str = _choice(
        "whole",
        "short",
        "empty",
        mark="12.3: the example is short (S-wix)",
        about="The scheduled posts in the response: complete, only id, channel and status, or {}.",
    )

    scheduledFirst: str = _choice(
        "SCHEDULED",
        "IN_QUEUE",
        "DRAFT",
        mark="10.2: PROCESSING and IN_QUEUE are in flight (D); when a post has them is not known",
        about="A draft that was scheduled is SCHEDULED at once, or IN_QUEUE for as long as `latency.posts` says, "
        "or still a DRAFT for that long, in the response and in all reads.",
    )

    # Activities
    createActivityPath: str = _choice(
        "items", "elsewhere", mark="14.15: POST /items (I)", about="Where activities are created; elsewhere: 404."
    )
    activityAnswer: str = _choice(
        "marketingActivity",
        "bare",
        "no-id",
        "empty",
        "payload",
        mark="14.16: not seen",
        about="The response to creating, changing or reading an activity.",
    )
    getActivityParameter: str = _choice(
        "both", "marketingActivityId", "id", mark="14.16: not seen", about="The query parameter of Get; others are 400."
    )
    illegalMask: int = _choice(
        400,
        428,
        mark="14.16: an error (D), status not known",
        about="The status for a mask with a path that is not allowed.",
    )

    # Events
    queryEventsPath: str = _choice(
        "events/query", "elsewhere", mark="14.17: path (I)", about="Where events are queried; elsewhere: 404."
    )
    eventsKey: str = _choice(
        "calendarEvents", "events", "payload", mark="14.17: not seen", about="The key of the list of events."
    )
    eventAnswer: str = _choice(
        "calendarEvent",
        "event",
        "bare",
        "no-id",
        "empty",
        "payload",
        mark="14.17: not seen",
        about="The response to creating or replacing an event.",
    )
    updateEventKey: str = _choice(
        "event",
        "calendarEvent",
        mark="8.2: from the path variable (I)",
        about="The body key of UpdateEvent; other keys are 400.",
    )
    frequencies: str = _choice(
        "WEEKLY",
        "WEEK",
        mark="14.17: spelling (I)",
        about="Frequencies are WEEKLY, MONTHLY, YEARLY, or WEEK, MONTH, YEAR; others are 400.",
    )
    recurringShown: str = _choice(
        "once",
        "per-occurrence",
        mark="8.2: occurrences are included (D); in what form is not known",
        about="A recurring event is in the list once, or once for each occurrence.",
    )
    occurrenceForm: str = _choice(
        "objects", "texts", "none", mark="14.17: members not seen", about="The form of `recurringOccurrences`."
    )
    foreignCalendar: str = _choice(
        "other",
        "same",
        mark="8.2: how a read-only event is marked is not documented",
        about="Whether events of connected calendars show the site's own `calendarId`.",
    )
    pastEvents: str = _choice("accept", "refuse", mark="14.17: not known", about="Events in the past: kept, or 400.")

    # Settings
    settingsWrapper: str = _choice(
        "marketingSettings", "none", "payload", mark="14.18: (I)", about="The key around the settings' responses."
    )
    unsavedSettings: str = _choice(
        "in-settings",
        "on-top",
        "empty-object",
        "not-found",
        mark="9.1: only derived fields (D); where they are is not known",
        about="Settings that were never saved: derived fields inside `settings`, at the top level, {}, or 404.",
    )
    upsertAnswer: str = _choice("settings", "empty", mark="14.18: not seen", about="The response of the upsert.")
    upsertEffect: str = _choice(
        "at-once",
        "third-time",
        "never",
        mark="17.5: a 200 does not prove it (I)",
        about="The upsert returns 200, and a field takes effect at once, only from the third time it is sent, or "
        "never.",
    )
    maskDepth: str = _choice(
        "any",
        "refuse",
        "ignore",
        "replace",
        mark="17.4: not known",
        about="A mask path deeper than a field in the reference: accepted, 428, 200 without effect, or it replaces the "
        "whole field with the part that is in the body.",
    )
    wholeField: str = _choice(
        "replace",
        "merge",
        mark="17.4: not known",
        about="A mask path that names a whole object: the object is replaced by the body's, or merged with it.",
    )
    settingsFrequency: str = _choice(
        "honoured", "ignored", mark="14.18: not known", about="Whether `settings.frequency` counts in a generation."
    )
    defaultsWrapper: str = _choice("defaults", "none", mark="14.18: not seen", about="The key around the defaults.")

    # Publisher
    itemsKey: str = _choice(
        "items", "payload", mark="10.1: not seen", about="The key of the list of posts in Query Items and Get Items."
    )
    itemAnswer: str = _choice(
        "item",
        "bare",
        "empty",
        mark="10.1: D for Cancel, else (I)",
        about="The response of methods for one post; empty: {} for writes.",
    )
    getItemPath: str = _choice(
        "items", "elsewhere", mark="10.1: path (I)", about="Where one post is read; elsewhere: 404."
    )
    itemFilters: str = _choice(
        "all", "none", mark="14.19: filterable fields not seen", about="Whether Query Items can filter; if not, 400."
    )
    itemIdsParameter: str = _choice("ids", "itemIds", mark="14.19: not seen", about="The parameter of Get Items.")
    accountIds: str = _choice(
        "connected",
        "after-scheduling",
        "never",
        mark="6.4: may well be missing (I)",
        about="Which posts show `channel.accountId`.",
    )
    itemLink: str = _choice(
        "channel",
        "content",
        "none",
        mark="10.2: two candidates (S-live, S-wix)",
        about="Where a published post's link is: in `channel.externalItemUrl`, in `postUrl` or `storyUrl`, or nowhere.",
    )
    scheduledInPlan: bool = _flag(True, mark="6.4: not stated", about="Scheduled posts stay in their activity.")
    publishedInPlan: bool = _flag(True, mark="6.4: not stated", about="Published posts stay in their activity.")
    failureMembers: str = _choice(
        "message", "code", "none", mark="14.19: not seen", about="Which field `publicationError` has."
    )
    deletedItems: str = _choice(
        "hidden",
        "shown",
        mark="10.1: 428 on a second delete (D), reading is not documented",
        about="Reading a deleted post: 404, or it is shown as DELETED.",
    )
    cancelRefusal: int = _choice(
        428,
        409,
        mark="10.6: one 409 and two 428 (D); which one applies is not known",
        about="The HTTP status for cancelling a post that is not SCHEDULED.",
    )
    rescheduledTime: str = _choice(
        "exact",
        "full-hour",
        mark="10.1: what the service does with `scheduledDate` is not known",
        about="A rescheduled post goes out at the time that was asked for, or at the full hour before it.",
    )
    rescheduledId: str = _choice(
        "same",
        "new",
        mark="10.1: the response was not seen",
        about="A rescheduled post keeps its id, or gets a new one.",
    )
    cancelUnknown: int = _choice(
        428, 409, mark="10.1: no 404 (D)", about="The HTTP status for cancelling a post that does not exist."
    )
    cancelGives: str = _choice(
        "CANCELED",
        "DRAFT",
        "DELETED",
        mark="10.2: the statuses exist (S-wix); which one follows a cancellation is not stated",
        about="The status of a cancelled post.",
    )
    cancelRestoresQuota: bool = _flag(True, mark="10.5: may be restored (D)", about="Cancelling gives the quota back.")
    instagramDraftMedia: str = _choice(
        "refuse",
        "accept",
        mark="10.3: required (S-wix), at draft time (I)",
        about="An Instagram draft without media: 400, or accepted and failing when it goes out.",
    )
    neverConnected: int = _choice(
        400,
        428,
        mark="10.4: 400 (S-wix), one 428 (D)",
        about="The HTTP status of List Accounts for a channel that was never connected.",
    )
    repeatedChannelName: str = _choice(
        "each",
        "first",
        "refuse",
        mark="14.19: not known",
        about="If `channelName` is given more than once: each counts, the first counts, or it is refused.",
    )

    # Platform
    apiKeys: str = _choice(
        "accepted",
        "refused",
        mark="14.21: unproven",
        about="Whether the marketing plan services accept API keys; refused: 403.",
    )
    throttleAnswer: str = _choice(
        "envelope", "empty", "html", mark="14.20: not known", about="The body of a 429 from `requestsPerMinute`."
    )
    throttleRetryAfter: bool = _flag(False, mark="14.20: not documented", about="Whether such a 429 has `Retry-After`.")
    propertiesFields: str = _choice(
        "honoured",
        "ignored",
        mark="11.3: effect (I)",
        about="Whether `fields` limits the site properties in the response.",
    )
    timeZoneShown: bool = _flag(
        True, mark="11.3: D; some sites may have none", about="Site properties have `timeZone`."
    )


TABLE: tuple[OpenQuestion, ...] = tuple(
    OpenQuestion(
        each.name,
        each.metadata["values"],
        cast(Value | None, each.default),
        each.metadata["mark"],
        each.metadata["about"],
    )
    for each in fields(Unknowns)
)
"""All switches, in order."""


def variants() -> list[tuple[str, Value]]:
    """Every value of every switch that is not its default. Counts have none."""
    return [(each.name, value) for each in TABLE for value in each.values if value != each.default]
