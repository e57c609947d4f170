"""Projects with approvals files as `review` writes them, and their pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.config.approvals_edit import update_approvals
from reconciler.config.last_approvals import LastApprovals
from reconciler.config.sites import open_project
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest
from reconciler.model.content import PublicContent, approval_digest
from reconciler.model.moments import moment_text
from reconciler.model.posts import ActivityId, PostId
from reconciler.model.review import ActivityForReview, DraftForReview
from reconciler.web.app import PageActions, ReviewPage
from reconciler.web.board import Board, BoardFacts
from reconciler.web.files import ApprovalsFolder
from reconciler.web.uncommitted import History

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
CHANNELS = ("INSTAGRAM", "FACEBOOK", "LINKEDIN")


def without_own_git_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the page's git from finding the settings of the user who runs the tests."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


def activity_id(number: int) -> str:
    return f"b0000000-0000-4000-8000-{number:012d}"


def draft_id(number: int, channel: int = 0) -> str:
    return f"d0000000-0000-4000-8000-{number:08d}{channel:04d}"


def activity(
    number: int, captions: Mapping[int, str] | None = None, *, title: str = "", zone: str = "Europe/Berlin", **more: Any
) -> ActivityForReview:
    """An activity with a draft for each of `captions`, by channel; otherwise one for each channel."""
    date = NOW + timedelta(days=1, hours=6 * number)
    title = title or f"Activity {number}"
    texts = captions if captions is not None else dict.fromkeys(range(len(CHANNELS)), f"{title}: come and see")
    drafts = []
    for channel, caption in texts.items():
        content = PublicContent(
            CHANNELS[channel],
            "POST",
            account=f"1784{channel}",
            media=(f"https://static.wixstatic.com/media/{number}_{channel}~mv2.jpg",),
            caption=caption,
        )
        post = PostId(draft_id(number, channel))
        drafts.append(
            DraftForReview(
                post,
                content,
                approval_digest(post, content, date, "janes.pottery"),
                Digest("sha256:x"),
                f"janes.pottery (1784{channel})",
                moment_text(date, zone),
                **more,
            )
        )
    return ActivityForReview(ActivityId(activity_id(number)), title, date, tuple(drafts))


def write_project(root: Path, sites: Mapping[str, tuple[ActivityForReview, ...]]) -> Path:
    """A project over the sandbox whose sites have these drafts to decide about."""
    (root / "sites").mkdir(parents=True, exist_ok=True)
    (root / "approvals").mkdir(exist_ok=True)
    (root / "reconciler.yaml").write_text("version: 1\napi: sandbox\n")
    (root / "sandbox.yaml").write_text("clock: 2026-11-02T09:00:00Z\nfreeze: true\n")
    for number, (name, activities) in enumerate(sites.items(), 1):
        (root / "sites" / f"{name}.yaml").write_text(
            f"version: 1\nsite: {{name: {name}, id: 3f0c2a9e-8d0b-4b7c-9a55-0000000000{number:02d}}}\n"
            "schedule:\n  rules:\n    - match: {within: 30d}\n"
        )
        text = update_approvals(None, SiteName(name), activities)
        if text is not None:
            (root / "approvals" / f"{name}.yaml").write_text(text, "utf-8")
    return root


def page_of(root: Path, facts: BoardFacts | None = None, **more: Any) -> ReviewPage:
    """The page of a project."""
    project, index = open_project((root,))
    history = History(root, dict(project.trust.environment))
    approved = LastApprovals(history.repository(), project.approvals_folder)
    board = Board(ApprovalsFolder(project, [entry.name for entry in index.entries]), facts or BoardFacts(NOW), approved)
    return ReviewPage(board, root.name, "SANDBOX", PageActions(history=history, **more))


def approvals(root: Path, site: str = "shop") -> Path:
    return root / "approvals" / f"{site}.yaml"


def words(root: Path, site: str = "shop") -> dict[str, str]:
    """The words of all decisions in a file, by the ids of what they are about."""
    document = yaml.safe_load(approvals(root, site).read_text("utf-8"))
    found = {}
    for each in document["activities"]:
        found[each["id"]] = each["decision"].split()[0]
        found |= {draft["id"]: draft["decision"].split()[0] for draft in each["drafts"]}
    return found
