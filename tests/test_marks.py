"""The marks in the code point to sections that exist, and nothing points to documents that are not here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MARK = re.compile(
    r"(?<![\w-])(?:D|S-wix|S-sdk|S-live|S|I)(?:[,/ ]+(?:D|S-wix|S-sdk|S-live|S|I))* (?:section )?(\d+(?:\.\d+)*)"
)
BARE = re.compile(r"(?:\(|mark=\")([1-9]\d*\.\d+(?:\.\d+)*)[):]")
POINTER = re.compile(r"\b(remote-api|design)\.md(?:[) ]*(?:section )?)(\d+(?:\.\d+)*)")


def _sections(document: str) -> set[str]:
    text = (ROOT / "docs" / document).read_text("utf-8")
    found = set(re.findall(r"^#+ (\d+(?:\.\d+)*)\.? ", text, re.MULTILINE))
    found |= set(re.findall(r"^\*\*(\d+\.\d+) ", text, re.MULTILINE))
    lists = {"12": r"^(12\.\d+) ", "14": r"\b(\d{1,2}) ", "15": r"^(\d+)\. "}
    for section, items in lists.items():
        body = text.partition(f"\n## {section}. ")[2].partition("\n## ")[0]
        numbers = re.findall(items, body, re.MULTILINE)
        found |= {number if "." in number else f"{section}.{number}" for number in numbers}
    client = text.partition("\n### 13.1 ")[2].partition("\n### ")[0]
    found |= {f"13.1.{number}" for number in re.findall(r"^(\d+)\. ", client, re.MULTILINE)}
    return found


def _sources() -> list[Path]:
    names = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "*.py", "*.md", "*.yaml", "*.yml", "*.toml", "*.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    mine, bad = "tests/test_marks.py", "tests/config/bad/"
    return [ROOT / name for name in names if (ROOT / name).exists() and name != mine and not name.startswith(bad)]


def test_every_mark_names_a_section_of_the_remote_api() -> None:
    known = _sections("remote-api.md")
    unknown = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in _sources()
        if path.suffix == ".py"
        for pattern in ((MARK, BARE) if path.is_relative_to(ROOT / "reconciler") else (MARK,))
        for found in pattern.finditer(path.read_text("utf-8"))
        if found[1] not in known
    ]
    assert unknown == []


def test_every_fact_that_was_seen_says_where() -> None:
    bare = re.compile(r"(?:\(|[,;:] )S(?:[,:)]|; )")
    shipped = [path for path in _sources() if path.is_relative_to(ROOT / "reconciler") or path.parent == ROOT / "docs"]
    lines = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in shipped
        for line in path.read_text("utf-8").splitlines()
        if bare.search(line)
    ]
    assert [line for line in lines if "its mark (D, S, I)" not in line] == []


@pytest.mark.parametrize("mark", ["(S-wix 99.4)", "# S-wix 99.4", "(D, S-wix 99.4)", '"""S-wix 99.4: about 30."""'])
def test_a_mark_is_found_with_and_without_parentheses(mark: str) -> None:
    assert [found[1] for found in MARK.finditer(f"known = 1  {mark}")] == ["99.4"]


def test_every_pointer_names_a_section_that_exists() -> None:
    known = {name: _sections(f"{name}.md") for name in ("remote-api", "design")}
    unknown = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in _sources()
        for found in POINTER.finditer(path.read_text("utf-8"))
        if found[2] not in known[found[1]]
    ]
    assert unknown == []


def test_nothing_points_to_documents_that_are_not_here() -> None:
    gone = re.compile(r"\b(?:wix-api|product|style|wording|performance)\.md\b")
    found = [str(path.relative_to(ROOT)) for path in _sources() if gone.search(path.read_text("utf-8"))]
    assert found == []
