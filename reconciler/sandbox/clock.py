"""Owns a world's clock: whether it follows real UTC, runs from a given start or is frozen, and how far it was moved."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.world import Transaction


def start(store: Transaction, seed: Seed, real: datetime) -> None:
    """Sets the clock of a new world."""
    first = real if seed.clock is None else seed.clock
    begun = seed.clock is not None or seed.freeze
    store.set_meta("clock", {
        "begun": first.isoformat() if begun else None,  # None: follows real time
        "real": real.isoformat(),
        "frozen": seed.freeze,
        "moved": 0.0,
    })  # fmt: skip


def read(store: Transaction, real: Callable[[], datetime]) -> datetime:
    """The time in the world, to the millisecond, as the API writes it, so that a time read back compares equal."""
    clock: JsonDict = store.meta("clock")
    if clock["begun"] is None:
        now = real()
    else:
        now = datetime.fromisoformat(clock["begun"])
        if not clock["frozen"]:
            now += real() - datetime.fromisoformat(clock["real"])
    now += timedelta(seconds=clock["moved"])
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def move(store: Transaction, seconds: float) -> None:
    """Moves the clock."""
    clock: JsonDict = store.meta("clock")
    clock["moved"] += seconds
    store.set_meta("clock", clock)
