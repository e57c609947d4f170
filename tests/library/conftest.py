"""A project in a temporary folder, and nothing that the library might use without being given it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.projects import PROJECT, SANDBOX, Project, site


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A project with two sites."""
    made = Project(tmp_path)
    made.write(
        {
            "reconciler.yaml": PROJECT,
            "sandbox.yaml": SANDBOX,
            "sites/shop.yaml": site("shop"),
            "sites/z.yaml": site("shop-z", 2, "americas"),
        }
    )
    return made
