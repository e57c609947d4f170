"""What the policy and the channels themselves forbid one post to be, each said with the rule and its place.

Limits of a whole run are in guards.py. A moment here is when a post would go out: the rule's `at`, or the
activity's own date, which is the best estimate of the API's time (I: it is no request field, remote-api.md 6.2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from reconciler.model.policy import Policy
from reconciler.model.posts import Post, PostId
from reconciler.planner.options import Scope

TEXT_LIMITS: Final[dict[tuple[str, str], dict[str, int]]] = {
    ("INSTAGRAM", "POST"): {"caption": 2200},
    ("PINTEREST", "POST"): {"title": 100, "description": 800},
    ("GBP", "POST"): {"description": 1500},
    ("TIKTOK", "POST"): {"title": 90, "description": 4000},
    ("TIKTOK", "VIDEO"): {"description": 2200},
}
"""(channel, type) -> API field -> the most characters it may have (S-wix 10.3).

The unit is not documented. Counted are Unicode characters, as a person counts letters, not UTF-16 halves.
"""

NEEDS_MEDIA: Final = frozenset({("INSTAGRAM", "POST"), ("INSTAGRAM", "STORY")})
"""Channels and types that are nothing without an image or a video (S-wix 10.3)."""

CHANNELS_GONE: Final[dict[str, datetime]] = {"TWITTER": datetime(2026, 8, 1, tzinfo=UTC)}
"""Channel -> the moment from which posting there no longer works (S-wix 6.4: after 31 July 2026)."""

SHOWN_FROM: Final = 0.8
"""The share of a limit from which it is shown before it trips."""


class Violation(Struct, frozen=True):
    """A rule that a post breaks: its name, what was found, and what a person can do about it."""

    rule: str
    detail: str
    fix: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


class Days(Struct):
    """How many posts of a site go out on each day of its zone: those that are scheduled, and those just planned.

    A post that this plan takes back or moves still counts on its old day: that write may yet fail.
    """

    zone_days: dict[date, set[PostId]] = field(default_factory=dict)

    def add(self, day: date, post: PostId) -> None:
        self.zone_days.setdefault(day, set()).add(post)

    def count_with(self, day: date, post: PostId) -> int:
        """How many it would be with this one."""
        return len(self.zone_days.get(day, set()) | {post})

    def counts(self) -> tuple[tuple[date, int], ...]:
        return tuple((day, len(self.zone_days[day])) for day in sorted(self.zone_days))


def channel_is_gone(channel: str, moment: datetime) -> bool:
    """Whether a channel no longer takes posts at a moment."""
    until = CHANNELS_GONE.get(channel)
    return until is not None and moment >= until


def too_late(moment: datetime, now: datetime, policy: Policy) -> str | None:
    """Why it is too late to schedule for a moment; None where it is not.

    The API takes moments that are strictly in the future (S-wix 10.6).
    """
    if moment <= now:
        return "its moment is past"
    if moment - now < policy.min_lead:
        lead = f"{_length(policy.min_lead)}, {policy.place}"
        return f"it is due in {_length(moment - now)}, inside policy.minLead ({lead})"
    return None


def content_violations(post: Post, policy: Policy) -> tuple[Violation, ...]:
    """What is wrong with a post whenever it goes out: words, media, lengths."""
    change = "change the post in the dashboard or send it back with `decision: regenerate`"
    found = [
        Violation("policy.bannedWords", f"the text has {word!r}", f"{change}, or {_edit(policy)}")
        for word in policy.banned_words
        if any(_pattern(word).search(folded(text)) for _, text in post.texts)
    ]
    if not post.media:
        if policy.require_media:
            fix = f"give it an image in the dashboard, or {_edit(policy)}"
            found.append(Violation("policy.requireMedia", "it has neither image nor video", fix))
        elif (post.channel, post.type) in NEEDS_MEDIA:
            detail = f"an {post.channel} {post.type} must have an image or a video, and this one has none"
            found.append(Violation("media", detail, "give it an image in the dashboard"))
    limits = TEXT_LIMITS.get((post.channel, post.type), {})
    for name, text in post.texts:
        if name in limits and len(text) > limits[name]:
            detail = f"{name} has {len(text)} characters, and {post.channel} takes {limits[name]}"
            found.append(Violation("text limit", detail, change))
    return tuple(found)


def time_violations(moment: datetime, policy: Policy, scope: Scope) -> tuple[Violation, ...]:
    """What is wrong with a moment in the site's zone: quiet hours and blackout dates."""
    local = moment.astimezone(scope.zone)
    other = f"give the rule another `at` or the activity another date, or {_edit(policy)}"
    found: list[Violation] = []
    quiet = policy.quiet_hours
    if quiet is not None and quiet.covers(local.time()):
        hours = f"{quiet.start:%H:%M} to {quiet.end:%H:%M}"
        found.append(Violation("policy.quietHours", f"{local:%H:%M} is within {hours} ({scope.zone.key})", other))
    if local.date() in policy.blackout_dates:
        found.append(Violation("policy.blackoutDates", f"{local.date()} is one", other))
    return tuple(found)


