"""How long commands take to start: CPU of the whole process compared with that of `python -c "import click"`.

python benchmarks/startup.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from measure import compiled, python, ratio
from run import command, sandbox, write_project

TARGETS = {"--help": 1.3, "validate": 2.5, "plan, sandbox in process": 5.0, "plan, over http": 5.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="pairs of runs (default 15)")
    rounds = parser.parse_args().rounds
    compiled()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root, 1)
        with sandbox(root) as base:
            lines = {
                "--help": command("--help"),
                "validate": command("validate", "."),
                "plan, sandbox in process": command("plan", ".", "--api", "sandbox"),
                "plan, over http": command("plan", ".", "--api", base),
            }
            for name, line in lines.items():
                found = ratio(line, python("-c", "import click"), root, rounds)
                print(f"{name:<28} {found:5.2f} x import click   (target: at most {TARGETS[name]})")


if __name__ == "__main__":
    main()
