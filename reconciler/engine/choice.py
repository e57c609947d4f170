"""Which sites and objects were asked for, as texts that have not been looked up yet."""

from __future__ import annotations

from msgspec import Struct


class Shard(Struct, frozen=True):
    """One of `count` parts of the sites; `number` counts from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


class SiteFilter(Struct, frozen=True):
    """Which of the project's sites, and which of their objects: the texts of the options."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    shard: Shard | None = None
    changed_since: str | None = None
