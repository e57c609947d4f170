"""Owns connected channels: accounts, token status, connecting, default accounts, disconnecting (10.4)."""

from __future__ import annotations

from reconciler.sandbox import content, premium
from reconciler.sandbox.call import Call
from reconciler.sandbox.checks import message
from reconciler.sandbox.errors import application, precondition, violation
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import CHANNELS
from reconciler.sandbox.state import Site, guid
from reconciler.sandbox.unknowns import Unknowns

# The setting that names a channel's default account (S-wix).
_DEFAULTS = {
    "INSTAGRAM": "defaultAccountId",
    "FACEBOOK": "defaultPageId",
    "PINTEREST": "defaultBoardId",
    "GBP": "defaultLocationId",
    "TIKTOK": "defaultAccountId",
    "LINKEDIN": "defaultChannelId",
}


def account(site: Site, channel: str) -> JsonDict | None:
    """The account of a channel's posts: the default one, or else the first; None if the channel is not connected."""
    found = accounts(site, channel)
    return next((each for each in found if each["settings"]["default"]), found[0] if found else None)


def accounts(site: Site, channel: str) -> list[JsonDict]:
    """The accounts of a connected channel: the seed's, otherwise a single one. Real sites can have several (S-live)."""
    if site.channels.get(channel) != "VALID":
        return []
    given = site.facts.get("accounts", {}).get(channel) or [{"default": True}]
    chosen = site.facts.get("defaultAccounts", {}).get(channel)
    found = [_account(site, channel, each) for each in given]
    if chosen is not None and any(chosen in _ids(each) for each in found):
        for each in found:
            each["settings"]["default"] = chosen in _ids(each)
    return found


def _ids(found: JsonDict) -> set[str]:
    """The ids by which a default can be set: the account's own, and that of its page, board or location (S-wix)."""
    return {found["id"], *(found[name]["id"] for name in ("page", "board", "location") if name in found)}


def _account(site: Site, channel: str, given: JsonDict) -> JsonDict:
    """An account as the API shows it (S-wix)."""
    digits = str(10**14 + content.number(site.id, channel, *filter(None, [given.get("id")])) % 10**15)
    name = given.get("displayName") or site.facts["name"]
    found: JsonDict = {"id": digits, "displayName": name, "settings": {"default": bool(given.get("default"))}}
    match channel:
        case "INSTAGRAM" | "TWITTER":
            found["username"] = "".join(letter for letter in name.lower() if letter.isalnum()) or "site"
        case "FACEBOOK":
            found["page"] = {"id": digits[::-1].replace("0", "7"), "displayName": f"{name} Page"}
        case "PINTEREST":
            found["board"] = {"id": guid(site.id, "board").replace("-", "")[:18], "displayName": f"{name} Board"}
        case "GBP":
            found["location"] = {"id": f"locations/{digits[:12]}", "displayName": name}
        case "LINKEDIN":
            found["id"] = f"urn:li:organization:{digits[:9]}"
        case "TIKTOK":
            found["privacyLevelOptions"] = ["PUBLIC_TO_EVERYONE", "SELF_ONLY"]
        case _:
            pass
    return {**found, "id": given.get("id") or found["id"]}


def channel_of(call: Call) -> str:
    """The channel that a path names; an unknown one is 428 UNSUPPORTED_CHANNEL (code S-wix)."""
    name = call.params["channelName"]
    if name not in CHANNELS:
        raise precondition(f"channel {name} is not supported", "UNSUPPORTED_CHANNEL")
    return name


def list_accounts(call: Call) -> JsonDict:
    """`GET /accounts?channelName=` (D)."""
    names = list(dict.fromkeys(call.query.get("channelName", ())))
    if not names:
        raise violation("channelName", "must not be empty", "REQUIRED_FIELD")
    match call.seed.unknowns.repeatedChannelName:  # "one or more channels" (D); how is not known (I)
        case "first":
            names = names[:1]
        case "refuse" if len(names) > 1:
            raise violation("channelName", "must be given once")
        case _:
            pass
    return {"accounts": [each for name in names for each in _accounts_of(call, name)]}


def _accounts_of(call: Call, name: str) -> list[JsonDict]:
    if name not in CHANNELS:
        raise violation("channelName", f"{name!r} is not a channel", "ENUM")
    match call.site.channels.get(name, "NEVER_CREATED"):
        case "NO_PAGES":
            return []  # S-wix: there is a token, but no page to post to
        case "VALID":
            return [{"channelName": name, name.lower(): each} for each in accounts(call.site, name)]  # S-wix
        case "NEVER_CREATED":
            # 400 in the recipe (S-wix); the reference page lists one 428 (D): switchable.
            raise application(call.seed.unknowns.neverConnected, "USER_NOT_EXIST_FOR_CHANNEL", f"no {name} account")
        case _:
            raise precondition(f"the {name} account is disconnected", "USER_IS_DISCONNECTED")  # S-live, status I


def token_status(call: Call) -> JsonDict:
    """`GET /{channelName}/long-lived-token-status` (S-wix): the connection check."""
    status = call.site.channels.get(channel_of(call), "NEVER_CREATED")
    return {"status": "VALID" if status == "NO_PAGES" else status}


def connect_url(call: Call) -> JsonDict:
    """`GET /{channelName}/connect-url`; 428 if no further channel may be connected (S-wix)."""
    name = channel_of(call)
    if not call.site.connected(name):
        premium.require(call.site, "CONNECT_CHANNEL", call.now)
    return {"connectUrl": f"https://www.wix.com/social-publisher/connect/{name.lower()}?siteId={call.site.id}"}


def update_settings(call: Call) -> JsonDict:
    """`PATCH /{channelName}/settings`: a default account (S-wix)."""
    name = channel_of(call)
    if name not in _DEFAULTS:
        raise precondition(f"channel {name} has no settings", "UNSUPPORTED_CHANNEL")  # I
    given = message(name.lower(), call.body.get(name.lower()))
    if not isinstance(given.get(_DEFAULTS[name]), str):
        raise violation(f"{name.lower()}.{_DEFAULTS[name]}", "must not be empty", "REQUIRED_FIELD")
    if not call.site.connected(name):
        raise precondition(f"the {name} account is not connected", "USER_IS_DISCONNECTED")  # I
    call.site.facts.setdefault("defaultAccounts", {})[name] = given[_DEFAULTS[name]]
    call.changed()
    return {}


def form_of_token_status(value: JsonDict, unknowns: Unknowns) -> JsonDict:
    """The answer that shows whether a channel is connected."""
    fresh = unknowns.newEnumMembers == "token-status" and value["status"] == "VALID"
    return {"status": "VALID_LONG_LIVED"} if fresh else value


def disconnect(call: Call) -> JsonDict:
    """`DELETE /{channelName}/account` (D)."""
    name = channel_of(call)
    if name in call.site.channels:
        call.site.channels[name] = "DISCONNECTED"
        call.changed()
    return {}
