"""Owns scheduling drafts, and publishing them when their time comes (6.2)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from reconciler.sandbox import checks, premium, publishing, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import precondition
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.state import Site


def schedule(call: Call) -> JsonDict:
    """`POST /marketing-plan/schedule-drafts`.

    Needs SCHEDULE_POST, else 428 (D). Ids that are not drafts, and drafts of channels that are not connected, are
    skipped silently (D). So are unknown ids (I) and, depending on the world's switches, drafts beyond the quota.
    """
    wanted = checks.strings("draftIds", call.body.get("draftIds"))  # S-wix: 1-20 strings
    site = call.site
    premium.require(site, "SCHEDULE_POST", call.now)
    quota = call.seed.unknowns.scheduleQuota
    left = None if quota == "none" else premium.remaining(site, "SCHEDULE_POST", call.now)
    if quota == "per-call" and left is not None and left < len(wanted):
        raise precondition("site is not eligible for feature SCHEDULE_POST", "INELIGIBLE_FOR_FEATURE")
    scheduled: list[JsonDict] = []
    for draft_id in dict.fromkeys(wanted):
        record = site.items.get(draft_id)
        if record is None or record["item"]["status"] != "DRAFT":
            continue
        if "scheduledLater" in record:
            scheduled.append(record["item"])
            continue
        if not publishing.can_publish(site, record["item"]["channel"]["name"], call.now):
            continue
        at = _moment_of(call, record)
        if at is None or (left is not None and len(scheduled) >= left):
            continue
        publishing.fail_when_due(record, call.directive("not-published"))
        publishing.schedule(call, record, at)
        scheduled.append(record["item"])
    if scheduled:
        premium.consume(site, "SCHEDULE_POST", call.now, len(scheduled))
        call.changed()
    return {"items": scheduled} if scheduled or call.seed.unknowns.emptyLists != "omit" else {}


def _moment_of(call: Call, record: JsonDict) -> str | None:
    """When a draft goes out.

    What happens if that time has passed is not known (14.7), so a switch decides.
    """
    unknowns = call.seed.unknowns
    activity = call.site.activities.get(record["activity"] or "")
    if activity is not None and unknowns.schedulePlacement != "in-an-hour":
        at = times.must(activity["date"])
        if unknowns.schedulePlacement == "activity-morning":
            at = datetime.combine(at.astimezone(zone := times.zone(call.site.facts["timeZone"])), time(6), zone)
        if at > call.now:
            return times.show(at)
        if unknowns.pastSchedule == "refuse":
            raise precondition("the activity's date has passed")
        if unknowns.pastSchedule == "skip":
            return None
    return times.show(call.now + timedelta(hours=1))


def publish_due(site: Site, now: datetime) -> None:
    """Publishes the scheduled posts whose time has come, or makes them fail."""
    for record in site.items.values():
        item = record["item"]
        if item["status"] == "IN_QUEUE" and record["queuedUntil"] <= times.show(now):
            item["status"] = "SCHEDULED"
        if "scheduledLater" in record and record["queuedUntil"] <= times.show(now):
            publishing.mark_scheduled(site, item, record.pop("scheduledLater"))
        if item["status"] in ("SCHEDULED", "PROCESSING") and item["schedulingInfo"]["scheduledDate"] <= times.show(now):
            publishing.go_out(site, item, record.get("fails"))
