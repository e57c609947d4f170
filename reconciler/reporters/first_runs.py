"""On how many sites this is the first run: said once, because it means the same on each."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from reconciler.engine.site_results import SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.planner.generation import FIRST_CONTACT
from reconciler.reporters.blocks import all_or_part

BASELINE: Final = "current settings and events become the baseline."


class FirstRuns:
    """Takes the note about a first run from the sites that have it, and makes one note of them all."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._list_sites = list_sites
        self._note: Diagnostic | None = None
        self._count = 0
        self.names: list[str] = []
        """The sites: one of them, or all if they are listed."""

    def taken_from(self, planned: SitePlanned) -> SitePlanned:
        """The site without the note."""
        plan = planned.plan
        for note in plan.notes:
            if note.code == FIRST_CONTACT:
                self._note = note
                self._count += 1
                if self._list_sites or not self.names:
                    self.names.append(planned.name)
                return replace(planned, plan=replace(plan, notes=tuple(other for other in plan.notes if other != note)))
        return planned

    def note(self, of: int) -> Diagnostic | None:
        """The note for a run over `of` sites; None if it is the first on none of them."""
        if self._note is None or of == 1:
            return self._note
        text, whose = (self.names[0], "its") if self._count == 1 else (all_or_part(self._count, of), "their")
        return Diagnostic.note(FIRST_CONTACT, f"First run on {text}: {whose} {BASELINE}")
