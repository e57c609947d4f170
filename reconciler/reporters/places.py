"""Where in the repository a finding is shown: forges need a file for each, even if it was found on a site."""

from __future__ import annotations

import posixpath
from typing import Final

from msgspec.structs import replace

from reconciler.engine.results import Event, RunStarted
from reconciler.model.diagnostics import Diagnostic, Place

PROJECT_FILE: Final = "reconciler.yaml"


class Places:
    """Knows the file of each site of a run. Paths begin at the top of the checkout; the run is in its `folder`."""

    def __init__(self, folder: str = "") -> None:
        self._folder = folder
        self._sites: dict[str, Place] = {}

    def handle(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._sites = dict(event.places)

    def of(self, finding: Diagnostic) -> Place:
        """The finding's own place, or the document of its site, or the project file."""
        site = self._sites.get(finding.address.site) if finding.address is not None else None
        return in_checkout(self._folder, finding.place or site or Place(PROJECT_FILE, 1, 1))


def in_checkout(folder: str, place: Place) -> Place:
    """A place whose path begins in this folder of a checkout, with a path that begins at its top."""
    if not folder or not place.file:
        return place
    return replace(place, file=posixpath.normpath(posixpath.join(folder, place.file)))
