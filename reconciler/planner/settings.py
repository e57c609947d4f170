"""The settings of a site -> at most one action: the settings are one object, written in one call."""

from __future__ import annotations

from reconciler.model.address import Kind
from reconciler.model.operations import UpdateSettings
from reconciler.model.settings import Field, MarketingSettings, normal
from reconciler.planner.actions import Action, Reason, SettingIs
from reconciler.planner.changes import changed_fields
from reconciler.planner.options import Scope


def plan_settings(desired: tuple[Field, ...], observed: MarketingSettings, scope: Scope) -> tuple[Action, ...]:
    """The write that gives every managed field the file's value; it names those that differ and no others."""
    changes = changed_fields(desired, observed)
    if not changes:
        return ()
    requires = tuple(SettingIs(one.path, normal(one.path, observed.value_of(one.path))) for one in changes)
    return (
        Action(
            scope.address(Kind.SETTINGS),
            UpdateSettings(changes).merged_into(observed),
            Reason.DIFFERS,
            requires=requires,
        ),
    )
