"""What git says of a project: which files differ from a revision, and which commit this is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from reconciler.model.diagnostics import UsageError


def changed_files(root: Path, revision: str) -> frozenset[str]:
    """Paths below `root`, relative to it, that differ between the revision and the working tree, new ones included.

    Raises UsageError where there is no git, no repository or no such revision.
    """
    _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", revision=revision)
    differing = _git(
        root, "diff", "--name-only", "--no-renames", "--no-ext-diff", "--relative", "-z", revision, "--", "."
    )
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return frozenset(path for path in (differing + untracked).split("\0") if path)


def _git(root: Path, *arguments: str, revision: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell; the revision is checked before it is used
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("--changed-since needs git, and there is no git on the PATH") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = f"git says: {said[-1]}" if said else f"git knows no revision {revision!r}; is the history fetched?"
        raise UsageError(f"--changed-since: {why}")
    return done.stdout.decode("utf-8", "surrogateescape")


def head_commit(root: Path) -> str | None:
    """The commit that is checked out, to be noted with what is published; None where there is no repository."""
    return _told(root, "rev-parse", "--verify", "--quiet", "HEAD")


def last_author(file: Path) -> str | None:
    """Who made the last commit to a file, to be noted as the approver; None where git does not know."""
    return _told(file.parent, "log", "-1", "--format=%an", "--", file.name) if file.exists() else None


def _told(folder: Path, *arguments: str) -> str | None:
    """What git answers, where there is a repository and it has an answer."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and only names of files of the project in it
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace").strip() or None if done.returncode == 0 else None
