"""The sites of a project, streamed from their files: nothing but names and places is kept of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from reconciler.config.approvals import ApprovalFiles
from reconciler.config.discovery import shown_path, site_files, unreadable_folders
from reconciler.config.documents import Document
from reconciler.config.project import Project
from reconciler.config.site import read_site
from reconciler.config.words import quoted
from reconciler.config.yaml_source import documents, read_file
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, UsageError, problem
from reconciler.model.sites import DesiredSite


class SiteEntry(Struct, frozen=True):
    """What is known of a site without keeping it: enough to choose by, and to find it again.

    `index` counts the documents of its file from 0; `place` is where the document begins, as messages show it.
    """

    name: SiteName
    id: str
    labels: tuple[tuple[str, str], ...]
    file: Path
    index: int
    place: Place


class SiteIndex(Struct, frozen=True):
    """All sites that the paths name, in the order of files and documents; `files` counts site files."""

    entries: tuple[SiteEntry, ...]
    files: int

    def __len__(self) -> int:
        return len(self.entries)


def check_sites(project: Project, paths: Sequence[Path] = ()) -> SiteIndex:
    """Reads every site file that the paths name, keeping names and places only.

    Raises InvalidFiles with every problem of every file, and UsageError where there is no site file.
    """
    files = _files(project, paths)
    entries: list[SiteEntry] = []
    problems: list[Diagnostic] = []
    for file, document, site in _read(project, files, problems):
        ref = site.ref
        entries.append(SiteEntry(ref.name, ref.id, site.labels, file, document.index, document.start))
    if problems:
        raise InvalidFiles(problems)
    return SiteIndex(tuple(entries), len(files))


def load_sites(project: Project, paths: Sequence[Path] = ()) -> Iterator[DesiredSite]:
    """The sites that the paths name, one at a time.

    Sites with problems are left out; at the end InvalidFiles is raised with every problem, if there is one. What
    must not begin with bad files calls `check_sites` before. Raises UsageError where there is no site file.
    """
    problems: list[Diagnostic] = []
    for _, _, site in _read(project, _files(project, paths), problems):
        yield site
    if problems:
        raise InvalidFiles(problems)


def load_entries(project: Project, entries: Iterable[SiteEntry]) -> Iterator[DesiredSite]:
    """The sites of some entries of an index, in their order; a file is read once for entries that follow each other.

    Raises InvalidFiles where a file has changed since it was checked, so that an entry is no longer what it was.
    """
    approvals = ApprovalFiles(project.approvals_folder)
    for file, group in groupby(entries, key=lambda entry: entry.file):
        wanted = list(group)
        yield from _load_from(project, file, wanted, approvals)


def _load_from(
    project: Project, file: Path, wanted: Sequence[SiteEntry], approvals: ApprovalFiles
) -> Iterator[DesiredSite]:
    by_index = {entry.index: entry for entry in wanted}
    problems: list[Diagnostic] = []
    shown = shown_path(file)
    data = read_file(file, shown, problems)
    last = max(by_index)
    for document in documents(data, shown, problems) if data is not None else ():
        entry = by_index.pop(document.index, None)
        if entry is not None:
            site = read_site(document, project, approvals, problems)
            if site is not None and (site.ref.name, site.ref.id) == (entry.name, entry.id):
                yield site
            elif not problems:
                problems.append(_changed(document.start, entry))
        if problems or document.index >= last:
            break
    problems.extend(_changed(entry.place, entry) for entry in by_index.values() if not problems)
    if problems:
        raise InvalidFiles(problems)


def _changed(place: Place, entry: SiteEntry) -> Diagnostic:
    return problem(place, f"the site {entry.name} is no longer here: the file changed during the run", "run it again")


def _files(project: Project, paths: Sequence[Path]) -> list[Path]:
    try:
        return site_files(project.root, project.sites, project.approvals_folder, paths)
    except UsageError:
        if problems := unreadable_folders(project.root, project.sites):
            raise InvalidFiles(problems) from None
        raise


def _read(
    project: Project, files: Sequence[Path], problems: list[Diagnostic]
) -> Iterator[tuple[Path, Document, DesiredSite]]:
    """The documents of files that declare a site without a problem of their own or with others."""
    approvals = ApprovalFiles(project.approvals_folder)
    problems.extend(approvals.problems)
    problems.extend(unreadable_folders(project.root, project.sites))
    taken = _Taken()
    for file in files:
        shown = shown_path(file)
        data = read_file(file, shown, problems)
        if data is None:
            continue
        before, count = len(problems), 0
        for document in documents(data, shown, problems):
            count += 1
            taken.note(document, problems)
            site = read_site(document, project, approvals, problems)
            if site is not None:
                yield file, document, site
        if not count and len(problems) == before:
            problems.append(problem(Place(shown, 1, 1), "is empty", "write a site, or delete the file"))


class _Taken:
    """Names and ids of sites seen so far, with where: two sites of one name or id are an error."""

    def __init__(self) -> None:
        self._names: dict[str, Place] = {}
        self._ids: dict[str, Place] = {}

    def note(self, document: Document, problems: list[Diagnostic]) -> None:
        site = document.value.get("site") if isinstance(document.value, dict) else None
        if not isinstance(site, dict):
            return
        for key, seen, hint in (
            ("name", self._names, "names tell sites apart; change one"),
            ("id", self._ids, "declare a site once"),
        ):
            value = site.get(key)
            if not isinstance(value, str):
                continue
            here = document.place(("site", key))
            first = seen.setdefault(value.casefold(), here)
            if first is not here:
                problems.append(problem(here, f"site.{key}: {quoted(value)} is taken by the site at {first}", hint))
