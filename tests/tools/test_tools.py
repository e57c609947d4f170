"""The tools with which the project is maintained."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from reconciler.version import DISTRIBUTION
from tools.audited import judged
from tools.licences import EXTRAS, PACKAGE, installed_with
from tools.lowest_versions import lowest_versions

TOP = Path(__file__).resolve().parents[2]


def test_every_dependency_has_a_lowest_version() -> None:
    found = lowest_versions()
    assert len(found) > 10
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==\d[\d.]*", line) for line in found)


def test_internals_that_are_used_have_an_upper_bound() -> None:
    """api/ builds on how httpx imports its parts and how aiohttp words its errors, which are not their interface."""
    text = (TOP / "pyproject.toml").read_text("utf-8")
    assert re.search(r'"aiohttp>=[\d.]+,<4"', text)
    assert re.search(r'"httpx>=[\d.]+,<1"', text)


def test_licences_of_all_that_is_installed_are_listed() -> None:
    """`python tools/licences.py` prints the table; a licence that asks for more than a notice is a decision."""
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", (TOP / "docs/licences.md").read_text("utf-8"), re.MULTILINE))
    installed = installed_with(PACKAGE, EXTRAS)
    assert set(installed) <= listed
    assert {name for name, licence in installed.items() if "GPL" in licence or licence == "unknown"} == set()


@pytest.mark.parametrize("forbidden", ["://", "--index-url", "--find-links"])
def test_the_lock_file_names_no_registry(forbidden: str) -> None:
    text = (TOP / "tools/dev-requirements.txt").read_text("utf-8")
    assert forbidden not in text
    requirements = re.findall(r"^[a-z0-9._-]+==\S+(?: ;.*)? \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(requirements) > 60
    assert len(requirements) == len(re.findall(r"^[a-z0-9._-]+==", text, re.MULTILINE))


def test_the_lock_file_has_every_dependency() -> None:
    text = (TOP / "tools/dev-requirements.txt").read_text("utf-8")
    locked = {name.replace(".", "-") for name in re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE)}
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for group in groups for requirement in group}
    assert {name.lower().replace(".", "-") for name in names} - locked == set()


def test_every_hint_installs_this_project() -> None:
    """`reconciler` on the public index is somebody else's: pip is told this project's name, or a checkout."""
    wrong = re.compile(r"pip3? install [^\n`]*(?<![-\w/.])'?reconciler(?:\[[a-z-]+\])?(?:'|\s|$|[=<>~])")
    suffixes = {".md", ".py", ".toml", ".yaml", ".yml", ".sh", ""}
    folders = ("reconciler", "docs", "examples", "integrations", "tools")
    files = [path for folder in folders for path in (TOP / folder).rglob("*") if path.suffix in suffixes]
    found = [
        path.relative_to(TOP).as_posix()
        for path in (*files, *TOP.glob("*.md"), *TOP.glob("*.yml"))
        if path.is_file() and wrong.search(path.read_text("utf-8", "replace"))
    ]
    assert found == []
    assert wrong.search("pip install 'reconciler[object-store]'")
    assert tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]["name"] == DISTRIBUTION


def test_a_known_flaw_of_a_locked_dependency_fails_the_audit() -> None:
    clean = {"name": "a", "version": "1", "vulns": []}
    skipped = {"name": "b", "skip_reason": "not found"}
    flawed = {"name": "c", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
    assert judged({"dependencies": [clean, skipped]}) == ([], 1, 1)
    assert judged({"dependencies": [clean, flawed]}) == (["c 2: X-1; fixed in 3"], 2, 0)
