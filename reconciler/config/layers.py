"""A value and where it came from: a document alone, or a site's document over the defaults of its project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from reconciler.config.documents import Document
from reconciler.config.words import KeyPath, close_match, dotted
from reconciler.model.diagnostics import Diagnostic, Place, problem, warning
from reconciler.model.settings import ATOMIC_MEMBERS
from reconciler.model.text import about

IS_OVER: Final = "time-has-passed"
"""The code of a warning that something has passed, which only `validate` gives."""


class Layer(Struct, frozen=True):
    """A part of a document: its usable value, and where in the document it begins."""

    document: Document
    value: Any
    prefix: KeyPath = ()


class MergedDocument:
    """A value merged from layers, lowest precedence first. Problems are recorded at the layer that a value came from.

    `inherited` are problems in the layers below the highest, which other documents share: each with the place of the
    conflicting value, if that is in another layer. `doubtful` are warnings about usable values.
    """

    __slots__ = ("_layers", "doubtful", "inherited", "problems", "value")

    def __init__(self, layers: Sequence[Layer], problems: list[Diagnostic]) -> None:
        self._layers = layers
        self.problems = problems
        self.inherited: list[tuple[Diagnostic, Place | None]] = []
        self.doubtful: list[Diagnostic] = []
        self.value: Any = layers[0].value
        for layer in layers[1:]:
            self.value = merge(self.value, layer.value)

    @property
    def document(self) -> Document:
        """The document of the layer with the highest precedence."""
        return self._layers[-1].document

    def problem(
        self,
        path: KeyPath,
        message: str,
        hint: str = "",
        *,
        against: KeyPath | None = None,
        key: bool = False,
        continues: bool = False,
    ) -> None:
        """Records a problem with the value at a path, or with its key; `continues` as in `about`.

        `against` is the path of the value that it contradicts: if that comes from another layer, both places are named.
        """
        place, where = self._find(path, key=key)
        what = about(where, message, continues=continues) if where else message
        found, owner = problem(place, what, hint), self.owner(path)
        other = self._find(against, key=False)[0] if against is not None and self.owner(against) is not owner else None
        if other is not None or owner is not self._layers[-1]:
            self.inherited.append((found, other))
        else:
            self.problems.append(found)

    def warning(
        self, path: KeyPath, message: str, fix: str, *, code: str, key: bool = False, continues: bool = False
    ) -> Diagnostic:
        """A warning about what is written at a path; `continues` as in `about`."""
        place, where = self._find(path, key=key)
        what = about(where, message, continues=continues) if where else message
        return warning(place, what, fix, code=code)

    def is_over(self, path: KeyPath, message: str) -> Diagnostic:
        """A warning that the time written at a path has passed."""
        return self.warning(path, message, "remove it, or choose a later date", code=IS_OVER, continues=True)

    def owner(self, path: KeyPath) -> Layer:
        """The layer that the value at a path comes from: the layer with the highest precedence that sets it."""
        return next(
            (layer for layer in reversed(self._layers) if layer.document.has(layer.prefix + path)), self._layers[-1]
        )

    def is_below(self, path: KeyPath) -> bool:
        """Whether a layer below the highest sets the value at a path."""
        return any(layer.document.has(layer.prefix + path) for layer in self._layers[:-1])

    def lacks(self, section: str, key: str) -> bool:
        """Whether a key is missing in a section; not if it is misspelt, because that is reported as such."""
        if key in self.value[section]:
            return False
        written = (layer.document.members((*layer.prefix, section)) for layer in self._layers)
        return not any(close_match(other, [key]) for keys in written for other in keys)

    def _find(self, path: KeyPath, *, key: bool) -> tuple[Place, str]:
        """Where the value at a path is written, and what a message calls it."""
        owner = self.owner(path)
        where = owner.prefix + path
        return owner.document.place(where, key=key), dotted(where)


def merge(under: Any, over: Any) -> Any:
    """Objects merge by key. Anything else is replaced by the layer above, as are objects that count as one value."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return over
    merged = dict(under)
    for key, value in over.items():
        merged[key] = merge(under[key], value) if key in under and key not in ATOMIC_MEMBERS else value
    return merged
