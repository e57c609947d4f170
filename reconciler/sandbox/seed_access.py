"""Owns the part of a seed that says who may do what: API keys and apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.sandbox import seed_values as values
from reconciler.sandbox.names import SCOPES
from reconciler.sandbox.seed_values import SeedError


@dataclass(frozen=True, slots=True)
class Key:
    """An API key: the sites it can reach (None: all) and its scopes."""

    sites: frozenset[str] | None
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class App:
    """An app: its secret, the site of each instance, its scopes."""

    secret: str
    instances: Mapping[str, str]
    scopes: frozenset[str]


def _scopes(where: str, value: object) -> frozenset[str]:
    if value is None:
        return frozenset(SCOPES.values())
    known = (*SCOPES, *SCOPES.values())
    return frozenset(
        SCOPES.get(name, name) for name in (values.one_of(where, each, known) for each in values.listing(where, value))
    )


def read_keys(value: object) -> Mapping[str, Key] | None:
    """The API keys of a seed; None if it names none. Raises SeedError."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise SeedError(f"keys is {value!r}, but should be a mapping of key to sites and scopes", where="keys")
    found = {}
    for key, fields_ in value.items():
        given = values.mapping("keys.*", fields_ or {}, ("sites", "scopes"))
        sites = given.get("sites")
        found[str(key)] = Key(
            sites=None
            if sites is None
            else frozenset(str(each).lower() for each in values.listing("keys.*.sites", sites)),
            scopes=_scopes("keys.*.scopes", given.get("scopes")),
        )
    return found


def read_apps(value: object) -> Mapping[str, App] | None:
    """The apps of a seed; None if it names none. Raises SeedError."""
    if value is None:
        return None
    found = {}
    for where, each in values.items("apps", value):
        given = values.mapping(where, each, ("appId", "appSecret", "instances", "scopes"))
        if not given.get("appId") or not given.get("appSecret"):
            raise SeedError(f"{where} needs appId and appSecret", where=where)
        instances = given.get("instances") or {}
        if not isinstance(instances, Mapping):
            what = f"{where}.instances is {instances!r}, but should map instance ids to site ids"
            raise SeedError(what, where=f"{where}.instances")
        found[str(given["appId"])] = App(
            secret=str(given["appSecret"]),
            instances={str(instance): str(site).lower() for instance, site in instances.items()},
            scopes=_scopes(f"{where}.scopes", given.get("scopes")),
        )
    return found
