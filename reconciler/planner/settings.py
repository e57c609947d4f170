"""The settings of a site -> at most one action: the settings are one object, written in one call."""

from __future__ import annotations

from reconciler.model.address import Kind
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.frozen import Struct
from reconciler.model.settings import Field, MarketingSettings, SettingIs, UpdateSettings, normal
from reconciler.model.sites import RecordedSite
from reconciler.planner.actions import Action, Reason
from reconciler.planner.changes import changed_fields
from reconciler.planner.kept import kept_notes, split_kept
from reconciler.planner.options import Scope


class SettingsPart(Struct, frozen=True):
    """The write, if there is one, and notes about fields that the server stores differently."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


def plan_settings(
    desired: tuple[Field, ...], observed: MarketingSettings, recorded: RecordedSite, scope: Scope
) -> SettingsPart:
    """The write that gives managed fields the file's values. It names the fields that differ, and no others."""
    changes, kept = split_kept("", changed_fields(desired, observed), recorded)
    notes = kept_notes("", kept)
    if not changes:
        return SettingsPart(notes=notes)
    requires = tuple(SettingIs(change.path, normal(change.path, observed.value_of(change.path))) for change in changes)
    write = UpdateSettings(changes).merged_into(observed)
    return SettingsPart((Action(scope.address(Kind.SETTINGS), write, Reason.DIFFERS, requires=requires),), notes)
