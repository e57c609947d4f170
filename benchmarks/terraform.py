"""What a plan without changes costs compared with Terraform: CPU and memory, process against process, run in turn.

python benchmarks/terraform.py [--sites 1000] [--rounds 3]

Comparable: the same number of things, declared in files and recorded in a state on this disk, and a plan that refreshes
all of them and finds nothing to do. Ours are sites, each in a file. Terraform's are calls of a module, each with the
values of a site file as its variables, from which it makes five resources: goal, topics, voice, business profile and
marketing plan. They are `terraform_data`, which is built in, so that neither a registry nor a provider process is
needed.

Not comparable, in Terraform's favour: reading `terraform_data` takes no requests, while each of our sites is read with
two requests over HTTP (the server is a separate process, and not counted). In our favour: Terraform evaluates a
language and orders a graph of 5,000 resources, while our sites do not depend on each other. So this shows what a fleet
of this size costs with each, not that one program is better than the other at the same work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path

from canned import served
from measure import compiled, cost_of
from run import command, site_id, write_project

FIVE = """\
variable "site" { type = object({ name = string, id = string, labels = map(string) }) }
variable "goal" { type = string }
variable "tools" { type = list(string) }
variable "topics" { type = object({ included = list(string), excluded = list(string) }) }
variable "voice" { type = object({ tone = string, view = string }) }
variable "profile" { type = object({ value = string, audience = string }) }
variable "frequency" { type = object({ interval = string, count = number }) }

resource "terraform_data" "goal" {
  input = { site = var.site, goal = var.goal, tools = var.tools }
}

resource "terraform_data" "topics" {
  input = { site = var.site.id, topics = var.topics }
}

resource "terraform_data" "voice" {
  input = { site = var.site.id, voice = var.voice }
}

resource "terraform_data" "profile" {
  input = { site = var.site.id, profile = var.profile }
}

resource "terraform_data" "marketing_plan" {
  input = { site = var.site.id, state = "present", frequency = var.frequency }
}
"""

MODULE = """\
module "{name}" {{
  source    = "./five"
  site      = {{ name = "{name}", id = "{id}", labels = {{ team = "emea", tier = "gold" }} }}
  goal      = "BOOST_SALES"
  tools     = ["SOCIAL_MARKETING", "BLOGS"]
  topics    = {{ included = ["handmade ceramics", "studio life"], excluded = ["politics"] }}
  voice     = {{ tone = "warm and playful", view = "SECOND_PERSON" }}
  profile   = {{ value = "hand-thrown stoneware", audience = "home cooks" }}
  frequency = {{ interval = "WEEK", count = 3 }}
}}
"""


def write_modules(root: Path, modules: int) -> None:
    """A folder with all modules applied: Terraform applies the first, and the others' state is copied from it."""
    (root / "five").mkdir()
    (root / "five" / "main.tf").write_text(FIVE, encoding="utf-8")
    write_main(root, 1)
    for arguments in (("init",), ("apply", "-auto-approve")):
        cost_of(["terraform", *arguments, "-no-color"], root)
    write_main(root, modules)
    cost_of(["terraform", "init", "-no-color"], root)
    file = root / "terraform.tfstate"
    state = json.loads(file.read_text(encoding="utf-8"))
    text, first = json.dumps(state["resources"]), site_id(0)
    state["resources"] = [
        resource
        for number in range(modules)
        for resource in json.loads(text.replace(name_of(0), name_of(number)).replace(first, site_id(number)))
    ]
    file.write_text(json.dumps(state), encoding="utf-8")


def write_main(root: Path, modules: int) -> None:
    """The file that calls the module."""
    calls = (MODULE.format(name=name_of(number), id=site_id(number)) for number in range(modules))
    (root / "main.tf").write_text("".join(calls), encoding="utf-8")


def name_of(number: int) -> str:
    """The name of a module."""
    return f"site-{number:05}"


def main() -> None:
    """Prints the cost of both, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=1000, help="how many sites, and modules (default 1000)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs (default 3)")
    given = parser.parse_args()
    if shutil.which("terraform") is None:
        print("skipped: `terraform` is not installed, so there is nothing to compare with")
        return
    os.environ |= {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}  # do not check for a newer version
    compiled()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other, served() as base:
        write_project(Path(one), given.sites)
        write_modules(Path(other), given.sites)
        cost_of(command("apply", ".", "--auto-approve", "--api", base), Path(one))  # this records the sites
        ours = command("plan", ".", "--api", base)
        # 0: no changes, and anything else ends the benchmark
        theirs = ["terraform", "plan", "-no-color", "-detailed-exitcode"]
        cost_of(ours, Path(one)), cost_of(theirs, Path(other))  # byte code and file caches
        pairs = [(cost_of(ours, Path(one)), cost_of(theirs, Path(other))) for _ in range(given.rounds)]
        for name, costs in zip(("this", "terraform"), zip(*pairs, strict=True), strict=True):
            cpu, memory = (statistics.median(getattr(cost, what) for cost in costs) for what in ("cpu", "memory"))
            print(f"{name:9} {cpu:7.2f} s CPU, {memory:6.0f} MiB")
        cpu, memory = (
            statistics.median(getattr(their, what) / getattr(our, what) for our, their in pairs)
            for what in ("cpu", "memory")
        )
        print(f"Terraform takes {cpu:.1f} x the CPU and {memory:.1f} x the memory of this (target: 15 or more of each)")


if __name__ == "__main__":
    main()
