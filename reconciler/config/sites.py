"""The sites of a project. All files are read, once per run; the paths only choose which sites a run is about."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.advice import (
    VALIDATE_ONLY,
    advice_about_policy,
    advice_about_seed,
    advice_about_text,
    unmatched_defaults,
    unowned_approvals,
    unread_approvals,
    unreplaced_variables,
)
from reconciler.config.approval_files import SUFFIX, ApprovalFiles
from reconciler.config.approvals import approvals_in
from reconciler.config.discovery import PROJECT_FILE, PathDisplay, shown_path
from reconciler.config.documents import Document
from reconciler.config.file_kinds import looks_like_approvals, looks_like_project, name_and_labels
from reconciler.config.layers import Layer, MergedDocument
from reconciler.config.packed_sites import Details, KeptForm, NotKept, PackedSite, Packer
from reconciler.config.problems import Problems
from reconciler.config.project import SEED, InvalidProject, ProjectConfig, find_project, project_of_content
from reconciler.config.site import ReadSite, read_site
from reconciler.config.site_files import YAML, NamedFiles, Paths, checkout_warnings, find_site_files, named_by
from reconciler.config.stamps import Stamp, stamp_of
from reconciler.config.taken_names import Taken, TakenNames, folded, said_of_site
from reconciler.config.trust import ProjectBounds, Trust
from reconciler.config.yaml_source import documents, read_file
from reconciler.model.address import Labels, SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, UsageError, in_order, problem, warning
from reconciler.model.sites import DesiredSite


class SiteEntry(Struct, frozen=True, gc=False):
    """What is known about a site without unpacking it: enough to select by. Small, because there may be many thousands.

    `below` is the part of the file's full path before the path that messages show. `problems` stop only this site:
    its live side is not read, and it fails with them.
    """

    name: SiteName
    labels: Labels
    below: str
    kept: KeptForm
    problems: tuple[Diagnostic, ...] = ()
    without_approval: bool = False
    """Whether its posts go out without approval."""

    @property
    def id(self) -> str:
        """The site's id."""
        return self.kept.details.id

    @property
    def place(self) -> Place:
        """Where its document begins, as messages show it."""
        return self.kept.details.place

    @property
    def stamp(self) -> Stamp:
        """The stamp of its file when that was read."""
        return self.kept.details.stamp

    @property
    def path(self) -> str:
        """The full path of the file that declares it."""
        return self.below + self.place.file

    @property
    def file(self) -> Path:
        """The file that declares it."""
        return Path(self.path)

    def load(self) -> DesiredSite:
        """The site as its file declares it. Raises InvalidFiles if it has `problems`."""
        if self.problems:
            raise InvalidFiles(self.problems)
        return self._unpack()

    def load_despite_problems(self) -> DesiredSite:
        """The site as its file declares it. If it has `problems`, its approvals count as unknown."""
        site = self._unpack()
        return replace(site, approvals=Approvals(unasked=self.problems[0])) if self.problems else site

    def _unpack(self) -> DesiredSite:
        site = self.kept.unpack()
        return replace(site, ref=replace(site.ref, name=self.name))  # the entry's string, so no copy of it is kept


class SiteIndex(Struct, frozen=True):
    """The sites that the paths name, in the order of files and documents.

    `total` counts all sites of the project. `warnings` are about files: almost certain mistakes that stop nothing.
    `unowned` names the approvals files without a site, and `named` the files that the paths name and that are not site
    files of the project.
    """

    entries: tuple[SiteEntry, ...]
    total: int
    warnings: tuple[Diagnostic, ...] = ()
    unowned: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    others: tuple[SiteEntry, ...] = ()
    """The sites of the project that the paths do not name."""
    content: Digest = Digest("")
    """The digest of all site files as they were read: two runs over the same files have the same."""

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def files(self) -> int:
        """How many files the sites are in, together with the others that the paths name. Counted when asked for."""
        return len({*(entry.place.file for entry in self.entries), *self.named})

    def declared(self) -> frozenset[str]:
        """The ids of all sites of the project, in lower case. Not kept: there may be many thousands."""
        return frozenset(_lowercase(entry.id) for entry in (*self.entries, *self.others))

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        """Everything that stops only one of these sites."""
        return tuple(problem for entry in self.entries for problem in entry.problems)

    @property
    def run_warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings for every run; the others are only for `validate`."""
        return tuple(warning for warning in self.warnings if warning.code not in VALIDATE_ONLY)

    @property
    def without_approval(self) -> tuple[SiteName, ...]:
        """The sites whose posts go out without approval."""
        return tuple(entry.name for entry in self.entries if entry.without_approval)


class FilesRead(Struct, frozen=True):
    """Site files that were read in another process of this machine, in order, and in which nothing is wrong.

    All entries are packed with one sample. `content` is what the digest of all files is made from; `taken` says
    where each name and id was found.
    """

    entries: tuple[SiteEntry, ...]
    warnings: tuple[Diagnostic, ...]
    content: bytes
    taken: Taken


ReadElsewhere: TypeAlias = Callable[[ProjectConfig, Sequence[Path]], Iterable[FilesRead | None]]
"""Reads many site files in other processes.

