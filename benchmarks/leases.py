"""What it costs to hold the leases of many sites: `python benchmarks/leases.py [--sites 10000] [--seconds 35]`.

Takes them all, holds them over two renewals, and releases them. A real run holds only as many as sites are under way.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from run import site_id

from reconciler.machine import CLOCK
from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.state.folder import LocalFolder
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases


async def hold(sites: int, seconds: float, folder: Path) -> None:
    """Prints a line each for taking, holding and releasing them."""
    leases = Leases(LocalFolder(folder), this_process({}), CLOCK)
    begun = time.process_time()
    held = [await leases.acquire(SiteRef(SiteName(f"site-{at}"), site_id(at))) for at in range(sites)]
    taken = time.process_time()
    print(f"taking {sites} leases: {(taken - begun) / sites * 1e6:.0f} us of CPU each")
    await asyncio.sleep(seconds)
    waited = time.process_time()
    assert not any(lease.lost for lease in held)
    share = (waited - taken) / seconds
    print(f"holding them for {seconds:.0f} s: {share:.2%} of a core (wanted: far below one)")
    for lease in held:
        await lease.release()
    print(f"giving them back: {(time.process_time() - waited) / sites * 1e6:.0f} us of CPU each")
    await leases.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seconds", type=float, default=35.0, help="how long they are held (default 35)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        asyncio.run(hold(given.sites, given.seconds, Path(folder)))


if __name__ == "__main__":
    main()
