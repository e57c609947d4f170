"""The rows of an HTML report, and the pieces that their bodies are made of. Anything called markup is already safe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from reconciler.engine.site_results import SiteFailed
from reconciler.model.activities import DateIs
from reconciler.model.address import Labels
from reconciler.model.canonical import Json
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.durations import duration
from reconciler.model.operations import Operation, Precondition
from reconciler.model.posts import PostStatus, name_of
from reconciler.model.schedule import CancelPost, ReschedulePost, SchedulePost, StillAhead
from reconciler.model.sites import PostOutcome
from reconciler.model.text import spoken
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import StillGoingOut
from reconciler.planner.changes import Step, details_of
from reconciler.reporters import words
from reconciler.reporters.diagnostics import of_its_site, remedy
from reconciler.reporters.going_out import but_goes_out, unwanted
from reconciler.reporters.items import Rank
from reconciler.reporters.markup import bullets, text, word_diff
from reconciler.reporters.values import yaml

RowCounts: TypeAlias = tuple[tuple[str, int], ...]
"""The cells of a row, by their columns."""

SEVERITIES: Final = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "calm"}


class Entered(Struct, frozen=True):
    """A post in the calendar. `about`: the API picks the time, and `at` is the time of its activity."""

    at: datetime
    zone: str
    about: bool
    site: str
    title: str
    channel: str
    state: str
    style: str
    link: str | None = None


class SiteRow(Struct, frozen=True):
    """A site in a table of a report. `rank` orders the sites, worst first; `body` is markup.

    `is_site` is False for the project, which is not counted among the sites.
    """

    name: str
    rank: int
    state: str
    style: str
    counts: RowCounts
    body: str
    labels: Labels = ()
    calendar: tuple[Entered, ...] = ()
    is_site: bool = True


def failed_row(failed: SiteFailed) -> SiteRow:
    """A site that could not be worked on."""
    state = "refused" if failed.refused else "failed"
    rank = Rank.REFUSED if failed.refused else Rank.FAILED
    unseen = failed.unseen
    waiting = (line("!", "not looked at", text(each.message)) + fix(each.fix) for each in unseen.waiting)
    parts = [
        bullets((going_out_item(found.post, found.zone) for found in unseen.going_out), "items bad"),
        bullets(waiting, "items warn"),
        bullets((line("!", state, text(of_its_site(problem))) for problem in failed.problems), "items bad"),
    ]
    rank = Rank.STILL_GOING_OUT if unseen.going_out else rank
    return SiteRow(failed.name, rank, state, "bad", (), "".join(parts), failed.labels)


def entered_post(
    operation: Operation, requires: Sequence[Precondition], site: str, zone: str, state: str = "", style: str = ""
) -> Entered | None:
    """The calendar entry for a write that has a time; None for any other."""
    if not isinstance(operation, SchedulePost | ReschedulePost | CancelPost):
        return None  # no other write has a time at which the public sees something
    match operation:
        case SchedulePost(at=at, title=title, channel=channel):
            moment = at or _estimate(requires)
            if moment is None:
                return None
            return Entered(moment, zone, at is None, site, title, channel, state or "to publish", style or "public")
        case ReschedulePost(at=at, title=title, channel=channel):
            return Entered(at, zone, False, site, title, channel, state or "to move here", style or "public")
        case CancelPost(at=at, title=title, channel=channel):
            if at is None:
                return None
            about = not operation.is_exact
            return Entered(at, zone, about, site, title, channel, state or "to cancel", style or "gone")
        case _:
            assert_never(operation)


def _estimate(requires: Sequence[Precondition]) -> datetime | None:
    """About when a post goes out if the API picks its time."""
    for found in requires:
        if isinstance(found, StillAhead):
            return found.moment
        if isinstance(found, DateIs):
            return found.date
    return None


def entered_going_out(post: StillGoingOut, site: str, zone: str) -> Entered | None:
    """A post that goes out although it is no longer wanted, in the calendar."""
    if post.moment is None:
        return None
    return Entered(post.moment, zone, not post.is_exact, site, post.title, post.channel, "still going out", "bad")


def outcome_look(outcome: PostOutcome | None) -> tuple[str, str]:
    """How a post ended, in a word, and how that looks."""
    if outcome is None:
        return "scheduled", "calm"
    if outcome.status is PostStatus.CANCELED:
        return "cancelled", "gone"
    if outcome.status is PostStatus.DELETED:
        return "no longer on the site", "gone"
    return ("went out", "good") if outcome.status is PostStatus.PUBLISHED else (outcome.status.lower(), "bad")


def going_out_item(post: StillGoingOut, zone: str) -> str:
    """A post that goes out although it is no longer wanted: when, why, and how to stop it."""
    when = f" {words.moment(post.moment, zone, exact=post.is_exact)}" if post.moment else ""
    account = words.on_account(post.account)
    why = f"{unwanted(post, zone)}, {but_goes_out(post.problem)}"
    said = line("!", "still going out", text(f"{name_of(post)}{when}{account}"))
    return f'{said}<div class="why">{text(why)}</div>{fix(remedy(post.problem))}'


def problem_item(problem: Diagnostic, word: str) -> str:
    """A refusal or a blocked item, with what to do."""
    return line("!", word, text(problem.named(problem.name).message)) + fix(problem.fix)


def two_values(before: Json, after: Json) -> str:
    """A value and its replacement: texts word by word, lists item by item, objects by their members."""
    if isinstance(before, str) and isinstance(after, str):
        return word_diff(before, after)
    details = details_of(FieldChange("", before, after))
    if not details or any((found.before, found.after) == (before, after) for found in details):
        return " ".join(filter(None, (_gone(before), _new(after))))  # nothing in common, or only the order differs
    gone = [_at(found.at) + _gone(found.before) for found in details if found.step is Step.REMOVED]
    changed = [_at(found.at) + two_values(found.before, found.after) for found in details if found.step is Step.CHANGED]
    new = [_at(found.at) + _new(found.after) for found in details if found.step is Step.ADDED]
    return " ".join((*gone, *changed, *new))


def _gone(value: Json) -> str:
    return "" if value is None else f"<del>{text(yaml(value, whole=True))}</del>"


def _new(value: Json) -> str:
    return '<span class="soft">(not set)</span>' if value is None else f"<ins>{text(yaml(value, whole=True))}</ins>"


def _at(place: str) -> str:
    return f"{text(place)}: " if place else ""


def line(symbol: str, subject: str, said: str) -> str:
    """A symbol, a subject, and what is said about it; `said` is markup."""
    return (
        f'<b class="mark" aria-hidden="true">{text(symbol)}</b> <b>{text(subject)}</b> <span dir="auto">{said}</span>'
    )


def fix(what: str) -> str:
    """What to do."""
    return f'<div class="fix">Fix: {text(what)}</div>' if what else ""


def notes(said: Sequence[str]) -> str:
    """Notes for people."""
    return bullets(map(text, said), "notes")


def facts(seconds: float, reads: Sequence[str] = ()) -> str:
    """How long a site took, and what was read."""
    found = [f"took {duration(seconds)}"] if seconds else []
    found += [f"read: {', '.join(map(spoken, reads))}"] if reads else []
    return f'<div class="soft">{text("; ".join(found))}</div>' if found else ""
