"""What the state can tell about a post that has changed since it was scheduled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.canonical import JsonObject
from reconciler.model.content import Difference
from reconciler.model.posts import Post
from reconciler.model.sites import PublishedPost, RecordedSite
from reconciler.planner.since_scheduled import Since, since_scheduled
from reconciler.planner.used_approvals import used_key
from tests.planner.publishing_world import NOW, post

DRAFT = replace(post("d1"), account_id="1784", account_name="janes.pottery")
OTHER = replace(DRAFT, texts=(("caption", "Old mugs"),))
DATE = NOW + timedelta(days=2)
FIRST = PublishedPost(DRAFT.id, DRAFT.digest, DRAFT.channel, DATE, NOW, account=DRAFT.account, date=DATE)
LATER = replace(FIRST, digest=OTHER.digest, done_at=NOW + timedelta(hours=1))
ADOPTED = RecordedSite(objects=((used_key(DRAFT.id), JsonObject({"content": DRAFT.digest, "times": 1})),))


@pytest.mark.parametrize(
    ("recorded", "live", "since"),
    [
        (RecordedSite(), DRAFT, Since()),
        (RecordedSite(published=(FIRST,)), DRAFT, Since()),
        (RecordedSite(published=(FIRST,)), OTHER, Since(content=True)),
        (RecordedSite(published=(FIRST, LATER)), DRAFT, Since(content=True)),
        (RecordedSite(published=(replace(FIRST, digest=DRAFT.earlier_digest, date=None),)), DRAFT, Since()),
        (
            RecordedSite(published=(FIRST,)),
            replace(DRAFT, account_name="joes.pottery"),
            Since(account=Difference("account", "janes.pottery (1784)", "joes.pottery (1784)")),
        ),
        (RecordedSite(published=(FIRST,)), replace(DRAFT, account_name=None), Since()),
        (ADOPTED, DRAFT, Since()),
        (ADOPTED, OTHER, Since(content=True)),
    ],
)
def test_changes_are_reported_as_far_as_the_state_knows(recorded: RecordedSite, live: Post, since: Since) -> None:
    assert since_scheduled(recorded, live, DATE) == since
    assert bool(since) is (since != Since())
