"""Reads live sites: the parts that are asked for, in parallel if they do not depend on each other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar, assert_never

from msgspec.structs import replace

from reconciler.api.calls import BATCH
from reconciler.api.endpoints import ITEMS_AT_ONCE, Endpoints
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.api.events import EventReads
from reconciler.model.activities import Activity
from reconciler.model.clock import Clock
from reconciler.model.marketing_plan import MarketingPlan
from reconciler.model.posts import ActivityId, Post, PostId, PostStatus
from reconciler.model.sites import CLOCKS_DIFFER, Account, ChannelStatus, Need, ObservedSite, SiteRef

T = TypeVar("T")

PAST_REACH: Final = timedelta(days=92)
"""How far back each read of past activities goes: a generation covers two months at most (D 6.2)."""

WAITING: Final = frozenset({PostStatus.DRAFT, PostStatus.SCHEDULED})
"""Statuses of posts whose content matters, because they may still go out."""

IN_FLIGHT: Final = frozenset({PostStatus.PROCESSING, PostStatus.IN_QUEUE})

AHEAD: Final = timedelta(minutes=15)
"""A post in flight that is due in more than this counts as still waiting."""

DENIED: Final = (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND)

NAMES_WITHIN: Final = 10.0
"""How many seconds names for a screen are waited for."""

FEATURE_TYPES: Final = ("SCHEDULE_POST", "PUBLISH_POST")


class SiteReader:
    """Reads live sites over a transport that cannot write. Every method may raise ApiError."""

    def __init__(self, endpoints: Endpoints, clock: Clock) -> None:
        self._endpoints = endpoints
        self._events = EventReads(endpoints)
        self._clock = clock

    async def read(self, site: SiteRef, needs: frozenset[Need], *, channels: Sequence[str] = ()) -> ObservedSite:
        """The parts of a site that are needed. `channels` are those whose connection matters (Need.CHANNELS)."""
        now = self._clock.now()
        parts = [self._part(site, need, now, tuple(dict.fromkeys(channels))) for need in sorted(needs)]
        observed = ObservedSite(ref=site, read_at=now, had_reads=needs)
        for fill in await _all(parts):
            observed = fill(observed)
        return observed

    async def _part(
        self, site: SiteRef, need: Need, now: datetime, channels: tuple[str, ...]
    ) -> Callable[[ObservedSite], ObservedSite]:
        """Reads one part. The result adds it to an observed site."""
        endpoints = self._endpoints
        match need:
            case Need.SETTINGS:
                settings = await endpoints.settings(site)
                return lambda before: replace(before, settings=settings, language=before.language or settings.language)
            case Need.MARKETING_PLAN:
                plan = await self._marketing_plan(site)
                return lambda before: replace(before, marketing_plan=plan)
            case Need.PAST_ACTIVITIES:
                past = await self._past(site, now + CLOCKS_DIFFER)
                return lambda before: replace(before, past=past)
            case Need.EVENTS:
                events = await self._events.within_reach(site, now)
                return lambda before: replace(before, events=events)
            case Need.PROPERTIES:
                zone, language = await _unless_denied(endpoints.properties(site), (None, None))
                return lambda before: replace(before, time_zone=zone, language=language or before.language)
            case Need.PUBLISHED:
                published = await _unless_denied(endpoints.published(site), None)
                return lambda before: replace(before, published=published)
            case Need.CHANNELS:
                statuses = await _all([self._channel(site, channel) for channel in channels])
                return lambda before: replace(before, channels=tuple(zip(channels, statuses, strict=True)))
            case Need.FEATURES:
                features = await endpoints.features(site, FEATURE_TYPES)
                return lambda before: replace(before, features=features)
            case Need.ACCOUNTS:
                listed = await _all([self._accounts(site, channel) for channel in channels])
                accounts = tuple(account for found in listed for account in found)
                return lambda before: replace(before, accounts=accounts)
            case Need.ACCOUNT_NAMES:
                named = await self._named_accounts(site, channels) if channels else ()
                return lambda before: replace(before, accounts=named)
            case never:
                assert_never(never)

    async def _channel(self, site: SiteRef, channel: str) -> ChannelStatus:
        return await _unless_denied(self._endpoints.channel_status(site, channel), ChannelStatus.UNKNOWN)

    async def _accounts(self, site: SiteRef, channel: str) -> tuple[Account, ...]:
        # Only for names that people see: a channel that is not connected answers with an error of its own (10.4).
        try:
            return await self._endpoints.accounts(site, channel)
        except ApiError as error:
            if error.kind in (*DENIED, ErrorKind.INVALID, ErrorKind.PRECONDITION):
                return ()
            raise

    async def _named_accounts(self, site: SiteRef, channels: Sequence[str]) -> tuple[Account, ...]:
        try:
            async with asyncio.timeout(NAMES_WITHIN):
                return await self._endpoints.accounts(site, *channels, once=True)
        except (ApiError, TimeoutError):
            return ()

    async def posts_of(
        self, site: SiteRef, activities: Sequence[ActivityId]
    ) -> tuple[tuple[ActivityId, tuple[Post, ...]], ...]:
        """The posts of activities, in order, in batches of 20. An activity that does not exist has none."""
        ids = tuple(dict.fromkeys(activities))
        batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
        answers = await _all([self._endpoints.activity_posts(site, batch) for batch in batches])
        found = {activity: posts for answer in answers for activity, posts in answer.items()}
        whole = await self._whole(site, [post for posts in found.values() for post in posts])
        return tuple(
            (activity, tuple(self._waiting(whole(post)) for post in found.get(activity, ()))) for activity in ids
        )

    async def _past(self, site: SiteRef, until: datetime) -> tuple[Activity, ...]:
        """The activities up to a moment, the oldest first: generations keep them, so there may be years of them.

        Both ends are given: what one of them alone means is not documented (14.9), nor how long a window may be.
        """
        found: tuple[Activity, ...] = ()
        while True:
            start = until - PAST_REACH
            shown = (await self._marketing_plan(site, start, until)).activities
            window = tuple(activity for activity in shown if start < activity.date <= until)
            if not window:
                return found
            found, until = (*window, *found), start

    async def _marketing_plan(
        self, site: SiteRef, start: datetime | None = None, end: datetime | None = None
    ) -> MarketingPlan:
        """The marketing plan, with the content of its posts."""
        plan = await self._endpoints.marketing_plan(site, start, end)
        posts = [post for activity in plan.activities for post in activity.posts]
        if not any(_is_short(post) or post.status in IN_FLIGHT for post in posts):
            return plan
        whole = await self._whole(site, posts)
        return replace(
            plan,
            activities=tuple(
                replace(activity, posts=tuple(self._waiting(whole(post)) for post in activity.posts))
                for activity in plan.activities
            ),
        )

    def _waiting(self, post: Post) -> Post:
        """The post; as SCHEDULED if it is in flight long before its time.

        What PROCESSING and IN_QUEUE mean is not documented (10.2). If such a post counted as published, nothing would
        stop it even if it is unwanted. If it cannot be cancelled yet, the cancel is refused, and the next run tries
        again.
        """
        at = post.scheduled_for
        if post.status in IN_FLIGHT and at is not None and at - self._clock.now() > AHEAD:
            return replace(post, status=PostStatus.SCHEDULED)
        return post

    async def _whole(self, site: SiteRef, posts: Sequence[Post]) -> Callable[[Post], Post]:
        """A function that completes posts which came without their content, or without their words.

        It is not documented whether every answer has it (14.1). Nobody may approve words that no answer has shown.
        """
        short = [post.id for post in posts if _is_short(post)]
        found = dict(await _unless_denied(self.items(site, short), ())) if short else {}
        return lambda post: found.get(post.id) or post

    async def post(self, site: SiteRef, id: PostId) -> Post | None:
        """One post by id; None if it no longer exists.

        The path of this read is inferred, so a 404 may be about the path. In that case the documented query is used;
        that it can filter by id is also inferred. If neither can tell, that is an error, and not "there is none".
        """
        try:
            return self._waiting(await self._endpoints.item(site, id))
        except ApiError as error:
            if not error.no_such_route:
                raise
            denied = error
        try:
            found = await self._endpoints.items(site, (id,))
        except ApiError as error:
            if denied.code and not error.unclear:
                return None
            raise
        return next((self._waiting(post) for post in found if post.id == id), None)

    async def items(self, site: SiteRef, ids: Sequence[PostId]) -> tuple[tuple[PostId, Post | None], ...]:
        """Posts by id, in order; None for one that no longer exists.

        The query's filter by id is inferred, so a post that it does not show is read by itself before it counts as
        gone.
        """
        wanted = tuple(dict.fromkeys(ids))
        batches = [wanted[start : start + ITEMS_AT_ONCE] for start in range(0, len(wanted), ITEMS_AT_ONCE)]
        try:
            answers = await _all([self._endpoints.items(site, batch) for batch in batches])
        except ApiError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            answers = []
        found: dict[PostId, Post | None] = {post.id: self._waiting(post) for answer in answers for post in answer}
        missing = [post for post in wanted if post not in found]
        found |= dict(zip(missing, await _all([self.post(site, post) for post in missing]), strict=True))
        return tuple((post, found[post]) for post in wanted)


def _is_short(post: Post) -> bool:
    """Whether an answer may have left out what a waiting post says, or the account on which a scheduled one appears.

    A story has no words (S-wix 10.3). Drafts for channels that are not connected have no account (I).
    """
    if post.status is PostStatus.SCHEDULED and not post.account_id:
        return True
    return post.status in WAITING and (not post.shows_content or not (post.texts or post.is_story))


async def _unless_denied(read: Awaitable[T], otherwise: T) -> T:
    """The result of a read; `otherwise` if the credential may not read it, or the remote side does not have it."""
    try:
        return await read
    except ApiError as error:
        if error.kind in DENIED:
            return otherwise
        raise


async def _all(reads: Sequence[Awaitable[T]]) -> list[T]:
    """The results of all reads, made in parallel. If several fail, the error of the first in the list is raised.

    So the error that is reported for a site does not depend on which answer came first.
    """
    if len(reads) == 1:
        return [await reads[0]]
    tasks = [asyncio.ensure_future(read) for read in reads]
    try:
        return [await task for task in tasks]
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
