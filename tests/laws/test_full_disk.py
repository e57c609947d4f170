"""A disk that fills up at some note in the state: the run's ledger says so, and nothing more is written to the site.

Once there is space again, the next runs end as if nothing had happened. `-m exhaustive` tries every note.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.model.diagnostics import UsageError
from reconciler.reporters.diagnostics import sentence
from reconciler.state.errors import StateError
from reconciler.state.store import Any, Store, Version
from tests.laws.guillotine import Moments, WatchedStore, compare, fresh
from tests.laws.pool import SOME_OR_ALL, Say, some, work_off
from tests.laws.scenario import STAGES, Undisturbed, recorded_of
from tests.laws.whole_run import WholeRun


class FullDisk(WatchedStore):
    """Accepts as many notes as there is space for, and then no more."""

    def __init__(self, inner: Store, space: int, written: Callable[[], int]) -> None:
        super().__init__(inner, lambda _: None)
        self.space, self.written = space, written
        self.written_by_then: int | None = None
        """The writes to the site when the disk was found full."""

    async def put(self, key: str, data: bytes, *, expected: Version | None | Any, durable: bool = True) -> Version:
        self._take(key)
        return await super().put(key, data, expected=expected, durable=durable)

    async def append(self, key: str, data: bytes, *, at: int) -> int:
        self._take(key)
        return await super().append(key, data, at=at)

    def _take(self, key: str) -> None:
        if self.space == 0:
            if self.written_by_then is None:
                self.written_by_then = self.written()
            raise StateError(self.place(key), f"cannot be written (error {errno.ENOSPC})", "free some space, run again")
        self.space -= 1


@SOME_OR_ALL
@pytest.mark.parametrize("place", range(len(STAGES)), ids=[stage.name for stage in STAGES])
def test_a_disk_that_is_full_from_any_note_on_ends_the_run_and_loses_nothing(
    place: int, every: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    run, moments = fresh(stage, tmp_path / "notes"), Moments()
    moments.watch(run)
    run.apply()
    run.sandbox.close()
    notes = sum(moment in ("a note was written", "a note was appended") for moment in moments.passed)
    spaces = some(range(notes), min(every, notes), place)

    def attempt(case: int, folder: Path) -> str | None:
        _with_space_for(spaces[case], stage, fresh(stage, folder))
        return None

    failures = work_off(len(spaces), attempt, tmp_path)
    say(f"full disk, {stage.stage.name}: {len(spaces)} of {notes} notes tried, {len(failures)} failures")
    assert not failures, "\n".join(f"from note {spaces[case]} on: {why}" for case, why in sorted(failures.items()))


def _with_space_for(space: int, stage: Undisturbed, run: WholeRun) -> None:
    plainly = run.store
    disk = FullDisk(plainly, space, lambda: len(run.writes()))
    run.store = disk
    try:
        error = run.apply().error
        assert error is not None
        said = sentence(error)
    except UsageError as failed:  # before there was a plan
        said = str(failed)
    assert "free some space" in said
    assert len(run.writes()) == disk.written_by_then
    run.store = plainly
    for _ in range(2):
        if recorded_of(run).open or run.plan().actions:
            run.apply()
    compare(stage, run)
    run.sandbox.close()
