"""What it costs to hold the leases of many sites: `python benchmarks/leases.py [--sites 10000] [--seconds 35]`.

Takes a tenth of them and then all of them, holds them over two renewals, and releases them. Prints what share of a core
that takes, and how it grows: 1.00 is linear. A real run holds only those of the sites under way.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

from measure import exponent
from run import site_id

from reconciler.machine import CLOCK
from reconciler.model.address import SiteName
from reconciler.model.sites import SiteRef
from reconciler.state.folder import LocalFolder
from reconciler.state.holder import this_process
from reconciler.state.lease import Leases


async def hold(sites: int, seconds: float, folder: Path) -> tuple[float, float, float]:
    """CPU seconds for taking, holding and releasing them, with a line for each."""
    leases = Leases(LocalFolder(folder), this_process({}), CLOCK)
    begun = time.process_time()
    held = [await leases.acquire(SiteRef(SiteName(f"site-{at}"), site_id(at))) for at in range(sites)]
    taken = time.process_time()
    print(f"taking {sites} leases: {(taken - begun) / sites * 1e6:.0f} us of CPU each")
    await asyncio.sleep(seconds)
    waited = time.process_time()
    assert not any(lease.lost for lease in held)
    share = (waited - taken) / seconds
    print(f"holding them for {seconds:.0f} s: {share:.2%} of a core (target: far below one core)")
    for lease in held:
        await lease.release()
    given_back = time.process_time()
    print(f"giving them back: {(given_back - waited) / sites * 1e6:.0f} us of CPU each")
    await leases.close()
    return taken - begun, waited - taken, given_back - waited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=10_000, help="how many (default 10000)")
    parser.add_argument("--seconds", type=float, default=35.0, help="how long they are held (default 35)")
    given = parser.parse_args()
    costs = []
    for sites in (given.sites // 10, given.sites):
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            costs.append(asyncio.run(hold(sites, given.seconds, Path(folder))))
    names = ("taking", "holding", "giving back")
    grown = (f"{name} {exponent(few, many, 10):.2f}" for name, few, many in zip(names, *costs, strict=True))
    print(f"exponents, for ten times as many: {', '.join(grown)} (target: 1.00, linear)")


if __name__ == "__main__":
    main()
