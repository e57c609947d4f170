"""RunContext: how the plans of a run are made, also by its workers."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.address import SiteName
from reconciler.planner.targets import TargetFilter


class RunContext(Struct, frozen=True):
    """How the plans of a run are made, apart from the three sides of a site."""

    targets: TargetFilter = TargetFilter()
    regenerate: frozenset[SiteName] = frozenset()
    publish: bool = True
    strict: bool = False
