"""Packed: a value that can be put aside while nobody needs it, and then takes a tenth of its memory."""

from __future__ import annotations

import zlib
from typing import Generic, TypeVar

from reconciler.model.codec import from_json, to_json

T = TypeVar("T")

_LEVEL, _WINDOW, _MEMORY = 1, 14, 6
"""How values are packed. Clearing zlib's usual tables takes longer than packing a few kilobytes."""


class Packed(Generic[T]):
    """A value that is put aside with `pack`, and is there again when it is next used."""

    __slots__ = ("_data", "_kind", "_value")

    def __init__(self, kind: type[T], value: T) -> None:
        self._kind = kind
        self._value: T | None = value
        self._data = b""

    @property
    def value(self) -> T:
        """The value, unpacked if it was put aside."""
        if self._value is None:
            self._value, self._data = from_json(self._kind, zlib.decompress(self._data)), b""
        return self._value

    @value.setter
    def value(self, value: T) -> None:
        self._value, self._data = value, b""

    def pack(self) -> None:
        """Puts the value aside."""
        if self._value is not None:
            packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY)
            data = packer.compress(to_json(self._value)) + packer.flush()
            self._value, self._data = None, data
