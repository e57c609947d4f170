"""The approvals files of a project as they are now: read when they change, and written without losing an edit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.config.approvals import approvals_in
from reconciler.config.discovery import shown_path
from reconciler.config.project import ProjectConfig
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.trust import refused_path
from reconciler.config.yaml_source import MAX_BYTES
from reconciler.model.address import SiteName
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import Diagnostic, Place, UsageError, problem
from reconciler.whole_files import ChangedMeanwhile, write_atomically

MOST_TRIES: Final = 5
"""How many times writing a decision is tried if somebody else writes the file at the same moment."""

FileStamp = tuple[int, int, int]


class SiteFile(Struct, frozen=True):
    """An approvals file at one moment. With `problems`, nothing in it can be shown or decided.

    `data` is None if there is no file, or it cannot be read.
    """

    site: SiteName
    path: Path
    stamp: FileStamp | None = None
    data: bytes | None = None
    approvals: Approvals = Approvals()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def shown(self) -> str:
        """Its path as messages show it."""
        return shown_path(self.path)

    @property
    def text(self) -> str:
        """The file's text; empty if `data` is None."""
        return (self.data or b"").decode("utf-8")


class ApprovalsFolder:
    """The files of some sites of a project. Outside the project, only folders that were allowed are read or written."""

    def __init__(self, project: ProjectConfig, sites: Iterable[SiteName]) -> None:
        self._project = project
        self.files = {site: SiteFile(site, project.approvals_file(site)) for site in sites}
        self.look()

    def also(self, sites: Iterable[SiteName]) -> None:
        """Adds the files of sites that the project has now."""
        for site in sites:
            self.files.setdefault(site, SiteFile(site, self._project.approvals_file(site)))

    def look(self) -> None:
        """Reads what has changed since the last call."""
        for site in self.files:
            self._look(site)

    def now(self, site: SiteName) -> SiteFile:
        """A site's file as it is at this moment. Raises KeyError for a site that is not in `files`."""
        self._look(site)
        return self.files[site]

    def change(self, site: SiteName, made: Callable[[SiteFile], tuple[str, Approvals] | None]) -> None:
        """Writes what is made from a file as it is now; it is made again if somebody else writes the file meanwhile.

        `made` returns the new text and what it says, or None to leave it. Raises UsageError if it cannot be written.
        """
        for _ in range(MOST_TRIES):
            before = self.now(site)
            if (result := made(before)) is None:
                return
            text, approvals = result
            if refused := refused_path(before.path, self._project.root, self._project.trust):
                raise UsageError(refused.message, refused.fix, Place(before.shown), continues=True)
            try:
                write_atomically(before.path, text, before.data)
            except ChangedMeanwhile:
                continue
            except OSError as error:
                what = f"cannot be written: {error.strerror}"
                place, fix = Place(before.shown), "check its permissions and the disk"
                raise UsageError(what, fix, place, continues=True) from None
            self.files[site] = SiteFile(site, before.path, _stamp(before.path), text.encode("utf-8"), approvals)
            return
        raise UsageError("another program keeps writing to it", "try again", Place(self.files[site].shown))

    def _look(self, site: SiteName) -> None:
        known = self.files[site]
        stamp = _stamp(known.path)
        if stamp != known.stamp or (stamp is None and known.problems):
            self.files[site] = self._read(site, known.path)

    def _read(self, site: SiteName, path: Path) -> SiteFile:
        if refused := refused_path(path, self._project.root, self._project.trust):
            return SiteFile(site, path, _stamp(path), problems=(refused.at(Place(shown_path(path))),))
        # The stamp is taken before the text: if somebody writes in between, the next check sees it.
        stamp = _stamp(path)
        try:
            data = read_regular(path, MAX_BYTES + 1)
        except FileNotFoundError:
            return SiteFile(site, path)
        except OSError as error:
            message = "is not a regular file" if isinstance(error, NotRegular) else f"cannot be read: {error.strerror}"
            return SiteFile(site, path, stamp, problems=(problem(Place(shown_path(path)), message, continues=True),))
        problems: list[Diagnostic] = []
        found = approvals_in(path, site, problems, data)
        approvals = found[0] if found is not None else Approvals()
        return SiteFile(site, path, stamp, data, approvals, tuple(problems))


def _stamp(path: Path) -> FileStamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
