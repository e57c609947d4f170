"""Values that come back differently from how they were written (remote-api.md 17.7)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, Absent, Digest, Json, JsonObject, freeze
from reconciler.model.diagnostics import Place
from reconciler.model.events import CalendarEvent, CreateEvent, DesiredEvent, DesiredEvents, EventId, UpdateEvent
from reconciler.model.settings import Field, MarketingSettings, UpdateSettings, same_setting
from reconciler.model.sites import DesiredSite, ObservedSite, RecordedSite, SiteRef
from reconciler.model.writes import FieldChange
from reconciler.planner.actions import Plan
from reconciler.planner.drift import find_drift
from reconciler.planner.drift_report import DriftState
from reconciler.planner.kept import counted, is_a_form_of, is_final, is_servers_form, kept_notes
from reconciler.planner.options import PlanOptions
from reconciler.planner.planner import make_plan
from reconciler.reporters.diagnostics import cause
from tests.planner.pure_world import NOW

REF = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
TONE = Field("settings.toneOfVoice", "warm and playful")


@pytest.mark.parametrize(
    ("value", "other"),
    [
        ("a\nb", "a\r\nb "),
        ("caf\u00e9", "cafe\u0301"),
        (" warm ", "warm"),
        (3, "3"),
        (3, 3.0),
        (JsonObject({"count": 3, "interval": "WEEK"}), JsonObject({"count": "3", "interval": "WEEK"})),
        (None, ""),
        (None, ABSENT),
        (None, "  "),
        (("a", "b"), ("b ", "a")),
        (None, ()),
    ],
    ids=range(11),
)
def test_rule_17_7_values_in_another_form_are_the_same(value: Json, other: Json | Absent) -> None:
    assert same_setting("settings.frequency", value, other)


@pytest.mark.parametrize(("value", "other"), [("warm", "Warm"), (3, 4), ("a b", "a  b"), (True, "true"), (True, 1)])
def test_rule_17_7_other_values_are_not(value: Json, other: Json) -> None:
    assert not same_setting("settings.toneOfVoice", value, other)


def plan_of(live: str, recorded: RecordedSite) -> tuple[Plan, DriftState]:
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), settings=(TONE,))
    observed = ObservedSite(REF, NOW, MarketingSettings(settings=JsonObject({"toneOfVoice": live})))
    plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
    (item,) = find_drift(desired, observed, recorded, plan, PlanOptions(NOW)).items
    return plan, item.state


def test_rule_17_7_a_difference_that_two_writes_did_not_remove_is_not_written_a_third_time() -> None:
    recorded = RecordedSite()
    for _ in range(2):
        plan, state = plan_of("warm", recorded)
        (action,) = plan.actions
        assert isinstance(action.operation, UpdateSettings)
        assert (plan.notes, state) == ((), DriftState.DRIFTED)
        entry = counted("", FieldChange(TONE.path, "warm", TONE.value), recorded)
        recorded = replace(recorded, objects=(entry,))
    assert is_final(entry[1])
    plan, state = plan_of("warm", recorded)
    assert plan.actions == ()
    assert state is DriftState.CONVERGED
    assert tuple(map(cause, plan.notes)) == (
        "settings.toneOfVoice: 'warm and playful' was written twice, but the site keeps 'warm'; write that in the file "
        "to remove this note",
    )
    # Another live value is another difference, and is written.
    assert plan_of("cold", recorded)[0].actions


def test_rule_17_7_it_is_counted_by_field_and_value() -> None:
    other = counted("", FieldChange(TONE.path, "warm", "another wish"), RecordedSite())
    recorded = RecordedSite(objects=(counted("", FieldChange(TONE.path, "warm", TONE.value), RecordedSite()),))
    assert other[1]["writes"] == 1
    assert counted("", FieldChange(TONE.path, "cold", TONE.value), recorded)[1]["writes"] == 1
    assert counted("", FieldChange(TONE.path, "warm", TONE.value), recorded)[1]["writes"] == 2


def test_rule_17_7_a_kept_description_of_an_event_counts_as_applied() -> None:
    event = DesiredEvent("Sale", "30% off everything", NOW + timedelta(days=3))
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), events=DesiredEvents((event,)))
    live = CalendarEvent(EventId("e1"), "Sale", "30% off", event.date)
    observed = ObservedSite(REF, NOW, events=(live,))
    recorded = RecordedSite()
    for _ in range(2):
        plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
        assert isinstance(plan.actions[0].operation, UpdateEvent)
        entry = counted("event[Sale]", FieldChange("description", "30% off", "30% off everything"), recorded)
        recorded = replace(recorded, objects=(entry,))
    plan = make_plan(desired, observed, recorded, PlanOptions(NOW))
    assert plan.actions == ()
    assert "event[Sale].description" in plan.notes[0].message


@pytest.mark.parametrize("name", ["Caf\u00e9 sale", " Cafe\u0301 sale", "Caf\u00e9 sale\r\n"])
def test_rule_17_7_an_event_is_known_by_its_name_in_normal_form(name: str) -> None:
    event = DesiredEvent("Caf\u00e9 sale", "a\nb", NOW + timedelta(days=3))
    desired = DesiredSite(REF, Place("shop.yaml"), Digest(""), events=DesiredEvents((event,)))
    observed = ObservedSite(REF, NOW, events=(CalendarEvent(EventId("e1"), name, "a\r\nb ", event.date),))
    plan = make_plan(desired, observed, RecordedSite(), PlanOptions(NOW))
    assert not any(isinstance(action.operation, CreateEvent) for action in plan.actions)
    assert plan.actions == ()


def test_what_is_remembered_of_a_difference_is_plain_json() -> None:
    key, facts = counted("", FieldChange(TONE.path, None, freeze({"a": ["b"]})), RecordedSite())
    assert key == "kept[settings.toneOfVoice]"
    assert facts["found"] is None


def test_rule_17_7_a_short_text_in_which_much_is_escaped_is_a_form_of_what_was_written() -> None:
    assert is_a_form_of("30% off & more ", "30&#37; off &amp; more")
    assert not is_a_form_of("30% off & more ", "15&#37; on &amp; less")


@pytest.mark.parametrize(
    ("asked", "found", "alike"),
    [
        (("studio life", "Ceramics & more"), ("Ceramics &amp; more", "studio life"), True),
        (("b.", "a."), ("a", "b"), True),
        (("tea", "tea time"), ("tea time", "tea"), True),
        (("tea", "coffee"), ("tea", "tea"), False),
        (("tea",), ("tea", "coffee"), False),
    ],
    ids=range(5),
)
def test_rule_17_7_the_items_of_a_list_are_known_in_any_order(
    asked: tuple[str, ...], found: tuple[str, ...], alike: bool
) -> None:
    assert is_a_form_of(asked, found) is alike


TWICE, DAILY, OFTEN = (freeze({"interval": "WEEK", "count": count}) for count in (2, 7, 30))


@pytest.mark.parametrize(
    ("asked", "was", "found", "servers"),
    [
        (OFTEN, TWICE, DAILY, True),
        (OFTEN, None, DAILY, True),
        (OFTEN, TWICE, TWICE, False),
        (OFTEN, TWICE, freeze({"interval": "WEEK", "count": "2"}), False),
        (OFTEN, TWICE, None, False),
        (None, TWICE, DAILY, True),
        (("a", "b"), ("c",), ("a",), True),
        (("a", "b"), ("d", "c"), ("c", "d"), False),
        ("dry", "warm", "loud", False),
        ("dry", "warm", "Dry.", True),
        (None, "warm", "loud", False),
    ],
    ids=[
        "capped",
        "capped, not set before",
        "ignored",
        "ignored, and the number is a text",
        "lost",
        "a default for a cleared one",
        "a list cut short",
        "a list left as it was",
        "another text",
        "a form of a text",
        "another text for a cleared one",
    ],
)
def test_rule_17_7_a_value_that_a_write_left_as_it_was_is_not_the_servers_form_of_it(
    asked: Json, was: Json, found: Json, servers: bool
) -> None:
    change = FieldChange("settings.frequency", found, asked)
    assert is_servers_form("", change, was, RecordedSite()) is servers


def test_rule_17_7_a_value_that_an_earlier_write_made_stays_the_servers_form_of_it() -> None:
    change = FieldChange("settings.frequency", DAILY, OFTEN)
    once = RecordedSite(objects=(counted("", change, RecordedSite()),))
    assert is_servers_form("", change, DAILY, once)
    assert not is_servers_form("", FieldChange("settings.frequency", TWICE, OFTEN), TWICE, once), "somebody's edit"
    assert not is_servers_form("", FieldChange("settings.frequency", DAILY, TWICE), DAILY, once), "another wish"


@pytest.mark.parametrize("before", [None, ""])
def test_a_text_that_no_answer_shows_is_to_be_left_out_of_the_file(before: str | None) -> None:
    (note,) = kept_notes("activity[a1]", (FieldChange("description", before, "Come by"),), "Open day")
    assert cause(note) == (
        "activity \"Open day\": description: 'Come by' was written twice, but it is still empty; "
        "leave it out of the file to remove this note"
    )
