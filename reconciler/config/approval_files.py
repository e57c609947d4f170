"""The approvals folder of a project: which sites have a file there, and what counts in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reconciler.config.approvals import approvals_in
from reconciler.config.discovery import shown_path
from reconciler.config.project import ProjectConfig
from reconciler.config.regular_files import read_regular
from reconciler.config.repository import GitError, Repository, trail
from reconciler.config.trust import refused_path
from reconciler.config.yaml_source import MAX_BYTES, read_file
from reconciler.model.approvals import Approvals, decided_otherwise
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, problem, warning

SUFFIX = ".yaml"


NOTHING_COMMITTED: Final = "nothing-committed"
"""Only committed approvals count, and git cannot be asked for them, so it is not known what was approved."""

APPROVALS_MISSING: Final = "approvals-missing"
"""This checkout lacks an approvals file that git has, and nobody decided to delete it."""

APPROVALS_ELSEWHERE: Final = "approvals-elsewhere"
"""A site's approvals file is in the approvals folder, but under a name or in a folder where nobody looks for it."""


_NAME_A_FOLDER: Final = "set `approvals` in reconciler.yaml to a folder that can be read"

_SITE: Final = re.compile(rb"""^site:[ \t]*["']?([^\s"'#]+)""", re.MULTILINE)


KEPT_BYTES: Final = 16 * 1024 * 1024
"""How many bytes to keep of files that are opened before their sites are read. What does not fit is opened again."""


