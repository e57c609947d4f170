"""Fixtures for the tests of the API client; bench.py has their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciler.model.address import SiteName
from reconciler.model.credentials import AppCredentials
from reconciler.model.secret import Secret
from reconciler.model.sites import SiteRef
from reconciler.sandbox.app import Sandbox
from tests.api.bench import APP_ID, APP_SECRET, Bench, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def site() -> SiteRef:
    return SiteRef(SiteName("janes-pottery"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01", instance_id="inst-1")


@pytest.fixture
def bench(clock: FakeClock, site: SiteRef) -> Bench:
    return Bench(clock, site)


@pytest.fixture
def app() -> AppCredentials:
    return AppCredentials(Secret(APP_ID), Secret(APP_SECRET))


@pytest.fixture
def sandbox_of(clock: FakeClock, site: SiteRef) -> Iterator[Callable[..., Sandbox]]:
    """Makes a sandbox with the site in it. Arguments are the site's fields; `seed` has the seed's options."""
    made: list[Sandbox] = []

    def make(seed: dict[str, Any] | None = None, **fields: Any) -> Sandbox:
        source = {
            "clock": clock.at.isoformat(),
            "freeze": True,
            "clockStep": 0,
            "sites": [{"id": site.id, "instanceId": site.instance_id, "channels": ["INSTAGRAM", "FACEBOOK"], **fields}],
            **(seed or {}),
        }
        made.append(Sandbox(seed=source, now=clock.now, sleep=clock.sleep))
        return made[-1]

    yield make
    for box in made:
        box.close()
