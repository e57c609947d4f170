"""Each import contract of pyproject.toml is broken by each import that it is there to forbid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from itertools import permutations, product
from pathlib import Path
from typing import Any

import grimp
import pytest

TOP = Path(__file__).resolve().parents[2]
SETTINGS = (TOP / "pyproject.toml").read_bytes()
LINTER = tomllib.loads(SETTINGS.decode())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {contract["name"]: contract for contract in LINTER["contracts"]}
APART = {"reconciler.sandbox", "reconciler.version"}
"""Outside the layers: the stand-in for the remote side, which has contracts of its own, and the version number."""


def _layers(contract: dict[str, Any]) -> list[list[str]]:
    """The layers, the highest first, each with its modules."""
    return [[name.strip() for name in layer.split("|")] for layer in contract["layers"]]


def _forbidden(contract: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Who must not import what."""
    if contract["type"] == "forbidden":
        yield from product(contract["source_modules"], contract["forbidden_modules"])
        return
    assert contract["type"] == "layers"
    above: list[str] = []
    for layer in _layers(contract):
        yield from permutations(layer, 2)
        yield from product(layer, above)
        above += layer


def _lint(folder: Path, imports: Iterable[tuple[str, str]]) -> str:
    """What lint-imports says about a package that contains only these imports."""
    modules = {name for contract in CONTRACTS.values() for pair in _forbidden(contract) for name in pair}
    for name in sorted(name for name in modules if name.startswith("reconciler.")):
        file = folder.joinpath(*name.split("."), "__init__.py")
        file.parent.mkdir(parents=True)
        lines = [f"import {imported}\n" for importer, imported in imports if importer == name]
        file.write_text("".join(dict.fromkeys(lines)), "utf-8")
    (folder / "reconciler" / "__init__.py").touch()
    (folder / "pyproject.toml").write_bytes(SETTINGS)
    command = (sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache")
    environ = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environ)
    assert done.stderr == ""
    return done.stdout


def test_they_are_kept_if_nothing_is_imported(tmp_path: Path) -> None:
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in _lint(tmp_path, ())


@pytest.mark.parametrize("name", CONTRACTS)
def test_each_forbidden_import_breaks_it(name: str, tmp_path: Path) -> None:
    pairs = set(_forbidden(CONTRACTS[name]))
    said = _lint(tmp_path, pairs)
    assert f"{name} BROKEN" in said
    assert [pair for pair in sorted(pairs) if f"{pair[0]} is not allowed to import {pair[1]}:" not in said] == []


def test_each_part_of_the_package_has_its_layer() -> None:
    package = TOP / "reconciler"
    parts = {f"reconciler.{path.stem}" for path in package.glob("*.py") if not path.stem.startswith("__")}
    parts |= {f"reconciler.{path.parent.name}" for path in package.glob("*/__init__.py")}
    [layers] = [contract for contract in CONTRACTS.values() if contract["type"] == "layers"]
    assert parts == APART | {name for layer in _layers(layers) for name in layer}


def test_contributors_can_read_about_all_layers() -> None:
    [layers] = [contract for contract in CONTRACTS.values() if contract["type"] == "layers"]
    [chain] = re.findall(r"Imports go from left to right: `([^`]+)`", (TOP / "CONTRIBUTING.md").read_text("utf-8"))
    told = [[f"reconciler.{name.strip()}" for name in layer.split("|")] for layer in chain.split(">")]
    assert told == _layers(layers)


def test_each_part_of_the_package_is_kept_from_the_sandbox_or_starts_it() -> None:
    """Both ways: a part that is added is named in both contracts."""
    [layers] = [contract for contract in CONTRACTS.values() if contract["type"] == "layers"]
    parts = {name for layer in _layers(layers) for name in layer}
    away = CONTRACTS["the sandbox shares no code with the client"]["forbidden_modules"]
    others = CONTRACTS["only the wiring and `reconciler sandbox` know the sandbox"]["source_modules"]
    assert set(away) == parts
    assert set(others) == parts - {"reconciler.wiring"}


@pytest.mark.parametrize("types_too", [False, True])
def test_no_module_imports_itself_by_way_of_others(types_too: bool) -> None:
    """Imports inside functions count, and those only for the type checker."""
    graph = grimp.build_graph("reconciler", exclude_type_checking_imports=not types_too, cache_dir=None)
    imports = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    assert len(imports) > 300
    TopologicalSorter(imports).prepare()  # raises CycleError, which names them