class ApprovalFiles:
    """The approvals of a project. The folder is listed once, and each file is opened once: usually with its site."""

    def __init__(self, project: ProjectConfig, on_content: Callable[[bytes, Path], object] = lambda *_: None) -> None:
        """`on_content` is called with the content of each file whose approvals are read."""
        self._project = project
        self._on_content = on_content
        self._folder = project.approvals_folder
        self.names: frozenset[str] = frozenset()
        """The sites that have a file, by file name."""
        self.problems: tuple[Diagnostic, ...] = ()
        """What is wrong with the folder itself."""
        self.warnings: tuple[Diagnostic, ...] = ()
        self._said: dict[str, str] = {}
        """The site that each file is for, by file name; only for files read before `_elsewhere` asks."""
        self._kept: dict[str, bytes] = {}
        """The content of files by file name, if `_elsewhere` opened them before their site was read."""
        self._room = KEPT_BYTES
        self._unasked: Diagnostic | None = None
        self._repository: Repository | None = None
        try:
            with os.scandir(self._folder) as entries:
                files = [entry.name for entry in entries if entry.name.endswith(SUFFIX) and entry.name[0] != "."]
            self.names = frozenset(name.removesuffix(SUFFIX) for name in files)
        except FileNotFoundError:
            if not refused_path(self._folder, project.root, project.trust):  # that is a problem of its own
                self.problems = _dead_links(self._folder)
        except NotADirectoryError:
            place = Place(shown_path(self._folder))
            self.problems = (problem(place, "is not a folder", _NAME_A_FOLDER, continues=True),)
        except OSError as error:
            message = f"cannot be listed: {error.strerror}"
            self.problems = (problem(Place(shown_path(self._folder)), message, _NAME_A_FOLDER, continues=True),)
        if project.trust.committed:
            self._only_committed()

    def _only_committed(self) -> None:
        repository = Repository(self._folder, dict(self._project.trust.environment))
        try:
            _ = repository.top
        except GitError as error:
            if not self.names:
                why = f"only committed approvals count here, and {error.message}"
                self._unasked = warning(Place(shown_path(self._folder)), why, error.fix, code=NOTHING_COMMITTED)
                return
            message = f"no approval counts: only committed approvals count here, and {error.message}"
            fix = error.fix or "run in a checkout of the repository"
            self.warnings = (warning(Place(shown_path(self._folder)), message, fix, code=NOTHING_COMMITTED),)
        self._repository = repository

    def read(self, site: str, problems: list[Diagnostic]) -> tuple[Approvals, Digest | None]:
        """The approvals of a site and the digest of their file; both empty if there is no file that counts."""
        nothing = (Approvals(), None)
        if site not in self.names and self._none_is_missing:
            return nothing
        path = self._folder / f"{site}{SUFFIX}"
        if site not in self.names:
            return self._missing(path, site, problems) or nothing
        if refused := refused_path(path, self._project.root, self._project.trust):
            problems.append(refused.at(Place(shown_path(path))))
            return nothing
        content = self._kept.pop(site, None)
        if self._repository is None:
            data = read_file(path, shown_path(path), problems) if content is None else content
            read = self._approvals_in(path, site, problems, data)
            if read is not None and content is None:
                self._said[site] = read[0].written_for or site
            return read or nothing
        try:
            data, clean = self._repository.committed(path), self._repository.is_clean(path)
        except GitError:
            data, clean = None, False  # already reported, for the whole folder
        if data is None:
            found, digest = Approvals(file=shown_path(path)), None
        else:
            found, digest = self._approvals_in(path, site, problems, data) or nothing
        if clean or (data is not None and digest is None):
            return found, digest
        # Problems in content that does not count are not reported.
        written = approvals_in(path, site, [], content)
        return (replace(found, uncommitted=decided_otherwise(found, written[0])) if written else found), digest

    def _approvals_in(
        self, path: Path, site: str, problems: list[Diagnostic], data: bytes | None
    ) -> tuple[Approvals, Digest] | None:
        if data is None:
            return None
        self._on_content(data, path)
        return approvals_in(path, site, problems, data)

    @cached_property
    def _none_is_missing(self) -> bool:
        """Whether no approvals file can be missing by mistake, so that sites without one need no check of their own."""
        elsewhere = self._not_checked_out or self._empty_submodules or self._elsewhere or self._unasked
        return self._repository is None and not elsewhere

    def _missing(self, path: Path, site: str, problems: list[Diagnostic]) -> tuple[Approvals, Digest | None] | None:
        """What counts in a file that is not on disk; reports a problem if nobody decided to remove it."""
        lost = self._lost(path)
        if lost is None:
            elsewhere = self._unasked or self._found_elsewhere(path, site)
            return self._deleted(path, site, problems) or (Approvals(unasked=elsewhere), None)
        problems.append(lost)
        return None

    def _lost(self, path: Path) -> Diagnostic | None:
        """The problem with a file that is missing although nobody decided to remove it; None otherwise."""
        if not self._not_checked_out and not self._empty_submodules:
            return None
        file, folder = trail(path)[-1], shown_path(self._folder)
        within = (file, *file.parents)
        sparse = {self._not_checked_out[step] for step in within if step in self._not_checked_out}
        if (submodule := next((folder for folder in self._empty_submodules if folder in within), None)) is not None:
            where = shown_path(submodule)
            message = f"is in the git submodule {where}, which is not checked out"
            fix = f"check it out: git submodule update --init {where}"
        elif True in sparse:
            message, fix = "is left out of this sparse checkout", f"check it out: git sparse-checkout add {folder}"
        elif sparse and self._repository is None:
            message = f"is missing, and so is the folder {folder}, although git tracks it"
            fix = f"restore it: git checkout -- {folder}; if its approvals are to be withdrawn: git rm -r {folder}"
        else:
            return None
        what = f"{message}, so it is not known what is approved"
        return problem(Place(shown_path(path)), what, fix, code=APPROVALS_MISSING, continues=True)

    def _found_elsewhere(self, path: Path, site: str) -> Diagnostic | None:
        """Says that a site's file is in the approvals folder under another name: nobody deleted it."""
        there = self._elsewhere.get(site)
        if there is None:
            return None
        refused = refused_path(there, self._project.root, self._project.trust)
        if not refused and approvals_in(there, site, []) is None:
            return None
        here, found = shown_path(path), shown_path(there)
        message = f"there is no {here}, but {found} may be the intended file"
        fix = f"git mv {found} {here}; if its approvals are to be withdrawn, delete it"
        return warning(Place(found), message, fix, code=APPROVALS_ELSEWHERE)

    @cached_property
    def _elsewhere(self) -> dict[str, Path]:
        """The folder's files by site, from their `site:` line or their name."""
        by_name: dict[str, Path] = {}
        by_content: dict[str, Path] = {}
        for file, own in self._all_files():
            by_name.setdefault(file.stem.lower(), file)
            by_content.setdefault(self._said.get(own) or self._site_in(file, own), file)
        return by_name | by_content

    def unread(self) -> list[Path]:
        """The folder's YAML files that no site could read: in a folder below it, or with another extension."""
        return [file for file, own in self._all_files() if not own]

    def _all_files(self) -> Iterator[tuple[Path, str]]:
        """The YAML files of the folder and those below it, each with the site that would read it, or an empty text."""
        for folder, below, files in os.walk(self._folder):
            below.sort()
            for name in sorted(files):
                stem, ending = os.path.splitext(name)
                if ending.lower() in (SUFFIX, ".yml") and name[0] != ".":
                    yield Path(folder, name), stem if folder == str(self._folder) and ending == SUFFIX else ""

    def _site_in(self, file: Path, own: str) -> str:
        """The site that a file says it is for, without reading the whole as YAML; empty if it says nothing.

        `own` is the site that will read the file, if there is one.
        """
        try:
            data = read_regular(file, MAX_BYTES + 1)
        except OSError:
            return ""
        if own in self.names and len(data) <= min(self._room, MAX_BYTES):
            self._kept[own] = data
            self._room -= len(data)
        found = _SITE.search(data)
        return found[1].decode("utf-8", "replace") if found else ""

    @cached_property
    def _not_checked_out(self) -> dict[Path, bool]:
        """Approvals files that are missing here but were not deleted; True if a sparse checkout leaves one out."""
        repository = self._repository or Repository(self._folder, dict(self._project.trust.environment))
        try:
            return repository.not_checked_out(self._folder)
        except GitError:
            return {}

    @cached_property
    def _empty_submodules(self) -> tuple[Path, ...]:
        """The git submodules that are not checked out: what is missing in them was not deleted."""
        repository = self._repository or Repository(self._folder, dict(self._project.trust.environment))
        try:
            return repository.empty_submodules()
        except GitError:
            return ()

    @cached_property
    def _is_as_committed(self) -> bool:
        """Whether the folder is in HEAD exactly as on disk. Asked once for all sites without a file."""
        try:
            return self._repository is not None and self._repository.is_clean_below(self._folder)
        except GitError:
            return False

    def _deleted(self, path: Path, site: str, problems: list[Diagnostic]) -> tuple[Approvals, Digest] | None:
        """The approvals of a file that only the last commit has: deleting it has no effect until that is committed."""
        if self._repository is None or self._is_as_committed:
            return None
        try:
            data = None if self._repository.is_clean(path) else self._repository.in_head(path)
        except GitError:
            return None
        read = approvals_in(path, site, problems, data) if data is not None else None
        if read is None:
            return None
        found, digest = read
        return replace(found, uncommitted=decided_otherwise(found, Approvals()), deleted=True), digest


def approvals_now(project: ProjectConfig, site: str) -> Approvals:
    """The approvals of one site as its file is right now. Raises InvalidFiles."""
    problems: list[Diagnostic] = []
    found, _ = ApprovalFiles(project).read(site, problems)
    if problems:
        raise InvalidFiles(problems)
    return found


def _dead_links(folder: Path) -> tuple[Diagnostic, ...]:
    """A problem if a link on the way to a missing folder points to nothing: nobody deleted what is in it."""
    there = next((step for step in (folder, *folder.parents) if os.path.lexists(step)), folder)
    if os.path.exists(there) or not there.is_symlink():
        return ()
    message = f"is a link to {there.readlink()}, which does not exist, so it is not known what is approved"
    fix = "restore what it points to, or delete the link"
    return (problem(Place(shown_path(there)), message, fix, continues=True),)
