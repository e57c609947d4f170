"""The manual builds without a warning, its generated parts are current, and its words are those of the tool."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from reconciler.cli.main import COMMANDS
from reconciler.model.verdict import Verdict
from reconciler.reporters.registry import FORMATS
from tools.write_reference import FOLDER, pages

TOP = Path(__file__).resolve().parents[2]
DOCS = TOP / "docs"


def test_it_builds_without_a_warning_and_needs_no_network(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path))
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    page = (tmp_path / "how-to/adopt.html").read_text("utf-8")
    assert "reconciler import --all" in page
    fetched = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=.(https?://[^\"' >]+)", page)
    assert fetched == []
    assert (tmp_path / "search/search_index.json").is_file()


def test_the_reference_is_what_its_tool_writes() -> None:
    """`python -m tools.write_reference` after a change of a schema or of a command's help."""
    for name, text in pages().items():
        assert (FOLDER / name).read_text("utf-8") == text, (
            f"run `python -m tools.write_reference`: {name} is not current"
        )


def test_nothing_is_left_out() -> None:
    commands, formats = ((FOLDER / name).read_text("utf-8") for name in ("commands.md", "formats.md"))
    assert all(f"\n## {name}\n" in commands for name in COMMANDS)
    assert all(f"| `{name}` |" in formats for name in FORMATS)
    codes = (FOLDER / "exit-codes.md").read_text("utf-8")
    assert all(re.search(rf"\b{verdict.exit_code}\b", codes) for verdict in Verdict)


NOT_READ = {
    "api/pool.py": {"CONNECT", "GET"},  # methods of requests
    "cli/options.py": {"API", "HOST", "PLACE", "REV", "SITE", "TIME", "WHAT"},  # placeholders of options
    "cli/outputs.py": {"O_NOCTTY", "O_NONBLOCK"},  # flags of the system
    "cli/review_page.py": {"SANDBOX"},
    "config/repository.py": None,  # what it sets for git
    "config/environment.py": None,  # what it passes on to child processes
}
"""Names in capitals that are not variables that the tool reads."""

IN_CAPITALS = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)*|[a-z]+_proxy")


def _variables(source: str) -> set[str]:
    """Names that look like those of variables, in a module that reads the environment."""
    if not re.search(r"environ|getenv|envvar", source):
        return set()
    texts = (part.value for part in ast.walk(ast.parse(source)) if isinstance(part, ast.Constant))
    return {text for text in texts if isinstance(text, str) and IN_CAPITALS.fullmatch(text)}


def test_every_variable_that_is_read_is_in_the_manual() -> None:
    page = (FOLDER / "environment.md").read_text("utf-8")
    named = {name for code in re.findall(r"`([^`]+)`", page) for name in re.findall(r"[A-Za-z_]+[*]?", code)}
    families = tuple(name.removesuffix("*") for name in named if name.endswith("_*"))
    unnamed = set()
    for path in (TOP / "reconciler").rglob("*.py"):
        file = path.relative_to(TOP / "reconciler").as_posix()
        left_out = NOT_READ.get(file, set())
        if not file.startswith("sandbox/") and left_out is not None:
            found = _variables(path.read_text("utf-8")) - left_out
            unnamed |= {
                f"{file}: {name}" for name in found if name.upper() not in named and not name.startswith(families)
            }
    assert not unnamed


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (TOP / "mkdocs.yml").read_text("utf-8")))
    assert {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} == listed
