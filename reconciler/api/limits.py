"""How much a run may ask at once, and how often: a budget of requests per site, shared by the whole run."""

from __future__ import annotations

from array import array
from typing import Final

from msgspec import Struct

from reconciler.api.in_flight import InFlight
from reconciler.model.clock import Clock

WINDOW: Final = 61.0
"""Seconds over which the budget is counted: a minute (D 4), plus one for variations in transit time."""

_SWEEP_FROM: Final = 1024


class Limits(Struct, frozen=True):
    """`parallelism`: requests in flight over the whole run; `requests_per_minute`: for each site (D 4: 200).

    `most`: how far `parallelism` may grow if that makes the run faster; None: not at all.
    """

    parallelism: int = 10
    requests_per_minute: int = 200
    most: int | None = None


class Timeouts(Struct, frozen=True):
    """How long one attempt may take, in seconds."""

    connect: float = 10.0
    silence: float = 60.0
    """Without a byte. Long, because giving up on a write too early makes its outcome unknown."""
    first_byte: float = 90.0
    """Until the head of the answer has arrived, however slowly."""
    whole: float = 120.0
    """For the whole answer, up to its last byte, including the time its head took."""


USUAL: Final = Timeouts()


class Budget:
    """Lets requests through as the limits allow. There is one per run.

    A sliding window: no minute contains more requests than allowed, and below that nobody waits.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.in_flight = InFlight(limits.parallelism, limits.most or limits.parallelism)
        self._allowed = limits.requests_per_minute
        self._clock = clock
        self._sent: dict[str, array[float]] = {}
        self._held: dict[str, float] = {}
        self._sweep_at = _SWEEP_FROM

    async def admit(self, site: str) -> None:
        """Returns when another request of this site may be sent, and counts it."""
        while True:
            now = self._clock.now().timestamp()
            sent = self._sent.get(site)
            if sent is None:
                sent = self._sent[site] = array("d")  # half the size of a list, because there are thousands
            while sent and (sent[0] <= now - WINDOW or sent[0] > now):  # the clock was set back: forget
                del sent[0]
            wait = self._held.get(site, 0.0) - now
            if len(sent) >= self._allowed:
                wait = max(wait, sent[0] + WINDOW - now)
            if wait <= 0:
                sent.append(now)
                self._sweep(now)
                return
            await self._clock.sleep(wait)

    def hold(self, site: str, seconds: float) -> None:
        """Holds back this site's requests for some seconds, because the remote side asked for it."""
        until = self._clock.now().timestamp() + seconds
        self._held[site] = max(self._held.get(site, 0.0), until)

    def _sweep(self, now: float) -> None:
        """Forgets sites whose last request was before the window, so that memory does not grow with the run."""
        if len(self._sent) < self._sweep_at:
            return
        self._sent = {site: sent for site, sent in self._sent.items() if sent and sent[-1] > now - WINDOW}
        self._held = {site: until for site, until in self._held.items() if until > now}
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._sent))
