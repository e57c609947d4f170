"""How the CPU of each command grows with what is in one site: `python benchmarks/within.py [--small 200] [--times 8]`.

One site with many activities, then drafts, declared events, changed items and calls. Prints for each command the
exponent of its CPU beyond that of a site with one of them: 1.00 is linear. The server is the sandbox, in a separate
process that is not counted. `--only drafts --small 100 --times 30` runs `approve --all` on up to 3,000 drafts.
`journal.py` counts what is written about the calls of one site, and `growth.py` grows the number of sites.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measure import compiled, cost_of, exponent
from msgspec import Struct
from run import command, sandbox, site_id

PROJECT = "version: 1\nlimits: {requestsPerMinute: 100000}\npolicy: {maxPublishPerSitePerDay: 100000}\n"
TODAY = datetime.now(UTC).date()
DAY = f"{TODAY + timedelta(days=30)}"
EACH = ("INSTAGRAM", "FACEBOOK")
"""The channels with a draft in each activity."""


class Dimension(Struct, frozen=True):
    """What grows: what is in the site file and on the site for a given number, and the commands, run once, in order."""

    name: str
    declared: Callable[[int], dict[str, object]]
    live: Callable[[int], dict[str, object]]
    commands: tuple[tuple[str, ...], ...]


def guid(number: int) -> str:
    return f"b0000000-0000-4000-8000-{number:012d}"


def activities(count: int, *, drafts: bool = False) -> dict[str, object]:
    """A marketing plan."""
    items = [{"channel": channel, "caption": f"News on {channel}"} for channel in EACH] if drafts else []
    each = ({"id": guid(at), "date": f"{DAY}T09:00:00Z", "title": f"News {at}", "items": items} for at in range(count))
    return {"channels": list(EACH), "plan": {"status": "ACTIVE", "activities": list(each)}}


def events(count: int) -> list[dict[str, object]]:
    """Calendar events, few enough per day to fit into one answer."""
    return [{"name": f"Event {at}", "date": f"{TODAY + timedelta(days=1 + at % 700)}"} for at in range(count)]


def rules(count: int) -> list[dict[str, object]]:
    """A rule for each activity."""
    return [{"match": {"ids": [guid(at)]}, "set": {"title": f"Changed {at}"}} for at in range(count)]


SCHEDULE = {"approval": "required", "rules": [{"match": {}}]}
PLAN, DRIFT, APPLY = ("plan", "."), ("drift", "."), ("apply", ".", "--auto-approve")

DIMENSIONS = (
    Dimension(
        "activities",
        lambda _: {"activities": [{"match": {"title": "Old*"}, "set": {"title": "New"}}]},
        activities,
        (PLAN, DRIFT),
    ),
    Dimension(
        "drafts",
        lambda _: {"schedule": SCHEDULE},
        lambda count: activities(-(-count // len(EACH)), drafts=True),
        (APPLY, PLAN, ("review", "."), ("approve", ".", "--all", "--yes"), PLAN, DRIFT, (*APPLY, "--allow-publish")),
    ),
    Dimension(
        "events",
        lambda count: {"calendarEvents": {"events": events(count)}},
        lambda count: {"events": [{**event, "date": f"{event['date']}T00:00:00Z"} for event in events(count)]},
        (("validate", "."), PLAN, DRIFT),
    ),
    Dimension("changed items", lambda count: {"activities": rules(count)}, activities, (PLAN, DRIFT, APPLY)),
    Dimension(
        "calls",
        lambda count: {"calendarEvents": {"events": events(count)}},
        lambda _: {},
        (APPLY,),
    ),
)


def project(root: Path, dimension: Dimension, count: int) -> Path:
    """A project with one site."""
    (root / "sites").mkdir(parents=True)
    (root / "reconciler.yaml").write_text(PROJECT, encoding="utf-8")
    site = {"version": 1, "site": {"name": "shop", "id": site_id(0)}, **dimension.declared(count)}
    (root / "sites" / "shop.yaml").write_text(json.dumps(site), encoding="utf-8")
    seed = {"latency": {"generate": 0, "posts": 0}, "sites": {site_id(0): dimension.live(count)}}
    (root / "sandbox.yaml").write_text(json.dumps(seed), encoding="utf-8")
    return root


def costs(root: Path, dimension: Dimension, count: int) -> Iterator[float]:
    """CPU seconds of each command."""
    with sandbox(project(root, dimension, count)) as base:
        for line in dimension.commands:
            reads = line[0] in ("validate", "approve")
            yield cost_of(command(*line, *(() if reads else ("--api", base))), root, codes=(0, 2, 3)).cpu


def main() -> None:
    """Prints a line for each command of each dimension."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=200, help="the smaller number (default 200)")
    parser.add_argument(
        "--times", type=int, default=8, help="the larger number, as a multiple of the smaller (default 8)"
    )
    parser.add_argument("--only", help="only this dimension, such as `drafts`")
    given = parser.parse_args()
    counts = (1, given.small, given.small * given.times)
    compiled()
    for dimension in DIMENSIONS:
        if given.only not in (None, dimension.name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = [list(costs(Path(folder) / str(count), dimension, count)) for count in counts]
        for line, least, small, large in zip(dimension.commands, *found, strict=True):
            grown = exponent(max(small - least, 0.01), max(large - least, 0.01), given.times)
            print(
                f"{dimension.name:<14} {line[0]:<9} {counts[1]:>5} {counts[2]:>6} "
                f"{small - least:>5.2f} {large - least:>6.2f} s {grown:>6.2f}",
                flush=True,
            )
    print("target: exponents of about 1.00, linear")


if __name__ == "__main__":
    main()
