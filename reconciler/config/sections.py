"""The sections of a site file beside its rules: settings, what is expected, events, the marketing plan."""

from __future__ import annotations

from typing import Any

from reconciler.config import times
from reconciler.config.layers import Layers
from reconciler.config.rules import NotUsable, read_time
from reconciler.config.words import KeyPath, quoted
from reconciler.model.canonical import ABSENT, freeze_object
from reconciler.model.events import DesiredEvent, DesiredEvents
from reconciler.model.marketing_plan import DesiredMarketingPlan, Discard, KeywordResearch, When
from reconciler.model.settings import Field, fields_of
from reconciler.model.sites import Expect


def read_settings(layers: Layers) -> tuple[Field, ...]:
    """`settings` and `overrides`: the managed fields, sorted by path."""
    topics = layers.value.get("settings", {}).get("topics") or {}
    excluded = {one.casefold() for one in topics.get("excluded") or ()}
    for at, topic in enumerate(topics.get("included") or ()):
        if topic.casefold() in excluded:
            path = ("settings", "topics", "included", at)
            layers.problem(path, f"{quoted(topic)} is both included and excluded", "keep one of them")
    fields: list[Field] = []
    for root in ("settings", "overrides"):
        fields.extend(fields_of(freeze_object(layers.value.get(root, {})), root))
    return tuple(sorted(fields, key=lambda field: field.path))


def read_expect(layers: Layers) -> Expect:
    """`expect`."""
    written = layers.value.get("expect", {})
    return Expect(written.get("published"), written.get("language"), tuple(written.get("channels", ())))


def read_events(layers: Layers) -> DesiredEvents | None:
    """`calendarEvents`, or None where it is not written."""
    written = layers.value.get("calendarEvents")
    if written is None:
        return None
    if "events" not in written:
        hint = "list them, or write `events: []` for none"
        layers.problem(("calendarEvents",), "events is missing", hint)
    events: list[DesiredEvent] = []
    names: set[str] = set()
    for at, one in enumerate(written.get("events", ())):
        if one is None:  # a bad one, told already
            continue
        path = ("calendarEvents", "events", at)
        if one["name"] in names:
            message = f"there are two events of the name {quoted(one['name'])}"
            layers.problem((*path, "name"), message, "names tell events apart; change one")
        names.add(one["name"])
        try:
            events.append(_event(one, path, layers))
        except NotUsable:
            continue
    return DesiredEvents(tuple(events), prune=written.get("prune", False))


def read_default_events(layers: Layers) -> None:
    """Notes what is wrong with the events of defaults, which may say of events no more than `prune`."""
    if "events" in layers.value.get("calendarEvents", {}):
        read_events(layers)


def _event(written: dict[str, Any], path: KeyPath, layers: Layers) -> DesiredEvent:
    name, description = written["name"], written.get("description", ABSENT)
    if "recurringRule" in written:
        return DesiredEvent(name, description, recurring_rule=freeze_object(written["recurringRule"]))
    text: str = written["date"]
    if times.is_day(text):
        day = read_time(times.day, text, (*path, "date"), layers)
        return DesiredEvent(name, description, times.midnight(day), whole_day=True)
    return DesiredEvent(name, description, read_time(times.moment, text, (*path, "date"), layers))


def read_marketing_plan(layers: Layers) -> DesiredMarketingPlan | None:
    """`marketingPlan`, or None where it is not written."""
    written = layers.value.get("marketingPlan")
    if written is None:
        return None
    regenerate = written.get("regenerate", {})
    return DesiredMarketingPlan(
        present=written.get("state", "present") == "present",
        when=When(regenerate.get("when", When.ON_CHANGE)),
        keyword_research=KeywordResearch(regenerate.get("keywordResearch", KeywordResearch.AUTO)),
        discard=Discard(regenerate.get("discard", Discard.UNAPPROVED)),
    )
