"""Who moved a setting: git, the site, or both, judged by what was last applied."""

from __future__ import annotations

import pytest

from reconciler.model.activities import UpdateActivity
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.diagnostics import Place
from reconciler.model.posts import ActivityId
from reconciler.model.settings import Field, MarketingSettings
from reconciler.model.sites import DesiredSite, Inputs, ObservedSite, RecordedSite, SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Action, Reason
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import ChangedSide, DriftState
from reconciler.planner.edits import edited_since
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from tests.planner import publishing_world as world
from tests.planner.pure_world import NOW

REF = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
PATH = "settings.toneOfVoice"


@pytest.mark.parametrize(
    ("in_file", "applied", "live", "moved"),
    [
        ("warm", None, "dry", ChangedSide.GIT),
        ("warm", "dry", "dry", ChangedSide.GIT),
        ("warm", "warm", "dry", ChangedSide.REMOTE),
        ("warm", "loud", "dry", ChangedSide.BOTH),
        ("warm", None, "warm", None),
    ],
)
def test_a_setting_was_moved_by_whoever_left_what_was_last_applied(
    in_file: str, applied: str | None, live: str, moved: ChangedSide | None
) -> None:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), settings=(Field(PATH, in_file),))
    observed = ObservedSite(REF, NOW, MarketingSettings(settings=JsonObject({"toneOfVoice": live})))
    recorded = RecordedSite(applied=Inputs((Field(PATH, applied),)) if applied else Inputs())
    plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
    (item,) = find_drift(desired, observed, recorded, plan, PlanOptions(NOW)).items
    assert [field.moved for field in item.fields] == ([moved] if moved else [])
    assert item.moved is moved


def test_what_keeps_a_story_from_going_out_says_that_it_is_one() -> None:
    """The reason comes from the plan, which knows only the story's address."""
    approved = world.activity("a", world.post("p", type="STORY", media=()))
    desired = world.desired(world.ANY_RULE, approvals=world.approved(approved))
    observed = world.site(approved)
    plan = make_plan(desired, observed, world.KNOWN, PlanOptions(world.NOW))
    (item,) = find_drift(desired, observed, world.KNOWN, plan, PlanOptions(world.NOW)).items
    assert (item.state, item.type) == (DriftState.BLOCKED, "STORY")


@pytest.mark.parametrize(
    ("applied", "edited"),
    [({"title": "Sale"}, True), ({"title": "Summer"}, False), ({"description": "x"}, False), (None, False)],
)
def test_an_activity_that_somebody_edited_is_named_if_the_plan_overwrites_it(
    applied: dict[str, str] | None, edited: bool
) -> None:
    operation = UpdateActivity(ActivityId("a1"), "Summer", (FieldChange("title", "Summer", "Sale"),))
    action = Action(Address(REF.name, Kind.ACTIVITY, "a1"), operation, Reason.RULE)
    objects = () if applied is None else (("activity[a1]", JsonObject(applied)),)
    found = edited_since([action], RecordedSite(objects=objects))
    assert found == (("shop/activity[a1]#title",) if edited else ())
