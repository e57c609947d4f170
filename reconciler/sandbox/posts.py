"""Owns the posts of activities: making, regenerating, scheduling and clearing drafts and stories (6.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox import accounts, checks, content, premium, publishing, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import not_found, unparsable, violation
from reconciler.sandbox.names import PLAN_CHANNELS
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site

Json = dict[str, Any]


def items_of(site: Site, activity: Json) -> list[Json]:
    """An activity's items, as the Publisher shows them (S-wix)."""
    return [site.items[item_id]["item"] for item_id in activity["items"]]


def _records(site: Site, activity: Json, story: bool) -> list[Json]:
    found = [site.items[item_id] for item_id in activity["items"]]
    return [record for record in found if (record["item"]["type"] == "STORY") == story]


def make_drafts(site: Site, activity: Json, settings: Json, now: datetime, seed: Seed) -> None:
    """Gives an activity a draft for each plan channel it has none for, and now and then an Instagram story."""
    have = {record["item"]["channel"]["name"] for record in _records(site, activity, story=False)}
    for channel in PLAN_CHANNELS:
        if channel not in have:
            key = _key(site, activity, seed, channel)
            made = content.post(channel, activity, settings, accounts.account(site, channel), key)
            add_item(site, activity, channel, "POST", made, now)
    # Whether an activity has a story is the AI's choice: here every third one, and never a second one.
    if not have:
        count = site.counters["posted"] = site.counters.get("posted", 0) + 1
        if count % 3 == 1 and not _records(site, activity, story=True):
            add_item(site, activity, "INSTAGRAM", "STORY", content.story(_key(site, activity, seed, "story")), now)


def _key(site: Site, activity: Json, seed: Seed, *more: object) -> tuple[object, ...]:
    return (
        site.id,
        site.behaviour.get("contentSeed", seed.content_seed),
        activity["id"],
        site.counters.get("item", 0),
        *more,
    )


