"""What a shell offers for the values of options and arguments.

Problems are ignored here, because the command reports them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.config.project import ProjectConfig
    from reconciler.config.readable_names import ReadableSite


def complete_sites(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of sites that begin with the given text."""
    return _beginning(incomplete, (site.name for site in _opened(ctx)[1]))


def complete_targets(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The names of sites, and their labels as targets, that begin with the given text."""
    sites = _opened(ctx)[1]
    labels = (f"label:{key}={value}" for site in sites for key, value in site.labels)
    return _beginning(incomplete, (*(site.name for site in sites), *labels))


def complete_channels(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The channels of the drafts in the approvals files of the sites."""
    from reconciler.config.readable_names import readable_channels

    project, sites = _opened(ctx)
    return _beginning(incomplete.upper(), readable_channels(project, sites) if project else ())


def complete_outputs(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The formats; after the equals sign, the files and folders that the report can go to."""
    from reconciler.reporters.registry import FORMATS

    name, equals, typed = incomplete.partition("=")
    if not equals:
        return [format for format in FORMATS if format.startswith(incomplete)]
    return [f"{name}={file}" for file in _files(typed)] if name in FORMATS else []


def _beginning(incomplete: str, words: Iterable[str]) -> list[str]:
    return sorted(word for word in set(words) if word.startswith(incomplete) and word.isprintable())


def _opened(ctx: click.Context) -> tuple[ProjectConfig | None, list[ReadableSite]]:
    """The project that the words so far name, or that of the current folder, with the sites that they choose."""
    from reconciler.config.readable_names import readable_sites
    from reconciler.config.trust import ALLOW_PATHS, trust_of
    from reconciler.model.diagnostics import UsageError

    try:
        return readable_sites(_paths(ctx), trust_of({ALLOW_PATHS: os.environ.get(ALLOW_PATHS, "")}))
    except UsageError:
        return None, []


def _paths(ctx: click.Context) -> tuple[Path, ...]:
    """The paths among the words before the cursor. If an option still lacks its value, click leaves them in `args`."""
    named = ctx.params.get("paths") or ctx.args
    return tuple(Path(path) for path in named if os.path.exists(path))


def _files(typed: str) -> list[str]:
    """The files and folders whose path begins with what was typed; a folder ends with a slash, to continue typing."""
    folder, slash, beginning = typed.rpartition("/")
    try:
        found = sorted(Path(f"{folder}{slash}" or ".").iterdir())
    except (OSError, ValueError):
        return []
    return [
        f"{folder}{slash}{path.name}{'/' if os.path.isdir(path) else ''}"
        for path in found
        if path.name.startswith(beginning) and (beginning or not path.name.startswith("."))
    ]
