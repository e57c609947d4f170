"""Remote JSON -> model, for the neighbours of the marketing plan: channels, premium features, the site, its account.

As tolerant as wire.py, and as strict about known fields.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.api.shapes import ListShape, ObjectShape, answered, listed, opened, page_of
from reconciler.api.values import Fields, fields, id_of, number, text, truth
from reconciler.model.sites import Account, ChannelStatus, Feature

TOKEN_STATUS: Final = ObjectShape("the status of a channel", wrappers=(), known=frozenset({"status"}))  # S-wix 10.4
FEATURES: Final = ListShape("premium features", ("features",), frozenset({"monetizationEnabled"}))  # S-wix 10.5
ACCOUNTS: Final = ListShape("accounts", ("accounts",))  # S-wix 10.4
SITE_PROPERTIES: Final = ObjectShape(
    "the properties of a site",
    wrappers=("properties",),  # D 11.3
    known=frozenset({"timeZone", "language", "locale", "paymentCurrency"}),  # D 11.3
    may_be_empty=True,
)
SITES: Final = ListShape("sites", ("sites",))  # D 11.2
URLS: Final = ListShape("addresses of a site", ("urls",))  # S-sdk 11.1

_CHANNEL_STATUS: Final = {str(status): status for status in ChannelStatus}


def channel_status(body: object) -> ChannelStatus:
    """The token status of a channel."""
    source, where = opened(body, TOKEN_STATUS)
    return _CHANNEL_STATUS.get(text(source, where, "status"), ChannelStatus.UNKNOWN)


def features(body: object) -> tuple[Feature, ...]:
    """The premium features, with what remains of each quota that is enforced (10.5)."""
    outer = answered(body, FEATURES.name)
    enforced = truth(outer, "response", "monetizationEnabled") is not False
    return tuple(_feature(member, where, enforced) for where, member in listed(body, FEATURES))


def _feature(source: Fields, where: str, enforced: bool) -> Feature:
    kind = id_of(source, where, "type", "featureType")
    enabled = truth(source, where, "enabled") is True  # proto3 leaves false out
    quota, path = source.get("quotaInfo"), f"{where}.quotaInfo"
    if quota is None or not enforced:
        return Feature(kind, enabled)
    quota = fields(quota, path)
    limit, used = number(quota, path, "limit") or 0, number(quota, path, "currentUsage") or 0
    if limit <= 0 and used <= 0:
        return Feature(kind, enabled)  # how the endpoint reports a feature that is not metered (S-wix)
    left = number(quota, path, "remainingUsage")
    return Feature(
        kind,
        enabled,
        remaining=max(0, limit - used if left is None else left),
        limit=limit,
        period=text(quota, path, "period") or None,
    )


def published(body: object) -> bool:
    """Whether a site is published: an unpublished one has no addresses (S-sdk 11.1)."""
    return bool(page_of(body, URLS).members)


def properties(body: object) -> tuple[str | None, str | None]:
    """Time zone (IANA) and language of a site (D 11.3)."""
    source, where = opened(body, SITE_PROPERTIES)
    return text(source, where, "timeZone") or None, text(source, where, "language") or None


def display_name(body: object) -> str:
    """What a site is called; "" if the answer does not say (I: the member)."""
    return text(*opened(body, SITE_PROPERTIES), "siteDisplayName")


class SiteListing(Struct, frozen=True):
    """A site as its account lists it (D 11.2). `published` is None if the answer does not say."""

    id: str
    name: str
    published: bool | None
    view_url: str


class SitePage(Struct, frozen=True):
    """One page of an account's sites. `next` is the cursor of the next page, None on the last.

    `more` says how the answer shows that there is another page.
    """

    sites: tuple[SiteListing, ...]
    next: str | None
    more: str = ""


def site_page(body: object) -> SitePage:
    """A page of Query Sites. It is the last if `metadata.hasNext` is false (S-wix 5)."""
    page = page_of(body, SITES)
    metadata = fields(answered(body, SITES.name).get("metadata"), "metadata")
    cursor = text(fields(metadata.get("cursors"), "metadata.cursors"), "metadata.cursors", "next") or None
    more = truth(metadata, "metadata", "hasNext") is not False
    sites = tuple(_listing(member, where) for where, member in page.members)
    return SitePage(sites, cursor if more else None, page.more if more else "")


def _listing(source: Fields, where: str) -> SiteListing:
    return SiteListing(
        id=id_of(source, where, "id"),
        name=text(source, where, "displayName", "name"),
        published=truth(source, where, "published"),
        view_url=text(source, where, "viewUrl"),
    )


def accounts(body: object) -> tuple[Account, ...]:
    """The accounts of a channel; each is under a key named after its channel in lower case."""
    found = []
    for where, member in listed(body, ACCOUNTS):
        channel = text(member, where, "channelName")
        path = f"{where}.{channel.lower()}"
        inner = fields(member.get(channel.lower()), path)
        chosen = truth(fields(inner.get("settings"), f"{path}.settings"), f"{path}.settings", "default") is True
        name = text(inner, path, "username", "displayName")
        found.append(Account(channel, text(inner, path, "id"), name, chosen))
    return tuple(found)
