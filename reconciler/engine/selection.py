"""Which sites a run works on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.config.approval_files import NOTHING_COMMITTED
from reconciler.config.project import ProjectConfig
from reconciler.config.repository import Repository
from reconciler.config.sites import SiteEntry, SiteIndex, without
from reconciler.engine.choice import Shard, SiteFilter
from reconciler.model.address import DRAFTLESS, SiteName
from reconciler.model.canonical import digest_of, freeze
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Severity, UsageError
from reconciler.planner.targets import ByAddress, TargetFilter, is_chosen, near, no_such, target_filter

if TYPE_CHECKING:
    from reconciler.planner.document import RunPart


class Selection(Struct, frozen=True):
    """The sites of a run, and which parts of their plans are wanted. `of` counts all sites of the project.

    `warnings` are about its files: almost certain mistakes that stop nothing. `declared` gives the ids of all sites of
    the project in lower case; None if they are not known.
    """

    project: ProjectConfig
    entries: tuple[SiteEntry, ...]
    targets: TargetFilter
    of: int
    warnings: tuple[Diagnostic, ...] = ()
    declared: Callable[[], frozenset[str]] | None = None
    part: RunPart | None = None
    """Which part of the sites it is, if there are several parts."""
    elsewhere: frozenset[SiteName] = frozenset()
    """The sites of the other parts."""
    left_out: tuple[SiteEntry, ...] = ()
    """The sites that paths or options leave out; in one of several parts, only its share of them."""
    every: tuple[SiteEntry, ...] = ()
    """All sites of the project, including those that are not in this run or its part."""

    def __len__(self) -> int:
        return len(self.entries)

    def credentials(self) -> frozenset[str]:
        """The names of the credentials of its sites."""
        return credentials_in(self.entries)

    @property
    def outside(self) -> tuple[SiteEntry, ...]:
        """The sites that the targets name and that paths, the shard or `--changed-since` leave out.

        Only for targets with addresses; without one, they are not needed.
        """
        if not any(isinstance(each, ByAddress) for each in (*self.targets.included, *self.targets.excluded)):
            return ()
        return tuple(entry for entry in without(self.every, self.entries) if is_chosen(self.targets, entry))


def select(project: ProjectConfig, index: SiteIndex, choice: SiteFilter, *, publish: bool = True) -> Selection:
    """The sites that the options leave. Parts that were made with a different `publish` are not parts of one whole.

    Raises UsageError for an option that names nothing that exists, and InvalidFiles if git cannot be asked what was
    approved.
    """
    unknown = [warning for warning in index.warnings if warning.code == NOTHING_COMMITTED]
    if unknown:  # an approval that cannot be looked up was not withdrawn: nothing may be cancelled because of it
        raise InvalidFiles(replace(warning, severity=Severity.ERROR) for warning in unknown)
    targets = target_filter(choice.targets, choice.excludes, index.entries, index.others)
    everything = targets == TargetFilter()
    chosen = index.entries if everything else tuple(entry for entry in index.entries if is_chosen(targets, entry))
    entries = chosen if choice.shard is None else tuple(entry for entry in chosen if in_shard(entry.name, choice.shard))
    elsewhere = frozenset(entry.name for entry in without(chosen, entries))
    if choice.changed_since is not None:
        entries = _changed(project, entries, choice.changed_since)
    every = index.entries + index.others
    share = every if choice.shard is None else [entry for entry in every if in_shard(entry.name, choice.shard)]
    return Selection(
        project,
        entries,
        targets,
        index.total,
        index.run_warnings,
        index.declared,
        _part(project, index, choice, publish=publish),
        elsewhere,
        without(share, entries),
        every,
    )


def credentials_in(entries: Iterable[SiteEntry]) -> frozenset[str]:
    """The names of the credentials of sites, as far as their files can be used."""
    return frozenset(entry.load().ref.credentials for entry in entries if not entry.problems)


def whole_sites(selection: Selection, command: str) -> None:
    """Raises UsageError for an address of an object, which means nothing to a command that works on whole sites.

    Settings, events and the marketing plan may be excluded: that changes nothing there, and the `plan` that follows can
    have the same arguments.
    """
    for option, selectors in (("--target", selection.targets.included), ("--exclude", selection.targets.excluded)):
        for selector in selectors:
            if isinstance(selector, ByAddress) and (option == "--target" or selector.address.kind not in DRAFTLESS):
                import shlex  # only for the error

                site = f"{option} {shlex.quote(selector.address.site)}"
                fix = f"name the site: {site}" if option == "--target" else f"leave it out, or exclude the site: {site}"
                raise UsageError(f"{option} {selector}: {command} works on whole sites", fix)


def _part(project: ProjectConfig, index: SiteIndex, choice: SiteFilter, *, publish: bool) -> RunPart | None:
    if choice.shard is None:
        return None
    from reconciler.planner.document import RunPart

    options = [list(choice.targets), list(choice.excludes), choice.changed_since, publish]
    config = digest_of(freeze([project.digest, index.content, options]))
    return RunPart(choice.shard.number, choice.shard.count, config)


def repository_of(project: ProjectConfig) -> Repository:
    """The repository that a project is in, with the environment that its git processes may see."""
    return Repository(project.root, dict(project.trust.environment))


def in_shard(name: SiteName, shard: Shard) -> bool:
    """Whether a site is in a part. Depends only on its name, so a new site does not move others to another part."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shard.count == shard.number - 1


def _changed(project: ProjectConfig, entries: tuple[SiteEntry, ...], revision: str) -> tuple[SiteEntry, ...]:
    changed = repository_of(project).changed_since(revision)
    if project.file is not None and changed.has(project.file):
        return entries
    return tuple(
        entry for entry in entries if changed.has(entry.file) or changed.has(project.approvals_file(entry.name))
    )


def regenerated(names: tuple[str, ...], selection: Selection) -> frozenset[SiteName]:
    """The sites of `--regenerate`. Raises UsageError for one that is not part of the run."""
    known = [entry.name for entry in selection.entries]
    for name in names:
        if name not in known and name not in selection.elsewhere:
            message = f"--regenerate {name}: no site in this run has that name"
            raise no_such(message, near(name, known), "use the name of a site in this run")
    return frozenset(SiteName(name) for name in names)
