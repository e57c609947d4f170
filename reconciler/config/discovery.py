"""Which project a path lies in, and which site files a project has. Looks at names alone, never into a file."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from reconciler.model.diagnostics import Diagnostic, Place, UsageError, problem

PROJECT_FILE: Final = "reconciler.yaml"
MISNAMED: Final = "reconciler.yml"


def find_root(paths: Sequence[Path]) -> tuple[Path, Path | None]:
    """The folder of the one project that all paths lie in, and its reconciler.yaml if there is one.

    Without a path it is the current directory. Raises UsageError for a path that is not there, and for paths of
    two projects.
    """
    found: dict[Path, tuple[Path, Path | None]] = {}
    for path in paths or (Path(),):
        absolute = absolute_path(path)
        if not os.path.lexists(absolute):
            raise UsageError(f"there is no file or folder {path}; check the path, and that it may be read")
        found.setdefault(_root_of(absolute)[0], (path, _root_of(absolute)[1]))
    if len(found) > 1:
        (first, (one, _)), (second, (other, _)) = list(found.items())[:2]
        message = f"{one} and {other} lie in two projects, {first} and {second}"
        raise UsageError(f"{message}; give paths of one project at a time")
    ((root, (_, file)),) = found.items()
    return root, file


def absolute_path(path: Path) -> Path:
    """A path from the root of the file system, with its symbolic links as they are."""
    try:
        return Path(os.path.abspath(path))
    except OSError as error:  # the current directory is gone
        raise UsageError(f"the current directory cannot be used: {error.strerror}; change to another one") from None


def _root_of(path: Path) -> tuple[Path, Path | None]:
    folder = path if path.is_dir() else path.parent
    for above in (folder, *folder.parents):
        if os.path.lexists(above / PROJECT_FILE):
            return above, above / PROJECT_FILE
        if os.path.lexists(above / MISNAMED):
            raise UsageError(f"{above / MISNAMED} is not read; name it {PROJECT_FILE}")
    # No project file: `sites/` stands directly below the root, whichever part of it was named.
    inside = folder.name == "sites" and not (folder / "sites").is_dir()
    return (folder.parent if inside else folder), None


def site_files(root: Path, globs: Sequence[str], keep_out: Path, paths: Sequence[Path]) -> list[Path]:
    """The site files that the paths name: all of the project, those below a folder, or a file itself.

    `keep_out` is the folder of the approvals, whose files are no site files whatever the globs say. Sorted, each
    once. Raises UsageError where there is none.
    """
    covered: list[Path] | None = None
    chosen: set[Path] = set()
    for path in paths or (root,):
        absolute = absolute_path(path)
        if not absolute.is_dir() and absolute.name != PROJECT_FILE:
            chosen.add(absolute)
            continue
        if covered is None:
            covered = _covered(root, globs, keep_out)
        whole = absolute in (root, root / PROJECT_FILE)
        below = covered if whole else [file for file in covered if absolute in file.parents]
        if not below:
            patterns = ", ".join(globs)
            where = f"no site file in {root}" if whole else f"no site file of the project {root} lies in {path}"
            if not os.path.lexists(root / PROJECT_FILE):
                raise UsageError(
                    f"{where}, and no {PROJECT_FILE} there or above; start a project with: reconciler init"
                )
            raise UsageError(f"{where}: `sites` is {patterns}; write one, or change `sites` in {PROJECT_FILE}")
        chosen.update(below)
    return sorted(chosen)


def _covered(root: Path, globs: Sequence[str], keep_out: Path) -> list[Path]:
    found: set[Path] = set()
    for pattern in globs:
        for name in glob.iglob(pattern, root_dir=root, recursive=True):
            found.add(root / name)
    return sorted(file for file in found if file.name != PROJECT_FILE and keep_out not in file.parents)


def unreadable_folders(root: Path, globs: Iterable[str]) -> list[Diagnostic]:
    """The folders that globs begin with and that cannot be listed: globbing passes over them in silence."""
    problems: list[Diagnostic] = []
    for pattern in globs:
        fixed = root
        for part in Path(pattern).parts[:-1]:
            if glob.has_magic(part):
                break
            fixed = fixed / part
        try:
            with os.scandir(fixed):
                pass
        except FileNotFoundError:
            continue
        except OSError as error:
            problems.append(problem(Place(shown_path(fixed)), f"cannot be listed: {error.strerror}"))
    return problems


def shown_path(path: Path) -> str:
    """A path as messages show it: from the current directory if it lies there, else in full."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
