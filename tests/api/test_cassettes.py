"""What `doctor --probe` recorded is understood: each file in tests/cassettes/ is replayed to the client."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.api.client import ReadClient
from reconciler.api.limits import Limits
from reconciler.engine.facts import ProbeVerdict
from reconciler.engine.probe import probe
from reconciler.model.address import SiteName
from reconciler.model.clock import Clock
from reconciler.model.credentials import ApiKey
from reconciler.model.secret import Secret
from reconciler.model.sites import Need, ObservedSite, SiteRef
from tests.api.playback import playback

FOLDER = Path(__file__).resolve().parents[1] / "cassettes"
CLOCK = Clock(now=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC), sleep=asyncio.sleep, monotonic=time.monotonic)
SITE = SiteRef(SiteName("recorded"), "00000000-0000-4000-8000-000000000001")
NEEDS = frozenset({Need.SETTINGS, Need.MARKETING_PLAN, Need.EVENTS, Need.PROPERTIES})


async def played(data: bytes) -> tuple[tuple[ProbeVerdict, ...], ObservedSite]:
    key = ApiKey(Secret("any-key-will-do"))
    async with ReadClient(
        "http://localhost", credentials=lambda _: key, limits=Limits(), clock=CLOCK, transport=playback(data)
    ) as client:
        verdicts, _ = await probe(client, SITE, CLOCK.now())
        return verdicts, await client.reader().read(SITE, NEEDS)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_a_recording_is_understood(file: Path) -> None:
    verdicts, observed = asyncio.run(played(file.read_bytes()))
    assert len(verdicts) > 15
    assert observed.settings is not None
    assert observed.marketing_plan is not None
    text = file.read_text("utf-8").casefold()
    assert "authorization" not in text
    assert set(re.findall(r"https?://[a-z0-9./-]+", text)) <= {"https://example.com/text"}
