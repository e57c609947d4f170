"""Marketing settings: reading, defaults, options, the upsert and its mask (9 and 13.2 of docs/remote-api.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.remote import PLAN, SITE, Remote, code, field

Json = dict[str, Any]
SETTINGS = f"{PLAN}/marketing-settings"


def save(remote: Remote, settings: Json, mask: object, status: int = 200) -> Json:
    return remote.post(SETTINGS, {"marketingSettings": settings, "fieldMask": mask}, status=status)


def saved(remote: Remote) -> Json:
    found: Json = remote.get(SETTINGS)["marketingSettings"]
    return found


def test_never_saved_settings_are_only_the_derived_fields(make: Callable[..., Remote]) -> None:
    remote = make({"defaults": {"language": "fr", "country": "FR"}})
    found = saved(remote)
    assert found.keys() == {"settings"}
    assert found["settings"]["language"] == "fr"
    assert found["settings"].keys() == {"language", "businessLocation", "targetLocations"}


def test_the_example_of_the_documents(remote: Remote) -> None:
    settings = {
        "marketingPlanGoal": {"goalKey": "BOOST_SALES"},
        "marketingTools": ["SOCIAL_MARKETING"],
        "topics": {"included": ["handmade ceramics", "studio life"], "excluded": ["politics"]},
        "toneOfVoice": "warm and playful",
        "pointOfView": "SECOND_PERSON",
        "businessProfile": {"valueProposition": "hand-thrown", "targetAudience": "home cooks"},
    }
    overrides = {"socialMarketing": {"frequency": {"interval": "WEEK", "count": 3}}}
    mask = ",".join([*(f"settings.{name}" for name in settings), "overrides.socialMarketing.frequency"])
    answer = save(remote, {"settings": settings, "overrides": overrides}, mask)["marketingSettings"]
    assert answer == saved(remote)
    assert answer["id"] == SITE
    assert answer["createdAt"] == answer["updatedAt"] == "2026-12-01T08:00:00.000Z"
    assert {name: answer["settings"][name] for name in settings} == settings
    assert answer["overrides"] == overrides


def test_only_the_fields_of_the_mask_change(remote: Remote) -> None:
    save(remote, {"settings": {"toneOfVoice": "warm", "imageGuidelines": "bright"}}, "settings.toneOfVoice")
    assert "imageGuidelines" not in saved(remote)["settings"]
    remote.later(60)
    save(remote, {"settings": {"imageGuidelines": "dark"}}, "settings.imageGuidelines")
    found = saved(remote)
    assert found["settings"]["toneOfVoice"] == "warm"
    assert found["createdAt"] < found["updatedAt"]


def test_a_mask_may_reach_any_depth(remote: Remote) -> None:
    save(remote, {"settings": {"topics": {"included": ["a"], "excluded": ["b"]}}}, "settings.topics")
    save(remote, {"settings": {"topics": {"included": ["c"]}}}, "settings.topics.included")
    assert saved(remote)["settings"]["topics"] == {"included": ["c"], "excluded": ["b"]}
    save(remote, {"settings": {"toneOfVoice": "dry"}}, "settings")
    assert "topics" not in saved(remote)["settings"]


@pytest.mark.parametrize("empty", [None, ""])
def test_an_explicit_null_or_empty_value_clears(remote: Remote, empty: object) -> None:
    save(remote, {"settings": {"toneOfVoice": "warm"}}, "settings.toneOfVoice")
    save(remote, {"settings": {"toneOfVoice": empty}}, "settings.toneOfVoice")
    assert "toneOfVoice" not in saved(remote)["settings"]


@pytest.mark.parametrize(("path", "empty"), [("topics", {}), ("marketingTools", []), ("topics", None)])
def test_empty_lists_and_objects_clear(remote: Remote, path: str, empty: object) -> None:
    save(remote, {"settings": {"topics": {"included": ["a"]}, "marketingTools": ["BLOGS"]}}, "settings")
    save(remote, {"settings": {path: empty}}, f"settings.{path}")
    assert path not in saved(remote)["settings"]


@pytest.mark.parametrize(
    ("settings", "mask"),
    [
        ({}, "settings.topics"),
        ({"settings": {}}, "settings.topics"),
        ({"settings": {"topics": None}}, "settings.topics.included"),
        ({"settings": {"topics": {"included": []}}}, "settings.topics.included,settings.toneOfVoice"),
        ({"settings": {"sound": "loud"}}, "settings.sound"),
    ],
)
def test_a_mask_path_that_is_not_in_the_body_is_a_failed_precondition(
    remote: Remote, settings: Json, mask: str
) -> None:
    assert code(save(remote, settings, mask, status=428)) == "INVALID_FIELD_MASK_ERROR"


@pytest.mark.parametrize("mask", [["settings.topics"], {"paths": ["settings.topics"]}, 7, "settings..topics", "a, b"])
def test_a_mask_that_is_not_a_comma_separated_string_cannot_be_parsed(remote: Remote, mask: object) -> None:
    answer = save(remote, {"settings": {"topics": {"included": ["a"]}}}, mask, status=400)
    assert answer["message"] == "Failed to parse request message"


def test_settings_and_mask_are_required(remote: Remote) -> None:
    assert field(remote.post(SETTINGS, {"fieldMask": "settings"}, status=400)) == "marketingSettings"
    assert field(remote.post(SETTINGS, {"marketingSettings": {}}, status=400)) == "fieldMask"


def test_read_only_fields_are_ignored(remote: Remote) -> None:
    sent = {"id": "x", "createdAt": "y", "settings": {"language": "de", "businessLocation": 5}}
    save(remote, sent, "id,createdAt,settings.language,settings.businessLocation")
    assert saved(remote)["settings"]["language"] == "en"
    assert saved(remote)["id"] == SITE


@pytest.mark.parametrize(
    "settings",
    [
        {"pointOfView": "FOURTH_PERSON"},
        {"marketingTools": ["BLOG"]},
        {"marketingTools": "BLOGS"},
        {"marketingPlanGoal": {"goalKey": "WIN"}},
        {"marketingPlanGoal": {"goalKey": "BOOST_SALES", "customGoal": "win"}},
        {"topics": ["a"]},
        {"topics": {"included": [1]}},
        {"toneOfVoice": 5},
        {"frequency": {"interval": "DAY", "count": 1}},
        {"frequency": {"interval": "WEEK", "count": 0}},
        {"frequency": {"interval": "WEEK", "count": 31}},
        {"frequency": {"interval": "WEEK", "count": "3"}},
        {"socialChannels": ["MYSPACE"]},
    ],
)
def test_values_that_are_wrong_are_refused(remote: Remote, settings: Json) -> None:
    save(remote, {"settings": settings}, f"settings.{next(iter(settings))}", status=400)
    assert "id" not in saved(remote)


def test_a_new_goal_takes_the_place_of_the_old_one(remote: Remote) -> None:
    save(remote, {"settings": {"marketingPlanGoal": {"goalKey": "BOOST_SALES"}}}, "settings.marketingPlanGoal")
    path = "settings.marketingPlanGoal.customGoal"
    save(remote, {"settings": {"marketingPlanGoal": {"customGoal": "win"}}}, path)
    assert saved(remote)["settings"]["marketingPlanGoal"] == {"customGoal": "win"}


def test_unknown_fields_are_ignored_or_refused(make: Callable[..., Remote]) -> None:
    sent = {"settings": {"toneOfVoice": "dry", "sound": "loud"}}
    save(make(), sent, "settings.toneOfVoice")
    save(make({"unknowns": {"unknownFields": "refuse"}}), sent, "settings.toneOfVoice", status=400)


def test_saving_does_not_touch_the_plan(ready: Remote) -> None:
    before = ready.plan()
    save(ready, {"settings": {"topics": {"included": ["new"]}}}, "settings.topics")
    assert ready.plan() == before


def test_defaults_and_their_mask(make: Callable[..., Remote]) -> None:
    remote = make()
    path = f"{SETTINGS}/defaults"
    assert remote.get(path)["defaults"].keys() == {"socialChannels", "calendar", "marketingPlanGoal", "frequency"}
    assert remote.get(path, params={"fieldMask": "frequency,calendar"})["defaults"].keys() == {"frequency", "calendar"}
    remote.get(path, status=400, params={"fieldMask": "topics"})
    make({"unknowns": {"illegalMask": 428}}).get(path, status=428, params={"fieldMask": "topics"})


def test_options(remote: Remote) -> None:
    goals = remote.get(f"{SETTINGS}/plan-goal-options")["options"]
    assert [each["planGoalKey"] for each in goals] == [
        "DRIVE_TRAFFIC",
        "BRAND_AWARENESS",
        "BOOST_SALES",
        "COLLECT_LEADS",
    ]
    assert len(remote.get(f"{SETTINGS}/point-of-view-options")["options"]) == 3
    assert len(remote.get(f"{SETTINGS}/calendar-options")["options"]) == 1


def test_the_wrapper_can_be_any(make: Callable[..., Remote]) -> None:
    seed: Json = {"defaults": {"settings": {"toneOfVoice": "dry"}}}
    assert make({**seed, "unknowns": {"settingsWrapper": "none"}}).get(SETTINGS)["settings"]["toneOfVoice"] == "dry"
    assert list(make({**seed, "unknowns": {"settingsWrapper": "payload"}}).get(SETTINGS)) == ["payload"]


SPOKEN: Json = {"settings": {"toneOfVoice": "dry", "topics": {"included": ["mugs"], "coreTopic": "clay"}}}
EXCLUDED: Json = {"settings": {"topics": {"excluded": ["politics"]}}}


@pytest.mark.parametrize(
    ("depth", "status", "topics"),
    [
        ("any", 200, {"included": ["mugs"], "coreTopic": "clay", "excluded": ["politics"]}),
        ("refuse", 428, {"included": ["mugs"], "coreTopic": "clay"}),
        ("ignore", 200, {"included": ["mugs"], "coreTopic": "clay"}),
        ("replace", 200, {"excluded": ["politics"]}),
    ],
)
def test_a_mask_deeper_than_the_reference_shows(
    make: Callable[..., Remote], depth: str, status: int, topics: Json
) -> None:
    remote = make({"defaults": SPOKEN, "unknowns": {"maskDepth": depth}})
    save(remote, EXCLUDED, "settings.topics.excluded", status=status)
    found = remote.get(SETTINGS)["marketingSettings"]["settings"]
    assert (found["topics"], found["toneOfVoice"]) == (topics, "dry")


@pytest.mark.parametrize(
    ("rule", "topics"),
    [
        ("replace", {"excluded": ["politics"]}),
        ("merge", {**SPOKEN["settings"]["topics"], **EXCLUDED["settings"]["topics"]}),
    ],
)
def test_a_mask_of_a_whole_field(make: Callable[..., Remote], rule: str, topics: Json) -> None:
    remote = make({"defaults": SPOKEN, "unknowns": {"wholeField": rule}})
    save(remote, EXCLUDED, "settings.topics")
    assert remote.get(SETTINGS)["marketingSettings"]["settings"]["topics"] == topics


@pytest.mark.parametrize(
    ("form", "kept"),
    [
        ("exact", " Cafe\u0301\r\n"),
        ("trimmed", "Cafe\u0301"),
        ("nfc", " Caf\u00e9\r\n"),
        ("line-ends", " Cafe\u0301\n"),
        ("all", "Caf\u00e9"),
    ],
)
def test_texts_may_be_kept_in_another_form(make: Callable[..., Remote], form: str, kept: str) -> None:
    remote = make({"unknowns": {"texts": form}})
    save(remote, {"settings": {"toneOfVoice": " Cafe\u0301\r\n"}}, "settings.toneOfVoice")
    assert remote.get(SETTINGS)["marketingSettings"]["settings"]["toneOfVoice"] == kept


def test_properties_are_limited_by_one_comma_text(make: Callable[..., Remote]) -> None:
    path, asked = "/site-properties/v4/properties", {"fields": "timeZone,language"}
    answer = make().get(path, params=asked)
    assert answer == {"version": "1", "properties": {"language": "en", "timeZone": "UTC"}}
    ignoring = make({"unknowns": {"propertiesFields": "ignored"}}).get(path, params=asked)
    assert len(ignoring["properties"]) > 2
