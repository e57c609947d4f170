"""What libyaml and PyYAML say about text that is not YAML, in this tool's words and with its place."""

from __future__ import annotations

import yaml

from reconciler.config.words import quoted
from reconciler.model.diagnostics import Diagnostic, Place, problem

_SYNTAX = (
    ("found a tab character", "a tab is used where YAML expects spaces", "use spaces"),
    ("mapping values are not allowed", "a second `: ` on one line", "quote the text, or begin a new line"),
    ("found unexpected end of stream", "this quote is not closed", "close it"),
    ("did not find expected ',' or '}'", "this `{` is not closed, or a comma is missing in it", "close it with `}`"),
    ("did not find expected ',' or ']'", "this `[` is not closed, or a comma is missing in it", "close it with `]`"),
    ("expected ',' or '}'", "this `{` is not closed, or a comma is missing in it", "close it with `}`"),
    ("expected ',' or ']'", "this `[` is not closed, or a comma is missing in it", "close it with `]`"),
    ("did not find expected node content", "a value is missing here", "write it, and close each `[` and `{`"),
    ("expected the node content", "a value is missing here", "write it, and close each `[` and `{`"),
    (
        "did not find expected '-' indicator",
        "a list continues with something that does not start with `- `",
        "indent all its items the same",
    ),
    (
        "did not find expected key",
        "the line does not fit the lines above it",
        "check the indentation and the quotes",
    ),
    ("expected <block end>", "the line does not fit the lines above it", "check the indentation and the quotes"),
    ("could not find expected ':'", "a key without a `:`", "write `key: value`"),
    ("found incompatible YAML document", "an unsupported YAML version", "remove the %YAML line"),
    ("found duplicate %YAML", "two %YAML lines", "remove the %YAML lines"),
    ("found undefined tag handle", "an unknown tag", "remove it"),
    (
        "found unknown escape character",
        "an escape sequence that YAML does not have",
        "use single quotes, or double the `\\`",
    ),
    (
        "found invalid Unicode character escape",
        "an escape sequence that is not a character",
        "write the character itself",
    ),
)
"""The commonest syntax errors, by libyaml's or PyYAML's message, in this tool's words."""

_SHOWN_WHERE_IT_BEGINS = ("this ", "a key without")
"""Problems that are better reported where they begin than where the parser gave up."""


def syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    """The problem behind a parser's error. `text` is what was parsed, `file` its name in messages."""
    if isinstance(error, yaml.reader.ReaderError):
        index = error.position if isinstance(error.position, int) else 0
        # libyaml counts bytes here, PyYAML characters: look for the character itself.
        found = text.find(chr(error.character)) if isinstance(error.character, int) else -1
        before = text[: found if found >= 0 else index]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        message = "YAML does not allow this control character"
        return problem(Place(file, line, column), message, "remove it, or write it as an escape in double quotes")
    said = getattr(error, "problem", None) or "it cannot be parsed"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file)
    if said.startswith("found character") and mark is not None:
        lines = text.splitlines()
        here = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        if here == "\t":
            return problem(place, "a tab is used where YAML expects spaces", "use spaces")
        return problem(place, f"a value cannot begin with {quoted(here)}", "put the text in quotes")
    for begin, message, hint in _SYNTAX:
        if said.startswith(begin):
            opened = getattr(error, "context_mark", None)
            if opened is not None and message.startswith(_SHOWN_WHERE_IT_BEGINS):
                place = Place(file, opened.line + 1, opened.column + 1)
            return problem(place, message, hint)
    return problem(place, f"this is not YAML: {said}", "check the indentation and the quotes")
