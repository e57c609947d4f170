"""Projects in temporary folders, over a sandbox whose clock stands still."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.sandbox.app import Sandbox
from reconciler.wiring import open_sandbox

PROJECT = """\
version: 1
api: sandbox
poll: {interval: 1s, timeout: 1m}
"""

SANDBOX = """\
clock: 2026-11-02T09:00:00Z
freeze: true
latency: {generate: 2s, posts: 1s}
"""

SITE = """\
version: 1
site: {name: NAME, id: 3f0c2a9e-8d0b-4b7c-9a55-0000000000NN, labels: {team: TEAM}}
settings:
  toneOfVoice: warm and playful
  marketingTools: [SOCIAL_MARKETING]
marketingPlan: {state: present}
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The line that scripts look for; only what to type next may follow it."""
        lines = self.out.splitlines()
        return (
            lines[-2] if len(lines) > 1 and lines[-1].startswith("Next: ") and lines[-2] else lines[-1] if lines else ""
        )

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


@dataclass(frozen=True, slots=True)
class Project:
    """A project in a temporary folder."""

    root: Path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.root / name
        text = path.read_text("utf-8")
        assert before in text
        path.write_text(text.replace(before, after), "utf-8")

    @contextmanager
    def world(self) -> Iterator[Sandbox]:
        """The sandbox's world, between two commands."""
        sandbox = open_sandbox(self.root)
        try:
            yield sandbox
        finally:
            sandbox.close()

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far."""
        with self.world() as world:
            return world.requests()


def site(name: str, number: int = 1, team: str = "emea", more: str = "") -> str:
    """A site file's text."""
    return SITE.replace("NAME", name).replace("NN", f"{number:02d}").replace("TEAM", team) + more
