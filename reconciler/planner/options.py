"""What the planner is given in addition to the three sides of a site."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.journal import OpenEntry
from reconciler.model.policy import Policy
from reconciler.model.sites import Need, ObservedSite, RecordedSite

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

UTC: Final = "UTC"
"""The time zone of a site whose own is not known."""


class PlanOptions(Struct, frozen=True):
    """The options of a plan. `now` is an aware instant.

    `regenerate` asks for a generation whatever the inputs are. With `publish` False, public actions are left out of the
    plan. `effect_timeout` is how long the effect of a call that may have been sent can take to show. `where` is what to
    append to a `reconciler state` command so that it finds this run's state.
    """

    now: datetime
    policy: Policy = Policy()
    regenerate: bool = False
    publish: bool = True
    effect_timeout: timedelta = timedelta(minutes=15)
    where: str = ""


class Scope(Struct, frozen=True):
    """The site that a part is planned for, with the time and the zone in which its rules are read.

    `zone_name` is the name of a zone that this machine knows (see `known_zone`). The zone itself is read when it is
    asked for: most plans have no time in them.
    """

    site: SiteName
    now: datetime
    zone_name: str = UTC
    effect_timeout: timedelta = timedelta(minutes=15)
    where: str = ""

    @property
    def zone(self) -> ZoneInfo:
        """The zone with that name."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.zone_name)

    def may_still_show(self, entry: OpenEntry) -> bool:
        """Whether the result of an earlier call may yet appear; if not, it counts as not done (design.md 3.5)."""
        return self.now - entry.started_at < self.effect_timeout

    def address(self, kind: Kind, key: str = "") -> Address:
        """The address of an object of this site."""
        return Address(self.site, kind, key)


def known_zone(name: str | None) -> str:
    """The name of a time zone if this machine knows it; UTC if it does not (design.md 1.1)."""
    if not name or name == UTC:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def zone_of_posts(observed: ObservedSite, recorded: RecordedSite) -> str | None:
    """The time zone in which posts were last scheduled, if it has to stand in for the site's own; None if not.

    If the site's properties were read but do not name a zone that this machine knows, nobody can say that the zone has
    changed, and posts that wait to go out must not move.
    """
    unknown = Need.PROPERTIES in observed.had_reads and known_zone(observed.time_zone) == UTC != observed.time_zone
    return last_zone(recorded) if unknown else None


def last_zone(recorded: RecordedSite) -> str | None:
    """The time zone in which posts were last scheduled; None if there are none, or if it is UTC."""
    last = max(recorded.published, key=lambda post: post.done_at, default=None)
    return last.zone if last is not None and last.zone != UTC else None


def scope_of(observed: ObservedSite, recorded: RecordedSite, options: PlanOptions) -> Scope:
    """The scope of a plan for a site that was read."""
    zone = known_zone(zone_of_posts(observed, recorded) or observed.time_zone)
    return Scope(observed.ref.name, options.now, zone, options.effect_timeout, options.where)
