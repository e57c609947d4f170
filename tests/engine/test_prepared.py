"""Sites that are ready are kept on disk until somebody has decided, and come back as they were."""

from __future__ import annotations

import asyncio
import io
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.config.packed_sites import Details, KeptSite
from reconciler.config.sites import SiteEntry
from reconciler.engine.prepared import Prepared, PreparedSites
from reconciler.engine.site_results import SitePlanned
from reconciler.model.canonical import Digest, JsonObject, freeze
from reconciler.model.codec import to_json
from reconciler.model.diagnostics import Place
from reconciler.model.sites import DesiredSite, RecordedSite, SiteRef
from reconciler.planner.actions import Plan
from reconciler.planner.tally import PlanTally
from reconciler.spool import Spool
from reconciler.state.folder import LocalFolder
from reconciler.state.ledger import OfSites, RunLedgers
from tests import strategies
from tests.laws.pool import fork


def _entry(site: SiteRef) -> SiteEntry:
    place = Place("sites/shop.yaml", 1, 1)
    return SiteEntry(
        site.name, (), "", KeptSite(Details(site.id, place, None), DesiredSite(site, place, Digest("sha256:0")))
    )


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(strategies.plans, max_size=2))
def test_what_is_ready_comes_back_as_it_was(sites: list[Plan]) -> None:
    given_ones = [
        Prepared(
            SitePlanned(plan, PlanTally()),
            _entry(plan.site),
            RecordedSite(objects=(("a", JsonObject({"b": (1, None)})),)),
        )
        for plan in sites
    ]
    ready = PreparedSites()
    for prepared in given_ones:
        ready.add(prepared)
    assert list(ready) == given_ones == [ready[number] for number in range(len(ready))]
    assert (len(ready), ready.names) == (len(sites), [plan.site.name for plan in sites])
    assert bool(ready) == bool(sites)
    assert [ready.id(number) for number in range(len(ready))] == [plan.site.id for plan in sites]


@given(st.lists(st.binary(max_size=20), max_size=5), st.randoms())
def test_a_spool_gives_back_each_piece(pieces: list[bytes], order: object) -> None:
    spool = Spool()
    numbers = []
    for piece in pieces:
        numbers.append(spool.append(piece))
        assert spool[numbers[0]] == pieces[0]  # reading in between moves nothing
    assert [spool[number] for number in reversed(numbers)] == list(reversed(pieces))


def test_a_spool_does_without_a_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: os.open("/no/such/folder", os.O_RDONLY))
    spool = Spool()
    assert [spool[spool.append(piece)] for piece in (b"one", b"other")] == [b"one", b"other"]


def test_a_full_disk_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: io.FileIO("/dev/full", "w"))
    spool = Spool()
    with pytest.raises(OSError, match="No space left on device"):
        spool.append(b"a piece")
    del spool  # an error here could only be printed


def test_a_forked_process_that_ends_disturbs_no_spool() -> None:
    spool = Spool()
    numbers = [spool.append(bytes(1000)) for _ in range(3)]
    assert spool[numbers[0]] == bytes(1000)
    child = fork()
    if child == 0:
        del spool
        os._exit(0)
    os.waitpid(child, 0)
    number = spool.append(b"later")
    assert (spool[numbers[2]], spool[number]) == (bytes(1000), b"later")
    del spool


@pytest.mark.parametrize("odd", ["", "\ud800"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_ledger_written_site_by_site_is_the_same(tmp_path: Path, count: int, odd: str) -> None:
    """Also with half a surrogate pair, which a remote text may hold; only then may the bytes differ."""
    text = f'\u00e4 "sites": []\n{odd}'
    sites = [{"site": f"shop {at}", "stillGoingOut": [], "detail": text, "entries": [{"n": 1}]} for at in range(count)]
    run = {"command": "apply", "exitCode": 0, "interrupted": False}

    async def body() -> None:
        ledgers = RunLedgers(LocalFolder(tmp_path))
        at = datetime(2026, 12, 1, tzinfo=UTC)
        one = await ledgers.write(at, freeze({**run, "sites": sites}), "one")
        other = await ledgers.write(at, OfSites(run, lambda: map(to_json, map(freeze, sites))), "two")
        assert await ledgers.read(one) == await ledgers.read(other)
        texts = [(tmp_path / "runs" / f"{id}.json").read_bytes().replace(b"-one", b"-two") for id in (one, other)]
        assert odd or texts[0] == texts[1]

    asyncio.run(body())
