"""Checks values against schemas/. A quick check decides; only what it rejects is examined closely (explain.py)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import takewhile
from typing import Any, Final

from msgspec import Struct

from reconciler.config.documents import Document
from reconciler.config.problems import MAX_EXPLAINED
from reconciler.config.quick_check import CannotTell, ValueCheck, quick_check
from reconciler.config.schema_files import schema_text
from reconciler.config.words import KeyPath
from reconciler.model.diagnostics import Diagnostic, problem


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema as a value that is never modified."""
    value: dict[str, Any] = json.loads(schema_text(name))
    return value


@cache
def _quick(name: str) -> ValueCheck:
    return quick_check(schema(name))


@cache
def _full(name: str) -> ValueCheck:
    import jsonschema_rs

    is_valid: ValueCheck = jsonschema_rs.Draft7Validator(schema(name)).is_valid
    return is_valid


def fits(value: Any, name: str) -> bool:
    """Whether a plain value fits a schema."""
    try:
        return _quick(name)(value)
    except CannotTell:
        return _full(name)(value)


def fits_site(members: Mapping[str, Any]) -> bool:
    """Whether a site file may have these members."""
    return fits({"version": 1, "site": _A_SITE, **members}, "site")


_A_SITE: Final = {"name": "a", "id": "00000000-0000-4000-8000-000000000000"}


class CheckedDocument(Struct, frozen=True):
    """The result of checking a document. `value` is the document's, without the parts at the `bad` paths."""

    value: Any
    bad: tuple[KeyPath, ...] = ()

    def usable(self, section: str) -> bool:
        """Whether nothing is wrong with a section, so that its required members exist."""
        return not any(not path or path[0] == section for path in self.bad)


def check(document: Document, name: str, problems: list[Diagnostic]) -> CheckedDocument:
    """Checks a document against its schema. Every problem goes to `problems`.

    What is usable is still examined further, so that everything that is wrong is reported at once.
    """
    if fits(document.value, name):
        return CheckedDocument(document.value)
    if len(problems) >= MAX_EXPLAINED:  # this document is counted, but no longer explained
        problems.append(problem(document.start, "does not match its schema"))
        return CheckedDocument({}, ((),))
    from reconciler.config.explain import explain

    # A place where the YAML itself is wrong is reported only once.
    reported = {
        problem.place for problem in takewhile(lambda problem: problem.file == document.file, reversed(problems))
    }
    bad: list[KeyPath] = []
    for path, found in explain(document, schema(name)):
        bad.append(path)
        if found.place not in reported:
            problems.append(found)
        if len(problems) > MAX_EXPLAINED:
            return CheckedDocument({}, ((),))
    return CheckedDocument(_without(document.value, bad, _lists(name)), tuple(bad))


@cache
def _lists(name: str) -> frozenset[KeyPath]:
    """The lists of objects in a document, at the top level or in a section.

    Their members are read one by one: a bad one becomes None, and the others keep their positions.
    """
    whole = schema(name)
    parts: list[tuple[KeyPath, dict[str, Any]]] = [
        ((key,), _resolved(part, whole)) for key, part in whole["properties"].items()
    ]
    parts += [
        ((*path, key), _resolved(part, whole)) for path, of in parts for key, part in of.get("properties", {}).items()
    ]
    members = ((path, _resolved(part["items"], whole)) for path, part in parts if "items" in part)
    return frozenset(path for path, member in members if member.get("type") == "object" or "oneOf" in member)


def _resolved(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """A part of a schema, or the definition to which it refers."""
    while "allOf" in part or "$ref" in part:
        part = part["allOf"][0] if "allOf" in part else whole["definitions"][part["$ref"].rpartition("/")[2]]
    return part


def _without(value: Any, bad: Sequence[KeyPath], lists: frozenset[KeyPath]) -> Any:
    """A value without its bad parts: members of lists that are read one by one, otherwise keys of a section."""
    if not isinstance(value, dict):
        return {}
    rest = {key: dict(part) if isinstance(part, dict) else part for key, part in value.items()}
    for path in filter(None, bad):
        depth = next((at for at, step in enumerate(path) if isinstance(step, int)), len(path))
        if depth < len(path) and path[:depth] in lists:
            holder: Any = rest if depth == 1 else rest.get(path[0])
            items = holder.get(path[depth - 1]) if isinstance(holder, dict) else None
            if isinstance(items, list):
                step = path[depth]
                holder[path[depth - 1]] = [None if at == step else item for at, item in enumerate(items)]
        elif depth == 1 or not isinstance(rest.get(path[0]), dict):
            rest.pop(path[0], None)
        elif path[:2] in lists:
            rest[path[0]][path[1]] = []
        else:
            rest[path[0]].pop(path[1], None)
    return rest
