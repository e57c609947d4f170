"""Owns premium features and their quotas (10.5)."""

from __future__ import annotations

from datetime import datetime

from reconciler.sandbox.errors import precondition
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.state import Site


def preset(name: str) -> dict[str, JsonDict]:
    """The features of a kind of site: `free` as measured on 12 sites (S-live), `premium` as this sandbox's default."""
    if name == "free":
        return {
            "PUBLISH_POST": {"enabled": True, "limit": 10, "used": 0, "period": "MONTH"},
            "SCHEDULE_POST": {"enabled": False, "limit": 0, "used": 0, "period": "MONTH"},
            "AI_TOOLS": {"enabled": False},
            "CONNECT_CHANNEL": {"enabled": True, "limit": 1, "period": "NO_PERIOD"},
        }
    return {
        "PUBLISH_POST": {"enabled": True, "limit": 250, "used": 0, "period": "MONTH"},
        "SCHEDULE_POST": {"enabled": True, "limit": 250, "used": 0, "period": "MONTH"},
        "AI_TOOLS": {"enabled": True},
        "CONNECT_CHANNEL": {"enabled": True, "limit": 8, "period": "NO_PERIOD"},
    }


def show(site: Site, name: str, now: datetime) -> JsonDict:
    """A feature as the API shows it: type, enabled, quotaInfo (S-wix)."""
    feature = site.features.get(name, {"enabled": False})
    shown: JsonDict = {"type": name, "enabled": feature.get("enabled", True)}
    if feature.get("limit") is not None:
        used = usage(site, name, now)
        shown["quotaInfo"] = {
            "limit": feature["limit"],
            "currentUsage": used,
            "remainingUsage": max(feature["limit"] - used, 0),
            "period": feature.get("period", "MONTH"),
        }
    return shown


def usage(site: Site, name: str, now: datetime) -> int:
    """How much of a feature is used: in this calendar month if the quota is monthly (I)."""
    if name == "CONNECT_CHANNEL":
        return sum(site.connected(channel) for channel in site.channels)
    feature = site.features.get(name, {})
    if feature.get("period", "MONTH") == "MONTH" and feature.get("month", now.strftime("%Y-%m")) != now.strftime(
        "%Y-%m"
    ):
        return 0
    return int(feature.get("used", 0))


def remaining(site: Site, name: str, now: datetime) -> int | None:
    """How many more times an action is possible; None: unlimited. Not enabled: 0.

    No quota, `monetizationEnabled: false`, or limit and usage both 0 mean unmetered (S-wix).
    """
    feature = site.features.get(name, {"enabled": False})
    if not feature.get("enabled", True):
        return 0
    limit, used = feature.get("limit"), usage(site, name, now)
    if limit is None or not site.monetized or (limit == 0 and used == 0):
        return None
    return max(int(limit) - used, 0)


def require(site: Site, name: str, now: datetime) -> None:
    """Refuses with 428 INELIGIBLE_FOR_FEATURE if a feature is off or used up (D; code S-wix)."""
    if remaining(site, name, now) == 0:
        raise precondition(f"site is not eligible for feature {name}", "INELIGIBLE_FOR_FEATURE")


def consume(site: Site, name: str, now: datetime, count: int = 1) -> None:
    """Counts uses of a feature; a negative count gives them back."""
    feature = site.features.setdefault(name, {"enabled": True})
    feature["used"] = max(usage(site, name, now) + count, 0)
    feature["month"] = now.strftime("%Y-%m")
