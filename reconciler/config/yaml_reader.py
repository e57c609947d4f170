"""Parser events -> documents. Without recursion, so that any depth is safe; aliases count as what they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


class DocumentReader:
    """Builds the values of one file from events, without recursion."""

    def __init__(self, file: str, problems: list[Diagnostic], max_weight: int = MAX_WEIGHT) -> None:
        self.file = file
        self.problems = problems
        self.max_weight = max_weight
        self.anchors: dict[str, tuple[Any, Any, int]] = {}
        """What each anchor stands for: a value, its positions and its weight."""

    def read(self, parser: Any) -> Iterator[Document]:
        """The documents, each as soon as it is read. Raises yaml.YAMLError, and GiveUp once its problem is reported."""
        try:
            yield from self._documents(parser.get_event)
        finally:
            parser.dispose()

    def _documents(self, next_event: Callable[[], Any]) -> Iterator[Document]:  # noqa: C901 - a call for each event would take longer than the rest
        index, weight, most = 0, 0, self.max_weight
        # The container that is being read, its positions, and the key that waits for its value. For a list, `keys` is
        # None. `stack` has the containers around it.
        items: Any = []
        sources = SourceMap(None, None, [])
        keys, parts = sources.keys, sources.parts
        key: Any = None
        key_mark = anchor = None
        start = 0
        stack: list[tuple[Any, SourceMap, Any, Any, str | None, int]] = []
        while True:
            event = next_event()
            kind = type(event)
            if kind is ScalarEvent:
                text: str = event.value
                part = event.start_mark
                weight += 1 + (len(text) >> 8)
                if weight > most:
                    self._too_much(part)
                if keys is not None and key is None:
                    if text in keys or text == "<<" or event.tag is not None:
                        self._unusual_key(event, keys)
                    if event.anchor is not None:
                        self.anchors[event.anchor] = (text, part, 1 + (len(text) >> 8))
                    key, key_mark = text, part
                    continue
                value = text
                if event.tag is not None:
                    value = self._tagged(text, event.tag, part)
                elif text[:1] in NOT_ALWAYS_TEXT and event.implicit[0]:
                    value = self._plain(text, part)
                if event.anchor is not None:
                    self.anchors[event.anchor] = (value, part, 1 + (len(text) >> 8))
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value, part = items, sources
                if anchor is not None:
                    self.anchors[anchor] = (items, sources, weight - start + 1)
                items, sources, key, key_mark, anchor, start = stack.pop()
                keys, parts = sources.keys, sources.parts
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                weight += 1
                if weight > most:
                    self._too_much(event.start_mark)
                self._check_start(event, len(stack), for_key=keys is not None and key is None)
                stack.append((items, sources, key, key_mark, anchor, start))
                items, keys, parts = ({}, {}, {}) if kind is MappingStartEvent else ([], None, [])
                sources = SourceMap(event.start_mark, keys, parts)
                key, anchor, start = None, event.anchor, weight
                continue
            elif kind is AliasEvent:
                value, part, more = self._anchored(event, {anchor, *(around[4] for around in stack)})
                weight += more
                if weight > most:
                    self._too_much(event.start_mark)
                if keys is not None and key is None:
                    self._check_alias(event.start_mark, value, keys)
                    key, key_mark = value, event.start_mark
                    continue
            elif kind is DocumentEndEvent:
                yield self._document(index, items.pop(), parts.pop())
                index += 1
                continue
            elif kind is StreamEndEvent:
                return
            else:
                if kind is DocumentStartEvent:
                    weight, self.anchors = 0, {}
                continue
            if keys is None:
                items.append(value)
                parts.append(part)
            else:
                if key not in keys:  # if a key is duplicated, the first value counts
                    keys[key] = key_mark
                    items[key] = value
                    parts[key] = part
                key = None

    def _document(self, index: int, value: Any, sources: Any) -> Document:
        mark = sources.mark if isinstance(sources, SourceMap) else sources
        return Document(self.file, index, value, Place(self.file, mark.line + 1, mark.column + 1), sources)

    def _unusual_key(self, event: Any, keys: dict[str, Any]) -> None:
        text, mark = event.value, event.start_mark
        if event.tag is not None and event.tag not in _TEXT_TAGS:
            self._problem(mark, f"the tag {in_quotes(event.tag)} is not supported", "remove it")
        if text == "<<" and event.implicit[0]:
            self._problem(mark, "YAML 1.2 has no merge keys", "write the keys out, or use `defaults`")
        elif text in keys:
            self._twice(text, mark, keys)

    def _twice(self, key: str, mark: Any, keys: dict[str, Any]) -> None:
        first = keys[key].line + 1
        self._problem(mark, f"{quoted(key)} is defined twice (first on line {first})", "keep one of them")

    def _check_start(self, event: Any, depth: int, *, for_key: bool) -> None:
        mark = event.start_mark
        if depth >= MAX_DEPTH:
            self._problem(mark, f"this is nested more than {MAX_DEPTH} levels deep", "flatten it")
            raise GiveUp
        if event.tag is not None and event.tag not in _CONTAINER_TAGS:
            self._problem(mark, f"the tag {in_quotes(event.tag)} is not supported", "remove it")
        if for_key:
            self._problem(mark, "a key must be text, not a list or a mapping", "quote it if it is text")
            raise GiveUp

    def _anchored(self, event: Any, around: set[str | None]) -> tuple[Any, Any, int]:
        """What an alias stands for. `around` are the anchors of the containers that it is in."""
        found = self.anchors.get(event.anchor)
        inside = event.anchor in around
        if found is None or inside:
            what = (
                "refers to something that contains it" if inside else "refers to an anchor that is not defined above it"
            )
            self._problem(event.start_mark, f"*{event.anchor} {what}", "write the value out")
            raise GiveUp
        return found

    def _check_alias(self, mark: Any, key: Any, keys: dict[str, Any]) -> None:
        """Checks an alias that is used as a key."""
        if not isinstance(key, str):
            self._problem(mark, "a key must be text", "write the key out")
            raise GiveUp
        if key in keys:
            self._twice(key, mark, keys)

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
        hint = "write the values out, or use `defaults`"
        self._problem(mark, f"this has more than {self.max_weight:,} values once its anchors are expanded", hint)
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
