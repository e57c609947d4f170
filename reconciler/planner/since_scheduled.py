"""How a post has changed since this tool scheduled it, as far as the state can tell.

When an approval no longer fits, `review` sets the post back to `pending`. The file then looks as if somebody had
withdrawn the approval; only a comparison with what was scheduled tells the two apart. The state keeps digests, not
texts, so it shows that words changed but not which.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.approvals import ActivityApproval, DraftApproval
from reconciler.model.canonical import Digest
from reconciler.model.content import Difference, PublicContent, comparable
from reconciler.model.frozen import instant
from reconciler.model.posts import Post, PostId, account_id, account_name
from reconciler.model.sites import PublishedPost, RecordedSite
from reconciler.planner.used_approvals import used_key


class Since(Struct, frozen=True):
    """What changed since a post was scheduled. `content` covers everything that the public sees, and where."""

    content: bool = False
    account: Difference | None = None
    date: Difference | None = None

    def __bool__(self) -> bool:
        return self.content or bool(self.differences)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The differences that can be shown."""
        return tuple(found for found in (self.account, self.date) if found is not None)


def since_scheduled(recorded: RecordedSite, post: Post, date: datetime, account: str = "") -> Since:
    """How a post on the site, with the date of its activity, has changed.

    `account` is the one that it is on, with a name that was not read with it: a difference shows it.
    """
    digests = frozenset({post.digest, post.earlier_digest})
    found = _since(recorded, post.id, post.content, digests, post.account, date)
    if found.account is None or not account:
        return found
    return replace(found, account=replace(found.account, live=account))


def since_scheduled_by_file(recorded: RecordedSite, draft: DraftApproval, activity: ActivityApproval) -> Since:
    """How a post in its approvals file has changed; nothing if that cannot be determined."""
    last = _last(recorded, draft.id)
    if draft.earlier or last is None or last.date is None or not draft.is_as_written(activity.date):
        return Since()
    content = draft.content
    return _since(recorded, draft.id, content, frozenset({content.digest}), draft.account, activity.date)


def _since(
    recorded: RecordedSite,
    id: PostId,
    content: PublicContent,
    digests: frozenset[Digest],
    account: str,
    date: datetime,
) -> Since:
    last = _last(recorded, id)
    if last is None:
        used = recorded.object(used_key(id))
        return Since(content=used is not None and used.get("content") not in digests)
    before, same = last.account or "", last.digest in digests
    moved = not same and account_id(before) not in ("", content.account)
    names = comparable(account_name(before)), comparable(account_name(account))
    renamed = all(names) and names[0] != names[1]
    return Since(
        content=not same,
        account=Difference("account", before, account) if moved or renamed else None,
        date=Difference("date", instant(last.date), instant(date)) if last.date not in (None, date) else None,
    )


def _last(recorded: RecordedSite, id: PostId) -> PublishedPost | None:
    return max(recorded.published_by_id.get(id, ()), key=lambda record: record.done_at, default=None)
