"""What the planner is given in addition to the three sides of a site."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.journal import OpenEntry
from reconciler.model.policy import Policy
from reconciler.model.sites import ObservedSite


class PlanOptions(Struct, frozen=True):
    """The options of a plan. `now` is an aware instant.

    `regenerate` asks for a generation whatever the inputs are. With `publish` False, public actions are left out of the
    plan. `patience` is how long the effect of a call that may have been sent can take to show.
    """

    now: datetime
    policy: Policy = Policy()
    regenerate: bool = False
    publish: bool = True
    patience: timedelta = timedelta(minutes=15)


class Scope(Struct, frozen=True):
    """The site that a part is planned for, with the time and the zone in which its rules are read."""

    site: SiteName
    now: datetime
    zone: ZoneInfo
    patience: timedelta = timedelta(minutes=15)

    def may_still_show(self, entry: OpenEntry) -> bool:
        """Whether the result of an earlier call may yet appear; if not, it counts as not done (design.md 3.5)."""
        return self.now - entry.started_at < self.patience

    def address(self, kind: Kind, key: str = "") -> Address:
        """The address of an object of this site."""
        return Address(self.site, kind, key)


def zone_of(observed: ObservedSite) -> ZoneInfo:
    """The site's time zone; UTC if unknown (design.md 1.1)."""
    try:
        return ZoneInfo(observed.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def scope_of(observed: ObservedSite, options: PlanOptions) -> Scope:
    """The scope of a plan for a site that was read."""
    return Scope(observed.ref.name, options.now, zone_of(observed), options.patience)
