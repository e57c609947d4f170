"""Source code as syntax trees, for tests that read the whole package."""

from __future__ import annotations

import ast
from functools import cache


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a source, which no test may change: parsing the package takes longer than looking at all of it."""
    return ast.parse(source)
