"""Publisher items -> posts (10.2, 10.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.api import shapes
from reconciler.api.shapes import Page, listed, opened, page_of
from reconciler.api.values import Fields, fields, id_of, members, moment, text
from reconciler.model.posts import AnyPostStatus, Media, Post, PostId, PostStatus, Unrecognised
from reconciler.model.text import printable

_POST_STATUS: Final = {str(status): status for status in PostStatus}

_CONTENTS: Final = {  # D 10.2; the type that each means (S-wix 10.3), for answers that leave the type out
    "facebookPost": "POST",
    "facebookReel": "REEL",
    "facebookStory": "STORY",
    "gbpPost": "POST",
    "instagramPost": "POST",
    "instagramStory": "STORY",
    "linkedinPost": "POST",
    "pinterestPost": "POST",
    "tiktokPhoto": "POST",
    "tiktokVideo": "VIDEO",
    "twitterPost": "POST",
    "youtubeShort": "SHORT",
    "youtubeVideo": "VIDEO",
}
_CONTENT_ENDINGS: Final = ("Post", "Reel", "Story", "Photo", "Video", "Short")

_TEXTS: Final = ("title", "caption", "description", "link")
"""What of a post is read by people. The link is among them: who approves a post approves where it leads."""


def posts(source: Fields, where: str) -> tuple[Post, ...]:
    """The posts of an activity; none where `items` is left out (6.4)."""
    return tuple(post(member, path) for path, member in members(source.get("items"), f"{where}.items"))


def post(source: Fields, where: str) -> Post:
    """A Publisher item."""
    found = source.get("channel")
    channel: Fields = {"name": found} if isinstance(found, str) else fields(found, f"{where}.channel")
    contents = _contents(source, where)
    scheduling = fields(source.get("schedulingInfo"), f"{where}.schedulingInfo")
    implied = next((_CONTENTS[name] for name, _ in contents if name in _CONTENTS), "POST")
    return Post(
        id=PostId(id_of(source, where, "id", "itemId")),
        channel=text(channel, f"{where}.channel", "name", "channelName") or text(source, where, "channelName"),
        type=text(source, where, "type") or implied,
        status=_post_status(text(source, where, "status")),
        texts=tuple(pair for name, one in contents for pair in _texts(one, f"{where}.{name}")),
        media=tuple(dict.fromkeys(media for name, one in contents for media in _media(one, f"{where}.{name}"))),
        account_id=text(channel, f"{where}.channel", "accountId") or None,
        scheduled_for=moment(scheduling, f"{where}.schedulingInfo", "scheduledDate"),
        external_url=text(channel, f"{where}.channel", "externalItemUrl")
        or text(source, where, "externalItemUrl")
        or None,
    )


def one_post(body: object) -> Post:
    """The item of an answer about one."""
    return post(*opened(body, shapes.POST))


def answered_post(body: object) -> Post | None:
    """The item in the answer to a write about one; None where the answer shows no status (its shape was not seen)."""
    source, where = opened(body, shapes.POST)
    return post(source, where) if source.get("status") else None


def items(body: object) -> tuple[Post, ...]:
    """The items of an answer that lists all of some."""
    return tuple(post(member, where) for where, member in listed(body, shapes.POSTS))


def items_page(body: object) -> tuple[tuple[Post, ...], Page]:
    """The items of an answer that may be one page of several (D 5: by offset)."""
    page = page_of(body, shapes.POSTS)
    return tuple(post(member, where) for where, member in page.members), page


def _post_status(written: str) -> AnyPostStatus:
    # Never DRAFT by default: what is not known to be a draft is not scheduled.
    return _POST_STATUS.get(written) or Unrecognised(printable(written) or "no status")


def _contents(source: Fields, where: str) -> tuple[tuple[str, Fields], ...]:
    """The content objects of an item: those that are known, else whatever is named like one."""
    known = [name for name in source if name in _CONTENTS and source[name] is not None]
    if known:
        return tuple((name, fields(source[name], f"{where}.{name}")) for name in sorted(known))
    return tuple(
        (name, value)
        for name, value in sorted(source.items())
        if isinstance(value, dict) and name.endswith(_CONTENT_ENDINGS)
    )


def _texts(content: Fields, where: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, written) for name in _TEXTS if (written := text(content, where, name)))


def _media(content: Fields, where: str) -> Iterable[Media]:
    wrapper = content.get("mediaWrapper")
    source = wrapper if isinstance(wrapper, list) else fields(wrapper, f"{where}.mediaWrapper").get("media")
    for path, one in members(source, f"{where}.mediaWrapper.media"):
        address = text(one, path, "url", "fileId")
        if address:
            yield Media(text(one, path, "type") or "IMAGE", address)
    for name, kind in (("imageUrl", "IMAGE"), ("videoUrl", "VIDEO")):
        if address := text(content, where, name):
            yield Media(kind, address)
