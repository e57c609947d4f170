"""schemas/plan.schema.json: made from the types, complete, and true of what is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from reconciler.planner.actions import Plan
from reconciler.planner.document import SavedPlan
from tests import strategies
from tests.planner.pure_world import to_text
from tools import plan_schema

SCHEMA: dict[str, Any] = json.loads(plan_schema.FILE.read_text("utf-8"))
VALIDATOR = jsonschema_rs.Draft202012Validator(SCHEMA)


def test_the_file_is_what_the_types_make_it() -> None:
    assert plan_schema.FILE.read_text("utf-8") == plan_schema.text(), "run: python -m tools.plan_schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def described(node: Any) -> Iterator[dict[str, Any]]:
    """Every field of a document, as the schema has it."""
    if isinstance(node, dict):
        for key, inner in node.items():
            if key in ("properties", "$defs"):
                yield from inner.values()
            yield from described(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from described(inner)


def test_every_field_is_described() -> None:
    found = list(described(SCHEMA))
    assert len(found) > 150
    assert [field for field in found if not field.get("description", "").endswith((".", ")"))] == []


@settings(
    max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(plan=strategies.plans)
def test_what_is_written_is_valid_and_nothing_else(plan: Plan) -> None:
    saved = SavedPlan("one", "1.0", "wix", datetime(2026, 12, 1, tzinfo=UTC), (plan,))
    document = json.loads(to_text(saved))
    VALIDATOR.validate(document)
    assert not VALIDATOR.is_valid({**document, "extra": 1})
    assert not VALIDATOR.is_valid({key: value for key, value in document.items() if key != "seal"})


def test_words_that_describe_nothing_are_named() -> None:
    words = plan_schema.Words("WORDS", {"Plan.gone": "No field has this name.", "id": "Its id."})
    assert words.of_field("id", "Plan") == "Its id."
    with pytest.raises(SystemExit, match=r"^WORDS has words that nothing uses: Plan\.gone$"):
        words.check()
    with pytest.raises(SystemExit, match=r"^WORDS has no words for Plan\.sites$"):
        words.of_field("sites", "Plan")
