"""Owns who may do what: API keys, app tokens, the site or account of a request, scopes (2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.sandbox import checks, times
from reconciler.sandbox.call import Call
from reconciler.sandbox.errors import HttpError, application
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import SCOPES
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import guid
from reconciler.sandbox.world import Transaction

TOKEN_LIFE = 14400  # seconds, always (D)
_TOKEN = "OauthNG.JWS."  # noqa: S105 - how app tokens begin (S-sdk), not a token


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: the sites it can reach (None: all), its scopes, and the site of an app token."""

    sites: frozenset[str] | None
    scopes: frozenset[str]
    site: str | None = None


def unauthenticated(text: str) -> HttpError:
    """HTTP 401 (D)."""
    return application(401, "UNAUTHENTICATED", text)


def denied(text: str) -> HttpError:
    """HTTP 403 (D)."""
    return application(403, "PERMISSION_DENIED", text)


def identify(headers: dict[str, str], seed: Seed, store: Transaction, now: datetime) -> Identity:
    """Who a request is from. Raises 401 for a missing or wrong Authorization (D).

    An API key is sent bare, without Bearer (D); an app token is accepted with it (S-wix) and without (S-sdk).
    """
    given = headers.get("authorization", "").strip()
    everything = frozenset(SCOPES.values())
    if not given:
        if seed.anonymous:
            return Identity(None, everything)
        raise unauthenticated("the Authorization header is missing")
    scheme, _, rest = given.partition(" ")
    bearer = scheme.lower() == "bearer"
    credential = rest.strip() if bearer else given
    token = store.token(credential)
    if token is not None:
        site, expires, scopes = token
        if times.must(expires) <= now:
            raise unauthenticated("the access token has expired")
        return Identity(frozenset({site}), frozenset(scopes), site)
    if bearer or credential.startswith(_TOKEN):
        raise unauthenticated("the access token is not known")
    if seed.keys is None:
        return Identity(None, everything)
    if credential not in seed.keys:
        raise unauthenticated("the API key is not known")
    return Identity(seed.keys[credential].sites, seed.keys[credential].scopes)


def require_scope(identity: Identity, scope: str | None) -> None:
    """Refuses with 403 if the method's scope is not granted (D)."""
    if scope is not None and scope not in identity.scopes:
        raise denied(f"the permission {scope} is missing")


def site_of(identity: Identity, headers: dict[str, str]) -> str:
    """The site of a site-level request: for an API key from the wix-site-id header, for an app token from the token."""
    site, account = headers.get("wix-site-id"), headers.get("wix-account-id")
    if site and account:
        raise _bad_header("send wix-site-id or wix-account-id, not both")  # D: one of the two; status I
    if account:
        raise denied("an account-level identity cannot call a site-level method")  # S-wix: 403
    if identity.site is not None:
        if site and site.lower() != identity.site:
            raise denied("the access token belongs to another site")  # I
        return identity.site
    if not site:
        raise _bad_header("the wix-site-id header is missing")  # I
    if not checks.is_guid(site):
        raise _bad_header("wix-site-id is not a GUID")  # I
    if identity.sites is not None and site.lower() not in identity.sites:
        raise denied("the API key does not include this site")  # D
    return site.lower()


def account_of(identity: Identity, headers: dict[str, str], seed: Seed) -> str | None:
    """The account of an account-level request; None if the seed names none, so that any is accepted."""
    site, account = headers.get("wix-site-id"), headers.get("wix-account-id")
    if site and account:
        raise _bad_header("send wix-site-id or wix-account-id, not both")
    if identity.site is not None or not account:
        raise denied("an account-level method needs an API key and wix-account-id")  # I
    if not checks.is_guid(account):
        raise _bad_header("wix-account-id is not a GUID")
    if seed.account_id is not None and account.lower() != seed.account_id.lower():
        raise denied("the API key belongs to another account")
    return None if seed.account_id is None else account.lower()


def _bad_header(text: str) -> HttpError:
    return application(400, "INVALID_ARGUMENT", text)


def token(call: Call) -> JsonDict:
    """`POST /oauth2/token`: client credentials, snake_case JSON (D). Errors follow OAuth, not the envelope (D)."""
    body = call.body
    if body.get("grant_type") != "client_credentials":
        raise _oauth("unsupported_grant_type", "grant_type must be client_credentials")
    app_id, secret, instance = (body.get(name) for name in ("client_id", "client_secret", "instance_id"))
    if not (isinstance(app_id, str) and isinstance(secret, str) and isinstance(instance, str) and app_id and secret):
        raise _oauth("invalid_request", "client_id, client_secret and instance_id are required")
    scopes = sorted(SCOPES.values())
    site: str | None = None
    if call.seed.apps is not None:
        app = call.seed.apps.get(app_id)
        if app is None or app.secret != secret:
            raise _oauth("invalid_client", "unknown app or wrong secret", 401)
        site, scopes = app.instances.get(instance), sorted(app.scopes)
    site = site or call.store.site_of_instance(instance)
    if site is None and call.seed.apps is None and checks.is_guid(instance):
        # Nothing says which site an instance belongs to: without seeded apps, a site with that id is created (I).
        site = instance.lower()
    if site is None or call.find_site(site) is None:
        raise _oauth("invalid_request", "instance_id is not known")
    issued = call.store.meta("tokens") or 0
    call.store.set_meta("tokens", issued + 1)
    made = _TOKEN + guid(app_id, instance, issued)
    call.store.add_token(made, app_id, site, times.show(call.now + timedelta(seconds=TOKEN_LIFE)), scopes)
    call.changed()
    return {"access_token": made, "token_type": "Bearer", "expires_in": TOKEN_LIFE}


def token_info(call: Call) -> JsonDict:
    """`POST /oauth2/token-info` (S-sdk: the members). An unknown or expired token is not active (I)."""
    token_ = str(call.body.get("token"))
    found, app = call.store.token(token_), call.store.app_of(token_)
    if found is None or times.must(found[1]) <= call.now:
        return {"active": False}
    site = call.store.site(found[0])
    expires = int(times.must(found[1]).timestamp())
    return {
        "active": True,
        "subjectType": "APP",
        "subjectId": app,
        "exp": expires,
        "iat": expires - TOKEN_LIFE,
        "clientId": app,
        "siteId": found[0],
        "instanceId": site.facts["instanceId"] if site else "",
    }


def _oauth(error: str, text: str, status: int = 400) -> HttpError:
    return HttpError(status, {"error": error, "error_description": text})
