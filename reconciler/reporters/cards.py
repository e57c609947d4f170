"""Drafts as cards: what the gallery and the review page show of each, in the same order and the same words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from msgspec import Struct

from reconciler.model.approvals import ActivityDecision, Decision
from reconciler.model.canonical import Digest
from reconciler.model.content import PublicContent
from reconciler.model.text import printable
from reconciler.planner.text_lengths import letters
from reconciler.reporters.differences import Piece

CHANNELS: Final = {
    "FACEBOOK": "Facebook",
    "GBP": "Google Business Profile",
    "INSTAGRAM": "Instagram",
    "LINKEDIN": "LinkedIn",
    "PINTEREST": "Pinterest",
    "TIKTOK": "TikTok",
    "TWITTER": "X",
    "YOUTUBE": "YouTube",
}
"""What people call the channels; one that is not known here keeps the API's word."""

TYPES: Final = frozenset({"POST", "STORY", "REEL", "VIDEO", "SHORT"})

SHOWN_DIGITS: Final = 8
"""How much of a digest people compare by eye."""

_MEDIA: Final = re.compile(r"(?:([A-Z_]+) )?(\S+?)(?: \(file .*\))?")


class Group(IntEnum):
    """What is seen first. The order is that of the page."""

    ATTENTION = 0
    WAITING = 1
    DECIDED = 2
    DONE = 3


GROUP_TITLES: Final = {
    Group.ATTENTION: "Needs attention",
    Group.WAITING: "Waiting for a decision",
    Group.DECIDED: "Decided",
    Group.DONE: "Done",
}


class CardState(StrEnum):
    """How a draft stands with the people who decide about it."""

    FAILED = "failed"
    GOING_OUT = "still-going-out"
    MISSED = "missed"
    CHANGED = "changed"
    EDITED = "edited"
    AGAIN = "again"
    CANCELLED = "cancelled"
    PENDING = "pending"
    SENT_BACK = "sent-back"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    OUT = "out"


class Look(Struct, frozen=True):
    """How a state is shown: never by its colour alone. `shape` stands before the words; `tone` is the CSS class."""

    words: str
    shape: str
    tone: str
    group: Group


LOOKS: Final = {
    CardState.FAILED: Look("failed", "✕", "bad", Group.ATTENTION),
    CardState.GOING_OUT: Look("still going out", "!", "bad", Group.ATTENTION),
    CardState.MISSED: Look("approved, missed", "!", "bad", Group.ATTENTION),
    CardState.CHANGED: Look("changed after approval", "≠", "waiting", Group.WAITING),
    CardState.EDITED: Look("edited in the file", "✎", "waiting", Group.WAITING),
    CardState.AGAIN: Look("to approve again", "?", "waiting", Group.WAITING),
    CardState.CANCELLED: Look("cancelled after approval", "?", "waiting", Group.WAITING),
    CardState.PENDING: Look("pending", "?", "waiting", Group.WAITING),
    CardState.SENT_BACK: Look("sent back", "↺", "back", Group.DECIDED),
    CardState.APPROVED: Look("approved", "✓", "good", Group.DECIDED),
    CardState.SCHEDULED: Look("scheduled", "◷", "good", Group.DECIDED),
    CardState.OUT: Look("went out", "➜", "calm", Group.DONE),
}

DECISION_WORDS: Final = {
    ActivityDecision.KEEP: "keep",
    ActivityDecision.REGENERATE: "posts will be made again",
    ActivityDecision.REGENERATE_MEDIA: "images will be made again",
    ActivityDecision.DISCARD: "posts will be discarded",
}


class ShownMedia(Struct, frozen=True):
    """One image or video. Only what is `safe` is followed: https, and no character in it that nobody sees."""

    type: str
    url: str
    safe: bool

    @property
    def is_image(self) -> bool:
        return self.type == "IMAGE" and self.safe


