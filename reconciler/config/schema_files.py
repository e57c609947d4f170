"""The files of schemas/, as they are. Imports nothing that checks a value: `schema` and `init` only write them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SCHEMAS: Final = ("site", "project", "approvals", "plan", "report", "sandbox")

_HERE = Path(__file__).resolve().parent.parent
_FOLDERS = (_HERE / "schemas", _HERE.parent / "schemas")
"""In an installed package, and in a checkout."""


def schema_text(name: str) -> str:
    """The text of the JSON Schema of this name, one of SCHEMAS. Raises KeyError for another name."""
    if name not in SCHEMAS:
        raise KeyError(name)
    for folder in _FOLDERS:
        path = folder / f"{name}.schema.json"
        if path.is_file():
            return path.read_text("utf-8")
    raise FileNotFoundError(f"{name}.schema.json is missing from this installation of reconciler")
