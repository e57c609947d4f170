"""The posts of an activity: their writes in words and as JSON, what must hold before them, and calls cut short."""

from __future__ import annotations

from typing import ClassVar, assert_never

from reconciler.model.plurals import plural
from reconciler.model.posts import (
    AwaitPosts,
    ClearPosts,
    GeneratePosts,
    PostsAmong,
    PostsAre,
    PostsCondition,
    PostsOperation,
    RegeneratePosts,
)
from reconciler.planner.actions import Action
from reconciler.reporters.kinds.base import (
    COUNT,
    IN_TOTAL,
    ActionText,
    Calls,
    CallWords,
    KindWords,
    Records,
    WriteRecord,
)
from reconciler.reporters.values import quoted
from reconciler.reporters.words import because


class OfActivity(WriteRecord, frozen=True):
    """What every write of posts has."""

    activity: str
    title: str


class PostsGenerated(OfActivity, frozen=True, tag="generate-posts"):
    """Generates posts for an activity."""


class PostsAwaited(OfActivity, frozen=True, tag="await-posts"):
    """Waits for posts that were requested."""


class PostsRegenerated(OfActivity, frozen=True, tag="regenerate-posts"):
    """Generates the posts of an activity again."""

    media_only: bool


class PostsCleared(OfActivity, frozen=True, tag="clear-posts"):
    """Removes the posts of an activity."""


class PostsWords(KindWords[PostsOperation, PostsCondition]):
    """The posts of an activity."""

    records: ClassVar[Records] = {
        GeneratePosts: PostsGenerated,
        AwaitPosts: PostsAwaited,
        RegeneratePosts: PostsRegenerated,
        ClearPosts: PostsCleared,
    }
    calls: ClassVar[Calls] = {
        GeneratePosts: CallWords(
            "generate posts for an activity",
            "whether the activity has posts",
            not_done="the next apply requests them again if a rule covers the activity and it still has none",
        ),
        RegeneratePosts: CallWords(
            "regenerate the posts of an activity",
            "whether the posts are new",
            done="the reviewers' decision counts as carried out",
            not_done="the next apply carries out the reviewers' decision",
        ),
        ClearPosts: CallWords(
            "clear the posts of an activity",
            "whether its posts are gone",
            done="if a reviewer's decision asked for it, that decision counts as carried out",
        ),
    }

    def text(self, action: Action, operation: PostsOperation, zone: str) -> ActionText:
        of_many = _what(action, operation, f"{COUNT} activities{IN_TOTAL}")
        return ActionText("posts", _what(action, operation, quoted(operation.title)), of_many=of_many)

    def condition(self, required: PostsCondition) -> str:
        match required:
            case PostsAre(activity=activity, posts=posts):
                had = f"the same {plural(len(posts), 'post')}" if posts else "no posts"
                return f"activity {activity} has {had}"
            case PostsAmong(activity=activity, posts=posts):
                others = f" other than the {len(posts):,} listed" if posts else ""
                return f"activity {activity} has no posts{others}"
            case _:
                assert_never(required)


def _what(action: Action, operation: PostsOperation, of: str) -> str:
    """What is done to the posts `of` an activity, or of many."""
    match operation:
        case GeneratePosts():
            return f"generate posts for {of}"
        case AwaitPosts():
            return f"wait for the posts of {of}"
        case RegeneratePosts(made=made, media_only=media_only):
            stays = "; captions stay" if media_only else ""
            return f"regenerate the {made} of {of} (sent back in review{stays})"
        case ClearPosts():
            return because(action, f"clear the posts of {of}")
        case _:
            assert_never(operation)
