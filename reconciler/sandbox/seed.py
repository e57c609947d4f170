"""Owns the seed format: sandbox.yaml, or the same as a mapping.

Everything is optional. SeedError names all unknown keys and wrong values. Times are RFC 3339; spans of time are
seconds or strings like `500ms`, `2s`, `15m`, `2h`, `21d`, `2w`.

    clock: 2026-12-01T09:00:00Z    # where the world's clock starts when the world is made; left out: real UTC
    freeze: true                   # the clock stands still except for `advance` and `clockStep`
    clockStep: 5s                  # how far each request moves the clock, so that polling ends in a frozen world
    latency: {request: 0, generate: 2s, regenerate: 2s, posts: 1s, media: 1s}   # regenerate left out: as generate;
                                   # with keyword research it takes twice as long; publishing takes `posts`
    contentSeed: 7                 # a different number gives different texts and pictures
    createSites: true              # an unknown site id makes a site; false: 404
    accountId: 1f0c2a9e-...        # the account that owns the sites; left out: any account id is accepted
    requestsPerMinute: 200         # more for a site in a minute of the world's clock: 429; left out: no limit
    keys:                          # left out: every key is accepted, for every site, with every scope
      my-sandbox-key: {sites: [3f0c...], scopes: [Manage Marketing Plans, Manage Social Posts]}   # left out: all
    apps:                          # left out: every app id and secret is accepted
      - {appId: a, appSecret: s, instances: {<instance id>: <site id>}, scopes: [...]}
    faults: [...]                  # see faults.py
    unknowns: {eventsKey: events}  # what is not known of the API; see unknowns.py
    anonymous: false               # true: requests without Authorization are let in
    defaults: {...}                # fields for every site that does not set them itself
    sites:                         # a list, or a mapping of id to the other fields
      - id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01
        name: Jane's Pottery
        namespace: WIX             # or HEADLESS: Query Sites leaves it out unless its filter names it
        instanceId: 5d1c...        # left out: made from the id
        published: true
        premium: true
        language: en
        country: US
        timeZone: Europe/Paris
        channels: [INSTAGRAM, FACEBOOK]   # or {INSTAGRAM: VALID, FACEBOOK: DISCONNECTED}; statuses VALID,
                                          # NEVER_CREATED, DISCONNECTED, INVALID, and NO_PAGES: valid without a page
        accounts:                  # left out: one account per connected channel
          LINKEDIN: [{id: "urn:li:person:1", displayName: Jane, default: false}, {id: "urn:li:organization:2",
                      displayName: Jane's Pottery, default: true}]
        features: free             # or premium (the default), or {SCHEDULE_POST: {enabled, limit, used, period}};
                                   # a feature may be just true or false
        monetized: true            # monetizationEnabled; false: no quota is enforced
        settings: {toneOfVoice: warm}     # saved settings, as in the API's `settings`
        overrides: {socialMarketing: {frequency: {interval: WEEK, count: 3}}}
        plan:                      # a status alone will do: `plan: ACTIVE`
          status: ACTIVE
          activities:              # left out: made from the templates, as in a generation
            - {id, date, title, description, type, items: [{id, channel, type, status, caption, media,
               scheduledDate, referenceId}]}     # items: all: made as in a generation
        events: [{id, name, description, date, recurringRule}]
        foreignEvents: [{id, calendarId, name, description, date, recurringRule}]    # of connected calendars
        lastTouched: 2026-10-01T00:00:00Z # last use of the marketing plan; six weeks later it is INACTIVE
        failGeneration: false      # true: every generation ends FAILED
        neverFinish: false         # true: no generation ends
        unpublishedGives: empty    # or failed: what generating for an unpublished site gives
        contentSeed: 7
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.sandbox import seed_values as values
from reconciler.sandbox.faults import check_fault, wrong_fault
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed_access import App, Key, read_apps, read_keys
from reconciler.sandbox.seed_sites import read_site, read_sites
from reconciler.sandbox.unknowns import TABLE, Unknowns


@dataclass(frozen=True, slots=True)
class Latency:
    """How long things take, in seconds."""

    request: float = 0.0
    generate: float = 2.0
    regenerate: float = 2.0
    posts: float = 1.0
    media: float = 1.0


@dataclass(frozen=True, slots=True)
class Seed:
    """What a world is made from, and the options it runs with."""

    clock: datetime | None = None
    freeze: bool = False
    clock_step: float = 0.0
    latency: Latency = Latency()
    unknowns: Unknowns = Unknowns()
    anonymous: bool = False
    content_seed: int = 0
    create_sites: bool = True
    account_id: str | None = None
    requests_per_minute: int | None = None
    keys: Mapping[str, Key] | None = None
    apps: Mapping[str, App] | None = None
    faults: tuple[JsonDict, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # id -> fields, defaults merged in


TOP_KEYS = (
    "clock", "freeze", "clockStep", "latency", "contentSeed", "createSites", "accountId", "requestsPerMinute", "keys",
    "apps", "anonymous", "faults", "unknowns", "defaults", "sites",
)  # fmt: skip


def read_seed(source: object) -> Seed:
    """The seed that a mapping describes. Raises SeedError."""
    with values.all_at_once():
        return _seed(source)


def _seed(source: object) -> Seed:
    if not isinstance(source, Mapping):
        values.wrong("not a mapping", "write keys such as sites and clock")
        return Seed()
    values.finite(source)
    if "switches" in source:  # what `unknowns` was called before; the close match would be `sites`
        values.wrong("unknown key 'switches'", "it is called unknowns", "switches", key=True)
    top = values.mapping("", source, TOP_KEYS)
    defaults = read_site("defaults", top.get("defaults") or {})
    return Seed(
        clock=values.moment("clock", top.get("clock")),
        freeze=values.flag("freeze", top.get("freeze", False)),
        clock_step=values.span("clockStep", top.get("clockStep", 0)),
        latency=_latency(top.get("latency") or {}),
        unknowns=_unknowns(top.get("unknowns") or {}),
        anonymous=values.flag("anonymous", top.get("anonymous", False)),
        content_seed=values.number("contentSeed", top.get("contentSeed", 0)),
        create_sites=values.flag("createSites", top.get("createSites", True)),
        account_id=values.text("accountId", top.get("accountId")),
        requests_per_minute=None
        if (limit := top.get("requestsPerMinute")) is None
        else values.number("requestsPerMinute", limit),
        keys=read_keys(top.get("keys")),
        apps=read_apps(top.get("apps")),
        faults=_faults(top.get("faults") or ()),
        defaults=defaults,
        sites=read_sites(top.get("sites") or (), defaults),
    )


def _latency(value: object) -> Latency:
    known = ("request", "generate", "regenerate", "posts", "media")
    given = {
        name: values.span(f"latency.{name}", span) for name, span in values.mapping("latency", value, known).items()
    }
    if "generate" in given and "regenerate" not in given:
        given["regenerate"] = given["generate"]
    return Latency(**given)


def _unknowns(value: object) -> Unknowns:
    known = {each.name: each for each in TABLE}
    given = values.mapping("unknowns", value, tuple(known))
    for name, choice in given.items():
        if known[name].values:
            values.one_of(f"unknowns.{name}", choice, known[name].values)
        elif choice is not None or known[name].default is not None:
            values.number(f"unknowns.{name}", choice)
    return Unknowns(**given)


def _faults(value: object) -> tuple[JsonDict, ...]:
    found = []
    for where, each in values.items("faults", value):
        wrong = tuple(wrong_fault(each))
        for path, what, key in wrong:
            values.wrong(f"{where}: {what}", where=f"{where}.{path}" if path else where, key=key)
        if not wrong:
            found.append(check_fault(each))
    return tuple(found)
