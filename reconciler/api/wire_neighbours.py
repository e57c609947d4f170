"""Remote JSON -> model, for the neighbours of the marketing plan: channels, premium features, the site, its account.

As tolerant as wire.py, and as strict about fields that are known.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from reconciler.api.values import Fields, Unreadable, fields, id_of, listed, number, text, truth, unwrapped
from reconciler.model.sites import ChannelStatus, Feature

_CHANNEL_STATUS: Final = {str(one): one for one in ChannelStatus}


def channel_status(body: object) -> ChannelStatus:
    """The token status of a channel."""
    source, where = unwrapped(body, "longLivedTokenStatus", "tokenStatus")
    written = text(source, where, "status", "tokenStatus", "longLivedTokenStatus")
    return _CHANNEL_STATUS.get(written, ChannelStatus.UNKNOWN)


def features(body: object) -> tuple[Feature, ...]:
    """The premium features, with what is left of each quota that is enforced (the readings of 10.5)."""
    outer = fields(body, "the answer")
    enforced = truth(outer, "the answer", "monetizationEnabled") is not False
    single = outer.get("featureData")
    found = (("featureData", fields(single, "featureData")),) if single is not None else listed(body, "features")
    return tuple(_feature(one, where, enforced) for where, one in found)


def _feature(source: Fields, where: str, enforced: bool) -> Feature:
    kind = id_of(source, where, "type", "featureType")
    enabled = truth(source, where, "enabled") is True  # proto3 leaves false out
    quota, path = source.get("quotaInfo"), f"{where}.quotaInfo"
    if quota is None or not enforced:
        return Feature(kind, enabled)
    quota = fields(quota, path)
    limit, used = number(quota, path, "limit") or 0, number(quota, path, "currentUsage") or 0
    if limit <= 0 and used <= 0:
        return Feature(kind, enabled)  # how the endpoint reports what is unmetered (S-wix)
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
    found = fields(body, "the answer").get("urls")
    if found is not None and not isinstance(found, list):
        raise Unreadable("urls should be a list")
    return bool(found)


def properties(body: object) -> tuple[str | None, str | None]:
    """Time zone (IANA) and language of a site (D 11.3)."""
    source, where = unwrapped(body, "properties")
    return text(source, where, "timeZone") or None, text(source, where, "language") or None


class SiteListing(Struct, frozen=True):
    """A site as its account lists it (D 11.2). `published` is None where the answer does not say."""

    id: str
    name: str
    published: bool | None
    view_url: str


class SitePage(Struct, frozen=True):
    """One page of an account's sites; `next` is the cursor of the page after it, None on the last."""

    sites: tuple[SiteListing, ...]
    next: str | None


def site_page(body: object) -> SitePage:
    """A page of Query Sites: more pages only where `metadata` says so (S-wix 5)."""
    outer = fields(body, "the answer")
    metadata = fields(outer.get("metadata"), "metadata")
    cursor = text(fields(metadata.get("cursors"), "metadata.cursors"), "metadata.cursors", "next")
    more = truth(metadata, "metadata", "hasNext") is not False
    return SitePage(
        tuple(_listing(one, where) for where, one in listed(body, "sites")), cursor or None if more else None
    )


def _listing(source: Fields, where: str) -> SiteListing:
    return SiteListing(
        id=id_of(source, where, "id"),
        name=text(source, where, "displayName", "name"),
        published=truth(source, where, "published"),
        view_url=text(source, where, "viewUrl"),
    )


class Account(Struct, frozen=True):
    """A connected account of a channel (S-wix 10.4)."""

    channel: str
    id: str
    name: str


def accounts(body: object) -> tuple[Account, ...]:
    """The accounts of a channel; each stands under a key named after its channel in lower case."""
    found = []
    for where, one in listed(body, "accounts"):
        channel = text(one, where, "channelName")
        inner = fields(one.get(channel.lower()), f"{where}.{channel.lower()}")
        found.append(Account(channel, text(inner, where, "id"), text(inner, where, "displayName", "username")))
    return tuple(found)


def connect_url(body: object) -> str:
    """Where a person connects a channel (S-wix 10.1)."""
    return text(fields(body, "the answer"), "the answer", "connectUrl")
