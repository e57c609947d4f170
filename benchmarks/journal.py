"""How the data that a run writes about one site grows with its calls: `python -m benchmarks.journal`.

Prints processor time, bytes, syncs to disk and writes for each number of calls, and the exponent of their growth: 1 is
linear. None of the numbers is a time that depends on the disk.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.canonical import JsonObject, digest_of
from reconciler.model.journal import CallIntent
from reconciler.model.notes import Bound, Scheduled
from reconciler.model.outcomes import Done
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import Bindings, PublishedPost, SiteRef
from reconciler.state.folder import LocalFolder
from reconciler.state.sites import StateStore

SITE = SiteRef(SiteName("shop"), "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01")
NOW = datetime(2026, 11, 26, tzinfo=UTC)
CALLS = (100, 200, 400, 800, 1600)


async def schedule(calls: int, folder: Path) -> None:
    """One run that schedules a given number of posts on a site."""
    journal = await StateStore(LocalFolder(folder), now=lambda: NOW).open_journal(SITE)
    for number in range(calls):
        id, activity, digest = PostId(f"p{number:06d}"), ActivityId(f"a{number:06d}"), digest_of(number)
        operation = SchedulePost(id, activity, "INSTAGRAM", digest)
        (entry,) = await journal.begin([CallIntent(Address(SITE.name, Kind.DRAFT, id), operation)])
        journal.note(Scheduled(PublishedPost(id, digest, "INSTAGRAM", NOW, NOW)))
        journal.note(Bound(Bindings(objects=((f"posts[{activity}]", JsonObject({"state": "present"})),))))
        await journal.end(entry, Done())
    await journal.close()


def main() -> None:
    """Prints a line for each number of calls, and the exponents."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows: list[tuple[int, float, int, int]] = []
    write, sync = os.write, os.fsync
    for calls in CALLS:
        counted = {"bytes": 0, "syncs": 0}

        def counted_write(handle: int, data: bytes, counted: dict[str, int] = counted) -> int:
            counted["bytes"] += len(data)
            return write(handle, data)

        def counted_sync(handle: int, counted: dict[str, int] = counted) -> None:
            counted["syncs"] += 1
            sync(handle)

        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch("os.write", counted_write),
            mock.patch("os.fsync", counted_sync),
        ):
            begun = time.process_time()
            asyncio.run(schedule(calls, Path(folder)))
            spent = time.process_time() - begun
        rows.append((calls, spent, counted["bytes"], counted["syncs"]))
        print(f"{calls:5} calls  {spent:6.2f} s CPU  {counted['bytes']:9,} bytes  {counted['syncs']:5} syncs")
    first, last = rows[0], rows[-1]
    steps = math.log(last[0] / first[0])
    names = ("CPU", "bytes", "syncs")
    exponents = (f"{name} {math.log(last[n] / first[n]) / steps:.2f}" for n, name in enumerate(names, 1))
    print(f"exponents: {', '.join(exponents)} (target: 1.00, linear)")


if __name__ == "__main__":
    main()
