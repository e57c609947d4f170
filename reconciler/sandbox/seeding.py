"""Owns how a site is created: from its seed, or from the defaults when it is first seen."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.sandbox import (
    accounts,
    activities,
    checks,
    content,
    events,
    marketing_plan,
    posts,
    premium,
    publishing,
    times,
)
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import PLAN_CHANNELS, SHAPES
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site, guid


def create(site_id: str, fields: JsonDict, now: datetime, seed: Seed) -> Site:
    """The site for a seed's fields, with defaults for what is left out."""
    features = fields.get("features", "premium")
    site = Site(
        id=site_id,
        facts={
            "name": fields.get("name") or f"Site {site_id[:8]}",
            "instanceId": fields.get("instanceId") or guid(site_id, "instance"),
            "accountId": seed.account_id or guid("account"),
            "published": fields.get("published", True),
            "premium": fields.get("premium", features != "free"),
            "language": fields.get("language", "en"),
            "country": fields.get("country", "US"),
            "timeZone": fields.get("timeZone", "UTC"),
            "namespace": fields.get("namespace", "WIX"),
            "createdDate": times.show(now),
            "accounts": fields.get("accounts", {}),
        },
        behaviour={
            name: fields[name]
            for name in ("contentSeed", "failGeneration", "neverFinish", "unpublishedGives")
            if name in fields
        },
        channels=dict(fields.get("channels", {"INSTAGRAM": "VALID", "FACEBOOK": "VALID"})),
        features=_features(features),
        monetized=fields.get("monetized", True),
        plan={"status": "NEVER_CREATED", "generation": 0, "due": None},
        touched=times.show(fields.get("lastTouched") or now),
    )
    if "settings" in fields or "overrides" in fields:
        site.settings = {
            "settings": checks.pruned(dict(fields.get("settings", {}))),
            "overrides": checks.pruned(dict(fields.get("overrides", {}))),
            "createdAt": times.show(now),
            "updatedAt": times.show(now),
        }
    for name, foreign in (("events", False), ("foreignEvents", True)):
        for each in fields.get(name, ()):
            shown = {**each, "date": times.show(each["date"])} if each.get("date") else each
            if foreign and not each.get("calendarId"):
                shown = {**shown, "calendarId": guid(site.id, "connected calendar")}
            site.events.append(events.record(site, shown, times.show(now), foreign))
    if "plan" in fields:
        _add_plan(site, fields["plan"], now, seed)
    return site


def _features(given: str | JsonDict) -> dict[str, JsonDict]:
    if isinstance(given, str):
        return premium.preset(given)
    features = premium.preset("premium")
    for name, fields in given.items():
        features[name] = {**features[name], **fields}
    return features


def _add_plan(site: Site, plan: JsonDict, now: datetime, seed: Seed) -> None:
    status = plan["status"]
    if status == "NEVER_CREATED":
        return
    if plan.get("activities") is None and status in ("ACTIVE", "INACTIVE"):
        marketing_plan.begin(site, now, times.show(now), "ACTIVE")
        site.dump()  # works out when the generation is due: now
        marketing_plan.finish_due(site, now, seed)
    for each in plan.get("activities") or ():
        made = {
            "id": each.get("id"),
            "date": times.show(each["date"]),
            "title": each.get("title", "Untitled"),
            "description": each.get("description", ""),
            "type": each.get("type", "SOCIAL_MARKETING"),
        }
        activity = activities.add(site, made, own=False)
        settings = (site.settings or {}).get("settings", {})
        if each.get("items") == "all":
            posts.make_drafts(site, activity, settings, now, seed)
        else:
            for item in each.get("items") or ():
                _add_item(site, activity, item, settings, now, seed)
    if status == "GENERATING":
        marketing_plan.begin(site, now, times.show(now), "NEVER" if site.behaviour.get("neverFinish") else "ACTIVE")
    site.plan["status"] = status
    site.plan["generation"] = max(site.plan["generation"], 1)


def _add_item(site: Site, activity: JsonDict, fields: JsonDict, settings: JsonDict, now: datetime, seed: Seed) -> None:
    channel, kind = fields["channel"], fields["type"]
    key = (site.id, activity["id"], channel, kind)
    if kind == "STORY":
        made = content.story(activity, key)
    elif channel in PLAN_CHANNELS:
        made = content.post(channel, activity, settings, accounts.account(site, channel), key)
    else:
        made = {SHAPES[(channel, kind)]: {}}
    item = posts.add_item(site, activity, channel, kind, made, now)
    if fields.get("id"):
        site.items[fields["id"]] = site.items.pop(item["id"])
        activity["items"][-1] = item["id"] = fields["id"]
    name = publishing.content_key(item)
    if "caption" in fields:
        item[name][content.text_key(channel)] = fields["caption"]
    if "media" in fields:
        media = [{"type": "IMAGE", "url": url} for url in fields["media"] or ()]
        item[name].pop("mediaWrapper", None)
        if media:
            item[name]["mediaWrapper"] = {"media": media}
    if "referenceId" in fields:
        item["referenceId"] = fields["referenceId"]
    item["status"] = fields["status"]
    if fields.get("scheduledDate"):
        item["schedulingInfo"] = {"scheduledDate": times.show(fields["scheduledDate"])}
    if item["status"] == "IN_QUEUE":
        site.items[item["id"]]["queuedUntil"] = times.show(now + timedelta(seconds=seed.latency.posts))
    if item["status"] == "PUBLISHED":
        publishing.mark_published(item)
