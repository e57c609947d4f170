"""What the commands about the tool itself report: `init`, `schema`, `completion`, `version` and `sandbox`.

The union of all events is in results.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct


class VersionTold(Struct, frozen=True):
    """The version of this tool."""

    version: str

    @property
    def text(self) -> str:
        """The version as it is printed."""
        return f"reconciler {self.version}\n"


class SchemaTold(Struct, frozen=True):
    """The JSON Schema of a kind of file. `text` is the schema as it is printed."""

    name: str
    text: str


class ScriptTold(Struct, frozen=True):
    """The completion script of a shell."""

    shell: str
    text: str


class StarterFile(Struct, frozen=True):
    """A file of a starter project: written, or kept because it already exists."""

    file: str
    written: bool


class StarterWritten(Struct, frozen=True):
    """A starter project is complete in `folder`: how many of its files were written, and how many already existed."""

    folder: str
    written: int
    kept: int


class SandboxReady(Struct, frozen=True):
    """From now on, the sandbox answers at `url`."""

    url: str


class SandboxStopped(Struct, frozen=True):
    """The sandbox was served until somebody stopped it."""


class SandboxReset(Struct, frozen=True):
    """The sandbox of a project was reset to its seed."""


class SandboxView(StrEnum):
    """Which part of the sandbox people asked to see."""

    SITES = "sites"
    REQUESTS = "requests"
    EVERYTHING = "everything"


class SandboxShown(Struct, frozen=True):
    """Everything in the sandbox, and the requests that it received, as plain values."""

    world: Mapping[str, Any]
    requests: tuple[Mapping[str, Any], ...]
    view: SandboxView = SandboxView.SITES
