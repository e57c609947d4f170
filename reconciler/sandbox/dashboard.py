"""Owns what people do to a site without the tool: edits in the dashboard, publishing, buying premium plans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

from reconciler.sandbox import activities, content, events, marketing_plan, posts, premium, publishing, settings, times
from reconciler.sandbox.json_types import JsonDict
from reconciler.sandbox.seed import Seed
from reconciler.sandbox.state import Site

Edit: TypeAlias = Callable[[str, Callable[[Site, datetime, Seed], Any]], Any]
"""Changes the site with this id, and returns what the change returns. KeyError if there is none."""


class Dashboard:
    """Edits by people: they need no permission and are not logged as requests. KeyError for what does not exist."""

    def __init__(self, edit: Edit) -> None:
        self._edit_at = edit

    def do(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Carries out an edit by name: `patch_settings` and so on, as the control route does."""
        if name.startswith("_") or name == "do" or not hasattr(Dashboard, name):
            known = ", ".join(sorted(each for each in vars(Dashboard) if not each.startswith("_") and each != "do"))
            raise ValueError(f"there is no edit {name!r}; known: {known}")
        return getattr(self, name)(**arguments)

    def _edit(self, site: str, change: Callable[[Site], Any]) -> Any:
        return self._edit_at(site, lambda found, _now, _seed: change(found))

    def patch_settings(self, site: str, values: Mapping[str, Any]) -> None:
        """Sets settings by dotted path, for example `{"settings.toneOfVoice": "dry"}`; null clears."""

        def change(found: Site, now: datetime, _seed: Seed) -> None:
            if found.settings is None:
                found.settings = {"settings": {}, "overrides": {}, "createdAt": times.show(now)}
            for path, value in values.items():
                settings.put(found.settings, path, value)
            found.settings["updatedAt"] = times.show(now)

        self._edit_at(site, change)

    def delete_plan(self, site: str) -> None:
        """Deletes the marketing plan."""
        self._edit_at(site, lambda found, _now, seed: marketing_plan.remove_plan(found, seed))

    def set_plan_status(self, site: str, status: str) -> None:
        """Sets the status of the marketing plan, for example to INACTIVE."""
        self._edit(site, lambda found: found.plan.update(status=status))

    def add_event(self, site: str, event: Mapping[str, Any], foreign: bool = False) -> str:
        """Adds an event and returns its id."""
        return str(self._edit_at(site, lambda found, now, _: events.add(found, event, now, foreign)))

    def edit_event(self, site: str, event: str, **fields: Any) -> None:
        """Changes fields of an event."""
        self._edit(site, lambda found: events.by_id(found, event)["shown"].update(fields))

    def delete_event(self, site: str, event: str) -> None:
        """Deletes an event."""
        self._edit(site, lambda found: found.events.remove(events.by_id(found, event)))

    def edit_activity(self, site: str, activity: str, **fields: Any) -> None:
        """Changes title, description or date of an activity."""
        self._edit(site, lambda found: found.activities[activity].update(fields))

    def delete_activity(self, site: str, activity: str) -> None:
        """Deletes an activity."""
        self._edit_at(
            site,
            lambda found, _now, seed: activities.remove(
                found, found.activities[activity], posts.on_deletion(seed.unknowns)
            ),
        )

    def edit_item(self, site: str, item: str, caption: str | None = None, media: list[str] | None = None) -> None:
        """Changes the text or the images of a post."""

        def change(found: Site) -> None:
            edited = found.items[item]["item"]
            post = edited[publishing.content_key(edited)]
            if caption is not None:
                post[content.text_key(edited["channel"]["name"])] = caption
            if media is not None:
                post["mediaWrapper"] = {"media": [{"type": "IMAGE", "url": url} for url in media]}

        self._edit(site, change)

    def schedule_item(self, site: str, item: str, at: str) -> None:
        """Schedules a draft by hand."""
        self._edit(site, lambda found: publishing.mark_scheduled(found, found.items[item]["item"], at))

    def cancel_item(self, site: str, item: str) -> None:
        """Cancels a scheduled post."""
        self._edit(site, lambda found: found.items[item]["item"].update(status="CANCELED"))

    def delete_item(self, site: str, item: str) -> None:
        """Deletes a post."""

        def change(found: Site) -> None:
            record = found.items.pop(item)
            if record["activity"] in found.activities:
                found.activities[record["activity"]]["items"].remove(item)

        self._edit(site, change)

    def make_posts(self, site: str, activity: str) -> None:
        """Makes posts for an activity, at once."""
        self._edit_at(
            site,
            lambda found, now, seed: posts.make_drafts(
                found, found.activities[activity], (found.settings or {}).get("settings", {}), now, seed
            ),
        )

    def set_channel(self, site: str, channel: str, status: str = "VALID") -> None:
        """Connects a channel, or changes its token's status."""
        self._edit(site, lambda found: found.channels.update({channel: status}))

    def set_accounts(self, site: str, channel: str, accounts: list[JsonDict]) -> None:
        """Replaces the accounts of a channel: id, displayName, default."""
        self._edit(site, lambda found: found.facts.setdefault("accounts", {}).update({channel: accounts}))

    def disconnect(self, site: str, channel: str) -> None:
        """Disconnects a channel."""
        self.set_channel(site, channel, "DISCONNECTED")

    def publish_site(self, site: str, published: bool = True) -> None:
        """Publishes or unpublishes the site."""
        self._edit(site, lambda found: found.facts.update(published=published))

    def set_facts(self, site: str, **facts: Any) -> None:
        """Changes name, language, timeZone or country of the site."""
        self._edit(site, lambda found: found.facts.update(facts))

    def set_feature(self, site: str, feature: str, **fields: Any) -> None:
        """Changes a premium feature: enabled, limit, used, period."""
        self._edit(site, lambda found: found.features.setdefault(feature, {"enabled": True}).update(fields))

    def set_premium(self, site: str, plan: str) -> None:
        """Gives the site the features of a premium plan: free or premium."""
        self._edit(site, lambda found: found.features.update(premium.preset(plan)))

    def set_touched(self, site: str, moment: str) -> None:
        """Sets when the marketing plan was last used."""

        def change(found: Site) -> None:
            found.touched = moment

        self._edit(site, change)

    def set_behaviour(self, site: str, **behaviour: Any) -> None:
        """Changes failGeneration, neverFinish, unpublishedGives, contentSeed."""
        self._edit(site, lambda found: found.behaviour.update(behaviour))
