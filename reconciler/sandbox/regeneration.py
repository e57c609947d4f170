"""Owns regenerating posts, as a whole or only their media, and finishing all work on posts that takes time (6.2)."""

from __future__ import annotations

from datetime import datetime

from reconciler.sandbox import accounts, checks, content, pictures, posts, publishing, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import unparsable, violation
from reconciler.sandbox.form_parts import UNHEARD_OF
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.unknowns import Unknowns


def regenerate(call: Call) -> JsonDict:
    """`POST .../regenerate-marketing-activity-posts`: new images and captions; returns a transient snapshot (D)."""
    return _start(call, "remake", call.seed.latency.posts, story=False)


def regenerate_media(call: Call) -> JsonDict:
    """`POST .../regenerate-marketing-activity-posts-media`: only the images (D)."""
    return _start(call, "remake-media", call.seed.latency.media, story=False)


def form_of_snapshot(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows an activity whose posts are being regenerated."""
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


def regenerate_stories(call: Call) -> JsonDict:
    """`POST .../regenerate-marketing-activity-stories`: only story drafts; if there are none, none are made (D)."""
    return _start(call, "remake-stories", call.seed.latency.posts, story=True)


def _start(call: Call, kind: str, seconds: float, story: bool) -> JsonDict:
    activity = posts.activity_of(call, call.seed.unknowns.activityIdKey)
    drafts = [record for record in posts.records(call.site, activity, story) if record["item"]["status"] == "DRAFT"]
    if drafts:
        if not call.directive("never-finishes"):
            posts.start(call, activity["id"], kind, seconds)
        call.changed()
    return {"marketingActivity": posts.snapshot(call, activity)}  # shape not seen (I)


def finish_due(site: Site, now: datetime, seed: Seed) -> None:
    """Finishes the work on posts that was due by now."""
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
                posts.make_drafts(site, activity, (site.settings or {}).get("settings", {}), at, seed)
        elif job["kind"] == "failed-posts":
            posts.make_failed(site, activity, (site.settings or {}).get("settings", {}), at, seed)
        else:
            _finish(site, activity, job, at, seed)


def _finish(site: Site, activity: JsonDict, job: JsonDict, at: datetime, seed: Seed) -> None:
    settings = (site.settings or {}).get("settings", {})
    count = site.counters["remake"] = site.counters.get("remake", 0) + 1
    for record in posts.records(site, activity, story=job["kind"] == "remake-stories"):
        item = record["item"]
        if item["status"] != "DRAFT":
            continue
        channel = item["channel"]["name"]
        key = (*posts.key_of(site, activity, seed, channel), count)
        if job["kind"] == "remake-media":
            name = publishing.content_key(item)
            item[name] = {
                **item[name],
                "mediaWrapper": {"media": [{"type": "IMAGE", "url": pictures.address(*key, title=activity["title"])}]},
            }
        elif job["kind"] == "remake-stories":
            item.update(content.story(activity, key))
        else:
            item.update(content.post(channel, activity, settings, accounts.account(site, channel), key))
        item["draftInfo"] = {**item["draftInfo"], "updatedDate": times.show(at)}
        if seed.unknowns.regeneratedPosts == "new-ids":
            posts.rename(site, item)


def update_media(call: Call) -> JsonDict:
    """`PATCH .../update-marketing-activity-posts-media`: sets a media URL on the posts (D; fields I)."""
    activity, url = posts.activity_of(call, call.seed.unknowns.activityIdKey), _url(call)
    for record in posts.records(call.site, activity, story=False):
        item = record["item"]
        if item["status"] == "DRAFT":
            name = publishing.content_key(item)
            item[name] = {**item[name], "mediaWrapper": {"media": [{"type": "IMAGE", "url": url}]}}
    call.changed()
    return {"marketingActivity": posts.snapshot(call, activity)}


def update_story_media(call: Call) -> JsonDict:
    """`PATCH .../update-marketing-activity-stories-media`: one frame by mediaIndex, or the whole story (D).

    An index without a frame leaves the story as it is (D). Counting from zero is inferred (I).
    """
    activity, url = posts.activity_of(call, call.seed.unknowns.activityIdKey), _url(call)
    index = call.body.get("mediaIndex")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool)):
        raise unparsable()
    for record in posts.records(call.site, activity, story=True):
        media = record["item"]["instagramStory"]["mediaWrapper"]["media"]
        if record["item"]["status"] != "DRAFT":
            continue
        if index is None:
            media[:] = [{"type": "IMAGE", "url": url}]
        elif 0 <= index < len(media):
            media[index] = {"type": "IMAGE", "url": url}
    call.changed()
    return {"marketingActivity": posts.snapshot(call, activity)}


def _url(call: Call) -> str:
    url = checks.text("mediaUrl", call.body.get("mediaUrl"))  # the field's name is inferred (I)
    if not url:
        raise violation("mediaUrl", "must not be empty", "REQUIRED_FIELD")
    return url
