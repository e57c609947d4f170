"""Owns the part of a seed that says who may do what: API keys and apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.sandbox import seed_values as values
from reconciler.sandbox.names import SCOPES


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
        SCOPES.get(name, name)
        for name in (values.one_of(place, each, known) for place, each in values.items(where, value))
    )


def read_keys(value: object) -> Mapping[str, Key] | None:
    """The API keys of a seed; None if it names none."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        values.wrong(f"keys is {value!r}, but should be a mapping of key to sites and scopes", where="keys")
        return None
    found = {}
    for number, (key, fields_) in enumerate(value.items()):
        where = f"keys[{number}]"
        given = values.mapping(where, fields_ or {}, ("sites", "scopes"))
        sites = given.get("sites")
        found[str(key)] = Key(
            sites=None
            if sites is None
            else frozenset(str(each).lower() for each in values.listing(f"{where}.sites", sites)),
            scopes=_scopes(f"{where}.scopes", given.get("scopes")),
        )
    return found


def read_apps(value: object) -> Mapping[str, App] | None:
    """The apps of a seed; None if it names none."""
    if value is None:
        return None
    found = {}
    for where, each in values.items("apps", value):
        given = values.mapping(where, each, ("appId", "appSecret", "instances", "scopes"))
        if not given.get("appId") or not given.get("appSecret"):
            missing = "appSecret" if given.get("appId") else "appId"
            values.wrong(f"{where} needs appId and appSecret", where=f"{where}.{missing}")
        instances = given.get("instances") or {}
        if not isinstance(instances, Mapping):
            what = f"{where}.instances is {instances!r}, but should map instance ids to site ids"
            values.wrong(what, where=f"{where}.instances")
            instances = {}
        found[str(given.get("appId"))] = App(
            secret=str(given.get("appSecret")),
            instances={str(instance): str(site).lower() for instance, site in instances.items()},
            scopes=_scopes(f"{where}.scopes", given.get("scopes")),
        )
    return found