def add_item(site: Site, activity: Json | None, channel: str, kind: str, made: Json, now: datetime) -> Json:
    """Adds a draft to the Publisher, and to an activity. Without a connected account it has no accountId (I)."""
    account = accounts.account(site, channel)
    item: Json = {
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


def detach(site: Site, activity: Json, item_ids: Iterable[str], seed: Seed) -> None:
    """Takes items off an activity: drafts are deleted; scheduled ones stay in the Publisher or are cancelled (I)."""
    for item_id in item_ids:
        activity["items"].remove(item_id)
        record = site.items[item_id]
        record["activity"] = None
        if record["item"]["status"] == "DRAFT":
            del site.items[item_id]
        elif record["item"]["status"] == "SCHEDULED" and seed.switches.replacedScheduled == "cancel":
            record["item"]["status"] = "CANCELED"


def generate(call: Call) -> Json:
    """`POST /marketing-plan/generate-social-posts`: answers {} at once, drafts come later (S-wix, D)."""
    wanted = checks.guids("marketingActivityIds", call.body.get("marketingActivityIds"))
    partial = call.directive("partial")
    every = partial.get("every", 2) if partial else 0
    for place, activity_id in enumerate(dict.fromkeys(wanted), 1):
        if activity_id not in call.site.activities:
            continue  # I: nothing says that an unknown id is reported
        lost = call.directive("never-finishes") or call.directive("failed") or (every and place % every == 0)
        if not lost:
            _start(call, activity_id, "posts", call.seed.latency.posts)
    call.changed()
    return {}


def _start(call: Call, activity_id: str, kind: str, seconds: float) -> None:
    jobs = call.site.jobs
    if not any(job["activity"] == activity_id and job["kind"] == kind for job in jobs):
        jobs.append({"due": call.later(seconds), "kind": kind, "activity": activity_id})


def get(call: Call) -> Json:
    """`POST /marketing-activity-posts` reads although it is a POST (D). Unknown ids are left out (I)."""
    wanted = checks.guids("marketingActivityIds", call.body.get("marketingActivityIds"))
    found = [
        _snapshot(call, call.site.activities[each]) for each in dict.fromkeys(wanted) if each in call.site.activities
    ]
    return {"marketingActivities": found} if found or call.seed.switches.emptyLists == "emit" else {}


def _snapshot(call: Call, activity: Json) -> Json:
    shown: Json = {"marketingActivityId": activity["id"]}
    if activity["items"] or call.seed.switches.emptyLists == "emit":
        shown["items"] = items_of(call.site, activity)
    return shown


def schedule(call: Call) -> Json:
    """`POST /marketing-plan/schedule-drafts`.

    Needs SCHEDULE_POST, else 428 (D). Ids that are no DRAFT, and drafts of channels that are not connected, are
    passed over in silence (D); so are unknown ids, and what the quota does not reach for (I).
    """
    wanted = checks.strings("draftIds", call.body.get("draftIds"))  # S-wix: 1-20 strings
    site = call.site
    premium.require(site, "SCHEDULE_POST", call.now)
    left = premium.remaining(site, "SCHEDULE_POST", call.now)
    scheduled: list[Json] = []
    for draft_id in dict.fromkeys(wanted):
        record = site.items.get(draft_id)
        if record is None or record["item"]["status"] != "DRAFT":
            continue
        if not publishing.can_publish(site, record["item"]["channel"]["name"], call.now):
            continue
        at = _moment_of(call, record)
        if at is None or (left is not None and len(scheduled) >= left):
            continue
        publishing.mark_scheduled(site, record["item"], at)
        scheduled.append(record["item"])
    if scheduled:
        premium.consume(site, "SCHEDULE_POST", call.now, len(scheduled))
        call.changed()
    return {"items": scheduled} if scheduled or call.seed.switches.emptyLists == "emit" else {}


def _moment_of(call: Call, record: Json) -> str | None:
    """When a draft goes out: at its activity's date (I); a past one an hour from now, or not at all (I)."""
    activity = call.site.activities.get(record["activity"] or "")
    if activity is not None and times.must(activity["date"]) > call.now:
        return str(activity["date"])
    return None if call.seed.switches.pastSchedule == "skip" else times.show(call.now + timedelta(hours=1))


def regenerate(call: Call) -> Json:
    """`POST .../regenerate-marketing-activity-posts`: image and captions anew; answers a passing snapshot (D)."""
    return _remake(call, "remake", call.seed.latency.posts, story=False)


def regenerate_media(call: Call) -> Json:
    """`POST .../regenerate-marketing-activity-posts-media`: the image alone (D)."""
    return _remake(call, "remake-media", call.seed.latency.media, story=False)


def regenerate_stories(call: Call) -> Json:
    """`POST .../regenerate-marketing-activity-stories`: story drafts alone; none there, none made (D)."""
    return _remake(call, "remake-stories", call.seed.latency.posts, story=True)


def _remake(call: Call, kind: str, seconds: float, story: bool) -> Json:
    activity = _activity(call)
    drafts = [record for record in _records(call.site, activity, story) if record["item"]["status"] == "DRAFT"]
    if drafts:
        if not call.directive("never-finishes"):
            _start(call, activity["id"], kind, seconds)
        call.changed()
    return {"marketingActivity": _snapshot(call, activity)}  # shape not seen (I)


def _activity(call: Call) -> Json:
    wanted = checks.guid("marketingActivityId", call.body.get("marketingActivityId"))
    if wanted not in call.site.activities:
        raise not_found(f"marketing activity {wanted} not found")  # I
    return call.site.activities[wanted]


def finish_due(site: Site, now: datetime, seed: Seed) -> None:
    """Ends the work on posts that was due by now."""
    due = [job for job in site.jobs if times.must(job["due"]) <= now]
    site.jobs[:] = [job for job in site.jobs if job not in due]
    for job in due:
        activity = site.activities.get(job["activity"])
        if activity is None:
            continue
        at = times.must(job["due"])
        if job["kind"] == "posts":
            # Made from the settings as they are now (I). No posts for an unpublished site (I: as in a plan, D).
            if site.facts["published"]:
                make_drafts(site, activity, (site.settings or {}).get("settings", {}), at, seed)
        else:
            _finish_remake(site, activity, job, at, seed)


def _finish_remake(site: Site, activity: Json, job: Json, at: datetime, seed: Seed) -> None:
    settings = (site.settings or {}).get("settings", {})
    count = site.counters["remake"] = site.counters.get("remake", 0) + 1
    for record in _records(site, activity, story=job["kind"] == "remake-stories"):
        item = record["item"]
        if item["status"] != "DRAFT":
            continue
        channel = item["channel"]["name"]
        key = (*_key(site, activity, seed, channel), count)
        if job["kind"] == "remake-media":
            name = publishing.content_key(item)
            item[name] = {**item[name], "mediaWrapper": {"media": [{"type": "IMAGE", "url": content.image(*key)}]}}
        elif job["kind"] == "remake-stories":
            item.update(content.story(key))
        else:
            item.update(content.post(channel, activity, settings, accounts.account(site, channel), key))
        item["draftInfo"] = {**item["draftInfo"], "updatedDate": times.show(at)}
        if seed.switches.regeneratedPosts == "new-ids":
            _rename(site, activity, item)


def _rename(site: Site, activity: Json, item: Json) -> None:
    old, new = item["id"], site.new_id("item")
    site.items[new] = site.items.pop(old)
    activity["items"][activity["items"].index(old)] = new
    item["id"] = new


def update_media(call: Call) -> Json:
    """`PATCH .../update-marketing-activity-posts-media`: puts a media URL on the posts (D; fields I)."""
    activity, url = _activity(call), _url(call)
    for record in _records(call.site, activity, story=False):
        item = record["item"]
        if item["status"] == "DRAFT":
            name = publishing.content_key(item)
            item[name] = {**item[name], "mediaWrapper": {"media": [{"type": "IMAGE", "url": url}]}}
    call.changed()
    return {"marketingActivity": _snapshot(call, activity)}


def update_stories_media(call: Call) -> Json:
    """`PATCH .../update-marketing-activity-stories-media`: one frame by mediaIndex, else the whole story (D).

    An index without a frame leaves the story as it is (D). Counting from zero is inferred (I).
    """
    activity, url = _activity(call), _url(call)
    index = call.body.get("mediaIndex")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise unparsable()
    for record in _records(call.site, activity, story=True):
        media = record["item"]["instagramStory"]["mediaWrapper"]["media"]
        if record["item"]["status"] != "DRAFT":
            continue
        if index is None:
            media[:] = [{"type": "IMAGE", "url": url}]
        elif 0 <= index < len(media):
            media[index] = {"type": "IMAGE", "url": url}
    call.changed()
    return {"marketingActivity": _snapshot(call, activity)}


def _url(call: Call) -> str:
    url = checks.text("mediaUrl", call.body.get("mediaUrl"))  # the field's name is inferred (I)
    if not url:
        raise violation("mediaUrl", "must not be empty", "REQUIRED_FIELD")
    return url


def clear(call: Call) -> Json:
    """`PATCH .../clear-marketing-activity-posts`: all social posts leave the activity; answers {} (D)."""
    return _clear(call, story=False)


def clear_stories(call: Call) -> Json:
    """`PATCH .../clear-marketing-activity-stories`: story drafts alone; scheduled ones stay (D)."""
    return _clear(call, story=True)


def _clear(call: Call, story: bool) -> Json:
    activity = _activity(call)
    found = [
        record["item"]["id"]
        for record in _records(call.site, activity, story)
        if not story or record["item"]["status"] == "DRAFT"
    ]
    detach(call.site, activity, found, call.seed)
    if not story:
        call.site.jobs[:] = [
            job for job in call.site.jobs if (job["activity"], job["kind"]) != (activity["id"], "posts")
        ]
    call.changed()
    return {}


def publish_due(site: Site, now: datetime) -> None:
    """Scheduled posts whose moment has come go out, or fail."""
    for record in site.items.values():
        item = record["item"]
        if item["status"] in ("SCHEDULED", "PROCESSING") and item["schedulingInfo"]["scheduledDate"] <= times.show(now):
            publishing.go_out(site, item)
