"""Owns what a handler is given: the request, its site, the clock, the options, and how to report what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.sandbox import times
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction


@dataclass(slots=True)
class Call:
    """One request on its way through a handler."""

    method: str
    path: str
    headers: dict[str, str]
    now: datetime
    seed: Seed
    store: Transaction
    find_site: Callable[[str], Site | None]  # creates a site on first sight, or returns None if that is disabled
    directives: tuple[JsonDict, ...] = ()  # faults that change what a handler does
    params: dict[str, str] = field(default_factory=dict)  # the values of the path's variables
    query: dict[str, list[str]] = field(default_factory=dict)
    body: JsonDict = field(default_factory=dict)
    found_site: Site | None = None
    account: str | None = None
    wrote: bool = False  # the request changed the world
    lagging: bool = False  # the site is shown as it was: changes to it are not saved
    moved: bool = False  # the world changed by itself while answering

    @property
    def site(self) -> Site:
        """The site of a site-level request."""
        if self.found_site is None:
            raise LookupError(f"{self.path} is not a site-level route")
        return self.found_site

    @property
    def stamp(self) -> str:
        """Now, as the API writes it."""
        return times.show(self.now)

    def later(self, seconds: float) -> str:
        """A time some seconds from now, as the API writes it."""
        return times.show(self.now + timedelta(seconds=seconds))

    def changed(self) -> None:
        """Records that this request changed the world."""
        self.wrote = True

    def moved_on(self) -> None:
        """Records that the world changed by itself, which must be saved but is not a write by the client."""
        self.moved = True

    def directive(self, kind: str) -> JsonDict | None:
        """The scripted fault of this kind that acts on this request."""
        return next((each for each in self.directives if each["kind"] == kind), None)

    def one(self, *names: str) -> str | None:
        """A query parameter, under the first of these names that occurs."""
        return next((self.query[name][0] for name in names if self.query.get(name)), None)
