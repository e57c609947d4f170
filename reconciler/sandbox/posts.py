"""Owns the posts of activities: making, reading, detaching and clearing them (6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from reconciler.sandbox import accounts, checks, content, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import not_found
from reconciler.sandbox.form_parts import paged, renamed
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import PLAN_CHANNELS
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns


class Fate(NamedTuple):
    """What happens to the posts of an activity that is removed (14.8: not known): drafts, and scheduled ones."""

    drafts: str  # delete, keep
    scheduled: str  # keep, cancel, delete


def on_regeneration(unknowns: Unknowns) -> Fate:
    """The fate of the posts of activities that a regeneration replaces."""
    return Fate(unknowns.replacedDrafts, unknowns.replacedScheduled)


def on_deletion(unknowns: Unknowns) -> Fate:
    """The fate of the posts of what is deleted or cleared."""
    return Fate(unknowns.deletedDrafts, unknowns.deletedScheduled)


def items_of(site: Site, activity: JsonDict, unknowns: Unknowns) -> list[JsonDict]:
    """An activity's items, as the Publisher shows them (S-wix). What is shown during regeneration is not known (I)."""
    items = [site.items[item_id]["item"] for item_id in activity["items"]]
    if unknowns.remakingShows == "nothing" and any(
        job["activity"] == activity["id"] and job["kind"].startswith("remake") for job in site.jobs
    ):
        return [item for item in items if item["status"] != "DRAFT"]
    return items


def records(site: Site, activity: JsonDict, story: bool) -> list[JsonDict]:
    """The publisher records of an activity: its stories, or everything else."""
    found = [site.items[item_id] for item_id in activity["items"]]
    return [record for record in found if (record["item"]["type"] == "STORY") == story]


def make_failed(site: Site, activity: JsonDict, settings: JsonDict, now: datetime, seed: Seed) -> None:
    """Gives an activity the posts of a generation that failed (14.6: how that shows is not known)."""
    before = set(activity["items"])
    make_drafts(site, activity, settings, now, seed)
    for item_id in activity["items"]:
        if item_id not in before:
            site.items[item_id]["item"].update(status="FAILED", publicationError={"message": "generation failed"})


def make_drafts(site: Site, activity: JsonDict, settings: JsonDict, now: datetime, seed: Seed) -> None:
    """Gives an activity a draft for each plan channel without one, and sometimes an Instagram story."""
    have = {record["item"]["channel"]["name"] for record in records(site, activity, story=False)}
    for channel in PLAN_CHANNELS:
        if channel not in have:
            key = key_of(site, activity, seed, channel)
            made = content.post(channel, activity, settings, accounts.account(site, channel), key)
            add_item(site, activity, channel, "POST", made, now)
    # Whether an activity has a story is the AI's choice: here, every third one has one, and none has two.
    if not have:
        count = site.counters["posted"] = site.counters.get("posted", 0) + 1
        if count % 3 == 1 and not records(site, activity, story=True):
            add_item(
                site,
                activity,
                "INSTAGRAM",
                "STORY",
                content.story(activity, key_of(site, activity, seed, "story")),
                now,
            )


def key_of(site: Site, activity: JsonDict, seed: Seed, *more: object) -> tuple[object, ...]:
    """The key that selects a post's texts and pictures."""
    return (
        site.id,
        site.behaviour.get("contentSeed", seed.content_seed),
        activity["id"],
        site.counters.get("item", 0),
        *more,
    )


def add_item(site: Site, activity: JsonDict | None, channel: str, kind: str, made: JsonDict, now: datetime) -> JsonDict:
    """Adds a draft to the Publisher, and to an activity. Without a connected account it has no accountId (I)."""
    account = accounts.account(site, channel)
    item: JsonDict = {
        "id": site.new_id("item"),
        "channel": {"name": channel} if account is None else {"name": channel, "accountId": account["id"]},
        "type": kind,
        "status": "DRAFT",
        **made,
        "draftInfo": {"createdDate": times.show(now), "updatedDate": times.show(now)},
    }
    site.items[item["id"]] = {"activity": None if activity is None else activity["id"], "item": item}
    if activity is not None:
        activity["items"].append(item["id"])
    return item


def rename(site: Site, item: JsonDict) -> None:
    """Gives an item a new id."""
    old, new = item["id"], site.new_id("item")
    record = site.items[new] = site.items.pop(old)
    activity = site.activities.get(record["activity"] or "")
    if activity is not None:
        activity["items"][activity["items"].index(old)] = new
    item["id"] = new


