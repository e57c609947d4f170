"""Checks values against schemas/. A fast validator says yes; only a no is looked at closely (explain.py)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from reconciler.config.yaml_source import Document
from reconciler.model.problems import Problem

SCHEMAS: Final = ("site", "project", "approvals", "plan")

_HERE = Path(__file__).resolve().parent.parent
_FOLDERS = (_HERE / "schemas", _HERE.parent / "schemas")
"""In an installed package, and in a checkout."""


def schema_text(name: str) -> str:
    """The text of a JSON Schema: `site`, `project`, `approvals` or `plan`. Raises KeyError for another name."""
    if name not in SCHEMAS:
        raise KeyError(name)
    for folder in _FOLDERS:
        path = folder / f"{name}.schema.json"
        if path.is_file():
            return path.read_text("utf-8")
    raise FileNotFoundError(f"{name}.schema.json is missing from this installation of reconciler")


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema as a value, which nobody changes."""
    value: dict[str, Any] = json.loads(schema_text(name))
    return value


@cache
def _fast(name: str) -> Callable[[Any], bool]:
    import jsonschema_rs

    is_valid: Callable[[Any], bool] = jsonschema_rs.Draft7Validator(schema(name)).is_valid
    return is_valid


def check(document: Document, name: str, problems: list[Problem]) -> bool:
    """Whether a document is what its schema says; every problem of it goes to `problems`."""
    if _fast(name)(document.value):
        return True
    from reconciler.config.explain import explain

    problems.extend(explain(document, schema(name)))
    return False
