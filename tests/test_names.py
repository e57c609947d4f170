"""Names that were replaced do not come back: each said too little, or stood for several things."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import reconciler
from tests.sources import parsed

ROOT = Path(reconciler.__file__).parent

MODULES = {
    "cli": "applying approving asking auditing completing merging planning repairing reviewing reviewing_page running "
    "saving selecting showing starter telling",
    "config": "deciding packing",
    "engine": "applying carrying_out checking merging",
    "planner": "judging reviewing standing waiting wanted",
    "executor": "by_hand evidence lagging remember single view",
    "state": "hold notes",
    "api": "bodies sending services wire_neighbours",
    "sandbox": "handling planting remaking",
    "reporters/kinds": "promises",
}
"""Modules by their package: those that take their place are named after what they own."""

CLASSES = {
    *(
        "Asked",
        "Attempt",
        "Awaited",
        "Begun",
        "Changed",
        "Checked",
        "Choice",
        "Count",
        "Glance",
        "Held",
        "Hold",
        "Judge",
    ),
    *(
        "Layers",
        "Look",
        "Moved",
        "Named",
        "Narrowing",
        "Part",
        "Patience",
        "PlanRefused",
        "Promised",
        "Reach",
        "Resolved",
        "Running",
    ),
    *(
        "Setting",
        "Shown",
        "Sight",
        "Spots",
        "Stale",
        "Standing",
        "Stopped",
        "Tally",
        "Terms",
        "Told",
        "View",
        "Violation",
    ),
    *("Wait", "Waiting", "Witness"),
    *("ActivityWish", "Borders", "DraftWish", "InParts", "Means", "TakeBack", "Tells", "Wish"),
}

VALUES = {
    *("by_hand", "held_back", "hindered", "hindrance", "in_force", "narrowed", "settle", "settled", "settled_rules"),
    *("is_settled", "take_back", "taken_back", "taken_in_force", "told", "undefer", "unsettled", "wish", "wishes"),
}
"""Functions, methods, fields, arguments and variables, with or without an underscore in front."""

ONE_OWNER = {"Answer": "api", "ApiCall": "api", "Call": "sandbox", "Clock": "model", "Malformed": "model"}
"""Classes that exist once, in this package."""


def test_replaced_modules_do_not_come_back() -> None:
    found = [ROOT / folder / f"{name}.py" for folder, names in MODULES.items() for name in names.split()]
    assert [path for path in found if path.exists()] == []


def test_replaced_names_do_not_come_back() -> None:
    found = [f"{path}:{line}: {name}" for path, line, name in _defined() if name.lstrip("_") in VALUES | CLASSES]
    assert found == []


def test_a_name_that_stood_for_several_things_stands_for_one() -> None:
    owners = [(name, path.split("/")[0]) for path, _, name in _defined() if name in ONE_OWNER]
    assert sorted(owners) == sorted(ONE_OWNER.items())


def test_no_two_modules_define_a_class_of_the_same_name() -> None:
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for path, tree in _modules():
        for name, is_parameter in _types(tree):
            owners[name].add("a type parameter" if is_parameter else path)
    assert {name: sorted(paths) for name, paths in owners.items() if len(paths) > 1} == {}


def test_a_loop_variable_is_named_after_its_thing() -> None:
    here = Path(__file__).parent
    files = [path for folder in (ROOT, here, here.parent / "benchmarks") for path in sorted(folder.rglob("*.py"))]
    assert [str(path) for path in files if "one" in _loop_variables(path.read_text("utf-8"))] == []


def test_a_loop_variable_is_found_in_any_loop() -> None:
    for loop in ("for one in found: pass", "[one for _, one in found]", "{key: one for key, (one, *_) in found}"):
        assert "one" in _loop_variables(loop)


def _loop_variables(text: str) -> set[str]:
    if re.search(r"\bfor .*\bone\b", text) is None:  # most files, which need not be parsed
        return set()
    loops = (node for node in ast.walk(parsed(text)) if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension))
    return {node.id for loop in loops for node in ast.walk(loop.target) if isinstance(node, ast.Name)}


@cache
def _modules() -> tuple[tuple[str, ast.Module], ...]:
    paths = sorted(ROOT.rglob("*.py"))
    return tuple((path.relative_to(ROOT).as_posix(), parsed(path.read_text(encoding="utf-8"))) for path in paths)


def _types(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """The classes and the type aliases of a module, and whether each is a type parameter, which is local to it."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield name, False
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name.lstrip("_")[:1].isupper() and not name.isupper():
                yield name, isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"
            case _:
                pass


def _defined() -> Iterator[tuple[str, int, str]]:
    for path, tree in _modules():
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield path, node.lineno, node.name
                case ast.arg():
                    yield path, node.lineno, node.arg
                case ast.Name(ctx=ast.Store()):
                    yield path, node.lineno, node.id
                case ast.Attribute(ctx=ast.Store()):
                    yield path, node.lineno, node.attr
                case _:
                    pass
