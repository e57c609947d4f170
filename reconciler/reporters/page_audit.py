"""A site in an HTML report that was only read: its drift, and what went out there."""

from __future__ import annotations

from typing import Final

from reconciler.engine.site_results import SiteDrifted, SiteHistory
from reconciler.model.canonical import Absent, Json
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.posts import PostStatus, name_of
from reconciler.model.sites import PostOutcome, PublishedPost
from reconciler.model.text import spoken
from reconciler.planner.drift_report import DriftItem, DriftState, FieldDrift, Finding, is_drift
from reconciler.reporters import words
from reconciler.reporters.diagnostics import cause
from reconciler.reporters.drift_words import subject
from reconciler.reporters.history_text import OVERDUE, moved_words, unwanted_words, when_words
from reconciler.reporters.markup import bullets, link, text
from reconciler.reporters.page_rows import (
    Entered,
    SiteRow,
    facts,
    fix,
    line,
    notes,
    outcome_look,
    problem_item,
    two_values,
)

STATES: Final = {
    DriftState.DRIFTED: (2, "warn", "~"),
    DriftState.BLOCKED: (3, "warn", "!"),
    DriftState.PENDING: (4, "calm", "."),
    DriftState.IN_REVIEW: (5, "calm", "?"),
    DriftState.CONVERGED: (6, "good", "="),
}
"""How serious a state is, how it looks, and its symbol."""


def _word_for(refusal: Diagnostic) -> str:
    return spoken(DriftState.DRIFTED) if is_drift(refusal) else "refused"


def drifted_row(drifted: SiteDrifted) -> SiteRow:
    """A site that was audited."""
    report, tally = drifted.report, drifted.report.tally
    items = sorted(report.items, key=_rank)
    worst = items[0].state if items else DriftState.CONVERGED
    (rank, style, _), state = STATES[worst], spoken(worst)
    if report.refusals:
        rank, state, style = 1, "refused" if tally.refused else spoken(DriftState.DRIFTED), "bad"
    going_out = [item for item in items if item.finding is Finding.STILL_GOING_OUT]
    if going_out:
        rank, state, style = 0, "still going out", "bad"
    others = items[len(going_out) :]
    counts = (
        ("drifted", tally.drifted),
        ("blocked", tally.blocked),
        ("pending", tally.pending),
        ("waiting for review", tally.in_review),
    )
    due = words.newly_covered(report.due, report.due_names)
    parts = [
        bullets(map(_item, going_out), "items bad"),
        bullets((problem_item(refusal, _word_for(refusal)) for refusal in report.refusals), "items bad"),
        bullets((_item(item) for item in others if item.state is not DriftState.CONVERGED), "items"),
        notes((*map(cause, report.notes), *((due,) if report.due else ()))),
        facts(drifted.seconds),
    ]
    return SiteRow(drifted.name, rank, state, style, counts, "".join(parts), drifted.labels)


def _rank(item: DriftItem) -> int:
    """What goes out unwanted comes before everything else."""
    return 0 if item.finding is Finding.STILL_GOING_OUT else STATES[item.state][0]


def _item(item: DriftItem) -> str:
    _, style, symbol = STATES[item.state]
    if item.finding is Finding.STILL_GOING_OUT:
        style, symbol = "bad", "!"
    parts = (spoken(item.moved) if item.moved else "", "" if item.shown_fields else item.statement)
    said = ": ".join(filter(None, parts))
    rows = "".join(
        f"<dt>{text(field.path.removeprefix('settings.'))}</dt>{_sides(field)}" for field in item.shown_fields
    )
    changes = f'<dl class="changes">{rows}</dl>' if rows else ""
    tag = f'<span class="tag {style}">{spoken(item.state)}</span> '
    return line(symbol, subject(item), tag + text(said)) + changes + fix(item.fix)


def _sides(field: FieldDrift) -> str:
    """What differs between the site and the file, and from what was last applied if that is neither."""
    found = f'<dd dir="auto"><span class="soft">site → file</span> {_from_to(field.live, field.desired)}'
    if not isinstance(applied := field.third, Absent):
        side, value = ("site", field.live) if field.live is not None else ("file", field.desired)
        found += f'\n<span class="soft">last applied → {side}</span> {_from_to(applied, value)}'
    return f'{found} <span class="soft">({text(spoken(field.moved))})</span></dd>'


def _from_to(before: Json, after: Json) -> str:
    """Two values; unlike in a plan, `(not set)` is shown on either side."""
    unset = '<span class="soft">(not set)</span> ' if before is None and after is not None else ""
    return unset + two_values(before, after)


def history_row(history: SiteHistory) -> SiteRow:
    """A site with what went out there and what is waiting to go out."""
    outcomes = [history.outcome_of(post) for post in history.posts]
    ended = [found.status for found in outcomes if found is not None]
    went, cancelled = ended.count(PostStatus.PUBLISHED), ended.count(PostStatus.CANCELED)
    deleted = ended.count(PostStatus.DELETED)
    failed = len(ended) - went - cancelled - deleted
    due = sum(1 for post in history.posts if post.id in history.overdue)
    waits = len(history.posts) - went - cancelled - deleted - failed - due
    counts = (
        ("posts", len(history.posts)),
        ("went out", went),
        ("failed", failed),
        ("cancelled", cancelled),
        ("no longer on the site", deleted),
        ("not known", due),
        ("scheduled", waits),
    )
    rank, state, style = 2, "scheduled", "calm"
    if failed:
        rank, state, style = 1, "failed", "bad"
    elif due:
        state, style = "not known", "warn"
    elif went or not waits:
        stopped = "cancelled" if cancelled else "no longer on the site"
        rank, state, style = 3, "went out" if went else stopped, "good" if went else "gone"
    pairs = list(zip(history.posts, outcomes, strict=True))
    body = bullets((_post(history, post, outcome) for post, outcome in pairs), "items")
    calendar = tuple(
        Entered(
            moment,
            post.zone,
            False,
            history.name,
            post.title,
            post.channel,
            *_look(history, post, outcome),
            outcome.link if outcome else None,
        )
        for post, outcome in pairs
        if (moment := history.moment_of(post)) is not None
    )
    return SiteRow(history.name, rank, state, style, counts, body, (), calendar)


def _look(history: SiteHistory, post: PublishedPost, outcome: PostOutcome | None) -> tuple[str, str]:
    return (OVERDUE, "warn") if post.id in history.overdue else outcome_look(outcome)


def _post(history: SiteHistory, post: PublishedPost, outcome: PostOutcome | None) -> str:
    state, style = _look(history, post, outcome)
    became = f'<span class="tag {style}">{text(state)}</span>'
    if outcome is not None:
        became += f" {link(outcome.link)}" if outcome.link else f" {text(outcome.reason)}"
    when = when_words(history, post)
    details = (
        unwanted_words(history, post),
        moved_words(history, post),
        f"approved by {post.approver}" if post.approver else "" if post.approved else "approval: none",
        f"commit {post.commit[:7]}" if post.commit else "",
        f"scheduled {post.times:,} times" if post.times > 1 else "",
    )
    account = words.on_account(post.account)
    said = line(">", name_of(post), text(when + account))
    said += f'<div class="why">{became}</div><div class="why">{text(", ".join(filter(None, details)))}</div>'
    return f'<div data-channel="{text(post.channel)}">{said}</div>'
