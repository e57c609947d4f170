"""Which sites a run is over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from reconciler.cli.changed import changed_files
from reconciler.cli.options import Choice, Shard
from reconciler.config.project import Project
from reconciler.config.sites import SiteEntry, SiteIndex, load_entries
from reconciler.model.address import SiteName
from reconciler.model.diagnostics import UsageError
from reconciler.model.sites import DesiredSite
from reconciler.planner.targets import TargetFilter, is_chosen, near, target_filter


class Selection(Struct, frozen=True):
    """The sites of a run, and what of their plans is wanted."""

    project: Project
    entries: tuple[SiteEntry, ...]
    narrowing: TargetFilter

    def __len__(self) -> int:
        return len(self.entries)

    def sites(self) -> Iterator[DesiredSite]:
        """The sites, read as they are asked for."""
        return load_entries(self.project, self.entries)


def select(project: Project, index: SiteIndex, choice: Choice) -> Selection:
    """The sites that the options leave. Raises UsageError for an option that names nothing there is."""
    narrowing = target_filter(choice.targets, choice.excludes, index.entries)
    entries = [one for one in index.entries if is_chosen(narrowing, one)]
    if choice.shard is not None:
        entries = [one for one in entries if in_shard(one.name, choice.shard)]
    if choice.changed_since is not None:
        entries = _changed(project, entries, choice.changed_since)
    return Selection(project, tuple(entries), narrowing)


def in_shard(name: SiteName, shard: Shard) -> bool:
    """Whether a site is in a part. By its name alone, so that a new site moves no other."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard.count == shard.number - 1


def _changed(project: Project, entries: list[SiteEntry], revision: str) -> list[SiteEntry]:
    root = project.root.resolve()
    changed = changed_files(root, revision)
    if project.file is not None and project.file.name in changed:
        return entries

    def below(path: Path) -> str:
        resolved = path.parent.resolve() / path.name
        return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else ""

    return [one for one in entries if below(one.file) in changed or below(project.approvals_file(one.name)) in changed]


def regenerated(names: tuple[str, ...], selection: Selection) -> frozenset[SiteName]:
    """The sites of `--regenerate`. Raises UsageError for one that is no part of the run."""
    known = [one.name for one in selection.entries]
    for name in names:
        if name not in known:
            raise UsageError(f"--regenerate {name}: no site of this run has that name{near(name, known)}")
    return frozenset(SiteName(name) for name in names)
