"""PyYAML, imported without compiling the regular expressions that no run uses.

Its own reader and resolver compile a dozen when they are imported, which takes longer than reading a site file. Files
are read by libyaml, and their scalars resolved by scalars.py, so hardly any of the expressions is ever used.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final


class LatePattern:
    """A regular expression that is compiled on first use, and otherwise behaves like any other."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._late = pattern, flags

    def __getattr__(self, name: str) -> Any:
        """What only a compiled expression has."""
        if name.startswith("_"):  # copying asks for these before `_late` is set
            raise AttributeError(name)
        found = getattr(re.compile(*self._late), name)
        setattr(self, name, found)
        return found


@contextmanager
def _patterns_later(package: str) -> Iterator[None]:
    """In this block, the expressions of a package are compiled on first use. Everybody else's are compiled at once."""
    kept: Final = re.compile

    def put_off(pattern: Any, flags: int = 0) -> Any:
        name = sys._getframe(1).f_globals.get("__name__", "")
        ours = isinstance(pattern, str) and name.partition(".")[0] == package
        return LatePattern(pattern, flags) if ours else kept(pattern, flags)

    vars(re)["compile"] = put_off
    try:
        yield
    finally:
        vars(re)["compile"] = kept


with _patterns_later("yaml"):
    import yaml

__all__ = ["yaml"]
