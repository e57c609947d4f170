"""What a shell offers for the values of options and arguments.

Problems are ignored here, because the command reports them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.config.project import ProjectConfig
    from reconciler.config.sites import SiteEntry


def complete_sites(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of sites that begin with the given text."""
    return _beginning(incomplete, (entry.name for entry in _opened(ctx)[1]))


def complete_targets(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of sites, and their labels as targets, that begin with the given text."""
    entries = _opened(ctx)[1]
    labels = (f"label:{key}={value}" for entry in entries for key, value in entry.labels)
    return _beginning(incomplete, (*(entry.name for entry in entries), *labels))


def complete_channels(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The channels of the drafts in the approvals files of the sites."""
    return _beginning(incomplete.upper(), _channels(*_opened(ctx)))


def complete_outputs(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The formats; after the equals sign, the files and folders that the report can go to."""
    from reconciler.reporters.registry import FORMATS

    name, equals, typed = incomplete.partition("=")
    if not equals:
        return [format for format in FORMATS if format.startswith(incomplete)]
    return [f"{name}={file}" for file in _files(typed)] if name in FORMATS else []


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted(word for word in set(words) if word.startswith(incomplete))


def _opened(ctx: click.Context) -> tuple[ProjectConfig | None, tuple[SiteEntry, ...]]:
    """The project that the words so far name, or that of the current folder, with the sites that they choose."""
    from reconciler.engine.choice import Invocation
    from reconciler.library.runs import ProjectRuns

    try:
        project = ProjectRuns.read(_paths(ctx), Invocation({}), only_check=True)
        return project.files, project.index.entries
    except Exception:
        return None, ()


def _paths(ctx: click.Context) -> tuple[Path, ...]:
    """The paths among the words before the cursor. If an option still lacks its value, click leaves them in `args`."""
    named = ctx.params.get("paths") or ctx.args
    return tuple(Path(path) for path in named if Path(path).exists())


def _channels(project: ProjectConfig | None, entries: Iterable[SiteEntry]) -> Iterator[str]:
    from reconciler.config.approval_files import approvals_now
    from reconciler.model.diagnostics import InvalidFiles, UsageError

    if project is None:
        return
    for entry in entries:
        with suppress(InvalidFiles, UsageError):
            approvals = approvals_now(project, entry.name)
            yield from (draft.channel for activity in approvals.activities for draft in activity.drafts)


def _files(typed: str) -> list[str]:
    """The files and folders whose path begins with what was typed; a folder ends with a slash, to continue typing."""
    folder, slash, beginning = typed.rpartition("/")
    try:
        found = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except OSError:
        return []
    return [
        f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if path.name.startswith(beginning) and (beginning or not path.name.startswith("."))
    ]