def day_violation(post: PostId, moment: datetime, days: Days, policy: Policy, scope: Scope) -> Violation | None:
    """Whether a post would be one too many on its day."""
    most, day = policy.max_publish_per_site_per_day, moment.astimezone(scope.zone).date()
    if most is None or days.count_with(day, post) <= most:
        return None
    detail = f"it would be post {days.count_with(day, post)} of {day}, and the most is {most}"
    fix = f"move a post to another day, or {_edit(policy)}"
    return Violation("policy.maxPublishPerSitePerDay", detail, fix)


def near_limits(public: int, days: Iterable[tuple[date, int]], policy: Policy) -> tuple[str, ...]:
    """Sentences about limits that are nearly reached: shown before they trip. `public` counts one run's actions."""
    notes: list[str] = []
    if policy.max_publish is not None and SHOWN_FROM * policy.max_publish <= public <= policy.max_publish and public:
        notes.append(f"maxPublish: {public} of {policy.max_publish} in this run")
    most = policy.max_publish_per_site_per_day
    if most is not None:
        notes += [
            f"maxPublishPerSitePerDay: {count} of {most} on {day}"
            for day, count in days
            if count and count >= SHOWN_FROM * most
        ]
    return tuple(notes)


def folded(text: str) -> str:
    """A text as banned words are looked for in it: without case, width, and characters that nobody sees."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in plain if unicodedata.category(one) != "Cf")


@lru_cache(maxsize=512)
def _pattern(word: str) -> re.Pattern[str]:
    """A word or phrase as a whole: `art` is not in `start`, `free money` is also `Free\\n money`.

    At an end that is no letter or digit, or of a script written without blanks, anything may stand beside it.
    """
    pieces = folded(word).split()
    middle = r"\s+".join(re.escape(piece) for piece in pieces)
    if not middle:
        return re.compile(r"(?!)")
    start = r"(?<![^\W_])" if _has_word_bounds(pieces[0][0]) else ""
    end = r"(?![^\W_])" if _has_word_bounds(pieces[-1][-1]) else ""
    return re.compile(start + middle + end)


def _has_word_bounds(character: str) -> bool:
    if not character.isalnum() or unicodedata.east_asian_width(character) in "WF":
        return False
    # Thai to Tibetan, Myanmar and Khmer: written without blanks between words.
    return not (
        "\u0e00" <= character <= "\u0fff" or "\u1000" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"
    )


def _edit(policy: Policy) -> str:
    return f"change the rule in {policy.place}"


def _length(span: timedelta) -> str:
    """`2h`, `1h 30m`: a span as the files write it."""
    minutes = int(span.total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if count]
    return " ".join(parts) or f"{int(span.total_seconds())}s"
