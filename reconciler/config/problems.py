"""The problems of a run over many files: the first thousand in full, the others as a number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.model.diagnostics import Diagnostic

MAX_EXPLAINED: Final = 1000
"""Whoever has more than that to put right begins with these; explaining all could take hours."""

_MORE: Final = Diagnostic("more-problems", "", "")


class Problems(list[Diagnostic]):
    """A list of problems that takes the first MAX_EXPLAINED as they are; of the others it keeps the number alone."""

    def append(self, found: Diagnostic) -> None:
        """Takes a problem in, or, when the list is full, notes once more that there are more."""
        super().append(found if len(self) < MAX_EXPLAINED else _MORE)

    def extend(self, found: Iterable[Diagnostic]) -> None:
        """Takes several in, as `append` does."""
        for one in found:
            self.append(one)

    @property
    def full(self) -> bool:
        """Whether nothing more needs to be explained."""
        return len(self) >= MAX_EXPLAINED

    def told(self) -> tuple[Diagnostic, ...]:
        """The problems to show; the last one says how many more there are."""
        more = len(self) - MAX_EXPLAINED
        if more <= 0:
            return tuple(self)
        message = f"at least {more:,} more problems are not listed; fix these {MAX_EXPLAINED:,} first"
        return (*self[:MAX_EXPLAINED], Diagnostic("more-problems", message))
