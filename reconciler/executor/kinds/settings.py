"""Settings: one call for all changed fields, read back field by field."""

from __future__ import annotations

from datetime import datetime

from reconciler.executor.kinds.base import ManagedKind, Reads, differences
from reconciler.executor.ledger import Result
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Address
from reconciler.model.canonical import Json, canonical_text, same
from reconciler.model.journal import OpenEntry
from reconciler.model.operations import UpdateSettings
from reconciler.model.settings import Field, MarketingSettings, normal, same_setting
from reconciler.model.sites import Inputs, Need
from reconciler.model.text import printable
from reconciler.planner.actions import SettingIs


class SettingsKind(ManagedKind[UpdateSettings]):
    """The marketing settings of a site."""

    def reads(self, operation: UpdateSettings) -> Reads:
        return Reads(frozenset({Need.SETTINGS}))

    def mismatch(
        self, operation: UpdateSettings, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> str | None:
        live = found.settings or MarketingSettings()
        values = [(change.path, change.after, live.value_of(change.path)) for change in operation.changes]
        return differences(
            (path, asked, normal(path, kept)) for path, asked, kept in values if not same_setting(path, asked, kept)
        )

    def applied(self, operation: UpdateSettings, declared: Inputs) -> Inputs:
        changes = operation.changes
        return Inputs(settings=tuple(Field(change.path, normal(change.path, change.after)) for change in changes))

    def inputs_missing(self, operation: UpdateSettings, address: Address, result: Result) -> str | None:
        return f"the settings were not saved ({result})"

    def touches(self, operation: UpdateSettings) -> frozenset[str]:
        return frozenset({"settings"})


async def setting_unmet(required: SettingIs, site: SiteCache) -> str | None:
    """What stands at a path instead of the value that is required. May raise an ApiError."""
    live = normal(required.path, (await site.settings()).value_of(required.path))
    if same(live, required.value):
        return None
    return f"{required.path} is {_shown(live)} now, not {_shown(required.value)}"


def _shown(value: Json) -> str:
    return "empty" if value is None else printable(canonical_text(value))
