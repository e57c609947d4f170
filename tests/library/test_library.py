"""`from reconciler import Project`: what the command line does, as values, with nothing printed on any stream."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import pytest

import reconciler
from reconciler import (
    ApplyCompleted,
    Decision,
    Event,
    InvalidFiles,
    Project,
    Proposal,
    Refused,
    SiteApplied,
    SiteDrifted,
    SiteFailed,
    SiteHistory,
    SiteNotReviewed,
    SitePlanned,
    SiteReviewed,
    UsageError,
)
from reconciler.cli.main import run
from tests.cli.projects import Project as Folder
from tests.cli.projects import site as site_file

T = TypeVar("T")

REPOSITORY = Path(__file__).resolve().parents[2]

SCHEDULE = """\
posts:
  - match: {within: 10d}
schedule:
  approval: none
  rules:
    - match: {within: 10d}
      channels: [INSTAGRAM]
      max: 2
"""


async def all_of(results: AsyncIterator[T]) -> list[T]:
    return [result async for result in results]


def test_every_name_is_there_and_importing_it_is_cheap() -> None:
    for name in reconciler.__all__:
        assert getattr(reconciler, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        reconciler.nonsense  # noqa: B018
    heavy = ("httpx", "yaml", "asyncio", "msgspec", "click", "jsonschema")
    script = f"import sys, json, reconciler; print(json.dumps([name for name in {heavy!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == []


README = (REPOSITORY / "README.md").read_text("utf-8")
HOW_TO = (REPOSITORY / "docs" / "how-to" / "library.md").read_text("utf-8")
HOW_TO_SNIPPETS = re.findall(r"^```python\n(.*?)^```", HOW_TO, re.MULTILINE | re.DOTALL)
SNIPPETS = {
    "README": re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[-1],
    "how-to": HOW_TO_SNIPPETS[0],
    "docstring": textwrap.dedent("\n\n".join((reconciler.__doc__ or "").split("\n\n")[1:-1])),
}


@pytest.mark.parametrize("snippet", SNIPPETS.values(), ids=SNIPPETS)
def test_the_snippets_also_run_when_a_site_cannot_be_read(
    snippet: str, folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.write({"sites/bad.yaml": site_file("bad", 3), "approvals/bad.yaml": "not approvals"})
    monkeypatch.chdir(folder.root)
    for place in ("examples/quickstart", "acme-sites"):
        snippet = snippet.replace(f'"{place}"', '"."')
    code = compile(snippet, "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    asyncio.run(FunctionType(code, {})())
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("shop ") for line in said)
    (failed,) = (line for line in said if line.startswith("bad "))
    assert "expected keys and values" in failed


def test_the_snippet_that_hears_every_event(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.root)
    _, snippet = HOW_TO_SNIPPETS
    code = compile(snippet.replace('"acme-sites"', '"."'), "snippet", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    asyncio.run(FunctionType(code, {})())
    said = capsys.readouterr().out.splitlines()
    assert [line.partition("(")[0] for line in said if line.startswith(("RunStarted", "SitePlanned", "Plan"))] == [
        "RunStarted", "SitePlanned", "PlanCompleted", "PlanTally",
    ]  # fmt: skip


def test_the_whole_way(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            assert project.sites == ("shop", "shop-z")
            planned = await all_of(project.plan(targets=["label:team=emea"]))
            (site,) = planned
            assert isinstance(site, SitePlanned)
            assert site.name == "shop"
            assert [str(action.address) for action in site.plan.actions] == ["shop/settings", "shop/marketing-plan"]
            drifted = await all_of(project.drift())
            assert all(isinstance(found, SiteDrifted) for found in drifted)

            events: list[Event] = []
            applied = await project.apply(emit=events.append)
            assert isinstance(applied.outcome, ApplyCompleted)
            assert (applied.outcome.tally.changed, applied.outcome.tally.generated) == (2, 2)
            assert {found.name for found in applied.sites} == {"shop", "shop-z"}
            assert all(isinstance(found, SiteApplied) for found in applied.sites)
            assert events[-1] == applied.outcome
            again = await all_of(project.plan())
            assert [found.plan.actions for found in again if isinstance(found, SitePlanned)] == [(), ()]

            (reviewed, _) = await all_of(project.review())
            assert isinstance(reviewed, SiteNotReviewed)
            history = await all_of(project.history())
            assert all(isinstance(found, SiteHistory) and not found.posts for found in history)

    asyncio.run(main())
    assert capfd.readouterr() == ("", "")


def test_publishing_is_allowed_apart_and_is_in_the_history(folder: Folder) -> None:
    folder.write({"sites/shop.yaml": site_file("shop", more=SCHEDULE)})

    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            await project.apply(targets=["shop"], publish=False)
            withheld = await project.apply(targets=["shop"])
            assert isinstance(withheld.outcome, ApplyCompleted)
            assert (withheld.outcome.tally.published, withheld.outcome.tally.withheld) == (0, 2)
            done = await project.apply(targets=["shop"], allow_publish=True)
            assert isinstance(done.outcome, ApplyCompleted)
            assert done.outcome.tally.published == 2
            (history,) = await all_of(project.history(targets=["shop"]))
            assert isinstance(history, SiteHistory)
            assert [post.channel for post in history.posts] == ["INSTAGRAM", "INSTAGRAM"]
            (reviewed,) = await all_of(project.review(targets=["shop"]))
            assert isinstance(reviewed, SiteReviewed)

    asyncio.run(main())


def test_somebody_else_may_decide(folder: Folder) -> None:
    asked: list[Proposal] = []

    async def no(proposal: Proposal) -> Decision:
        asked.append(proposal)
        return Decision(apply=False)

    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            applied = await project.apply(decide=no)
            assert isinstance(applied.outcome, Refused)
            assert applied.outcome.reason.code == "declined"
            assert applied.sites == ()

    asyncio.run(main())
    assert [(found.sites, found.public) for found in asked] == [(2, False)]
    assert not [request for request in folder.requests() if request["wrote"]]


def test_a_saved_plan(folder: Folder, tmp_path: Path) -> None:
    file = tmp_path / "all.plan"
    assert run(["plan", str(folder.root), "--out", str(file)]) == 0

    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            applied = await project.apply_plan(file)
            assert isinstance(applied.outcome, ApplyCompleted)
            assert applied.outcome.tally.generated == 2
            again = await project.apply_plan(file)
            assert isinstance(again.outcome, Refused)
            assert again.outcome.reason.code == "plan-spent"
            file.write_text(file.read_text().replace("warm", "cold"))
            altered = await project.apply_plan(file)
            assert isinstance(altered.outcome, Refused)
            assert altered.outcome.reason.code == "plan-altered"

    asyncio.run(main())


def test_what_is_wrong_with_the_run_is_raised_and_what_is_wrong_with_a_site_is_not(folder: Folder) -> None:
    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            with pytest.raises(UsageError, match="nobody"):
                project.plan(targets=["nobody"])
        environ = {"WIX_API_KEY": "any-key-will-do"}
        async with Project.open(folder.root, environ=environ, api="http://127.0.0.1:9") as project:
            (first, _) = await all_of(project.plan())
            assert isinstance(first, SiteFailed)
            assert first.problem.code == "api-network-error"
        async with Project.open(folder.root, environ={}, api="https://www.wixapis.com") as project:
            with pytest.raises(UsageError, match="WIX_API_KEY is not set"):
                await all_of(project.plan())
        folder.edit("sites/shop.yaml", "toneOfVoice", "toneOfVoize")
        with pytest.raises(InvalidFiles) as invalid:
            async with Project.open(folder.root, environ={}):
                pass
        assert invalid.value.problems[0].place is not None

    asyncio.run(main())


def test_the_environment_is_the_one_that_is_passed(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIX_API_KEY", "a-key-that-nobody-passed")

    async def main() -> None:
        async with Project.open(folder.root, environ={}, api="wix") as project:
            with pytest.raises(UsageError, match="WIX_API_KEY is not set"):
                await all_of(project.plan())

    asyncio.run(main())


@pytest.mark.parametrize(
    "begin",
    [
        lambda project: all_of(project.plan()),
        lambda project: all_of(project.drift()),
        lambda project: all_of(project.review()),
        lambda project: all_of(project.history()),
        lambda project: project.apply(),
        lambda project: project.apply_plan(project.files.root / "reconciler.yaml"),
        lambda project: project.run_update(print),
        lambda project: project.run_check_files((), print),
    ],
    ids=["plan", "drift", "review", "history", "apply", "apply_plan", "run_update", "run_check_files"],
)
def test_a_project_is_closed_after_its_block(folder: Folder, begin: Callable[[Project], Awaitable[object]]) -> None:
    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            assert len(await all_of(project.history())) == 2
        assert project.sites == ("shop", "shop-z")
        with pytest.raises(UsageError, match="this project is closed"):
            await begin(project)

    asyncio.run(main())


@pytest.mark.parametrize("begin", [Project.plan, Project.drift, Project.history])
def test_what_was_begun_in_the_block_does_not_continue_after_it(
    folder: Folder, begin: Callable[[Project], AsyncIterator[object]]
) -> None:
    async def main() -> None:
        async with Project.open(folder.root, environ={}) as project:
            unused, used = begin(project), begin(project)
            await anext(used)
        for results in (unused, used):
            with pytest.raises(UsageError, match="this project is closed"):
                await all_of(results)

    asyncio.run(main())


@pytest.mark.parametrize("given", [0, -1, "3", True, 1.5])
def test_an_invalid_parallelism(folder: Folder, given: object) -> None:
    async def main() -> None:
        async with Project.open(folder.root, parallelism=given):  # type: ignore[arg-type]
            pass

    with pytest.raises(UsageError, match="parallelism"):
        asyncio.run(main())


def test_one_text_instead_of_a_list_of_targets(folder: Folder) -> None:
    async def main() -> None:
        async with Project.open(folder.root) as project:
            await all_of(project.plan(targets="shop"))

    with pytest.raises(UsageError, match=r"targets='shop' is a single string; give a list: targets=\['shop'\]"):
        asyncio.run(main())


@pytest.mark.parametrize("given", [None, 3, [3], ["shop", None]])
def test_targets_that_are_no_list_of_strings(folder: Folder, given: Any) -> None:
    async def main() -> None:
        async with Project.open(folder.root) as project:
            await all_of(project.plan(targets=given))

    with pytest.raises(UsageError, match="targets is not a list of strings"):
        asyncio.run(main())


def test_a_lock_timeout_that_is_no_duration(folder: Folder) -> None:
    """It is a mistake of the caller, and not a bug that each site reports."""

    async def main() -> None:
        async with Project.open(folder.root) as project:
            await project.apply(lock_timeout=5)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match="lock_timeout=5 is not a timedelta"):
        asyncio.run(main())
