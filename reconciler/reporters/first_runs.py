"""At how many sites the current values become the baseline: said once, because it means the same on each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from reconciler.engine.site_results import SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.planner.generation import FIRST_CONTACT, NEW_BASELINE
from reconciler.reporters.blocks import all_or_part


class FirstRuns:
    """Takes the note about a new baseline from the sites that have it, and makes one note of all that are alike."""

    def __init__(self, *, list_sites: bool = False) -> None:
        self._list_sites = list_sites
        self._notes: dict[str, Diagnostic] = {}
        self._counts = dict.fromkeys((FIRST_CONTACT, NEW_BASELINE), 0)
        self._names: dict[str, list[str]] = {code: [] for code in self._counts}

    def taken_from(self, planned: SitePlanned) -> SitePlanned:
        """The site without the note."""
        plan = planned.plan
        for note in plan.notes:
            if note.code in self._counts:
                self._notes[note.code] = note
                self._counts[note.code] += 1
                if self._list_sites or not self._names[note.code]:
                    self._names[note.code].append(planned.name)
                return replace(planned, plan=replace(plan, notes=tuple(other for other in plan.notes if other != note)))
        return planned

    def notes(self, of: int) -> Iterator[tuple[Diagnostic, tuple[str, ...]]]:
        """The notes for a run over `of` sites, each with its sites: one of them, or all if they are listed."""
        for code, count in self._counts.items():
            if not count:
                continue
            names, note = tuple(self._names[code]), self._notes[code]
            if of > 1:
                where = names[0] if count == 1 else all_or_part(count, of)
                # A site without a baseline may be new, too.
                first = " (first run there)" if code == FIRST_CONTACT else ""
                note = Diagnostic.note(code, f"The current settings and events of {where} become the baseline{first}.")
            yield note, names
