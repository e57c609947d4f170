"""How many files `validate` checks in a second of CPU, compared with libyaml's bare parse of the same files.

python benchmarks/validate.py [--files 10000] [--rounds 5]

CPU of whole processes, start included, run in turn, compared in pairs. The bare parse reads each file and gets all of
its events, which no check of YAML can do without.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from measure import compiled, cost_of, python
from run import command, write_project

PARSE = """
import os
from yaml._yaml import CParser
for entry in os.scandir("sites"):
    with open(entry.path, "rb") as file:
        next_event = CParser(file.read()).get_event
    while next_event() is not None:
        pass
"""


def main() -> None:
    """Prints how many files each handles per second of CPU, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="how many files (default 10000)")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs (default 5)")
    given = parser.parse_args()
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, given.files)
        ours, bare = command("validate", "."), python("-c", PARSE)
        cost_of(ours, root), cost_of(bare, root)  # byte code and file caches
        pairs = [(cost_of(ours, root), cost_of(bare, root)) for _ in range(given.rounds)]
        checked, parsed = (statistics.median(cost.cpu for cost in costs) for costs in zip(*pairs, strict=True))
        memory = max(cost.memory for cost, _ in pairs)
        print(
            f"validate, {given.files} files: {given.files / checked:.0f} files per CPU second (target: at least 4000)"
        )
        print(f"libyaml's bare parse of them: {given.files / parsed:.0f} files per CPU second")
        print(
            f"{statistics.median(ours.cpu / bare.cpu for ours, bare in pairs):.2f} x the bare parse, {memory:.0f} MiB"
        )


if __name__ == "__main__":
    main()
