"""Both JSON formats against the schema that `reconciler schema report` prints, over every way a run can end."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from reconciler.config.schema import schema
from tests.reporters.endings import endings, report
from tests.reporters.test_every_format import ENDINGS, ending
from tools import report_schema

SCHEMA = schema("report")


def only(kind: str) -> Any:
    """The schema of one of its two kinds, so that a failure says why."""
    return jsonschema_rs.Draft7Validator({**SCHEMA, "anyOf": [{"$ref": f"#/definitions/{kind}"}]})


DOCUMENT, LINE = only("document"), only("line")


def test_the_file_is_what_the_records_make_it() -> None:
    assert report_schema.FILE.read_text("utf-8") == report_schema.text(), "run: python -m tools.report_schema"
    jsonschema_rs.meta.validate(SCHEMA)


@pytest.mark.parametrize("name", ENDINGS)
def test_a_document_is_as_its_schema_says(name: str) -> None:
    document = json.loads(report("json", ending(name)))
    DOCUMENT.validate(document)
    if name != "state show":  # whose members are those of the state
        assert set(document) <= set(SCHEMA["definitions"]["document"]["properties"])


@pytest.mark.parametrize("name", ENDINGS)
def test_each_line_is_as_its_schema_says(name: str) -> None:
    lines = [json.loads(line) for line in report("ndjson", ending(name)).splitlines()]
    for line in lines:
        LINE.validate(line)
    assert (lines[0]["event"], lines[-1]["event"]) == ("report", "ended")


def test_the_schema_accepts_the_right_and_refuses_the_wrong() -> None:
    """A report without any one of the required members is invalid."""
    for name, path in (
        ("changes", ("sites", 0, "actions", 0, "verb")),
        ("changes", ("sites", 0, "blocked", 0, "message")),
        ("drift", ("sites", 0, "objects", 0, "state")),
        ("every result", ("ledger", 0, "entries", 0, "result")),
        ("history", ("sites", 0, "posts", 0, "digest")),
        ("review", ("sites", 0, "drafts", 0, "goesOut")),
        ("a saved plan", ("saved", "digest")),
        ("plan of bad files", ("problems", 0, "code")),
        ("changes", ("run", "project")),
        ("changes", ("exitCode",)),
    ):
        document = json.loads(report("json", ending(name)))
        inner: Any = document
        for step in path[:-1]:
            inner = inner[step]
        del inner[path[-1]]
        assert not DOCUMENT.is_valid(document), path


def test_hostile_texts_change_nothing() -> None:
    for _, run in endings(lambda word: f"{word} \ud83d\u202e"):
        DOCUMENT.validate(json.loads(report("json", run).replace("\\ud83d", "")))
