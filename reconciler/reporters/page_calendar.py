"""The calendar of an HTML report: what goes out on which day, and a list of it with links."""

from __future__ import annotations

import calendar
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from reconciler.model.moments import moment_text
from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.reporters.markup import link, text
from reconciler.reporters.page_rows import Entered

MOST_A_DAY: Final = 3
"""How many posts the cell of a day has room for; the list has all of them."""

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class CalendarMonths:
    """Takes posts in any order and shows them by month; they wait in the report's temporary database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(
            "CREATE TABLE posts (part TEXT, day TEXT, time TEXT, moment TEXT, site TEXT, title TEXT, channel TEXT, "
            "state TEXT, style TEXT, link TEXT)"
        )

    def add(self, part: str, post: Entered) -> None:
        """Adds a post, on its day in its site's zone."""
        local = _local(post.at, post.zone)
        about = "about " if post.about else ""
        self._database.execute(
            "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                part,
                f"{local:%Y-%m-%d}",
                f"{local:%H:%M}",
                about + moment_text(post.at, post.zone),
                text(post.site),
                text(post.title),
                text(post.channel),
                post.state,
                post.style,
                post.link,
            ),
        )

    def refuse(self, part: str) -> None:
        """Marks the planned posts of a table as refused, because the run as a whole is."""
        self._database.execute(
            "UPDATE posts SET state = 'refused', style = 'bad' WHERE part = ? AND style IN ('public', 'gone')", (part,)
        )

    def has(self, part: str) -> bool:
        """Whether a table has any posts."""
        return self._database.execute("SELECT 1 FROM posts WHERE part = ? LIMIT 1", (part,)).fetchone() is not None

    def html(self, part: str) -> Iterator[str]:
        """All months that have posts of a table; nothing if no month has any."""
        months = self._database.execute(
            "SELECT substr(day, 1, 7), COUNT(*) FROM posts WHERE part = ? GROUP BY 1 ORDER BY 1", (part,)
        ).fetchall()
        if not months:
            return
        yield '<section class="calendar" aria-labelledby="calendar"><h2 id="calendar">Calendar</h2>\n'
        (coming,) = self._database.execute(
            "SELECT substr(MIN(day), 1, 7) FROM posts WHERE part = ? AND state NOT IN ('went out', 'failed')", (part,)
        ).fetchone()
        for month, count in months:
            year, which = int(month[:4]), int(month[5:])
            unfolded = " open" if month == (coming or months[0][0]) else ""
            yield f'<details class="month"{unfolded}><summary>{calendar.month_name[which]} {year} '
            yield f'<span class="soft">{plural(count, "post")}</span></summary>\n'
            yield from self._grid(part, year, which)
            yield f'<details class="agenda"><summary>List of {plural(count, "post")}</summary>\n<ul>'
            yield from self._agenda(part, month)
            yield "</ul></details></details>\n"
        yield "</section>\n"

    def _grid(self, part: str, year: int, month: int) -> Iterator[str]:
        yield "<table><thead><tr>" + "".join(f'<th scope="col">{day}</th>' for day in WEEKDAYS) + "</tr></thead><tbody>"
        counts: dict[str, int] = defaultdict(int)
        chips: dict[str, list[str]] = defaultdict(list)
        for day, time, moment, site, title, channel, state, style in self._database.execute(
            "SELECT day, time, moment, site, title, channel, state, style FROM posts WHERE part = ? AND day LIKE ? "
            "ORDER BY day, time, site, channel, rowid",
            (part, f"{year:04d}-{month:02d}-%"),
        ):
            counts[day] += 1
            if len(chips[day]) < MOST_A_DAY:
                said = f"{moment} · {site} · {channel_name(channel)} · {title} · {state}"
                chips[day].append(
                    f'<li class="{style}" title="{said}"><b>{time}</b> {channel_name(channel)}'
                    f'<span dir="auto">{title or site}</span></li>'
                )
        for week in calendar.Calendar(firstweekday=0).monthdatescalendar(year, month):
            yield "<tr>"
            for date in week:
                day = date.isoformat()
                if date.month != month:
                    yield '<td class="other"></td>'
                    continue
                number = f'<span class="day" data-weekday="{WEEKDAYS[date.weekday()]}">{date.day}</span>'
                more = counts[day] - len(chips[day])
                inner = "".join(chips[day]) + (f'<li class="soft">and {more:,} more</li>' if more > 0 else "")
                yield f'<td class="busy">{number}<ul>{inner}</ul></td>' if inner else f"<td>{number}</td>"
            yield "</tr>"
        yield "</tbody></table>\n"

    def _agenda(self, part: str, month: str) -> Iterator[str]:
        for moment, site, title, channel, state, style, url in self._database.execute(
            "SELECT moment, site, title, channel, state, style, link FROM posts WHERE part = ? AND day LIKE ? "
            "ORDER BY day, time, site, channel, rowid",
            (part, f"{month}-%"),
        ):
            leads = f" {link(url)}" if url else ""
            yield (
                f'<li><span class="when">{moment}</span> <b>{site}</b> {channel_name(channel)} '
                f'<span dir="auto">{title}</span> <span class="tag {style}">{state}</span>{leads}</li>\n'
            )


def _local(at: datetime, zone: str) -> datetime:
    try:
        return at.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        return at.astimezone(UTC)
