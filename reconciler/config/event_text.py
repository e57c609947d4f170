"""Events in site files: which ones can be declared, how they are written, and how a list of them is updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from msgspec import Struct
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from reconciler.config.schema import fits_site
from reconciler.config.yaml_edit import YamlText, as_item
from reconciler.config.yaml_values import SURROGATE, comment, in_style_of, item_lines, one_line, texts_of, yaml_value
from reconciler.model.canonical import Json, JsonObject, thaw
from reconciler.model.events import CalendarEvent
from reconciler.model.frozen import instant
from reconciler.model.text import normal_text


class DeclarableEvents(Struct, frozen=True):
    """Events that a file can declare, in order of date, and the names of those that it cannot."""

    events: tuple[CalendarEvent, ...] = ()
    unsaid: tuple[str, ...] = ()


def declarable_events(events: Iterable[CalendarEvent], now: datetime) -> DeclarableEvents:
    """The events of a site that a file can declare: of several with the same name, the next one.

    Past events are left out, because no generation looks at them.
    """
    ahead = [event for event in events if event.date is None or event.date.date() >= now.astimezone(UTC).date()]
    found: dict[str, CalendarEvent] = {}
    unsaid: list[str] = []
    last = datetime.max.replace(tzinfo=UTC)
    for event in sorted(ahead, key=lambda event: (event.date or last, event.name, event.id)):
        name = normal_text(event.name)
        if name in found or not _event_can_be_declared(event):
            unsaid.append(event.name)
        else:
            found[name] = event
    return DeclarableEvents(tuple(found.values()), tuple(unsaid))


def _event_can_be_declared(event: CalendarEvent) -> bool:
    value = event_value(event)
    fits = fits_site({"calendarEvents": {"events": [thaw(value)]}})
    return fits and bool(normal_text(event.name)) and not SURROGATE.search(texts_of(value))


def declares_events(layer: Any) -> bool:
    """Whether defaults set `calendarEvents`, even if they list no events."""
    return "calendarEvents" in layer


def event_value(event: CalendarEvent) -> JsonObject:
    """An event as a file declares it."""
    members: dict[str, Json] = {"name": event.name}
    if event.recurring_rule is not None:
        members["recurringRule"] = event.recurring_rule
    elif event.date is not None:
        members["date"] = date_text(event.date)
    if event.description:
        members["description"] = event.description
    return JsonObject(members)


def date_text(date: datetime) -> str:
    """The day alone if the date is midnight UTC, which is how a bare day is sent; otherwise the full time."""
    utc = date.astimezone(UTC)
    if utc.time() == time():
        return utc.date().isoformat()
    return instant(utc).replace(".000Z", "Z") if not utc.microsecond % 1000 else f"{utc:%Y-%m-%dT%H:%M:%S.%fZ}"


def event_lines(events: DeclarableEvents | None, unsure: DeclarableEvents) -> Iterator[str]:
    """The lines of `calendarEvents` in a new file. Events that may not be the site's own are written as comments."""
    if events is not None:
        yield "calendarEvents:"
        yield "  events:" if events.events else "  events: []"
        for event in events.events:
            yield as_item(item_lines(event_value(event)), 4).rstrip("\n")
    if unsure.events:
        yield "# These events are in several calendars, and the API does not say which one is the site's own. To manage"
        yield "# those that were made on the site itself, uncomment them and the lines above them."
        if events is None:
            yield "# calendarEvents:"
            yield "#   events:"
        for event in unsure.events:
            yield f"#     - {comment(one_line(event_value(event)))}"


# --- a list of events, updated ----------------------------------------------------------------------


class LiveEvents(Struct, frozen=True):
    """How the events of a file differ from the site.

    `changed` has the live events that differ, by their names in the file; `gone` the names of events that the site no
    longer has; `added` the live events that the file does not list yet.
    """

    changed: Mapping[str, CalendarEvent]
    gone: frozenset[str] = frozenset()
    added: tuple[CalendarEvent, ...] = ()


def update_events(yaml: YamlText, live: LiveEvents) -> None:
    """Makes the listed events match the site. Raises NotEditable."""
    holder = yaml.get(yaml.root, "calendarEvents")
    listed = yaml.get(holder, "events") if isinstance(holder, MappingNode) else None
    if not isinstance(listed, SequenceNode):
        return
    gone = []
    for item in listed.value:
        name = yaml.text_at(item, "name") or ""
        if name in live.gone:
            gone.append(item)
        elif name in live.changed:
            _update_event(yaml, item, live.changed[name])
    yaml.drop_items(holder, "events", gone)
    if gone and len(gone) == len(listed.value) and not live.added:
        yaml.empty(holder, "events")
    yaml.add_items(holder, "events", [(None, item_lines(event_value(event))) for event in live.added])


def _update_event(yaml: YamlText, item: Any, live: CalendarEvent) -> None:
    """Makes one listed event match the site. A description that the file leaves out stays left out."""
    value = event_value(live)
    managed: dict[str, Json] = {key: member for key, member in value.items() if key != "description"}
    if yaml.get(item, "description") is not None:
        managed["description"] = value.get("description")
    written = {key: yaml.get(item, key) for key in managed}
    changed = {key: managed[key] for key, node in written.items() if not _is_written(node, managed[key])}
    if item.flow_style:
        if {name.value for name, _ in item.value} == set(managed):
            for key, member in changed.items():
                yaml.replace_node(written[key], in_style_of(written[key], member, one_line(member)))
        else:
            yaml.replace_node(item, one_line(JsonObject(managed)))
        return
    for key, member in changed.items():
        indent = item.value[0][0].start_mark.column
        text = yaml_value(member, indent + 2, indent).lstrip(" ")
        yaml.put(item, key, in_style_of(written[key], member, text), ("name",))
    for key in ("date", "recurringRule"):
        if key not in managed and yaml.get(item, key) is not None:
            yaml.drop_key(item, key)


def _is_written(node: Any, member: Json) -> bool:
    return isinstance(node, ScalarNode) and isinstance(member, str) and node.value == member
