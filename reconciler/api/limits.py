"""How much a run may ask at once, and how often: a budget of requests per site, shared by the whole run."""

from __future__ import annotations

from array import array
from typing import Final

from msgspec import Struct

from reconciler.api.in_flight import InFlight
from reconciler.model.clock import Clock

WINDOW: Final = 61.0
"""Seconds over which the budget is counted: a minute (D 4), plus a second for variations in transit time."""

_MANY: Final = 1000
"""How many requests older than the window are removed together."""

_GROUPS: Final = 4096


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
        self.in_flight = InFlight(limits.parallelism, limits.most or limits.parallelism, clock.monotonic)
        self._allowed = limits.requests_per_minute
        self._clock = clock
        self._sent = _Sent()
        self._held: dict[str, float] = {}
        self._latest = 0.0

    async def admit(self, site: str) -> None:
        """Returns when another request of this site may be sent, and counts it."""
        while True:
            now = self._clock.now().timestamp()
            if now < self._latest - WINDOW:  # the clock was set back
                self._held.clear()
            self._latest = now
            self._sent.forget(now)
            wait = self._held.get(site, 0.0) - now
            if self._sent.reached(self._allowed, site):
                wait = max(wait, self._sent.first(site) + WINDOW - now)
            if wait <= 0:
                self._sent.add(site, now)
                return
            await self._clock.sleep(wait)

    def hold(self, site: str, seconds: float) -> None:
        """Holds back this site's requests for some seconds, because the remote side asked for it."""
        until = self._clock.now().timestamp() + seconds
        self._held[site] = max(self._held.get(site, 0.0), until)
        if len(self._held) > _MANY:
            now = until - seconds
            self._held = {site: until for site, until in self._held.items() if until > now}


class _Sent:
    """The requests of the last window, for all sites.

    Sixteen bytes each, because there may be tens of thousands in a minute. Sites are identified by the hash of their
    id: two with the same hash would share a budget, so they would wait, but never send too much.
    """

    def __init__(self) -> None:
        self._times = array("d")
        self._sites = array("q")
        self._gone = 0
        """How many requests at the front are older than the window."""
        self._at_most = array("l", bytes(_GROUPS * array("l").itemsize))
        """How many were sent by the sites of each group: a site is counted by itself only if its group sent many."""

    def __len__(self) -> int:
        return len(self._times)

    def reached(self, allowed: int, site: str) -> bool:
        """Whether a site has sent as many as allowed."""
        key = hash(site)
        return self._at_most[key % _GROUPS] >= allowed and self._sites[self._gone :].count(key) >= allowed

    def first(self, site: str) -> float:
        """When a site sent its first request of the last window. It must have sent one."""
        return self._times[self._sites.index(hash(site), self._gone)]

    def add(self, site: str, now: float) -> None:
        """Counts a request. A clock that was set back a little is treated as stopped until it catches up."""
        key = hash(site)
        self._times.append(max(now, self._times[-1]) if self._times else now)
        self._sites.append(key)
        self._at_most[key % _GROUPS] += 1

    def forget(self, now: float) -> None:
        """Forgets what is older than the window, or everything if the clock was set back by more than that."""
        if self._times and self._times[-1] > now + WINDOW:
            del self._times[:], self._sites[:]
            self._gone = 0
            self._at_most = array("l", bytes(_GROUPS * array("l").itemsize))
        while self._gone < len(self._times) and self._times[self._gone] <= now - WINDOW:
            self._at_most[self._sites[self._gone] % _GROUPS] -= 1
            self._gone += 1
        if self._gone > _MANY:
            del self._times[: self._gone], self._sites[: self._gone]
            self._gone = 0
