"""Every field of a Publisher item (docs/remote-api.md 10.2, 10.3): whether the approval's digest covers it.

A field that the API adds to a content object counts as content (`Post.other`) until it is named here. New fields of the
item itself and of `channel` are ignored: counters, dates and references of the service.
"""

from __future__ import annotations

from typing import Final

CONTENT: Final = "*"
"""Stands for the only content object of an item, such as `instagramPost`."""

PUBLISHER_FIELDS: Final[dict[str, str | None]] = {
    "id": None,  # identifies the post; approvals refer to it
    "channel.name": "channel",
    "channel.accountId": "account",
    "channel.publishingTarget.id": "place",
    "channel.externalItemId": None,  # filled by the service after publishing
    "channel.externalItemUrl": None,  # filled by the service after publishing
    "type": "type",
    "siteAssetRef.siteAssetRefType": "other",
    "siteAssetRef.id": "other",
    "siteAssetRef.name": "other",
    f"{CONTENT}.caption": "caption",
    f"{CONTENT}.description": "caption",
    f"{CONTENT}.title": "title",
    f"{CONTENT}.link": "link",
    f"{CONTENT}.linkMetadata.title": "preview",
    f"{CONTENT}.linkMetadata.description": "preview",
    f"{CONTENT}.linkMetadata.thumbnailUrl": "preview",
    f"{CONTENT}.callToAction": "call_to_action",
    f"{CONTENT}.pageId": "place",
    f"{CONTENT}.boardId": "place",
    f"{CONTENT}.locationId": "place",
    f"{CONTENT}.authorId": "place",
    f"{CONTENT}.channelId": "place",
    f"{CONTENT}.privacyLevel": "audience",
    f"{CONTENT}.imageUrl": "media",
    f"{CONTENT}.videoUrl": "media",
    f"{CONTENT}.mediaWrapper.media[].type": "media",
    f"{CONTENT}.mediaWrapper.media[].url": "media",
    f"{CONTENT}.mediaWrapper.media[].fileId": "media",
    f"{CONTENT}.postUrl": None,  # the link of the published post, filled in by the service
    f"{CONTENT}.storyUrl": None,  # the link of the published story, filled in by the service
    "schedulingInfo.scheduledDate": None,  # when it goes out: set in git, and checked separately
    "status": None,  # the post's status, not its content; checked separately
    "draftInfo": None,  # when the draft was created and changed
    "external": None,  # marks posts that people made on the channel itself, which are never drafts
    "insightsSummary": None,  # how readers reacted to a published post
    "publicationError": None,  # why publishing failed
    "referenceId": None,  # the caller's key that prevents a repeat; nobody sees it
}
"""API path -> the member of `model.content.PublicContent` that holds it; None: not part of what people approve.

`[]` means each member of a list.
"""

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
