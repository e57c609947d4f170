"""Sites whose plans are ready to be carried out, kept until somebody has decided."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.config.sites import SiteEntry
from reconciler.engine.parts import Planned, Ready
from reconciler.engine.site_results import SitePlanned
from reconciler.engine.spool import Spool
from reconciler.model.address import SiteName
from reconciler.model.codec import from_json, to_json
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Plan


class Prepared(Struct, frozen=True):
    """A site with something to do: its plan, its file, and its record.

    The file is None if a saved plan's is gone; the record is the one that the plan was made from or checked against.
    """

    planned: SitePlanned
    entry: SiteEntry | None
    recorded: RecordedSite

    @property
    def plan(self) -> Plan:
        """What there is to do on the site."""
        return self.planned.plan


class PreparedSites:
    """The sites that are ready, in their order.

    They are kept on disk, because nobody knows how many there are or how long somebody thinks about them.
    """

    def __init__(self) -> None:
        self._spool = Spool()
        self._entries: list[SiteEntry | None] = []
        self.names: list[SiteName] = []
        self.ids: list[str] = []

    def add(self, prepared: Prepared) -> None:
        """Adds a site."""
        self._spool.append(to_json(Ready(Planned.of(prepared.planned), prepared.recorded)))
        self._entries.append(prepared.entry)
        self.names.append(prepared.plan.site.name)
        self.ids.append(prepared.plan.site.id)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Prepared:
        ready = from_json(Ready, self._spool[number])
        return Prepared(ready.planned.value(), self._entries[number], ready.recorded)

    def __iter__(self) -> Iterator[Prepared]:
        return map(self.__getitem__, range(len(self)))
