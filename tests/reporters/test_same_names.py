"""An account is shown by name; with its id too if another account of its channel has the same name."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.engine.site_results import SitePlanned
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import CancelPost, SchedulePost
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import Action, Plan, Reason
from reconciler.planner.tally import tally_of
from reconciler.reporters.plan_text import site_items


@pytest.mark.parametrize(
    ("channel", "account", "shown"),
    [
        ("INSTAGRAM", "s9 (2)", ["s9 (1)", "s9 (2)"]),
        ("FACEBOOK", "s9 (2)", ["s9", "s9"]),
        ("INSTAGRAM", "other (2)", ["s9", "other"]),
        ("INSTAGRAM", "s9 (1)", ["s9", "s9"]),
        ("INSTAGRAM", "2", ["s9", "account 2"]),
    ],
)
def test_two_accounts_with_one_name_are_told_apart(channel: str, account: str, shown: Sequence[str]) -> None:
    site, activity = SiteName("shop"), ActivityId("a1")
    operations = (
        SchedulePost(PostId("d1"), activity, "INSTAGRAM", Digest(""), title="Sale", account="s9 (1)"),
        CancelPost(PostId("d2"), activity, channel, title="Kiln", account=account),
    )
    actions = tuple(Action(Address(site, Kind.DRAFT, each.post), each, Reason.RULE) for each in operations)
    plan = Plan(SiteRef(site, "1"), actions)
    items = site_items(SitePlanned(plan, tally_of(plan)))
    said = [" ".join(span.text for span in line.spans) for item in items for line in item.own]
    assert [line.split(" on ")[1].split(";")[0] for line in said] == shown
