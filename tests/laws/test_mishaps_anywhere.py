"""Whatever happens to one request of a run, at most two more runs end like the undisturbed one.

Nothing is done twice. `-m exhaustive` tries every mishap at every request of the scenario, a normal run a sample.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from reconciler.api.errors import ApiError
from reconciler.api.routes import only_reads
from reconciler.state.memory import MemoryStore
from reconciler.state.store import Store
from tests.laws.guillotine import compare, fresh
from tests.laws.mishaps import ALIKE_FOR_READS, Mishap, Way
from tests.laws.pool import SOME_OR_ALL, Say, some, work_off
from tests.laws.scenario import STAGES, Undisturbed, recorded_of


@SOME_OR_ALL
@pytest.mark.parametrize("place", range(len(STAGES)), ids=[stage.name for stage in STAGES])
def test_a_mishap_at_any_request_loses_nothing_and_does_nothing_twice(
    place: int, every: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    requests = requests_of(stage, tmp_path / "requests")
    possible = [
        (at, mishap)
        for at, (method, path) in enumerate(requests)
        for mishap in Mishap
        if not (only_reads(method, path) and mishap in ALIKE_FOR_READS)
    ]
    cases = some(possible, every, place)

    def attempt(case: int, folder: Path) -> str | None:
        _with_a_mishap(stage, *cases[case], folder)
        return None

    failures = work_off(len(cases), attempt, tmp_path)
    say(f"mishaps anywhere, {stage.stage.name}: {len(cases)} of {len(possible)} tried, {len(failures)} failures")
    assert not failures, "\n".join(
        f"{requests[cases[case][0]]} (request {cases[case][0]}), {cases[case][1].value}: {why}"
        for case, why in sorted(failures.items())
    )


def requests_of(stage: Undisturbed, folder: Path) -> list[tuple[str, str]]:
    run = fresh(stage, folder)
    run.apply()
    seen = [(request["method"], request["path"]) for request in run.requests()[stage.requests_before :]]
    run.sandbox.close()
    return seen


def _with_a_mishap(stage: Undisturbed, at: int, mishap: Mishap, folder: Path) -> None:
    run = fresh(stage, folder)
    try:
        run.store = in_memory(folder)
        plainly, way = run.way, Way(run.sandbox, at, mishap)
        run.way = lambda _: way
        try:
            run.apply()
        except ApiError:
            pass  # a read before the first write: the run is over
        assert way.count > at
        run.way = plainly
        for _ in range(2):
            if recorded_of(run).open or run.plan().actions:
                run.apply()
        compare(stage, run)
    finally:
        run.sandbox.close()


def in_memory(folder: Path) -> Store:
    """The state as on disk, but without its slow writes: no process dies here."""
    store = MemoryStore()
    for record in (folder / ".reconciler").glob("records/*"):
        asyncio.run(store.put(f"records/{record.name}", record.read_bytes(), expected=None))
    return store
