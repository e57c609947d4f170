"""What `init`, `version`, `schema`, `completion` and `sandbox` show."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, assert_never

from reconciler.engine import tool_results
from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.reporters.layout import inert, inert_json


def tool_text(event: tool_results.AnyToolEvent) -> str:
    """What is written for an event, including line endings. A schema and a script are written as they are."""
    match event:
        case tool_results.VersionShown() | tool_results.SchemaShown() | tool_results.ScriptShown():
            return event.text
        case tool_results.StarterFile(file=file, written=written):
            return f"wrote  {inert(file)}\n" if written else f"kept   {inert(file)}, which already exists\n"
        case tool_results.StarterWritten():
            return "\n"
        case tool_results.SandboxReady(url=url):
            return f"Sandbox at {url}\n"
        case tool_results.SandboxStopped():
            return "The sandbox was stopped.\n"
        case tool_results.SandboxReset():
            return "The sandbox was reset.\n"
        case tool_results.SandboxShown():
            return "".join(f"{line}\n" for line in _shown(event))
        case _:
            assert_never(event)


def _shown(event: tool_results.SandboxShown) -> Iterator[str]:
    match event.view:
        case tool_results.SandboxView.EVERYTHING:
            yield from inert_json(json.dumps({**event.world, "requests": event.requests}, indent=2)).splitlines()
        case tool_results.SandboxView.REQUESTS:
            yield from map(_request, event.requests)
        case tool_results.SandboxView.SITES:
            yield from _world(event.world)
        case _:
            assert_never(event.view)


def _request(request: Mapping[str, Any]) -> str:
    ended, site = request["status"] or "lost", request["site"] or "-"
    return inert(f"{request['at']}  {ended}  {site}  {request['method']} {request['path']}")


def _world(world: Mapping[str, Any]) -> Iterator[str]:
    yield f"clock: {world['clock']}"
    if not world["sites"]:
        yield "no sites yet; a site is created on the first request for it"
    for site_id, site in world["sites"].items():
        yield from map(inert, _site_lines(site_id, site))
    for gap in world["gaps"]:
        yield inert(f"unknown route requested: {gap['method']} {gap['path']}")


def _site_lines(id: str, site: Mapping[str, Any]) -> Iterator[str]:
    facts = site["facts"]
    statuses = Counter(record["item"]["status"] for record in site["items"].values())
    posts = ", ".join(f"{count:,} {status}" for status, count in sorted(statuses.items())) or "none"
    connected = (f"{channel_name(name)} {status}" for name, status in sorted(site["channels"].items()))
    channels = ", ".join(connected) or "none"
    published = "published" if facts["published"] else "not published"
    yield f"{id}  {facts['name']}, {published}, {facts['timeZone']}"
    yield f"  marketing plan: {site['plan']['status']}, {plural(len(site['activities']), 'activity', 'activities')}"
    yield f"  posts: {posts}; events: {len(site['events']):,}; channels: {channels}"
