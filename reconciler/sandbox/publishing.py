"""Owns what makes a post go out: supported channels, content checks, statuses (10.2, 10.3)."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.sandbox import accounts, content, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import HttpError, precondition, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import SHAPES
from reconciler.sandbox.state import Site, guid

X_ENDED = datetime(2026, 8, 1, tzinfo=UTC)  # X works through 31 July 2026 (S-wix)
# content object -> field -> maximum length (S-wix); checked when a post is published, a draft may contain anything
_LONGEST = {
    "instagramPost": {"caption": 2200},
    "pinterestPost": {"title": 100, "description": 800, "link": 2048},
    "gbpPost": {"description": 1500},
    "tiktokPhoto": {"title": 90, "description": 4000},
    "tiktokVideo": {"description": 2200},
}
_NEEDS_MEDIA = ("instagramPost", "instagramStory")  # S-wix: required
_CALLS_TO_ACTION = ("BOOK", "ORDER", "SHOP", "LEARN_MORE", "SIGN_UP")
_PRIVACY = ("PUBLIC_TO_EVERYONE", "FOLLOWER_OF_CREATOR", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")


def content_key(item: JsonDict) -> str:
    """The name of an item's content object."""
    return SHAPES[(item["channel"]["name"], item["type"])]


def can_publish(site: Site, channel: str, now: datetime) -> bool:
    """Whether a channel takes posts: connected, with a page to post to, and not TWITTER from X_ENDED on."""
    return site.channels.get(channel) == "VALID" and not (channel == "TWITTER" and now >= X_ENDED)


def has_media(post: JsonDict) -> bool:
    """Whether a content object has an image or a video."""
    wrapper = post.get("mediaWrapper") or {}
    return bool(post.get("imageUrl") or post.get("videoUrl") or wrapper.get("media"))


def check_media(name: str, post: JsonDict) -> None:
    """Refuses an Instagram post or story without media (S-wix)."""
    if name in _NEEDS_MEDIA and not has_media(post):
        raise violation(f"item.{name}.mediaWrapper", "must have media", "REQUIRED_FIELD")


def check_content(item: JsonDict) -> None:
    """Refuses content that the channel does not take; drafts are not checked."""
    name = content_key(item)
    post = item.get(name) or {}
    for field, longest in _LONGEST.get(name, {}).items():
        if len(post.get(field) or "") > longest:
            raise violation(
                f"item.{name}.{field}", f"has length {len(post[field])}, but must be at most {longest}", "MAX_LENGTH"
            )
    check_media(name, post)
    if name == "gbpPost" and post.get("callToAction") not in (None, *_CALLS_TO_ACTION):
        raise violation("item.gbpPost.callToAction", f"is not one of {', '.join(_CALLS_TO_ACTION)}", "ENUM")
    if name in ("tiktokPhoto", "tiktokVideo") and post.get("privacyLevel") not in (None, *_PRIVACY):
        raise violation(f"item.{name}.privacyLevel", f"is not one of {', '.join(_PRIVACY)}", "ENUM")
    if name == "linkedinPost" and not post.get("authorId"):
        # A 422 from the channel, passed on as 428; the draft was accepted without an author (S-wix).
        raise precondition("/author :: field is required")


def schedule(call: Call, record: JsonDict, at: str) -> None:
    """Schedules a draft for a given time. When it shows as SCHEDULED is not known, so a switch decides."""
    item = record["item"]
    first = call.seed.unknowns.scheduledFirst if item["status"] == "DRAFT" else "SCHEDULED"
    if first != "SCHEDULED":
        record["queuedUntil"] = call.later(call.seed.latency.posts)
    if first == "DRAFT":
        record["scheduledLater"] = at
        return
    mark_scheduled(call.site, item, at)
    item["status"] = first


def mark_scheduled(site: Site, item: JsonDict, at: str) -> None:
    """Makes a draft a scheduled post, and gives it the channel's account if it has none yet."""
    channel = item["channel"]["name"]
    account = accounts.account(site, channel)
    if account is not None:
        item["channel"] = {**item["channel"], "accountId": item["channel"].get("accountId") or account["id"]}
        name = content_key(item)
        if item["type"] != "STORY":
            item[name] = {**content.second_id(channel, account), **item.get(name, {})}
    item["status"] = "SCHEDULED"
    item["schedulingInfo"] = {"scheduledDate": at}


def fail_when_due(record: JsonDict, fault: JsonDict | None) -> None:
    """Marks a post to fail when its time comes, if a scripted fault says so."""
    if fault is not None:
        record["fails"] = fault.get("message", "the channel did not accept the post")


def go_out(site: Site, item: JsonDict, fails: str | None = None) -> None:
    """Carries out a scheduled post whose time has come: PUBLISHED, or FAILED with publicationError (members I)."""
    channel = item["channel"]["name"]
    try:
        if fails is not None:
            raise precondition(fails)
        if site.channels.get(channel) != "VALID":
            raise precondition(f"channel {channel} is not connected", "USER_IS_DISCONNECTED")
        if not can_publish(site, channel, times.must(item["schedulingInfo"]["scheduledDate"])):
            raise precondition(f"channel {channel} is not supported", "UNSUPPORTED_CHANNEL")
        check_content(item)
    except HttpError as refused:
        item["status"] = "FAILED"
        item["publicationError"] = {"message": (refused.body or {}).get("message", "")}
        return
    mark_published(item)


def mark_published(item: JsonDict) -> None:
    """Marks an item as published, with the channel's id for it."""
    channel = item["channel"]["name"]
    item["status"] = "PUBLISHED"
    outer = guid(item["id"], "external").replace("-", "")[:16]
    item["channel"] = {
        **item["channel"],
        "externalItemId": outer,  # inside channel (S-live)
        "externalItemUrl": f"https://www.{channel.lower()}.com/p/{outer}",
    }
