"""A live site -> the text of a new site file: what was set by hand, as people would write it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from reconciler.config.schema import fits_site
from reconciler.config.yaml_edit import quoted
from reconciler.config.yaml_values import SURROGATE, comment, one_line, texts_of, yaml_value
from reconciler.model.address import SiteName
from reconciler.model.canonical import ABSENT, EMPTY, Json, JsonObject, thaw
from reconciler.model.settings import DERIVED, Field, MarketingSettings, fields_of, normal, same_setting, settings_of

MODELINE: Final = "# yaml-language-server: $schema={}\n"


_LONGEST: Final = 63


class NewSite(Struct, frozen=True):
    """What a new site file says. `title` is the site's own name, `url` where it is published.

    `events` are the lines about events (event_text.py). `scheduled` counts the posts that are waiting to go out, and
    `approvals` is the file that lists them.
    """

    name: SiteName
    id: str
    title: str = ""
    url: str = ""
    credentials: str | None = None
    settings: tuple[Field, ...] = ()
    events: tuple[str, ...] = ()
    marketing_plan: bool = False
    scheduled: int = 0
    approvals: str = ""


# --- names -----------------------------------------------------------------------------------------


def site_name(title: str, id: str, taken: Collection[str]) -> SiteName:
    """An unused name for a site, made from its title, or from its id if the title gives none."""
    plain = (
        unicodedata.normalize("NFKD", title.casefold()).replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    )
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].rstrip("-") or id[:8].lower()
    if not re.search("[a-z]{2}", name):
        name = f"site-{name}"[:_LONGEST].rstrip("-")
    if name not in taken:
        return SiteName(name)
    numbered = (
        f"{name[: _LONGEST - len(str(number)) - 1].rstrip('-')}-{number}" for number in range(2, len(taken) + 3)
    )
    return SiteName(next(found for found in numbered if found not in taken))


# --- what is declared ------------------------------------------------------------------------------


def declared_settings(live: MarketingSettings, under: Mapping[str, Json]) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    """The fields to declare, and the paths of those that a site file cannot express.

    `under` are the fields that the project's defaults give the site: equal ones are left out, and those that the site
    does not have are cleared.
    """
    fields: list[Field] = []
    left_out: list[str] = []
    for root, tree in (("settings", live.settings), ("overrides", live.overrides)):
        for field in fields_of(tree, root):
            if normal(field.path, field.value) is None or any(_below(field.path, path) for path in DERIVED):
                continue
            if not can_be_declared(field):
                left_out.append(field.path)
            elif field.path not in under or not same_setting(field.path, field.value, under[field.path]):
                fields.append(field)
    if conflict := _conflict(live):
        fields = [field for field in fields if field.path not in conflict]
        left_out += conflict
    there = [field.path for field in fields]
    for path, value in under.items():
        live_value = live.value_of(path)
        empty = live_value is ABSENT or normal(path, live_value) is None
        if empty and normal(path, value) is not None and not any(_below(found, path) for found in there):
            fields.append(Field(path, None))
    return tuple(sorted(fields, key=lambda field: field.path)), tuple(sorted(set(left_out)))


def _below(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def can_be_declared(field: Field) -> bool:
    """Whether a site file can contain the field: no YAML can hold half of a surrogate pair."""
    value = settings_of((field,))
    members = {root: thaw(tree) for root, tree in _trees(value).items() if tree}
    return fits_site(members) and not SURROGATE.search(texts_of(field.value))


def _conflict(live: MarketingSettings) -> tuple[str, ...]:
    """The paths of the two lists of topics if a topic is in both, which a site file may not say; otherwise empty."""
    topics = live.settings.get("topics")
    if not isinstance(topics, JsonObject):
        return ()
    lists = [topics.get(key) for key in ("included", "excluded")]
    words = [{str(word).casefold() for word in found} if isinstance(found, tuple) else set() for found in lists]
    return ("settings.topics.included", "settings.topics.excluded") if words[0] & words[1] else ()


def _trees(settings: MarketingSettings) -> dict[str, JsonObject]:
    return {"settings": settings.settings, "overrides": settings.overrides}


# --- text ------------------------------------------------------------------------------------------


def new_site_text(site: NewSite, schema: str | None = None) -> str:
    """The text of a site file. `schema` is where editors find its schema, relative to the file's folder."""
    return "".join(f"{line}\n" for line in _lines(site, schema))


def _lines(site: NewSite, schema: str | None) -> Iterator[str]:
    if schema is not None:
        yield MODELINE.format(schema).rstrip("\n")
    about = " ".join(part for part in (quoted(site.title) if site.title else "", site.url) if part)
    yield f"# Imported{f' from {comment(about)}' if about else ''}: what was set by hand, and nothing else."
    yield "# Only what is written here is managed: a field left out is left alone, a field written as null is cleared."
    yield "version: 1"
    yield "site:"
    yield f"  name: {one_line(site.name)}"
    yield f"  id: {site.id}"
    if site.credentials is not None:
        yield f"  credentials: {one_line(site.credentials)}"
    settings = settings_of(site.settings)
    for root, tree in _trees(settings).items():
        if tree:
            yield f"{root}:{yaml_tree(tree)}"
    yield from site.events
    if site.marketing_plan:
        yield "marketingPlan:"
        yield "  state: present"
    if site.scheduled:
        yield f"schedule:                        # scheduled posts are listed in {comment(site.approvals)}"
        yield "  approval: required"
        yield "  rules: []                      # add rules to schedule more drafts"


def yaml_tree(tree: JsonObject) -> str:
    """An object below its key, always as a block at its first level, so that a line can be added."""
    lines = [f"  {one_line(key)}:{yaml_value(value, 4, len(key) + 3)}" for key, value in tree.items()]
    return "\n" + "\n".join(lines) if lines else f" {one_line(EMPTY)}"


def merged_fields(layers: Iterable[Any]) -> dict[str, Json]:
    """The settings that these layers of defaults give together, by path."""
    from reconciler.config.layers import merge
    from reconciler.model.canonical import freeze_object

    whole: Any = {}
    for layer in layers:
        whole = merge(whole, layer)
    return {
        field.path: field.value
        for root in ("settings", "overrides")
        for field in fields_of(freeze_object(whole.get(root) or {}), root)
    }
