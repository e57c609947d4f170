"""Owns the seed format: sandbox.yaml, or the same as a mapping.

Everything is optional. Unknown keys and values are refused with SeedError. Times are RFC 3339; spans of time are
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

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.sandbox import seed_values as values
from reconciler.sandbox.faults import FaultError, check_fault
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed_access import App, Key, read_apps, read_keys
from reconciler.sandbox.seed_sites import read_site, read_sites
from reconciler.sandbox.seed_values import SeedError
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


def read_seed(source: Mapping[str, Any]) -> Seed:
    """The seed that a mapping describes. Raises SeedError."""
    values.finite(source)
    if "switches" in source:  # what `unknowns` was called before; the close match would be `sites`
        raise SeedError("unknown key 'switches'", "it is called unknowns", "switches", key=True)
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


_LARGEST = 4 * 1024 * 1024
"""The maximum length of a sandbox.yaml, in characters."""
_MOST = 500_000
"""The maximum number of values in a sandbox.yaml, each counted wherever it is used."""


def _is_too_much(found: object) -> bool:
    """Whether anchors make a file much larger than what was written, or endless because one contains itself."""
    left, seen = [found], 0
    while left and seen <= _MOST:
        value = left.pop()
        seen += 1
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return seen > _MOST


def load_seed(path: str | Path) -> JsonDict:
    """The mapping in a sandbox.yaml. Raises SeedError, with its place, if it cannot be read."""
    import yaml

    with placed(path):
        text = _text_in(path)
        try:
            found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
        except (yaml.YAMLError, ValueError, RecursionError) as problem:
            raise _not_yaml(problem) from None
        if _is_too_much(found):
            raise SeedError(f"its anchors expand to more than {_MOST:,} values", "write the values out")
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise SeedError("not a mapping", "write keys such as sites and clock")
        return found


def _text_in(path: str | Path) -> str:
    if not Path(path).is_file():  # a FIFO would block forever, and a device has no end
        raise SeedError("not a regular file", "write a YAML file, or remove it")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST + 1)
    except UnicodeDecodeError:
        raise SeedError("not UTF-8 text", "save it as UTF-8") from None
    except OSError as problem:
        raise SeedError(f"cannot be read: {problem.strerror}") from None
    if len(text) > _LARGEST:
        raise SeedError(f"larger than {_LARGEST // 1024 // 1024} MiB", "name fewer sites")
    return text


def _not_yaml(problem: Exception) -> SeedError:
    """The error for a text that YAML cannot read, with its position if that is known."""
    if isinstance(problem, RecursionError):
        return SeedError("nested too deeply")
    mark = getattr(problem, "problem_mark", None)
    what = getattr(problem, "problem", None) or str(problem).partition("\n")[0]
    error = SeedError(f"not valid YAML: {what}")
    if mark is not None:
        error.line, error.column = mark.line + 1, mark.column + 1
    return error


def seed_in(path: str | Path) -> Seed:
    """The seed in a sandbox.yaml. Raises SeedError, with its place."""
    source = load_seed(path)
    with placed(path):
        return read_seed(source)


@contextmanager
def placed(path: str | Path) -> Iterator[None]:
    """Adds file, line and column to a SeedError raised in the block."""
    try:
        yield
    except SeedError as problem:
        problem.file = str(path)
        if problem.where:
            problem.line, problem.column = place_in(path, problem.where, key=problem.key)
        raise


def place_in(path: str | Path, where: str, *, key: bool = False) -> tuple[int, int]:
    """The line and column of a value in a sandbox.yaml, or of its key; if missing, those of what would contain it.

    `where` is a path such as `sites[0].id`. 0, 0 if the file cannot be read.
    """
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        here = yaml.compose(_text_in(path), Loader=loader)
    except (SeedError, yaml.YAMLError, ValueError, RecursionError):
        return 0, 0
    if here is None:
        return 0, 0
    mark = here.start_mark
    for name in re.findall(r"[^.\[\]]+", where):
        if isinstance(here, yaml.SequenceNode) and name.isdecimal() and int(name) < len(here.value):
            here = here.value[int(name)]
            mark = here.start_mark
            continue
        members = here.value if isinstance(here, yaml.MappingNode) else ()
        found = next((pair for pair in members if pair[0].value == name), None)
        if found is None:
            break
        mark, here = found[0 if key else 1].start_mark, found[1]
    return mark.line + 1, mark.column + 1


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
        try:
            found.append(check_fault(each))
        except FaultError as problem:
            raise SeedError(f"{where}: {problem}", where=where) from None
    return tuple(found)
