"""Owns the routes: method and path -> handler, with the scope each needs. Anything else is a gap."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.sandbox import (
    accounts,
    activities,
    auth,
    events,
    features,
    generated,
    marketing_plan,
    posts,
    publisher,
    regeneration,
    scheduling,
    settings,
    sites,
)
from reconciler.sandbox.call import Call
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.names import SCOPES
from reconciler.sandbox.unknowns import Unknowns

Handler = Callable[[Call], JsonDict]
Form = Callable[[JsonDict, Unknowns], JsonDict]

_PLANS = SCOPES["Manage Marketing Plans"]
_POSTS = SCOPES["Manage Social Posts"]
_SITE, _ACCOUNT, _NOBODY = "site", "account", "nobody"


@dataclass(frozen=True, slots=True)
class Route:
    """One method: its handler, the level of its identity (site, account, nobody), and its scope."""

    handler: Handler
    level: str
    scope: str | None
    name: str  # `METHOD path`, without _PLAN, and with /publisher for _PUBLISHER
    reads: bool
    form: Form | None  # the form of its answer, if it has one of its own (forms.py)
    keeps_active: bool  # whether it counts as using the marketing plan, which keeps the plan from going INACTIVE (I)


_PLAN = "/promote/marketing-plan-service/v1"
_PUBLISHER = "/social-publisher/v1"

_TABLE: tuple[tuple[str, str, Handler], ...] = (
    # 6.1 Marketing Plan
    ("POST", f"{_PLAN}/marketing-plan/generate-marketing-plan", marketing_plan.generate),  # D
    ("POST", f"{_PLAN}/marketing-plan/regenerate-marketing-plan", marketing_plan.regenerate),  # D
    ("POST", f"{_PLAN}/marketing-plan/regenerate-marketing-plan-with-keyword-research",
     marketing_plan.regenerate_with_keyword_research),  # S-wix
    ("GET", f"{_PLAN}/marketing-plan", marketing_plan.get_plan),  # D
    ("DELETE", f"{_PLAN}/marketing-plan", marketing_plan.delete_plan),  # D
    ("DELETE", f"{_PLAN}/marketing-plan/plan-marketing-activity", marketing_plan.delete_activity),  # D
    ("POST", f"{_PLAN}/marketing-plan/generate-social-posts", posts.generate),  # S-wix
    ("POST", f"{_PLAN}/marketing-activity-posts", posts.get),  # D
    ("POST", f"{_PLAN}/marketing-plan/schedule-drafts", scheduling.schedule),  # D
    ("POST", f"{_PLAN}/marketing-plan/regenerate-marketing-activity-posts", regeneration.regenerate),  # D
    ("POST", f"{_PLAN}/marketing-plan/regenerate-marketing-activity-posts-media", regeneration.regenerate_media),  # D
    ("PATCH", f"{_PLAN}/marketing-plan/update-marketing-activity-posts-media", regeneration.update_media),  # D
    ("PATCH", f"{_PLAN}/marketing-plan/clear-marketing-activity-posts", posts.clear),  # D
    ("POST", f"{_PLAN}/marketing-plan/regenerate-marketing-activity-stories", regeneration.regenerate_stories),  # D
    ("PATCH", f"{_PLAN}/marketing-plan/update-marketing-activity-stories-media", regeneration.update_story_media),  # D
    ("PATCH", f"{_PLAN}/marketing-plan/clear-marketing-activity-stories", posts.clear_stories),  # D
    # 7 Marketing Activity
    ("POST", f"{_PLAN}/items", activities.create),  # I
    ("POST", f"{_PLAN}/items/query", activities.query),  # I
    ("PATCH", f"{_PLAN}/items/{{id}}", activities.update),  # D
    ("GET", f"{_PLAN}/marketing-activity", activities.get),  # D
    # 8 Calendar Event
    ("POST", f"{_PLAN}/events", events.create),  # D
    ("POST", f"{_PLAN}/events/query", events.query),  # I
    ("PUT", f"{_PLAN}/events/{{id}}", events.update),  # D
    ("DELETE", f"{_PLAN}/events/{{id}}", events.delete),  # D
    # 9 Marketing Settings
    ("GET", f"{_PLAN}/marketing-settings", settings.get),  # D
    ("POST", f"{_PLAN}/marketing-settings", settings.upsert),  # D
    ("GET", f"{_PLAN}/marketing-settings/defaults", settings.defaults),  # D
    ("GET", f"{_PLAN}/marketing-settings/plan-goal-options", settings.goal_options),  # D
    ("GET", f"{_PLAN}/marketing-settings/point-of-view-options", settings.view_options),  # D
    ("GET", f"{_PLAN}/marketing-settings/calendar-options", settings.calendar_options),  # D
    # 10.1 Publisher
    ("POST", f"{_PUBLISHER}/items", publisher.create),  # D
    ("GET", f"{_PUBLISHER}/items", publisher.get_many),  # D
    ("POST", f"{_PUBLISHER}/items/query", publisher.query),  # D
    ("GET", f"{_PUBLISHER}/items/{{id}}", publisher.get),  # I
    ("PATCH", f"{_PUBLISHER}/items/{{id}}", publisher.update),  # D
    ("DELETE", f"{_PUBLISHER}/items/{{id}}", publisher.delete),  # D
    ("POST", f"{_PUBLISHER}/publish", publisher.publish),  # D
    ("POST", f"{_PUBLISHER}/publish-by-id", publisher.publish_by_id),  # D
    ("POST", f"{_PUBLISHER}/bulk/publish", publisher.bulk_publish),  # D
    ("POST", f"{_PUBLISHER}/items/{{id}}/reschedule", publisher.reschedule),  # D
    ("PATCH", f"{_PUBLISHER}/items/{{id}}/cancel", publisher.cancel),  # S-wix
    ("GET", f"{_PUBLISHER}/accounts", accounts.list_accounts),  # D
    ("GET", f"{_PUBLISHER}/{{channelName}}/connect-url", accounts.connect_url),  # D
    ("GET", f"{_PUBLISHER}/{{channelName}}/long-lived-token-status", accounts.token_status),  # D
    ("PATCH", f"{_PUBLISHER}/{{channelName}}/settings", accounts.update_settings),  # S-wix
    ("DELETE", f"{_PUBLISHER}/{{channelName}}/account", accounts.disconnect),  # D
    ("GET", f"{_PUBLISHER}/features", features.get_features),  # D
    ("GET", f"{_PUBLISHER}/features/{{featureType}}", features.get_feature),  # D
    ("POST", f"{_PUBLISHER}/generate-text", generated.text),  # D
    ("POST", f"{_PUBLISHER}/generate-post-data", generated.post_data),  # S-wix
    ("POST", f"{_PUBLISHER}/generate-image", generated.image),  # S-wix
    ("GET", f"{_PUBLISHER}/generated-image/{{executionId}}", generated.get_image),  # S-wix
    # 2, 10.7, 11 the rest of the platform
    ("POST", "/site-media/v1/files/import", generated.import_file),  # S-wix
    ("GET", "/site-media/v1/files/{id}", generated.get_file),  # S-wix
    ("GET", "/urls-server/v2/published-site-urls", sites.published_urls),  # S-sdk
    ("POST", "/site-list/v2/sites/query", sites.query),  # D
    ("POST", "/site-list/v2/sites/count", sites.count),  # S-wix
    ("GET", "/site-properties/v4/properties", sites.properties),  # D
    ("PATCH", "/site-properties/v4/properties", sites.update_properties),  # S-wix
    ("POST", "/oauth2/token", auth.token),  # D
    ("POST", "/oauth2/token-info", auth.token_info),  # S-sdk
)  # fmt: skip

_FORMS: dict[Handler, Form] = {
    marketing_plan.get_plan: marketing_plan.form_of_plan,
    posts.get: posts.form_of_list,
    regeneration.regenerate: regeneration.form_of_snapshot,
    regeneration.regenerate_media: regeneration.form_of_snapshot,
    regeneration.update_media: regeneration.form_of_snapshot,
    regeneration.regenerate_stories: regeneration.form_of_snapshot,
    regeneration.update_story_media: regeneration.form_of_snapshot,
    activities.create: activities.form_of_one,
    activities.update: activities.form_of_one,
    activities.get: activities.form_of_one,
    events.create: events.form_of_one,
    events.update: events.form_of_one,
    events.query: events.form_of_list,
    settings.get: settings.form_of_settings,
    settings.upsert: settings.form_of_upsert,
    settings.defaults: settings.form_of_defaults,
    accounts.token_status: accounts.form_of_token_status,
    sites.properties: sites.form_of_properties,
}
"""Handlers whose answers have a form of their own."""


_READ_BY_POST = ("marketing-activity-posts", "/query", "/count", "token-info")


def _route(method: str, path: str, handler: Handler) -> Route:
    name = f"{method} {path.removeprefix(_PLAN).replace(_PUBLISHER, '/publisher')}"
    reads = method == "GET" or path.endswith(_READ_BY_POST)
    form = _FORMS.get(handler)
    if path.startswith("/oauth2/"):
        return Route(handler, _NOBODY, None, name, reads, form, keeps_active=False)
    if path.startswith("/site-list/"):
        return Route(handler, _ACCOUNT, SCOPES["Read Sites"], name, reads, form, keeps_active=False)
    scope = next(
        (
            scope
            for start, scope in (
                (_PLAN, _PLANS),
                (_PUBLISHER, _POSTS),
                ("/urls-server/", SCOPES["Read Site URLs"]),
                ("/site-media/", SCOPES["Manage Media"]),
                ("/site-properties/", SCOPES["Manage Site Properties"]),
            )
            if path.startswith(start)
        ),
        None,
    )
    return Route(handler, _SITE, scope, name, reads, form, keeps_active=path.startswith(f"{_PLAN}/marketing-plan"))


_EXACT = {(method, path): _route(method, path, handler) for method, path, handler in _TABLE if "{" not in path}
_PATTERNS = tuple(
    (method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), _route(method, path, handler))
    for method, path, handler in _TABLE
    if "{" in path
)


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a request, with the values of the path's variables; None: a gap."""
    exact = _EXACT.get((method, path))
    if exact is not None:
        return exact, {}
    for known, pattern, route in _PATTERNS:
        if known == method and (found := pattern.fullmatch(path)):
            return route, found.groupdict()
    return None


def table() -> list[tuple[str, str]]:
    """All methods and paths, in the order of docs/remote-api.md."""
    return [(method, path) for method, path, _ in _TABLE]
