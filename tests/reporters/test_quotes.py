"""One rule for quotes: values are in single ones, titles and names of a site's own objects in double ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from reconciler.config.words import quoted
from reconciler.model.text import in_quotes
from reconciler.model.two_values import both_in_sentence
from reconciler.model.yaml_text import in_sentence
from tests.sources import parsed

CODE = Path(reconciler.__file__).parent
FOR_PROGRAMMERS = {"__init__.py", "library/project.py", "model/canonical.py", "state/store.py"}
"""Messages about arguments and members of code, which have Python's quotes. So do the sandbox's, as the API's may."""


def reprs(source: str) -> Iterator[int]:
    """The lines at which a message takes its quotes from `repr`, which changes them for a text with an apostrophe."""
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r"):
            yield node.lineno


def test_no_message_takes_its_quotes_from_repr() -> None:
    files = {file.relative_to(CODE).as_posix(): file.read_text("utf-8") for file in CODE.rglob("*.py")}
    found = [
        f"{name}:{line}: use in_quotes"
        for name, source in sorted(files.items())
        if name not in FOR_PROGRAMMERS and not name.startswith("sandbox/")
        for line in reprs(source)
    ]
    assert found == []
    assert list(reprs('f"{a!r}"')) == [1]


@pytest.mark.parametrize("text", ["dry", "it's", 'say "hi"', "both ' and \""])
def test_a_value_has_single_quotes_whatever_it_contains(text: str) -> None:
    assert in_quotes(text) == in_sentence(text) == quoted(text) == f"'{text}'"
    assert both_in_sentence(text, "x") == (f"'{text}'", "'x'")


def test_what_cannot_be_seen_is_spelled_out_in_quotes() -> None:
    assert in_quotes("a\xa0b\x1bc\nd") == r"'a\xa0b\x1bc\nd'"
