"""What the commands about the tool itself report: `init`, `schema`, `completion`, `version` and `sandbox`.

The union of all events is in results.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from msgspec import Struct


class ToolEvent(Struct, frozen=True):
    """Any of these events, for formats that show them all alike."""


class VersionShown(ToolEvent, frozen=True):
    """The version of this tool."""

    version: str

    @property
    def text(self) -> str:
        """The version as it is printed."""
        return f"reconciler {self.version}\n"


class SchemaShown(ToolEvent, frozen=True):
    """The JSON Schema of a kind of file. `text` is the schema as it is printed."""

    name: str
    text: str


class ScriptShown(ToolEvent, frozen=True):
    """The completion script of a shell."""

    shell: str
    text: str


class StarterFile(ToolEvent, frozen=True):
    """A file of a starter project: written, or kept because it already exists."""

    file: str
    written: bool


class StarterWritten(ToolEvent, frozen=True):
    """A starter project is complete in `folder`: how many of its files were written, and how many already existed."""

    folder: str
    written: int
    kept: int


class SandboxReady(ToolEvent, frozen=True):
    """From now on, the sandbox answers at `url`."""

    url: str


class SandboxStopped(ToolEvent, frozen=True):
    """The sandbox was served until somebody stopped it."""


class SandboxReset(ToolEvent, frozen=True):
    """The sandbox of a project was reset to its seed."""


class SandboxView(StrEnum):
    """Which part of the sandbox people asked to see."""

    SITES = "sites"
    REQUESTS = "requests"
    EVERYTHING = "everything"


class SandboxShown(ToolEvent, frozen=True):
    """Everything in the sandbox, and the requests that it received, as plain values."""

    world: Mapping[str, Any]
    requests: tuple[Mapping[str, Any], ...]
    view: SandboxView = SandboxView.SITES


AnyToolEvent: TypeAlias = (
    VersionShown
    | SchemaShown
    | ScriptShown
    | StarterFile
    | StarterWritten
    | SandboxReady
    | SandboxStopped
    | SandboxReset
    | SandboxShown
)
