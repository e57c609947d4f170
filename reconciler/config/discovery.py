"""Which project a path belongs to. Looks only at names, never into a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reconciler.model.diagnostics import UsageError

PROJECT_FILE: Final = "reconciler.yaml"
MISNAMED: Final = "reconciler.yml"


def find_root(paths: Sequence[Path]) -> tuple[Path, Path | None]:
    """The folder of the one project that all paths belong to, and its reconciler.yaml if there is one.

    If no paths are given, the current directory is used. Raises UsageError for a path that does not exist, and for
    paths of two projects.
    """
    found: dict[Path, tuple[Path, Path | None]] = {}
    for path in paths or (Path(),):
        absolute = absolute_path(path)
        if not os.path.lexists(absolute):
            raise UsageError(f"there is no file or folder {path}", "check the path and its permissions")
        found.setdefault(_root_of(absolute)[0], (path, _root_of(absolute)[1]))
    if len(found) > 1:
        (first, (one, _)), (second, (other, _)) = list(found.items())[:2]
        message = f"{one} and {other} belong to different projects, {first} and {second}"
        raise UsageError(message, "give paths of one project at a time")
    ((root, (_, file)),) = found.items()
    return root, file


def root_of_plan(file: Path) -> Path | None:
    """The folder of the project that a saved plan is shown in: the current folder's, or else that of the plan's folder.

    None if neither has one. `apply` uses only the first.
    """
    for paths in ((), (absolute_path(file).parent,)):
        root, project_file = find_root(paths)
        if project_file is not None or os.path.isdir(root / "sites"):
            return root
    return None


def absolute_path(path: Path) -> Path:
    """A path from the root of the file system, keeping its symbolic links."""
    try:
        return Path(os.path.abspath(path))
    except OSError as error:  # the current directory has been removed
        raise UsageError(f"the current directory cannot be used: {error.strerror}", "change to another one") from None


def _root_of(path: Path) -> tuple[Path, Path | None]:
    folder = path if os.path.isdir(path) else path.parent
    for above in (folder, *folder.parents):
        if os.path.lexists(above / PROJECT_FILE):
            return above, above / PROJECT_FILE
        if os.path.lexists(above / MISNAMED):
            raise UsageError(f"{above / MISNAMED} is not read", f"name it {PROJECT_FILE}")
    # No project file: `sites/` and `approvals/` are directly below the root, whichever part of them was named.
    root = folder
    for above in (folder, *folder.parents):
        if above.name in ("sites", "approvals") and not os.path.isdir(above / "sites"):
            root = above.parent
            break
    if (misspelt := _misspelt(root)) is not None:
        raise UsageError(f"{root / misspelt} is not read", f"name it {PROJECT_FILE}")
    return root, None


def _misspelt(root: Path) -> str | None:
    """A YAML file in a folder whose name is nearly that of a project file: without that file, defaults would hold."""
    from difflib import get_close_matches

    try:
        names = [name for name in os.listdir(root) if name.lower().endswith((".yaml", ".yml"))]
    except OSError:
        return None
    near = get_close_matches(PROJECT_FILE, [name.lower() for name in names], 1, cutoff=0.9) if names else ()
    return next((name for name in names if name.lower() in near), None)


def shown_path(path: Path) -> str:
    """A path as messages show it: relative to the current directory if it is below it, otherwise absolute."""
    return PathDisplay().path(path)


class PathDisplay:
    """Paths as messages show them, for many at once: the current directory is looked up only once."""

    def __init__(self) -> None:
        try:
            here = os.getcwd()
        except OSError:  # it has been removed
            here = ""
        self._here = here.rstrip(os.sep) + os.sep if here else ""

    def path(self, path: Path | str) -> str:
        """Relative to the current directory if it is below it, otherwise absolute."""
        text = str(path)
        if not self._here:
            return text
        return text.removeprefix(self._here) if text + os.sep != self._here else "."

    def below(self, shown: str) -> str:
        """The part of a full path that comes before its shown path."""
        return "" if os.path.isabs(shown) else self._here
