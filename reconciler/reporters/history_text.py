"""The history as text: what went out on each site, and what is waiting to go out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from reconciler.engine.results import HistoryListed
from reconciler.engine.site_results import SiteHistory
from reconciler.model.plurals import plural
from reconciler.model.posts import PostStatus, post_name, shown_account
from reconciler.model.sites import PostOutcome, PublishedPost
from reconciler.planner.gone_out import no_longer_wanted
from reconciler.reporters.last_lines import NO_SITES
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.words import moment

OVERDUE: Final = "due; not known whether it went out"
"""What is said about a post whose time has passed if no apply has seen what became of it."""

CLOCK_ERROR: Final = timedelta(minutes=1)
"""How far behind a clock may be and still count as right: a post seen up to this much too early was on time."""


def history_lines(history: SiteHistory, screen: Screen, *, quiet: bool = False) -> Iterator[str]:
    """A site's posts, earliest first; nothing for a site without any. `quiet` shows only posts with problems."""
    posts = [post for post in history.posts if not quiet or _is_problem(history, post)]
    if not posts:
        return
    yield screen.paint(history.name, Style.BOLD)
    for post in posts:
        yield from _post(history, post, screen)
    yield ""


def when_words(history: SiteHistory, post: PublishedPost) -> str:
    """When a post goes out or went out; if it was seen to be out before its time, `before` and when it was seen."""
    at, outcome = history.moment_of(post), history.outcome_of(post)
    if at is None:
        return "at a time Wix picked"
    if outcome is not None and outcome.status is PostStatus.PUBLISHED and outcome.seen_at < at - CLOCK_ERROR:
        return f"before {moment(outcome.seen_at, post.zone)}"
    return moment(at, post.zone)


def moved_words(history: SiteHistory, post: PublishedPost) -> str:
    """When a post that somebody moved was originally scheduled for; empty for all others."""
    before = post.scheduled_for
    if before is None or history.moment_of(post) == before:
        return ""
    return f"moved by hand, was scheduled for {moment(before, post.zone)}"


def unwanted_words(history: SiteHistory, post: PublishedPost) -> str:
    """Why a post that went out was unwanted; empty for all others."""
    why = dict(history.unwanted).get(post.id)
    return f"although {no_longer_wanted(why).message}" if why is not None else ""


def _post(history: SiteHistory, post: PublishedPost, screen: Screen) -> Iterator[str]:
    when, outcome = when_words(history, post), history.outcome_of(post)
    title = [Span(f'"{post.title}"')] if post.title else [Span(f"draft[{post.id}]", Style.DIM)]
    spans = [Span(f"  {when}", Style.BOLD), Span(post_name("", post.channel, post.type)), *title]
    if post.account:
        spans.append(Span(f"on {shown_account(post.account)}"))
    spans.append(_became(outcome, overdue=post.id in history.overdue))
    if unwanted := unwanted_words(history, post):
        spans.append(Span(unwanted, Style.RED))
    if moved := moved_words(history, post):
        spans.append(Span(moved))
    if post.approver:
        spans.append(Span(f"approved by {post.approver}"))
    elif not post.approved:
        spans.append(Span("approval: none"))
    if post.commit:
        spans.append(Span(f"commit {post.commit[:7]}", Style.DIM))
    if post.times > 1:
        spans.append(Span(f"scheduled {post.times:,} times"))
    yield from wrapped(spans, screen, hang=4)


def _is_problem(history: SiteHistory, post: PublishedPost) -> bool:
    """Whether a post failed to go out, or went out although it was no longer wanted."""
    outcome = history.outcome_of(post)
    went_well = outcome is None or outcome.status in (PostStatus.PUBLISHED, PostStatus.CANCELED, PostStatus.DELETED)
    return not went_well or bool(unwanted_words(history, post))


def _became(outcome: PostOutcome | None, *, overdue: bool) -> Span:
    if outcome is None and overdue:
        return Span(OVERDUE, Style.YELLOW)
    if outcome is None:
        return Span("scheduled", Style.DIM)
    if outcome.status is PostStatus.CANCELED:
        return Span("cancelled before it went out", Style.DIM)
    if outcome.status is PostStatus.DELETED:
        return Span("no longer on the site", Style.DIM)
    if outcome.status is PostStatus.PUBLISHED:
        return Span(f"went out: {outcome.link}" if outcome.link else "went out", Style.GREEN)
    return Span(f"{outcome.status.lower()}: {outcome.reason}" if outcome.reason else outcome.status.lower(), Style.RED)


def history_line(history: HistoryListed) -> str:
    """`History: 12 posts in 2 of 3 sites.`, for scripts."""
    if not history.sites:
        return NO_SITES
    ending = f"; {plural(history.not_out, 'post')} failed to go out" if history.not_out else ""
    ending += f"; {plural(history.failed, 'site')} could not be read" if history.failed else ""
    some = f"{history.with_posts:,} of " if 0 < history.with_posts < history.sites else ""
    return f"History: {plural(history.posts, 'post')} in {some}{plural(history.sites, 'site')}{ending}."
