"""Texts are shown in the form in which they are compared, so no difference is shown that does not exist."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import pytest
from msgspec.structs import replace

from reconciler.executor.kinds.base import differences
from reconciler.model.activities import Activity, SetActivities
from reconciler.model.address import Kind
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest, JsonObject
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, DesiredEvent, DesiredEvents, EventId
from reconciler.model.marketing_plan import MarketingPlan, PlanStatus
from reconciler.model.posts import ActivityId
from reconciler.model.selectors import Match
from reconciler.model.settings import Field, MarketingSettings
from reconciler.model.sites import DesiredSite, Inputs, ObservedSite, RecordedSite
from reconciler.model.writes import FieldChange
from reconciler.planner.baseline import key_of
from reconciler.planner.drift import find_drift
from reconciler.planner.kept import kept_notes
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from tests.planner import publishing_world as world
from tests.planner.pure_world import NOW
from tests.planner.test_kept import REF

FILE: Final = "Cafe\u0301\r\nMention the market.\n"
SITE: Final = "  Caf\u00e9\nMention the shop.\r\n"
LAST: Final = "Cafe\u0301\nMention nothing.\n"
COMPARED: Final = ("Caf\u00e9\nMention the market.", "Caf\u00e9\nMention the shop.", "Caf\u00e9\nMention nothing.")

SOON = datetime(2026, 12, 4, tzinfo=UTC)
PATH = "settings.imageGuidelines"
NOBODY = DesiredSite(REF, Place("shop.yaml"), Digest(""))
ACTIVITY = Activity(ActivityId("a1"), "Fair", SITE, SOON)


@pytest.mark.parametrize(
    ("desired", "observed", "recorded"),
    [
        (
            replace(NOBODY, settings=(Field(PATH, FILE),)),
            ObservedSite(REF, NOW, MarketingSettings(JsonObject({"imageGuidelines": SITE}))),
            RecordedSite(applied=Inputs((Field(PATH, LAST),))),
        ),
        (
            replace(NOBODY, events=DesiredEvents((DesiredEvent("Sale", FILE, SOON),))),
            ObservedSite(REF, NOW, events=(CalendarEvent(EventId("e1"), "Sale", SITE, SOON),)),
            RecordedSite(applied=Inputs(events=(("Sale", DesiredEvent("Sale", LAST, SOON).facts()),))),
        ),
        (
            replace(NOBODY, activities=(SetActivities(Match(), description=FILE),)),
            ObservedSite(REF, NOW, marketing_plan=MarketingPlan(PlanStatus.ACTIVE, (ACTIVITY,))),
            RecordedSite(objects=((key_of(Kind.ACTIVITY, "a1"), JsonObject({"description": LAST})),)),
        ),
    ],
    ids=["setting", "event", "activity"],
)
def test_a_plan_and_an_audit_show_texts_as_they_are_compared(
    desired: DesiredSite, observed: ObservedSite, recorded: RecordedSite
) -> None:
    plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
    [change] = plan.actions[0].operation.changes
    assert (change.after, change.before) == COMPARED[:2]
    [field] = find_drift(desired, observed, recorded, plan, PlanOptions(NOW)).items[0].fields
    assert (field.desired, field.live, field.third) == COMPARED


def test_the_items_of_a_list_are_shown_as_they_are_compared() -> None:
    topics = Field("settings.topics.included", ("tea ", "cafe\u0301"))
    observed = ObservedSite(REF, NOW, MarketingSettings(JsonObject({"topics": JsonObject({"included": ("tea",)})})))
    plan = make_plan(replace(NOBODY, settings=(topics,)), observed, RecordedSite(), PlanOptions(NOW))
    [change] = plan.actions[0].operation.changes
    assert (change.before, change.after) == (("tea",), ("tea", "caf\u00e9"))


def test_what_the_site_has_instead_is_said_as_it_is_compared() -> None:
    found = differences([("description", FILE, SITE), ("name", "Sale\n", "Sale")])
    assert found is not None
    said = r"asked for 'Café\nMention the market.', the site has 'Café\nMention the shop.'"
    assert found.message.endswith(f"description: {said}")
    [note] = kept_notes("", [FieldChange("x", SITE, FILE)])
    assert (
        r"x: 'Café\nMention the market.' was written twice, but the site keeps 'Café\nMention the shop.'"
        in note.message
    )


def test_an_approval_that_is_no_longer_of_its_draft_shows_texts_as_they_are_compared() -> None:
    shown = world.activity("a", world.post("p", caption="New cups"), title="Cafe\u0301 ")
    [entry] = world.approved(shown).activities
    renamed = Approvals((entry,)).verdict(shown.posts[0], shown.date, title="Fair ")
    assert renamed.differences == (Difference("activity.title", "Caf\u00e9", "Fair"),)
    [draft] = entry.drafts
    draft = replace(draft, earlier=True, content=replace(draft.content, caption="Cafe\u0301\n"))
    earlier = Approvals((replace(entry, drafts=(draft,)),)).verdict(shown.posts[0], shown.date)
    assert earlier.differences == (Difference("caption", "Caf\u00e9", "New cups"),)
