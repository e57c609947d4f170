"""What a run's sites are spread over: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec import Struct

from reconciler.config.sites import ReadElsewhere
from reconciler.wiring import MakeWorkers

MOST_WORKERS: Final = 1000


class Spread(Struct, frozen=True):
    """`make` makes the workers of a run. `elsewhere` reads many site files, if the workers are on this machine."""

    make: MakeWorkers
    elsewhere: ReadElsewhere | None = None


def problem_of(asked: int | str) -> str:
    """What is wrong with a number of processes or the address of a scheduler; empty if nothing is."""
    if isinstance(asked, int):
        return "" if 1 <= asked <= MOST_WORKERS else f"must be 1 to {MOST_WORKERS:,} processes"
    from reconciler.dask_workers import check_address

    return check_address(asked)


def spread_over(asked: int | str) -> Spread:
    """Processes, or the cluster of a Dask scheduler. `problem_of` must have found nothing wrong with the value."""
    if isinstance(asked, int):
        from reconciler.processes import Processes

        processes = Processes(asked)
        return Spread(processes, processes.read)
    from reconciler.dask_workers import dask_workers

    return Spread(partial(dask_workers, asked))
