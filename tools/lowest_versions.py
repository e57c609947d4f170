"""Prints the lowest version of each dependency that pyproject.toml allows, as constraints for pip.

python tools/lowest_versions.py > lowest.txt && python -m pip install --constraint lowest.txt .
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

PYPROJECT: Final = Path(__file__).resolve().parents[1] / "pyproject.toml"
_BOUND: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?>=(?P<lowest>[0-9][0-9.]*)")


def lowest_versions() -> list[str]:
    """`name==version` for each dependency of the package itself. Raises ValueError for one without a lower bound."""
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    found = []
    for requirement in project["dependencies"]:
        bound = _BOUND.match(requirement)
        if bound is None:
            raise ValueError(f"{requirement}: has no lower bound")
        found.append(f"{bound['name']}=={bound['lowest']}")
    return found


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in lowest_versions()))
