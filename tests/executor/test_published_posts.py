"""What is recorded about a post that was scheduled or moved: the account's name, and the site's time zone today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.executor.kinds.base import OutcomeContext
from reconciler.executor.kinds.schedule.records import published_post
from reconciler.executor.snapshot import Snapshot
from reconciler.model.canonical import Digest
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.schedule import ReschedulePost, SchedulePost
from reconciler.model.sites import PublishedPost, RecordedSite

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
POST, ACTIVITY, DIGEST = PostId("d1"), ActivityId("a"), Digest("sha256:" + "1" * 64)
BEFORE = PublishedPost(POST, DIGEST, "INSTAGRAM", NOW, NOW, zone="Europe/Berlin", account="janes.pottery (1784)")


def noted(
    operation: SchedulePost | ReschedulePost, recorded: RecordedSite, zone: str | None, live: Post | None = None
) -> PublishedPost:
    entry: Any = SimpleNamespace(started_at=NOW)
    return published_post(operation, entry, OutcomeContext(recorded, Snapshot(items=((POST, live),)), zone=zone))


@pytest.mark.parametrize(("zone", "told"), [("America/Lima", "America/Lima"), (None, "Europe/Berlin")])
def test_a_moved_post_is_shown_in_the_zone_that_the_site_has_now(zone: str | None, told: str) -> None:
    move = ReschedulePost(POST, ACTIVITY, "INSTAGRAM", DIGEST, NOW + timedelta(hours=1), NOW, "Kiln day")
    found = noted(move, RecordedSite(published=(BEFORE,)), zone)
    assert (found.zone, found.account) == (told, "janes.pottery (1784)")


@pytest.mark.parametrize(
    ("planned", "account"),
    [("janes.pottery (1784)", "janes.pottery (1784)"), ("other (9)", "1784"), ("", "1784")],
)
def test_the_account_has_the_name_that_the_plan_knew_if_it_is_that_one(planned: str, account: str) -> None:
    live = Post(POST, "INSTAGRAM", "POST", PostStatus.SCHEDULED, account_id="1784")
    schedule = SchedulePost(POST, ACTIVITY, "INSTAGRAM", DIGEST, NOW, account=planned)
    found = noted(schedule, RecordedSite(), "UTC", live)
    assert (found.account, found.zone) == (account, "UTC")
