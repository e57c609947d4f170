"""Publisher items -> posts (10.2, 10.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from reconciler.api.shapes import ListShape, ObjectShape, Page, listed, opened, page_of
from reconciler.api.values import Fields, Unreadable, fields, id_of, is_object, kept, members, moment, text
from reconciler.model.activities import Activity
from reconciler.model.canonical import canonical_text
from reconciler.model.content import LinkPreview
from reconciler.model.posts import AnyPostStatus, Media, Post, PostId, PostStatus, Unrecognised
from reconciler.model.publisher_fields import CONTENT_FIELDS, PLACES
from reconciler.model.text import printable

POST: Final = ObjectShape(
    "a post",
    wrappers=("item",),  # S-wix 10.1
    known=frozenset({"id"}),  # D 10.2
)
POSTS: Final = ListShape("posts", ("items",))  # S-wix 6.2

_POST_STATUS: Final = {str(status): status for status in PostStatus}

_CONTENTS: Final = {  # D 10.2; the type that each implies (S-wix 10.3), for answers that leave the type out
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

_TEXTS: Final = ("title", "caption", "description")
"""The words of a post, in the order in which people read them."""

_MEDIA_MEMBERS: Final = frozenset({"type", "url", "fileId"})
_PREVIEW_MEMBERS: Final = frozenset({"title", "description", "thumbnailUrl"})


def posts(source: Fields, where: str) -> tuple[Post, ...]:
    """The posts of an activity; none if `items` is missing (6.4)."""
    return each_once((post(member, path) for path, member in members(source.get("items"), f"{where}.items")), "post")


Listed = TypeVar("Listed", Activity, Post)


def each_once(found: Iterable[Listed], what: str) -> tuple[Listed, ...]:
    """The members of a list without duplicates: a duplicate would be counted, cancelled and thrown away twice."""
    by_id: dict[str, Listed] = {}
    for each in found:
        if by_id.setdefault(each.id, each) != each:
            raise Unreadable(f"expected each {what} once, got {printable(each.id)} twice with different contents")
    return tuple(by_id.values())


def post(source: Fields, where: str) -> Post:
    """A Publisher item, with everything that the public sees (model/publisher_fields.py says which fields that is)."""
    found, path = source.get("channel"), f"{where}.channel"
    channel: Fields = {"name": found} if isinstance(found, str) else fields(found, path)
    contents = _contents(source, where)
    name, content, inside = contents[0] if contents else ("", {}, where)
    scheduling = fields(source.get("schedulingInfo"), f"{where}.schedulingInfo")
    return Post(
        id=PostId(id_of(source, where, "id", "itemId")),
        channel=text(channel, path, "name", "channelName") or text(source, where, "channelName"),
        type=text(source, where, "type") or _CONTENTS.get(name, "POST"),
        status=_post_status(text(source, where, "status")),
        texts=tuple((name, written) for name in _TEXTS if (written := text(content, inside, name))),
        media=_media(content, inside),
        account_id=text(channel, path, "accountId") or None,
        scheduled_for=moment(scheduling, f"{where}.schedulingInfo", "scheduledDate"),
        # Where the link to a published post is found is not documented (10.2), so every possible place is read.
        external_url=text(channel, path, "externalItemUrl")
        or text(source, where, "externalItemUrl")
        or text(content, inside, "postUrl", "storyUrl")
        or None,
        place=_place(channel, path, content, inside),
        link=text(content, inside, "link") or None,
        preview=_preview(content, inside),
        call_to_action=_plain(content.get("callToAction"), f"{inside}.callToAction"),
        audience=text(content, inside, "privacyLevel") or None,
        other=_other(source, where, contents),
        error=_error(source.get("publicationError"), f"{where}.publicationError"),
        shows_content=bool(contents),
    )


def one_post(body: object) -> Post:
    """The item in an answer about one."""
    return post(*opened(body, POST))


def answered_post(body: object) -> Post | None:
    """The item in the answer to a write about one; None if it shows no status (its shape is not documented)."""
    source, where = opened(body, POST)
    return post(source, where) if source.get("status") else None


def items(body: object) -> tuple[Post, ...]:
    """The items of an answer that must be complete."""
    return tuple(post(member, where) for where, member in listed(body, POSTS))


def items_page(body: object) -> tuple[tuple[Post, ...], Page]:
    """The items of an answer that may be one page of several (D 5: by offset)."""
    page = page_of(body, POSTS)
    return tuple(post(member, where) for where, member in page.members), page


def _post_status(written: str) -> AnyPostStatus:
    # Never DRAFT by default: what is not known to be a draft is not scheduled.
    return _POST_STATUS.get(written) or Unrecognised(printable(written) or "no status")


def _contents(source: Fields, where: str) -> tuple[tuple[str, Fields, str], ...]:
    """The content objects of an item, each with its name and path; an item has one of them (D 10.2).

    Known ones come first, then whatever has a similar name.
    """
    named = [name for name in source if name.endswith(_CONTENT_ENDINGS)]  # known ones have these endings too
    known = sorted(name for name in named if name in _CONTENTS and source[name] is not None)
    objects = [*known, *sorted(name for name in named if name not in _CONTENTS and is_object(source[name]))]
    return tuple((name, fields(source[name], f"{where}.{name}"), f"{where}.{name}") for name in objects)


def _media(content: Fields, where: str) -> tuple[Media, ...]:
    """The images and videos of a content object, from all places that may hold them (10.3), each once."""
    found: dict[tuple[str, str], Media] = {}
    for path, member in _media_members(content, where):
        file = text(member, path, "fileId") or None
        if address := text(member, path, "url") or file:
            media = Media(text(member, path, "type") or "IMAGE", address, file)
            found.setdefault((media.type, media.url), media)
    for name, kind in (("imageUrl", "IMAGE"), ("videoUrl", "VIDEO")):
        if address := text(content, where, name):
            found.setdefault((kind, address), Media(kind, address))
    return tuple(found.values())


def _media_members(content: Fields, where: str) -> tuple[tuple[str, Fields], ...]:
    wrapper, path = content.get("mediaWrapper"), f"{where}.mediaWrapper"
    return members(wrapper if isinstance(wrapper, list) else fields(wrapper, path).get("media"), f"{path}.media")


def _place(channel: Fields, path: str, content: Fields, where: str) -> tuple[tuple[str, str], ...]:
    """Where within its account a post appears, in the API's own terms."""
    target = fields(channel.get("publishingTarget"), f"{path}.publishingTarget")
    found = {name: text(content, where, name) for name in PLACES if "." not in name}
    found["publishingTarget.id"] = text(target, f"{path}.publishingTarget", "id")
    return tuple((name, found[name]) for name in PLACES if found[name])


