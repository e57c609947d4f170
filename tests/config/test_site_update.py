"""`import --update` changes a value and leaves its quotes, as it leaves comments and order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.config.event_text import LiveEvents, update_events
from reconciler.config.site_update import update_site
from reconciler.config.yaml_edit import YamlText
from reconciler.model.canonical import Json, JsonObject, freeze_object
from reconciler.model.events import CalendarEvent, EventId
from reconciler.model.settings import MarketingSettings, fields_of


def updated(text: str, live: dict[str, Json]) -> str:
    """The lines of `settings` after an update, without the first."""
    import yaml

    file = "settings:\n" + text
    declared = fields_of(freeze_object(yaml.safe_load(file)["settings"]), "settings")
    found = update_site(file, declared, MarketingSettings(JsonObject(live)), None, "sites/shop.yaml")
    return found.text.removeprefix("settings:\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'cold'", "'warm'"),
        ('"cold"', '"warm"'),
        ("cold", "warm"),
        ("'it''s'  # so", "'warm'  # so"),
    ],
)
def test_a_changed_text_keeps_its_quotes(before: str, after: str) -> None:
    assert updated(f"  toneOfVoice: {before}\n", {"toneOfVoice": "warm"}) == f"  toneOfVoice: {after}\n"


@pytest.mark.parametrize(
    ("live", "after"),
    [
        ("it's \\ warm", "'it''s \\ warm'"),
        ("a\tb", '"a\\tb"'),
        ("one\ntwo", "|-\n    one\n    two"),
    ],
)
def test_single_quotes_stay_if_they_can_hold_the_text(live: str, after: str) -> None:
    assert updated("  toneOfVoice: 'cold'\n", {"toneOfVoice": live}) == f"  toneOfVoice: {after}\n"


def test_items_of_lists_keep_their_quotes_and_new_ones_have_them_too() -> None:
    text = "  topics:\n    included: ['tea', 'cups']\n    excluded:\n      - \"tax\"\n      - 'law'\n"
    live: dict[str, Json] = {"topics": JsonObject({"included": ("tea", "pots"), "excluded": ("tax", "war")})}
    assert updated(text, live) == (
        "  topics:\n    included: ['tea', 'pots']\n    excluded:\n      - \"tax\"\n      - \"war\"\n"
    )


def test_an_object_keeps_the_quotes_of_its_members() -> None:
    text = "  marketingPlanGoal: {customGoal: 'fill the courses'}  # for spring\n"
    live: dict[str, Json] = {"marketingPlanGoal": JsonObject({"customGoal": "sell tea"})}
    assert updated(text, live) == "  marketingPlanGoal: {customGoal: 'sell tea'}  # for spring\n"


def test_an_event_keeps_what_did_not_change() -> None:
    text = """calendarEvents:
  events:
    - name: "Sale"
      date: '2026-11-26'
      description: 'at last'
    - {name: 'Doors', date: "2026-11-28", description: "soon"}
"""
    live = {
        name: CalendarEvent(EventId(name), name, "today", datetime(2026, 11, day, tzinfo=UTC))
        for name, day in (("Sale", 27), ("Doors", 28))
    }
    yaml = YamlText(text)
    update_events(yaml, LiveEvents(live))
    assert yaml.result == text.replace("'2026-11-26'", "'2026-11-27'").replace("at last", "today").replace(
        "soon", "today"
    )
