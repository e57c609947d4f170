"""What a run was asked for: which sites and objects, as texts not looked up yet, and how it was called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconciler.config.trust import Trust


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


class Invocation(Struct, frozen=True):
    """How a run was called: the project's files have no say in it.

    `environ` is the environment; `api`, `state` and `parallelism` override the project's. `workers` is a number of
    processes or the address of a scheduler. The others are what the files may not decide themselves; `committed`
    None: only committed approvals count if `CI` is set.
    """

    environ: Mapping[str, str]
    api: str | None = None
    state: str | None = None
    parallelism: int | None = None
    workers: int | str | None = None
    allow_hosts: tuple[str, ...] = ()
    require_approval: bool = False
    committed: bool | None = None

    def trust(self) -> Trust:
        """What is allowed beyond what the files may ask for. Raises UsageError."""
        from reconciler.config.trust import trust_of

        return trust_of(
            self.environ,
            api=self.api,
            state=self.state,
            allow_hosts=self.allow_hosts,
            require_approval=self.require_approval,
            committed=self.committed,
        )
