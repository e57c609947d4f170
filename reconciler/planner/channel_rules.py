"""What the channels accept, and what is probably a mistake although they accept it: limits, empty posts, warnings.

A limit belongs to a channel, so a violation names the channel, not a line of the project.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, assert_never
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.model.approvals import ActivityDecision, Approvals, DraftApproval
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.moments import if_approved, moment_in, moment_text, zone_in
from reconciler.model.posts import CHANNELS_GONE, Media, Post, PostId, PostStatus, channel_name, post_name
from reconciler.model.sites import ChannelStatus
from reconciler.planner.actions import BlockedBy
from reconciler.planner.text_lengths import letters, shows_anything, x_length


class TextLimit(Struct, frozen=True):
    """The maximum length of a text and how it is counted. `documented`: whether the source says how.

    `by` names who counts that way, for messages; empty if everybody does.
    """

    most: int
    count: Callable[[str], int] = letters
    documented: bool = False
    by: str = ""


TEXT_LIMITS: Final[dict[tuple[str, str], dict[str, TextLimit]]] = {
    ("INSTAGRAM", "POST"): {"caption": TextLimit(2200)},
    ("PINTEREST", "POST"): {
        "title": TextLimit(100),
        "description": TextLimit(800),
        "link": TextLimit(2048, len, documented=True),
    },
    ("GBP", "POST"): {"description": TextLimit(1500)},
    ("TIKTOK", "POST"): {"title": TextLimit(90), "description": TextLimit(4000)},
    ("TIKTOK", "VIDEO"): {"description": TextLimit(2200)},
    ("TWITTER", "POST"): {"caption": TextLimit(280, x_length, documented=True, by="X")},
}
"""(channel, type) -> API field -> its limit (S-wix 10.3; X: I, from X's own documentation).

Wix does not say what its numbers count. They are taken as characters the way people count them, and a text that is
longer in code points gets a warning.
"""

NEEDS_MEDIA: Final = frozenset({("INSTAGRAM", "POST"), ("INSTAGRAM", "STORY")})
"""Channels and types that need an image or a video (S-wix 10.3)."""

HASHTAGS_ON_INSTAGRAM: Final = 30
"""S-wix 10.3: about 30."""

IMAGES_ON_INSTAGRAM: Final = 10
"""I: the most items a carousel made through an API may have."""

WIX_HOSTS: Final = ("wixstatic.com", "wixmp.com")
"""Where media of the Media Manager are hosted (S-wix 10.3: `static.wixstatic.com`, `video.wixstatic.com`)."""

_HASHTAG: Final = r"(?<![\w&/#])#\w*[^\W\d_]\w*"
_SIGNED: Final = r"(?i)[?&](x-amz-|x-goog-)?(signature|expires|sig|se|token)="

IN_THE_DASHBOARD: Final = "change the content in the dashboard or send it back with `decision: regenerate`"


def not_connected(channel: str, status: ChannelStatus | None) -> Diagnostic | None:
    """A channel that is not connected, and how to connect it. None if it is connected, or its status was not read."""
    name = channel_name(channel)
    match status:
        case None | ChannelStatus.VALID:
            return None
        case ChannelStatus.NEVER_CREATED:
            message = f"{name} is not connected"
        case ChannelStatus.DISCONNECTED:
            message = f"{name} is not connected (it was disconnected)"
        case ChannelStatus.INVALID:
            message = f"{name} is not connected (its connection is no longer valid)"
        case ChannelStatus.UNKNOWN:
            message = f"it is not known whether {name} is connected"
        case _:
            assert_never(status)
    return Diagnostic(
        BlockedBy.CHANNEL_NOT_CONNECTED, message, f"connect {name} in the site's dashboard", Severity.WARNING
    )


def channel_is_gone(channel: str, moment: datetime) -> bool:
    """Whether a channel no longer takes posts at a given time."""
    until = CHANNELS_GONE.get(channel)
    return until is not None and moment >= until


def channel_violations(post: Post, *, media: bool = True) -> Iterator[Diagnostic]:
    """What a channel does not accept, regardless of the policy. No channel accepts an empty post.

    `media`: whether to report missing media too.
    """
    if is_empty(post):
        what = "the rule against empty posts: it has no image and no visible text"
        yield Diagnostic(BlockedBy.POLICY, what, "give it text or an image in the dashboard")
        return
    if media and not post.media and (post.channel, post.type) in NEEDS_MEDIA:
        must = f"a {post.type.lower()} must have an image or a video, and this one has none"
        what = f"{channel_name(post.channel)}'s own rule: {must}"
        yield Diagnostic(BlockedBy.POLICY, what, "give it an image in the dashboard")
    for name, text, limit in _limited(post):
        if (length := limit.count(text)) > limit.most:
            counted = f" as {limit.by} counts them" if limit.by else ""
            points = f" ({len(text):,} code points)" if len(text) != length else ""
            detail = f"{name} has {length:,} characters{counted}{points}; the limit is {limit.most:,}"
            what = f"{channel_name(post.channel)}'s own limit: {detail}"
            yield Diagnostic(BlockedBy.POLICY, what, IN_THE_DASHBOARD)


def is_empty(post: Post) -> bool:
    """Whether a post has nothing to see or read."""
    return not post.media and not any(map(shows_anything, (post.link or "", *(text for _, text in post.texts))))


def content_warnings(post: Post) -> tuple[Diagnostic, ...]:
    """What looks wrong about a post that goes out all the same."""
    found: list[Diagnostic] = []
    for name, text, limit in _limited(post):
        if not limit.documented and len(text) > limit.most >= (length := limit.count(text)):
            found.append(
                _content_warning(
                    f"{name} has {length:,} characters, but {len(text):,} code points; {channel_name(post.channel)} "
                    f"allows {limit.most:,} and does not say which it counts"
                )
            )
    if post.channel == "INSTAGRAM":
        hashtags = sum(len(re.findall(_HASHTAG, text)) for _, text in post.texts)
        if hashtags > HASHTAGS_ON_INSTAGRAM:
            found.append(
                _content_warning(f"it has {hashtags:,} hashtags; Instagram allows about {HASHTAGS_ON_INSTAGRAM}")
            )
        if len(post.media) > IMAGES_ON_INSTAGRAM:
            found.append(
                _content_warning(f"it has {len(post.media):,} images; Instagram allows {IMAGES_ON_INSTAGRAM:,}")
            )
    for number, media in enumerate(post.media, 1):
        which = f"image {number}" if media.type == "IMAGE" else f"{media.type.lower()} {number}"
        if (warning := _address_warning(which, media.url)) is not None:
            found.append(warning)
    return tuple(found)


def _content_warning(message: str) -> Diagnostic:
    return Diagnostic.note("odd-content", message)


_MEDIA: Final = r"(?:([A-Z_]+) )?(\S+)(?: \(file .*\))?"


GOES_OUT_ANYWAY: Final = Diagnostic.note(
    "goes-out-unapproved",
    "it is already scheduled and goes out even if nobody approves it; to stop it, cancel it",
)
"""The note on a scheduled post that waits for a decision and that the plan does not cancel."""


def warnings_of_reviewed(draft: DraftApproval) -> tuple[Diagnostic, ...]:
    """`content_warnings` for a draft as it is in its approvals file, after a note if it goes out unapproved."""
    anyway = (GOES_OUT_ANYWAY,) if draft.waits and draft.status == PostStatus.SCHEDULED else ()
    content = draft.content
    texts = (("title", content.title), ("caption", content.caption), ("description", content.description))
    media = tuple(
        Media(found[1] or "IMAGE", found[2])
        for each in content.media
        if (found := re.fullmatch(_MEDIA, each)) is not None
    )
    post = Post(draft.id, draft.channel, draft.type, PostStatus.DRAFT, texts, media, link=content.link or None)
    return (*anyway, *content_warnings(post))


SAME_MINUTE: Final = "same-minute"
SAME_CONTENT: Final = "same-content"
"""The codes of the warnings about two posts of one site."""


class Outgoing(Struct, frozen=True):
    """A post that goes out at `moment`, from the site or an approvals file. `name` is what people call it.

    If not `exact`, the API picks the time, and this is an estimate. Posts of the same `activity` belong together.
    """

    name: str
    post: Post | DraftApproval
    moment: datetime
    activity: str = ""
    exact: bool = True

    def belongs_to(self, other: Outgoing) -> bool:
        """Whether two posts are of one activity on two channels, and so are meant to go out together."""
        mine, theirs = self.post.content, other.post.content
        return bool(self.activity) and self.activity == other.activity and mine.channel != theirs.channel


def warnings_between_reviewed(approvals: Approvals) -> dict[PostId, tuple[Diagnostic, ...]]:
    """`warnings_between` the drafts of an approvals file that go out, or would once they are approved.

    Each is taken to go out when the file says; if it does not say, on its activity's day.
    """
    outgoing, zone = [], "UTC"
    for activity in approvals.activities:
        for draft in activity.drafts if activity.decision is ActivityDecision.KEEP else ():
            zone = zone_in(draft.goes_out) if draft.goes_out else zone
            name, moment = post_name(activity.title, draft.channel, draft.type), moment_in(draft.goes_out)
            exact = moment is not None and not if_approved(draft.goes_out).startswith("about ")
            outgoing.append(Outgoing(name, draft, moment or activity.date, activity.id, exact))
    found: dict[PostId, tuple[Diagnostic, ...]] = {}
    for each, warning in warnings_between(outgoing, zone):
        found[each.post.id] = (*found.get(each.post.id, ()), warning)
    return found


def warnings_between(posts: Iterable[Outgoing], zone: str) -> tuple[tuple[Outgoing, Diagnostic], ...]:
    """Warnings about pairs of posts of one site, each with the later of the two.

    They are about the same content twice on one account within a day, and about two posts in the same minute unless
    both are of one activity on different channels. `zone` is the IANA name of the site's time zone.
    """
    found: list[tuple[Outgoing, Diagnostic]] = []
    in_order = sorted(posts, key=lambda outgoing: (outgoing.moment, outgoing.name, outgoing.post.id))
    for before, after in pairwise(in_order):
        together = before.moment.replace(second=0, microsecond=0) == after.moment.replace(second=0, microsecond=0)
        if together and not after.belongs_to(before):
            when = moment_text(after.moment, zone, exact=before.exact and after.exact)
            what = f"it goes out in the same minute as {before.name}, {when}"
            found.append((after, Diagnostic.note(SAME_MINUTE, what)))
    last: dict[tuple[str, ...], Outgoing] = {}
    for outgoing in in_order:
        content = outgoing.post.content
        key = (content.channel, content.account, content.title, content.caption, content.description, *content.media)
        twin = last.get(key)
        if twin is not None and outgoing.moment - twin.moment < timedelta(days=1):
            when = moment_text(twin.moment, zone, exact=twin.exact)
            what = f"the same content goes out on the same account within a day: {twin.name}, {when}"
            found.append((outgoing, Diagnostic.note(SAME_CONTENT, what)))
        last[key] = outgoing
    return tuple(found)


def _limited(post: Post) -> Iterator[tuple[str, str, TextLimit]]:
    limits = TEXT_LIMITS.get((post.channel, post.type), {})
    texts = (*post.texts, ("link", post.link or ""))
    return ((name, text, limits[name]) for name, text in texts if name in limits)


def is_signed(url: str) -> bool:
    """Whether an address carries a signature, and so works only for a while."""
    return re.search(_SIGNED, url) is not None


@lru_cache(maxsize=8192)  # a review checks the same images several times
def _address_warning(name: str, url: str) -> Diagnostic | None:
    """A warning that the address of an image may no longer work when the post goes out; None if it is fine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return _content_warning(f"{name} has no URL that can be read")
    if parts.scheme != "https":
        return _content_warning(f"{name} is not at an https URL")
    if is_signed(url):
        return _content_warning(f"{name} has a signed URL, which expires")
    if not any(host == wix or host.endswith(f".{wix}") for wix in WIX_HOSTS):
        return _content_warning(
            f"{name} is not hosted by Wix, but at {host}, and must still be there when the post goes out"
        )
    return None
