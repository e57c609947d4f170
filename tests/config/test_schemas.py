"""The schemas themselves: complete, valid, and right about their own examples."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from reconciler.config.schema import schema
from reconciler.config.schema_files import schema_text
from tools.write_schemas import schema_texts

OURS = ("site", "project", "approvals")


def fields(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place in a schema that describes a field of a file."""
    for key, inner in node.get("properties", {}).items():
        yield f"{path}.{key}", inner
        yield from fields(inner, f"{path}.{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict) and "$ref" not in node[key]:
            yield f"{path}[]", node[key]
            yield from fields(node[key], f"{path}[]")
    for key, inner in node.get("definitions", {}).items():
        yield f"#{key}", inner
        yield from fields(inner, f"#{key}")


@pytest.mark.parametrize("name", OURS)
def test_is_draft_07_and_says_what_it_is(name: str) -> None:
    found = json.loads(schema_text(name))
    jsonschema.Draft7Validator.check_schema(found)
    assert found["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert {"$id", "title", "description", "examples"} <= set(found)


@pytest.mark.parametrize("name", OURS)
def test_every_field_is_described_with_examples_that_hold(name: str) -> None:
    whole = schema(name)
    for path, field in fields(whole):
        assert field.get("description", "").endswith("."), path
        assert field.get("examples"), path
        alone = {**field, "definitions": whole["definitions"]}
        for example in [*field["examples"], *([field["default"]] if "default" in field else [])]:
            assert jsonschema_rs.Draft7Validator(alone).is_valid(example), (path, example)
            assert jsonschema.Draft7Validator(alone).is_valid(example), (path, example)
    for example in whole["examples"]:
        assert jsonschema_rs.Draft7Validator(whole).is_valid(example)


@pytest.mark.parametrize("name", OURS)
def test_our_own_objects_take_no_unknown_keys(name: str) -> None:
    open_ones = {".other", ".imageGenerationSettings", ".recurringRule", ".labels", ".credentials"}
    for path, field in [("", schema(name)), *fields(schema(name))]:
        kinds = field.get("type")
        if "object" in (kinds if isinstance(kinds, list) else [kinds]) and not path.endswith(tuple(open_ones)):
            assert field.get("additionalProperties") is False or path == "#labels", path


@pytest.mark.parametrize("name", OURS)
def test_is_what_its_source_says(name: str) -> None:
    """What schemas share is written once, in tools/; `python tools/write_schemas.py` makes the files."""
    assert schema_text(name) == schema_texts()[name]


def test_settings_are_all_those_of_the_api() -> None:
    settings = schema("site")["definitions"]["settings"]["properties"]
    assert set(settings) == {
        "marketingPlanGoal", "marketingTools", "topics", "businessProfile", "calendar", "toneOfVoice", "pointOfView",
        "customContentGuidelines", "imageGuidelines", "imageGenerationSettings", "socialChannels", "frequency",
    }  # fmt: skip
    assert all("null" in field.get("type", ()) for key, field in settings.items() if key != "frequency")


def test_unknown_schema_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        schema_text("sites")


def test_what_explains_problems_is_not_imported_for_good_files() -> None:
    code = (
        "import sys; from reconciler.config import project, sites, schema, secrets; "
        "from reconciler.config.yaml_source import documents; "
        "(one,) = documents(b'version: 1\\nsite: {name: a, id: ID}', 'f', []); assert schema.check(one, 'site', []); "
        "print(sorted({'jsonschema', 'deepdiff', 'httpx', 'asyncio', 'click'} & set(sys.modules)))"
    ).replace("ID", "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
