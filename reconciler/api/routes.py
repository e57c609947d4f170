"""Every method and path of the remote API that this tool knows, once, with its mark (remote-api.md).

A read route changes nothing and may be used by `plan` and `drift`; a write route may not. Their calls have different
types, so a transport that can only read does not accept a write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.canonical import Json, JsonObject

MARKETING: Final = "/promote/marketing-plan-service/v1"  # D
PUBLISHER: Final = "/social-publisher/v1"  # D


class ApiCall(Struct, frozen=True):
    """One request: method, path after the host, query parameters in order, JSON body (None: no body).

    `repeatable`: sending it twice has the same effect as sending it once.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: JsonObject | None = None
    repeatable: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class ReadCall(ApiCall, frozen=True):
    """A call that changes nothing.

    `once`: it is not sent again after an error, because nothing depends on its answer.
    """

    once: bool = False


class WriteCall(ApiCall, frozen=True):
    """A call that may change something.

    `keys`: the possible names of its body's only member, if the name is inferred; the body has the first.
    """

    keys: tuple[str, ...] = ()

    def under(self, key: str) -> WriteCall:
        """The same call with its member under a given key."""
        (member,) = (self.body or JsonObject()).values()
        return replace(self, body=JsonObject({key: member}))


class _Route(Struct, frozen=True):
    method: str
    template: str
    mark: str

    def path(self, **parameters: str) -> str:
        """The path, with the parameters quoted and inserted."""
        if not parameters and "{" not in self.template:
            return self.template
        return self.template.format(**{name: quote(value, safe="") for name, value in parameters.items()})


class ReadRoute(_Route, frozen=True):
    """A route that changes nothing."""

    def call(
        self, *, query: tuple[tuple[str, str], ...] = (), body: Mapping[str, Json] | None = None, **parameters: str
    ) -> ReadCall:
        """A call of this route. `parameters` are those of the path."""
        frozen = None if body is None else JsonObject(body)
        return ReadCall(self.method, self.path(**parameters), query, frozen, repeatable=True)


class WriteRoute(_Route, frozen=True):
    """A route that may change something. `keys`: see WriteCall."""

    repeatable: bool = False
    keys: tuple[str, ...] = ()

    def call(
        self, *, query: tuple[tuple[str, str], ...] = (), body: Mapping[str, Json] | None = None, **parameters: str
    ) -> WriteCall:
        """A call of this route. `parameters` are those of the path."""
        frozen = None if body is None else JsonObject(body)
        return WriteCall(self.method, self.path(**parameters), query, frozen, self.repeatable, self.keys)


# --- marketing plan (remote-api.md 6) --------------------------------------------------------------

_PLAN: Final = f"{MARKETING}/marketing-plan"

GET_MARKETING_PLAN: Final = ReadRoute("GET", _PLAN, "D")
ACTIVITY_POSTS: Final = ReadRoute("POST", f"{MARKETING}/marketing-activity-posts", "D")

GENERATE: Final = WriteRoute("POST", f"{_PLAN}/generate-marketing-plan", "D")
REGENERATE: Final = WriteRoute("POST", f"{_PLAN}/regenerate-marketing-plan", "D")
REGENERATE_WITH_RESEARCH: Final = WriteRoute(
    "POST", f"{_PLAN}/regenerate-marketing-plan-with-keyword-research", "S-wix"
)
DELETE_MARKETING_PLAN: Final = WriteRoute("DELETE", _PLAN, "D")
DELETE_ACTIVITY: Final = WriteRoute("DELETE", f"{_PLAN}/plan-marketing-activity", "D")
GENERATE_POSTS: Final = WriteRoute("POST", f"{_PLAN}/generate-social-posts", "S-wix")
SCHEDULE_DRAFTS: Final = WriteRoute("POST", f"{_PLAN}/schedule-drafts", "D")
REGENERATE_POSTS: Final = WriteRoute("POST", f"{_PLAN}/regenerate-marketing-activity-posts", "D")
REGENERATE_MEDIA: Final = WriteRoute("POST", f"{_PLAN}/regenerate-marketing-activity-posts-media", "D")
CLEAR_POSTS: Final = WriteRoute("PATCH", f"{_PLAN}/clear-marketing-activity-posts", "D")
REGENERATE_STORIES: Final = WriteRoute("POST", f"{_PLAN}/regenerate-marketing-activity-stories", "D")
CLEAR_STORIES: Final = WriteRoute("PATCH", f"{_PLAN}/clear-marketing-activity-stories", "D")

# --- marketing activity (7) ------------------------------------------------------------------------

