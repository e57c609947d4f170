"""What a plan without changes costs compared with bare GETs: CPU of whole processes, run in turn, compared in pairs.

python benchmarks/noop.py [--sites 1000] [--rounds 5]

Compared with the same GETs by httpx over aiohttp, by httpx with its own pool (10 at once, where it is fastest), and by
aiohttp alone; and these clients with each other.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from canned import served
from measure import compiled, cost_of, python, ratio
from run import command, write_project

HERE = Path(__file__).parent


def main() -> None:
    """Prints a line for each client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="how many sites (default 1000)")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs (default 5)")
    given = parser.parse_args()
    compiled()
    with tempfile.TemporaryDirectory() as folder, served() as base:
        root = Path(folder)
        write_project(root, given.sites)
        plan = command("plan", ".", "--api", base)
        cost = cost_of(plan, root)
        print(f"no-op plan of {given.sites} sites: {cost.cpu:.2f} s CPU, {cost.memory:.0f} MiB")
        bare = python(str(HERE / "bare.py"), base, str(given.sites))
        plain, below = [*bare, "--client", "httpx", "--at-once", "10"], [*bare, "--client", "aiohttp"]
        for name, other in (
            ("httpx over aiohttp (target: at most 1.3)", bare),
            ("plain httpx.AsyncClient, 10 at once", plain),
            ("aiohttp alone", below),
        ):
            print(f"{ratio(plan, other, root, given.rounds):6.2f} x the bare GETs by {name}")
        print("the bare GETs alone, compared with those by httpx over aiohttp:")
        for name, other in (("plain httpx.AsyncClient, 10 at once", plain), ("aiohttp alone", below)):
            print(f"{ratio(other, bare, root, given.rounds):6.2f} x by {name}")


if __name__ == "__main__":
    main()
