"""The project's `sandbox.yaml`: whether a run with `api: sandbox` could use it. The wiring opens what it describes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config.discovery import shown_path
from reconciler.model.diagnostics import Place, UsageError

if TYPE_CHECKING:
    from reconciler.sandbox.seed import Seed
    from reconciler.sandbox.seed_values import SeedError


def needs_no_key(seed: Seed, file: Path) -> None:
    """Raises UsageError if a sandbox asks for keys: a run with `api: sandbox` sends none. `file` is its seed."""
    if seed.keys is not None:
        from reconciler.sandbox.seed import place_in

        raise UsageError(
            "keys: `api: sandbox` sends none, because it needs no credentials",
            "leave `keys` out; or run `reconciler sandbox serve`, and give its URL with --api",
            Place(shown_path(file), *place_in(file, "keys", key=True)),
        )


def wrong_seed(error: SeedError) -> UsageError:
    """What is wrong with a seed, at its place in the file."""
    place = Place(shown_path(Path(error.file)), error.line, error.column) if error.file else None
    return UsageError(error.message, error.fix, place)


def time_of_seed(file: Path) -> datetime | None:
    """When the world of a sandbox.yaml begins; None if at the current time. Raises UsageError if it cannot be used."""
    from reconciler.sandbox.seed import seed_in
    from reconciler.sandbox.seed_values import SeedError

    try:
        seed = seed_in(file)
    except SeedError as error:
        raise wrong_seed(error) from None
    needs_no_key(seed, file)
    return seed.clock
