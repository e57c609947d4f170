"""A site in an HTML report that was worked on: how each action ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SiteApplied, SiteFailed
from reconciler.executor.ledger import ActionResult, ApplyTally, Entry, SiteLedger, causes_once, tally_of
from reconciler.model.schedule import CancelPost
from reconciler.model.text import spoken
from reconciler.planner.actions import Action, Reason
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.kinds.base import SYMBOLS
from reconciler.reporters.kinds.registry import action_text
from reconciler.reporters.ledger_text import (
    SAME_CAUSE,
    became,
    became_others,
    doubt_words,
    is_said_above,
    notes_of,
    outcome_words,
    requests,
)
from reconciler.reporters.markup import bullets, text
from reconciler.reporters.page_rows import (
    Entered,
    RowCounts,
    SiteRow,
    entered_going_out,
    entered_post,
    facts,
    failed_row,
    fix,
    going_out_item,
    line,
    notes,
)
from reconciler.reporters.same_names import with_ids_if_needed

RESULTS: Final = {
    ActionResult.FAILED: (1, "bad"),
    ActionResult.UNKNOWN: (2, "bad"),
    ActionResult.NOT_STARTED: (3, "warn"),
    ActionResult.SKIPPED: (4, "warn"),
    ActionResult.WITHHELD: (5, "warn"),
    ActionResult.PENDING: (6, "warn"),
    ActionResult.DONE: (7, "good"),
}
"""How serious a result is, 1 being the worst, and how it looks."""


def applied_row(applied: SiteApplied) -> SiteRow:
    """A site that was worked on."""
    ledger = applied.ledger
    tally = tally_of((ledger,))
    tally = replace(tally, failed=tally.failed + bool(ledger.error))  # as in the last line
    results = [entry.result for entry in ledger.entries] + [ActionResult.UNKNOWN] * bool(ledger.in_doubt)
    worst = min(results, key=lambda result: RESULTS[result][0], default=ActionResult.DONE)
    (rank, style), state = RESULTS[worst], spoken(worst)
    if ledger.error:
        rank, state, style = 1, "failed", "bad"
    if ledger.still_going_out:
        rank, state, style = 0, "still going out", "bad"
    zone = ledger.time_zone
    shown = causes_once(ledger.entries, ledger.still_going_out)
    above: set[tuple[str, str]] = set()
    parts = [
        bullets((going_out_item(post, zone) for post in ledger.still_going_out), "items bad"),
        bullets((line("!", "failed", text(of_its_site(ledger.error))),), "items bad") if ledger.error else "",
        bullets(
            (line("!", "unknown", text(doubt_words(problem))) + fix(problem.fix) for problem in ledger.in_doubt),
            "items bad",
        ),
        bullets(
            (_entry(entry, zone, above) for entry in with_ids_if_needed(shown) if not became_others(entry)), "items"
        ),
        notes([f"{note}: {names}" if names else note for note, names in notes_of(ledger)]),
        notes(("Interrupted before it was finished. Run apply again to continue.",)) if ledger.interrupted else "",
        facts(applied.seconds),
    ]
    posts = tuple(_posts(ledger))
    return SiteRow(applied.name, rank, state, style, counts_of(tally), "".join(parts), applied.labels, posts)


def not_planned_row(failed: SiteFailed) -> SiteRow:
    """A site that could not be worked on, counted as the last line of an apply counts it."""
    return replace(failed_row(failed), counts=counts_of(ApplyTally(failed=int(not failed.refused))))


def counts_of(tally: ApplyTally) -> RowCounts:
    """The columns of what was done."""
    return (
        ("added", tally.added),
        ("changed", tally.changed),
        ("destroyed", tally.destroyed),
        ("generated", tally.generated),
        ("discarded", tally.discarded),
        ("published", tally.published),
        ("at another time", tally.at_another_time),
        ("cancelled", tally.cancelled),
        ("after generation", tally.promised.objects),
        ("finished", tally.finished),
        ("failed", tally.failed),
        ("unknown", tally.unknown),
        ("skipped", tally.skipped),
        ("withheld", tally.withheld),
        ("pending", tally.pending),
        ("not started", tally.not_started),
    )


def _posts(ledger: SiteLedger) -> Iterator[Entered]:
    name, zone = ledger.site.name, ledger.time_zone
    for post in ledger.still_going_out:
        if (entered := entered_going_out(post, name, zone)) is not None:
            yield entered
    going_out = {post.address for post in ledger.still_going_out}
    for entry in ledger.entries:
        if entry.address in going_out and entry.result is not ActionResult.DONE:
            continue  # the post is there already, with the time at which it goes out
        state, style = spoken(entry.result), RESULTS[entry.result][1]
        if entry.result is ActionResult.DONE:
            gone = isinstance(entry.operation, CancelPost)
            state, style = ("cancelled", "gone") if gone else ("scheduled", "good")
        if (entered := entered_post(entry.operation, (), name, zone, state, style)) is None:
            continue
        if entry.at_another_time and entry.goes_out is not None:
            entered = replace(entered, at=entry.goes_out, state="at another time")
        yield entered


def _entry(entry: Entry, zone: str, above: set[tuple[str, str]]) -> str:
    said = action_text(Action(entry.address, entry.operation, Reason.RULE), zone)
    tag = f'<span class="tag {RESULTS[entry.result][1]}">{spoken(entry.result)}</span> '
    found = line(SYMBOLS[entry.operation.verb], said.subject, tag + text(outcome_words(entry, said.text, zone)))
    if outcome := became(entry, zone):
        found += f'<div class="why">{text(outcome)}</div>'
    if is_said_above(entry, above):
        found += f'<div class="why">{SAME_CAUSE}</div>'
    elif entry.problem is not None:
        where = f"{entry.problem.place}: " if entry.problem.place else ""
        found += f'<div class="why">{text(where + entry.problem.cause)}</div>'
        found += fix(entry.problem.fix)
        if entry.problem.call:
            found += f'<div class="why">{text(entry.problem.call)}</div>'
        for request in requests(entry):
            found += f'<div class="why">request id <code>{text(request)}</code></div>'
    return found
