"""Posts: the Publisher items of an activity, drafts and others (D 6.4, 10.2)."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType, TypeAlias

from reconciler.model.canonical import Digest, JsonObject, digest_of
from reconciler.model.frozen import Instant, Struct

PostId = NewType("PostId", str)
ActivityId = NewType("ActivityId", str)


class Unrecognised(Struct, frozen=True):
    """A member that the API added to an enum after this version was written."""

    name: str

    def __str__(self) -> str:
        return self.name


class PostStatus(StrEnum):
    """S-wix 10.2."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    PROCESSING = "PROCESSING"
    IN_QUEUE = "IN_QUEUE"
    PUBLISHED = "PUBLISHED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    DELETED = "DELETED"


AnyPostStatus: TypeAlias = PostStatus | Unrecognised


class Media(Struct, frozen=True):
    """One image or video of a post."""

    type: str
    url: str


class Post(Struct, frozen=True):
    """A Publisher item of an activity. `texts` are pairs of (API field name, text), in the API's reading order.

    `channel` and `type` are the API's own words (`INSTAGRAM`, `STORY`); unknown ones are kept as they are.
    """

    id: PostId
    channel: str
    type: str
    status: AnyPostStatus
    texts: tuple[tuple[str, str], ...] = ()
    media: tuple[Media, ...] = ()
    account_id: str | None = None
    scheduled_for: Instant | None = None
    external_url: str | None = None

    @property
    def is_story(self) -> bool:
        return self.type == "STORY"

    @property
    def caption(self) -> str:
        """All its words, as a reader meets them."""
        return "\n\n".join(text for _, text in self.texts if text)

    @property
    def digest(self) -> Digest:
        """Of channel, type, text and media: what a reviewer's yes names (design.md 1.3)."""
        return digest_of(
            JsonObject(
                {
                    "channel": self.channel,
                    "type": self.type,
                    "texts": tuple(JsonObject({"field": field, "text": text}) for field, text in self.texts if text),
                    "media": tuple(JsonObject({"type": one.type, "url": one.url}) for one in self.media),
                }
            )
        )


GONE_OUT = frozenset({PostStatus.PUBLISHED, PostStatus.PROCESSING, PostStatus.IN_QUEUE})
"""Statuses of a post that has gone out or is going out."""
