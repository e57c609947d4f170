"""The state as text: the table of `state list`, and everything recorded about one site for `state show`."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from reconciler.engine.site_results import SiteFailed
from reconciler.engine.state_results import CallResolved, LockFound, LockRemoved, RecordChanged
from reconciler.model.journal import OpenEntry
from reconciler.model.plurals import plural
from reconciler.model.sites import NOTHING_RECORDED
from reconciler.model.text import printable
from reconciler.planner.options import last_zone
from reconciler.reporters.failures import Failures
from reconciler.reporters.kinds.registry import call_about, call_status, call_words
from reconciler.reporters.layout import Screen, Span, Style, columns, fill, wrapped
from reconciler.reporters.record_text import RecordText, input_lines
from reconciler.reporters.words import moment
from reconciler.state.heartbeat import RENEWAL
from reconciler.state.lock_record import LockRecord
from reconciler.state.repair import SiteState, StateSummary

HEADS = ("unconfirmed", "in progress", "posts", "inputs      ")
TAKEN = sum(len(head) + 2 for head in HEADS) + 19
"""Columns used by the numbers and the lock; the rest is for the site's name."""

NARROW = 60
"""On a narrower screen each site is a line of words."""

# --- state list ------------------------------------------------------------------------------------


def list_lines(sites: Sequence[StateSummary], screen: Screen) -> Iterator[str]:
    """One row per site: its unconfirmed calls, scheduled posts and generation inputs, and who has locked it.

    Sites whose state cannot be read come last: each cause once.
    """
    unreadable, known = Failures(), []
    for site in sites:
        if site.problem:
            unreadable.add(SiteFailed(site.name, (site.problem,)))
        else:
            known.append(site)
    if screen.width < NARROW:
        for site in known:
            yield from wrapped((Span(site.name, _style(site)), Span(_in_words(site))), screen, hang=4)
    elif known:
        room = max(4, min(max(columns(site.name) for site in known), screen.width - TAKEN))
        yield screen.paint(f"{fill('site', room)}  {'  '.join(HEADS)}  lock", Style.DIM)
        for site in known:
            yield from _row(site, room, screen)
    if known and unreadable:
        yield ""
    for line in unreadable.lines():
        yield from line.on(screen)


def _row(site: StateSummary, room: int, screen: Screen) -> Iterator[str]:
    if columns(site.name) > room:
        yield screen.paint(site.name)
    lead = fill(site.name if columns(site.name) <= room else "", room)
    counts = (site.in_doubt, site.waiting, site.published)
    shown = [f"{count:,}" if count else "-" for count in counts]
    cells = "".join(f"  {count:>{len(head)}}" for count, head in zip(shown, HEADS, strict=False))
    inputs = "pending" if site.pending else "up to date" if site.generated_from else "-"
    cells = f"{lead}{cells}  {fill(inputs, len(HEADS[-1]))}"
    lock = "-" if site.lock is None else _who(site.lock) + (" (ended)" if site.ended else "")
    yield from wrapped((Span(cells, _style(site)), Span(lock)), screen, hang=columns(cells) + 2)


def _style(site: StateSummary) -> Style:
    return Style.YELLOW if site.in_doubt else Style.PLAIN


def _in_words(site: StateSummary) -> str:
    """`1 unconfirmed, locked by ana on ci-7`: a row for a screen that has no room for a table."""
    inputs = "inputs pending" if site.pending else "inputs up to date" if site.generated_from else ""
    lock = "" if site.lock is None else f"locked by {_who(site.lock)}" + (" (ended)" if site.ended else "")
    doubt = f"{site.in_doubt:,} unconfirmed" if site.in_doubt else ""
    waiting = f"{site.waiting:,} in progress" if site.waiting else ""
    posts = plural(site.published, "post") if site.published else ""
    return ", ".join(part for part in (doubt, waiting, posts, inputs, lock) if part) or "no unfinished calls"


def _who(lock: LockRecord) -> str:
    return f"{lock.holder.user} on {lock.holder.host}"


def list_line(sites: Sequence[StateSummary], place: str) -> str:
    """`State: 3 sites, 1 unconfirmed call, 0 in progress, 1 locked.`, for scripts."""
    if not sites:
        return f"Nothing is recorded in {place}."
    doubt, waiting = sum(site.in_doubt for site in sites), sum(site.waiting for site in sites)
    locked, bad = sum(site.lock is not None for site in sites), sum(bool(site.problem) for site in sites)
    calls = f"{plural(doubt, 'unconfirmed call')}, {waiting} in progress"
    line = f"State: {plural(len(sites), 'site')}, {calls}, {locked} locked"
    return f"{line}, {bad} unreadable." if bad else f"{line}."


# --- state show ------------------------------------------------------------------------------------


def site_lines(site: SiteState, screen: Screen, where: str) -> Iterator[str]:
    """Everything recorded about a site. `where` is what to append to a command so that it finds this state."""
    recorded = site.recorded
    yield from wrapped((Span(site.name, Style.BOLD), *([Span(site.id)] if site.id else [])), screen)
    place = "nothing is recorded" if recorded is NOTHING_RECORDED else f"recorded in {site.place}"
    yield from wrapped((Span(f"  {place}", Style.DIM),), screen)
    yield from _section("Lock", holder_lines(site.lock, screen, ended=site.ended), screen)
    calls = (line for entry in recorded.open for line in _entry(site, entry, screen, where))
    yield from _section("Unfinished calls", calls, screen)
    waiting = input_lines(recorded.pending, screen, recorded.generated_from)
    yield from _section("Generation inputs waiting for the next generation", waiting, screen)
    yield from _section(
        "Generation inputs used by the current marketing plan",
        input_lines(recorded.generated_from, screen),
        screen,
    )
    text = RecordText(recorded, screen)
    yield from _section("Last applied, or already in place", text.applied(), screen)
    yield from _section("Ids on the site", text.identities(), screen)
    yield from _section("Posts that were scheduled", text.posts(), screen)
    yield from _section("Decisions carried out", text.decisions(), screen)


