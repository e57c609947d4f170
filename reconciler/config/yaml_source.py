"""YAML text -> plain values with places: dict, list, str, int, float, bool, None, and where each stands.

Reads parser events (libyaml's where there is one) and builds the values itself, so that scalars are those of
YAML 1.2 (`no` and `12:30` are text, a date stays text), duplicate keys are seen, and neither deep nesting nor
anchors that explode can hurt. What a value means is schema.py's business.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
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

from reconciler.config.scalars import NOT_ALWAYS_TEXT, NotInJson, plain_value
from reconciler.config.words import KeyPath, quoted
from reconciler.config.yaml_syntax import syntax_problem
from reconciler.model.problems import Place, Problem

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML built without libyaml: the same events, more slowly
    from yaml import SafeLoader as _Parser  # type: ignore[assignment]

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 100
MAX_WEIGHT: Final = 100_000
"""Of one document with its anchors written out: one a value, and one more for every 256 characters."""


class Spots:
    """Where the parts of a container stand. A scalar's spot is its mark alone."""

    __slots__ = ("keys", "mark", "parts")

    def __init__(self, mark: Any, keys: dict[str, Any] | None, parts: Any) -> None:
        self.mark = mark
        self.keys = keys
        self.parts = parts


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `value` is made of plain dicts and lists, which nobody changes."""

    file: str
    index: int
    value: Any
    start: Place
    spots: Any

    def place(self, path: KeyPath, *, key: bool = False) -> Place:
        """Where the value at a path stands, or its key; the nearest thing above it where there is no such value."""
        spot, mark = self.spots, None
        for step in path:
            if not isinstance(spot, Spots):
                break
            mark = spot.keys.get(step) if spot.keys is not None else None  # type: ignore[arg-type]
            part = _part(spot, step)
            if part is None:
                return self._at(spot.mark)
            spot = part
        value_mark = spot.mark if isinstance(spot, Spots) else spot
        return self._at(mark if key and mark is not None else value_mark)

    def has(self, path: KeyPath) -> bool:
        """Whether there is a value at a path."""
        spot = self.spots
        for step in path:
            spot = _part(spot, step) if isinstance(spot, Spots) else None
            if spot is None:
                return False
        return True

    def _at(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)


def _part(spot: Spots, step: str | int) -> Any:
    if spot.keys is not None:
        return spot.parts.get(step)
    return spot.parts[step] if isinstance(step, int) and 0 <= step < len(spot.parts) else None


def read_file(path: Path, shown: str, problems: list[Problem]) -> bytes | None:
    """The bytes of a file; None, and a problem, where it can't be read or is too large."""
    whole = Place(shown)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            problems.append(Problem(whole, "is not a file", "give a YAML file"))
            return None
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        problems.append(Problem(whole, f"cannot be read: {error.strerror or type(error).__name__}"))
        return None
    if len(data) > MAX_BYTES:
        problems.append(Problem(whole, "is over 4 MiB", "split it into several files"))
        return None
    return data


def documents(data: bytes, file: str, problems: list[Problem], parser: Any = _Parser) -> Iterator[Document]:
    """The documents of a file, one at a time; what is wrong with the YAML itself goes to `problems`.

    A document with a problem may be left out or come with what could be read of it; a syntax error ends the file.
    `parser` is PyYAML's class that makes events: libyaml's where there is one.
    """
    text = _decoded(data, file, problems)
    if text is None:
        return
    reader = _DocumentReader(file, problems)
    try:
        yield from reader.read(parser(text))
    except yaml.YAMLError as error:
        problems.append(syntax_problem(error, text, file))
    except _GiveUp:
        pass


def only_document(path: Path, shown: str, problems: list[Problem], if_empty: str) -> Document | None:
    """The document of a file that holds one; None where its YAML has a problem. `if_empty` is what to do then."""
    data = read_file(path, shown, problems)
    if data is None:
        return None
    before = len(problems)
    found = list(documents(data, shown, problems))
    if len(problems) > before and not found:
        return None
    if len(found) > 1:
        problems.append(Problem(found[1].start, "a second document, where there is one a file", "keep one of them"))
    if not found or found[0].value is None:
        problems.append(Problem(Place(shown, 1, 1), "is empty", if_empty))
        return None
    return found[0]


def _decoded(data: bytes, file: str, problems: list[Problem]) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problems.append(Problem(Place(file, 1, 1), "is UTF-16, not UTF-8", "save the file as UTF-8"))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
        message = f"is not UTF-8: the byte 0x{data[error.start]:02x} cannot stand here"
        problems.append(Problem(Place(file, line, column), message, "save the file as UTF-8"))
        return None


class _GiveUp(Exception):
    """The rest of the file is not worth reading; the problem is noted already."""


