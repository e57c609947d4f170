"""The command: `reconciler`, or `python -m reconciler`."""

from __future__ import annotations

import gc

GARBAGE = (100_000, 20, 50)
"""When to collect cyclic garbage: after more objects than any command creates while starting.

Checking modules and classes again and again took a quarter of a short run. What a run creates comes to a few MiB
between two collections.
"""


def main() -> None:
    """Runs the command line and ends the process. Garbage is put off before anything else is imported."""
    gc.set_threshold(*GARBAGE)

    from reconciler.cli.main import entry_point

    entry_point()


if __name__ == "__main__":
    main()
