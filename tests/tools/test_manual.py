"""The manual builds without a warning, its generated parts are current, and its words are those of the tool."""

from __future__ import annotations

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
VARIABLE = re.compile(r"\bRECONCILER_[A-Z_]+\b")


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
    known = (FOLDER / "environment.md").read_text("utf-8")
    source = "".join(path.read_text("utf-8") for path in (TOP / "reconciler").rglob("*.py"))
    internal = {"RECONCILER_COMPLETE"}  # a shell sets it while it completes
    assert {name for name in VARIABLE.findall(source) if not name.endswith("_")} - internal <= set(
        VARIABLE.findall(known)
    )


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", (TOP / "mkdocs.yml").read_text("utf-8")))
    assert {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} == listed
