"""Posts that an earlier run may have scheduled, as the state knows them: they are named with what was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from reconciler.engine.site_results import SiteFailed
from reconciler.model.address import Address, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.model.journal import OpenEntry
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import DesiredSite, RecordedSite, SiteRef
from reconciler.planner.may_go_out import when_and_where
from reconciler.planner.options import PlanOptions
from reconciler.planner.unseen import LOCKED, UNSEEN, UnseenPosts, unseen_posts
from reconciler.reporters.failures import Failures

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
AT = datetime(2026, 11, 4, 8, 30, tzinfo=UTC)
SHOP = DesiredSite(
    SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"),
    Place("sites/shop.yaml"),
    Digest("sha256:0"),
    approvals=Approvals(),
)
POST = SchedulePost(
    PostId("d1"), ActivityId("a"), "INSTAGRAM", Digest("sha256:1"), title="Kiln day", account="kiln (17841)"
)


def unseen(*posts: SchedulePost, locked: bool = False) -> UnseenPosts:
    sent = (OpenEntry(post.post, Address.parse(f"shop/draft[{post.post}]"), post, NOW) for post in posts)
    return unseen_posts(
        SHOP.ref.name, SHOP, RecordedSite(open=tuple(sent)), PlanOptions(NOW), LOCKED if locked else UNSEEN
    )


@pytest.mark.parametrize(
    ("post", "said"),
    [
        (POST, "at a time Wix picks, on kiln"),
        (replace(POST, account=""), "at a time Wix picks"),
        (replace(POST, about=AT), "about Wed 2026-11-04 09:30 Europe/Berlin on kiln"),
        (replace(POST, at=AT), "Wed 2026-11-04 09:30 Europe/Berlin on kiln"),
        (
            replace(POST, at=AT, own_time_first=True),
            "Wed 2026-11-04 09:30 Europe/Berlin or at a time Wix picks, on kiln",
        ),
    ],
)
def test_it_is_named_with_the_time_and_the_account_that_were_asked_for(post: SchedulePost, said: str) -> None:
    assert when_and_where(post, "Europe/Berlin") == said


def test_posts_that_may_go_out_are_named_soonest_first() -> None:
    found = unseen(replace(POST, post=PostId("d2"), about=AT + timedelta(days=1)), replace(POST, at=AT))
    assert (found.count, found.unsure, found.first and found.first.at) == (2, 2, AT)
    assert found.waiting[0].message == (
        "2 posts may go out, as it is not known whether an earlier run scheduled them: "
        '"Kiln day" (Instagram) Wed 2026-11-04 08:30 UTC on kiln; '
        '"Kiln day" (Instagram) about Thu 2026-11-05 08:30 UTC on kiln'
    )


def test_posts_of_many_sites_that_may_not_be_scheduled_are_counted() -> None:
    failures = Failures()
    for number in range(5):
        failures.add(SiteFailed(SiteName(f"s{number}"), (Diagnostic("odd", "denied"),), unseen=unseen(POST)))
    said = " ".join(span.text for line in failures.lines() for span in line.spans)
    assert "5 scheduled posts on 5 sites can't be checked (5 of them may not be scheduled)" in said


def test_at_a_locked_site_the_other_run_may_be_scheduling_them() -> None:
    assert "whether another run scheduled it" in unseen(POST, locked=True).waiting[0].message


def test_one_whose_time_has_passed_is_not_ahead() -> None:
    assert unseen(replace(POST, at=NOW - timedelta(hours=1))) == UnseenPosts()
