"""Settings: their write in words and as JSON, what must hold before it, and a call that was cut short."""

from __future__ import annotations

from typing import ClassVar

from reconciler.model.journal import OpenEntry
from reconciler.model.settings import SettingIs, UpdateSettings
from reconciler.model.writes import FieldChange
from reconciler.model.yaml_text import in_sentence
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.base import ActionText, Calls, CallWords, KindWords, Records, WriteRecord, changed


class SettingsUpdated(WriteRecord, frozen=True, tag="update-settings"):
    """Changes settings."""

    changes: tuple[FieldChange, ...]


class SettingsWords(KindWords[UpdateSettings, SettingIs]):
    """Settings."""

    records: ClassVar[Records] = {UpdateSettings: SettingsUpdated}
    calls: ClassVar[Calls] = {UpdateSettings: CallWords("change the settings", "whether the settings match the file")}

    def text(self, action: Action, operation: UpdateSettings, zone: str) -> ActionText:
        return ActionText("settings", "", operation.changes)

    def condition(self, required: SettingIs) -> str:
        return f"{required.path} is {in_sentence(required.value)}"

    def about(self, entry: OpenEntry, operation: UpdateSettings, zone: str) -> str:
        return changed(operation.changes)
