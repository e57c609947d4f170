"""Owns what the platform says about sites: published URLs, the list of sites, site properties (11)."""

from __future__ import annotations

import base64
import json
from typing import Any

from reconciler.sandbox import queries
from reconciler.sandbox.call import Call
from reconciler.sandbox.checks import message
from reconciler.sandbox.errors import HttpError, unparsable, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.state import Site, guid
from reconciler.sandbox.unknowns import Unknowns

_FILTERABLE = ("id", "name", "displayName", "published", "premium", "namespace", "editorType", "ownerAccountId")
_SORTABLE = ("id", "name", "displayName", "createdDate", "updatedDate")
_WRITABLE = ("language", "locale", "timeZone", "paymentCurrency")


def url_of(site: Site) -> str:
    """The address of a published site."""
    slug = "".join(letter for letter in site.facts["name"].lower() if letter.isalnum()) or "site"
    return (
        f"https://www.{slug}-{site.id[:8]}.example"
        if site.facts["premium"]
        else f"https://{slug}.wixsite.com/{site.id[:8]}"
    )


def published_urls(call: Call) -> JsonDict:
    """`GET /urls-server/v2/published-site-urls`: an empty array for an unpublished site (S-sdk)."""
    kind = call.one("filters.urlType") or "ALL"
    if kind not in ("ALL", "PREMIUM", "FREE"):
        raise violation("filters.urlType", f"{kind!r} is not one of ALL, PREMIUM, FREE", "ENUM")
    mine = "PREMIUM" if call.site.facts["premium"] else "FREE"
    if not call.site.facts["published"] or kind not in ("ALL", mine) or call.one("filters.primary") == "false":
        return {"urls": []}
    return {"urls": [{"urlType": mine, "primary": True, "url": url_of(call.site)}]}


def query(call: Call) -> JsonDict:
    """`POST /site-list/v2/sites/query`: account-level, cursor-paged, at most 100 (D + S-wix).

    The next cursor is at metadata.cursors.next, and metadata.hasNext says if there is more; a follow-up sends only the
    cursor (S-wix).
    """
    asked = call.body.get("query") or {}
    if not isinstance(asked, dict):
        raise unparsable()
    paging = asked.get("cursorPaging") or {}
    if not isinstance(paging, dict):
        raise unparsable()
    limit = queries.bounded(paging.get("limit", 50), "limit", 1, 100)
    place, kept = 0, {"filter": asked.get("filter"), "sort": asked.get("sort")}
    if paging.get("cursor"):
        place, kept = _read_cursor(paging["cursor"])
    found = queries.matching(_shown(call), _namespaced(kept["filter"]), _FILTERABLE)
    found = queries.ordered(found, kept["sort"], _SORTABLE)
    page, more = found[place : place + limit], place + limit < len(found)
    cursors = {"next": _cursor(place + limit, kept)} if more else {}
    return {"sites": page, "metadata": {"count": len(page), "cursors": cursors, "hasNext": more}}


def count(call: Call) -> JsonDict:
    """`POST /site-list/v2/sites/count` (S-wix)."""
    filter_ = call.body.get("filter") or (call.body.get("query") or {}).get("filter")
    return {"count": len(queries.matching(_shown(call), _namespaced(filter_), _FILTERABLE))}


def _namespaced(filter_: Any) -> Any:
    # Only WIX sites unless a namespace is asked for (S-wix).
    if filter_ is not None and not isinstance(filter_, dict):
        raise unparsable()
    return {"namespace": "WIX", **(filter_ or {})}


def _cursor(place: int, kept: JsonDict) -> str:
    return base64.urlsafe_b64encode(json.dumps([place, kept]).encode()).decode().rstrip("=")


def _read_cursor(cursor: object) -> tuple[int, JsonDict]:
    try:
        place, kept = json.loads(base64.urlsafe_b64decode(f"{cursor}==="))
        return int(place), {"filter": kept["filter"], "sort": kept["sort"]}
    except (ValueError, TypeError, KeyError):
        raise violation("query.cursorPaging.cursor", "is not a cursor") from None


def _shown(call: Call) -> list[JsonDict]:
    found = []
    for site_id in call.store.site_ids():
        site = call.store.site(site_id)
        if site is not None and call.account in (None, site.facts["accountId"]):
            found.append(_show(site))
    return found


def _show(site: Site) -> JsonDict:
    facts = site.facts
    return {
        "id": site.id,
        "htmlAppId": guid(site.id, "html"),
        "name": facts["name"].lower().replace(" ", "-"),
        "displayName": facts["name"],
        "createdDate": facts["createdDate"],
        "updatedDate": facts["createdDate"],
        "published": facts["published"],
        "premium": facts["premium"],
        "viewUrl": url_of(site) if facts["published"] else "",  # S-wix
        "editUrl": f"https://editor.wix.com/{site.id}",
        "ownerAccountId": facts["accountId"],
        "contributorAccountIds": [],
        "editorType": "EDITOR",
        "blocked": False,
        "namespace": facts.get("namespace", "WIX"),
        "domainConnected": facts["premium"],
    }


def properties(call: Call) -> JsonDict:
    """`GET /site-properties/v4/properties` (D).

    `fields`, a comma-separated string, limits the answer (S-sdk; effect I).
    """
    facts = call.site.facts
    found = {
        "language": facts["language"],
        "locale": facts.get("locale") or {"languageCode": facts["language"], "country": facts["country"]},
        "timeZone": facts["timeZone"],
        "paymentCurrency": facts.get("paymentCurrency", "USD"),
        "siteDisplayName": facts["name"],
    }
    wanted = call.one("fields")
    if wanted is not None and call.seed.unknowns.propertiesFields == "honoured":
        found = {name: value for name, value in found.items() if name in wanted.split(",")}
    return {"version": str(facts.get("version", 1)), "properties": found}


def form_of_properties(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows the properties of a site."""
    if not unknowns.timeZoneShown:
        value["properties"] = {name: each for name, each in value["properties"].items() if name != "timeZone"}
    return value


def update_properties(call: Call) -> JsonDict:
    """`PATCH /site-properties/v4/properties`: the mask is `{"paths": [...]}`, else 400; returns the version (S-wix)."""
    given = call.body.get("properties")
    mask = call.body.get("fields")
    paths = mask.get("paths") if isinstance(mask, dict) else None
    if mask is not None and not isinstance(paths, list):
        raise unparsable()
    if not paths or given is None:
        raise HttpError(400, {"message": "Illegal request - No updates on request body", "details": {}})
    values = message("properties", given)
    for path in paths:
        if path not in _WRITABLE:
            raise violation("fields.paths", f"{path!r} is not one of {', '.join(_WRITABLE)}")
        if values.get(path) is None:
            raise violation(f"properties.{path}", "must not be empty", "REQUIRED_FIELD")
    call.site.facts.update({path: values[path] for path in paths})
    call.site.facts["version"] = call.site.facts.get("version", 1) + 1
    call.changed()
    return {"version": str(call.site.facts["version"])}
