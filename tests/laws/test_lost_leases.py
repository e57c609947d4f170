"""A run that loses its lease while a write of it waits for its turn again makes no further write, and the next run
finishes the work. `-m exhaustive` tries every write of the scenario, each run of the tests some of them.

The lease is lost in the pause after a 429, where a suspended process would wake up: nothing is asked between the
answer and the next attempt but the fence.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from reconciler.api.routes import only_reads
from reconciler.reporters.diagnostics import sentence
from reconciler.sandbox.app import Sandbox
from reconciler.state.lease import LeaseLost
from tests.laws.guillotine import compare, fresh
from tests.laws.mishaps import Mishap, Way
from tests.laws.pool import SOME_OR_ALL, Say, some, work_off
from tests.laws.scenario import STAGES, Undisturbed, recorded_of
from tests.laws.test_mishaps_anywhere import in_memory, requests_of


class Lease:
    """A fence that holds until it is told otherwise."""

    def __init__(self) -> None:
        self.lost = False

    def check(self) -> None:
        """Raises LeaseLost once it is lost."""
        if self.lost:
            raise LeaseLost("locks/shop.json", "is no longer ours", "run again")


class LosingWay(Way):
    """A way on which the lease is lost with the 429 that answers one request."""

    def __init__(self, sandbox: Sandbox, at: int, lease: Lease) -> None:
        super().__init__(sandbox, at, Mishap.THROTTLED_FOR)
        self._lease = lease
        self.too_late: list[str] = []
        """Writes that were sent after the lease was lost."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._lease.lost and not only_reads(request.method, request.url.path):
            self.too_late.append(f"{request.method} {request.url.path}")
        self._lease.lost = self._lease.lost or self.count == self._at
        return await super().handle_async_request(request)


@SOME_OR_ALL
@pytest.mark.parametrize("place", range(len(STAGES)), ids=[stage.name for stage in STAGES])
def test_a_run_that_loses_its_lease_writes_nothing_more(
    place: int, every: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    requests = requests_of(stage, tmp_path / "requests")
    possible = [at for at, (method, path) in enumerate(requests) if not only_reads(method, path)]
    writes = some(possible, min(every, len(possible)), place)

    def attempt(case: int, folder: Path) -> str | None:
        _losing_at(stage, writes[case], folder)
        return None

    failures = work_off(len(writes), attempt, tmp_path)
    say(f"lost leases, {stage.stage.name}: {len(writes)} of {len(possible)} writes tried, {len(failures)} failures")
    assert not failures, "\n".join(f"{requests[writes[case]]}: {why}" for case, why in sorted(failures.items()))


def _losing_at(stage: Undisturbed, at: int, folder: Path) -> None:
    run = fresh(stage, folder)
    try:
        run.store = in_memory(folder)
        lease = Lease()
        plainly, way = run.way, LosingWay(run.sandbox, at, lease)
        run.way, run.fence = lambda _: way, lease
        ledger = run.apply()
        assert lease.lost
        assert ledger.error is not None
        assert "no longer ours" in sentence(ledger.error)
        assert way.too_late == []
        run.way, run.fence = plainly, None
        for _ in range(2):
            if recorded_of(run).open or run.plan().actions:
                run.apply()
        compare(stage, run)
    finally:
        run.sandbox.close()
