"""The reads of the remote API, one plain method each: arguments -> model values. Those of events are in events.py.

Every method may raise ApiError. The writes are in calls.py, because a plan shows them before they are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from msgspec.structs import replace

from reconciler.api import routes, wire, wire_platform, wire_posts
from reconciler.api.routes import ReadCall
from reconciler.api.shapes import sign_of_more
from reconciler.api.transport import Answer, ReadTransport
from reconciler.api.values import Unreadable
from reconciler.model.canonical import Json, JsonObject
from reconciler.model.frozen import instant
from reconciler.model.marketing_plan import NO_STATUS, MarketingPlan
from reconciler.model.posts import ActivityId, Post, PostId
from reconciler.model.settings import MarketingSettings
from reconciler.model.sites import Account, ChannelStatus, Feature, SiteRef

T = TypeVar("T")

ITEMS_AT_ONCE: Final = 50
"""Items per page (D 5: the default)."""


def understood(answer: Answer, decode: Callable[[object], T]) -> T:
    """What an answer means. Raises ApiError if it cannot be understood (17.1)."""
    if answer.trouble:
        raise answer.unreadable(answer.trouble)
    try:
        return decode(answer.body)
    except Unreadable as error:
        raise answer.unreadable(str(error), error.todo) from None
    except RecursionError:
        raise answer.unreadable("the response is nested too deeply") from None


class Endpoints:
    """The reads of every service, over a transport that cannot write."""

    def __init__(self, transport: ReadTransport) -> None:
        self._transport = transport

    async def read(self, site: SiteRef, call: ReadCall, decode: Callable[[object], T]) -> T:
        """What the answer to a call means."""
        return understood(await self._transport.read(call, site), decode)

    async def raw(self, site: SiteRef, call: ReadCall) -> Answer:
        """An answer as it is, for callers that want to know its shape."""
        return await self._transport.read(call, site)

    # --- marketing plan and activities ---

    async def marketing_plan(
        self, site: SiteRef, start: datetime | None = None, end: datetime | None = None
    ) -> MarketingPlan:
        """The marketing plan. Without a start, its activities from today on (D 6.2)."""
        window = (("timeframe.startDate", start), ("timeframe.endDate", end))
        query = tuple((name, instant(at)) for name, at in window if at is not None)
        answer = await self._transport.read(routes.GET_MARKETING_PLAN.call(query=query), site)
        plan = understood(answer, wire.marketing_plan)
        if plan.status != NO_STATUS:
            return plan
        asked = f"{answer.call.method} {answer.call.path} answered {answer.status}"
        return replace(plan, asked=asked, request_id=answer.request_id)

    async def activity_posts(self, site: SiteRef, ids: Sequence[ActivityId]) -> dict[ActivityId, tuple[Post, ...]]:
        """The posts of up to 20 activities (the limit is I)."""
        call = routes.ACTIVITY_POSTS.call(body={"marketingActivityIds": tuple(ids)})
        return await self.read(site, call, wire.posts_by_activity)

    # --- settings ---

    async def settings(self, site: SiteRef) -> MarketingSettings:
        """The saved settings; defaults are not included (D 9.1)."""
        return await self.read(site, routes.GET_SETTINGS.call(), wire.settings)

    async def calendars(self, site: SiteRef) -> tuple[str, ...]:
        """The ids of the calendars that a site can select (D 9.3: `id`)."""
        call = routes.CALENDAR_OPTIONS.call()
        return await self.read(site, call, lambda body: wire.options(body, "id"))

    # --- Publisher ---

    async def item(self, site: SiteRef, id: PostId) -> Post:
        """One item by id (the path is I)."""
        return await self.read(site, routes.GET_ITEM.call(id=id), wire_posts.one_post)

    async def items(self, site: SiteRef, ids: Sequence[PostId]) -> tuple[Post, ...]:
        """The items with these ids, at most ITEMS_AT_ONCE (D 5: by offset; whether `id` can be filtered is I)."""
        wanted = JsonObject({"id": JsonObject({"$in": tuple(ids)})})
        found: list[Post] = []
        while True:
            query: dict[str, Json] = {"filter": wanted}
            if found:
                query["paging"] = JsonObject({"limit": ITEMS_AT_ONCE, "offset": len(found)})
            answer = await self._transport.read(routes.QUERY_ITEMS.call(body={"query": JsonObject(query)}), site)
            posts, page = understood(answer, wire_posts.items_page)
            more = sign_of_more(page.source, len(found) + len(posts))
            found += posts
            if not more:
                return tuple(found)
            if not posts:
                raise answer.unreadable(f"expected more posts ({more}), but the next page has none")

    async def accounts(self, site: SiteRef, *channels: str, once: bool = False) -> tuple[Account, ...]:
        """The accounts of connected channels; an ApiError if one is not connected (10.4). See ReadCall for `once`.

        One request can be for "one or more channels" (D); repeating the key for this is inferred (I).
        """
        call = routes.LIST_ACCOUNTS.call(query=tuple(("channelName", channel) for channel in channels))
        return await self.read(site, replace(call, once=once), wire_platform.accounts)

    async def channel_status(self, site: SiteRef, channel: str) -> ChannelStatus:
        """Whether a channel is connected (S-wix 10.4: this call says so, the list of accounts does not)."""
        return await self.read(site, routes.TOKEN_STATUS.call(channel=channel), wire_platform.channel_status)

    async def features(self, site: SiteRef, types: Sequence[str]) -> tuple[Feature, ...]:
        """Premium features by type, at most 20 (D 10.1)."""
        query = tuple(("featureTypes", kind) for kind in types)
        return await self.read(site, routes.FEATURES.call(query=query), wire_platform.features)

    # --- the site and its account ---

    async def published(self, site: SiteRef) -> bool:
        """Whether the site is published (S-sdk 11.1)."""
        return await self.read(site, routes.PUBLISHED_URLS.call(), wire_platform.published)

    async def properties(self, site: SiteRef) -> tuple[str | None, str | None]:
        """Time zone and language (D 11.3)."""
        return await self.read(site, routes.SITE_PROPERTIES.call(), wire_platform.properties)

    async def display_name(self, site: SiteRef) -> str:
        """What the site is called; "" if its properties do not say (I: the member)."""
        return await self.read(site, routes.SITE_PROPERTIES.call(), wire_platform.display_name)

    async def sites(self, account: SiteRef) -> tuple[wire_platform.SiteListing, ...]:
        """All sites of an account, including headless ones (S-wix 5: by cursor; 11.2).

        `account` has the account's id instead of a site's.
        """
        found: list[wire_platform.SiteListing] = []
        paging: dict[str, Json] = {"limit": 100}
        seen: set[str] = set()
        all_of_them = JsonObject({"namespace": JsonObject({"$in": ("WIX", "HEADLESS")})})
        query: dict[str, Json] = {"filter": all_of_them}  # a follow-up page sends only the cursor (S-wix 5)
        while True:
            body = {"query": JsonObject({**query, "cursorPaging": JsonObject(paging)})}
            answer = await self._transport.read(routes.QUERY_SITES.call(body=body), account, account=True)
            page = understood(answer, wire_platform.site_page)
            found += page.sites
            if page.next is None and not page.more:
                return tuple(found)
            if page.next is None or page.next in seen:  # following a repeated cursor would never end
                raise answer.unreadable(
                    f"expected a cursor for the next page of sites, got {page.more or 'the same one'}"
                )
            seen.add(page.next)
            query, paging = {}, {"cursor": page.next}
