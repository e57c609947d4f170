"""Owns the Publisher's items: drafts, publishing, rescheduling, cancelling, reading (10.1, 10.2)."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox import checks, premium, publishing, queries, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import Refused, application, not_found, precondition, unparsable, violation
from reconciler.sandbox.names import CHANNELS, ITEM_TYPES, SHAPES

Json = dict[str, Any]

_FILTERABLE = (  # which fields are filterable was not seen (I)
    "id", "type", "status", "channel.name", "channel.accountId", "referenceId", "external",
    "schedulingInfo.scheduledDate", "draftInfo.createdDate", "draftInfo.updatedDate",
)  # fmt: skip
_WRITABLE = ("channel", "type", "referenceId", "siteAssetRef", *SHAPES.values())


def create(call: Call) -> Json:
    """`POST /items`: a draft (D)."""
    item = _read_item(call, call.body.get("item"))
    _keep(call, item)
    return {"item": item}


def get(call: Call) -> Json:
    """`GET /items/{id}` (I: path)."""
    return {"item": _find(call, call.params["id"])}


def get_many(call: Call) -> Json:
    """`GET /items` by ids (D; the parameter's name is inferred: I). Unknown ids are left out (I)."""
    ids = checks.guids("ids", call.query.get("ids"), most=100)
    return {"items": [call.site.items[each]["item"] for each in ids if each in call.site.items]}


def query(call: Call) -> Json:
    """`POST /items/query`: offset-paged, limit 50 and offset 0 by default (D)."""
    page, metadata = queries.run(call.body, (record["item"] for record in call.site.items.values()), _FILTERABLE)
    return {"items": page, "pagingMetadata": metadata}


def publish(call: Call) -> Json:
    """`POST /publish` with `item` (D; body S-live): now, or later with a future scheduledDate (D)."""
    given = checks.message("item", call.body.get("item"))
    scheduling = given.get("schedulingInfo")
    at = None if scheduling is None else checks.message("item.schedulingInfo", scheduling).get("scheduledDate")
    item = _read_item(call, given)
    _send_out(call, item, at, "item.schedulingInfo.scheduledDate")
    _keep(call, item)
    return {"item": item}


def publish_by_id(call: Call) -> Json:
    """`POST /publish-by-id` with `id` and perhaps `scheduledDate`: a draft or a scheduled item (D)."""
    item = _find(call, checks.guid("id", call.body.get("id")))
    if item["status"] not in ("DRAFT", "SCHEDULED"):
        raise _wrong_state(item)
    _send_out(call, item, call.body.get("scheduledDate"), "scheduledDate")
    call.changed()
    return {"item": item}


def bulk_publish(call: Call) -> Json:
    """`POST /bulk/publish`: each item by itself (D). Body and answer follow the usual bulk form (I)."""
    given = call.body.get("items")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise unparsable()
    if not 1 <= len(given) <= 100:
        raise violation("items", "must have between 1 and 100 items", "MAX_SIZE")
    premium.require(call.site, "PUBLISH_POST", call.now)
    results: list[Json] = []
    for place, fields in enumerate(given):
        try:
            item = _read_item(call, fields)
            _send_out(call, item, (fields.get("schedulingInfo") or {}).get("scheduledDate"), "scheduledDate")
            _keep(call, item)
            results.append({"itemMetadata": {"id": item["id"], "originalIndex": place, "success": True}, "item": item})
        except Refused as refused:
            details = (refused.body or {}).get("details", {})
            error = details.get("applicationError") or {"code": "INVALID_ARGUMENT", "description": str(details)}
            results.append({"itemMetadata": {"originalIndex": place, "success": False, "error": error}})
    done = sum(each["itemMetadata"]["success"] for each in results)
    return {"results": results, "bulkActionMetadata": {"totalSuccesses": done, "totalFailures": len(results) - done}}


def reschedule(call: Call) -> Json:
    """`POST /items/{id}/reschedule` with `scheduledDate`: SCHEDULED items only (D; body S-wix)."""
    item = _find(call, call.params["id"])
    if item["status"] != "SCHEDULED":
        raise _wrong_state(item)
    at = _future(call, call.body.get("scheduledDate"), "scheduledDate")
    if at is None:
        raise violation("scheduledDate", "must not be empty", "REQUIRED_FIELD")
    item["schedulingInfo"] = {"scheduledDate": at}
    call.changed()
    return {"item": item}


def cancel(call: Call) -> Json:
    """`PATCH /items/{id}/cancel` with {} (S-wix). Quota may be given back (D): switchable."""
    item = _find(call, call.params["id"])
    if item["status"] != "SCHEDULED":
        raise _wrong_state(item)
    item["status"] = "CANCELED"
    if call.seed.switches.cancelRestoresQuota:
        premium.consume(call.site, "SCHEDULE_POST", call.now, -1)
    call.changed()
    return {"item": item}


def _find(call: Call, item_id: str) -> Json:
    wanted = checks.guid("id", item_id)
    if wanted not in call.site.items:
        raise not_found(f"item {wanted} does not exist", "ITEM_NOT_EXISTS")  # code S-wix, status I
    item: Json = call.site.items[wanted]["item"]
    return item


def _wrong_state(item: Json) -> Refused:
    # The codes for published and deleted are known (S-wix), their status and the third code are inferred (I).
    code = {"PUBLISHED": "ITEM_IS_PUBLISHED", "DELETED": "ITEM_IS_DELETED"}.get(item["status"], "ITEM_IS_NOT_SCHEDULED")
    return precondition(f"item is {item['status']}", code)


def _read_item(call: Call, source: object) -> Json:
    """A new item from a body: its channel and type must fit together (D)."""
    given = checks.message("item", source)
    checks.known_fields("item", given, (*_WRITABLE, "schedulingInfo", "id", "status"), call.seed.switches.unknownFields)
    channel = checks.message("item.channel", given.get("channel"))
    name = checks.choice("item.channel.name", channel.get("name"), CHANNELS)
    kind = checks.choice("item.type", given.get("type"), ITEM_TYPES)
    if name is None or kind is None:
        raise violation("item.channel.name" if name is None else "item.type", "must not be empty", "REQUIRED_FIELD")
    if (name, kind) not in SHAPES:
        raise violation("item.type", f"{kind} is not supported on {name}", "OTHER")
    wanted = SHAPES[(name, kind)]
    others = [each for each in SHAPES.values() if each != wanted and given.get(each) is not None]
    if others or given.get(wanted) is None:
        raise violation(f"item.{wanted}", f"is what {kind} on {name} takes", "REQUIRED_FIELD")
    checks.message(f"item.{wanted}", given[wanted])
    reference = checks.text("item.referenceId", given.get("referenceId"))
    if reference and any(each["item"].get("referenceId") == reference for each in call.site.items.values()):
        raise application(409, "REFERENCE_ID_ALREADY_EXIST", f"reference id {reference} exists already")  # S-wix, D
    item = {"id": "", **{field: given[field] for field in _WRITABLE if given.get(field) is not None}, "status": "DRAFT"}
    item["draftInfo"] = {"createdDate": call.stamp, "updatedDate": call.stamp}
    return item


def _keep(call: Call, item: Json) -> None:
    item["id"] = call.site.new_id("item")
    call.site.items[item["id"]] = {"activity": None, "item": item}
    call.changed()


def _future(call: Call, source: object, field: str) -> str | None:
    at = checks.moment(field, source)
    if at is None:
        return None
    if at <= call.now:
        # Strictly in the future (S-wix); a 400-class answer (S-wix).
        raise application(400, "SCHEDULED_TIME_ALREADY_PASSED", f"{field} has already passed")
    return times.show(at)


def _send_out(call: Call, item: Json, source: object, field: str) -> None:
    """Publishes an item now, or schedules it; every gate first."""
    at = _future(call, source, field)
    feature = "PUBLISH_POST" if at is None else "SCHEDULE_POST"
    channel = item["channel"]["name"]
    if channel == "TWITTER" and call.now >= publishing.X_ENDED:
        raise precondition("channel TWITTER is not supported", "UNSUPPORTED_CHANNEL")  # S-wix
    if item["status"] != "SCHEDULED" or at is None:
        premium.require(call.site, feature, call.now)
    if not publishing.can_publish(call.site, channel, call.now):
        raise precondition(f"channel {channel} is not connected", "USER_IS_DISCONNECTED")  # I
    publishing.check_content(item)
    if item["status"] != "SCHEDULED" or at is None:
        premium.consume(call.site, feature, call.now)
    if at is None:
        publishing.mark_scheduled(call.site, item, call.later(call.seed.latency.posts))
        item["status"] = "PROCESSING"  # in flight (D), then PUBLISHED by the clock
    else:
        publishing.mark_scheduled(call.site, item, at)
