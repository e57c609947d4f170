"""Workers of a Dask cluster: the same as in processes. Skipped where `distributed` is not installed (extra `dask`)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reconciler.dask_workers import check_address, dask_workers
from reconciler.engine.parts import Setup, project_values
from reconciler.engine.site_results import SitePlanned
from reconciler.executor.ledger import Result
from reconciler.model.diagnostics import UsageError
from reconciler.sandbox.app import Seen
from tests.engine.fleet_over_http import Fleet, fleet
from tests.engine.test_apply_on_workers import GENERATE, SITES, applied, finishes, kept_ledgers, left_in_state
from tests.engine.test_workers import planned

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES) as made:
        (tmp_path / "approvals" / f"shop-{SITES}.yaml").unlink()
        yield made


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of two workers."""
    distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=False, host="127.0.0.1"
    ) as cluster:
        yield cluster.scheduler_address


def test_a_cluster_plans_and_applies_as_processes_do(
    shops: Fleet, scheduler: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spread, alone = (
        [event.plan for event in planned(shops, make) if isinstance(event, SitePlanned)]
        for make in (partial(dask_workers, scheduler), None)
    )
    assert spread == alone
    completed, sites = applied(shops, partial(dask_workers, scheduler))
    assert completed.results == {Result.DONE}
    assert len(sites) == SITES
    assert left_in_state(shops) == []
    finishes(shops, capsys)


@pytest.mark.exhaustive
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_of_a_cluster_that_is_killed_is_replaced_and_nothing_is_done_twice(
    shops: Fleet, scheduler: str, when: str, capsys: pytest.CaptureFixture[str]
) -> None:
    killed: list[int] = []

    def kill(seen: Seen) -> None:
        if seen.when == when and not killed:
            [lock, *_] = [path.read_bytes() for path in (shops.root / ".reconciler" / "locks").glob("*.json")]
            killed.append(int(lock.split(b'"process": ')[1].split(b",")[0]))
            os.kill(killed[0], signal.SIGKILL)

    shops.sandbox.add_hook(GENERATE, kill)
    completed, sites = applied(shops, partial(dask_workers, scheduler))
    assert killed
    assert len(sites) == SITES
    assert completed.results <= {Result.DONE, Result.UNKNOWN, Result.SKIPPED}, sites
    [ledger] = kept_ledgers(shops)
    assert len(ledger["sites"]) == SITES
    finishes(shops, capsys, runs=2)


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("tls://scheduler.example:8786", ""),
        ("tcp://127.0.0.1:8786", ""),
        ("tcp://localhost:8786", ""),
        ("tcp://scheduler.example:8786", "use tls://scheduler.example:8786"),
        ("tls://scheduler.example", "such as tls://scheduler:8786"),
        ("tls://me:secret@scheduler.example:8786", "such as tls://scheduler:8786"),
        ("http://127.0.0.1:8786", "must begin with tls://"),
        ("many", "must be a number"),
    ],
)
def test_a_scheduler_is_reached_over_tls_or_on_this_machine(address: str, wrong: str) -> None:
    found = check_address(address)
    assert wrong in found
    assert bool(found) == bool(wrong)


def test_a_cluster_on_other_machines_needs_a_state_that_they_share(shops: Fleet) -> None:
    from reconciler.config.sites import open_project

    project, _ = open_project((shops.root,))
    setup = Setup(project_values(project), shops.url, str(shops.root / ".reconciler"), 4, None)
    with pytest.raises(UsageError, match="object store"):
        dask_workers("tls://scheduler.example:8786", setup)
