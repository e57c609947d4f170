"""Posts that go out, move or are cancelled on sites that share a block: by day, or those of each of a few sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Final, assert_never

from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.model.schedule import CancelPost, ReschedulePost, ScheduleOperation, SchedulePost
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.base import STYLES, SYMBOLS
from reconciler.reporters.layout import LEFT, Line, Span, Style, subject_line
from reconciler.reporters.names_on_sites import NamesOnSites, add_titles, most_frequent
from reconciler.reporters.totals import DiscardTotal, FindingTotal, ProblemTotal, Total
from reconciler.reporters.value_totals import ValuesTotal
from reconciler.reporters.words import on_account, reason_behind

MOST_DAYS: Final = 14
"""How many days of posts get a line; posts on later days are counted."""


class _Day:
    """The posts of one day."""

    def __init__(self) -> None:
        self.count = 0
        self.times: set[str] = set()
        self.zones: set[str] = set()
        self.channels: set[str] = set()
        self.titles: Counter[str] = Counter()
        self.exact = True

    def add(self, other: _Day) -> None:
        self.count += other.count
        self.times |= other.times
        self.zones |= other.zones
        self.channels |= other.channels
        self.exact &= other.exact
        add_titles(self.titles, other.titles)


class PostTotal:
    """Posts that go out, move or are cancelled, by the day on which they do."""

    listed: Final = True

    def __init__(self, action: Action, zone: str, site: str, named: str) -> None:
        """The post of one action. `zone` is the time zone of its site.

        `named`: its name and time, if these are all that tells it from other posts to which the same happens.
        """
        operation = action.operation
        assert isinstance(operation, SchedulePost | ReschedulePost | CancelPost)
        self._what, self._cancelled = _what_becomes(operation), isinstance(operation, CancelPost)
        why = reason_behind(action.reason) if self._cancelled else ""
        self._why = f": {why}" if why else ""
        self.kind: Final = self.said()
        self._symbol, self._style = SYMBOLS[operation.verb], STYLES[operation.verb]
        self._count = 1
        self._accounts = {operation.account or ""}
        about = operation.about if isinstance(operation, SchedulePost) else None
        day, found = _day_of(operation.at or about, zone)
        found.exact = operation.is_exact if isinstance(operation, CancelPost) else about is None
        found.count, found.channels = 1, {channel_name(operation.channel)}
        found.titles = Counter([operation.title] if operation.title else [])
        self._days: dict[date | None, _Day] = {day: found}
        self.names = NamesOnSites(site, Counter(), named) if named else None
        """The posts on each site; None if their names and times do not say everything."""

    def said(self, where: str = "") -> str:
        """What becomes of them: `will be cancelled on pottery.berlin: publishing is paused`."""
        return f"{self._what}{where}{self._why}"

    def add(self, other: PostTotal) -> None:
        """Adds other posts to which the same happens."""
        if self.names is not None and other.names is not None:
            self.names.add(other.names)
        self._count += other._count
        if len(self._accounts) < 2:  # only whether there is more than one is ever shown
            self._accounts |= other._accounts
        for day, found in other._days.items():
            if day in self._days:
                self._days[day].add(found)
            else:
                self._days[day] = found

    def lines(self) -> Iterator[Line]:
        """How many there are, then a line for each of a few sites, or for each day, with its posts."""
        (account,) = self._accounts if len(self._accounts) == 1 else ("",)
        where = on_account(account) or ("" if self._cancelled else ", each on its own site's account")
        yield subject_line(self._symbol, self._style, "posts", Span(f"{self._count:,} {self.said(where)}"))
        if self.names is not None and self.names.sites:
            yield from self.names.on_each_site()
            return
        days = sorted(self._days.items(), key=lambda item: item[0] or date.max)
        for day, found in days[:MOST_DAYS]:
            spans = (Span(_when(day, found)), Span(f"{found.count:,} on {', '.join(sorted(found.channels))}:"))
            yield Line(
                (*spans, Span(most_frequent(found.titles, found.count, "post"), Style.DIM)),
                indent=LEFT + 4,
                hang=LEFT + 6,
            )
        if later := days[MOST_DAYS:]:
            count, last = sum(found.count for _, found in later), later[-1][0]
            until = f", until {last:%a %Y-%m-%d}" if last else ""
            text = f"and {count:,} on {plural(len(later), 'later day')}{until}"
            yield Line((Span(text),), indent=LEFT + 4, hang=LEFT + 6)


def _what_becomes(operation: ScheduleOperation) -> str:
    match operation:
        case SchedulePost(approved=approved):
            return "go out" if approved else "go out without approval (approval: none)"
        case CancelPost():
            return "will be cancelled"
        case ReschedulePost():
            return "move to another time"
        case _:
            assert_never(operation)


def _day_of(at: datetime | None, zone: str) -> tuple[date | None, _Day]:
    from zoneinfo import ZoneInfo

    found = _Day()
    if at is None:
        return None, found
    try:
        local = at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        local, zone = at.astimezone(UTC), "UTC"
    found.times, found.zones = {f"{local:%H:%M}"}, {zone}
    return local.date(), found


def _when(day: date | None, found: _Day) -> str:
    """`Wed 2026-11-04 09:30 Europe/Berlin`; if the posts of a day differ, from when to when."""
    if day is None:
        return "at a time Wix picks"
    times = sorted(found.times)
    time = times[0] if len(times) == 1 else f"{times[0]} to {times[-1]}"
    zone = next(iter(found.zones)) if len(found.zones) == 1 else "in each site's time zone"
    about, picked = ("", "") if found.exact else ("about ", " (Wix picks the time)")
    return f"{about}{day:%a %Y-%m-%d} {time} {zone}{picked}"


def names_sites(totals: Iterable[Total]) -> bool:
    """Whether totals name each of a few sites with its posts, as far as they are about posts."""
    return all(_names_of(total) is not None for total in totals if total.listed)


def names_few_sites(totals: Iterable[Total], sites: int) -> bool:
    """Whether one of the totals names each of the sites of a block."""
    return any(names.sites == sites for total in totals if (names := _names_of(total)) is not None)


def _names_of(total: Total) -> NamesOnSites | None:
    return (
        total.names if isinstance(total, DiscardTotal | ProblemTotal | FindingTotal | PostTotal | ValuesTotal) else None
    )
