"""Who approved a draft: the author of the line with the committed decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.config.discovery import shown_path
from reconciler.config.lines import GitLines
from reconciler.config.problems import Problems
from reconciler.config.repository import Repository
from reconciler.config.words import KeyPath
from reconciler.config.yaml_source import only_document, read_file


def deciders_of(path: Path, repository: Repository) -> dict[str, str]:
    """Who last changed the decision of each approved draft, by the draft's id.

    The file is as in HEAD. A draft is left out if git does not know its line's author.
    """
    shown, problems = shown_path(path), Problems()
    data = read_file(path, shown, problems)
    document = only_document(path, shown, problems, "", data) if data is not None else None
    if data is None or document is None:
        return {}
    lines = GitLines(data.decode("utf-8-sig"))
    found: dict[str, str] = {}
    for draft, where in _approved(document.value):
        author = repository.author_of_line(path, lines.number(document.place(where).line))
        if author is not None:
            found[draft] = author
    return found


def _approved(value: Any) -> list[tuple[str, KeyPath]]:
    """The approved drafts of a file, which may have any shape, each with the path of its decision."""
    found: list[tuple[str, KeyPath]] = []
    for number, activity in enumerate(_list(value, "activities")):
        for at, draft in enumerate(_list(activity, "drafts")):
            if isinstance(draft, dict) and str(draft.get("decision", "")).split(" ")[0] == "approve":
                found.append((str(draft.get("id")), ("activities", number, "drafts", at, "decision")))
    return found


def _list(value: Any, key: str) -> list[Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, list) else []
