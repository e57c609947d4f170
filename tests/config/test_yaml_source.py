"""What YAML text becomes: the traps of YAML 1.1, places, and limits that hold for any text."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import yaml_source
from reconciler.config.documents import Document
from reconciler.config.yaml_source import MAX_BYTES, documents
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.reporters.diagnostics import sentence


def read(text: str | bytes) -> tuple[list[Document], list[Diagnostic]]:
    problems: list[Diagnostic] = []
    data = text.encode() if isinstance(text, str) else text
    return list(documents(data, "f.yaml", problems)), problems


def value(text: str) -> Any:
    (document,), problems = read(text)
    assert problems == []
    return document.value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("no", "no"),
        ("No", "No"),
        ("off", "off"),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("NO", "NO"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2026-11-27", "2026-11-27"),
        ("2026-11-27T08:00:00Z", "2026-11-27T08:00:00Z"),
        ("2026-11-27 08:00:00", "2026-11-27 08:00:00"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("190:20:30", "190:20:30"),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("+7", 7),
        ("-0", 0),
        ("1.5", 1.5),
        ("3.0", 3),
        ("1e3", 1000),
        (".5", 0.5),
        (".", "."),
        ("-", "-"),
        ("1.2.3", "1.2.3"),
        ("3f0c2a9e-8d0b", "3f0c2a9e-8d0b"),
        ("=", "="),
        ("'true'", "true"),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int 12", 12),
        ("!!float 1", 1),
        ("!!bool true", True),
        ("!!null ~", None),
        ("caf\u00e9 \u2615", "caf\u00e9 \u2615"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">-\n  a\n  b\n", "a b"),
        ("!!map {a: 1}", {"a": 1}),
        ("!!seq [1]", [1]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, expected: Any) -> None:
    found = value(f"- {written}" if written != "-" else '- "-"')[0]
    assert (found, type(found)) == (expected, type(expected))


def test_keys_are_always_text() -> None:
    assert value("no: 1\n2026: 2\ntrue: 3\n1.5: 4\n~: 5\n") == {"no": 1, "2026": 2, "true": 3, "1.5": 4, "~": 5}


def test_anchors_are_written_out() -> None:
    assert value("a: &x {b: [1, 2]}\nc: *x\n&k d: 3\ne: {*k : 4}\n") == {
        "a": {"b": [1, 2]},
        "c": {"b": [1, 2]},
        "d": 3,
        "e": {"d": 4},
    }


def test_anchors_of_one_document_are_not_known_in_the_next() -> None:
    found, problems = read("a: &x 1\n---\nb: *x\n")
    assert [document.value for document in found] == [{"a": 1}]
    assert [sentence(problem) for problem in problems] == [
        "f.yaml:3:4: *x refers to an anchor that is not defined above it; write the value out"
    ]


def test_several_documents_know_their_places() -> None:
    found, problems = read("# first\na: 1\n---\n\nb:\n  - c\n...\n---\n- 1\n")
    assert problems == []
    assert [(document.index, document.start.line) for document in found] == [(0, 2), (1, 5), (2, 9)]


def test_byte_order_mark_and_windows_lines_are_fine() -> None:
    found, problems = read(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert (found[0].value, problems) == ({"a": 1, "b": 2}, [])


def test_places_of_values_and_keys() -> None:
    (document,), _ = read("posts:\n  - match: {within: 3x}\n    max: 2\n")
    path = ("posts", 0, "match", "within")
    assert document.place(path) == Place("f.yaml", 2, 21)
    assert document.place(path, key=True) == Place("f.yaml", 2, 13)
    assert document.place(("posts", 0, "min")) == Place("f.yaml", 2, 5)  # of the mapping that it would be in
    assert document.place(("posts", 7)) == Place("f.yaml", 2, 3)
    assert document.place(("posts", "x")) == Place("f.yaml", 2, 3)
    assert document.place(("posts", 0, "max", "x")) == Place("f.yaml", 3, 10)
    assert document.place(()) == Place("f.yaml", 1, 1)
    assert (document.has(path), document.has(("posts", 1)), document.has((*path, "x"))) == (True, False, False)


def test_what_follows_a_duplicate_key_is_still_read() -> None:
    found, problems = read("a: 1\na: 2\nb: {c: 1, c: 2}\n")
    assert found[0].value == {"a": 1, "b": {"c": 1}}
    assert len(problems) == 2


def test_an_alias_counts_as_what_it_refers_to() -> None:
    text = "a: &a [" + "x, " * 1000 + "x]\nb: [" + "*a, " * 200 + "*a]\n"
    _, problems = read(text)
    assert ["more than 100,000" in sentence(problem) for problem in problems] == [True]


def test_long_texts_count_for_more() -> None:
    text = f"a: &a {'x' * 100_000}\nb: [" + "*a, " * 1000 + "*a]\n"
    _, problems = read(text)
    assert ["more than 100,000" in sentence(problem) for problem in problems] == [True]


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "? " * 100_000, "a: " + "[" * 101 + "]" * 101],
    ids=["lists", "mappings", "entries", "keys", "just too deep"],
)
def test_no_depth_hurts(text: str) -> None:
    _, problems = read(text)
    assert len(problems) == 1


def test_a_hundred_levels_are_fine() -> None:
    assert value("[" * 100 + "]" * 100)


def test_over_four_mebibytes_is_not_read(tmp_path: Any) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    problems: list[Diagnostic] = []
    assert yaml_source.read_file(path, "large.yaml", problems) is None
    assert sentence(problems[0]) == "large.yaml is over 4 MiB; split it into several files"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdeé <", max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_what_is_written_is_what_is_read(written: Any, flow: bool) -> None:
    text = yaml.safe_dump(written, allow_unicode=True, default_flow_style=flow, default_style='"')
    found, problems = read(text)
    assert problems == []
    assert found[0].value == written


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_end_in_anything_but_values_or_problems(data: bytes) -> None:
    found, problems = read(data)
    assert all(problem.file == "f.yaml" for problem in problems)
    assert [document.index for document in found] == list(range(len(found)))


PIECES = (
    r"a b :_ -_ ?_ \n \n__ \n____ [ ] { } ,_ &x_ *x !!str_ !y_ ' \" | > # << ---\n ...\n %YAML_1.2\n \t 12 0o7 .nan ~ @"
)
yaml_like = st.lists(
    st.sampled_from([piece.replace("_", " ").encode().decode("unicode_escape") for piece in PIECES.split()]),
    max_size=40,
).map("".join)


@given(yaml_like)
def test_both_parsers_of_pyyaml_give_the_same(text: str) -> None:
    found, problems = read(text)
    slow_problems: list[Diagnostic] = []
    slow_found = list(documents(text.encode(), "f.yaml", slow_problems, parser=yaml.SafeLoader))
    if not problems and not slow_problems:
        assert [document.value for document in slow_found] == [document.value for document in found]
