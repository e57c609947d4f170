"""The type of the JSON objects that the sandbox keeps, receives and sends."""

from __future__ import annotations

from typing import Any, TypeAlias

JsonDict: TypeAlias = dict[str, Any]
"""A JSON object as a plain, changeable value."""
