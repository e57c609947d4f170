"""Fields that change on many sites whose values differ: what is the same on all of them, and the values of a few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.canonical import Json
from reconciler.reporters.layout import LEFT, Line, Span, Style
from reconciler.reporters.names_on_sites import MOST_SITES, NamesOnSites, by_frequency
from reconciler.reporters.values import yaml

DIFFERENT: Final = "different values"
"""Shown in place of a value that is not the same on all sites."""


class Side(Struct, frozen=True):
    """A value of a field, such as the one before a change; `form` has the words around it, with `{}` for the value."""

    form: str
    text: str = ""
    style: Style = Style.PLAIN
    whole: int = 0
    """Identifies the whole value, because a long one is shown shortened."""

    @property
    def span(self) -> Span:
        """The value in its words."""
        return Span(self.form.format(self.text), self.style)


def side(form: str, value: Json, style: Style = Style.PLAIN) -> Side:
    """A value of a field. Without one, it is not set."""
    text = "(not set)" if value is None else yaml(value)
    return Side(form, text, style, hash(yaml(value, whole=True)))


ARROW: Final = Side("->")


class FieldOfMany(Struct):
    """A field: its name, how a site's own lines show its values, what the sides are, and what is said after them."""

    name: Span
    own: tuple[Span, ...]
    sides: tuple[Side, ...]
    marks: tuple[Span, ...] = ()

    @property
    def kind(self) -> str:
        """What is the same on all sites."""
        return repr((self.name.text, [each.form for each in self.sides], [mark.text for mark in self.marks]))

    @property
    def own_text(self) -> str:
        """How a site's own lines show its values, without colours."""
        return "".join(f"{'' if span.glued or not n else '  '}{span.text}" for n, span in enumerate(self.own))


class ValuesTotal:
    """The fields of one object that change, on sites whose values differ."""

    __slots__ = ("_after", "_fields", "_head", "_indent", "_names", "kind")

    listed: Final = False

    def __init__(
        self,
        head: Line,
        fields: Sequence[FieldOfMany],
        site: str,
        after: Sequence[Line] = (),
        *,
        indent: int = LEFT + 2,
    ) -> None:
        """The fields of a site, between lines that are the same on all sites."""
        said = [span.text for line in (head, *after) for span in line.spans]
        self.kind: Final = repr((said, [field.kind for field in fields]))
        self._head, self._after, self._indent = head, tuple(after), indent
        self._fields = list(fields)
        self._names = [NamesOnSites(site, Counter([field.own_text]), field.own_text) for field in fields]

    @property
    def names(self) -> NamesOnSites | None:
        """The values on each site, if these differ."""
        return next((names for names, field in zip(self._names, self._fields, strict=True) if _varies(field)), None)

    def add(self, other: ValuesTotal) -> None:
        """Adds the fields of another site."""
        for number, (mine, theirs) in enumerate(zip(self._fields, other._fields, strict=True)):
            sides = tuple(map(_common, mine.sides, theirs.sides))
            self._fields[number] = FieldOfMany(mine.name, mine.own, sides, mine.marks)
            self._names[number].add(other._names[number])

    def lines(self) -> Iterator[Line]:
        """`toneOfVoice  different values  ->  warm`, and those of each of a few sites, or that several share."""
        yield self._head
        for field, names in zip(self._fields, self._names, strict=True):
            varies = _varies(field)
            values = (each.span for each in field.sides) if varies else field.own
            yield Line((field.name, *values, *field.marks), indent=self._indent, hang=LEFT + 8)
            if varies:
                yield from names.on_each_site() if names.sites else _shared_values(names.all)
        yield from self._after


def _shared_values(values: Counter[str]) -> Iterator[Line]:
    """`40 sites: dry  ->  warm`: a line for each of the values that most sites share."""
    for value, sites in by_frequency(values)[:MOST_SITES]:
        if sites > 1:
            yield Line((Span(f"{sites:,} sites: {value}"),), indent=LEFT + 6, hang=LEFT + 8)


def _varies(field: FieldOfMany) -> bool:
    return any(each.text == DIFFERENT and not each.whole for each in field.sides)


def _common(mine: Side, theirs: Side) -> Side:
    return mine if mine.whole == theirs.whole else replace(mine, text=DIFFERENT, whole=0)
