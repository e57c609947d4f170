"""The command: `reconciler`, or `python -m reconciler`."""

from __future__ import annotations

import gc
import signal

GARBAGE = (100_000, 20, 50)
"""When to collect cyclic garbage: after more objects than any command creates while starting.

Collecting sooner means checking all modules and classes again and again, which took a quarter of a short run. Between
two collections, a run creates only a few MiB.
"""


def main() -> None:
    """Runs the command line and ends the process. Garbage collection is put off before anything else is imported.

    Until the command line has been imported, Ctrl-C ends the process without a word: nothing has begun.
    """
    gc.set_threshold(*GARBAGE)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from reconciler.cli.main import entry_point

    entry_point()


if __name__ == "__main__":
    main()
