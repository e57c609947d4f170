"""Parser events -> documents. Without recursion, so that any depth is safe; anchors count as what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.config.documents import Document, SourceMap
from reconciler.config.scalars import NOT_ALWAYS_TEXT, NotInJson, plain_value
from reconciler.config.words import quoted
from reconciler.model.diagnostics import Diagnostic, Place, problem
from reconciler.model.text import in_quotes

MAX_DEPTH: Final = 100
MAX_WEIGHT: Final = 100_000
"""The limit for one document with its anchors expanded: each value counts 1, plus 1 for every 256 characters."""


class GiveUp(Exception):
    """The rest of the file is not worth reading; the problem has already been reported."""


class _Frame:
    """A container that is being read. `keys` and `parts` are those of its source map; `keys` is None for a list."""

    __slots__ = ("anchor", "items", "key", "key_mark", "keys", "parts", "sources", "start")

    def __init__(self, items: Any, sources: SourceMap, anchor: str | None, start: int) -> None:
        self.items = items
        self.sources = sources
        self.keys = sources.keys
        self.parts = sources.parts
        self.anchor = anchor
        self.start = start
        self.key: str | None = None
        self.key_mark: Any = None

    def add(self, value: Any, sources: Any) -> None:
        """Adds a value. Of a duplicate key, the first value counts."""
        if self.keys is None:
            self.items.append(value)
            self.parts.append(sources)
            return
        key, self.key = self.key, None
        if key is not None and key not in self.keys:
            self.keys[key] = self.key_mark
            self.items[key] = value
            self.parts[key] = sources

    @property
    def wants_key(self) -> bool:
        return self.keys is not None and self.key is None


class DocumentReader:
    """Builds the values of one file from events, without recursion."""

    def __init__(self, file: str, problems: list[Diagnostic]) -> None:
        self.file = file
        self.problems = problems
        self.weight = 0
        self.anchors: dict[str, tuple[Any, Any, int]] = {}
        self.root = _Frame([], SourceMap(None, None, []), None, 0)
        self.frame = self.root
        self.stack: list[_Frame] = []

    def read(self, parser: Any) -> Iterator[Document]:
        """The documents, each as soon as it is read. Raises yaml.YAMLError, and GiveUp once its problem is reported."""
        next_event = parser.get_event
        index = 0
        try:
            while True:
                event: Any = next_event()
                kind = type(event)
                if kind is ScalarEvent:
                    self._scalar(event)
                elif kind is MappingStartEvent:
                    self._open(event, {}, SourceMap(event.start_mark, {}, {}))
                elif kind is MappingEndEvent or kind is SequenceEndEvent:
                    self._close()
                elif kind is SequenceStartEvent:
                    self._open(event, [], SourceMap(event.start_mark, None, []))
                elif kind is AliasEvent:
                    self._alias(event)
                elif kind is DocumentStartEvent:
                    self.weight, self.anchors = 0, {}
                elif kind is DocumentEndEvent:
                    yield self._document(index)
                    index += 1
                elif kind is StreamEndEvent:
                    return
        finally:
            parser.dispose()

    def _document(self, index: int) -> Document:
        value, sources = self.root.items.pop(), self.root.parts.pop()
        mark = sources.mark if isinstance(sources, SourceMap) else sources
        return Document(self.file, index, value, Place(self.file, mark.line + 1, mark.column + 1), sources)

    def _scalar(self, event: Any) -> None:
        # The path taken by nearly all of a file, so it is written for speed.
        text: str = event.value
        mark = event.start_mark
        frame = self.frame
        self.weight += 1 + (len(text) >> 8)
        if self.weight > MAX_WEIGHT:
            self._too_much(mark)
        tag, anchor = event.tag, event.anchor
        keys = frame.keys
        if keys is not None and frame.key is None:
            if text in keys or text == "<<" or tag is not None:
                self._unusual_key(event, keys)
            if anchor is not None:
                self.anchors[anchor] = (text, mark, 1 + (len(text) >> 8))
            frame.key, frame.key_mark = text, mark
            return
        value: Any = text
        if tag is not None:
            value = self._tagged(text, tag, mark)
        elif text[:1] in NOT_ALWAYS_TEXT and event.implicit[0]:
            value = self._plain(text, mark)
        if anchor is not None:
            self.anchors[anchor] = (value, mark, 1 + (len(text) >> 8))
        if keys is None:
            frame.items.append(value)
            frame.parts.append(mark)
            return
        key: Any = frame.key
        frame.key = None
        if key not in keys:
            keys[key] = frame.key_mark
            frame.items[key] = value
            frame.parts[key] = mark

    def _unusual_key(self, event: Any, keys: dict[str, Any]) -> None:
        text, mark = event.value, event.start_mark
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._problem(mark, f"the tag {in_quotes(event.tag)} is not supported", "remove it")
        if text == "<<" and event.implicit[0]:
            self._problem(
                mark, "YAML 1.2 has no merge keys", "write the keys out, or use `defaults` in reconciler.yaml"
            )
        elif text in keys:
            self._twice(text, mark, keys)

    def _twice(self, key: str, mark: Any, keys: dict[str, Any]) -> None:
        first = keys[key].line + 1
        self._problem(mark, f"{quoted(key)} is defined twice (first on line {first})", "keep one of them")

    def _open(self, event: Any, items: Any, sources: SourceMap) -> None:
        self.weight += 1
        mark = sources.mark
        if self.weight > MAX_WEIGHT:
            self._too_much(mark)
        if len(self.stack) >= MAX_DEPTH:
            self._problem(mark, f"this is nested more than {MAX_DEPTH} levels deep", "flatten it")
            raise GiveUp
        if event.tag is not None and event.tag not in _CONTAINER_TAGS:
            self._problem(mark, f"the tag {in_quotes(event.tag)} is not supported", "remove it")
        if self.frame.wants_key:
            self._problem(mark, "a key must be text, not a list or keys and values", "quote it if it is text")
            raise GiveUp
        self.stack.append(self.frame)
        self.frame = _Frame(items, sources, event.anchor, self.weight)

    def _close(self) -> None:
        frame, self.frame = self.frame, self.stack.pop()
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.items, frame.sources, self.weight - frame.start + 1)
        self.frame.add(frame.items, frame.sources)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        found = self.anchors.get(event.anchor)
        inside = any(frame.anchor == event.anchor for frame in (*self.stack, self.frame))
        if found is None or inside:
            what = (
                "refers to something that contains it" if inside else "refers to an anchor that is not defined above it"
            )
            self._problem(mark, f"*{event.anchor} {what}", "write the value out")
            raise GiveUp
        value, sources, weight = found
        self.weight += weight
        if self.weight > MAX_WEIGHT:
            self._too_much(mark)
        frame = self.frame
        if not frame.wants_key:
            frame.add(value, sources)
            return
        if not isinstance(value, str):
            self._problem(mark, "a key must be text", "write the key out")
            raise GiveUp
        if frame.keys is not None and value in frame.keys:
            self._twice(value, mark, frame.keys)
        frame.key, frame.key_mark = value, mark

    def _plain(self, text: str, mark: Any) -> Any:
        try:
            return plain_value(text)
        except NotInJson as error:
            self._problem(mark, f"{quoted(text)} {error}", "put it in quotes if it is text")
            return text

    def _tagged(self, text: str, tag: str, mark: Any) -> Any:
        if tag in _TEXT_TAGS:
            return text
        value = self._plain(text, mark)
        types = _TAGGED.get(tag)
        if types is None:
            self._problem(mark, f"the tag {in_quotes(tag)} is not supported", "remove it")
        elif type(value) not in types:
            self._problem(mark, f"{quoted(text)} does not match its tag", "leave the tag out")
        return value

    def _too_much(self, mark: Any) -> None:
        hint = "write the values out, or use `defaults` in reconciler.yaml"
        self._problem(mark, f"this has more than {MAX_WEIGHT:,} values once its anchors are expanded", hint)
        raise GiveUp

    def _problem(self, mark: Any, message: str, hint: str = "") -> None:
        self.problems.append(problem(Place(self.file, mark.line + 1, mark.column + 1), message, hint))


_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", _TAG + "str"})
_CONTAINER_TAGS = frozenset({"!", _TAG + "map", _TAG + "seq"})
_TAGGED: dict[str, tuple[type, ...]] = {
    _TAG + "int": (int,),
    _TAG + "float": (float, int),
    _TAG + "bool": (bool,),
    _TAG + "null": (type(None),),
}
