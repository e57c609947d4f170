"""Which files of a project are site files, and which of them the paths on the command line choose."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, overload

from msgspec import Struct

from reconciler.config.discovery import PROJECT_FILE, absolute_path, shown_path
from reconciler.config.patterns import Finder, fixed_folder
from reconciler.config.project import SEED, ProjectConfig
from reconciler.config.repository import GitError, Repository
from reconciler.config.stray_files import stray_site_files
from reconciler.config.words import quoted
from reconciler.model.diagnostics import Diagnostic, Place, UsageError, problem, warning

YAML: Final = (".yaml", ".yml")

_SHOWN: Final = 3
"""How many unread files one message names."""


class Paths(Sequence[Path]):
    """Many paths, kept as texts: a Path takes five times the space, and there may be many thousands."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)

    @overload
    def __getitem__(self, at: int) -> Path: ...

    @overload
    def __getitem__(self, at: slice) -> Paths: ...

    def __getitem__(self, at: int | slice) -> Path | Paths:
        return Paths(self.texts[at]) if isinstance(at, slice) else Path(self.texts[at])

    def __len__(self) -> int:
        return len(self.texts)

    def __contains__(self, path: object) -> bool:
        return str(path) in self.texts


class SiteFiles(Struct, frozen=True):
    """The site files of a project, sorted, each once, and files that no pattern matches.

    The latter are all YAML files near the site files, and files anywhere in the project that declare a site.
    """

    files: Paths
    passed_over: tuple[Path, ...]
    problems: tuple[Diagnostic, ...]
    root: Path

    def unread(self, named: Iterable[Path]) -> list[Path]:
        """The files that nothing reads, because the command line does not name them either."""
        read = set(named)
        return [file for file in self.passed_over if file not in read]

    def unread_near(self, files: Iterable[Path], named: Iterable[Path]) -> list[Path]:
        """The YAML files that nothing reads: those near the site files, and those in the folders of `files`."""
        read = {*map(str, named), *self.files.texts}
        beside = {path for folder in {file.parent for file in files} for path in folder.glob("[!.]*")}
        near = {path for path in beside if path.suffix.lower() in YAML and str(path) not in read}
        return sorted(near.union(self.unread(named)))

    def warnings(self, named: Iterable[Path]) -> list[Diagnostic]:
        """A warning for each file that nothing reads."""
        message = "is not read: no pattern in `sites` matches it"
        widen, rename = f"widen `sites` in {PROJECT_FILE}, or move the file", "remove the dot at the start of its name"
        move = f"move it out of the hidden folder, or name that folder in `sites` in {PROJECT_FILE}"
        return [
            warning(
                Place(shown_path(file)),
                message,
                rename if file.name[0] == "." else move if self._is_hidden(file) else widen,
                code="file-not-read",
                continues=True,
            )
            for file in self.unread(named)
        ]

    def _is_hidden(self, file: Path) -> bool:
        """Whether a file is in a hidden folder of the project."""
        return file.is_relative_to(self.root) and any(part[0] == "." for part in file.relative_to(self.root).parts)


def find_site_files(project: ProjectConfig) -> SiteFiles:
    """Every site file of a project, whatever was named on the command line."""
    finder = Finder(project.root)
    approvals = str(project.approvals_folder).rstrip(os.sep) + os.sep

    def may_be_one(file: str) -> bool:
        return os.path.basename(file) != PROJECT_FILE and not file.startswith(approvals)

    # Texts, because making a Path adds its names to a table that never shrinks.
    taken = {file for pattern in project.sites for file in finder.find(pattern) if may_be_one(file)}
    folders = set(map(Path, {os.path.dirname(file) for file in taken}))
    for folder in {project.root / fixed_folder(pattern) for pattern in project.sites} - {project.root}:
        folders.update(finder.folders(folder))
    beside = (
        os.path.join(folder, name)
        for folder in folders
        for name, is_folder in finder.names_in(folder)
        if not is_folder and name.lower().endswith(YAML) and name[0] != "."
    )
    seed = str(project.root / SEED)
    passed_over = {file for file in beside if file not in taken and file != seed and may_be_one(file)}
    if project.file is not None:
        # The sandbox reads its own file, and refuses one that declares a site.
        others = {seed} if (project.trust.api or project.api) == "sandbox" else set()
        passed_over.update(stray_site_files(project.root, taken | passed_over | others, approvals))
    problems = [
        problem(
            Place(shown_path(unlisted.folder)),
            f"cannot be listed: {unlisted.why}",
            "check its permissions",
            continues=True,
        )
        for unlisted in finder.unlisted
    ]
    return SiteFiles(
        Paths(sorted(taken, key=_by_parts)), tuple(sorted(map(Path, passed_over))), tuple(problems), project.root
    )


