"""Reviews -> one HTML page to look at: a month calendar, and each draft as it would look on its channel.

The page stands alone: no script, no font, nothing remote but the drafts' own images, which its content
security policy allows over https only. Images that are nowhere, such as the sandbox's, are drawn into it.
All texts are an AI's or a stranger's, and none is markup here. The same reviews give the same bytes.
"""

from __future__ import annotations

import base64
import calendar
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Final, TypeAlias, assert_never
from zoneinfo import ZoneInfo

from msgspec import Struct

from reconciler.model.approvals import ActivityDecision
from reconciler.model.content import Difference
from reconciler.model.moments import moment_text
from reconciler.model.posts import CHANNEL_NAMES, Media, Post, channel_name
from reconciler.model.text import printable
from reconciler.planner.review import Review, ReviewedActivity, ReviewedPost, ReviewStatus
from reconciler.planner.text_lengths import letters
from reconciler.reporters.markup import words_apart
from reconciler.reporters.review_text import STATUS_WORDS, content_facts

TYPES: Final = frozenset({"POST", "STORY", "REEL", "VIDEO", "SHORT"})

NOTHING: Final = '<p class="soft">There is nothing to review.</p>'

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


Picture: TypeAlias = Callable[[str], str | None]
"""The address of an image -> the image itself as a `data:` address; None: it is where its address says."""


