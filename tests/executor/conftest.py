"""What the executor's tests are given."""

from __future__ import annotations

import pytest

from tests.executor.live_site import Bench


@pytest.fixture
def bench() -> Bench:
    """A live site in memory, a journal that outlasts each run, and what the runs said."""
    return Bench()
