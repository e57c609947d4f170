"""SentRequest: a request to the remote side, and what it answered, without any body."""

from __future__ import annotations

from reconciler.model.frozen import Struct


class SentRequest(Struct, frozen=True):
    """A request, the status of its answer (None: there was none), and the remote side's own code for an error."""

    method: str
    path: str
    status: int | None = None
    error: str = ""

    def __str__(self) -> str:
        answer = " ".join(part for part in (str(self.status or ""), self.error) if part)
        return f"{self.method} {self.path}" + (f" answered {answer}" if answer else "")
