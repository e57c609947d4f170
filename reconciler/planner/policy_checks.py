"""What the policy and the channels forbid in a post, each with the rule and its place.

Limits of a whole run are in guards.py. `moment` here is when a post would go out: the rule's `at`, or the activity's
own date, which is the best estimate of the API's time (I: it is not a request field, remote-api.md 6.2).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Struct, field

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.durations import as_typed, length
from reconciler.model.policy import Policy
from reconciler.model.posts import Post, PostId
from reconciler.model.schedule import CancelPost, ReschedulePost
from reconciler.model.text import in_quotes
from reconciler.planner.actions import BlockedBy
from reconciler.planner.channel_rules import IN_THE_DASHBOARD, channel_violations, is_empty
from reconciler.planner.options import Scope

_UNSEEN: Final = "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
"""Marks and letters that Unicode says are not shown: joiners, fillers and variation selectors."""


class Days(Struct):
    """How many posts of a site go out on each day in its zone: those already scheduled, and those just planned.

    A post that this plan cancels or moves still counts on its old day, because that write may fail. `leaving` says
    which they are, with what happens to each: `cancels` or `moves`.
    """

    zone_days: dict[date, set[PostId]] = field(default_factory=dict)
    leaving: dict[date, dict[PostId, str]] = field(default_factory=dict)

    def add(self, day: date, post: PostId) -> None:
        """Counts a post on a day. The same post counts once."""
        self.zone_days.setdefault(day, set()).add(post)

    def note_leaving(self, write: CancelPost | ReschedulePost, zone: tzinfo) -> None:
        """Notes that a post no longer goes out on its day once this write is done."""
        day = write.now.astimezone(zone).date() if write.now else None
        if day is None or write.post not in self.zone_days.get(day, ()):
            return
        if isinstance(write, CancelPost) or write.at.astimezone(zone).date() != day:
            self.leaving.setdefault(day, {})[write.post] = "cancels" if isinstance(write, CancelPost) else "moves"

    def count_with(self, day: date, post: PostId) -> int:
        """How many posts there would be with this one."""
        there = self.zone_days.get(day, ())
        return len(there) + (post not in there)


LATER: Final = "give the activity a later date, or the rule another `at`"
"""What to do about a draft that it is too late to schedule."""


def too_late(moment: datetime, now: datetime, policy: Policy, *, move: bool = False) -> Diagnostic | None:
    """Why it is too late to schedule for a given time, or to `move` there; None if it is not.

    The API takes times that are strictly in the future (S-wix 10.6).
    """
    if moment <= now:
        return Diagnostic(BlockedBy.TOO_LATE, "that time has passed" if move else "its time has passed")
    if moment - now < policy.min_lead:
        lead = f"{as_typed(policy.min_lead)}, {policy.place_of('minLead')}"
        until = length((moment - now).total_seconds())
        what = f"{'that is' if move else 'it is due'} in {until}, within policy.minLead ({lead})"
        return Diagnostic(BlockedBy.TOO_LATE, what)
    return None


def content_violations(post: Post, policy: Policy) -> tuple[Diagnostic, ...]:
    """What is wrong with a post at any time: words, media, lengths."""
    texts = [folded(text) for text in _read(post)] if policy.banned_words else []
    found = [
        _breaks(policy, "bannedWords", f"the text contains {in_quotes(word)}", IN_THE_DASHBOARD)
        for word in policy.banned_words
        if any(_pattern(word).search(text) for text in texts)
    ]
    without = not post.media and policy.require_media and not is_empty(post)
    if without:
        fix = "give it an image in the dashboard"
        found.append(_breaks(policy, "requireMedia", "it has no image or video", fix))
    return (*found, *channel_violations(post, media=not without))


def _read(post: Post) -> Iterator[str]:
    """All that people may read in a post, with its link preview and fields that this version does not know."""
    yield from (text for _, text in post.texts)
    yield from (text for _, text in post.content.preview.members())
    yield from (text for _, text in post.other)


def time_violations(moment: datetime, policy: Policy, scope: Scope) -> tuple[Diagnostic, ...]:
    """What is wrong with a time in the site's zone: quiet hours and blackout dates."""
    local = moment.astimezone(scope.zone)
    other = "give the rule another `at` or the activity another date"
    found: list[Diagnostic] = []
    quiet = policy.quiet_hours
    if quiet is not None and quiet.covers(local.time()):
        hours = f"{quiet.start:%H:%M} and {quiet.end:%H:%M}"
        found.append(_breaks(policy, "quietHours", f"{local:%H:%M} is between {hours} ({scope.zone_name})", other))
    if local.date() in policy.blackout_dates:
        found.append(_breaks(policy, "blackoutDates", f"{local:%a %Y-%m-%d} is a blackout date", other))
    return tuple(found)


def wrong_moment(moment: datetime, expected: datetime, policy: Policy, scope: Scope) -> Diagnostic | None:
    """What is wrong with the time that the API gave a post (I 14.7) if another was expected; None if nothing is.

    `minLead` gives people time to stop a post: only an earlier time than expected can take that away.
    """
    found = time_violations(moment, policy, scope)
    early = too_late(moment, scope.now, policy) if moment < expected and policy.min_lead else None
    wrong = "; ".join((*(broken.cause_and_place for broken in found), *((early.message,) if early else ())))
    return (
        Diagnostic(BlockedBy.POLICY, f"it would go out at a time that the policy forbids: {wrong}") if wrong else None
    )


def day_violation(post: PostId, moment: datetime, days: Days, policy: Policy, scope: Scope) -> Diagnostic | None:
    """The violation if a post would be one too many on its day."""
    most, day = policy.max_publish_per_site_per_day, moment.astimezone(scope.zone).date()
    count = days.count_with(day, post)
    if most is None or count <= most:
        return None
    leaving, counting, fix = days.leaving.get(day, {}), "", "move a post to another day"
    if leaving and count - len(leaving) <= most:
        number = "one" if len(leaving) == 1 else f"{len(leaving):,}"
        counting = f", counting {number} that apply {' or '.join(sorted({*leaving.values()}))},"
        fix = "run apply again when that is done"
    detail = f"it would be post {count:,} on {day}{counting or ','} but the maximum is {most:,}"
    return _breaks(policy, "maxPublishPerSitePerDay", detail, fix)


def folded(text: str) -> str:
    """The form of a text that is searched for banned words: without case, width, and invisible characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    if plain.isascii():
        return plain
    return "".join(letter for letter in re.sub(_UNSEEN, "", plain) if unicodedata.category(letter) != "Cf")


@lru_cache(maxsize=512)
def _pattern(word: str) -> re.Pattern[str]:
    r"""A word or phrase as a whole: `art` is not in `start`; `free money` is also `Free\n money`.

    A first or last character that is not a letter or digit, or whose script is written without spaces, may touch
    anything.
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
    # Thai to Tibetan, Myanmar and Khmer: written without spaces between words.
    return not (
        "\u0e00" <= character <= "\u0fff" or "\u1000" <= character <= "\u109f" or "\u1780" <= character <= "\u17ff"
    )


def _breaks(policy: Policy, rule: str, detail: str, fix: str) -> Diagnostic:
    """A violation of a rule of the policy."""
    place = policy.place_of(rule)
    what = f"policy.{rule}: {detail}"
    return Diagnostic(BlockedBy.POLICY, what, f"{fix}, or change the policy in {place}", place=place)
