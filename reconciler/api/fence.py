"""Fence: the right to write, checked again before every attempt of a write."""

from __future__ import annotations

from typing import Protocol


class Fence(Protocol):
    """A lease, as seen by whoever sends a write."""

    async def confirm(self) -> None:
        """Raises if the right to write is lost, or may be, according to the stored lease and the wall clock.

        Called right before a request is sent: after the wait for the request budget, after a Retry-After, and after
        every pause between attempts. Whatever it raises ends the call, and nothing more is sent.
        """
        ...


class Fences:
    """Several fences as one."""

    def __init__(self, *fences: Fence | None) -> None:
        self._fences = tuple(fence for fence in fences if fence is not None)

    async def confirm(self) -> None:
        """Raises whatever the first failing fence raises."""
        for fence in self._fences:
            await fence.confirm()
