"""The names and ids of the sites of a project: each may be used only once, whatever its case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reconciler.config.documents import Document
from reconciler.config.words import quoted
from reconciler.config.yaml_source import documents, read_file
from reconciler.model.diagnostics import Diagnostic, Place, problem


def folded(text: str) -> str:
    """A name or an id in the form in which it must be unique."""
    small = text.casefold()
    return text if small == text else small  # no copy, because there may be many thousands


def said_of_site(document: Document) -> Iterator[str]:
    """The name and the id of the site that a document declares, as `TakenNames` compares them."""
    site = document.value.get("site") if isinstance(document.value, dict) else None
    if isinstance(site, dict):
        yield from (folded(text) for key in ("name", "id") if isinstance(text := site.get(key), str))


UNIQUE: Final = {"name": "names must be unique", "id": "declare each site once"}
COPIED: Final = "declare each site once, or give the copy its own name and id"


class TakenNames:
    """Names and ids of sites seen so far, and where: two sites with the same name or id are an error.

    Only where a site's document begins is kept, as there may be many thousands.
    """

    def __init__(self) -> None:
        self._names: dict[str, Place] = {}
        self._ids: dict[str, Place] = {}

    @property
    def found(self) -> tuple[dict[str, Place], dict[str, Place]]:
        """The names and the ids."""
        return self._names, self._ids

    def add(self, more: Iterable[tuple[dict[str, Place], dict[str, Place]]]) -> bool:
        """Adds names and ids that were seen elsewhere. If one occurs twice, returns False and adds none."""
        whole = [self.found, *more]
        names, ids = (
            {key: place for part in parts for key, place in part.items()} for parts in zip(*whole, strict=True)
        )
        if (len(names), len(ids)) != tuple(sum(map(len, parts)) for parts in zip(*whole, strict=True)):
            return False
        self._names, self._ids = names, ids
        return True

    def note(self, document: Document, problems: list[Diagnostic]) -> None:
        """Adds the site that a document declares, and reports a name or an id that another one has."""
        site = document.value.get("site") if isinstance(document.value, dict) else None
        if not isinstance(site, dict):
            return
        taken: dict[str, Place] = {}
        for key, seen in (("name", self._names), ("id", self._ids)):
            value = site.get(key)
            if isinstance(value, str):
                first = seen.setdefault(folded(value), document.start)
                if first is not document.start:
                    taken[key] = _place_in(first, key)
        if len({first.file for first in taken.values()}) == 1 and len(taken) > 1:
            first, its = taken["name"], taken["id"]
            where = f"{first} and {its.line}:{its.column}"
            message = f"site: name {quoted(site['name'])} and its id are already used at {where}"
            problems.append(problem(document.place(("site",), key=True), message, COPIED))
            return
        for key, first in taken.items():
            message = f"site.{key}: {quoted(site[key])} is already used at {first}"
            problems.append(problem(document.place(("site", key)), message, UNIQUE[key]))


def _place_in(start: Place, key: str) -> Place:
    """Where the document that begins at `start` has its name or id. To find out, its file is read again."""
    data = read_file(start.file, start.file, [])
    found = (document for document in documents(data or b"", start.file, []) if document.start == start)
    document = next(found, None)
    return start if document is None else document.place(("site", key))
