"""Facts: what `doctor` found that is not a problem, as values; `reporters/fact_text.py` has the words."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from reconciler.model.frozen import Variant
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.posts import Unrecognised
from reconciler.model.sites import ChannelStatus, Feature


class Probe(StrEnum):
    """An inferred fact of remote-api.md that reading can settle."""

    KEY_ADMITTED = "key-admitted"
    SETTINGS_WRAPPER = "settings-wrapper"
    PLAN_WRAPPER = "plan-wrapper"
    ACTIVITY_WRAPPER = "activity-wrapper"
    CALENDAR_OPTION = "calendar-option"
    DEFAULTS_WRAPPER = "defaults-wrapper"
    EMPTY_ACTIVITIES = "empty-activities"
    ACTIVITY_MEMBERS = "activity-members"
    EVENTS_ROUTE = "events-route"
    EVENTS_KEY = "events-key"
    RULE_MEMBERS = "rule-members"
    EVENT_CALENDAR = "event-calendar"
    OPTION_KEY = "option-key"
    ACTIVITIES_ROUTE = "activities-route"
    ACTIVITY_BY_ID = "activity-by-id"
    ITEMS_BY_IDS = "items-by-ids"
    ITEM_ROUTE = "item-route"
    SITE_NAME = "site-name"


class ProbeVerdict(Variant, frozen=True):
    """What a probe found out about an inferred fact: `holds` is None if nothing on the site can tell.

    `about` is the key, wrapper or route in question. What was seen: the answer's `status`, `names` of members (None:
    they were not looked at), how many objects, and where the object was: in a `wrapper`, or `bare`.
    """

    section: str
    probe: Probe
    holds: bool | None
    about: str = ""
    status: int | None = None
    names: tuple[str, ...] | None = None
    count: int | None = None
    wrapper: str = ""
    bare: bool = False
    seen: bool = False
    """Whether what was seen is the whole answer, because the question was not a yes-or-no question."""


class StateReached(Variant, frozen=True):
    """Where the state is, whether it exists yet, and whether it is known to keep two runs apart."""

    place: str
    exists: bool
    conditional: bool


class NoCredentialsNeeded(Variant, frozen=True):
    """The sandbox in this process has a key of its own."""


class CredentialsFound(Variant, frozen=True):
    """Credentials, by their name in the project file."""

    name: str


class ProxyUsed(Variant, frozen=True):
    """The host of the proxy that the environment sets; empty for none."""

    host: str


class CertificatesUsed(Variant, frozen=True):
    """The variable that names custom certificates, and its value; both are empty for the public ones."""

    variable: str = ""
    path: str = ""


class CheckedOut(Variant, frozen=True):
    """The commit that git has checked out; empty if there is none yet."""

    commit: str


class AccountListed(Variant, frozen=True):
    """How many sites an account has, and how many of them no file declares."""

    count: int
    undeclared: int


class ClockAhead(Variant, frozen=True):
    """How many seconds this machine's clock is ahead of the remote side's; None if the remote side gave no time."""

    seconds: float | None


class Probed(Variant, frozen=True):
    """What a probe found out."""

    verdict: ProbeVerdict


class ProbeRecorded(Variant, frozen=True):
    """How many requests were recorded, and the file as messages show it."""

    requests: int
    file: str


class NotRead(Variant, frozen=True):
    """The site was not read, because these credentials cannot be used."""

    credentials: str


class KeyAccepted(Variant, frozen=True):
    """The key can manage the marketing plan."""


class InTimeZone(Variant, frozen=True):
    """The site's time zone."""

    zone: str


class IsPublished(Variant, frozen=True):
    """The site is published."""


class EventsCounted(Variant, frozen=True):
    """How many events the calendar has."""

    count: int


class PlanFound(Variant, frozen=True):
    """The marketing plan as it is now. `until` is the date of its last upcoming activity."""

    status: PlanStatus | Unrecognised
    ahead: int = 0
    until: datetime | None = None
    days: int = 0


class ChannelsFound(Variant, frozen=True):
    """The connected channels, and others that the file names or that were connected before."""

    connected: tuple[str, ...]
    others: tuple[tuple[str, ChannelStatus], ...] = ()


class FeatureFound(Variant, frozen=True):
    """A premium feature."""

    feature: Feature


class Recorded(Variant, frozen=True):
    """Whether anything is recorded about the site."""

    known: bool


OfProject: TypeAlias = (
    NoCredentialsNeeded
    | CredentialsFound
    | ProxyUsed
    | CertificatesUsed
    | CheckedOut
    | AccountListed
    | ClockAhead
    | Probed
    | ProbeRecorded
    | StateReached
)
OfSite: TypeAlias = (
    NotRead
    | KeyAccepted
    | InTimeZone
    | IsPublished
    | EventsCounted
    | PlanFound
    | ChannelsFound
    | FeatureFound
    | Recorded
)
Fact: TypeAlias = OfProject | OfSite
