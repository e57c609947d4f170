"""How CPU and memory grow with the number of sites, from --sites to --times as many.

    python benchmarks/growth.py [--sites 250] [--times 4] [--only plan]

For each command: the exponent of its CPU (1.00 is linear) and the factor of its memory (1.00 is flat). Each site
differs from its file in a different way, so that nothing is shared between sites. `apply` runs against the sandbox on
loopback, everything else against canned answers.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from canned import served
from measure import Cost, compiled, cost_of, exponent
from run import command, sandbox, site_id, write_project


def project(root: Path, sites: int) -> Path:
    """A project whose sites all ask for a different tone of voice from the one they have."""
    root.mkdir()
    write_project(root, sites)
    for number, file in enumerate(sorted((root / "sites").iterdir())):
        file.write_text(file.read_text("utf-8").replace("warm and playful", f"as in {site_id(number)}"), "utf-8")
    return root


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=250, help="the smaller number of sites (default 250)")
    parser.add_argument(
        "--times", type=int, default=4, help="the larger number, as a multiple of the smaller (default 4)"
    )
    parser.add_argument("--only", help="only this command, such as `plan`")
    given = parser.parse_args()
    sites, times = given.sites, given.times
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        one, small, large = (project(Path(folder) / str(count), count) for count in (1, sites, sites * times))
        with sandbox(large) as world, served() as base:
            lines: dict[str, Callable[[], list[str]]] = {
                "validate": lambda: command("validate", "."),
                "plan": lambda: command("plan", ".", "--api", base),
                "plan --output html": lambda: command("plan", ".", "--api", base, "--output", "html=plan.html"),
                "plan --output json": lambda: command("plan", ".", "--api", base, "--output", "json=plan.json"),
                "plan --out": lambda: command("plan", ".", "--api", base, "--out", "all.plan"),
                "show": lambda: command("show", "all.plan"),
                "drift": lambda: command("drift", ".", "--api", base),
                "apply": lambda: command("apply", ".", "--api", world, "--auto-approve"),
            }
            print(f"{'':<20} {'sites':>12} {'CPU':>10} {'exponent':>9} {'MiB':>12} {'factor':>7}")
            for name, line in lines.items():
                if given.only not in (None, name):
                    continue
                costs = [cost_of(line(), root, codes=(0, 2)) for root in (one, small, large)]
                print(row(name, sites, times, *costs), flush=True)
            print("target from 1,000 to 10,000: exponent at most 1.05, factor at most 1.1, less than 75 MB")


def row(name: str, sites: int, times: int, one: Cost, small: Cost, large: Cost) -> str:
    """One command: its CPU beyond that of a project with one site, and its memory."""
    first, last = small.cpu - one.cpu, large.cpu - one.cpu
    grown = exponent(first, last, times)
    return (
        f"{name:<20} {sites:>5} {sites * times:>6} {first:>4.1f} {last:>4.1f}s {grown:>9.2f} "
        f"{small.memory:>5.0f} {large.memory:>6.0f} {large.memory / small.memory:>7.2f}"
    )


if __name__ == "__main__":
    main()
