"""Owns the form in which posts are sent: within a plan, within activities, and on their own (10.2)."""

from __future__ import annotations

from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import SHAPES
from reconciler.sandbox.state import guid
from reconciler.sandbox.unknowns import Unknowns

_ONE = frozenset({
    "POST /publisher/items", "GET /publisher/items/{id}", "PATCH /publisher/items/{id}", "POST /publisher/publish",
    "POST /publisher/publish-by-id", "POST /publisher/items/{id}/reschedule",
})  # fmt: skip
_CANCEL = "PATCH /publisher/items/{id}/cancel"  # returns the item (D)
_MANY = frozenset({"GET /publisher/items", "POST /publisher/items/query"})
_SCHEDULED = "POST /marketing-plan/schedule-drafts"


def shaped(route: str, value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer with its posts in the form in which they are sent. The given value is not changed."""
    shown = dict(value)
    if isinstance(shown.get("marketingActivities"), list):
        shown["marketingActivities"] = [_activity(each, route, unknowns) for each in shown["marketingActivities"]]
    if isinstance(shown.get("marketingActivity"), dict):
        shown["marketingActivity"] = _activity(shown["marketingActivity"], route, unknowns)
    if "results" in shown:
        shown["results"] = [
            {**each, "item": item(each["item"], unknowns)} if "item" in each else each for each in shown["results"]
        ]
    if isinstance(shown.get("items"), list):
        shown["items"] = [item(each, unknowns) for each in shown["items"]]
    if route in _MANY and "items" in shown:
        shown[unknowns.itemsKey] = shown.pop("items")
    if route == _SCHEDULED and unknowns.scheduleAnswer != "whole":
        return {} if unknowns.scheduleAnswer == "empty" else {
            "items": [_short(each) for each in shown.get("items", ())]
        }  # fmt: skip
    if route == _CANCEL:
        shown["item"] = item(shown["item"], unknowns)
    if route in _ONE:
        return _one(route, item(shown["item"], unknowns), unknowns)
    return shown


def _one(route: str, shown: JsonDict, unknowns: Unknowns) -> JsonDict:
    if unknowns.itemAnswer == "bare":
        return shown
    return {} if unknowns.itemAnswer == "empty" and not route.startswith("GET ") else {"item": shown}


def _activity(activity: JsonDict, route: str, unknowns: Unknowns) -> JsonDict:
    shown = {**activity}
    if unknowns.newEnumMembers == "activity-type" and "marketingActivityType" in shown:
        shown["marketingActivityType"] = "SMS_MARKETING"
    if unknowns.videoCandidates and "marketingActivityId" in shown:
        shown["videoCandidates"] = [{"id": guid(shown["marketingActivityId"], "video"), "status": "READY"}]
    if not isinstance(shown.get("items"), list):
        return shown
    kept = {"SCHEDULED": unknowns.scheduledInPlan, "PUBLISHED": unknowns.publishedInPlan}
    found = [each for each in shown.pop("items") if kept.get(each["status"], True)]
    if unknowns.newEnumMembers == "channel" and found:
        found.append(_novel(found[0]))
    form = unknowns.planItems if route == "GET /marketing-plan" else unknowns.postsItems
    if form == "none":
        return shown
    items = [item(each, unknowns) for each in found]
    stories = [each for each in items if each["type"] == "STORY"] if unknowns.storiesKey == "stories" else []
    others = [each for each in items if each not in stories]
    if others or unknowns.emptyLists != "omit":
        shown[unknowns.postItemsKey] = [_short(each) for each in others] if form == "short" else others
    if stories:
        shown["stories"] = [_short(each) for each in stories] if form == "short" else stories
    return shown


def _short(item: JsonDict) -> JsonDict:
    return {"id": item["id"], "channel": {"name": item["channel"]["name"]}, "status": item["status"]}


def _novel(like: JsonDict) -> JsonDict:
    """A draft on a channel that no client knows yet."""
    text = {"caption": "Something new"}
    return {
        "id": guid(like["id"], "novel"), "channel": {"name": "THREADS"}, "type": "POST", "status": "DRAFT",
        "threadsPost": text,
    }  # fmt: skip


def item(given: JsonDict, unknowns: Unknowns) -> JsonDict:
    """A post in the form in which it is sent."""
    shown = {"external": False, "referenceId": "", **given} if unknowns.zeroValues == "emit" else dict(given)
    status = shown["status"]
    if unknowns.accountIds == "never" or (unknowns.accountIds == "after-scheduling" and status == "DRAFT"):
        shown["channel"] = _without(shown["channel"], "accountId")
    if not unknowns.scheduledDateShown:
        shown.pop("schedulingInfo", None)
    if unknowns.itemLink != "channel" and "externalItemUrl" in shown["channel"]:
        _move_link(shown, unknowns.itemLink)
    if "publicationError" in shown and unknowns.failureMembers != "message":
        shown["publicationError"] = {"errorCode": "PUBLICATION_FAILED"} if unknowns.failureMembers == "code" else {}
    if unknowns.newEnumMembers == "item-status" and status == "DRAFT":
        shown["status"] = "AWAITING_REVIEW"
    if unknowns.newEnumMembers == "item-type" and shown["type"] == "POST":
        shown["type"] = "CAROUSEL"
    return shown


def _move_link(shown: JsonDict, where: str) -> None:
    link = shown["channel"]["externalItemUrl"]
    shown["channel"] = _without(shown["channel"], "externalItemUrl", "externalItemId")
    name = SHAPES[(shown["channel"]["name"], shown["type"])]
    if where == "content" and name in shown:
        shown[name] = {**shown[name], "storyUrl" if shown["type"] == "STORY" else "postUrl": link}


def _without(value: JsonDict, *names: str) -> JsonDict:
    return {name: each for name, each in value.items() if name not in names}