If it returns None for any of them, all are read here, to report what is wrong.
"""

MANY: Final = 500
"""With at least this many files, it is worth reading them elsewhere."""


def open_project(
    paths: Sequence[Path] = (),
    trust: Trust | None = None,
    elsewhere: ReadElsewhere | None = None,
    *,
    only_check: bool = False,
    now: Callable[[ProjectConfig], datetime | None] = lambda _: None,
) -> tuple[ProjectConfig, SiteIndex]:
    """The project that the paths belong to, and the sites that they name. Many files may be read `elsewhere`.

    `only_check`: the sites are not kept, and cannot be loaded. If `now` returns a time, there are also warnings about
    dates that have passed.

    Raises InvalidFiles with every problem of every file, and UsageError if a path names nothing.
    """
    try:
        project = find_project(paths, trust)
    except InvalidProject as invalid:
        problems: tuple[Diagnostic, ...] = invalid.problems
        warnings: tuple[Diagnostic, ...] = ()
        try:
            warnings = check_sites(invalid.project, paths, now=now(invalid.project)).warnings
        except InvalidFiles as more:
            problems, warnings = (*problems, *more.problems), more.warnings
        except UsageError:  # the project file itself must be corrected first
            pass
        raise InvalidFiles(problems, warnings if invalid.project.is_whole else ()) from None
    return project, check_sites(project, paths, elsewhere, only_check=only_check, now=now(project))


def check_sites(
    project: ProjectConfig,
    paths: Sequence[Path] = (),
    elsewhere: ReadElsewhere | None = None,
    *,
    may_be_empty: bool = False,
    only_check: bool = False,
    now: datetime | None = None,
) -> SiteIndex:
    """Reads every site file of a project, and returns the sites that the paths name.

    Raises InvalidFiles with every problem of every file, and UsageError for a folder without a site file. Unless
    `may_be_empty`, a project without any site file is a UsageError too. `only_check` as in `open_project`. If `now`
    is given, nothing is read elsewhere, and there are also warnings about dates that have passed.
    """
    site_files = find_site_files(project)
    if may_be_empty and not site_files.files and not site_files.problems:
        return SiteIndex((), 0, unowned=tuple(sorted(ApprovalFiles(project).names)))
    named = named_by(project, site_files, paths)
    reading = _Reading(project, None if only_check else Packer(), now=now)
    reading.problems.extend(site_files.problems)
    reading.nameless = bool(site_files.problems)
    more = [file for file in named.others if reading.is_site_file(file)]
    files = Paths((*site_files.files.texts, *map(str, more)))
    if elsewhere is None or now is not None or len(files) < MANY or not reading.take(elsewhere(project, files)):
        for file in files.texts:  # texts, because making a path takes as long as reading its file
            reading.read(file)
    reading.check_named_approvals()
    if more:
        reading.check_unread(site_files.unread_near(more, named.others), more)
    about_project = (*_advice_about_project(project), *checkout_warnings(project), *site_files.warnings(named.others))
    warnings = dict.fromkeys((*about_project, *reading.warnings, *reading.about_all_sites()))
    if reading.problems:
        raise InvalidFiles(reading.problems.reported(), warnings)
    chosen = list(reading.chosen(named, more))
    return SiteIndex(
        entries=tuple(chosen),
        total=len(reading.entries),
        warnings=in_order(warnings),
        unowned=reading.unowned(),
        named=tuple(map(shown_path, named.others)),
        others=without(reading.entries, chosen),
        content=Digest(f"sha256:{reading.content.hexdigest()}"),
    )


def without(entries: Sequence[SiteEntry], chosen: Sequence[SiteEntry]) -> tuple[SiteEntry, ...]:
    """The sites that are not among the chosen ones, which must all be among `entries`."""
    if len(chosen) == len(entries):
        return ()
    names = {entry.name for entry in chosen}
    return tuple(entry for entry in entries if entry.name not in names)


def read_files(project: ProjectConfig, files: Sequence[Path]) -> FilesRead | None:
    """Reads some site files of a project for another process; None if anything is wrong with them."""
    content = bytearray()
    reading = _Reading(project, Packer(), sends=True, on_content=content.extend)
    for file in files:
        reading.read(str(file))
    if reading.problems:
        return None
    return FilesRead(tuple(reading.entries), tuple(reading.warnings), bytes(content), reading.taken.found)


def _lowercase(id: str) -> str:
    lowered = id.lower()
    return id if lowered == id else lowered  # no copy, because there may be many thousands


def _advice_about_project(project: ProjectConfig) -> Iterator[Diagnostic]:
    if project.file is not None:
        data = project.content
        yield from advice_about_text(data, project.file, shown_path(project.file), project.root, "project")
        if b"${" in data:
            for document in documents(data, shown_path(project.file), []):
                yield from unreplaced_variables(MergedDocument((Layer(document, document.value),), []), but="defaults")
    yield from advice_about_policy(project)


class _Reading:
    """One reading of all site files of a project."""

    def __init__(
        self,
        project: ProjectConfig,
        packer: Packer | None,
        *,
        now: datetime | None = None,
        sends: bool = False,
        on_content: Callable[[bytes], object] = lambda _: None,
    ) -> None:
        self.project = project
        self.approvals = ApprovalFiles(project, self._advise)
        self.entries: list[SiteEntry] = []
        self.problems = Problems(self.approvals.problems)
        self.warnings: list[Diagnostic] = []
        self._named_approvals: dict[Path, str | None] = {}
        self.taken = TakenNames()
        self._now = now
        self._packer = packer
        """None if the sites are only checked."""
        self._sends = sends
        """Whether the sites are for another process."""
        self._bounds = ProjectBounds(project.root, project.trust)
        self._shown = PathDisplay()
        self._broken: list[tuple[str, Labels]] = []
        """The names and labels of sites that cannot be used."""
        self.nameless = False
        """Whether something unreadable may be a site."""
        self._labels: dict[Labels, Labels] = {}
        """Each set of labels only once: many sites have the same."""
        self.content = sha256()
        self._on_content = on_content

    def _advise(self, approvals: bytes, file: Path) -> None:
        if self._packer is None:  # otherwise nobody is told
            found = advice_about_text(approvals, file, shown_path(file), self.project.root, "approvals")
            self.warnings.extend(found)

    def take(self, parts: Iterable[FilesRead | None]) -> bool:
        """Adds what was read elsewhere if nothing is wrong with any of it; otherwise returns False and adds nothing."""
        whole = list(parts)
        found = [part for part in whole if part is not None]
        if len(found) < len(whole) or not self.taken.add(part.taken for part in found):
            return False
        for part in found:
            self.entries.extend(map(self._received, part.entries))
            self.warnings.extend(part.warnings)
            self.content.update(part.content)
        return True

    def _received(self, entry: SiteEntry) -> SiteEntry:
        if self._packer is None or not isinstance(entry.kept, PackedSite):
            return entry
        return replace(entry, kept=self._packer.spool(entry.kept))

    def read(self, file: str) -> None:
        """Reads a site file. What it declares without a problem becomes an entry."""
        shown, stamp = self._shown.path(file), stamp_of(file)
        data = self._bytes_of(file, shown)
        if data is None:
            self.nameless = True
            return
        for piece in (b"%d:" % len(data), data):
            self.content.update(piece)
            self._on_content(piece)
        before, count = len(self.problems), 0
        self.warnings.extend(advice_about_text(data, file, shown, self.project.root))
        seen = before
        for document in documents(data, shown, self.problems):
            self.nameless = self.nameless or len(self.problems) > seen
            count += 1
            self.taken.note(document, self.problems)
            found = read_site(document, self.project, self.approvals, self.problems, self._now)
            if found is not None:
                self._add(document, found, len(data) if count == 1 else 0, stamp)
            elif (said := name_and_labels(document)) is not None:
                self._broken.append(said)
            else:
                self.nameless = True
            seen = len(self.problems)
        self.nameless = self.nameless or len(self.problems) > seen
        if not count and len(self.problems) == before:
            self.nameless = True
            self.problems.append(problem(Place(shown, 1, 1), "the file is empty", "write a site, or delete the file"))

    def _add(self, document: Document, found: ReadSite, size: int, stamp: Stamp) -> None:
        site = found.site
        self.warnings.extend(found.warnings)
        self.entries.append(
            SiteEntry(
                name=site.ref.name,
                labels=self._labels.setdefault(site.labels, site.labels),
                below=self._shown.below(document.start.file),
                kept=self._kept(site, size, document.start, stamp),
                problems=found.problems,
                without_approval=bool(site.schedule and site.schedule.rules and not site.schedule.approval_required),
            )
        )

    def _kept(self, site: DesiredSite, size: int, place: Place, stamp: Stamp) -> KeptForm:
        if self._packer is None:
            return NotKept(site.ref.id, place, stamp)
        details = Details(site.ref.id, place, stamp)
        return self._packer.pack(site, details) if self._sends else self._packer.keep(site, size, details)

    def _bytes_of(self, file: Path | str, shown: str) -> bytes | None:
        if refused := self._bounds.refused(file):
            self.problems.append(refused.at(Place(shown)))
            return None
        if not os.fspath(file).lower().endswith(YAML):
            message = "is not a YAML file: its name does not end in .yaml or .yml"
            fix = "rename it, or narrow `sites` in reconciler.yaml"
            if os.fspath(file).endswith(".plan"):
                import shlex  # only for this fix

                fix = f"if it is a saved plan, look at it with: reconciler show {shlex.quote(shown)}"
            if os.path.isdir(file):
                pattern = Path(os.path.relpath(file, self.project.root), "**/*.yaml").as_posix()
                message, fix = "is a folder; `sites` must match files", f"write {pattern} in reconciler.yaml"
            self.problems.append(problem(Place(shown), message, fix, continues=True))
            return None
        return read_file(file, shown, self.problems)

    def is_site_file(self, file: Path) -> bool:
        """Whether a file that was named, but that no pattern matches, is to be read as a site file.

        An approvals or project file is checked as what it is.
        """
        shown = shown_path(file)
        if file.name == SEED and file.parent == self.project.root:
            if self._packer is not None or self.project.api != "sandbox":
                what = "belongs to the sandbox and is not checked here"
                self.warnings.append(warning(Place(shown), what, code="not-checked", continues=True))
            return False
        problems = Problems()
        data = self._bytes_of(file, shown)
        document = next(documents(data, shown, problems), None) if data is not None else None
        value = document.value if document is not None else None
        if self.project.approvals_folder in file.parents or looks_like_approvals(value):
            site = value.get("site") if isinstance(value, dict) else None
            in_place = isinstance(site, str) and file == self.project.approvals_file(site)
            self._named_approvals[file] = site if in_place else None
            return False
        if data is not None and looks_like_project(value):
            try:
                project_of_content(file.parent, file, data, self.project.trust)
            except InvalidProject as invalid:
                self.problems.extend(invalid.problems)
            message = f"is a project file that is not called {PROJECT_FILE}, so nothing reads it"
            fix = f"name it {PROJECT_FILE}"
            self.warnings.append(warning(Place(shown), message, fix, code="file-not-read", continues=True))
            return False
        if data is not None:
            message = "is only read because you named it: no pattern in `sites` matches it"
            fix = f"widen `sites` in {PROJECT_FILE}, or move the file"
            self.warnings.append(warning(Place(shown), message, fix, code="file-not-read", continues=True))
        return data is not None

    def check_named_approvals(self) -> None:
        """Checks the approvals files that were named but that no site has read."""
        if not self._named_approvals:
            return
        names = {entry.name for entry in self.entries}
        for file, site in self._named_approvals.items():
            if site is not None and site in names:
                continue
            if file.parent != self.project.approvals_folder or file.suffix != SUFFIX:
                self.warnings.append(unread_approvals(self.project, file))
            approvals_in(file, None, self.problems)

    def check_unread(self, files: Iterable[Path], named: Iterable[Path]) -> None:
        """Reports a site that a file named on the command line shares with a file that nothing reads.

        No pattern matches either file, so nothing says which of the two counts.
        """
        paths = set(map(str, named))
        taken = {text for entry in self.entries if entry.path in paths for text in map(folded, (entry.id, entry.name))}
        for file in files:
            data = None if self._bounds.refused(file) else read_file(file, shown_path(file), [])
            for document in documents(data or b"", shown_path(file), []):
                if not taken.isdisjoint(said_of_site(document)):
                    self.taken.note(document, self.problems)

    def unowned(self) -> tuple[str, ...]:
        """The names of the approvals files that belong to no site."""
        return tuple(sorted(self.approvals.names.difference(self._site_names())))

    def _site_names(self) -> Iterator[str]:
        yield from (entry.name for entry in self.entries)
        yield from (name for name, _ in self._broken)

    def about_all_sites(self) -> Iterator[Diagnostic]:
        """Warnings about all approvals, and about approvals and defaults that apply to no site.

        The latter are left out if what cannot be read may contain a site.
        """
        if self._packer is None:
            yield from advice_about_seed(self.project.root / SEED)
        yield from self.approvals.warnings
        yield from (unread_approvals(self.project, file) for file in self.approvals.unread())
        if self.nameless:
            return
        if unowned := self.unowned():
            yield from unowned_approvals(self.project, unowned, list(self._site_names()))
        labels = chain((entry.labels for entry in self.entries), (labels for _, labels in self._broken))
        yield from unmatched_defaults(self.project, labels)

    def chosen(self, named: NamedFiles, more: Iterable[Path]) -> Iterator[SiteEntry]:
        """The entries that were named, by their files or by their approvals files."""
        files = {str(file) for file in (*named.files, *more)}
        asked_for = set(self._named_approvals.values())
        for entry in self.entries:
            if named.whole or entry.path in files or entry.name in asked_for:
                yield entry
