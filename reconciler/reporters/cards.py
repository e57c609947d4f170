"""Drafts as cards: what the gallery and the review page show of each, in the same order and the same words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

from msgspec import Struct

from reconciler.model.approvals import ActivityDecision, DraftDecision
from reconciler.model.canonical import Digest
from reconciler.model.content import Difference, PublicContent
from reconciler.model.moments import moment_text
from reconciler.model.posts import CHANNEL_NAMES, accounts_apart, channel_name
from reconciler.model.text import printable
from reconciler.planner.text_lengths import letters

TYPES: Final = frozenset({"POST", "STORY", "REEL", "VIDEO", "SHORT"})

SHOWN_DIGITS: Final = 8
"""How many digits of a digest people compare by eye."""

_MEDIA: Final = re.compile(r"(?:([A-Z_]+) )?(.+?)(?: \(file .*\))?", re.DOTALL)


class Group(IntEnum):
    """The groups of cards, in the order of the page."""

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
    """The review status of a draft."""

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


class CardStyle(Struct, frozen=True):
    """How a state is shown: never by colour alone. `shape` comes before the words; `tone` is the CSS class."""

    words: str
    shape: str
    tone: str
    group: Group


CARD_STYLES: Final = {
    CardState.FAILED: CardStyle("failed", "✕", "bad", Group.ATTENTION),
    CardState.GOING_OUT: CardStyle("still going out", "!", "bad", Group.ATTENTION),
    CardState.MISSED: CardStyle("approved but missed", "!", "bad", Group.ATTENTION),
    CardState.CHANGED: CardStyle("changed after approval", "≠", "waiting", Group.WAITING),
    CardState.EDITED: CardStyle("edited in the file", "✎", "waiting", Group.WAITING),
    CardState.AGAIN: CardStyle("to approve again", "?", "waiting", Group.WAITING),
    CardState.CANCELLED: CardStyle("cancelled after approval", "?", "waiting", Group.WAITING),
    CardState.PENDING: CardStyle("pending", "?", "waiting", Group.WAITING),
    CardState.SENT_BACK: CardStyle("sent back", "↺", "back", Group.DECIDED),
    CardState.APPROVED: CardStyle("approved", "✓", "good", Group.DECIDED),
    CardState.SCHEDULED: CardStyle("scheduled", "◷", "good", Group.DECIDED),
    CardState.OUT: CardStyle("went out", "➜", "calm", Group.DONE),
}

DECISION_WORDS: Final = {
    ActivityDecision.KEEP: "keep",
    ActivityDecision.REGENERATE: "posts will be regenerated",
    ActivityDecision.REGENERATE_MEDIA: "images will be regenerated",
    ActivityDecision.DISCARD: "posts will be discarded",
}


class ShownMedia(Struct, frozen=True):
    """One image or video. Only a `safe` address becomes a link: https, and without invisible characters."""

    type: str
    url: str
    safe: bool

    @property
    def is_image(self) -> bool:
        """Whether a browser can safely show it as a picture."""
        return self.type == "IMAGE" and self.safe


class ChangedMember(Struct, frozen=True):
    """A member that differs from what was approved: its text before and now, or its images."""

    name: str
    before: str = ""
    after: str = ""
    media_before: tuple[ShownMedia, ...] = ()
    media_after: tuple[ShownMedia, ...] = ()


class Card(Struct, frozen=True, dict=True):
    """A draft as people see it.

    `goes_out` is the time in words, `moment` the time itself, in the site's zone. `digest` is what an approval names.
    `sent_back` is what was decided about the activity as a whole, which has `posts` posts. `late` says that its time
    has passed, `blocked` what blocks it, `notes` what else there is to know. `link` leads to the published post.
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
    decision: DraftDecision = DraftDecision.PENDING
    sent_back: ActivityDecision = ActivityDecision.KEEP
    activity_digest: Digest | None = None
    late: bool = False
    blocked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    changed: tuple[ChangedMember, ...] = ()
    link: str = ""

    @property
    def key(self) -> str:
        """An id for use in the page, whatever characters the draft's own id has."""
        named = f"{self.site}\0{self.draft}".encode("utf-8", "replace")
        return "draft-" + hashlib.sha256(named).hexdigest()[:16]

    @property
    def look(self) -> CardStyle:
        """How its state is shown: words, tone and group."""
        return CARD_STYLES[self.state]

    @property
    def words(self) -> str:
        """The state in words."""
        words = self.look.words
        if self.state is CardState.SENT_BACK:
            words = f"{words}: {DECISION_WORDS[self.sent_back]}"
        return f"{words}, blocked" if self.blocked else words

    @property
    def timing(self) -> str:
        """The words before its time."""
        if self.state is CardState.OUT:
            return "went out"
        if self.late or self.state in (CardState.FAILED, CardState.MISSED):
            return "was due"
        return "was planned for" if self.state is CardState.SENT_BACK else "goes out"

    @property
    def tone(self) -> str:
        """The name of its colour: that of its state, unless it is blocked."""
        return "bad" if self.blocked and self.look.group is not Group.DONE else self.look.tone

    @property
    def channel(self) -> str:
        """What people call its channel."""
        return channel_name(self.content.channel)

    @property
    def kind(self) -> str:
        """Its type; empty for a plain post."""
        return "" if self.content.type == "POST" else self.content.type.lower()

    @property
    def classes(self) -> str:
        """CSS classes that make a card look like its channel; none for a channel of a later API version."""
        names = [self.content.channel.lower()] if self.content.channel in CHANNEL_NAMES else []
        return " ".join(names + ([self.content.type.lower()] if self.content.type in TYPES else []))

    @property
    def media(self) -> tuple[ShownMedia, ...]:
        """Its images and videos as the page shows them."""
        return shown_media(self.content.media)

    @property
    def public_link(self) -> str:
        """Where it was published, if that address is safe to follow."""
        (link,) = shown_media((self.link,)) if self.link else (None,)
        return link.url if link is not None and link.is_image else ""

    @property
    def digits(self) -> str:
        """The beginning of the digest."""
        return self.digest.removeprefix("sha256:")[:SHOWN_DIGITS]

    @property
    def length(self) -> int:
        """The length in characters as people count them, without the line end that a text in a file has."""
        texts = (self.content.title, self.content.caption, self.content.description)
        return sum(letters(text.rstrip("\n")) for text in texts)


