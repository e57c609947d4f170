"""`--shard auto`: which part of the sites this job takes, as given by CI systems and Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from reconciler.config.words import listed
from reconciler.engine.choice import Shard
from reconciler.model.diagnostics import UsageError
from reconciler.model.text import printable

OWN: Final = "RECONCILER_SHARD"
COUNT: Final = "RECONCILER_SHARDS"
"""The number of shards, for systems that say only which shard a job is."""


class ShardVariables(Struct, frozen=True):
    """The variables in which a system gives a job the number of its shard and the number of shards.

    `first` is the number of the first shard.
    """

    system: str
    number: str
    count: str
    first: int


SYSTEMS: Final = (
    ShardVariables("GitLab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ShardVariables("CircleCI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    ShardVariables("Buildkite", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ShardVariables("Bitbucket", "BITBUCKET_PARALLEL_STEP", "BITBUCKET_PARALLEL_STEP_COUNT", 0),
    ShardVariables("Kubernetes", "JOB_COMPLETION_INDEX", COUNT, 0),
)


def shard_of(text: str) -> Shard | None:
    """The shard in a text like `2/8`; None for any other text."""
    found = re.fullmatch(r"([1-9]\d{0,5})/([1-9]\d{0,5})", text)
    if not found or int(found[1]) > int(found[2]):
        return None
    return Shard(int(found[1]), int(found[2]))


def shard_of_job(environ: Mapping[str, str]) -> Shard:
    """The shard of this job. Raises UsageError if the environment names none, or two: never falls back to all sites."""
    if written := environ.get(OWN, "").strip():
        shard = shard_of(written)
        if shard is None:
            raise UsageError(f"{OWN}={printable(written)} is not a valid shard", "write it like 2/8")
        return shard
    found = {shard: variables for variables, shard in _shards_of(environ)}
    if len(found) > 1:
        names = " and ".join(f"{variables.number} ({shard})" for shard, variables in found.items())
        raise UsageError(f"--shard auto: {names} name different shards", f"set {OWN} to the right one")
    if not found:
        systems = listed((variables.system for variables in SYSTEMS), "or")
        raise UsageError(
            "--shard auto: no variable says which shard this job is",
            f"set {OWN}=2/8, or run it in a parallel job of {systems}",
        )
    return next(iter(found))


def _shards_of(environ: Mapping[str, str]) -> Iterator[tuple[ShardVariables, Shard]]:
    for variables in SYSTEMS:
        number, count = environ.get(variables.number, "").strip(), environ.get(variables.count, "").strip()
        if not number:
            continue
        if not count:
            raise UsageError(
                f"--shard auto: {variables.number} is set and {variables.count} is not",
                "set it to the number of shards",
            )
        if number.isdecimal() and count.isdecimal():
            shard = shard_of(f"{int(number) - variables.first + 1}/{int(count)}")
            if shard is not None:
                yield variables, shard
                continue
        shown = f"{variables.number}={printable(number)}, {variables.count}={printable(count)}"
        raise UsageError(f"--shard auto: {shown} is not a valid shard", f"set {OWN}")
