"""What `doctor` found to be in order, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, assert_never

from reconciler.engine import facts
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
            return "credentials", "none needed: the sandbox accepts any key"
        case facts.CredentialsFound(name=name):
            return "credentials", f"{name}: found"
        case facts.ProxyUsed(host=host):
            return "proxy", host or "none"
        case facts.CertificatesUsed(variable=variable, path=path):
            return "certificates", f"{variable}={path}" if variable else "the public ones"
        case facts.CheckedOut(commit=commit):
            return "git", f"at {commit[:7]}" if commit else "no commit yet"
        case facts.AccountListed(count=count, undeclared=undeclared):
            return "account", f"{plural(count, 'site')}, {undeclared:,} of them not declared in a file"
        case facts.ClockAhead(seconds=seconds):
            return "clock", "the server did not say what time it is" if seconds is None else _clock(seconds)
        case facts.Probed(verdict=verdict):
            return verdict.section, f"{verdict.question}: {_verdict(verdict)}"
        case facts.ProbeRecorded(requests=requests, file=file):
            return "recorded", f"{requests} requests in {file}, without texts and ids"
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


def _clock(ahead: float) -> str:
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"


def _verdict(verdict: facts.Verdict) -> str:
    """`true: ...`, `not true: ...` or `not clear: ...`; if it is not a yes-or-no question, what was seen."""
    if verdict.seen:
        return verdict.found
    how = {True: "true", False: "not true", None: "not clear"}[verdict.holds]
    return f"{how}: {verdict.found}" if verdict.found else how


def _state(reached: facts.StateReached) -> str:
    if not reached.exists:
        return f"{reached.place} (does not exist yet; the first apply creates it)"
    return f"{reached.place}, reached; conditional writes work" if reached.conditional else reached.place


def _plan(found: facts.PlanFound) -> str:
    if found.status is not PlanStatus.ACTIVE or found.until is None:
        return "none yet" if found.status is PlanStatus.NEVER_CREATED else str(found.status)
    count = plural(found.ahead, "activity", "activities")
    return f"{found.status}, {count} until {found.until:%Y-%m-%d} ({found.days:,} days)"


def _feature(feature: Feature) -> str:
    left = "" if feature.remaining is None else f", {feature.remaining:,} of {feature.limit:,} left"
    period = ""
    if left and feature.period and feature.period != "NO_PERIOD":
        period = f" this {feature.period.lower()}"
    return ("included" if feature.enabled else "not included") + left + period