GET_ACTIVITY: Final = ReadRoute("GET", f"{MARKETING}/marketing-activity", "D")
QUERY_ACTIVITIES: Final = ReadRoute("POST", f"{MARKETING}/items/query", "I")
CREATE_ACTIVITY: Final = WriteRoute("POST", f"{MARKETING}/items", "I")
# Absolute values by a mask: sending it a second time changes nothing.
UPDATE_ACTIVITY: Final = WriteRoute("PATCH", f"{MARKETING}/items/{{id}}", "D", repeatable=True)

# --- calendar event (8) ----------------------------------------------------------------------------

# The path was never seen. The first is modelled on the other query methods, the second on the marketing plan's
# paths, which are method names; the one that answers is kept for the run (events.py).
QUERY_EVENTS: Final = (
    ReadRoute("POST", f"{MARKETING}/events/query", "I"),
    ReadRoute("POST", f"{MARKETING}/query-events", "I"),
)
CREATE_EVENT: Final = WriteRoute("POST", f"{MARKETING}/events", "D")
# The body's key was never seen: the first fits its path (I 8.2); the second is what create takes.
UPDATE_EVENT: Final = WriteRoute(
    "PUT", f"{MARKETING}/events/{{id}}", "D", repeatable=True, keys=("event", "calendarEvent")
)
DELETE_EVENT: Final = WriteRoute("DELETE", f"{MARKETING}/events/{{id}}", "D")

# --- marketing settings (9) ------------------------------------------------------------------------

GET_SETTINGS: Final = ReadRoute("GET", f"{MARKETING}/marketing-settings", "D")
UPSERT_SETTINGS: Final = WriteRoute("POST", f"{MARKETING}/marketing-settings", "D", repeatable=True)
SETTINGS_DEFAULTS: Final = ReadRoute("GET", f"{MARKETING}/marketing-settings/defaults", "D")
PLAN_GOAL_OPTIONS: Final = ReadRoute("GET", f"{MARKETING}/marketing-settings/plan-goal-options", "D")
POINT_OF_VIEW_OPTIONS: Final = ReadRoute("GET", f"{MARKETING}/marketing-settings/point-of-view-options", "D")
CALENDAR_OPTIONS: Final = ReadRoute("GET", f"{MARKETING}/marketing-settings/calendar-options", "D")

# --- Publisher (10) --------------------------------------------------------------------------------

GET_ITEM: Final = ReadRoute("GET", f"{PUBLISHER}/items/{{id}}", "I")
QUERY_ITEMS: Final = ReadRoute("POST", f"{PUBLISHER}/items/query", "D")
LIST_ACCOUNTS: Final = ReadRoute("GET", f"{PUBLISHER}/accounts", "D")
TOKEN_STATUS: Final = ReadRoute("GET", f"{PUBLISHER}/{{channel}}/long-lived-token-status", "D")
FEATURES: Final = ReadRoute("GET", f"{PUBLISHER}/features", "D")
PUBLISH_BY_ID: Final = WriteRoute("POST", f"{PUBLISHER}/publish-by-id", "D")
RESCHEDULE_ITEM: Final = WriteRoute("POST", f"{PUBLISHER}/items/{{id}}/reschedule", "D")
CANCEL_ITEM: Final = WriteRoute("PATCH", f"{PUBLISHER}/items/{{id}}/cancel", "S-wix")

# --- the site and its account (11), and tokens (2.2) -----------------------------------------------

PUBLISHED_URLS: Final = ReadRoute("GET", "/urls-server/v2/published-site-urls", "S-sdk")
QUERY_SITES: Final = ReadRoute("POST", "/site-list/v2/sites/query", "D")
SITE_PROPERTIES: Final = ReadRoute("GET", "/site-properties/v4/properties", "D")
TOKEN: Final = ReadRoute("POST", "/oauth2/token", "D")

READ_BY_POST: Final = frozenset(
    route.template for route in (ACTIVITY_POSTS, QUERY_ACTIVITIES, *QUERY_EVENTS, QUERY_ITEMS, QUERY_SITES, TOKEN)
)
"""The paths of POST requests that only read. A closed set: anything else that is not GET is a write."""


def only_reads(method: str, path: str) -> bool:
    """Whether a request changes nothing, judged by what is actually sent."""
    return method == "GET" or (method == "POST" and path in READ_BY_POST)


def permission_of(path: str) -> str:
    """The permission that a path requires, as the vendor's console names it, if known (D; S-sdk for other services)."""
    if path.startswith(MARKETING):
        return "Manage Marketing Plans (SCOPE.PROMOTE.MANAGE-MARKETING-PLAN)"
    if path.startswith(PUBLISHER):
        return "Manage Social Posts (SCOPE.PROMOTE.MANAGE-SOCIAL-POSTS)"
    if path.startswith("/urls-server/"):
        return "SITE_URLS.READ"
    if path.startswith("/site-list/"):
        return "SITE_LIST.READ"
    return "to read the site's properties"
