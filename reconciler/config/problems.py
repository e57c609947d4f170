"""The problems of a run over many files: the first thousand in full, the others only counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from reconciler.model.diagnostics import MORE_PROBLEMS, Diagnostic, Place
from reconciler.model.plurals import plural

MAX_EXPLAINED: Final = 1000
"""How many problems are explained. Explaining all of them could take hours."""

_MORE: Final = Diagnostic(MORE_PROBLEMS, "", "")


class Problems(list[Diagnostic]):
    """A list of problems that keeps the first MAX_EXPLAINED as they are and only counts the others."""

    def __init__(self, found: Iterable[Diagnostic] = ()) -> None:
        super().__init__(found)
        self._shared: dict[Diagnostic, dict[Place, None]] = {}

    def append(self, found: Diagnostic) -> None:
        """Adds a problem, or counts it if the list is full."""
        super().append(found if len(self) < MAX_EXPLAINED else _MORE)

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Adds several, as `append` does."""
        for problem in found:
            self.append(problem)

    def share(self, found: Diagnostic, other: Place | None) -> None:
        """Adds a problem that several files may share, once for all of them; `other` is its place in one of them."""
        if found not in self._shared:
            self._shared[found] = {}
            self.append(found)
        if other is not None:
            self._shared[found][other] = None

    @property
    def full(self) -> bool:
        """Whether nothing more needs to be explained."""
        return len(self) >= MAX_EXPLAINED

    def reported(self) -> tuple[Diagnostic, ...]:
        """The problems to show. If there are more, the last one says how many."""
        explained, more = map(self._with_places, self[:MAX_EXPLAINED]), len(self) - MAX_EXPLAINED
        if more <= 0:
            return tuple(explained)
        message = f"at least {plural(more, 'more problem')} not listed; fix the others first"
        return (*explained, Diagnostic(MORE_PROBLEMS, message))

    def _with_places(self, found: Diagnostic) -> Diagnostic:
        """A problem; a shared one with its first other place, and how many more there are."""
        if not (places := self._shared.get(found)):
            return found
        first, *others = places
        more = f" and {plural(len(others), 'other place')}" if others else ""
        return replace(found, message=f"{found.message} (see {first}{more})")
