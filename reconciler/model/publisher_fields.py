"""Every field of a Publisher item (docs/remote-api.md 10.2, 10.3): covered by the approval's digest, or why not.

A field that the API adds to a content object counts as content (`Post.other`) until it is named here. New fields of the
item itself and of `channel` are ignored: counters, dates and references of the service.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct

CONTENT: Final = "*"
"""Stands for the only content object of an item, such as `instagramPost`."""


class InDigest(Struct, frozen=True):
    """Part of what people approve: the member of `model.content.PublicContent` that holds it."""

    member: str


class Harmless(Struct, frozen=True):
    """Not part of it, for this reason."""

    why: str


FieldRole: TypeAlias = InDigest | Harmless

PUBLISHER_FIELDS: Final[dict[str, FieldRole]] = {
    "id": Harmless("identifies the post; approvals refer to it"),
    "channel.name": InDigest("channel"),
    "channel.accountId": InDigest("account"),
    "channel.publishingTarget.id": InDigest("place"),
    "channel.externalItemId": Harmless("filled by the service after publishing"),
    "channel.externalItemUrl": Harmless("filled by the service after publishing"),
    "type": InDigest("type"),
    "siteAssetRef.siteAssetRefType": InDigest("other"),
    "siteAssetRef.id": InDigest("other"),
    "siteAssetRef.name": InDigest("other"),
    f"{CONTENT}.caption": InDigest("caption"),
    f"{CONTENT}.description": InDigest("caption"),
    f"{CONTENT}.title": InDigest("title"),
    f"{CONTENT}.link": InDigest("link"),
    f"{CONTENT}.linkMetadata.title": InDigest("preview"),
    f"{CONTENT}.linkMetadata.description": InDigest("preview"),
    f"{CONTENT}.linkMetadata.thumbnailUrl": InDigest("preview"),
    f"{CONTENT}.callToAction": InDigest("call_to_action"),
    f"{CONTENT}.pageId": InDigest("place"),
    f"{CONTENT}.boardId": InDigest("place"),
    f"{CONTENT}.locationId": InDigest("place"),
    f"{CONTENT}.authorId": InDigest("place"),
    f"{CONTENT}.channelId": InDigest("place"),
    f"{CONTENT}.privacyLevel": InDigest("audience"),
    f"{CONTENT}.imageUrl": InDigest("media"),
    f"{CONTENT}.videoUrl": InDigest("media"),
    f"{CONTENT}.mediaWrapper.media[].type": InDigest("media"),
    f"{CONTENT}.mediaWrapper.media[].url": InDigest("media"),
    f"{CONTENT}.mediaWrapper.media[].fileId": InDigest("media"),
    f"{CONTENT}.postUrl": Harmless("the link of the published post, filled by the service"),
    f"{CONTENT}.storyUrl": Harmless("the link of the published story, filled by the service"),
    "schedulingInfo.scheduledDate": Harmless("when it goes out: set in git, and checked separately"),
    "status": Harmless("the post's status, not its content; checked separately"),
    "draftInfo": Harmless("when the draft was created and changed"),
    "external": Harmless("marks posts that people made on the channel itself, which are never drafts"),
    "insightsSummary": Harmless("how readers reacted to a published post"),
    "publicationError": Harmless("why publishing failed"),
    "referenceId": Harmless("the caller's key that prevents a repeat; nobody sees it"),
}
"""API path -> its role. `[]` means each member of a list."""

PLACES: Final[dict[str, str]] = {
    "pageId": "page",
    "boardId": "board",
    "locationId": "location",
    "authorId": "author",
    "channelId": "youtubeChannel",
    "publishingTarget.id": "publishingTarget",
}
"""Where within an account a post appears: the API's field -> the key in the approvals file."""

CONTENT_FIELDS: Final = frozenset(path.split(".")[1] for path in PUBLISHER_FIELDS if path.startswith(f"{CONTENT}."))
"""The known members of a content object; all others go to `Post.other`."""
