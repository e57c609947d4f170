"""Writes the generated parts of the manual: fields of files from the schemas, commands from their help.

python tools/write_reference.py          # a test fails while docs/reference/ is not what this writes
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from reconciler.cli.main import COMMANDS

TOP: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = TOP / "docs" / "reference"
MADE: Final = "<!-- Made by tools/write_reference.py; edit the schema or the command's help instead. -->\n"

FILES: Final = {
    "site": ("Site files", "One site per document, in `sites/**/*.yaml`. Only `version` and `site` are needed."),
    "project": ("reconciler.yaml", "The project: which sites, which API, credentials by reference, policy."),
    "approvals": (
        "Approvals files",
        "`approvals/<site>.yaml`: generated content as it was reviewed; `review` writes it.",
    ),
    "sandbox": (
        "sandbox.yaml",
        "What is in the sandbox: its sites, faults, and a switch for each open question about the API.",
    ),
}

LEFT_OUT: Final = {
    "site": "A field that is left out",
    "project": "`defaults` has the fields of site files: one that is left out",
}

WIDTH: Final = 88


def pages() -> dict[str, str]:
    """File name -> text."""
    found = {f"{name}-file.md": "".join(_file(name, *words)) for name, words in FILES.items()}
    return {**found, "commands.md": "".join(_commands())}


# --- files -----------------------------------------------------------------------------------------


def _file(name: str, title: str, about: str) -> Iterator[str]:
    schema = json.loads((TOP / "schemas" / f"{name}.schema.json").read_text("utf-8"))
    yield f"{MADE}# {title}\n\n{about}\n\n"
    yield f"`reconciler schema {name}` prints the same as a JSON Schema; editors that support the modeline\n"
    yield "`# yaml-language-server: $schema=...` complete and check as you type.\n"
    if name in LEFT_OUT:
        yield f"{LEFT_OUT[name]} is not managed; where `null` is allowed, it clears the value on the site.\n"
    rows: dict[str, dict[str, None]] = {}  # each row once: the forms of a rule have fields in common
    for path, field in _fields(schema, schema, ()):
        row = _row(".".join(path).replace(".[]", "[]"), field, schema)
        rows.setdefault(path[0].removesuffix("[]"), {})[row] = None
    for top, lines in rows.items():
        yield f"\n## {top}\n\n| field | value | meaning |\n|---|---|---|\n"
        yield from lines


def _fields(
    node: dict[str, Any], schema: dict[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field below a node, with its path; `[]` stands for the members of a list, `*` for any name."""
    if len(path) > 9:
        return
    for name, inner in node.get("properties", {}).items():
        field = _whole(inner, schema)
        yield (*path, name), field
        yield from _fields(field, schema, (*path, name))
    if isinstance(node.get("additionalProperties"), dict) and path:
        field = _whole(node["additionalProperties"], schema)
        yield (*path, "*"), field
        yield from _fields(field, schema, (*path, "*"))
    if isinstance(node.get("items"), dict):
        yield from _fields(_whole(node["items"], schema), schema, (*path[:-1], f"{path[-1]}[]") if path else ("[]",))
    for choice in (*node.get("oneOf", ()), *node.get("anyOf", ())):
        yield from _fields(_whole(choice, schema), schema, path)


def _whole(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A node merged with what it refers to; its own description takes precedence."""
    found: dict[str, Any] = {}
    for part in node.get("allOf", ()):
        found |= _whole(part, schema)
    if "$ref" in node:
        found |= _whole(schema["definitions"][node["$ref"].rpartition("/")[2]], schema)
    return {**found, **{key: value for key, value in node.items() if key not in ("allOf", "$ref")}}


def _row(path: str, field: dict[str, Any], schema: dict[str, Any]) -> str:
    meaning = " ".join(str(field.get("description", "")).split())
    if "default" in field:
        meaning += f" Default: `{json.dumps(field['default'], ensure_ascii=False)}`."
    elif (examples := field.get("examples")) and "properties" not in field:
        meaning += f" Example: `{json.dumps(examples[0], ensure_ascii=False)}`."
    cells = (f"`{path}`", _value(field, schema), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |\n"


def _plural(kind: str) -> str:
    """A schema's title for several of them: `a type of post` becomes `types of post`."""
    named = re.fullmatch(r"(?:an? )?(type|glob)( .+)", kind)
    return f"{named[1]}s{named[2]}" if named else f"{kind.removeprefix('an ').removeprefix('a ')}s"


def _value(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """The possible values, in a few words."""
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in field["enum"])
    kinds = field.get("type")
    names = kinds if isinstance(kinds, list) else [kinds] if kinds else []
    words = [str(field.get("title") or name) if name == "string" else str(name) for name in names if name != "null"]
    if "items" in field and isinstance(field["items"], dict):
        inner = _whole(field["items"], schema)
        of = inner.get("title") or ("" if isinstance(inner.get("type"), list) else inner.get("type")) or ""
        words = [f"list of {_plural(of)}" if of and of != "object" else "list"]
    if "minimum" in field and "maximum" in field:
        words = [f"{word} from {field['minimum']} to {field['maximum']}" for word in words]
    elif "minimum" in field:
        words = [word if word == "string" else f"{word}, at least {field['minimum']}" for word in words]
    if not words:
        choices = (*field.get("oneOf", ()), *field.get("anyOf", ()))
        words = list(dict.fromkeys(_value(_whole(choice, schema), schema) for choice in choices)) or ["any"]
    return " or ".join(words) + (", or `null`" if "null" in names else "")


# --- commands --------------------------------------------------------------------------------------


def _commands() -> Iterator[str]:
    yield f"{MADE}# Commands\n\n"
    yield "What `reconciler COMMAND --help` says. `PATH` is a project's folder, or site files and folders in it;\n"
    yield "the default is the current directory. Exit codes are on [their own page](exit-codes.md).\n"
    for name in COMMANDS:
        command = importlib.import_module(f"reconciler.cli.commands.{name}").command
        yield from _command(command, f"reconciler {name}")


def _command(command: click.Command, name: str, level: int = 2) -> Iterator[str]:
    names = ["-h", "--help"]  # as at the entry point: click caches the help option with the names it is first given
    context = click.Context(
        command, info_name=name, max_content_width=WIDTH, terminal_width=WIDTH, help_option_names=names
    )
    text = command.get_help(context).rstrip()
    yield f"\n{'#' * level} {name.removeprefix('reconciler ')}\n\n```text\n{text}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield from _command(found, f"{name} {inner}", level + 1)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for file, text in pages().items():
        (FOLDER / file).write_text(text, "utf-8")
