"""Where in the repository a finding is shown: forges need a file for each, even if it was found on a site."""

from __future__ import annotations

from typing import Final

from reconciler.engine.results import Event, RunStarted
from reconciler.model.diagnostics import Diagnostic, Place

PROJECT_FILE: Final = "reconciler.yaml"


class Places:
    """Knows the file of each site of a run."""

    def __init__(self) -> None:
        self._sites: dict[str, Place] = {}

    def handle(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._sites = dict(event.places)

    def of(self, finding: Diagnostic) -> Place:
        """The finding's own place, or the document of its site, or the project file."""
        if finding.place is not None:
            return finding.place
        site = self._sites.get(finding.address.site) if finding.address is not None else None
        return site or Place(PROJECT_FILE, 1, 1)
