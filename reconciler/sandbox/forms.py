"""Owns the form in which an answer is sent: what the handlers say, put as the world's unknowns have it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reconciler.sandbox import form_of_items, settings_shape
from reconciler.sandbox.errors import Refused
from reconciler.sandbox.messages import encoded
from reconciler.sandbox.unknowns import Unknowns

Json = dict[str, Any]

UNHEARD_OF = "payload"
"""A key that no client can know."""

_PAGE = 10
"""Members of a list that says there are more."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def success(route: str, value: Json, unknowns: Unknowns, *, writes: bool) -> tuple[int, bytes]:
    """Status and body of a success. `route` is `METHOD path`, the path without its service's beginning."""
    if route.startswith("POST /oauth2/"):
        return 200, encoded(value)  # OAuth, not the platform's JSON
    status = unknowns.successStatus if writes else 200  # every success is 200 (S-sdk)
    if route == "GET /marketing-plan" and value["status"] == "NEVER_CREATED":
        value = {**value}
        match unknowns.noPlanAnswer:
            case "no-status":
                del value["status"]
            case "empty-object":
                value = {}
            case "nothing":
                return 200, b""
            case "no-content":
                return 204, b""
            case "null":
                return 200, b"null"
            case "list":
                return 200, b"[]"
            case _:
                pass
    if writes and not value and unknowns.emptyAnswer != "object":
        return (204, b"") if unknowns.emptyAnswer == "no-content" else (status, b"")
    shaped: Any = form_of_items.shaped(route, value, unknowns)
    shape = _SHAPES.get(route)
    if shape is not None and shaped:
        shaped = shape(shaped, unknowns)
    return status, encoded(_everywhere(shaped, unknowns))


def refusal(refused: Refused, unknowns: Unknowns) -> tuple[int, bytes]:
    """Status and body of a refusal."""
    status = unknowns.preconditionStatus if refused.status == 428 else refused.status
    if unknowns.refusalStatus == "200" and refused.body is not None and "details" in refused.body:
        status = 200
    return status, refused.text.encode() or encoded(refused.body)


# --- one route ---------------------------------------------------------------------------------------------------


def _plan(value: Json, unknowns: Unknowns) -> Json:
    if unknowns.newEnumMembers == "plan-status" and value.get("status") == "ACTIVE":
        value["status"] = "ACTIVE_OPTIMISED"
    value = _paged(value, "marketingActivities", unknowns)
    value = _renamed(value, "marketingActivities", unknowns.activitiesKey)
    if unknowns.planId:
        value["id"] = "5eed0000-0000-4000-8000-000000000001"
    return value if unknowns.planWrapper == "none" else {unknowns.planWrapper: value}


def _activity_posts(value: Json, unknowns: Unknowns) -> Json:
    return _renamed(_paged(value, "marketingActivities", unknowns), "marketingActivities", unknowns.activitiesKey)


def _snapshot(value: Json, unknowns: Unknowns) -> Json:
    inner = value["marketingActivity"]
    match unknowns.snapshot:
        case "bare":
            return dict(inner)
        case "list":
            return {"marketingActivities": [inner]}
        case "empty":
            return {}
        case "payload":
            return {UNHEARD_OF: inner}
        case _:
            return value


def _created(key: str, form: str, value: Json) -> Json:
    inner = dict(value[key])
    match form:
        case "bare":
            return inner
        case "no-id":
            inner.pop("id")
            return {key: inner}
        case "empty":
            return {}
        case _:
            return {form: inner}


def _activity(value: Json, unknowns: Unknowns) -> Json:
    return _created("marketingActivity", unknowns.activityAnswer, value)


def _event(value: Json, unknowns: Unknowns) -> Json:
    shown = _shown_event(value["calendarEvent"], unknowns)
    return _created("calendarEvent", unknowns.eventAnswer, {"calendarEvent": shown})


def _events(value: Json, unknowns: Unknowns) -> Json:
    if value.get("calendarEvents"):
        value["calendarEvents"] = [_shown_event(each, unknowns) for each in value["calendarEvents"]]
    return _renamed(_paged(value, "calendarEvents", unknowns), "calendarEvents", unknowns.eventsKey)


def _shown_event(event: Json, unknowns: Unknowns) -> Json:
    shown = {"name": "", "description": "", **event} if unknowns.zeroValues == "emit" else dict(event)
    occurrences = shown.get("recurringOccurrences")
    if occurrences is not None and unknowns.occurrenceForm == "texts":
        shown["recurringOccurrences"] = [each["date"] for each in occurrences]
    elif occurrences is not None and unknowns.occurrenceForm == "none":
        del shown["recurringOccurrences"]
    return shown


