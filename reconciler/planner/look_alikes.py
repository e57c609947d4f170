"""Notes about what is created beside something on the site whose name only looks the same."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.differences import as_seen, both_spelled_out
from reconciler.model.text import printable


def look_alike_notes(kind: Kind, created: Iterable[str], live: Iterable[str]) -> tuple[Diagnostic, ...]:
    """A note for each created event or activity that nobody could tell from a live one; both names are spelled out."""
    names = tuple(created)
    if not names:
        return ()
    on_site = {as_seen(name): name for name in live}
    twins = ((name, on_site[as_seen(name)]) for name in names if as_seen(name) in on_site)
    return tuple(_note(kind, name, twin) for name, twin in twins if name != twin)


def _note(kind: Kind, name: str, twin: str) -> Diagnostic:
    new, old = map(printable, both_spelled_out(name, twin))
    what = f'{kind} "{new}" in the file is not {kind} "{old}" on the site: their names only look the same'
    return Diagnostic.note("looks-the-same", what)
