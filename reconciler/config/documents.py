"""A YAML document: its plain values, and where each of them is."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconciler.config.words import KeyPath
from reconciler.model.diagnostics import Place


class SourceMap:
    """The positions of a container's parts, by key or index. A scalar's position is just its mark."""

    __slots__ = ("keys", "mark", "parts")

    def __init__(self, mark: Any, keys: dict[Any, Any] | None, parts: Any) -> None:
        self.mark = mark
        self.keys = keys
        self.parts = parts


class Document(Struct, frozen=True):
    """One YAML document. `value` consists of plain dicts and lists, which are never modified."""

    file: str
    index: int
    value: Any
    start: Place
    sources: Any

    def place(self, path: KeyPath, *, key: bool = False) -> Place:
        """The place of the value at a path, or of its key. If there is no such value, the nearest one above it."""
        spot, mark = self.sources, None
        for step in path:
            if not isinstance(spot, SourceMap):
                break
            mark = spot.keys.get(step) if spot.keys is not None else None
            part = _part(spot, step)
            if part is None:
                return self._at(spot.mark)
            spot = part
        value_mark = spot.mark if isinstance(spot, SourceMap) else spot
        return self._at(mark if key and mark is not None else value_mark)

    def has(self, path: KeyPath) -> bool:
        """Whether there is a value at a path."""
        spot = self.sources
        for step in path:
            spot = _part(spot, step) if isinstance(spot, SourceMap) else None
            if spot is None:
                return False
        return True

    def members(self, path: KeyPath) -> tuple[str, ...]:
        """The keys of the object at a path; empty if there is no object there."""
        if not self.has(path):
            return ()
        value: Any = self.value
        for step in path:
            value = value[step]
        return tuple(value) if isinstance(value, dict) else ()

    def _at(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)


def _part(spot: SourceMap, step: str | int) -> Any:
    if spot.keys is not None:
        return spot.parts.get(step)
    return spot.parts[step] if isinstance(step, int) and 0 <= step < len(spot.parts) else None
