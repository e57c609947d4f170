"""Fence: the right to write, asked again before every attempt of a write."""

from __future__ import annotations

from typing import Protocol


class Fence(Protocol):
    """A lease, as whoever sends a write sees it."""

    async def confirm(self) -> None:
        """Raises where the right to write is lost, or may be: by the lease as it stands, and by the clock on the wall.

        Called right before a request leaves: after the wait for the request budget, after a Retry-After and after
        every pause between attempts. What it raises ends the call, and nothing more is sent.
        """
        ...


class Fences:
    """Several fences as one."""

    def __init__(self, *fences: Fence | None) -> None:
        self._fences = tuple(fence for fence in fences if fence is not None)

    async def confirm(self) -> None:
        """Raises what the first of them raises."""
        for fence in self._fences:
            await fence.confirm()
