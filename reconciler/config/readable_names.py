"""What the files of a project name, for completion in a shell. A mistake anywhere in a file hides only what it garbles.

Only the part of a file that is needed is read, because somebody is waiting for it. Nothing here is checked, and nothing
is reported: the commands do that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from reconciler.config.project import InvalidProject, ProjectConfig, find_project
from reconciler.config.site_files import find_site_files, named_by
from reconciler.config.trust import ProjectBounds, Trust
from reconciler.config.yaml_source import documents, read_file
from reconciler.model.address import SITE_NAME, Labels

_SITE: Final = re.compile(rb"^site:.*(?:\n(?:[ \t\r#].*)?(?=\n|\Z))*", re.MULTILINE)
"""The part of a site file that says which site it is for: the key and the lines below it that are indented."""

_CHANNEL: Final = re.compile(rb"^[ \t]+(?:- )?channel:[ \t]*[\"']?(\w+)", re.MULTILINE)


class ReadableSite(Struct, frozen=True):
    """A site as a file names it."""

    name: str
    labels: Labels = ()


def readable_sites(paths: Sequence[Path], trust: Trust) -> tuple[ProjectConfig, list[ReadableSite]]:
    """The project of the paths, or its usable part, and the sites that they name, as far as their files can be read.

    Raises UsageError if the paths name no project or no site.
    """
    try:
        project = find_project(paths, trust)
    except InvalidProject as invalid:
        project = invalid.project
    site_files = find_site_files(project)
    named = named_by(project, site_files, paths)
    files = site_files.files if named.whole else sorted(named.files)
    bounds = ProjectBounds(project.root, trust)
    read = (_content(file, bounds) for file in (*files, *named.others))
    return project, [site for data in read for site in _sites(data)]


def readable_channels(project: ProjectConfig, sites: Sequence[ReadableSite]) -> Iterator[str]:
    """The channels of the drafts in the approvals files of these sites."""
    bounds = ProjectBounds(project.root, project.trust)
    for site in sites:
        for channel in _CHANNEL.findall(_content(project.approvals_file(site.name), bounds)):
            yield channel.decode("utf-8", "replace")


def _content(file: Path, bounds: ProjectBounds) -> bytes:
    return b"" if bounds.refused(file) else read_file(file, "", []) or b""


def _sites(data: bytes) -> list[ReadableSite]:
    """The sites that a file names. All of it is read only if the usual place names none."""
    parts = (site for part in _SITE.findall(data.removeprefix(b"\xef\xbb\xbf")) for site in _sites_in(part))
    return list(parts) or list(_sites_in(data))


def _sites_in(data: bytes) -> Iterator[ReadableSite]:
    for document in documents(data, "", []):
        site = document.value.get("site") if isinstance(document.value, dict) else None
        written = site if isinstance(site, dict) else {"name": site}  # an approvals file has only the name
        name = written.get("name")
        if isinstance(name, str) and SITE_NAME.match(name):
            yield ReadableSite(name, _labels(written.get("labels")))


def _labels(written: Any) -> Labels:
    pairs = written.items() if isinstance(written, dict) else ()
    return tuple((key, value) for key, value in pairs if isinstance(key, str) and isinstance(value, str))
