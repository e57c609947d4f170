"""The names and ids of the sites of a project, and of the app's instances on them: each may be used only once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

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


UNIQUE: Final = {
    "name": "names must be unique",
    "id": "declare each site once",
    "instanceId": "an app's instance is on one site only: write the id of the instance on this one",
}
COPIED: Final = "declare each site once, or give the copy its own name and id"


Taken: TypeAlias = dict[str, dict[str, Place]]
"""For each key of `UNIQUE`: what was seen, and where."""


class TakenNames:
    """Names and ids of sites seen so far, and where: two sites with the same name or id are an error.

    So are two with the same `instanceId`: an app's token is for the site of its instance, whatever the file's id says.
    Only where a site's document begins is kept, as there may be many thousands.
    """

    def __init__(self) -> None:
        self.found: Taken = {key: {} for key in UNIQUE}

    def add(self, more: Iterable[Taken]) -> bool:
        """Adds names and ids that were seen elsewhere. If one occurs twice, returns False and adds none."""
        whole = [self.found, *more]
        joined = {key: {text: place for part in whole for text, place in part[key].items()} for key in UNIQUE}
        if any(len(joined[key]) < sum(len(part[key]) for part in whole) for key in UNIQUE):
            return False
        self.found = joined
        return True

    def note(self, document: Document, problems: list[Diagnostic]) -> None:
        """Adds the site that a document declares, and reports a name or an id that another one has."""
        site = document.value.get("site") if isinstance(document.value, dict) else None
        if not isinstance(site, dict):
            return
        taken: dict[str, Place] = {}
        for key, seen in self.found.items():
            value = site.get(key)
            if isinstance(value, str):
                first = seen.setdefault(folded(value), document.start)
                if first is not document.start and not (key == "instanceId" and taken):
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
