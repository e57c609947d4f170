"""Sites whose plans are ready to be carried out, kept until somebody has decided."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.config.sites import SiteEntry
from reconciler.engine.parts import planned_in
from reconciler.engine.site_results import SitePlanned
from reconciler.model.address import Labels, SiteName
from reconciler.model.codec import from_json, to_json
from reconciler.model.operations import class_of
from reconciler.model.sites import RecordedSite
from reconciler.model.writes import ActionClass
from reconciler.planner.actions import Plan
from reconciler.spool import Spool


class Prepared(Struct, frozen=True):
    """A site with something to do: its plan, its file, and its record.

    The record is the one that the plan was made from or checked against.
    """

    planned: SitePlanned
    entry: SiteEntry
    recorded: RecordedSite

    @property
    def plan(self) -> Plan:
        """What there is to do on the site."""
        return self.planned.plan


class PreparedSites:
    """The sites that are ready, in order.

    They are kept on disk, because there may be any number of them, and somebody may think about them for a long time.
    """

    def __init__(self) -> None:
        self._plans, self._records = Spool(), Spool()
        self.names: list[SiteName] = []
        self.labels: list[Labels] = []
        self.entries: list[SiteEntry] = []
        self.classes: set[ActionClass] = set()
        """The classes of everything there is to do."""
        self._known: dict[Labels, Labels] = {}
        """Each set of labels only once: many sites have the same."""

    def add(self, prepared: Prepared) -> None:
        """Adds a site."""
        self._plans.append(to_json(prepared.planned))
        self._records.append(to_json(prepared.recorded))
        entry, labels = prepared.entry, prepared.planned.labels
        self.names.append(entry.name)
        self.labels.append(self._known.setdefault(labels, labels))
        self.entries.append(entry)
        self.classes.update(class_of(action.operation) for action in prepared.plan.actions)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: int) -> Prepared:
        return Prepared(planned_in(self._plans[number]), self.entries[number], self.recorded(number))

    def id(self, number: int) -> str:
        """The id of a site."""
        return self.entries[number].id

    def plan(self, number: int) -> Plan:
        """What there is to do on a site."""
        return planned_in(self._plans[number]).plan

    def recorded(self, number: int) -> RecordedSite:
        """The record that the plan of a site was made from."""
        return from_json(RecordedSite, self._records[number])

    def __iter__(self) -> Iterator[Prepared]:
        return map(self.__getitem__, range(len(self)))
