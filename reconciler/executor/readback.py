"""Compares what was asked for with what is there after the write."""

from __future__ import annotations

from msgspec.structs import replace

from reconciler.executor.kinds import kind_of
from reconciler.executor.kinds.base import OutcomeContext
from reconciler.executor.outcome_check import LOOKS, infer_outcome, pause_between_looks, read_for
from reconciler.executor.run import CallAttempt, SiteRun
from reconciler.executor.snapshot import Snapshot
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.notes import Bound, Scheduled, applied_instead
from reconciler.model.outcomes import Done, Outcome, Unknown
from reconciler.model.sites import Bindings
from reconciler.model.writes import Verb
from reconciler.planner.changes import same_plain
from reconciler.planner.kept import counted, is_final, is_servers_form, kept_notes


async def read_back(run: SiteRun) -> None:
    """Reads what was written since the last read-back, and corrects the entries of writes that did not last.

    Posts that were made or scheduled have been read back by their own steps, where they were waited for. May raise an
    ApiError.
    """
    left, wrong, found = run.take_written(), {}, Snapshot()
    for look in range(LOOKS):
        if not left:
            return
        if look:
            await run.ports.clock.sleep(pause_between_looks(run.options.waiting))
        found = await read_for(run.site, run.ports.reader, [attempt.entry.operation for attempt in left])
        wrong = {attempt.entry.id: why for attempt in left if (why := _mismatch(run, attempt, found)) is not None}
        for attempt in left:
            if await run.was_swapped(attempt, found):
                wrong.pop(attempt.entry.id, None)
            elif attempt.entry.id not in wrong:
                await _seen(run, attempt, found)
        left = tuple(attempt for attempt in left if attempt.entry.id in wrong)
    for attempt in left:
        await _not_as_asked(run, attempt, found, wrong[attempt.entry.id])


def _mismatch(run: SiteRun, attempt: CallAttempt, found: Snapshot) -> Diagnostic | None:
    operation = attempt.entry.operation
    return kind_of(operation).mismatch(operation, attempt.entry, _created(attempt), found, run.now())


def _created(attempt: CallAttempt) -> str | None:
    return attempt.outcome.created if isinstance(attempt.outcome, Done) else None


async def _seen(run: SiteRun, attempt: CallAttempt, found: Snapshot) -> bool:
    """Closes the entry of a create once its object has been seen, and records the id. False if it does not show."""
    if attempt.action.operation.verb is not Verb.CREATE:
        return True
    made: Outcome | None = attempt.outcome
    created, operation = _created(attempt), attempt.entry.operation
    if created is None or not kind_of(operation).shows(operation, created, found):
        made = infer_outcome(attempt.entry, found, run.now())
    if not isinstance(made, Done):
        return False
    await run.record(replace(attempt, outcome=made))
    return True


async def _not_as_asked(run: SiteRun, attempt: CallAttempt, found: Snapshot, problem: Diagnostic) -> None:
    """Handles a lasting difference: the server stores another value, or the write had no effect."""
    kind, operation = kind_of(attempt.entry.operation), attempt.entry.operation
    if not await _seen(run, attempt, found):
        # It was accepted, so it is not made again before it is known what became of it (17.1).
        await run.journal.end(attempt.entry, Unknown(problem))
        run.correct(attempt.action, problem, unknown=True)
        return
    _record_what_is_there(run, attempt, found)
    owner, changes = kind.unkept(operation, _created(attempt), found)
    # The site may store an input of a generation in a form of its own, but a write that it ignores stays a failure,
    # however often it is made (17.5).
    recorded, asked = run.journal.recorded, attempt.action.operation
    was = {change.path: change.before for change in asked.changes}
    alike = tuple(
        change
        for change in changes
        if not asked.feeds_generation or is_servers_form(owner, change, was.get(change.path), recorded)
    )
    writes = tuple(counted(owner, change, recorded) for change in alike)
    context = OutcomeContext(recorded, found, run.options, run.plan.time_zone)
    if changes and (published := kind.published(operation, attempt.entry, context)) is not None:
        # It goes out at the time that the site shows, although nobody moved it there.
        run.journal.note(Scheduled(published))
    not_kept = kind.not_kept(operation)
    if writes or not_kept != Bindings():
        run.journal.note(Bound(replace(not_kept, objects=(*not_kept.objects, *writes))))
    if changes and alike == changes and all(is_final(facts) for _, facts in writes):
        adapted = kind.with_kept_values(operation, changes)
        if kind.mismatch(adapted, attempt.entry, _created(attempt), found, run.now()) is None:
            for note in kept_notes(owner, changes, kind.title(operation)):
                run.note(note)
            return
    run.correct(attempt.action, problem, goes_out=kind.goes_out(operation, found))


def _record_what_is_there(run: SiteRun, attempt: CallAttempt, found: Snapshot) -> None:
    """Records what the site has instead of what was written: nobody else put it there.

    A value that the write left as it was keeps its earlier record, so that somebody else's edit still counts as drift.
    """
    operation, recorded = attempt.entry.operation, run.journal.recorded
    owner, changes = kind_of(operation).found_instead(operation, attempt.entry, _created(attempt), found, recorded)
    was = {change.path: change.before for change in attempt.action.operation.changes}
    there = {
        change.path: attempt.applied_before.get(change.path, change.before)
        if change.path in was and same_plain(was[change.path], change.before)
        else change.before
        for change in changes
    }
    if (note := applied_instead(recorded, owner, there)) is not None:
        run.journal.note(note)
