"""Judges the output of `pip-audit --format json`: exits with 1 if a locked dependency has a known vulnerability.

python tools/audited.py audit.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def judged(report: dict[str, Any]) -> tuple[list[str], int, int]:
    """The known vulnerabilities, one line each; how many packages were looked up, and how many could not be."""
    packages = report["dependencies"]
    looked_up = [package for package in packages if "vulns" in package]
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}; fixed in {', '.join(flaw['fix_versions']) or '-'}"
        for package in looked_up
        for flaw in package["vulns"]
    ]
    return found, len(looked_up), len(packages) - len(looked_up)


if __name__ == "__main__":
    lines, looked_up, skipped = judged(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    print(
        "\n".join([*lines, f"{looked_up} packages looked up, {skipped} not found; {len(lines)} known vulnerabilities"])
    )
    sys.exit(bool(lines))
