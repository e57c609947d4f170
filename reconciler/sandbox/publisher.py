"""Owns the Publisher's items: drafts, publishing, rescheduling, cancelling, reading (10.1, 10.2)."""

from __future__ import annotations

from reconciler.sandbox import checks, posts, premium, publishing, queries, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import HttpError, application, not_found, precondition, unparsable, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import CHANNELS, ITEM_TYPES, SHAPES

_FILTERABLE = (  # which fields are filterable was not seen (I)
    "id", "type", "status", "channel.name", "channel.accountId", "referenceId", "external",
    "schedulingInfo.scheduledDate", "draftInfo.createdDate", "draftInfo.updatedDate",
)  # fmt: skip
_WRITABLE = ("channel", "type", "referenceId", "siteAssetRef", *SHAPES.values())


def create(call: Call) -> JsonDict:
    """`POST /items`: a draft (D)."""
    item = _read_item(call, call.body.get("item"))
    _keep(call, item)
    return {"item": item}


def update(call: Call) -> JsonDict:
    """`PATCH /items/{item.id}`: only the fields sent change, without a mask; an unknown id is 404 (D).

    Objects are merged (I). A date is Reschedule's business (D); status and read-only members stay (I).
    """
    given = checks.message("item", call.body.get("item"))
    item = _find(call, call.params["id"])
    _check_known(call, given)
    changed = _merged(item, {name: given[name] for name in _WRITABLE if given.get(name) is not None})
    _check_shape(changed)
    _check_reference(call, changed)
    _check_draft(call, changed)
    item.update(changed, draftInfo={**item.get("draftInfo", {}), "updatedDate": call.stamp})
    call.changed()
    return {"item": item}


def _merged(item: JsonDict, given: JsonDict) -> JsonDict:
    return {
        **item,
        **{
            name: _merged(item.get(name) or {}, value) if isinstance(value, dict) else value
            for name, value in given.items()
        },
    }


def delete(call: Call) -> JsonDict:
    """`DELETE /items/{id}`: 404 ITEM_NOT_EXISTS, 428 ITEM_IS_DELETED for one deleted before (D)."""
    item = _find(call, call.params["id"], deleted=True)
    if item["status"] == "DELETED":
        raise _wrong_state(item)
    item["status"] = "DELETED"
    activity = call.site.activities.get(call.site.items[item["id"]]["activity"] or "")
    if activity is not None:
        activity["items"].remove(item["id"])
    call.changed()
    return {}


def get(call: Call) -> JsonDict:
    """`GET /items/{id}` (I: path)."""
    return {"item": _find(call, call.params["id"])}


def get_many(call: Call) -> JsonDict:
    """`GET /items` by ids (D; the parameter's name is inferred: I). Unknown ids are left out (I)."""
    name = call.seed.unknowns.itemIdsParameter
    ids = checks.guids(name, call.query.get(name), most=100)
    shown = {item["id"]: item for item in _shown(call)}
    return {"items": [shown[each] for each in ids if each in shown]}


def query(call: Call) -> JsonDict:
    """`POST /items/query`: offset-paged, limit 50 and offset 0 by default (D)."""
    fields = _FILTERABLE if call.seed.unknowns.itemFilters == "all" else ()
    page, metadata = queries.run(call.body, _shown(call), fields)
    return {"items": page, "pagingMetadata": metadata}


def publish(call: Call) -> JsonDict:
    """`POST /publish` with `item` (D; body S-live): now, or later with a future scheduledDate (D)."""
    given = checks.message("item", call.body.get("item"))
    item = _read_item(call, given)
    _send_out(call, item, _wanted_date(given), "item.schedulingInfo.scheduledDate")
    _keep(call, item)
    return {"item": item}


def _wanted_date(given: JsonDict) -> object:
    """When an item is to go out; None: now."""
    scheduling = given.get("schedulingInfo")
    return None if scheduling is None else checks.message("item.schedulingInfo", scheduling).get("scheduledDate")


def publish_by_id(call: Call) -> JsonDict:
    """`POST /publish-by-id` with `id` and optionally `scheduledDate`: a draft or a scheduled item (D)."""
    item = _find(call, checks.guid("id", call.body.get("id")))
    if item["status"] not in ("DRAFT", "SCHEDULED"):
        raise _wrong_state(item)
    _send_out(call, item, call.body.get("scheduledDate"), "scheduledDate")
    publishing.fail_when_due(call.site.items[item["id"]], call.directive("not-published"))
    call.changed()
    return {"item": item}


def bulk_publish(call: Call) -> JsonDict:
    """`POST /bulk/publish`: each item separately (D). Body and answer follow the usual bulk form (I)."""
    given = call.body.get("items")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise unparsable()
    if not 1 <= len(given) <= 100:
        raise violation("items", "must have between 1 and 100 items", "MAX_SIZE")
    premium.require(call.site, "PUBLISH_POST", call.now)
    results: list[JsonDict] = []
    for place, fields in enumerate(given):
        try:
            item = _read_item(call, fields)
            _send_out(call, item, _wanted_date(fields), "scheduledDate")
            _keep(call, item)
            results.append({"itemMetadata": {"id": item["id"], "originalIndex": place, "success": True}, "item": item})
        except HttpError as refused:
            details = (refused.body or {}).get("details", {})
            error = details.get("applicationError") or {"code": "INVALID_ARGUMENT", "description": str(details)}
            results.append({"itemMetadata": {"originalIndex": place, "success": False, "error": error}})
    done = sum(each["itemMetadata"]["success"] for each in results)
    return {"results": results, "bulkActionMetadata": {"totalSuccesses": done, "totalFailures": len(results) - done}}


