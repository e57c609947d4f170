"""Laws: whatever is in a file, the result is a site or InvalidFiles; and the order of keys does not matter."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.config.quick_check import CannotTell, quick_check
from reconciler.config.schema import _full, fits, schema
from reconciler.config.sites import open_project
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.sites import DesiredSite
from reconciler.reporters.diagnostics import sentence

FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
"""The folder is rewritten for each example, so it does not matter that it is always the same one."""


VALIDATORS = {name: jsonschema_rs.Draft7Validator(schema(name)) for name in ("site", "project", "approvals")}


def outcome(root: Path, site: bytes, project: bytes | None = None, approvals: bytes | None = None) -> Any:
    """The sites of a folder, or the texts of their problems; anything else is a traceback."""
    for name, data in (("sites/a.yaml", site), ("reconciler.yaml", project), ("approvals/shop.yaml", approvals)):
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
    try:
        _, index = open_project([root])
        problems = index.problems
        if not problems:
            return [entry.load() for entry in index.entries]
    except InvalidFiles as invalid:
        problems = invalid.problems
    said = [sentence(problem) for problem in problems]
    assert said
    return said


PLAIN = b"version: 1\nsite: {name: shop, id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01}\n"


@FOLDER
@given(st.binary(max_size=120), st.sampled_from(["site", "project", "approvals"]))
def test_any_bytes(tmp_path: Path, data: bytes, where: str) -> None:
    files = {"site": PLAIN} | {where: data}
    outcome(tmp_path, **files)


def words_of(name: str) -> list[str]:
    """All keys and example texts of a schema: what a near miss is made of."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.update(node.get("properties", ()))
            found.update(example for example in node.get("examples", ()) if isinstance(example, str))
            found.update(value for value in node.get("enum", ()) if isinstance(value, str))
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(schema(name))
    return sorted(found)


def examples_of(name: str) -> dict[str, list[Any]]:
    """Examples of each top-level section of a schema."""
    return {key: field["examples"] for key, field in schema(name)["properties"].items()}


def broken(value: Any, draw: Any, words: list[str]) -> Any:
    """A value with one part of it replaced, removed, doubled or renamed."""
    action = draw(st.sampled_from(["deeper", "deeper", "deeper", "replace", "keep"]))
    if action == "deeper" and isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        what = draw(st.sampled_from(["value", "value", "rename", "drop"]))
        rest = {name: inner for name, inner in value.items() if name != key}
        if what == "drop":
            return rest
        new = draw(st.sampled_from(words)) if what == "rename" else key
        return {**rest, new: broken(value[key], draw, words)}
    if action == "deeper" and isinstance(value, list) and value:
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], broken(value[at], draw, words), *value[at:]]
    if action == "replace":
        scalars = st.sampled_from(words) | st.none() | st.booleans() | st.integers(-2, 40) | st.text(max_size=5)
        return draw(
            scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(words), scalars, max_size=2)
        )
    return value


@st.composite
def near_misses(draw: Any, name: str) -> bytes:
    """A file that is nearly what its schema says."""
    value = {key: draw(st.sampled_from(examples)) for key, examples in examples_of(name).items()}
    for _ in range(draw(st.integers(0, 4))):
        value = broken(value, draw, words_of(name))
    text: str = yaml.safe_dump(value, allow_unicode=True)
    return text.encode("utf-8", "replace")


@FOLDER
@given(near_misses("site"), st.none() | near_misses("project"), st.none() | near_misses("approvals"))
def test_near_misses(tmp_path: Path, site: bytes, project: bytes | None, approvals: bytes | None) -> None:
    found = outcome(tmp_path, site, project, approvals)
    assert found


@st.composite
def values_near(draw: Any, name: str) -> Any:
    """A document that is nearly what its schema says, as it was read."""
    return yaml.safe_load(draw(near_misses(name)).decode())


@settings(max_examples=150)
@given(
    st.sampled_from(["site", "project", "approvals"]).flatmap(lambda name: st.tuples(st.just(name), values_near(name)))
)
def test_the_quick_check_says_what_the_validator_says_or_nothing(drawn: tuple[str, Any]) -> None:
    name, value = drawn
    try:
        said = quick_check(schema(name))(value)
    except CannotTell:
        return
    assert said == VALIDATORS[name].is_valid(value)


@pytest.mark.parametrize("name", ["site", "project", "approvals"])
def test_the_quick_check_knows_every_keyword_of_the_schemas(name: str) -> None:
    """Otherwise it would be useless: each file would be checked twice."""
    for example in schema(name)["examples"]:
        assert quick_check(schema(name))(example)


def test_correct_documents_never_load_the_full_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes 7 MiB; a run over many sites takes about 50 in all."""
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    _full.cache_clear()
    for name in ("site", "project", "approvals"):
        assert all(fits(example, name) for example in schema(name)["examples"] * 100)


def shuffled(value: Any, draw: Any) -> Any:
    if isinstance(value, dict):
        keys = draw(st.permutations(sorted(value)))
        return {key: shuffled(value[key], draw) for key in keys}
    return [shuffled(member, draw) for member in value] if isinstance(value, list) else value


@FOLDER
@given(st.data())
def test_order_of_keys_means_nothing(tmp_path: Path, data: st.DataObject) -> None:
    value = {key: data.draw(st.sampled_from(examples)) for key, examples in examples_of("site").items()}
    one = outcome(tmp_path, yaml.safe_dump(value, sort_keys=False).encode())
    other = outcome(tmp_path, yaml.safe_dump(shuffled(value, data.draw), sort_keys=False).encode())
    assert isinstance(one[0], DesiredSite), one
    assert one == other


@pytest.mark.parametrize("name", ["site", "project", "approvals"])
def test_examples_of_the_schemas_make_good_files(name: str, tmp_path: Path) -> None:
    value = {key: examples[0] for key, examples in examples_of(name).items()}
    if name == "approvals":
        value["site"] = "shop"
    if name == "site":
        site = outcome(tmp_path, yaml.safe_dump(value).encode())
    else:
        site = outcome(tmp_path, PLAIN, **{name: yaml.safe_dump(value).encode()})
    assert isinstance(site[0], DesiredSite), site
    assert os.listdir(tmp_path / "sites") == ["a.yaml"]
