"""Owns what a handler is handed: the request, its site, the clock, the options, and how to say what changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.sandbox import times
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site
from reconciler.sandbox.world import Transaction

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request on its way through a handler."""

    method: str
    path: str
    headers: dict[str, str]
    now: datetime
    seed: Seed
    store: Transaction
    find_site: Callable[[str], Site | None]  # makes a site on first sight, or None if that is off
    directives: tuple[Json, ...] = ()  # faults that change what a handler does
    params: dict[str, str] = field(default_factory=dict)  # what the path's variables stand for
    query: dict[str, list[str]] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    found_site: Site | None = None
    account: str | None = None
    wrote: bool = False  # the request changed the world
    lagging: bool = False  # the site is shown as it was: nothing of it is kept
    moved: bool = False  # the world moved by itself while answering

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
        """A moment some seconds from now, as the API writes it."""
        return times.show(self.now + timedelta(seconds=seconds))

    def changed(self) -> None:
        """Says that this request changed the world."""
        self.wrote = True

    def moved_on(self) -> None:
        """Says that the world changed by itself, which must be kept but is not a write of the client."""
        self.moved = True

    def directive(self, kind: str) -> Json | None:
        """The scripted fault of a kind that acts on this request."""
        return next((each for each in self.directives if each["kind"] == kind), None)

    def one(self, *names: str) -> str | None:
        """A query parameter, under the first of the names that is there."""
        return next((self.query[name][0] for name in names if self.query.get(name)), None)