def gallery(reviews: Sequence[Review], picture: Picture | None = None) -> str:
    """The page of one site or of many. `picture` draws images that no network has."""
    style = _resource("gallery.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = f"Review of {reviews[0].site}" if len(reviews) == 1 else f"Review of {len(reviews)} sites"
    return Template(_resource("gallery.html")).substitute(
        style_hash=f"sha256-{digest}",
        style=style,
        images="https:" if picture is None else "https: data:",
        title=_text(title),
        body="\n".join(line for one in reviews for line in _site(one, picture or _nowhere)) if reviews else NOTHING,
    )


def _nowhere(_url: str) -> None:
    return None


@cache
def _resource(name: str) -> str:
    return resources.files("reconciler.reporters").joinpath(name).read_text("utf-8")


class _Entry(Struct, frozen=True):
    """A shown post with its activity, and its moment in the site's zone."""

    activity: ReviewedActivity
    post: ReviewedPost
    local: datetime


def _site(review: Review, picture: Picture) -> Iterator[str]:
    zone = ZoneInfo(review.zone)
    entries = [
        _Entry(activity, post, post.moment.astimezone(zone))
        for activity in review.activities
        for post in activity.shown
    ]
    yield f'<section class="site"><header class="top"><h1>{_text(review.site)}</h1>'
    yield f'<p class="soft">Times are those of the site: {_text(review.zone)}.</p>'
    counts = [(status, review.count(status)) for status in ReviewStatus]
    tags = "".join(f"<li>{_tag(status, f'{count} {STATUS_WORDS[status]}')}</li>" for status, count in counts if count)
    yield f'<ul class="counts">{tags or "<li>No draft is to be reviewed.</li>"}</ul></header>'
    if review.missed:
        yield '<ul class="problems">'
        for missed in review.missed:
            due = moment_text(missed.moment, review.zone, exact=missed.exact)
            what = (
                f'{channel_name(missed.draft.channel)}, "{missed.activity.title}": approved and missed; was due {due}'
            )
            yield f'<li dir="auto">{_text(what)}</li>'
        yield "</ul>"
    if entries:
        yield '<section class="months" aria-label="Calendar">'
        for year, month in sorted({(one.local.year, one.local.month) for one in entries}):
            yield from _month(
                year, month, [one for one in entries if (one.local.year, one.local.month) == (year, month)]
            )
        yield "</section>"
    for activity in review.activities:
        if activity.shown:
            yield from _activity(activity, review, picture)
    yield "</section>"


# --- the calendar ----------------------------------------------------------------------------------


def _month(year: int, month: int, entries: Sequence[_Entry]) -> Iterator[str]:
    yield f'<div class="month"><h2>{calendar.month_name[month]} {year}</h2><table><thead><tr>'
    yield "".join(f'<th scope="col">{name}</th>' for name in WEEKDAYS) + "</tr></thead><tbody>"
    for week in calendar.Calendar(firstweekday=0).monthdatescalendar(year, month):
        yield "<tr>" + "".join(_day(day, month, entries) for day in week) + "</tr>"
    yield "</tbody></table></div>"


def _day(day: date, month: int, entries: Sequence[_Entry]) -> str:
    if day.month != month:
        return '<td class="other"></td>'
    mine = sorted((one for one in entries if one.local.date() == day), key=lambda one: one.local)
    number = f'<span class="day" data-weekday="{WEEKDAYS[day.weekday()]}">{day.day}</span>'
    if not mine:
        return f"<td>{number}</td>"
    return f'<td class="busy">{number}<ul>{"".join(map(_chip, mine))}</ul></td>'


def _chip(one: _Entry) -> str:
    channel = channel_name(one.post.post.channel)
    title = one.activity.activity.title
    about = "" if one.post.exact else "about "
    label = f"{about}{one.local:%H:%M} {channel}, {_state_words(one.post)}: {title}"
    return (
        f'<li><a class="chip {_state_class(one.post)}" href="#{_anchor(one.post)}" title="{_text(label)}">'
        f"<b>{one.local:%H:%M}</b><span>{_text(channel)}</span>"
        f'<span class="name" dir="auto">{_text(title)}</span></a></li>'
    )


# --- the cards -------------------------------------------------------------------------------------


def _activity(activity: ReviewedActivity, review: Review, picture: Picture) -> Iterator[str]:
    live = activity.activity
    yield f'<section class="activity"><header><h2 dir="auto">{_text(live.title) or "(no title)"}</h2>'
    yield f'<span class="soft">{_time(live.date, moment_text(live.date, review.zone))}</span>'
    if activity.decision is not ActivityDecision.KEEP:
        yield f'<span class="tag sent-back">{_text(activity.decision.value)}</span>'
    yield '</header><div class="cards">'
    for post in activity.shown:
        yield from _card(post, review, picture)
    yield "</div></section>"


def _card(one: ReviewedPost, review: Review, picture: Picture) -> Iterator[str]:
    post = one.post
    yield f'<article class="card {_look(post.channel, post.type)}" id="{_anchor(one)}">'
    yield (
        f'<div class="state"><span class="when">{_time(one.moment, review.goes_out(one))}</span>'
        f"{_tag(one.status, _state_words(one), problem=bool(one.problems))}</div>"
    )
    if one.problems:
        items = "".join(f'<li dir="auto">{_text(problem.message)}</li>' for problem in one.problems)
        yield f'<ul class="problems">{items}</ul>'
    if one.warnings:
        items = "".join(f'<li dir="auto">{_text(warning)}</li>' for warning in one.warnings)
        yield f'<ul class="warnings">{items}</ul>'
    if one.differences and one.status is not ReviewStatus.PENDING:
        yield from _differences(one, review)
    yield '<div class="post"><div class="head">'
    yield f'<span class="avatar" aria-hidden="true">{_text(review.site[:1])}</span>'
    kind = "" if post.type == "POST" else f" · {post.type.lower()}"
    yield f'<div class="who"><strong>{_text(post.account or review.site)}</strong>'
    yield f'<span class="soft">{_text(channel_name(post.channel) + kind)}</span></div></div>'
    yield from _media(post.media, channel_name(post.channel), picture)
    yield f'<div class="text">{"".join(_captions(post))}</div>'
    facts = [
        f'<dt>{_text(name)}</dt><dd dir="auto">{_text(text)}</dd>'
        for name, text in content_facts(post.content, post.account)
        if name != "title"
    ]
    yield f'<dl class="facts">{"".join(facts)}</dl></div>' if facts else "</div>"
    yield f'<div class="id"><code>{_text(post.id)}</code></div></article>'


def _differences(one: ReviewedPost, review: Review) -> Iterator[str]:
    """What is not as people approved it, word by word: from the approvals file to the site."""
    yield '<dl class="apart"><dt>approvals file → site</dt>'
    for found in one.differences:
        yield (
            f'<dt>{_text(found.field)}</dt><dd dir="auto">'
            f"{words_apart(_side(found, found.in_file, review.zone), _side(found, found.live, review.zone))}</dd>"
        )
    yield "</dl>"


def _side(difference: Difference, value: str, zone: str) -> str:
    """A value as people read it: a date is a moment."""
    return moment_text(datetime.fromisoformat(value), zone) if difference.field == "date" and value else value


def _media(media: Sequence[Media], channel: str, picture: Picture) -> Iterator[str]:
    if not media:
        yield '<div class="none">No image</div>'
        return
    yield '<div class="media">'
    for number, one in enumerate(media, 1):
        # An address with characters that nobody sees in it is shown, and not followed.
        secure = one.url.lower().startswith("https://") and printable(one.url) == one.url
        if one.type == "IMAGE" and secure:
            alt = f"Image {number} of {len(media)} for {channel}"
            source = picture(one.url) or one.url
            yield (
                f'<a href="{escape(one.url)}" rel="noopener noreferrer nofollow"><img src="{escape(source)}" '
                f'alt="{_text(alt)}" loading="lazy" decoding="async" referrerpolicy="no-referrer"></a>'
            )
        else:
            link = f'<a href="{escape(one.url)}" rel="noopener noreferrer nofollow">{_text(one.url)}</a>'
            where = link if secure else f"<code>{_text(one.url)}</code>"
            yield f'<div class="note"><span>{_text(one.type.capitalize() or "Media")}<br>{where}</span></div>'
    yield "</div>"
    if len(media) > 1:
        yield f'<div class="many soft">{len(media)} in this post; scroll sideways</div>'


def _captions(post: Post) -> Iterator[str]:
    content = post.content
    if not (content.title or content.caption):
        yield '<div class="caption empty">No text</div>'
        return
    if content.title:
        yield f'<div class="caption title" dir="auto">{_lines(content.title)}</div>'
    for text in (content.caption, content.description):
        if text:
            yield f'<div class="caption" dir="auto">{_lines(text)}</div>'
    length = sum(map(letters, (content.title, content.caption, content.description)))
    yield f'<div class="size">{length} letters</div>'


# --- words -----------------------------------------------------------------------------------------


def _tag(status: ReviewStatus, words: str, *, problem: bool = False) -> str:
    return f'<span class="tag {"problem" if problem else _status_class(status)}">{_text(words)}</span>'


def _state_words(one: ReviewedPost) -> str:
    words = STATUS_WORDS[one.status]
    if one.cancelled:
        words += f", cancelled {one.cancelled}×" if one.cancelled > 1 else ", cancelled once"
    return f"{words}, blocked" if one.problems else words


def _state_class(one: ReviewedPost) -> str:
    return "problem" if one.problems else _status_class(one.status)


def _status_class(status: ReviewStatus) -> str:
    match status:
        case ReviewStatus.PENDING:
            return "pending"
        case (
            ReviewStatus.CHANGED
            | ReviewStatus.EDITED
            | ReviewStatus.WITHHELD
            | ReviewStatus.CANCELLED
            | ReviewStatus.MISSED
        ):
            return "problem"
        case ReviewStatus.APPROVED:
            return "approved"
        case ReviewStatus.SCHEDULED:
            return "scheduled"
        case ReviewStatus.OUT:
            return "out"
        case _:
            assert_never(status)


def _look(channel: str, type: str) -> str:
    """The classes that make a card look like its channel; words of a later API version get none."""
    names = [channel.lower()] if channel in CHANNEL_NAMES else []
    return " ".join(names + ([type.lower()] if type in TYPES else []))


def _anchor(one: ReviewedPost) -> str:
    """An id for links, whatever characters the post's own id has."""
    return "draft-" + hashlib.sha256(one.post.id.encode("utf-8", "replace")).hexdigest()[:16]


def _time(moment: datetime, words: str) -> str:
    return f'<time datetime="{moment.isoformat(timespec="minutes")}">{_text(words)}</time>'


def _text(text: str) -> str:
    """A text as text: no markup, nothing in it that acts without being seen, and nothing that a CI runner obeys."""
    return escape(printable(text)).replace("::", ":&#58;").replace("##", "#&#35;")


def _lines(text: str) -> str:
    r"""A caption with its own line breaks. `\r\n` is one."""
    return "\n".join(_text(line) for line in text.replace("\r\n", "\n").split("\n"))
