"""Projects over a sandbox whose clock stands still."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Project, site


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A project with three sites."""
    made = Project(tmp_path)
    sites = {f"sites/{name}.yaml": site(f"shop-{name}", number) for number, name in enumerate("abc", 1)}
    made.write({"reconciler.yaml": PROJECT, "sandbox.yaml": SANDBOX, **sites})
    return made
