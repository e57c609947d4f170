"""What a first `apply` costs: CPU per site, and how its memory grows from --sites to --times as many.

python benchmarks/fresh.py [--sites 1000] [--times 10] [--generation 30]

No site has settings or a marketing plan: its settings are written, a marketing plan is generated, and the site is
polled every five seconds until the generation has ended, after --generation seconds. That is long enough to reach the
limit on sites waiting at a time, so any growth in memory beyond that point is memory kept for every site. --times 1
only measures the smaller number.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from canned import served
from growth import project
from measure import compiled, cost_of, exponent
from run import command


def main() -> None:
    """Prints a line for each number of sites, and how CPU and memory grow."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="the smaller number of sites (default 1000)")
    parser.add_argument(
        "--times", type=int, default=10, help="the larger number, as a multiple of the smaller (default 10)"
    )
    parser.add_argument("--generation", type=float, default=30.0, help="seconds that a generation takes (default 30)")
    given = parser.parse_args()
    compiled()
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for sites in dict.fromkeys((1, given.sites, given.sites * given.times)):
            root = project(Path(folder) / str(sites), sites)
            with served(generation=given.generation if sites > 1 else 0.0) as base:
                costs.append(cost_of(command("apply", ".", "--api", base, "--auto-approve"), root))
            each = (costs[-1].cpu - costs[0].cpu) / sites * 1000
            print(
                f"{sites:6} sites: {each:5.1f} ms of CPU for each (target: at most 15), {costs[-1].memory:.0f} MiB",
                flush=True,
            )
    if given.times == 1:
        return
    factor, first, last = costs[-1].memory / costs[1].memory, costs[1].cpu - costs[0].cpu, costs[-1].cpu - costs[0].cpu
    print(f"{given.times} x the sites: {factor:.2f} x the memory (target: at most 1.1)", end=", ")
    print(f"exponent of CPU {exponent(first, last, given.times):.2f} (target: at most 1.05)")


if __name__ == "__main__":
    main()
