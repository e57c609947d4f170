"""Importing libraries without compiling their regular expressions: a run uses hardly any of them.

Some take longer to compile than a site file takes to read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final


class LatePattern:
    """A regular expression that is compiled on first use, and otherwise behaves like any other."""

    def __init__(self, pattern: Any, flags: int) -> None:
        self._late = pattern, flags

    def __getattr__(self, name: str) -> Any:
        """What only a compiled expression has."""
        if name.startswith("_"):  # asked by `copy`, before the copy has any attributes
            raise AttributeError(name)
        found = getattr(re.compile(*self._late), name)
        setattr(self, name, found)
        return found


@contextmanager
def patterns_later(*packages: str) -> Iterator[None]:
    """In this block, the expressions of these packages are compiled on first use. All others are compiled at once."""
    kept: Final = re.compile

    def put_off(pattern: Any, flags: int = 0) -> Any:
        name = sys._getframe(1).f_globals.get("__name__", "")
        late = isinstance(pattern, str | bytes) and name.partition(".")[0] in packages
        return LatePattern(pattern, flags) if late else kept(pattern, flags)

    vars(re)["compile"] = put_off
    try:
        yield
    finally:
        vars(re)["compile"] = kept
