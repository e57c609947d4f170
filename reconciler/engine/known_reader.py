"""A reader that does not ask a site again for what was just read."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.executor.observe import merged
from reconciler.executor.ports import Reader
from reconciler.model.posts import ActivityId, Post, PostId
from reconciler.model.sites import Need, ObservedSite, SiteRef

_BY_CHANNEL = frozenset({Need.CHANNELS, Need.ACCOUNTS, Need.ACCOUNT_NAMES})
"""Parts that may have been read for channels other than those asked about now."""


class KnownReader:
    """Returns the parts of one site that are known, and reads the others. See executor.ports.Reader."""

    def __init__(self, reader: Reader, known: ObservedSite) -> None:
        self._reader = reader
        self._known = known

    async def read(self, site: SiteRef, needs: frozenset[Need], *, channels: Sequence[str] = ()) -> ObservedSite:
        missing = needs - (self._known.had_reads - _BY_CHANNEL)
        if missing:
            self._known = merged(self._known, await self._reader.read(site, missing, channels=channels))
        return self._known

    async def posts_of(
        self, site: SiteRef, activities: Sequence[ActivityId]
    ) -> tuple[tuple[ActivityId, tuple[Post, ...]], ...]:
        return await self._reader.posts_of(site, activities)

    async def post(self, site: SiteRef, id: PostId) -> Post | None:
        return await self._reader.post(site, id)

    async def items(self, site: SiteRef, ids: Sequence[PostId]) -> tuple[tuple[PostId, Post | None], ...]:
        return await self._reader.items(site, ids)