def reschedule(call: Call) -> JsonDict:
    """`POST /items/{id}/reschedule` with `scheduledDate`: SCHEDULED items only (D; body S-wix)."""
    item = _find(call, call.params["id"])
    if item["status"] != "SCHEDULED":
        raise _wrong_state(item)
    at = _future(call, call.body.get("scheduledDate"), "scheduledDate")
    if at is None:
        raise violation("scheduledDate", "must not be empty", "REQUIRED_FIELD")
    if call.seed.unknowns.rescheduledTime == "full-hour":
        at = times.show(times.must(at).replace(minute=0, second=0, microsecond=0))
    item["schedulingInfo"] = {"scheduledDate": at}
    if call.seed.unknowns.rescheduledId == "new":
        posts.rename(call.site, item)
    call.changed()
    return {"item": item}


def cancel(call: Call) -> JsonDict:
    """`PATCH /items/{id}/cancel` with {} (S-wix): returns the cancelled item; 409 or 428, never 404 (D).

    Which refusal has which status is not known (I). Quota may be given back (D).
    """
    unknowns = call.seed.unknowns
    wanted = checks.guid("id", call.params["id"])
    if wanted not in call.site.items:
        raise application(unknowns.cancelUnknown, "ITEM_NOT_EXISTS", f"item {wanted} does not exist")
    item: JsonDict = call.site.items[wanted]["item"]
    if item["status"] != "SCHEDULED":
        raise _wrong_state(item, unknowns.cancelRefusal)
    item["status"] = unknowns.cancelGives
    if item["status"] == "DRAFT":
        item.pop("schedulingInfo", None)
    if call.seed.unknowns.cancelRestoresQuota:
        premium.consume(call.site, "SCHEDULE_POST", call.now, -1)
    call.changed()
    return {"item": item}


def _shown(call: Call) -> list[JsonDict]:
    """All posts that a read shows."""
    items = (record["item"] for record in call.site.items.values())
    return [item for item in items if item["status"] != "DELETED" or call.seed.unknowns.deletedItems == "shown"]


def _find(call: Call, item_id: str, *, deleted: bool = False) -> JsonDict:
    wanted = checks.guid("id", item_id)
    record = call.site.items.get(wanted)
    hidden = not deleted and call.seed.unknowns.deletedItems == "hidden"
    if record is None or (hidden and record["item"]["status"] == "DELETED"):
        # The code is D for delete, whose page names it, and I for the others.
        raise not_found(f"item {wanted} does not exist", "ITEM_NOT_EXISTS")
    item: JsonDict = record["item"]
    return item


def _wrong_state(item: JsonDict, status: int = 428) -> HttpError:
    # The codes for published and deleted are known (D, S-wix), the third one is inferred (I).
    code = {"PUBLISHED": "ITEM_IS_PUBLISHED", "DELETED": "ITEM_IS_DELETED"}.get(item["status"], "ITEM_IS_NOT_SCHEDULED")
    return application(status, code, f"item is {item['status']}")


def _read_item(call: Call, source: object) -> JsonDict:
    """A new item from a body: its channel and type must fit together (D)."""
    given = checks.message("item", source)
    _check_known(call, given)
    _check_shape(given)
    _check_reference(call, given)
    item = {"id": "", **{field: given[field] for field in _WRITABLE if given.get(field) is not None}, "status": "DRAFT"}
    _check_draft(call, item)
    item["draftInfo"] = {"createdDate": call.stamp, "updatedDate": call.stamp}
    return item


def _check_known(call: Call, given: JsonDict) -> None:
    checks.known_fields("item", given, (*_WRITABLE, "schedulingInfo", "id", "status"), call.seed.unknowns.unknownFields)


def _check_draft(call: Call, item: JsonDict) -> None:
    """An Instagram draft needs media (S-wix; at draft time: I). Any other draft may contain anything."""
    name = publishing.content_key(item)
    if call.seed.unknowns.instagramDraftMedia == "refuse":
        publishing.check_media(name, item[name])


def _check_shape(given: JsonDict) -> None:
    """Channel, type and content object must be a combination that exists (D)."""
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
        raise violation(f"item.{wanted}", f"must be the only content of a {kind} on {name}", "REQUIRED_FIELD")
    checks.message(f"item.{wanted}", given[wanted])


def _check_reference(call: Call, given: JsonDict) -> None:
    reference = checks.text("item.referenceId", given.get("referenceId"))
    others = (each["item"] for each in call.site.items.values() if each["item"]["id"] != given.get("id"))
    if reference and any(each.get("referenceId") == reference for each in others):
        raise application(409, "REFERENCE_ID_ALREADY_EXIST", f"reference id {reference} already exists")  # S-wix, D


def _keep(call: Call, item: JsonDict) -> None:
    item["id"] = call.site.new_id("item")
    record = call.site.items[item["id"]] = {"activity": None, "item": item}
    publishing.fail_when_due(record, call.directive("not-published"))
    call.changed()


def _future(call: Call, source: object, field: str) -> str | None:
    at = checks.moment(field, source)
    if at is None:
        return None
    if at <= call.now:
        # Strictly in the future (S-wix); a 400-class answer (S-wix).
        raise application(400, "SCHEDULED_TIME_ALREADY_PASSED", f"{field} has already passed")
    return times.show(at)


def _send_out(call: Call, item: JsonDict, source: object, field: str) -> None:
    """Publishes an item now, or schedules it, after passing every gate."""
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
    elif (record := call.site.items.get(item["id"])) is not None:
        publishing.schedule(call, record, at)
    else:
        publishing.mark_scheduled(call.site, item, at)
