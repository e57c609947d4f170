"""Owns the marketing plan: its status machine, generating, reading, deleting, and what happens as time passes (6)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from reconciler.sandbox import activities, checks, content, events, posts, regeneration, scheduling, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import HttpError, not_found, precondition, violation
from reconciler.sandbox.form_parts import paged, renamed
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import TOOLS
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns


def generate(call: Call) -> JsonDict:
    """`POST /marketing-plan/generate-marketing-plan`: returns GENERATING at once (D)."""
    status = call.site.plan["status"]
    # Generating while GENERATING or ACTIVE is not documented: both are switches (I).
    unknowns = call.seed.unknowns
    rule = {"GENERATING": unknowns.generateWhileGenerating, "ACTIVE": unknowns.generateWhileActive}.get(status)
    if rule == "ignore":
        return {"status": status}
    if rule == "refuse" and status == "GENERATING":
        raise _already_generating()
    if rule == "refuse":
        raise precondition("plan already exists", "PLAN_ALREADY_EXISTS")
    return _start(call, call.seed.latency.generate)


def regenerate(call: Call) -> JsonDict:
    """`POST /marketing-plan/regenerate-marketing-plan`: keeps past activities, replaces upcoming ones (D)."""
    _regenerable(call)
    return _start(call, call.seed.latency.regenerate)


def regenerate_with_keyword_research(call: Call) -> JsonDict:
    """Regenerates with keyword research first: takes longer, refreshes the blog activities (D; path S-wix)."""
    _regenerable(call)
    call.site.plan["researched"] = call.site.plan.get("researched", 0) + 1
    return _start(call, 2 * call.seed.latency.regenerate)


def _regenerable(call: Call) -> None:
    status = call.site.plan["status"]
    if status == "GENERATING":
        raise _already_generating()  # D + S-wix
    if status == "NEVER_CREATED" and call.seed.unknowns.regenerateWithoutPlan == "refuse":
        raise precondition("there is no marketing plan to regenerate")  # I


def _already_generating() -> Exception:
    return precondition("plan already generating", "PLAN_ALREADY_GENERATING_ERROR")


def _start(call: Call, seconds: float) -> JsonDict:
    site = call.site
    begin(site, call.now, call.later(seconds), fate(call))
    if (fault := call.directive("partial")) is not None:
        site.plan["inputs"]["every"] = fault.get("every", 2)
    call.changed()
    return {"status": "GENERATING"}


def fate(call: Call) -> str:
    """How a generation that starts now will end: ACTIVE, FAILED, or NEVER."""
    site = call.site
    if site.behaviour.get("neverFinish") or call.directive("never-finishes"):
        return "NEVER"
    if site.behaviour.get("failGeneration") or call.directive("failed"):
        return "FAILED"
    # An unpublished site is not refused: its plan ends FAILED, or ACTIVE without posts (both D).
    if not site.facts["published"] and site.behaviour.get("unpublishedGives") == "failed":
        return "FAILED"
    return "ACTIVE"


def begin(site: Site, now: datetime, due: str, end: str) -> None:
    """Starts a generation. Settings, overrides and events are read now and never again for it (D)."""
    saved = site.settings or {}
    zone = times.zone(site.facts["timeZone"])
    today = now.astimezone(zone).date()
    last = datetime.combine(times.end_of_next_month(today), time(23, 59), zone)
    site.plan.update(
        status="GENERATING",
        due=None if end == "NEVER" else due,
        inputs={
            "started": times.show(now),
            "end": end,
            "published": site.facts["published"],
            "settings": saved.get("settings", {}),
            "overrides": saved.get("overrides", {}),
            "events": events.occurring(site, now, last.astimezone(UTC)),
            "research": site.plan.get("researched", 0),
        },
    )


def finish_due(site: Site, now: datetime, seed: Seed) -> bool:
    """Carries out what was due by now: generations end, posts appear, scheduled posts go out."""
    if site.wake is None or site.wake > times.show(now):
        return False
    if site.plan.get("due") and site.plan["due"] <= times.show(now):
        _finish(site, seed)
    regeneration.finish_due(site, now, seed)
    scheduling.publish_due(site, now)
    return True


def _finish(site: Site, seed: Seed) -> None:
    inputs = site.plan.pop("inputs")
    site.plan["due"] = None
    site.plan["status"] = inputs["end"]
    if inputs["end"] != "ACTIVE":
        return
    first = site.plan["generation"] == 0
    site.plan["generation"] += 1
    for activity in list(site.activities.values()):
        upcoming = activity["date"] >= inputs["started"]
        if upcoming and not (activity["own"] and seed.unknowns.createdActivitiesSurvive):
            activities.remove(site, activity, posts.on_regeneration(seed.unknowns))
    zone = times.zone(site.facts["timeZone"])
    today = times.must(inputs["started"]).astimezone(zone).date()
    horizon = content.near_term(today, seed.unknowns.nearTermDays)
    key = (site.id, site.behaviour.get("contentSeed", seed.content_seed), site.plan["generation"])
    tools = inputs["settings"].get("marketingTools") or TOOLS
    near = 0
    for made in content.activities(inputs, zone, key, seed.unknowns.settingsFrequency == "honoured"):
        if not first and made["date"] < inputs["started"]:
            continue  # the past was kept
        activity = activities.add(site, made, own=False)
        if made["type"] != "SOCIAL_MARKETING" or "SOCIAL_MARKETING" not in tools or not inputs["published"]:
            continue
        if times.must(made["date"]).astimezone(zone).date() <= horizon:
            near += 1
            started = times.must(inputs["started"])
            if not inputs.get("every") or near % inputs["every"]:
                posts.make_drafts(site, activity, inputs["settings"], started, seed)
            elif seed.unknowns.failedPosts == "failed-items":
                posts.make_failed(site, activity, inputs["settings"], started, seed)


def get_plan(call: Call) -> JsonDict:
    """`GET /marketing-plan`: status and activities, from today on unless asked otherwise (D)."""
    site, unknowns = call.site, call.seed.unknowns
    if site.plan["status"] == "ACTIVE" and site.touched:
        idle = call.now - times.must(site.touched)
        if idle >= timedelta(days=unknowns.idleDays):
            site.plan["status"] = "INACTIVE"  # by this very GET (D); about six weeks (S-wix)
            call.moved_on()
    if site.plan["status"] == "NEVER_CREATED":
        if unknowns.noPlanAnswer == "not-found":
            raise not_found("there is no marketing plan")
        if unknowns.noPlanAnswer == "error-with-200":
            error = not_found("there is no marketing plan")
            raise HttpError(200, error.body)
    first, last = _window(call)
    shown: JsonDict = {"status": site.plan["status"]}
    visible = site.plan["status"] == "ACTIVE" or (
        site.plan["status"] == "GENERATING" and unknowns.generatingShows == "previous"
    )
    found = [
        activities.in_plan(site, activity, unknowns)
        for activity in sorted(site.activities.values(), key=lambda each: (each["date"], each["id"]))
        if visible and first <= activity["date"] and (last is None or activity["date"] <= last)
    ]
    if found or unknowns.emptyLists != "omit":
        shown["marketingActivities"] = found
    return shown


def _window(call: Call) -> tuple[str, str | None]:
    # The meaning of a single bound is not documented (I): the other keeps its default, or 400.
    given = {}
    for name in ("startDate", "endDate"):
        text = call.one(f"timeframe.{name}")
        given[name] = checks.moment(f"timeframe.{name}", text)
    first = given["startDate"]
    if call.seed.unknowns.oneBound == "refuse" and (first is None) != (given["endDate"] is None):
        raise violation("timeframe", "needs startDate and endDate")
    if first is None:
        # The time zone of "today" is not documented (I).
        zone = times.zone(call.site.facts["timeZone"] if call.seed.unknowns.dayZone == "site" else "UTC")
        first = datetime.combine(call.now.astimezone(zone).date(), time(), zone)
    last = given["endDate"]
    return times.show(first), None if last is None else times.show(last)


def form_of_plan(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows the marketing plan."""
    if unknowns.newEnumMembers == "plan-status" and value.get("status") == "ACTIVE":
        value["status"] = "ACTIVE_OPTIMISED"
    value = paged(value, "marketingActivities", unknowns)
    value = renamed(value, "marketingActivities", unknowns.activitiesKey)
    if unknowns.planId:
        value["id"] = "5eed0000-0000-4000-8000-000000000001"
    return value if unknowns.planWrapper == "none" else {unknowns.planWrapper: value}


def delete_plan(call: Call) -> JsonDict:
    """`DELETE /marketing-plan`: the plan and all its activities are gone; returns {} (D)."""
    if call.site.plan["status"] != "NEVER_CREATED" or call.site.activities:
        remove_plan(call.site, call.seed)
        call.changed()
    return {}


def remove_plan(site: Site, seed: Seed) -> None:
    """Removes the plan. The status afterwards is inferred (I)."""
    for activity in list(site.activities.values()):
        activities.remove(site, activity, posts.on_deletion(seed.unknowns))
    site.plan.update(status=seed.unknowns.deletedPlan, due=None)
    site.plan.pop("inputs", None)
    site.jobs.clear()


def delete_activity(call: Call) -> JsonDict:
    """`DELETE /marketing-plan/plan-marketing-activity?id=` (D); unknown id: 404 (I, switchable)."""
    wanted = checks.guid("id", call.one("id"))
    activity = call.site.activities.get(wanted)
    if activity is None:
        if call.seed.unknowns.unknownActivity == "refuse":
            raise not_found(f"marketing activity {wanted} not found")
        return {}
    activities.remove(call.site, activity, posts.on_deletion(call.seed.unknowns))
    call.changed()
    return {}
