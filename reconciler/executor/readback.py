"""Compares what was asked for with what is there, after it was written."""

from __future__ import annotations

from reconciler.executor.kinds import kind_of
from reconciler.executor.outcome_check import infer_outcome, read_for
from reconciler.executor.run import Attempt, Run
from reconciler.executor.snapshot import Snapshot
from reconciler.model.operations import Done, Verb
from reconciler.model.sites import Bindings

LOOKS = 3
"""How often a difference is looked at before it counts: reads may lag behind writes (17.6)."""
LONGEST_PAUSE = 2.0
"""Seconds between two looks, unless generations are polled more often than that."""


async def read_back(run: Run) -> None:
    """Reads what was written since the last read-back, and corrects the entries of what was not kept.

    Posts that were made or scheduled were read back by their own steps, where they were waited for.
    May raise an ApiError.
    """
    left, wrong = run.take_written(), {}
    for look in range(LOOKS):
        if not left:
            return
        if look:
            await run.ports.clock.sleep(min(LONGEST_PAUSE, run.options.waiting.interval.total_seconds()))
        found = await read_for(run.site, run.ports.reader, [attempt.entry.operation for attempt in left])
        wrong = {attempt.entry.id: why for attempt in left if (why := _mismatch(run, attempt, found)) is not None}
        for attempt in left:
            if attempt.entry.id not in wrong:
                await _bind(run, attempt, found)
        left = tuple(attempt for attempt in left if attempt.entry.id in wrong)
    for attempt in left:
        not_kept = kind_of(attempt.entry.operation).not_kept(attempt.entry.operation)
        if not_kept != Bindings():
            await run.journal.bind(not_kept)
        run.correct(attempt.action, wrong[attempt.entry.id])


def _mismatch(run: Run, attempt: Attempt, found: Snapshot) -> str | None:
    operation = attempt.entry.operation
    return kind_of(operation).mismatch(operation, attempt.entry, _created(attempt), found, run.now())


def _created(attempt: Attempt) -> str | None:
    return attempt.outcome.created if isinstance(attempt.outcome, Done) else None


async def _bind(run: Run, attempt: Attempt, found: Snapshot) -> None:
    """Remembers the id of what was created, where the answer named none."""
    operation = attempt.action.operation
    if operation.verb is not Verb.CREATE or _created(attempt) is not None:
        return
    made = infer_outcome(attempt.entry, found, run.now())
    if isinstance(made, Done):
        left = kind_of(operation).leaves(operation, attempt.entry, made, run.journal.recorded)
        if left != Bindings():
            await run.journal.bind(left)