def _by_parts(file: str) -> str:
    """The sort key that puts texts into the order of paths, which compares name by name."""
    return os.path.normcase(file).replace(os.sep, "\0")


def checkout_warnings(project: ProjectConfig) -> list[Diagnostic]:
    """A warning for each site file, and each git submodule that may contain some, that is not checked out."""
    repository = Repository(project.root, dict(project.trust.environment))
    try:
        submodules, left_out = repository.empty_submodules(), repository.left_out()
    except GitError:
        return []
    root = Path(os.path.realpath(project.root))
    bases = [root / fixed_folder(pattern) for pattern in project.sites]
    near = [
        folder
        for folder in submodules
        if any(folder.is_relative_to(base) or base.is_relative_to(folder) for base in bases)
    ]
    message = "is a git submodule that is not checked out: site files in it are not read"
    found = [
        warning(
            Place(shown),
            message,
            f"check it out: git submodule update --init {shown}",
            code="submodule-not-read",
            continues=True,
        )
        for shown in map(shown_path, near)
    ]
    approvals = root / project.approvals
    for file in left_out:
        others = file.name == PROJECT_FILE or file.is_relative_to(approvals)
        if not others and any(file.is_relative_to(base) for base in bases):
            message = "is left out of this sparse checkout, so it is not read"
            fix = f"check it out: git sparse-checkout add {shown_path(file.parent)}"
            found.append(warning(Place(shown_path(file)), message, fix, code="file-not-read", continues=True))
    return found


class NamedFiles(Struct, frozen=True):
    """What paths on the command line name: all sites or those of some site files, and files that are something else."""

    whole: bool
    files: frozenset[Path] = frozenset()
    others: tuple[Path, ...] = ()


def named_by(project: ProjectConfig, site_files: SiteFiles, paths: Sequence[Path]) -> NamedFiles:
    """What the paths name. Raises UsageError for a folder without a site file, and if the project has none at all."""
    if not site_files.files and not site_files.problems and all(path.is_dir() for path in paths):
        raise _nothing(project, site_files, project.root)
    chosen: set[Path] = set()
    others: list[Path] = []
    whole = not paths

    @cache
    def real() -> dict[str, Path]:
        """The site files with links followed: only paths other than the whole project need them."""
        return {os.path.realpath(file): file for file in site_files.files}

    for path in paths:
        absolute = absolute_path(path)
        if absolute in (project.root, project.root / PROJECT_FILE):
            whole = True
        elif absolute.is_dir():
            below = _below(absolute, site_files.files, real())
            approvals = sorted(absolute.glob("*.yaml")) if absolute == project.approvals_folder else []
            if not below and not approvals:
                raise _nothing(project, site_files, path)
            chosen.update(below)
            others.extend(file for file in approvals if file not in others)
        elif absolute in site_files.files:
            chosen.add(absolute)
        elif (found := real().get(os.path.realpath(absolute))) is not None:
            chosen.add(found)
        elif absolute not in others:
            others.append(absolute)
    return NamedFiles(whole, frozenset(chosen), tuple(others))


def _below(folder: Path, files: Sequence[Path], real: dict[str, Path]) -> set[Path]:
    """The files below a folder, by their paths as written or with links followed."""
    real_folder = Path(os.path.realpath(folder))
    below = {file for file in files if folder in file.parents}
    return below | {file for name, file in real.items() if real_folder in Path(name).parents}


def _nothing(project: ProjectConfig, site_files: SiteFiles, where: Path) -> UsageError:
    if project.file is None:
        nothing = f"no site file in {where}, and no {PROJECT_FILE} there or above"
        return UsageError(nothing, "start a project with: reconciler init")
    patterns = ", ".join(quoted(pattern).strip("'") for pattern in project.sites)
    place = f"in {where}" if where == project.root else f"of the project {project.root} is in {where}"
    nothing = f"no site file {place}: `sites` is {patterns}"
    unread = [shown_path(file) for file in site_files.passed_over if absolute_path(where) in file.parents]
    if not unread:
        return UsageError(nothing, f"write one, or change `sites` in {PROJECT_FILE}")
    more = len(unread) - _SHOWN
    files = ", ".join(unread[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
    return UsageError(f"{nothing}, which does not match {files}", f"widen `sites` in {PROJECT_FILE}, or move the files")
