"""What somebody edited on the site since the last apply and a plan is about to overwrite."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.activities import UpdateActivity
from reconciler.model.address import Address, Kind, key_of
from reconciler.model.canonical import Json, same
from reconciler.model.settings import UpdateSettings, same_setting
from reconciler.model.sites import RecordedSite
from reconciler.model.writes import Verb
from reconciler.planner.actions import Action
from reconciler.planner.changes import same_plain


def edit_key(address: Address, path: str) -> str:
    """How a field of an object is named in `Plan.edited`: `shop/settings#settings.toneOfVoice`."""
    return f"{address}#{path}"


def edited_since(actions: Iterable[Action], recorded: RecordedSite) -> tuple[str, ...]:
    """The fields that actions change and whose live value is not what was last applied.

    Fields never applied do not count.
    """
    found: list[str] = []
    for action in actions:
        operation = action.operation
        if isinstance(operation, UpdateSettings):
            for change in operation.changes:
                applied = recorded.applied.setting(change.path)
                if applied is not None and not same_setting(change.path, applied[0], change.before):
                    found.append(edit_key(action.address, change.path))
        elif operation.verb is Verb.UPDATE and operation.feeds_generation:
            facts = recorded.applied.event(action.address.key)
            for change in getattr(operation, "changes", ()):
                last: Json = facts.get(change.path) if facts is not None else None
                if facts is not None and not same_plain(last, change.before):
                    found.append(edit_key(action.address, change.path))
        elif isinstance(operation, UpdateActivity):
            noted = recorded.object(key_of(Kind.ACTIVITY, operation.id))
            found += [
                edit_key(action.address, change.path)
                for change in operation.changes
                if noted and change.path in noted and not same(change.before, noted[change.path])
            ]
    return tuple(found)
