"""A site file, updated from its live site: the fields that it manages, and no others.

Comments, order and quoting stay (see yaml_edit.py). A field that the site no longer has becomes `null`; an event that
is gone is removed from the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from reconciler.config.site_text import can_be_declared
from reconciler.config.yaml_edit import NotEditable, YamlText
from reconciler.config.yaml_values import in_style_of, one_line, yaml_value
from reconciler.model.canonical import ABSENT, Json, JsonObject
from reconciler.model.diagnostics import InvalidFiles, Place, problem
from reconciler.model.settings import ATOMIC_MEMBERS, Field, MarketingSettings, normal, same_setting


class Updated(Struct, frozen=True):
    """The new text of a file, and the paths of what it cannot express."""

    text: str
    unsaid: tuple[str, ...] = ()


def update_site(
    text: str, declared: Iterable[Field], live: MarketingSettings, further: Callable[[YamlText], None] | None, file: str
) -> Updated:
    """The text of a file with one site, updated with the live values of what it manages.

    `declared` are its fields with their values, defaults included; `further` edits what else it declares. Raises
    InvalidFiles if the file is written in a way that cannot be changed in place.
    """
    try:
        yaml = YamlText(text)
        values = {field.path: field.value for field in declared}
        unsaid: list[str] = []
        for mapping, key, path in _leaves(yaml):
            found = live.value_of(path)
            wanted: Json = None if found is ABSENT or normal(path, found) is None else found
            if path not in values or same_setting(path, values[path], wanted):
                continue
            if wanted is not None and not can_be_declared(Field(path, wanted)):
                unsaid.append(path)
            else:
                _put(yaml, mapping, key, wanted)
        if further is not None:
            further(yaml)
        result = yaml.result
    except NotEditable as error:
        place = Place(file, error.line, error.column)
        raise InvalidFiles((problem(place, f"this file cannot be updated: {error.why}"),)) from None
    return Updated(result, tuple(unsaid))


def _leaves(yaml: YamlText) -> Iterator[tuple[MappingNode, str, str]]:
    """The managed fields that the file itself sets: the mapping that each is in, its key, and its path."""
    for root in ("settings", "overrides"):
        node = yaml.get(yaml.root, root)
        if isinstance(node, MappingNode):
            yield from _below(node, root)


def _below(node: MappingNode, path: str) -> Iterator[tuple[MappingNode, str, str]]:
    for name, value in node.value:
        key = name.value
        if isinstance(value, MappingNode) and key not in ATOMIC_MEMBERS:
            yield from _below(value, f"{path}.{key}")
        else:
            yield node, key, f"{path}.{key}"


def _put(yaml: YamlText, mapping: Any, key: str, value: Json) -> None:
    """Writes a value at a key. In a block list, items that stay keep their lines."""
    node = yaml.get(mapping, key)
    if isinstance(node, SequenceNode) and isinstance(value, tuple):
        wanted = dict.fromkeys(value)
        kept = [item for item in node.value if isinstance(item, ScalarNode) and item.value in wanted]
        added = [member for member in wanted if member not in {item.value for item in kept}]
        if not node.flow_style and kept:
            yaml.drop_items(mapping, key, [item for item in node.value if item not in kept])
            yaml.add_items(mapping, key, [(None, [_like(node.value, member)]) for member in added])
            return
        if node.flow_style and kept:
            written = [yaml.text_of(item) for item in kept] + [_like(node.value, member) for member in added]
            yaml.put(mapping, key, f"[{', '.join(written)}]")
            return
        value = (*(item.value for item in kept), *added)
    if isinstance(node, MappingNode) and isinstance(value, JsonObject):
        members = {name.value: member for name, member in node.value}
        if members.keys() == set(value) and all(isinstance(member, ScalarNode) for member in members.values()):
            for name, member in members.items():
                if member.value != value[name]:
                    yaml.replace_node(member, in_style_of(member, value[name], one_line(value[name])))
            return
    indent = mapping.value[0][0].start_mark.column
    text = one_line(value) if mapping.flow_style else yaml_value(value, indent + 2, indent + len(key) + 1)
    yaml.put(mapping, key, in_style_of(node, value, text.lstrip(" ")))


def _like(items: Sequence[Any], member: Json) -> str:
    """A member of a list, in the quotes of its first item."""
    return in_style_of(items[0], member, one_line(member))
