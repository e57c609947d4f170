"""Makes many small changes to the code, one at a time, and reports which of them no test notices.

python -m pip install cosmic-ray coverage && python tools/mutate.py [--minutes 30] [--seed 1] [--workers 2] [PATH...]

It works in a copy of the checkout. The tests run once under coverage, so that each mutant meets only the tests that
reach its line. Mutants are drawn at random within the budget; the same seed draws the same ones. Not part of CI.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).resolve().parents[1]
PATHS: Final = ("reconciler/planner", "reconciler/executor", "reconciler/state", "reconciler/api/transport.py")
TESTS: Final = ("tests/model", "tests/planner", "tests/executor", "tests/state", "tests/api")
OPERATORS: Final = (
    "core/ReplaceComparisonOperator_", "core/ReplaceTrueWithFalse", "core/ReplaceFalseWithTrue",
    "core/ReplaceAndWithOr", "core/ReplaceOrWithAnd", "core/AddNot", "core/ReplaceUnaryOperator_Delete_Not",
    "core/NumberReplacer", "core/ReplaceContinueWithBreak", "core/ZeroIterationForLoop", "core/ExceptionReplacer",
    "core/ReplaceBinaryOperator_Add_Sub", "core/ReplaceBinaryOperator_Sub_Add",
)  # fmt: skip
"""Changes that matter at run time; those of `|` would affect only annotations."""

MOST_TESTS: Final = 60
"""The most tests for one mutant, chosen at random among those that reach its line."""

SECONDS: Final = 180


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: an operator, applied to its nth place in a file. `line` counts from 1."""

    file: str
    operator: str
    occurrence: int
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator.removeprefix('core/')} #{self.occurrence}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Say which small changes to the code no test notices.")
    parser.add_argument("paths", nargs="*", default=PATHS, metavar="PATH")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="FOLDER")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copies = [_copy(Path(folder) / str(number)) for number in range(asked.workers)]
        print(f"running {', '.join(asked.tests)} under coverage", flush=True)
        reached = _reached(copies[0], asked.tests)
        mutants = [mutant for mutant in _mutants(copies[0], asked.paths) if (mutant.file, mutant.line) in reached]
        random.Random(asked.seed).shuffle(mutants)  # noqa: S311 - a sample, not a secret
        print(f"{len(mutants)} mutants on lines that tests reach; {asked.minutes:g} minutes", flush=True)
        deadline = time.monotonic() + 60 * asked.minutes
        with ThreadPoolExecutor(asked.workers) as pool:
            parts = [
                pool.submit(_try_all, copy, mutants[number :: asked.workers], reached, deadline)
                for number, copy in enumerate(copies)
            ]
            outcomes = [outcome for part in parts for outcome in part.result()]
    survivors = sorted(str(mutant) for mutant, killed in outcomes if not killed)
    for survivor in survivors:
        print(f"survived  {survivor}")
    print(f"{len(outcomes)} mutants tried, {len(outcomes) - len(survivors)} killed, {len(survivors)} survived")
    return 0


def _copy(target: Path) -> Path:
    """A copy of the files that git tracks."""
    listed = subprocess.run(["git", "-C", str(TOP), "ls-files", "-z"], check=True, capture_output=True, text=True)  # noqa: S603, S607
    for name in filter(None, listed.stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TOP / name, target / name)
    return target


def _run(copy: Path, *arguments: str, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """A test run in a copy. Raises TimeoutExpired if it is not under coverage and takes too long."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *under, "-m", "pytest", "-q", *arguments]
    limit = None if under else SECONDS
    return subprocess.run(  # noqa: S603 - our own tests
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=limit, check=False
    )


def _is_killed(copy: Path, tests: Sequence[str]) -> bool:
    """Whether a test fails in a copy, or never ends."""
    try:
        return _run(copy, "-x", *tests).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def _reached(copy: Path, tests: Sequence[str]) -> dict[tuple[str, int], list[str]]:
    """The tests that reach each line of the package."""
    from coverage import CoverageData

    (copy / ".coveragerc").write_text("[run]\nsource = reconciler\ndynamic_context = test_function\n", "utf-8")
    done = _run(copy, "-rf", *(test for test in tests if (copy / test).is_dir()), under=("-m", "coverage", "run"))
    failing = {line.split(" ")[1].partition("[")[0] for line in done.stdout.splitlines() if line.startswith("FAILED ")}
    for test in sorted(failing):
        print(f"fails as it is, and is left out: {test}", flush=True)
    data = CoverageData(str(copy / ".coverage"))
    data.read()
    reached: dict[tuple[str, int], list[str]] = {}
    for measured in data.measured_files():
        name = Path(measured).relative_to(copy).as_posix()
        for line, contexts in data.contexts_by_lineno(measured).items():
            reaching = sorted({test for context in contexts if (test := _node(copy, context))} - failing)
            if reaching:
                reached[name, line] = reaching
    return reached


def _node(copy: Path, context: str) -> str:
    """`tests.planner.test_x.test_y` -> `tests/planner/test_x.py::test_y`; empty for anything that is not a test."""
    module, _, function = context.rpartition(".")
    file = f"{module.replace('.', '/')}.py"
    return f"{file}::{function}" if function.startswith("test_") and (copy / file).is_file() else ""


def _mutants(copy: Path, paths: Sequence[str]) -> Iterator[Mutant]:
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    names = [name for name in operator_names() if name.startswith(OPERATORS)]
    for path in paths:
        for file in sorted((copy / path).rglob("*.py")) if (copy / path).is_dir() else [copy / path]:
            shown = file.relative_to(copy).as_posix()
            told = _lines_of_words(file)
            tree: Any = get_ast(file.read_text("utf-8"))
            for name in names:
                operator = get_operator(name)()
                places = (place for node in ast_nodes(tree) for place in operator.mutation_positions(node))
                for occurrence, ((line, _), _) in enumerate(places):
                    if line not in told:
                        yield Mutant(shown, name, occurrence, line)


def _lines_of_words(file: Path) -> set[int]:
    """The lines of imports and of annotated assignments, which are left unchanged."""
    found: set[int] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.AnnAssign):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _try_all(
    copy: Path, mutants: Sequence[Mutant], reached: dict[tuple[str, int], list[str]], deadline: float
) -> list[tuple[Mutant, bool]]:
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    outcomes: list[tuple[Mutant, bool]] = []
    for mutant in mutants:
        if time.monotonic() >= deadline:
            break
        file = copy / mutant.file
        before = file.read_text("utf-8")
        changed = mutate_code(before, get_operator(mutant.operator)(), mutant.occurrence)
        if changed is None or changed == before:
            continue
        tests = list(reached[mutant.file, mutant.line])
        random.Random(mutant.line).shuffle(tests)  # noqa: S311 - a sample, not a secret
        file.write_text(changed, "utf-8")
        try:
            killed = _is_killed(copy, tests[:MOST_TESTS])
        finally:
            file.write_text(before, "utf-8")
        outcomes.append((mutant, killed))
        if not killed:
            print(f"survived  {mutant}", flush=True)
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