def _preview(content: Fields, where: str) -> LinkPreview | None:
    path = f"{where}.linkMetadata"
    source = fields(content.get("linkMetadata"), path)
    if not source:
        return None
    parts = [text(source, path, name) for name in ("title", "description", "thumbnailUrl")]
    return LinkPreview(*parts) if any(parts) else None


def _other(source: Fields, where: str, contents: tuple[tuple[str, Fields, str], ...]) -> tuple[tuple[str, str], ...]:
    """What this version does not know about a content object, as canonical JSON: the public may see it all the same."""
    if _is_all_known(source, contents):
        return ()
    found: dict[str, object] = {name: content for name, content, _ in contents[1:]}
    asset = fields(source.get("siteAssetRef"), f"{where}.siteAssetRef")
    found |= {f"siteAssetRef.{name}": value for name, value in asset.items()}
    if contents:
        _, content, inside = contents[0]
        found |= {name: value for name, value in content.items() if name not in CONTENT_FIELDS}
        preview = fields(content.get("linkMetadata"), f"{inside}.linkMetadata")
        found |= _unknown(preview, _PREVIEW_MEMBERS, "linkMetadata")
        if is_object(content.get("mediaWrapper")):
            found |= _unknown(content["mediaWrapper"], frozenset({"media"}), "mediaWrapper")
        for number, (_, member) in enumerate(_media_members(content, inside)):
            found |= _unknown(member, _MEDIA_MEMBERS, f"mediaWrapper.media.{number}")
    plain = ((name, _plain(found[name], f"{where}.{name}")) for name in sorted(found))
    return tuple((name, written) for name, written in plain if written)


def _is_all_known(source: Fields, contents: tuple[tuple[str, Fields, str], ...]) -> bool:
    """Whether there is nothing that needs a closer look, as in nearly every post."""
    if source.get("siteAssetRef") or len(contents) > 1:
        return False
    if not contents:
        return True
    content = contents[0][1]
    wrapper, preview = content.get("mediaWrapper"), content.get("linkMetadata")
    if is_object(wrapper):
        if not wrapper.keys() <= {"media"}:
            return False
        wrapper = wrapper.get("media")
    return (
        content.keys() <= CONTENT_FIELDS
        and (not preview or (is_object(preview) and preview.keys() <= _PREVIEW_MEMBERS))
        and (
            not wrapper
            or (
                isinstance(wrapper, list)
                and all(is_object(member) and member.keys() <= _MEDIA_MEMBERS for member in wrapper)
            )
        )
    )


def _unknown(source: Fields, known: frozenset[str], path: str) -> dict[str, object]:
    return {f"{path}.{name}": value for name, value in source.items() if name not in known}


def _error(value: object, where: str) -> str:
    """Why publishing failed: the message, if the error has one."""
    if isinstance(value, Mapping):
        said, code = value.get("message"), value.get("code")
        if isinstance(said, str) and said.strip():
            return f"{said} ({code})" if isinstance(code, str) and code else said
    return _plain(value, where) or ""


def _plain(value: object, where: str) -> str | None:
    """A text as it is, anything else as its canonical JSON; None if there is nothing."""
    if value is None or value == "" or value == {} or value == []:
        return None
    return value if isinstance(value, str) else canonical_text(kept(value, where))
