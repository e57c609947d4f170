"""What `doctor` found that is not a problem, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never

from reconciler.engine import facts
from reconciler.model.durations import length
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.model.sites import Feature
from reconciler.model.text import printable

_FEATURES: Final = {
    "PUBLISH_POST": "publishing posts",
    "SCHEDULE_POST": "scheduling posts",
    "AI_TOOLS": "AI tools",
    "CONNECT_CHANNEL": "connecting channels",
}
"""What the premium plan's features are called (remote-api.md 10.5); an unknown one goes by its API name."""


def facts_in_words(found: Iterable[facts.Fact]) -> tuple[tuple[str, str], ...]:
    """What each fact is about, and what it says."""
    return tuple((subject, printable(words)) for subject, words in map(_row, found))


def _row(fact: facts.Fact) -> tuple[str, str]:
    match fact:
        case facts.NoCredentialsNeeded():
            return "credentials", "not used with `api: sandbox`"
        case facts.CredentialsFound(name=name):
            return "credentials", f"{name}: found"
        case facts.ProxyUsed(host=host):
            return "proxy", host or "none"
        case facts.CertificatesUsed(variable=variable, path=path):
            return "certificates", f"{variable}={path}" if variable else "the default public CAs"
        case facts.CheckedOut(commit=commit):
            return "git", f"at {commit[:7]}" if commit else "no commit yet"
        case facts.AccountListed(count=count, undeclared=undeclared):
            return "account", f"{plural(count, 'site')}, {undeclared:,} of them not declared in a file"
        case facts.ClockAhead(seconds=seconds):
            return "clock", "the server did not say what time it is" if seconds is None else _clock(seconds)
        case facts.Probed(verdict=verdict):
            return (
                f"remote-api.md {verdict.section}",
                f"{PROBES[verdict.probe].format(verdict.about)}: {_verdict(verdict)}",
            )
        case facts.ProbeRecorded(requests=requests, file=file):
            return "recorded", f"{plural(requests, 'request')} in {file}, without texts and ids"
        case facts.StateReached():
            return "state", _state(fact)
        case _:
            return _of_site(fact)


def _of_site(fact: facts.OfSite) -> tuple[str, str]:
    match fact:
        case facts.NotRead(credentials=credentials):
            return "site", f"not read: its credentials {credentials} cannot be used"
        case facts.KeyAccepted():
            return "key", "accepted; it can manage the marketing plan"
        case facts.InTimeZone(zone=zone):
            return "time zone", zone
        case facts.IsPublished():
            return "published", "yes"
        case facts.EventsCounted(count=count):
            return "events", f"{count:,} in the calendar"
        case facts.PlanFound():
            return "marketing plan", _plan(fact)
        case facts.ChannelsFound(connected=connected, others=others):
            apart = (f"{channel_name(channel)} {status.lower().replace('_', ' ')}" for channel, status in others)
            return "channels", "; ".join((", ".join(map(channel_name, connected)) or "none connected", *apart))
        case facts.FeatureFound(feature=feature):
            return _FEATURES.get(feature.type, feature.type), _feature(feature)
        case facts.Recorded(known=known):
            return "state", "recorded" if known else "not recorded yet; the first apply records it"
        case _:
            assert_never(fact)


PROBES: Final[Mapping[facts.Probe, str]] = {
    facts.Probe.KEY_ADMITTED: "the marketing plan service accepts API keys",
    facts.Probe.SETTINGS_WRAPPER: "settings come wrapped in `{}` or unwrapped",
    facts.Probe.PLAN_WRAPPER: "the marketing plan comes wrapped in `{}` or unwrapped",
    facts.Probe.ACTIVITY_WRAPPER: "an activity comes wrapped in `{}` or unwrapped",
    facts.Probe.CALENDAR_OPTION: "other fields of a calendar option",
    facts.Probe.DEFAULTS_WRAPPER: "defaults come in an object `defaults`",
    facts.Probe.EMPTY_ACTIVITIES: "an empty list of activities is sent as `[]`, not left out",
    facts.Probe.ACTIVITY_MEMBERS: "the members of an activity in a plan",
    facts.Probe.EVENTS_ROUTE: "events are listed at {}",
    facts.Probe.EVENTS_KEY: "the list of events is called `{}`",
    facts.Probe.RULE_MEMBERS: "the members of a recurring rule",
    facts.Probe.EVENT_CALENDAR: "an event names its calendar",
    facts.Probe.OPTION_KEY: "an option has `{}`",
    facts.Probe.ACTIVITIES_ROUTE: "activities are queried at {}",
    facts.Probe.ACTIVITY_BY_ID: "one activity is read by `marketingActivityId`",
    facts.Probe.ITEMS_BY_IDS: "items can be filtered by their ids",
    facts.Probe.ITEM_ROUTE: "an item is read at /items/ID",
    facts.Probe.SITE_NAME: "site properties have `siteDisplayName`",
}
"""The inferred facts as remote-api.md has them. A test fails for one without words."""

NOTHING_SEEN: Final[Mapping[facts.Probe, str]] = {
    facts.Probe.CALENDAR_OPTION: "nothing",
    facts.Probe.ACTIVITY_MEMBERS: "there is no activity",
    facts.Probe.ACTIVITY_BY_ID: "there is no activity",
    facts.Probe.RULE_MEMBERS: "no event recurs",
    facts.Probe.OPTION_KEY: "there is no option",
    facts.Probe.ITEM_ROUTE: "there is no post",
}


def _clock(ahead: float) -> str:
    return f"{length(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} the server's"


def _verdict(verdict: facts.ProbeVerdict) -> str:
    """`true (...)`, `not true (...)` or `not clear (...)`; if it is not a yes-or-no question, what was seen."""
    found = "; ".join(_seen(verdict))
    if verdict.seen:
        return found
    how = {True: "true", False: "not true", None: "not clear"}[verdict.holds]
    return f"{how} ({found})" if found else how


def _seen(verdict: facts.ProbeVerdict) -> Iterator[str]:
    """What a probe saw."""
    if verdict.wrapper:
        yield f"in `{verdict.wrapper}`"
    if verdict.bare:
        yield "without a wrapper"
    if verdict.names is not None:
        yield ", ".join(verdict.names) or NOTHING_SEEN.get(verdict.probe, "an empty object")
    if verdict.count is not None:
        yield f"{verdict.count:,} seen"
    if verdict.status is not None:
        yield f"answered {verdict.status}"


def _state(reached: facts.StateReached) -> str:
    if not reached.exists:
        return f"{reached.place} (does not exist yet; the first apply creates it)"
    return f"{reached.place}, reached; conditional writes work" if reached.conditional else reached.place


def _plan(found: facts.PlanFound) -> str:
    if found.status is not PlanStatus.ACTIVE or found.until is None:
        return "none yet" if found.status is PlanStatus.NEVER_CREATED else str(found.status)
    count = plural(found.ahead, "activity", "activities")
    return f"{found.status}, {count} until {found.until:%Y-%m-%d} ({plural(found.days, 'day')})"


def _feature(feature: Feature) -> str:
    left = "" if feature.remaining is None else f", {feature.remaining:,} of {feature.limit:,} left"
    period = ""
    if left and feature.period and feature.period != "NO_PERIOD":
        period = f" this {feature.period.lower()}"
    return ("included" if feature.enabled else "not included") + left + period
