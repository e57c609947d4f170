"""New site files: where they belong in a project, and how one of them is read back."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reconciler.config.approval_files import ApprovalFiles
from reconciler.config.discovery import PROJECT_FILE, shown_path
from reconciler.config.patterns import fixed_folder
from reconciler.config.problems import Problems
from reconciler.config.project import ProjectConfig
from reconciler.config.site import read_site
from reconciler.config.trust import refused_path
from reconciler.config.yaml_source import documents, read_file
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import InvalidFiles, Place, UsageError, problem
from reconciler.model.sites import DesiredSite
from reconciler.whole_files import write_atomically


def place_of(project: ProjectConfig, name: SiteName) -> Path:
    """Where the file of a new site belongs.

    Raises InvalidFiles if the file already exists, and UsageError if no pattern of the project would match it or if it
    would be outside the project.
    """
    file = f"{name}.yaml"
    for pattern in project.sites:
        path = project.root / fixed_folder(pattern) / file
        if not _takes(project, pattern, path):
            continue
        if refused := refused_path(path, project.root, project.trust):
            raise UsageError(f"{shown_path(path)} {refused.message}", refused.fix)
        if os.path.lexists(path):
            fix = "move it, and run again"
            raise InvalidFiles((problem(Place(shown_path(path)), "the file exists and declares another site", fix),))
        return path
    raise UsageError(
        f"no pattern in `sites` of {PROJECT_FILE} matches a new file {file}", "add one such as sites/**/*.yaml"
    )


def write_file(path: Path, text: str) -> None:
    """Writes a file completely or not at all. Raises UsageError if it cannot be written."""
    try:
        write_atomically(path, text)
    except OSError as error:
        raise UsageError(f"{shown_path(path)} cannot be written: {error.strerror}", "it was not changed") from None


def read_text(path: Path) -> str | None:
    """The text of a file; None if it does not exist. Raises UsageError if it cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{shown_path(path)} cannot be read: {error}", "nothing was changed") from None


def _takes(project: ProjectConfig, pattern: str, path: Path) -> bool:
    """Whether a pattern would find a file at a path that does not exist yet."""
    regex = "".join(_part(part) for part in pattern.split("/") if part not in ("", "."))
    return re.fullmatch(regex, path.relative_to(project.root).as_posix() + "/") is not None


def _part(part: str) -> str:
    from fnmatch import translate

    return "(?:[^/]+/)*" if part == "**" else f"{translate(part).removesuffix(chr(92) + 'Z')}/"


def read_one_site(project: ProjectConfig, path: Path, id: str) -> DesiredSite:
    """The site with that id in a file, with its approvals, as they are now. Raises InvalidFiles."""
    shown, problems = shown_path(path), Problems()
    data = read_file(path, shown, problems)
    approvals = ApprovalFiles(project)
    found = None
    for document in documents(data, shown, problems) if data is not None else ():
        site = read_site(document, project, approvals, problems)
        if site is not None and site.site.ref.id.lower() == id.lower():
            found = site
            problems += site.problems
    if found is None and not problems:
        problems.append(problem(Place(shown), "no longer declares the site", "run import again", continues=True))
    if problems or found is None:
        raise InvalidFiles(problems.reported())
    return found.site
