"""How work grows, counted in function calls, because times vary."""

from __future__ import annotations

import sys
from collections.abc import Callable


def calls(work: Callable[[], object]) -> int:
    """How many function calls the work makes."""
    found = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def is_linear(work: Callable[[int], Callable[[], object]]) -> bool:
    """Whether the third hundred costs about as much as the second."""
    _, one, two, three = (calls(work(count)) for count in (10, 100, 200, 300))  # the first one imports
    return (three - two) < 1.2 * (two - one)