def _settings(value: Json, unknowns: Unknowns) -> Json:
    if "id" not in value:  # never saved
        match unknowns.unsavedSettings:
            case "on-top":
                value = dict(value["settings"])
            case "empty-object":
                value = {}
            case _:
                pass
    elif unknowns.zeroValues == "emit":
        value = settings_shape.with_zeros(value, settings_shape.SHAPE)
    return value if unknowns.settingsWrapper == "none" else {unknowns.settingsWrapper: value}


def _upserted(value: Json, unknowns: Unknowns) -> Json:
    return {} if unknowns.upsertAnswer == "empty" else _settings(value, unknowns)


def _defaults(value: Json, unknowns: Unknowns) -> Json:
    return value if unknowns.defaultsWrapper == "defaults" else dict(value["defaults"])


def _token_status(value: Json, unknowns: Unknowns) -> Json:
    fresh = unknowns.newEnumMembers == "token-status" and value["status"] == "VALID"
    return {"status": "VALID_LONG_LIVED"} if fresh else value


def _properties(value: Json, unknowns: Unknowns) -> Json:
    if not unknowns.timeZoneShown:
        value["properties"] = {name: each for name, each in value["properties"].items() if name != "timeZone"}
    return value


_SHAPES: dict[str, Callable[[Json, Unknowns], Json]] = {
    "GET /marketing-plan": _plan,
    "POST /marketing-activity-posts": _activity_posts,
    "POST /marketing-plan/regenerate-marketing-activity-posts": _snapshot,
    "POST /marketing-plan/regenerate-marketing-activity-posts-media": _snapshot,
    "PATCH /marketing-plan/update-marketing-activity-posts-media": _snapshot,
    "POST /marketing-plan/regenerate-marketing-activity-stories": _snapshot,
    "PATCH /marketing-plan/update-marketing-activity-stories-media": _snapshot,
    "POST /items": _activity,
    "PATCH /items/{id}": _activity,
    "GET /marketing-activity": _activity,
    "POST /events": _event,
    "PUT /events/{id}": _event,
    "POST /events/query": _events,
    "GET /marketing-settings": _settings,
    "POST /marketing-settings": _upserted,
    "GET /marketing-settings/defaults": _defaults,
    "GET /publisher/{channelName}/long-lived-token-status": _token_status,
    "GET /site-properties/v4/properties": _properties,
}


def _renamed(value: Json, old: str, new: str) -> Json:
    return {new if name == old else name: each for name, each in value.items()}


def _paged(value: Json, key: str, unknowns: Unknowns) -> Json:
    """Says that there is more, and shows the first of it; or that this was all."""
    if unknowns.pagingSigns == "none":
        return value
    rows = value.get(key) or []
    more = len(rows) > _PAGE and unknowns.pagingSigns != "complete"
    shown = rows[:_PAGE] if more else rows
    value = {**value, key: shown}
    match unknowns.pagingSigns:
        case "cursor":
            cursors = {"next": "cGFnZTI"} if more else {}
            return {**value, "metadata": {"count": len(shown), "cursors": cursors, "hasNext": more}}
        case "total":
            return {**value, "pagingMetadata": {"count": len(shown), "total": len(rows)}}
        case _:
            return {**value, "pagingMetadata": {"count": len(shown), "hasNext": more}}


# --- all routes --------------------------------------------------------------------------------------------------


def _everywhere(value: Any, unknowns: Unknowns) -> Any:
    """Numbers, moments and lists as they are sent; members that nobody knows yet."""
    plain = (unknowns.numbers, unknowns.moments, unknowns.addedFields) == ("plain", "milliseconds", False)
    if plain and unknowns.emptyLists != "null":
        return value
    if isinstance(value, dict):
        changed = {name: _everywhere(each, unknowns) for name, each in value.items()}
        return {**changed, "addedLater": {"kind": "NOVEL"}} if unknowns.addedFields else changed
    if isinstance(value, list):
        if not value and unknowns.emptyLists == "null":
            return None
        return [_everywhere(each, unknowns) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return {"text": str(value), "decimal": float(value)}.get(unknowns.numbers, value)
    if isinstance(value, str) and unknowns.moments != "milliseconds" and _MOMENT.fullmatch(value):
        return value[:-5] + ("Z" if unknowns.moments == "seconds" else "+00:00")
    return value
