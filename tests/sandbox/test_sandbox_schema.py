"""schemas/sandbox.schema.json: made from the seed's own names, and right about what a sandbox takes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from reconciler.config.schema import schema
from reconciler.sandbox import seed, seed_sites
from reconciler.sandbox.faults import KINDS
from reconciler.sandbox.seed import read_seed
from reconciler.sandbox.seed_values import SeedError
from reconciler.sandbox.unknowns import TABLE, Unknowns, variants
from tests.sandbox.remote import SITE
from tools import sandbox_schema

CHECK = jsonschema.Draft7Validator(schema("sandbox"))


def test_is_what_its_source_says() -> None:
    assert sandbox_schema.FILE.read_text("utf-8") == sandbox_schema.text(), "run: python -m tools.sandbox_schema"
    assert sandbox_schema.PAGE.read_text("utf-8") == sandbox_schema.page(), "run: python -m tools.sandbox_schema"
    jsonschema.Draft7Validator.check_schema(schema("sandbox"))


def test_knows_every_key_and_no_other() -> None:
    assert set(schema("sandbox")["properties"]) == set(seed.TOP_KEYS)
    found = schema("sandbox")["definitions"]
    assert set(found["site"]["properties"]) == set(seed_sites.SITE_KEYS)
    assert set(schema("sandbox")["properties"]["unknowns"]["properties"]) == {each.name for each in fields(Unknowns)}
    assert found["fault"]["properties"]["do"]["properties"]["kind"]["enum"] == list(KINDS)


def test_every_open_question_is_listed_with_what_is_known() -> None:
    for each in TABLE:
        assert each.about.endswith("."), each.name
        assert each.mark, each.name
        assert each.mark[0].isdigit() or each.mark.startswith("not stated"), each.name
        assert each.default in each.values or not each.values, each.name
        assert len(set(map(str, each.values))) == len(each.values) != 1, each.name


@pytest.mark.parametrize(("name", "value"), variants())
def test_schema_and_seed_take_every_value(name: str, value: Any) -> None:
    given = {"unknowns": {name: value}}
    assert CHECK.is_valid(given)
    assert getattr(read_seed(given).unknowns, name) == value


@pytest.mark.parametrize(
    "given",
    [
        {"unknowns": {"eventsKey": "things"}},
        {"unknowns": {"eventKey": "events"}},
        {"unknowns": {"addedFields": "yes"}},
        {"unknowns": {"idleDays": "six"}},
        {"switches": {}},
        {"clock": 5},
        {"sites": [{"name": "no id"}]},
        {"sites": [{"id": "x"}]},
        {"sites": {SITE: {"colour": "red"}}},
        {"defaults": {"channels": ["MYSPACE"]}},
        {"defaults": {"plan": {"activities": [{"title": "no date"}]}}},
        {"faults": [{"route": "*"}]},
        {"faults": [{"do": {"kind": "explode"}}]},
        {"latency": {"generate": "soon"}},
        {"keys": {"a": {"scopes": ["Everything"]}}},
    ],
)
def test_what_the_schema_refuses_the_seed_refuses(given: dict[str, Any]) -> None:
    assert not CHECK.is_valid(given)
    with pytest.raises(SeedError):
        read_seed(given)


def test_every_seed_in_the_project_fits() -> None:
    top = Path(__file__).resolve().parents[2]
    found = sorted(top.glob("examples/**/sandbox.yaml"))
    assert found
    for path in found:
        read_seed(yaml.safe_load(path.read_text("utf-8")))
        plain = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # as YAML 1.2 reads dates: as texts
        errors = [error for error in CHECK.iter_errors(plain) if error.validator not in ("type", "enum")]
        assert not errors, (path, errors)


def test_every_example_holds() -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            for example in node.get("examples", ()) if isinstance(node.get("examples"), list) else ():
                alone = jsonschema.Draft7Validator({**node, "definitions": schema("sandbox")["definitions"]})
                assert alone.is_valid(example), (node.get("description"), example)
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(schema("sandbox"))
