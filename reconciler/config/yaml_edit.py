"""Changes to a YAML text that people also edit: what is not changed stays as it is, byte for byte.

The parser says where each value is. The text is then changed at those places only, all in one pass, so that comments,
order, quoting and indentation survive, and a pull request shows only what is new. libyaml reports places ten times
faster than a parser that keeps comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct, field
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from reconciler.model.text import printable

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader, or PyYAML's own if built without it: the same places, more slowly."""

_PLAIN: Final = re.compile(r"[^\W\d_]([\w ./&()+-]*[\w)])?", re.UNICODE)
"""Texts that need no quotes in any YAML version: they start with a letter and contain nothing special."""

_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_WORDS: Final = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BOM: Final = "\ufeff"
_HEADER: Final = re.compile(r"[|>][-+0-9]*[ \t]*(#[^\r\n]*)?")


class NotEditable(Exception):
    """A part of the text is written in a way that this module does not change. Lines and columns are counted from 1."""

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(why)
        self.line, self.column, self.why = line, column, why


def scalar(text: str) -> str:
    """A text as a scalar on one line: plain if that is safe, otherwise in double quotes."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS and printable(text) == text:
        return text
    return quoted(text)


def id_scalar(id: str) -> str:
    """An id as a scalar on one line. A GUID needs no quotes: YAML never reads one as a number or a date."""
    return id if _GUID.fullmatch(id) else scalar(id)


def quoted(text: str) -> str:
    """A text in double quotes, whatever it contains. Invisible characters are written as escapes."""
    # No YAML reader accepts half of a surrogate pair, so it becomes what a browser shows for it.
    whole = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    if printable(whole) == whole:
        escaped = whole.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return '"' + "".join(_ESCAPES.get(character) or printable(character) for character in whole) + '"'


def flow(texts: Sequence[str]) -> str:
    """A list on one line."""
    safe = re.compile(r"[A-Za-z][\w./:%~?&=+-]*[\w/]")
    return "[" + ", ".join(text if safe.fullmatch(text) and ": " not in text else quoted(text) for text in texts) + "]"


def flow_members(members: Mapping[str, str]) -> str:
    """An object on one line."""
    return "{" + ", ".join(f"{scalar(name)}: {quoted(text)}" for name, text in members.items()) + "}"


def block(text: str, indent: int) -> str:
    """A text as a literal block indented by `indent`; in double quotes if a block would hide something.

    A block cannot show where its last line ends, trailing spaces, or invisible characters.
    """
    lines = text.split("\n")
    clear = (
        text.strip()
        and not text.startswith((" ", "\n"))
        and not text.endswith("\n")
        and all(line == line.rstrip() and printable(line) == line for line in lines)
    )
    if not clear:
        return quoted(text)
    return "|\n" + "\n".join(" " * indent + line if line else "" for line in lines)


class YamlText(Struct):
    """A text and the changes to it, which `result` makes all at once.

    Raises NotEditable for anchors, for text that is not YAML, and for flow style where keys or items must be added
    or removed.
    """

    text: str
    root: Any = None
    _given: str = ""
    _changes: list[tuple[int, int, int, str]] = field(default_factory=list)
    _positions: dict[int, dict[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._given = self.text
        # libyaml does not count a byte order mark in the places it reports.
        self.text = self.text.removeprefix(_BOM)
        if self.text and not self.text.endswith(("\n", "\r")):
            self.text += "\n"
        try:
            self.root = yaml.compose(self.text, Loader=_LOADER)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise NotEditable(line, column, "this is not valid YAML") from None
        seen: set[int] = set()
        for node in _nodes(self.root):
            if id(node) in seen:
                raise self._no(node, "an anchor is used here; write the value out")
            seen.add(id(node))

    @property
    def result(self) -> str:
        """The text with all changes, with its own line endings; as it was given, if they change nothing."""
        newline = "\r\n" if "\r\n" in self.text else "\n"
        pieces: list[str] = []
        done = 0
        for start, _, end, new in sorted(self._changes):
            pieces += (self.text[done:start], new.replace("\n", newline))
            done = max(done, end)
        made = "".join((*pieces, self.text[done:]))
        if made == self.text:
            return self._given
        return _BOM + made if self._given.startswith(_BOM) else made

    # --- looking

    def get(self, mapping: Any, key: str) -> Any:
        """The node at a key; None if there is none."""
        return next((value for name, value in mapping.value if name.value == key), None)

    def text_at(self, mapping: Any, key: str) -> str | None:
        """The text of the scalar at a key."""
        node = self.get(mapping, key)
        return node.value if isinstance(node, ScalarNode) else None

    def members_at(self, mapping: Any, key: str) -> dict[str, str]:
        """The scalars of the mapping at a key."""
        node = self.get(mapping, key)
        pairs = node.value if isinstance(node, MappingNode) else ()
        return {name.value: value.value for name, value in pairs if isinstance(value, ScalarNode)}

    def texts_at(self, mapping: Any, key: str) -> tuple[str, ...]:
        """The scalars of the list at a key."""
        node = self.get(mapping, key)
        return tuple(item.value for item in node.value) if isinstance(node, SequenceNode) else ()

    def text_of(self, node: Any) -> str:
        """How a scalar is written, quotes included."""
        return self.text[node.start_mark.index : self._end(node)]

    # --- changing

    def put(self, mapping: Any, key: str, value: str, after: Sequence[str] = ()) -> None:
        """Writes a value, given as YAML text, at a key. A new key goes after the last of `after` that is there."""
        for name, node in mapping.value:
            if name.value == key:
                self._replace(name, node, value)
                return
        if mapping.flow_style:
            raise self._no(mapping, "this is in flow style; write it with one key per line")
        behind = [node for name, node in mapping.value if name.value in after] or [mapping.value[-1][1]]
        at = self._line_end(self._end(behind[-1]))
        indent = " " * mapping.value[0][0].start_mark.column
        self._change(at, at, f"{indent}{key}:{'' if value.startswith(chr(10)) else ' '}{value}\n")

    def replace_node(self, node: Any, value: str) -> None:
        """Replaces a scalar, or a node in flow style, by a value given as YAML text."""
        self._change(node.start_mark.index, self._end(node), value)

    def put_word(self, mapping: Any, key: str, word: str, after: Sequence[str] = ()) -> None:
        """Writes a word at a key, in the existing quotes."""
        node = self.get(mapping, key)
        style = node.style if isinstance(node, ScalarNode) else None
        self.put(mapping, key, f"{style}{word}{style}" if style in ("'", '"') else word, after)

    def drop_key(self, mapping: Any, key: str) -> None:
        """Removes a key with its line. A comment after its value stays, on a separate line."""
        for position, (name, node) in enumerate(mapping.value):
            if name.value != key:
                continue
            if mapping.flow_style or len(mapping.value) == 1:
                raise self._no(name, "this key cannot be removed here; write it on a line of its own")
            end = self._end(node)
            after = self._line_end(end)
            behind = self.text[end:after].strip()
            comment = f"{' ' * name.start_mark.column}{behind}\n" if behind.startswith("#") else ""
            if position:
                self._change(self._line_start(name.start_mark.index), after, comment)
                return
            # The next key follows the dash, and no comment may come between the two.
            following, value = mapping.value[1]
            self._change(name.start_mark.index, following.start_mark.index, "")
            if comment:
                at = self._line_end(self._end(value))
                self._change(at, at, comment)

    def drop_items(self, mapping: Any, key: str, items: Sequence[Any]) -> None:
        """Removes items from the list at a key, each with the comments right above it."""
        if not items:
            return
        sequence = self.get(mapping, key)
        self._must_be_block(sequence)
        for item in items:
            self._change(self._item_start(sequence, item), self._item_end(sequence, item), "")

    def empty(self, mapping: Any, key: str) -> None:
        """Writes `[]` after a key whose items are all removed."""
        name = next(name for name, _ in mapping.value if name.value == key)
        at = self.text.index(":", name.end_mark.index) + 1
        self._change(at, at, " []")

    def add_items(self, mapping: Any, key: str, items: Sequence[tuple[Any, list[str]]]) -> None:
        """Adds items to the list at a key, which must exist.

        Each is a pair: the existing item it goes before (None: the end) and its lines, without indentation.
        """
        if not items:
            return
        sequence = self.get(mapping, key)
        name = next(name for name, _ in mapping.value if name.value == key)
        if not sequence.value:
            indent = name.start_mark.column + 2
            self._change(self.text.index(":", name.end_mark.index) + 1, sequence.end_mark.index, "")
            end = self._line_end(sequence.end_mark.index)
        else:
            self._must_be_block(sequence)
            indent = sequence.start_mark.column
            end = self._item_end(sequence, sequence.value[-1])
        for before, lines in items:
            at = end if before is None else self._item_start(sequence, before)
            self._change(at, at, as_item(lines, indent))

    def _replace(self, name: Any, node: Any, value: str) -> None:
        start, end = node.start_mark.index, self._end(node)
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            header = _HEADER.match(self.text, start)
            comment = header.group(1) if header else None
            if comment and value.startswith("|\n"):
                value = f"| {comment}\n{value[2:]}"
        elif isinstance(node, SequenceNode | MappingNode) and not node.flow_style:
            start, value = self.text.index(":", name.end_mark.index) + 1, f" {value}"
        self._change(start, end, value)

    def _change(self, start: int, end: int, new: str) -> None:
        self._changes.append((start, len(self._changes), end, new))

    # --- places

    def _must_be_block(self, sequence: Any) -> None:
        if sequence.flow_style:
            raise self._no(sequence, "this list is in flow style; write it with one item per line")

    def _end(self, node: Any) -> int:
        """Where a node's own text ends, without the whitespace and comments after it."""
        if isinstance(node, MappingNode) and node.value and not node.flow_style:
            return self._end(node.value[-1][1])
        if isinstance(node, SequenceNode) and node.value and not node.flow_style:
            return self._end(node.value[-1])
        start: int = node.start_mark.index
        end: int = node.end_mark.index
        return start + len(self.text[start:end].rstrip())

    def _line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def _line_end(self, index: int) -> int:
        """The start of the next line."""
        found = self.text.find("\n", index)
        return len(self.text) if found < 0 else found + 1

    def _item_start(self, sequence: Any, item: Any) -> int:
        """Where an item starts: its dash's line, or the comments right above it.

        Comments above the first item may be about the whole list, and stay.
        """
        dash = self.text.rfind("-", 0, item.start_mark.index)
        if self.text[dash + 1 : item.start_mark.index].strip():
            raise self._no(item, "a comment is between the dash and its item")
        start = self._line_start(dash)
        before = self._before(sequence, item)
        if before is None:
            return start
        floor = self._item_end(sequence, before)
        while start > floor:
            above = self._line_start(start - 1)
            if not self.text[above:start].lstrip().startswith("#"):
                break
            start = above
        return start

    def _item_end(self, sequence: Any, item: Any) -> int:
        """The line after an item, and after comments that are indented further than its dash."""
        end = self._line_end(self._end(item))
        while end < len(self.text):
            line = self.text[end : self._line_end(end)]
            inner = line.lstrip(" ")
            if not inner.startswith("#") or len(line) - len(inner) <= sequence.start_mark.column:
                break
            end = self._line_end(end)
        return end

    def _before(self, sequence: Any, item: Any) -> Any:
        """The item before another one; None for the first."""
        positions = self._positions.get(id(sequence))
        if positions is None:
            positions = self._positions[id(sequence)] = {id(each): at for at, each in enumerate(sequence.value)}
        at = positions[id(item)]
        return sequence.value[at - 1] if at else None

    def _no(self, node: Any, why: str) -> NotEditable:
        return NotEditable(node.start_mark.line + 1, node.start_mark.column + 1, why)


def as_item(lines: list[str], indent: int) -> str:
    """Lines as one item of a list whose dashes are indented by `indent`."""
    blank = " " * indent
    return "".join(f"{blank}{'- ' if at == 0 else '  '}{line}".rstrip(" ") + "\n" for at, line in enumerate(lines))


def _nodes(node: Node | None) -> Iterator[Node]:
    if node is None:
        return
    yield node
    if isinstance(node, MappingNode):
        for name, value in node.value:
            yield name
            yield from _nodes(value)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _nodes(item)
