"""What is said about a site that the state knows and no file declares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.engine.undeclared import Undeclared, notices_of, waiting
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.posts import PostId
from reconciler.model.sites import PublishedPost, RecordedSite, SiteRef

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def test_posts_that_still_go_out_are_named_soonest_first_whoever_scheduled_them() -> None:
    digest, days = Digest("sha256:1"), timedelta(days=1)
    adopted = {"channel": "FACEBOOK", "type": "POST", "activity": "a", "title": "Sale", "zone": "UTC"}
    adopted |= {"date": "2026-12-03T09:00:00Z", "scheduledFor": "2026-12-03T09:00:00Z"}
    scheduled = JsonObject({"state": "scheduled"})
    recorded = RecordedSite(
        published=tuple(
            PublishedPost(PostId(id), digest, "INSTAGRAM", NOW + after, NOW, title=title, date=NOW + after)
            for id, title, after in (("p1", "Late", 9 * days), ("p2", "Soon", days))
        ),
        objects=(("adopted[p3]", JsonObject(adopted)), ("draft[p0]", scheduled), ("draft[p3]", scheduled)),
    )
    posts = waiting(recorded, NOW)
    assert [post.title for post in posts] == ["Soon", "Sale", "Late", "p0"]
    _, *said = notices_of([Undeclared(SiteRef(SiteName("shop"), "1"), posts)])
    assert said[1].message == '"Sale" (Facebook) is still scheduled to go out on Thu 2026-12-03 09:00 UTC'
