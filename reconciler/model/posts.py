"""Posts: the Publisher items of an activity, drafts and others (D 6.4, 10.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import ClassVar, Final, NewType, Protocol, TypeAlias

from reconciler.model.address import Kind
from reconciler.model.canonical import Absent, Digest, JsonObject, digest_of
from reconciler.model.content import LinkPreview, PublicContent, comparable, whole
from reconciler.model.frozen import Instant, Struct
from reconciler.model.publisher_fields import PLACES
from reconciler.model.writes import Condition, Verb, Write

PostId = NewType("PostId", str)
ActivityId = NewType("ActivityId", str)

_IN_FILES: Final = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z"


def fits_in_files(id: str) -> bool:
    """Whether a project file may name an object by this id: `objectId` in the schemas."""
    return re.match(_IN_FILES, id) is not None


CHANNEL_NAMES: Final = {
    "INSTAGRAM": "Instagram",
    "FACEBOOK": "Facebook",
    "LINKEDIN": "LinkedIn",
    "PINTEREST": "Pinterest",
    "GBP": "Google Business Profile",
    "TIKTOK": "TikTok",
    "TWITTER": "X",
    "YOUTUBE": "YouTube",
}

CHANNELS_GONE: Final[dict[str, datetime]] = {"TWITTER": datetime(2026, 8, 1, tzinfo=UTC)}
"""Channel -> the time from which posting there no longer works (S-wix 6.4: after 31 July 2026)."""


POST_TYPES: Final[dict[str, frozenset[str]]] = {
    "FACEBOOK": frozenset({"POST", "REEL", "STORY"}),
    "GBP": frozenset({"POST"}),
    "INSTAGRAM": frozenset({"POST", "STORY"}),
    "LINKEDIN": frozenset({"POST"}),
    "PINTEREST": frozenset({"POST"}),
    "TIKTOK": frozenset({"POST", "VIDEO"}),
    "TWITTER": frozenset({"POST"}),
    "YOUTUBE": frozenset({"SHORT", "VIDEO"}),
}
"""Channel -> the types of its posts (S-wix 10.3)."""


def channel_name(channel: str) -> str:
    """The name people use for a channel; an unknown one as the API calls it."""
    return CHANNEL_NAMES.get(channel, channel)


def post_name(title: str, channel: str, type: str = "POST") -> str:
    """`"Summer sale" (Instagram)`, `"Summer sale" (Instagram story)`: what people call a post."""
    where = channel_name(channel) + ("" if type == "POST" else f" {type.lower()}")
    return f'"{title}" ({where})' if title and where else f'"{title}"' if title else where


class NamedPost(Protocol):
    """Anything with the three parts of a post's name: its activity's title, its channel, its type."""

    @property
    def title(self) -> str:
        """The title of its activity."""
        ...

    @property
    def channel(self) -> str:
        """Where it goes out."""
        ...

    @property
    def type(self) -> str:
        """Its type there: a post, a story."""
        ...


def name_of(post: NamedPost) -> str:
    """`post_name` of something with a post's title, channel and type."""
    return post_name(post.title, post.channel, post.type)


class Unrecognised(Struct, frozen=True):
    """An enum value that the API added after this version was written."""

    name: str

    def __str__(self) -> str:
        return self.name


class PostStatus(StrEnum):
    """The statuses of a post (S-wix 10.2)."""

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
    """One image or video of a post. `file_id` identifies it in the Media Manager (S-wix 10.3)."""

    type: str
    url: str
    file_id: str | None = None

    @property
    def address(self) -> str:
        """The media's address as people read it.

        The URL, with the type unless it is an image, and with the file if that is not part of the URL.
        """
        kind = "" if self.type == "IMAGE" else f"{self.type} "
        file = f" (file {self.file_id})" if self.file_id and self.file_id not in self.url else ""
        return f"{kind}{self.url}{file}"


class Post(Struct, frozen=True, dict=True):
    """A Publisher item of an activity.

    `texts` are pairs of (API field name, text) for `title`, `caption` and `description`, in that order. `place` are
    pairs of (API path, id) that say where within the account it appears (`publisher_fields.PLACES`). `other` are pairs
    of (name, canonical JSON) of content that this version does not know. `account_name` is for people. `channel` and
    `type` are the API's own words (`INSTAGRAM`, `STORY`); unknown ones are kept as they are.
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
    place: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    preview: LinkPreview | None = None
    call_to_action: str | None = None
    audience: str | None = None
    other: tuple[tuple[str, str], ...] = ()
    account_name: str | None = None
    error: str = ""
    """Why publishing it failed, in the API's words."""
    shows_content: bool = True
    """Whether the answer had its content at all: an item may be incomplete (S-wix 12.3)."""

    @property
    def is_story(self) -> bool:
        """Whether it is a story, which the API regenerates with a separate call (D 6.2)."""
        return self.type == "STORY"

    @property
    def caption(self) -> str:
        """All its words, in the order in which a reader sees them."""
        return "\n\n".join(text for _, text in self.texts if text)

    @cached_property
    def content(self) -> PublicContent:
        """What the public sees of it, and where."""
        texts = {name: whole(text) for name, text in self.texts if text}
        caption, description = texts.get("caption", ""), texts.get("description", "")
        return PublicContent(
            channel=self.channel,
            type=self.type,
            account=self.account_id or "",
            place=tuple((PLACES.get(path, path), where) for path, where in self.place if where),
            title=texts.get("title", ""),
            media=tuple(whole(media.address) for media in self.media),
            link=whole(self.link or ""),
            preview=self.preview or LinkPreview(),
            call_to_action=self.call_to_action or "",
            audience=self.audience or "",
            other=self.other,
            # Which of the two fields a channel uses for its text follows from channel and type.
            caption=caption or description,
            description=description if caption else "",
        )

    @cached_property
    def digest(self) -> Digest:
        """The digest of what the public sees and where, as the Publisher has it.

        An approval names another one, which covers more: `approval_digest`.
        """
        return self.content.digest

    @cached_property
    def earlier_digest(self) -> Digest:
        """Its digest in the first approvals files and states: of channel, type, texts with the link, and media."""
        texts = {**dict(self.texts), **({"link": self.link} if self.link else {})}
        return digest_of(
            JsonObject(
                {
                    "channel": self.channel,
                    "type": self.type,
                    "texts": tuple(
                        JsonObject({"field": field, "text": texts[field]})
                        for field in ("title", "caption", "description", "link")
                        if texts.get(field)
                    ),
                    "media": tuple(JsonObject({"type": media.type, "url": media.url}) for media in self.media),
                }
            )
        )

    @property
    def account(self) -> str:
        """The account as people read it: `janes.pottery (1784140)`, or the id alone."""
        return account_label(self.account_name or "", self.account_id or "")