def shown_media(addresses: Iterable[str]) -> tuple[ShownMedia, ...]:
    """Media of a post from their addresses as approvals files have them: `[TYPE ]URL[ (file ID)]`."""
    return tuple(map(_media, addresses))


def _media(address: str) -> ShownMedia:
    found = _MEDIA.fullmatch(address)
    if found is None:
        return ShownMedia("MEDIA", address, safe=False)
    url = found[2]
    # An address with invisible characters is shown, but is not a link.
    return ShownMedia(found[1] or "IMAGE", url, safe=url.lower().startswith("https://") and printable(url) == url)


def changed(differences: Iterable[Difference], after: PublicContent, zone: str) -> tuple[ChangedMember, ...]:
    """What differs between the approved content and the present one, texts first and images side by side.

    A difference has a member's value on both sides; `in_file` is the approved one.
    """
    found: list[ChangedMember] = []
    for difference in differences:
        if difference.field == "media":
            before = shown_media(address for address in difference.in_file.split() if "://" in address)
            found.append(ChangedMember("images", media_before=before, media_after=shown_media(after.media)))
        else:
            found.append(ChangedMember(difference.field, *sides_of(difference, zone)))
    return tuple(sorted(found, key=lambda each: bool(each.media_before or each.media_after)))


def sides_of(difference: Difference, zone: str) -> tuple[str, str]:
    """The two values as people read them: a date as a time in words, an account by name."""
    before, after = difference.in_file, difference.live
    if difference.field == "account":
        return accounts_apart(before, after)
    if difference.field == "date":
        before, after = (moment_text(datetime.fromisoformat(at), zone) if at else at for at in (before, after))
    return before, after


class Day(Struct, frozen=True):
    """A day of the calendar with what goes out on it, in order."""

    date: date
    cards: tuple[Card, ...]


class Week(Struct, frozen=True):
    """A week that is not empty, Monday first. `key` is its Monday: `2026-11-30`."""

    key: str
    days: tuple[Day, ...]

    @property
    def count(self) -> int:
        """The number of its cards."""
        return sum(len(day.cards) for day in self.days)


def monday_of(card: Card) -> date:
    """The first day of a card's week, in its site's zone."""
    day = card.moment.date()
    return day - timedelta(days=day.weekday())


def weeks(cards: Iterable[Card]) -> tuple[Week, ...]:
    """The weeks that have any of these cards, earliest first."""
    by_day: dict[date, list[Card]] = {}
    for card in sorted(cards, key=lambda card: (card.moment.replace(tzinfo=None), card.site, card.draft)):
        by_day.setdefault(card.moment.date(), []).append(card)
    mondays = sorted({day - timedelta(days=day.weekday()) for day in by_day})
    return tuple(
        Week(
            monday.isoformat(),
            tuple(
                Day(day, tuple(by_day.get(day, ()))) for day in (monday + timedelta(days=number) for number in range(7))
            ),
        )
        for monday in mondays
    )


def by_group(cards: Iterable[Card], before: Group | None = None) -> list[tuple[str, list[Card]]]:
    """Ordered cards under their groups' titles; "" if `before`, the previous card's group, is the same."""
    found: list[tuple[str, list[Card]]] = []
    last = before
    for card in cards:
        if card.look.group is not last or not found:
            found.append(("" if card.look.group is last else GROUP_TITLES[card.look.group], []))
            last = card.look.group
        found[-1][1].append(card)
    return found


def in_order(cards: Iterable[Card]) -> list[Card]:
    """The cards by group, then by the time at which they go out; of those that are out, the latest first."""

    def key(card: Card) -> tuple[int, float, str, str]:
        seconds = card.moment.timestamp()
        return card.look.group, -seconds if card.look.group is Group.DONE else seconds, card.site, card.draft

    return sorted(cards, key=key)
