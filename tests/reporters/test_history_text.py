"""The history on a screen: what `--quiet` keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.engine.site_results import SiteHistory
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest
from reconciler.model.posts import PostId, PostStatus
from reconciler.model.sites import PostOutcome, PublishedPost
from reconciler.reporters.history_text import history_lines, when_words
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


@pytest.mark.parametrize(
    ("earlier", "said"),
    [
        (timedelta(hours=1), "before Wed 2026-11-04 08:00 UTC"),
        (timedelta(seconds=40), "Wed 2026-11-04 09:00 UTC"),
        (-timedelta(hours=1), "Wed 2026-11-04 09:00 UTC"),
    ],
)
def test_a_post_seen_just_before_its_time_did_not_go_out_early(earlier: timedelta, said: str) -> None:
    """This machine's clock may be some seconds behind the site's."""
    post = PublishedPost(PostId("a"), Digest("sha256:1"), "INSTAGRAM", AT, AT)
    history = SiteHistory(SiteName("shop"), (post,), (PostOutcome(post.id, PostStatus.PUBLISHED, AT - earlier),))
    assert when_words(history, post) == said
