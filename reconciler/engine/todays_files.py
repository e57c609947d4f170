"""Whether a project's files are still what a run read: checked before each attempt of a call that publishes.

A run may wait for a long time before it publishes: for approval, a generation, a request limit. Meanwhile, somebody may
have paused publishing, tightened a policy or removed a site from the project (docs/design.md 6). What may still go out
after that is for the next run to judge, which reads the site again.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from reconciler.config.discovery import PROJECT_FILE
from reconciler.config.project import ProjectConfig, find_project
from reconciler.config.sites import SiteEntry, check_sites
from reconciler.config.stamps import stamp_of
from reconciler.executor.fence import unreadable
from reconciler.model.approvals import Approvals
from reconciler.model.canonical import Digest
from reconciler.model.codec import to_plain
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place, UsageError
from reconciler.model.outcomes import Trouble
from reconciler.model.policy import Policy
from reconciler.model.sites import DesiredSite

AGAIN: Final = "run plan again"


class TodaysFiles:
    """The files as they are now, read again only if the file system says that one was written."""

    def __init__(self) -> None:
        self._project: ProjectConfig | None = None
        self._entries: dict[str, SiteEntry] = {}

    def forbid(self, project: ProjectConfig, entry: SiteEntry) -> Diagnostic | None:
        """Why no more posts of a site may be published; None if its file and the policy still say the same."""
        stamp = stamp_of(project.root / PROJECT_FILE)
        if (stamp, stamp_of(entry.file)) == (project.stamp, entry.stamp):
            return None
        found = self._entries.get(entry.id)
        known = self._project is not None and self._project.stamp == stamp
        if not known or found is None or stamp_of(found.file) != found.stamp:
            try:
                self._project, self._entries = _read(project)
            except (InvalidFiles, UsageError) as error:
                self._project = None
                return unreadable("the project's files", error)
        assert self._project is not None
        return _changed(project, entry, self._project, self._entries.get(entry.id))


def _read(before: ProjectConfig) -> tuple[ProjectConfig, dict[str, SiteEntry]]:
    """The project and its sites as they are now. Raises InvalidFiles and UsageError."""
    project = find_project((before.root,), before.trust)
    try:
        return project, {entry.id: entry for entry in check_sites(project).entries}
    except UsageError:  # the project no longer has any sites
        return project, {}


def _changed(
    before: ProjectConfig, entry: SiteEntry, project: ProjectConfig, now: SiteEntry | None
) -> Diagnostic | None:
    if _limits(before.policy) != _limits(project.policy):
        return _forbidden(f"the policy in {PROJECT_FILE} was changed in the meantime")
    if now is None or now.name != entry.name:
        return _forbidden(f"the project has no site {entry.name} with this id any more")
    if now.problems or _meaning(now.load()) != _meaning(entry.load()):
        return _forbidden(f"{now.place.file} was changed in the meantime")
    return None


def _forbidden(what: str) -> Diagnostic:
    return Diagnostic(Trouble.NO_LONGER_ALLOWED, what, AGAIN)


def _limits(policy: Policy) -> Policy:
    """What a policy says, wherever it is written."""
    return replace(policy, place=Place(""), places=())


def _meaning(site: DesiredSite) -> Any:
    """What a file says, apart from where it is written and from the approvals, which are judged one by one."""
    return _without_places(to_plain(replace(site, approvals=Approvals(), digest=Digest(""))))


def _without_places(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _without_places(member) for key, member in plain.items() if key not in ("place", "places")}
    return [_without_places(member) for member in plain] if isinstance(plain, list) else plain