class Changed(Struct, frozen=True):
    """A member that is not what it was when it was approved: pieces of its text, or images before and after."""

    name: str
    pieces: tuple[Piece, ...] = ()
    before: tuple[ShownMedia, ...] = ()
    after: tuple[ShownMedia, ...] = ()


class Card(Struct, frozen=True, dict=True):
    """A draft as people see it.

    `goes_out` is the moment in words, `moment` the same in the site's zone. `digest` is what a yes names, `sent_back`
    what was decided about the activity as a whole, which has `posts` posts. `blocked` says what is in its way, `notes`
    what else there is to know. `link` leads to the published post.
    """

    site: str
    activity: str
    title: str
    draft: str
    content: PublicContent
    account: str
    goes_out: str
    moment: datetime
    state: CardState
    digest: Digest
    posts: int = 1
    decision: Decision = Decision.PENDING
    sent_back: ActivityDecision = ActivityDecision.KEEP
    activity_digest: Digest | None = None
    blocked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed: tuple[Changed, ...] = ()
    link: str = ""

    @property
    def key(self) -> str:
        """An id in the page, whatever characters the draft's own id has."""
        named = f"{self.site}\0{self.draft}".encode("utf-8", "replace")
        return "draft-" + hashlib.sha256(named).hexdigest()[:16]

    @property
    def look(self) -> Look:
        return LOOKS[self.state]

    @property
    def words(self) -> str:
        """The state in words."""
        words = self.look.words
        if self.state is CardState.SENT_BACK:
            words = f"{words}: {DECISION_WORDS[self.sent_back]}"
        return f"{words}, blocked" if self.blocked else words

    @property
    def tone(self) -> str:
        return "bad" if self.blocked and self.look.group is not Group.DONE else self.look.tone

    @property
    def channel(self) -> str:
        """What people call its channel."""
        return channel_name(self.content.channel)

    @property
    def kind(self) -> str:
        """Its type, where that says more than that it is a post."""
        return "" if self.content.type == "POST" else self.content.type.lower()

    @property
    def classes(self) -> str:
        """What makes a card look like its channel; words of a later API version get none."""
        names = [self.content.channel.lower()] if self.content.channel in CHANNELS else []
        return " ".join(names + ([self.content.type.lower()] if self.content.type in TYPES else []))

    @property
    def media(self) -> tuple[ShownMedia, ...]:
        return shown_media(self.content.media)

    @property
    def public_link(self) -> str:
        """Where it was published, if that can be followed."""
        (link,) = shown_media((self.link,)) if self.link else (None,)
        return link.url if link is not None and link.is_image else ""

    @property
    def digits(self) -> str:
        """The beginning of the digest."""
        return self.digest.removeprefix("sha256:")[:SHOWN_DIGITS]

    @property
    def length(self) -> int:
        """In letters as people count them."""
        return sum(map(letters, (self.content.title, self.content.caption, self.content.description)))


def channel_name(channel: str) -> str:
    """What people call a channel."""
    return CHANNELS.get(channel, channel)


def shown_media(addresses: Iterable[str]) -> tuple[ShownMedia, ...]:
    """Media of a post from their addresses as approvals files have them: `[TYPE ]URL[ (file ID)]`."""
    return tuple(map(_media, addresses))


def _media(address: str) -> ShownMedia:
    found = _MEDIA.fullmatch(address)
    if found is None:
        return ShownMedia("MEDIA", address, safe=False)
    url = found[2]
    # An address with characters in it that nobody sees is shown, and not followed.
    return ShownMedia(found[1] or "IMAGE", url, safe=url.lower().startswith("https://") and printable(url) == url)


def in_order(cards: Iterable[Card]) -> list[Card]:
    """What waits first, and each group by the moment at which it goes out; what went out last comes first."""

    def key(card: Card) -> tuple[int, float, str, str]:
        seconds = card.moment.timestamp()
        return card.look.group, -seconds if card.look.group is Group.DONE else seconds, card.site, card.draft

    return sorted(cards, key=key)
