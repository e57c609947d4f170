"""How long a plan without changes takes if each answer takes 50 ms, compared with a bare loop at its best concurrency.

python benchmarks/latency.py [--sites 1000] [--latency 0.05] [--rounds 3]

Wall-clock seconds, the shortest of the rounds. More requests at once must make a run faster, at any latency.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from canned import served
from measure import compiled, cost_of, python
from run import command, write_project

HERE = Path(__file__).parent
AT_ONCE = (10, 32, 64, 100)


def main() -> None:
    """Prints the seconds of the bare loop and of the tool, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="how many sites (default 1000)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each response (default 0.05)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run (default 3)")
    given = parser.parse_args()
    compiled()
    with tempfile.TemporaryDirectory() as folder, served(given.latency) as base:
        root = Path(folder)
        write_project(root, given.sites)
        (root / "reconciler.yaml").write_text("version: 1\n", encoding="utf-8")  # no number for parallelism

        def seconds(arguments: Sequence[str]) -> float:
            found = []
            for _ in range(given.rounds):
                begun = time.perf_counter()
                cost_of(arguments, root)
                found.append(time.perf_counter() - begun)
            return min(found)

        bare = python(str(HERE / "bare.py"), base, str(given.sites), "--at-once")
        loops = {at_once: seconds([*bare, str(at_once)]) for at_once in AT_ONCE}
        print("bare loop:", ", ".join(f"{taken:.1f} s at {at_once}" for at_once, taken in loops.items()))
        best = min(loops.values())
        plan = command("plan", ".", "--api", base)
        usual, few, many = (seconds([*plan, *more]) for more in ([], ["--parallelism", "10"], ["--parallelism", "100"]))
        print(f"plan: {usual:.1f} s by default, {few:.1f} s at 10, {many:.1f} s at 100")
        print(f"default against the best loop {usual / best:.2f} x (target: at most 1.5)")
        print(f"from 10 at once to 100: {few / many:.1f} x as fast")


if __name__ == "__main__":
    main()