def detach(site: Site, activity: JsonDict, item_ids: Iterable[str], fate: Fate) -> None:
    """Removes items from an activity; deletes, cancels or keeps each as `fate` says."""
    for item_id in item_ids:
        activity["items"].remove(item_id)
        record = site.items[item_id]
        record["activity"] = None
        match "SCHEDULED" if "scheduledLater" in record else record["item"]["status"], fate:
            case ("DRAFT", Fate(drafts="delete")) | ("SCHEDULED", Fate(scheduled="delete")):
                del site.items[item_id]
            case "SCHEDULED", Fate(scheduled="cancel"):
                record["item"]["status"] = "CANCELED"
                record.pop("scheduledLater", None)
            case _:
                pass


def form_of_list(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that lists the posts of activities."""
    return renamed(paged(value, "marketingActivities", unknowns), "marketingActivities", unknowns.activitiesKey)


def generate(call: Call) -> JsonDict:
    """`POST /marketing-plan/generate-social-posts`: returns {} at once, drafts come later (S-wix, D)."""
    wanted = checks.guids("marketingActivityIds", call.body.get("marketingActivityIds"))
    partial = call.directive("partial")
    every = partial.get("every", 2) if partial else 0
    for place, activity_id in enumerate(dict.fromkeys(wanted), 1):
        if activity_id not in call.site.activities:
            continue  # I: nothing says that an unknown id is reported
        lost = call.directive("never-finishes") or call.directive("failed") or (every and place % every == 0)
        if not lost:
            start(call, activity_id, "posts", call.seed.latency.posts)
        elif call.seed.unknowns.failedPosts == "failed-items" and not call.directive("never-finishes"):
            start(call, activity_id, "failed-posts", call.seed.latency.posts)
    call.changed()
    return {}


def start(call: Call, activity_id: str, kind: str, seconds: float) -> None:
    """Starts work on an activity's posts, unless the same work is already under way."""
    jobs = call.site.jobs
    if not any(job["activity"] == activity_id and job["kind"] == kind for job in jobs):
        jobs.append({"due": call.later(seconds), "kind": kind, "activity": activity_id})


def get(call: Call) -> JsonDict:
    """`POST /marketing-activity-posts` reads although it is a POST (D). Unknown ids are left out (I)."""
    wanted = checks.guids("marketingActivityIds", call.body.get("marketingActivityIds"))
    if call.seed.unknowns.unknownActivityPosts == "refuse" and not call.site.activities.keys() >= set(wanted):
        raise not_found("marketing activity not found")
    found = [
        snapshot(call, call.site.activities[each]) for each in dict.fromkeys(wanted) if each in call.site.activities
    ]
    return {"marketingActivities": found} if found or call.seed.unknowns.emptyLists != "omit" else {}


def snapshot(call: Call, activity: JsonDict) -> JsonDict:
    """What the posts methods show of an activity."""
    shown: JsonDict = {"marketingActivityId": activity["id"]}
    if activity["items"] or call.seed.unknowns.emptyLists != "omit":
        shown["items"] = items_of(call.site, activity, call.seed.unknowns)
    return shown


def activity_of(call: Call, key: str = "marketingActivityId") -> JsonDict:
    """The activity that a body names; 404 if it does not exist (I)."""
    wanted = checks.guid(key, call.body.get(key))
    if wanted not in call.site.activities:
        raise not_found(f"marketing activity {wanted} not found")
    return call.site.activities[wanted]


def clear(call: Call) -> JsonDict:
    """`PATCH .../clear-marketing-activity-posts`: all social posts leave the activity; returns {} (D)."""
    return _clear(call, story=False)


def clear_stories(call: Call) -> JsonDict:
    """`PATCH .../clear-marketing-activity-stories`: only story drafts; scheduled ones stay (D)."""
    return _clear(call, story=True)


def _clear(call: Call, story: bool) -> JsonDict:
    activity = activity_of(call)
    found = [
        record["item"]["id"]
        for record in records(call.site, activity, story)
        if not story or record["item"]["status"] == "DRAFT"
    ]
    detach(call.site, activity, found, on_deletion(call.seed.unknowns))
    if not story:
        call.site.jobs[:] = [
            job for job in call.site.jobs if (job["activity"], job["kind"]) != (activity["id"], "posts")
        ]
    call.changed()
    return {}