class _Frame:
    """A container that is being read. `keys` and `parts` are those of its spots; `keys` is None for a list."""

    __slots__ = ("anchor", "items", "key", "key_mark", "keys", "parts", "spots", "start")

    def __init__(self, items: Any, spots: Spots, anchor: str | None, start: int) -> None:
        self.items = items
        self.spots = spots
        self.keys = spots.keys
        self.parts = spots.parts
        self.anchor = anchor
        self.start = start
        self.key: str | None = None
        self.key_mark: Any = None

    def add(self, value: Any, spots: Any) -> None:
        """Puts a value in its place; of a key that stands there twice the first value counts."""
        if self.keys is None:
            self.items.append(value)
            self.parts.append(spots)
            return
        key, self.key = self.key, None
        if key is not None and key not in self.keys:
            self.keys[key] = self.key_mark
            self.items[key] = value
            self.parts[key] = spots

    @property
    def wants_key(self) -> bool:
        return self.keys is not None and self.key is None


class _DocumentReader:
    """Builds the values of one file from events, without recursion."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.weight = 0
        self.anchors: dict[str, tuple[Any, Any, int]] = {}
        self.root = _Frame([], Spots(None, None, []), None, 0)
        self.frame = self.root
        self.stack: list[_Frame] = []

    def read(self, parser: Any) -> Iterator[Document]:
        """The documents, each as soon as it is read. Raises yaml.YAMLError, and _GiveUp with its problem noted."""
        next_event = parser.get_event
        index = 0
        try:
            while True:
                event: Any = next_event()
                kind = type(event)
                if kind is ScalarEvent:
                    self._scalar(event)
                elif kind is MappingStartEvent:
                    self._open(event, {}, Spots(event.start_mark, {}, {}))
                elif kind is MappingEndEvent or kind is SequenceEndEvent:
                    self._close()
                elif kind is SequenceStartEvent:
                    self._open(event, [], Spots(event.start_mark, None, []))
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
        value, spots = self.root.items.pop(), self.root.parts.pop()
        mark = spots.mark if isinstance(spots, Spots) else spots
        return Document(self.file, index, value, Place(self.file, mark.line + 1, mark.column + 1), spots)

    def _scalar(self, event: Any) -> None:
        # The path that nearly all of a file takes; it is written for speed.
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
            self._problem(mark, f"the tag {event.tag!r} is not known here", "leave it out")
        if text == "<<" and event.implicit[0]:
            self._problem(
                mark, "YAML 1.2 has no merge keys", "write the keys out, or use `defaults` in reconciler.yaml"
            )
        elif text in keys:
            self._twice(text, mark, keys)

    def _twice(self, key: str, mark: Any, keys: dict[str, Any]) -> None:
        first = keys[key].line + 1
        self._problem(mark, f"the key {quoted(key)} stands here twice, first in line {first}", "keep one of them")

    def _open(self, event: Any, items: Any, spots: Spots) -> None:
        self.weight += 1
        mark = spots.mark
        if self.weight > MAX_WEIGHT:
            self._too_much(mark)
        if len(self.stack) >= MAX_DEPTH:
            self._problem(mark, f"is nested more than {MAX_DEPTH} deep", "no file of a project is that deep")
            raise _GiveUp
        if event.tag is not None and event.tag not in _CONTAINER_TAGS:
            self._problem(mark, f"the tag {event.tag!r} is not known here", "leave it out")
        if self.frame.wants_key:
            self._problem(mark, "a key must be text, not a list or keys and values", "quote it if it is text")
            raise _GiveUp
        self.stack.append(self.frame)
        self.frame = _Frame(items, spots, event.anchor, self.weight)

    def _close(self) -> None:
        frame, self.frame = self.frame, self.stack.pop()
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.items, frame.spots, self.weight - frame.start + 1)
        self.frame.add(frame.items, frame.spots)

    def _alias(self, event: Any) -> None:
        mark = event.start_mark
        found = self.anchors.get(event.anchor)
        inside = any(frame.anchor == event.anchor for frame in (*self.stack, self.frame))
        if found is None or inside:
            what = "stands inside the very thing it names" if inside else "names an anchor that is not above it"
            self._problem(mark, f"*{event.anchor} {what}", "write the value out")
            raise _GiveUp
        value, spots, weight = found
        self.weight += weight
        if self.weight > MAX_WEIGHT:
            self._too_much(mark)
        frame = self.frame
        if not frame.wants_key:
            frame.add(value, spots)
            return
        if not isinstance(value, str):
            self._problem(mark, "a key must be text", "write the key out")
            raise _GiveUp
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
            self._problem(mark, f"the tag {tag!r} is not known here", "leave it out")
        elif type(value) not in types:
            self._problem(mark, f"{quoted(text)} is not what its tag says", "leave the tag out")
        return value

    def _too_much(self, mark: Any) -> None:
        hint = "write the values out, or use `defaults` in reconciler.yaml"
        self._problem(mark, f"holds more than {MAX_WEIGHT:,} values once its anchors are written out", hint)
        raise _GiveUp

    def _problem(self, mark: Any, message: str, hint: str = "") -> None:
        self.problems.append(Problem(Place(self.file, mark.line + 1, mark.column + 1), message, hint))


_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset({"!", _TAG + "str"})
_CONTAINER_TAGS = frozenset({"!", _TAG + "map", _TAG + "seq"})
_TAGGED: dict[str, tuple[type, ...]] = {
    _TAG + "int": (int,),
    _TAG + "float": (float, int),
    _TAG + "bool": (bool,),
    _TAG + "null": (type(None),),
}
