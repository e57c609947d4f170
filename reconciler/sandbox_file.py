"""The project's `sandbox.yaml`: whether a run with `api: sandbox` could use it. The wiring opens what it describes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import UsageError

if TYPE_CHECKING:
    from reconciler.sandbox.seed import Seed


def needs_no_key(seed: Seed) -> None:
    """Raises UsageError if a sandbox asks for keys: a run with `api: sandbox` sends none."""
    if seed.keys is not None:
        raise UsageError(
            "sandbox.yaml lists `keys`, but `api: sandbox` sends none of them, because it needs no credentials",
            "leave `keys` out; or run `reconciler sandbox serve`, and give its address with --api",
        )


def time_of_seed(file: Path) -> datetime | None:
    """When the world of a sandbox.yaml begins; None if at the current time. Raises UsageError if it cannot be used."""
    from reconciler.sandbox.seed import seed_in
    from reconciler.sandbox.seed_values import SeedError

    try:
        seed = seed_in(file)
    except SeedError as error:
        raise UsageError(error.message, error.fix) from None
    needs_no_key(seed)
    return seed.clock
