"""The names of the accounts on which posts go out without an approval: nobody reviewed them, so no file has the names.

A name is only for people and decides nothing: an account is identified by its id.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from reconciler.model.content import comparable
from reconciler.model.posts import account_id, account_label, account_name
from reconciler.model.schedule import SchedulePost
from reconciler.model.sites import Account
from reconciler.planner.actions import Action


def channels_to_ask(actions: Iterable[Action]) -> tuple[str, ...]:
    """The channels on which posts go out without an approval on an account without a name."""
    posts = (action.operation for action in actions)
    return tuple(sorted({post.channel for post in posts if isinstance(post, SchedulePost) and _lacks_name(post)}))


def with_account_names(actions: Iterable[Action], accounts: Iterable[Account]) -> tuple[Action, ...]:
    """The actions, with the names of their accounts as far as these accounts have them."""
    names = {(account.channel, account.id): comparable(account.name) for account in accounts}

    def named(action: Action) -> Action:
        post = action.operation
        if not isinstance(post, SchedulePost) or not _lacks_name(post):
            return action
        id = account_id(post.account)
        return replace(action, operation=replace(post, account=account_label(names.get((post.channel, id), ""), id)))

    return tuple(map(named, actions))


def _lacks_name(post: SchedulePost) -> bool:
    return not post.approved and post.account != "" and not account_name(post.account)
