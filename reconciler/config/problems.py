"""The problems of a run over many files: the first thousand in full, the others only counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.model.diagnostics import Diagnostic
from reconciler.model.plurals import plural

MAX_EXPLAINED: Final = 1000
"""How many problems are explained. Explaining all of them could take hours."""

_MORE: Final = Diagnostic("more-problems", "", "")


class Problems(list[Diagnostic]):
    """A list of problems that keeps the first MAX_EXPLAINED as they are and only counts the others."""

    def append(self, found: Diagnostic) -> None:
        """Adds a problem, or counts it if the list is full."""
        super().append(found if len(self) < MAX_EXPLAINED else _MORE)

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Adds several, as `append` does."""
        for problem in found:
            self.append(problem)

    @property
    def full(self) -> bool:
        """Whether nothing more needs to be explained."""
        return len(self) >= MAX_EXPLAINED

    def reported(self) -> tuple[Diagnostic, ...]:
        """The problems to show. If there are more, the last one says how many."""
        more = len(self) - MAX_EXPLAINED
        if more <= 0:
            return tuple(self)
        message = f"not listed: at least {plural(more, 'more problem')}; fix these {MAX_EXPLAINED:,} first"
        return (*self[:MAX_EXPLAINED], Diagnostic("more-problems", message))
