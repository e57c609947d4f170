"""The history on a screen: what `--quiet` keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.engine.site_results import SiteHistory
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.sites import PostOutcome, PublishedPost
from reconciler.reporters.history_text import history_lines
from reconciler.reporters.layout import Screen

AT = datetime(2026, 11, 4, 9, tzinfo=UTC)


def test_quiet_keeps_only_the_posts_that_failed_to_go_out() -> None:
    posts = tuple(
        PublishedPost(PostId(name), Digest("sha256:1"), "INSTAGRAM", AT, AT, title=name)
        for name in ("went", "failed", "waits", "taken back", "deleted")
    )
    outcomes = (
        PostOutcome(posts[0].id, PostStatus.PUBLISHED, AT),
        PostOutcome(posts[1].id, PostStatus.FAILED, AT, reason="the token expired"),
        PostOutcome(posts[3].id, PostStatus.CANCELED, AT),
        PostOutcome(posts[4].id, PostStatus.DELETED, AT),
    )
    quiet = "\n".join(history_lines(SiteHistory(SiteName("shop"), posts, outcomes), Screen(200), quiet=True))
    assert "the token expired" in quiet
    assert not [name for name in ("went", "waits", "taken back", "deleted") if f'"{name}"' in quiet]
    calm = SiteHistory(SiteName("shop"), (posts[0], posts[2]), outcomes[:1])
    assert list(history_lines(calm, Screen(200), quiet=True)) == []
    assert len(list(history_lines(calm, Screen(200)))) == 4
