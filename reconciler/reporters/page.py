"""An HTML report as one file: what matters at the top, a calendar, and tables of sites to sort and filter.

It is self-contained: its scripts and its style are in it, allowed by their hashes, and nothing is fetched. Without
scripts, everything is there to read, unfolded. Sites wait in a temporary database, so that memory does not grow with
them.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reconciler.model.plurals import plural
from reconciler.reporters.markup import hashed, resource, text
from reconciler.reporters.page_calendar import CalendarMonths
from reconciler.reporters.page_rows import Entered, SiteRow

SHOWN: Final = 200
"""How many sites are shown at first; the script shows more on request. A browser lays out that many without a pause."""

EARLY: Final = 'document.documentElement.classList.add("js")'
"""Run early, so that a browser never lays out what the script hides."""

HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{early_hash}' '{script_hash}'; \
style-src '{style_hash}'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<script>{early}</script>
<style>{style}</style>
</head>
<body>
<main>
"""

TAIL: Final = """\
</main>
<script>{script}</script>
</body>
</html>
"""


class SiteTable:
    """The sites of one table, with a column for each count that any of them has."""

    def __init__(self, id: str, title: str, database: sqlite3.Connection) -> None:
        self.id = id
        self.title = title
        self.size = 0
        self._database = database
        self._columns: dict[str, int] = {}

    def add(self, row: SiteRow) -> None:
        """Adds a site."""
        for name, count in row.counts:
            self._columns[name] = self._columns.get(name, 0) + count
        self.size += row.is_site
        cells = "\0".join(f"{name}\1{count:,}" for name, count in row.counts if count)
        labels = " ".join(f"{key}={value}" for key, value in row.labels)
        self._database.execute(
            "INSERT INTO sites VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (self.id, row.rank, text(row.name), row.state, row.style, text(labels), cells, row.body, row.is_site),
        )

    def html(self) -> Iterator[str]:
        """The table, worst first and then by name."""
        columns = [name for name, total in self._columns.items() if total]
        yield f'<section class="sites" aria-labelledby="{self.id}"><h2 id="{self.id}">{self.title}</h2>\n'
        yield '<div class="tools" hidden><label>Filter <input type="search" placeholder="name, label or any word">'
        yield '</label> <label>Show <select><option value="">all sites</option>'
        states = self._database.execute(
            "SELECT state, COUNT(*) FROM sites WHERE part = ? GROUP BY state ORDER BY MIN(rank), state", (self.id,)
        )
        for state, count in states:
            yield f'<option value="{text(state)}">{text(state)} ({count:,})</option>'
        yield '</select></label> <span class="soft found" role="status"></span></div>\n<table><thead><tr>'
        for name in ("site", "state", *columns):
            yield f'<th scope="col"><button type="button">{name}</button></th>'
        yield "</tr></thead>\n"
        rows = self._database.execute(
            "SELECT rank, name, state, style, labels, cells, body, is_site FROM sites WHERE part = ? "
            "ORDER BY rank, name, rowid",
            (self.id,),
        )
        for number, row in enumerate(rows):
            yield _row(number, row, columns)
        totals = "".join(f'<td class="n" data-head="{name}">{self._columns[name]:,}</td>' for name in columns)
        yield f'<tfoot><tr><th scope="row">{plural(self.size, "site")}</th><td></td>{totals}</tr></tfoot></table>\n'
        yield '<p><button type="button" class="further" hidden>Show more sites</button></p></section>\n'


def _row(number: int, row: tuple[int, str, str, str, str, str, str, bool], columns: Sequence[str]) -> str:
    rank, name, state, style, labels, cells, body, is_site = row
    counts = dict(cell.split("\1") for cell in cells.split("\0")) if cells else {}
    numbers = "".join(f'<td class="n" data-head="{column}">{counts.get(column, "")}</td>' for column in columns)
    late = " late" if number >= SHOWN else ""
    other = "" if is_site else " data-other"
    inner = f'<span class="soft labels">{labels}</span>' if labels else ""
    return (
        f'<tbody class="site{late}" data-rank="{rank}"{other}><tr class="row"><th scope="row">'
        f'<button type="button" aria-expanded="false">{name}</button>{inner}</th>'
        f'<td data-state="{state}"><span class="tag {style}">{state}</span></td>{numbers}</tr>'
        f'<tr class="more"><td colspan="{len(columns) + 2}">{body}</td></tr></tbody>\n'
    )


class ReportPage:
    """Collects the contents of a report, and writes them at the end, in reading order."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a temporary file
        self._database.execute("PRAGMA cache_size = -256")  # KiB: rows are read once, and need not stay in memory
        weakref.finalize(self, self._database.close)
        self._database.execute(
            "CREATE TABLE sites (part TEXT, rank INTEGER, name TEXT, state TEXT, style TEXT, labels TEXT, "
            "cells TEXT, body TEXT, is_site INTEGER)"
        )
        self._calendar = CalendarMonths(self._database)
        self._tables: dict[str, SiteTable] = {}

    def add(self, id: str, title: str, row: SiteRow) -> None:
        """Adds a site to the table with that id, and its posts to the calendar."""
        if id not in self._tables:
            self._tables[id] = SiteTable(id, title, self._database)
        self._tables[id].add(row)
        for entered in row.calendar:
            self.enter(id, entered)

    def enter(self, id: str, post: Entered) -> None:
        """Adds a post to the calendar of the table with that id."""
        self._calendar.add(id, post)

    def refuse(self, id: str) -> None:
        """Marks the planned posts of the table with that id as refused, because the run as a whole is."""
        self._calendar.refuse(id)

    def write(self, write: Callable[[str], object], title: str, top: Sequence[str], *, first: str = "") -> None:
        """Writes the whole page.

        `top` is markup; `first` is the table that comes first and whose posts the calendar shows.
        """
        style, script = resource("reconciler.reporters", "report.css"), resource("reconciler.reporters", "report.js")
        hashes = {"style_hash": hashed(style), "script_hash": hashed(script), "early_hash": hashed(EARLY)}
        write(HEAD.format(title=text(title), style=style, early=EARLY, **hashes))
        for piece in top:
            write(piece)
        if self._calendar.has(first):
            names = [("calendar", "Calendar"), *((table.id, table.title) for table in self._sorted(first))]
            write(f'<nav>{" · ".join(f"""<a href="#{id}">{name}</a>""" for id, name in names)}</nav>\n')
        for piece in self._calendar.html(first):
            write(piece)
        for table in self._sorted(first):
            for piece in table.html():
                write(piece)
        write(TAIL.format(script=script))

    def _sorted(self, first: str) -> list[SiteTable]:
        return sorted(self._tables.values(), key=lambda found: found.id != first)

    def parts(self) -> tuple[str, ...]:
        """The ids of the tables that have sites."""
        return tuple(self._tables)
