"""Writes the schemas of site, project and approvals files from tools/schemas.yaml; `--check` writes nothing.

python tools/write_schemas.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

TOP: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = TOP / "tools" / "schemas.yaml"
NAMES: Final = ("site", "project", "approvals")
PREFIX: Final = "#/definitions/"


def schema_file(name: str) -> Path:
    """Where a schema is written."""
    return TOP / "schemas" / f"{name}.schema.json"


def schema_texts() -> dict[str, str]:
    """Name -> text of each schema, from the source."""
    source: dict[str, Any] = yaml.safe_load(SOURCE.read_text("utf-8"))
    return {name: _text(source[name], source["definitions"]) for name in NAMES}


def _text(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    whole = {**schema, "definitions": {name: definitions[name] for name in _used(schema, definitions)}}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _used(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """The definitions that a schema needs, including those needed by other definitions, in the order of the source."""
    used: set[str] = set()
    open_ones = list(_references(schema))
    while open_ones:
        name = open_ones.pop()
        if name not in used:
            used.add(name)
            open_ones.extend(_references(definitions[name]))
    return [name for name in definitions if name in used]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(PREFIX)
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the JSON Schemas of the files that people write.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a schema is not current")
    check = parser.parse_args().check
    stale = [
        name
        for name, text in schema_texts().items()
        if not schema_file(name).is_file() or schema_file(name).read_text("utf-8") != text
    ]
    for name in stale:
        if not check:
            schema_file(name).write_text(schema_texts()[name], "utf-8")
        print(f"{schema_file(name).relative_to(TOP)} {'is not current' if check else 'written'}")
    if stale and check:
        print("Edit tools/schemas.yaml and run: python tools/write_schemas.py")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
