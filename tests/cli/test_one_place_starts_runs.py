"""Every run over sites is started by the library: the command line has no other way to the engine's runs."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import reconciler

ROOT = Path(reconciler.__file__).parent
HELD = frozenset({"Session", "ApplyRun", "StateAccess"})
"""A function of the engine that is handed one of these works on sites, or on the state."""


def entry_functions() -> Iterator[str]:
    """`reconciler.engine.plan.plan_sites`: each public function that is handed what a run works with."""
    for path in (ROOT / "engine").glob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                hints = [each.annotation for each in (*node.args.args, *node.args.kwonlyargs) if each.annotation]
                names = {each.id for hint in hints for each in ast.walk(hint) if isinstance(each, ast.Name)}
                if names & HELD:
                    yield f"reconciler.engine.{path.stem}.{node.name}"


def imported(source: str) -> set[str]:
    """All names that a file imports from modules, with their modules."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return {f"{node.module}.{name.name}" for node in found for name in node.names}


ANNOUNCES = "reconciler.engine.session.begin"
"""Only announces that something begins: `approve` and the review page have no run over sites."""
STARTING = {*entry_functions(), "reconciler.wiring.open_session"} - {ANNOUNCES}


def test_the_command_line_starts_no_run_itself() -> None:
    above = (ROOT / "cli").rglob("*.py")
    found = {str(path.relative_to(ROOT)): imported(path.read_text("utf-8")) & STARTING for path in above}
    assert {path: names for path, names in found.items() if names} == {}


def test_what_starts_a_run_is_known() -> None:
    engine = "reconciler.engine"
    assert {
        *(f"{engine}.plan.{name}" for name in ("plan_sites", "plans")),
        *(f"{engine}.drift.{name}" for name in ("drift_sites", "drifts")),
        *(f"{engine}.review.{name}" for name in ("review_sites", "reviews")),
        *(f"{engine}.history.{name}" for name in ("list_history", "histories")),
        *(f"{engine}.apply.{name}" for name in ("apply_live", "apply_saved", "refuse_plan")),
        f"{engine}.doctor.examine",
        f"{engine}.import_sites.import_sites",
        f"{engine}.update_sites.update_sites",
    } <= STARTING
    planted = "def work() -> None:\n    from reconciler.engine.plan import plan_sites"
    assert imported(planted) & STARTING == {f"{engine}.plan.plan_sites"}
    assert imported((ROOT / "library" / "runs.py").read_text("utf-8")) & STARTING


def test_what_the_library_starts_is_forbidden_to_the_command_line_by_an_import_contract() -> None:
    contracts = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    name = "the command line runs everything through the library"
    [contract] = [contract for contract in contracts if contract["name"] == name]
    assert "reconciler.engine" in contract["forbidden_modules"]
    allowed = {ignored.rpartition(" -> ")[2] for ignored in contract["ignore_imports"]}
    started = imported((ROOT / "library" / "runs.py").read_text("utf-8")) & STARTING
    assert {f"reconciler.engine.state.{name}" for name in ("records", "unlock_site", "forget_site")} <= started
    assert {name for name in started - SERVED if name.rpartition(".")[0] in allowed} == SAVED


SERVED = {"reconciler.wiring.open_session"}
"""Only `reconciler sandbox` imports the wiring, to serve the sandbox."""

SAVED = {"reconciler.engine.saved.show_saved"}
"""In a module that the command line may import for the files of saved plans."""
