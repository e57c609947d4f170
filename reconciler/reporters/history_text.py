"""The history as text: what went out on each site, and what waits to."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.engine.results import HistoryListed, SiteHistory
from reconciler.model.posts import PostStatus, channel_name
from reconciler.model.sites import PostOutcome, PublishedPost
from reconciler.reporters.last_lines import NO_SITES
from reconciler.reporters.layout import Screen, Span, Style, wrapped
from reconciler.reporters.words import moment, plural


def history_lines(history: SiteHistory, screen: Screen) -> Iterator[str]:
    """A site's posts, the earliest first; nothing for a site without any."""
    if not history.posts:
        return
    yield screen.paint(history.name, Style.BOLD)
    for post in history.posts:
        yield from _post(post, history.outcome_of(post), screen)
    yield ""


def _post(post: PublishedPost, outcome: PostOutcome | None, screen: Screen) -> Iterator[str]:
    when = moment(post.scheduled_for, post.zone) if post.scheduled_for else "at a time Wix picked"
    title = [Span(f'"{post.title}"')] if post.title else [Span(f"draft[{post.id}]", Style.DIM)]
    spans = [Span(f"  {when}", Style.BOLD), Span(channel_name(post.channel)), *title]
    if post.account:
        spans.append(Span(f"on {post.account}"))
    spans.append(_became(outcome))
    if post.approver:
        spans.append(Span(f"approved by {post.approver}"))
    elif not post.approved:
        spans.append(Span("approval: none"))
    if post.commit:
        spans.append(Span(f"commit {post.commit[:7]}", Style.DIM))
    if post.times > 1:
        spans.append(Span(f"scheduled {post.times} times"))
    yield from wrapped(spans, screen, hang=4)


def _became(outcome: PostOutcome | None) -> Span:
    if outcome is None:
        return Span("scheduled", Style.DIM)
    if outcome.status is PostStatus.CANCELED:
        return Span("cancelled before its moment", Style.DIM)
    if outcome.status is PostStatus.PUBLISHED:
        return Span(f"went out: {outcome.link}" if outcome.link else "went out", Style.GREEN)
    return Span(f"{outcome.status.lower()}: {outcome.reason}" if outcome.reason else outcome.status.lower(), Style.RED)


def history_line(history: HistoryListed) -> str:
    """`History: 12 posts in 3 sites.`, for scripts."""
    if not history.sites:
        return NO_SITES
    ending = f"; {plural(history.failed, 'site')} could not be read" if history.failed else ""
    return f"History: {plural(history.posts, 'post')} in {plural(history.sites, 'site')}{ending}."
