"""The library on workers: the same values as in one process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from reconciler import ApplyCompleted, Project, SiteDrifted, SiteFailed, SitePlanned, UsageError
from reconciler.cli.main import run
from reconciler.executor.ledger import ActionResult
from tests.engine.fleet_over_http import WORKERS, Fleet, fleet
from tests.engine.test_apply_on_workers import LosesAnswers, forgets
from tests.library.test_library import all_of

__all__ = ["forgets"]

SITES = 3


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(tmp_path, SITES) as made:
        yield made


@pytest.mark.parametrize("kind", WORKERS)
def test_plan_drift_and_apply_are_spread_over_workers(shops: Fleet, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Executor] = []

    def start() -> Executor:
        started.append(WORKERS[kind]())
        return started[-1]

    monkeypatch.setattr("reconciler.processes.WorkerProcess", start)

    async def main() -> None:
        async with Project.open(shops.root, workers=2) as project:
            planned = await all_of(project.plan())
            assert [type(found) for found in planned] == [SitePlanned, SitePlanned, SiteFailed]
            assert len(started) == 2
            applied = await project.apply()
            assert isinstance(applied.outcome, ApplyCompleted)
            assert applied.outcome.results == {ActionResult.DONE}
            drifted = await all_of(project.drift())
            assert [type(found) for found in drifted] == [SiteDrifted, SiteDrifted, SiteFailed]
            again = await all_of(project.plan())
            assert [found.plan.actions for found in again if isinstance(found, SitePlanned)] == [(), ()]
            assert len(started) == 2

    asyncio.run(main())


@pytest.mark.parametrize(
    ("workers", "wrong"), [(0, "workers=0 must be 1 to 1,000"), ("tcp://scheduler.example:1", "use tls://")]
)
def test_invalid_workers_are_reported(shops: Fleet, workers: int | str, wrong: str) -> None:
    async def main() -> None:
        async with Project.open(shops.root, workers=workers):
            pass

    with pytest.raises(UsageError, match=wrong):
        asyncio.run(main())


def test_workers_have_no_other_environment_than_this_process(shops: Fleet) -> None:
    async def main() -> None:
        async with Project.open(shops.root, workers=2, environ={**os.environ, "WIX_API_KEY": "another"}):
            pass

    with pytest.raises(UsageError, match=r"an `environ` other than os.environ"):
        asyncio.run(main())


@pytest.mark.usefixtures("forgets")
def test_a_saved_plan_that_was_to_generate_again_does_so_once_if_a_worker_is_lost(
    shops: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shops.root / "approvals" / f"shop-{SITES}.yaml").unlink()
    file = shops.root / "sites" / "shop-01.yaml"
    file.write_text(file.read_text().replace("settings:\n", "settings:\n  marketingTools: [BLOGS]\n"))  # no drafts
    assert run(["apply", "--auto-approve", str(shops.root)]) == 0
    saved = tmp_path / "all.plan"
    assert run(["plan", str(shops.root), "--regenerate", "shop-1", "--out", str(saved)]) == 0
    monkeypatch.setattr("reconciler.processes.WorkerProcess", LosesAnswers)

    async def main() -> None:
        async with Project.open(shops.root, workers=1) as project:
            applied = await project.apply_plan(saved)
            assert isinstance(applied.outcome, ApplyCompleted)
            assert applied.outcome.results == {ActionResult.UNKNOWN}

    asyncio.run(main())
    asked = [sent["path"].rpartition("/")[2] for sent in shops.sandbox.requests()]
    assert asked.count("regenerate-marketing-plan") == 1
