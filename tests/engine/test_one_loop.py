"""Only `over_sites` works on sites: a separate loop would wait for one site after the other, bound nothing, and turn

errors into results by its own rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
FILES = {
    str(file.relative_to(PACKAGE).as_posix()): file.read_text("utf-8")
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.relative_to(PACKAGE).parts[0] not in {"sandbox", "reporters"}
}
"""What could work on a site. Reporters only read results."""

STORAGE = ("api", "config", "executor", "state")
"""Below the engine: the state's own lists of documents, and what is done to a single site."""

SITES = {"entries", "sites", "ids", "plans", "left_out", "labels", "known"}
"""The usual names of collections of sites."""

EACH = {"site", "entry", "id", "ref"}
"""The usual names of one of them, and of what its documents are called in the state."""

RESULTS = {"SiteFailed", "FailedSite"}

FEW = {
    "engine/fleet.py: for site in self._sites:",
    "engine/state.py: "
    "[await stack.enter_async_context(await state.leases.acquire(site, lock_timeout)) for site in sites]",
    "engine/state.py: [site for site in found if site.id in recorded or await state.leases.inspect(site) is not None]",
    "engine/workers.py: [await failed(site) for site in part.sites]",
    "engine/checking.py: [await failed(plan) for plan in part.job.plans]",
    "worker.py: for entry, site in zip(entries, task.ready, strict=True):",
}
"""The one loop itself, two sites of one repair, sites of one name, the sites of one part whose worker was lost, and of
one that another worker had begun.
"""


def _names(node: ast.AST) -> set[str]:
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}


def _awaits(*nodes: ast.AST) -> bool:
    return any(isinstance(inner, ast.Await) for node in nodes for inner in ast.walk(node))


def loops(source: str) -> Iterator[str]:
    """The loops over sites that wait for something at each of them."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.For(target=target, iter=over, body=body) | ast.AsyncFor(target=target, iter=over, body=body) if (
                _awaits(*body) and (_names(over) & SITES or _names(target) & EACH)
            ):
                yield ast.unparse(ast.For(node.target, over, [ast.Pass()], [], lineno=0)).splitlines()[0]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                # What is awaited to have the first collection is awaited once.
                first, *others = node.generators
                parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.comprehension)]
                parts += [*first.ifs, *others]
                if _awaits(*parts) and (_names(first.iter) & SITES or _names(first.target) & EACH):
                    yield ast.unparse(node)
            case _:
                pass


AT_ONCE = {
    "engine/fleet.py": ["ensure_future", "gather"],
    "engine/apply_parts.py": ["ensure_future", "gather", "wait", "wait"],  # the parts of a run on workers
    "api/reader.py": ["ensure_future", "gather"],  # the reads of one site
    # one thing beside another: a run and its signals, a lease and its renewal, a shielded write
    "cli/signals.py": ["ensure_future", "gather"],
    "state/heartbeat.py": ["ensure_future", "ensure_future", "gather"],
    "state/journal.py": ["ensure_future"],
    "state/lease.py": ["ensure_future", "gather"],
    "worker.py": ["ensure_future", "ensure_future", "gather", "gather"],
}
"""What begins or awaits several things at once: the one loop, and what is not about several sites."""

NOT_SITES = {
    "engine/workers.py": ["in_turn(parts, work, at_once=workers.count)"],
    "engine/apply_parts.py": ["in_turn(found, self._kept, at_once=READ_AT_ONCE)"],
    "engine/check_files.py": ["in_turn(keys, partial(_stored, store), at_once=project.parallelism)"],
}
"""What is worked on in turn: parts of a run, results that workers left in the state, and the state's documents."""

STARTERS = {"gather", "wait", "as_completed", "TaskGroup", "create_task", "ensure_future", "run_coroutine_threadsafe"}
"""The functions of asyncio with which something else could work on several sites at once."""


def at_once(source: str) -> Iterator[str]:
    """Where several things are begun or awaited at once."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="asyncio" | "loop" | "group"), attr=name) | ast.Name(id=name)
            ) if name in STARTERS:
                yield name
            case _:
                pass


def in_turn(source: str) -> Iterator[str]:
    """What is worked on by a loop that leaves errors to its caller."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id="in_turn")):
                yield ast.unparse(node)
            case _:
                pass


def made(source: str) -> Iterator[str]:
    """Where a site's failure is made, and not read or copied."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in RESULTS:
                yield ast.unparse(node)
            case _:
                pass


def _calls(find: Callable[[str], Iterator[str]]) -> dict[str, list[str]]:
    found = {name: sorted(find(source)) for name, source in FILES.items()}
    return {name: calls for name, calls in found.items() if calls}


def _above() -> Iterator[tuple[str, str]]:
    return ((name, source) for name, source in FILES.items() if not name.startswith(STORAGE))


def test_each_loop_over_sites_is_the_one() -> None:
    assert {f"{name}: {loop}" for name, source in _above() for loop in loops(source)} == FEW


def test_nothing_else_works_on_several_sites_at_once() -> None:
    assert _calls(at_once) == AT_ONCE
    assert _calls(in_turn) == NOT_SITES


def test_one_module_makes_the_result_of_a_failure() -> None:
    assert _calls(made) == {
        "engine/fleet.py": ["SiteFailed(site.name, problems, refused, site.labels, seconds, unseen or UnseenPosts())"],
        "engine/parts.py": ["SiteFailed(*(getattr(self, name) for name in self.__struct_fields__))"],  # as it came
    }


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    for entry in self._index.entries:\n        await store.load(entry)",
        "async def f():\n    for id in sorted(ids):\n        found.append(await read(id))",
        "async def f():\n    return [await read(site) for site in sites]",
        "async def f():\n    async for site in former():\n        await read(site)",
        "async def f():\n    async for id in ids():\n        await read(id)",
        "async def f():\n    return [post for entry in chosen for post in (await unseen(entry)).posts]",
    ],
)
def test_another_would_be_found(source: str) -> None:
    assert list(loops(source))


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    return await asyncio.gather(*(read(site) for site in sites))",
        "async def f():\n    async with TaskGroup() as group:\n        pass",
        "async def f():\n    for task in asyncio.as_completed(tasks):\n        await task",
    ],
)
def test_another_of_those_would_be_found(source: str) -> None:
    assert list(at_once(source))


def test_what_is_awaited_once_is_no_loop() -> None:
    assert not list(loops("async def f():\n    return {id.lower() for id in await store.ids()}"))
    assert not list(loops("def f():\n    for entry in index.entries:\n        print(entry)"))