def account_label(name: str, id: str) -> str:
    """An account's name with its id; only the id identifies it."""
    if not name:
        return f"({id})" if id.endswith(")") else id
    return f"{comparable(name)} ({id})"


def account_id(label: str) -> str:
    """The id in an `account_label`."""
    return label[label.rfind("(") + 1 : -1] if label.endswith(")") and "(" in label else label


def account_name(label: str) -> str:
    """The name in an `account_label`; empty if there is none."""
    return label[: label.rfind("(")].strip() if label.endswith(")") and "(" in label else ""


def account_with_name(live: Post, label: str | Absent) -> str:
    """The account that a live post is on, with the name in a label if that is one of the same account."""
    return label if label and account_id(label) == live.account_id else live.account


def shown_account(label: str) -> str:
    """An account as screens show it: by name, or by id if no name is known."""
    return account_name(label) or f"account {account_id(label)}"


def accounts_apart(label: str, other: str) -> tuple[str, str]:
    """Two accounts of a channel by name, or by id if no name is known; with their ids if only these differ."""
    name, other_name = account_name(label), account_name(other)
    if name == other_name or (account_id(label) == account_id(other) and not (name and other_name)):
        return label, other
    return name or account_id(label), other_name or account_id(other)


GONE_OUT = frozenset({PostStatus.PUBLISHED, PostStatus.PROCESSING, PostStatus.IN_QUEUE})
"""Statuses of a post that has gone out or is going out."""


class Discarded(Struct, frozen=True):
    """A draft that is thrown away, with what people know it by: its activity's title and its channel."""

    post: PostId
    title: str
    channel: str
    approved: bool = False
    type: str = "POST"


# --- writes -----------------------------------------------------------------------------------------


class PostsWrite(Write, frozen=True):
    """Any write of the posts of one activity. `title` is the activity's."""

    kind: ClassVar[Kind] = Kind.POSTS
    rules: ClassVar[str] = "posts"

    activity: ActivityId
    title: str


class GeneratePosts(PostsWrite, frozen=True):
    """Posts for one activity. The executor sends up to 20 of these in one call (S-wix 6.2)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True
    at_once: ClassVar[bool] = False


class RegeneratePosts(PostsWrite, frozen=True):
    """New drafts for an activity that a reviewer sent back. If only the media are new, the captions stay (D 6.2)."""

    verb: ClassVar[Verb] = Verb.GENERATE
    takes_time: ClassVar[bool] = True
    at_once: ClassVar[bool] = False

    discards: tuple[PostId, ...] = ()
    media_only: bool = False
    stories: bool = False
    """The activity's story drafts and nothing else.

    They take a separate call (D 6.2), and so a separate operation: if one operation made two calls, nobody could tell
    afterwards which of them took effect.
    """

    @property
    def made(self) -> str:
        """What is new afterwards, in a word."""
        return "stories" if self.stories else "images" if self.media_only else "posts"

    @property
    def throws_away(self) -> tuple[PostId, ...]:
        """No draft, if only the images are new (D 6.2)."""
        return () if self.media_only else self.discards


class ClearPosts(PostsWrite, frozen=True):
    """Removes all social posts of an activity (D 6.2). `stories` clears story drafts too."""

    verb: ClassVar[Verb] = Verb.DELETE
    only_drafts: ClassVar[bool] = True

    discards: tuple[PostId, ...] = ()
    stories: bool = False


class AwaitPosts(PostsWrite, frozen=True):
    """Not a write: an earlier run asked for an activity's posts, and they do not exist yet.

    `replaces` are the drafts that they take the place of. No guard judges them again.
    """

    verb: ClassVar[Verb] = Verb.WAIT
    at_once: ClassVar[bool] = False

    replaces: tuple[PostId, ...] = ()


PostsOperation: TypeAlias = GeneratePosts | RegeneratePosts | ClearPosts | AwaitPosts


# --- what must still hold just before them ----------------------------------------------------------


class PostsAre(Condition, frozen=True):
    """The activity's posts are exactly these, by id and content. Empty: it has none."""

    kind: ClassVar[Kind] = Kind.POSTS
    about: ClassVar[str] = "posts of {0.activity}"

    activity: ActivityId
    posts: tuple[tuple[PostId, Digest], ...] = ()


class PostsAmong(Condition, frozen=True):
    """The activity's posts are among these, by id and content: it has none that the plan does not list."""

    kind: ClassVar[Kind] = Kind.POSTS
    about: ClassVar[str] = "posts of {0.activity}"

    activity: ActivityId
    posts: tuple[tuple[PostId, Digest], ...]


PostsCondition: TypeAlias = PostsAre | PostsAmong
