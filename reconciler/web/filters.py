"""Which cards are shown: what people chose on the page, as encoded in the page's address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct

from reconciler.model.content import comparable
from reconciler.reporters.cards import CARD_STYLES, Card, CardState, Group, monday_of

SHORTEST_PREFIX: Final = 4
"""How many characters a search word must have to match the beginning of an id."""


class Filter(Struct, frozen=True):
    """All given conditions must hold. `state` is a state or a group of them, `week` its Monday: `2026-11-30`."""

    site: str = ""
    channel: str = ""
    state: str = ""
    week: str = ""
    search: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filter:
        """The filter in the query of an address. Unknown parameters are ignored."""
        names = {"site", "channel", "state", "week"}
        return cls(**{name: given[name] for name in names if given.get(name)}, search=given.get("q", "").strip())

    def __bool__(self) -> bool:
        return self != Filter()

    def query(self, **changes: str) -> str:
        """The query of the address with some parameters changed."""
        values = {
            "site": self.site,
            "channel": self.channel,
            "state": self.state,
            "week": self.week,
            "q": self.search,
            **changes,
        }
        return urlencode({name: text for name, text in values.items() if text})

    def takes(self, card: Card) -> bool:
        """Whether a card is shown."""
        return (
            self.site in ("", card.site)
            and self.channel in ("", card.content.channel)
            and self.state in ("", card.state.value, card.look.group.name.lower())
            and self.week in ("", monday_of(card).isoformat())
            and self._finds(card)
        )

    def _finds(self, card: Card) -> bool:
        if not self.search:
            return True
        content = card.content
        about = (card.title, card.site, card.account, card.channel, card.goes_out)
        words = (content.title, content.caption, content.description, content.link)
        found = comparable("\n".join((*about, *words))).casefold()
        ids = (card.draft, card.activity, card.digest.removeprefix("sha256:"))
        return all(
            word in found or any(len(word) >= SHORTEST_PREFIX and id.startswith(word) for id in ids)
            for word in comparable(self.search).casefold().split()
        )


class FilterOption(Struct, frozen=True):
    """Something to filter by: its value, what people call it, and how many cards have it."""

    value: str
    words: str
    count: int


def counts(cards: Iterable[Card]) -> tuple[FilterOption, ...]:
    """How many cards are in each state, in the order of the states."""
    found: dict[CardState, int] = {}
    for card in cards:
        found[card.state] = found.get(card.state, 0) + 1
    return tuple(
        FilterOption(state.value, CARD_STYLES[state].words, found[state]) for state in CardState if state in found
    )


def week_choices(cards: Iterable[Card]) -> tuple[FilterOption, ...]:
    """The weeks in which anything goes out, earliest first."""
    found = Counter(map(monday_of, cards))
    return tuple(FilterOption(day.isoformat(), f"{day:%d %b %Y}", found[day]) for day in sorted(found))


def waiting(cards: Iterable[Card]) -> int:
    """How many cards wait for a decision."""
    return sum(card.look.group is Group.WAITING for card in cards)
