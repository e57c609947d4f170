"""Settings: one call for all changed fields, read back field by field."""

from __future__ import annotations

from datetime import datetime

from reconciler.executor.kinds.base import ManagedKind, Moment, OutcomeReads, differences
from reconciler.executor.ledger import ActionResult
from reconciler.executor.ports import Ports
from reconciler.executor.site_cache import SiteCache
from reconciler.executor.snapshot import Snapshot
from reconciler.model.address import Address
from reconciler.model.canonical import EMPTY, Absent, Json, JsonObject, same
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.journal import Before, OpenEntry
from reconciler.model.operations import Operation
from reconciler.model.outcomes import behind, not_as_asked, stale
from reconciler.model.settings import (
    ATOMIC_MEMBERS,
    Field,
    MarketingSettings,
    SettingIs,
    UpdateSettings,
    normal,
    same_setting,
    settings_of,
    unnamed_fields,
    whole_fields,
)
from reconciler.model.sites import Inputs, Need, RecordedSite
from reconciler.model.text import printable, spoken
from reconciler.model.two_values import both_in_sentence
from reconciler.model.writes import FieldChange
from reconciler.planner.kept import split_kept


class SettingsKind(ManagedKind[UpdateSettings]):
    """The marketing settings of a site."""

    async def unmet(
        self, required: SettingIs, operation: Operation, site: SiteCache, moment: Moment
    ) -> Diagnostic | None:
        return await setting_unmet(required, site)

    async def prepared(self, operation: UpdateSettings, site: SiteCache) -> UpdateSettings:
        """Each changed field is sent whole, so its other members are sent as they are now (17.4)."""
        return operation.merged_into(await site.settings())

    async def before(self, operation: UpdateSettings, site: SiteCache) -> Before:
        """The fields that the mask does not name. The reference says that they stay; this is unconfirmed (D 9.4)."""
        return Before(settings=unnamed_fields(await site.settings(), (field.path for field in operation.whole)))

    def reads(self, operation: UpdateSettings) -> OutcomeReads:
        return OutcomeReads(frozenset({Need.SETTINGS}))

    def mismatch(
        self, operation: UpdateSettings, entry: OpenEntry, created: str | None, found: Snapshot, now: datetime
    ) -> Diagnostic | None:
        live = (found.observed and found.observed.settings) or MarketingSettings()
        asked = [(change.path, change.after) for change in operation.changes]
        # Whether the server merges a field or replaces it is not known (17.4): nothing else in it may be lost.
        kept = [(field.path, field.value) for field in operation.whole]
        for fields in (asked, kept):
            wrong = (
                (path, value, normal(path, live.value_of(path)))
                for path, value in fields
                if not _holds(path, live.value_of(path), value)
            )
            if (found_wrong := differences(wrong)) is not None:
                return found_wrong
        return _changed_as_well(entry.before.settings, live)

    def unkept(
        self, operation: UpdateSettings, created: str | None, found: Snapshot
    ) -> tuple[str, tuple[FieldChange, ...]]:
        live = (found.observed and found.observed.settings) or MarketingSettings()
        seen = ((change, live.value_of(change.path)) for change in operation.changes)
        return "", tuple(
            FieldChange(change.path, normal(change.path, value), change.after)
            for change, value in seen
            if not _holds(change.path, value, change.after)
        )

    def found_instead(
        self,
        operation: UpdateSettings,
        entry: OpenEntry,
        created: str | None,
        found: Snapshot,
        recorded: RecordedSite,
    ) -> tuple[str, tuple[FieldChange, ...]]:
        live = (found.observed and found.observed.settings) or MarketingSettings()
        asked = settings_of((*entry.before.settings, *operation.whole))
        return "", tuple(
            FieldChange(path, normal(path, live.value_of(path)), normal(path, asked.value_of(path)))
            for path in (field.path for field in recorded.applied.settings)
            if not same_setting(path, asked.value_of(path), live.value_of(path))
        )

    def with_kept_values(self, operation: UpdateSettings, changes: tuple[FieldChange, ...]) -> UpdateSettings:
        stored = {change.path: change for change in changes}
        sent = settings_of(operation.whole)
        kept = (FieldChange(path, None, change.before) for path, change in stored.items())
        whole = {field.path: field for field in (*operation.whole, *whole_fields(kept, sent))}
        left = tuple(change for change in operation.changes if change.path not in stored)
        return UpdateSettings(left, tuple(whole[path] for path in sorted(whole)))

    def applied(self, operation: UpdateSettings, declared: Inputs) -> Inputs:
        changes = operation.changes
        return Inputs(settings=tuple(Field(change.path, normal(change.path, change.after)) for change in changes))

    async def inputs_seen(self, declared: Inputs, ports: Ports, site: SiteCache) -> Inputs:
        """A value that the server still stores differently after two writes counts as declared."""
        if not declared.settings:
            return Inputs()
        site.forget(Need.SETTINGS)
        live, recorded = await site.settings(), ports.journal.recorded
        return Inputs(settings=tuple(_seen(field, live, recorded) for field in declared.settings))

    def inputs_missing(self, operation: UpdateSettings, address: Address, result: ActionResult) -> Diagnostic | None:
        return behind(f"the settings were not saved ({spoken(result)})")

    def touches(self, operation: UpdateSettings) -> frozenset[str]:
        return frozenset({"settings"})


def _seen(field: Field, live: MarketingSettings, recorded: RecordedSite) -> Field:
    found = normal(field.path, live.value_of(field.path))
    if same_setting(field.path, field.value, found):
        return field
    _, kept = split_kept("", (FieldChange(field.path, found, field.value),), recorded)
    return field if kept else Field(field.path, found)


def _changed_as_well(before: tuple[Field, ...], live: MarketingSettings) -> Diagnostic | None:
    """How the write changed fields that it does not name: a generation would use them too (17.5)."""
    moved = [field for field in before if not _holds(field.path, live.value_of(field.path), field.value)]
    if not moved:
        return None
    values = ((field, normal(field.path, live.value_of(field.path))) for field in moved)
    shown = ((field.path, *both_in_sentence(normal(field.path, field.value), found)) for field, found in values)
    each = (f"{printable(path)} was {before}, and is now {after}" for path, before, after in shown)
    message = f"other fields changed as well: {'; '.join(each)}"
    return not_as_asked(message, "check the settings in the dashboard")


def _holds(path: str, live: Json | Absent, asked: Json) -> bool:
    """Whether a live value is what was asked for. An object may contain more: members that the server itself adds."""
    if not isinstance(asked, JsonObject) or path.rsplit(".", 1)[-1] in ATOMIC_MEMBERS:
        return same_setting(path, asked, live)
    members = live if isinstance(live, JsonObject) else EMPTY
    return all(_holds(f"{path}.{key}", members.get(key), asked[key]) for key in asked)


async def setting_unmet(required: SettingIs, site: SiteCache) -> Diagnostic | None:
    """What was found at a path instead of the required value. May raise an ApiError."""
    live = normal(required.path, (await site.settings()).value_of(required.path))
    if same(live, required.value):
        return None
    found, planned = both_in_sentence(live, required.value)
    return stale(f"{required.path} is {found} now, {'but was not set' if required.value is None else f'not {planned}'}")
