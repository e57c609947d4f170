"""What a plan without changes costs compared with octoDNS: CPU and memory, process against process, run in turn.

python benchmarks/octodns.py [--sites 1000] [--rounds 3]

Comparable: the same number of things, each declared in its own YAML file, and a plan that compares all of them with
what exists and finds nothing to do. Ours are sites with about 20 values; octoDNS's are zones with 20 records.

Not comparable, in octoDNS's favour: what exists is also in YAML files on this disk, so it sends no requests, while each
of our sites is read with two requests over HTTP (the server is a separate process, and not counted). In our favour: a
site is two requests whatever it contains, while octoDNS makes an object for each record, twice.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from canned import served
from measure import compiled, cost_of
from run import command, write_project

CONFIG = """\
providers:
  files:
    class: octodns.provider.yaml.YamlProvider
    directory: ./files
  there:
    class: octodns.provider.yaml.YamlProvider
    directory: ./there
zones:
"""
ZONE = "  {name}.:\n    sources: [files]\n    targets: [there]\n"
RECORD = "host-{number:02}:\n  ttl: 300\n  type: A\n  value: 192.0.2.{number}\n"
RECORDS = 20


def write_zones(root: Path, zones: int) -> None:
    """A folder in which octoDNS has already synchronised all zones."""
    names = [f"site-{number:05}.example" for number in range(zones)]
    records = "".join(RECORD.format(number=number) for number in range(1, RECORDS + 1))
    (root / "files").mkdir()
    (root / "there").mkdir()
    (root / "config.yaml").write_text(CONFIG + "".join(ZONE.format(name=name) for name in names), encoding="utf-8")
    for name in names:
        (root / "files" / f"{name}.yaml").write_text(records, encoding="utf-8")
    cost_of(sync("--doit"), root)


def sync(*arguments: str) -> list[str]:
    """A run of octoDNS; without arguments, it only plans."""
    return ["octodns-sync", "--config-file", "config.yaml", "--quiet", *arguments]


def main() -> None:
    """Prints the cost of both, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="how many sites, and zones (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs (default 3)")
    given = parser.parse_args()
    if shutil.which("octodns-sync") is None:
        print("skipped: `octodns-sync` is not installed (`pip install octodns`), so there is nothing to compare with")
        return
    compiled()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other, served() as base:
        write_project(Path(one), given.sites)
        write_zones(Path(other), given.sites)
        cost_of(command("apply", ".", "--auto-approve", "--api", base), Path(one))  # this records the sites
        ours, theirs = command("plan", ".", "--api", base), sync()
        cost_of(ours, Path(one)), cost_of(theirs, Path(other))  # byte code and file caches
        pairs = [(cost_of(ours, Path(one)), cost_of(theirs, Path(other))) for _ in range(given.rounds)]
        for name, costs in zip(("this", "octodns"), zip(*pairs, strict=True), strict=True):
            cpu, memory = (statistics.median(getattr(cost, what) for cost in costs) for what in ("cpu", "memory"))
            print(f"{name:9} {cpu:7.2f} s CPU, {memory:6.0f} MiB")
        cpu, memory = (
            statistics.median(getattr(their, what) / getattr(our, what) for our, their in pairs)
            for what in ("cpu", "memory")
        )
        print(f"octoDNS takes {cpu:.1f} x the CPU and {memory:.1f} x the memory of this")


if __name__ == "__main__":
    main()