def _section(title: str, lines: Iterable[str], screen: Screen) -> Iterator[str]:
    """A heading and its lines; nothing if there are no lines."""
    found = tuple(lines)
    if found:
        yield ""
        yield from wrapped((Span(title, Style.BOLD),), screen)
        yield from found


def holder_lines(lock: LockRecord | None, screen: Screen, *, ended: bool) -> Iterator[str]:
    """Who holds a lock: host, process, user, CI job, since and until when."""
    if lock is None:
        return
    holder = lock.holder
    until = _to_the_second(lock.expires) + ("" if ended else ", unless it is renewed")
    facts = [("user", holder.user), ("host", holder.host), ("process", str(holder.process))]
    facts += [("run", holder.run)] if holder.run else []
    facts += [("CI job", holder.ci_url)] if holder.ci_url else []
    facts += [("since", _to_the_second(lock.since)), ("until", until)]
    for name, fact in facts:
        yield from wrapped((Span(f"{name:<7}"), Span(fact)), screen, indent=2, hang=11)
    if ended:
        yield from wrapped(
            (Span("its run is gone, or the lock has expired; the next run takes it over"),),
            screen,
            indent=2,
        )


def _to_the_second(at: datetime) -> str:
    """To the second, because a lock lasts only a minute."""
    return f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M:%S} UTC"


def _entry(site: SiteState, entry: OpenEntry, screen: Screen, where: str) -> Iterator[str]:
    words = call_words(entry)
    mark, style = ("  . in progress", Style.DIM) if entry.sent else ("  ? unconfirmed", Style.YELLOW)
    hang = 17
    spans = (Span(fill(mark, hang - 2), style), Span(entry.id, Style.BOLD), Span(entry.call), Span(entry.address.shown))
    yield from wrapped(spans, screen, hang=hang)
    zone = last_zone(site.recorded) or "UTC"
    about, held = call_about(entry, zone), site.lock is not None and not site.ended
    asked = f"to {words.asked}" + (f": {about}" if about else "")
    for text in (asked, f"begun {moment(entry.started_at, zone)}", call_status(entry, held=held)):
        yield from wrapped((Span(text),), screen, indent=hang, hang=hang + 2)
    if entry.sent:
        return
    yield from wrapped((Span(f"to record how it ended, check {words.look}:"),), screen, indent=hang, hang=hang + 2)
    for outcome, follows in (("done", words.done), ("not-done", words.not_done)):
        command = shlex.join(("reconciler", "state", "resolve", site.name, entry.id, outcome))
        yield " " * hang + printable(f"{command}{where}")
        yield from wrapped((Span(follows, Style.DIM),), screen, indent=hang + 2, hang=hang + 2)


def show_line(site: SiteState) -> str:
    """`State: 1 unconfirmed call, 0 in progress, 3 posts scheduled, not locked.`, for scripts."""
    lock = "not locked" if site.lock is None else f"locked by {_who(site.lock)}"
    posts = plural(len(site.recorded.published), "post")
    doubt = plural(len(site.in_doubt), "unconfirmed call")
    return f"State: {doubt}, {len(site.waiting):,} in progress, {posts} scheduled, {lock}."


# --- state unlock, state resolve -------------------------------------------------------------------


def lock_lines(found: LockFound, screen: Screen) -> Iterator[str]:
    """Who holds a lock, and what removing it does."""
    yield from wrapped((Span(f"{found.name} is locked by", Style.BOLD),), screen)
    yield from holder_lines(found.lock, screen, ended=found.ended)
    if not found.ended:
        warning = (
            f"If that run is still alive, it notices within {RENEWAL.total_seconds():.0f} s that its lock is "
            "gone: it finishes the call in progress and starts no other. Its journal says how far it got."
        )
        yield from wrapped((Span(warning),), screen, hang=0)


def lock_removed_line(removed: LockRemoved) -> str:
    """The last line of `state unlock`."""
    if removed.lock is None and not removed.unreadable:
        return f"{removed.name} is not locked."
    if removed.given_back:
        return f"{removed.name} is not locked; its holder has released the lock."
    return f"Unlocked: {removed.name}."


def record_changed_line(changed: RecordChanged) -> str:
    """The last line of `state mv` and `state forget`."""
    if changed.moved_to is None:
        return f"Forgotten: {changed.name} ({changed.id})."
    return f"Moved: {changed.name} from {changed.id} to {changed.moved_to}."


def resolved_lines(resolved: CallResolved, screen: Screen) -> Iterator[str]:
    """The call that was resolved by hand, and what follows from that."""
    entry, words = resolved.entry, call_words(resolved.entry)
    yield from wrapped((Span(entry.id, Style.BOLD), Span(entry.call), Span(entry.address.shown)), screen)
    yield from wrapped((Span(f"  {words.done if resolved.took_effect else words.not_done}"),), screen, hang=2)


def resolved_line(resolved: CallResolved) -> str:
    """The last line of `state resolve`."""
    left, name = resolved.left, resolved.name
    rest = f"{name} has {plural(left, 'unconfirmed call') if left else 'no unconfirmed calls'} left"
    return f"Resolved: {'done' if resolved.took_effect else 'not done'}; {rest}."
