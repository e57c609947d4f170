"""Only `over_sites` works on sites.

A separate loop would wait for one site after the other, bound nothing, and turn errors into results by its own rules.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest

from tests.sources import parsed

PACKAGE = Path(__file__).resolve().parents[2] / "reconciler"
FILES = {
    str(file.relative_to(PACKAGE).as_posix()): file.read_text("utf-8")
    for file in sorted(PACKAGE.rglob("*.py"))
    if file.relative_to(PACKAGE).parts[0] not in {"sandbox", "reporters"}
}
"""What could work on a site. Reporters only read results."""

STORAGE = ("api", "config", "executor", "state")
"""Below the engine: the state's own lists of documents, and what is done to a single site."""

RESULTS = {"SiteFailed"}

QUESTIONS = "((routes.PLAN_GOAL_OPTIONS, 'planGoalKey'), (routes.POINT_OF_VIEW_OPTIONS, 'pointOfViewKey'))"

SITES = {
    "engine/fleet.py": ["for site in self._sites:", "while delivered != total:"],  # the one loop
    "engine/state.py": [  # two sites of one repair, and sites of one name
        "[await stack.enter_async_context(await acquired(site)) for site in sites]",
        "[site for site in found if site.id in recorded or await state.leases.inspect(site) is not None]",
    ],
    "worker.py": ["for entry, site in zip(entries, sites, strict=True):"],  # those that another worker had begun
}
"""The loops over sites that wait for something at each of them."""

OTHERS = {
    "cli/approve.py": ["while True:", "while True:"],  # until an answer is understood
    "engine/apply_parts.py": ["for part in range(parts):", "while True:"],
    "engine/apply_run.py": ["while True:"],  # until another run has left a site
    "engine/approve.py": ["for at, subject in enumerate(found):", "while True:"],  # the drafts to decide on
    "engine/probe.py": ["for route in routes.QUERY_EVENTS:", f"for route, key in {QUESTIONS}:"],
    "engine/renamed.py": ["for other in await self._called_before(name):"],  # a site's earlier names
    "engine/workers.py": ["for _ in range(ATTEMPTS):"],  # of one part
    "worker.py": [
        "for result in apply_sites(run, ready, allow_publish=job.allow_publish):",
        "while True:",
        "while self._asked is not Stop.NOW and (not (self._results is None and self.alone)):",
    ],
}
"""All other loops that wait. None is over sites, unless it takes results from the one loop as they come."""


def _awaits(*nodes: ast.AST) -> bool:
    return any(isinstance(inner, ast.Await) for node in nodes for inner in ast.walk(node))


def loops(source: str) -> Iterator[str]:
    """The loops that wait for something at each step."""
    for node in ast.walk(parsed(source)):
        match node:
            case ast.For(target=target, iter=over, body=body) | ast.AsyncFor(target=target, iter=over, body=body):
                if _awaits(*body):
                    yield ast.unparse(ast.For(target, over, [ast.Pass()], [], lineno=0)).splitlines()[0]
            case ast.While(test=test, body=body):
                if _awaits(test, *body):
                    yield ast.unparse(ast.While(test, [ast.Pass()], [])).splitlines()[0]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                # What is awaited to get the first collection is awaited once.
                first, *others = node.generators
                parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.comprehension)]
                if _awaits(*parts, *first.ifs, *others):
                    yield ast.unparse(node)
            case _:
                pass


AT_ONCE = {
    "engine/fleet.py": ["ensure_future", "gather"],
    "engine/apply_parts.py": ["ensure_future", "gather", "wait", "wait"],  # the parts of a run on workers
    "api/reader.py": ["ensure_future", "gather"],  # the reads of one site
    # one thing beside another: a run and its signals, a lease and its renewal, a shielded write
    "cli/signals.py": ["ensure_future", "gather", "run"],
    "state/heartbeat.py": ["ensure_future", "ensure_future", "gather"],
    "state/journal.py": ["ensure_future"],
    "state/lease.py": ["ensure_future"],
    "worker.py": ["ensure_future", "ensure_future", "gather", "gather", "run", "run", "run"],
    "cli/unchecked.py": ["run"],
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
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="asyncio" | "loop" | "group"), attr=name) | ast.Name(id=name)
            ) if name in STARTERS:
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio" | "loop"), attr="run" | "run_until_complete")):
                yield "run"
            case _:
                pass


def in_turn(source: str) -> Iterator[str]:
    """What is worked on by a loop that leaves errors to its caller."""
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Call(func=ast.Name(id="in_turn")):
                yield ast.unparse(node)
            case _:
                pass


TURNED = {
    "cli/run.py": ["diagnostic_of(error)", "diagnostic_of(error, error.lock.site.name)"],  # what ended the run
    "engine/apply.py": ["diagnostic_of(why)"],  # a saved plan that cannot be used
    "engine/apply_parts.py": ["diagnostic_of(found)"],  # a part that failed as a whole
    "engine/apply_run.py": ["diagnostic_of(error)"],  # a state that cannot be written
    "engine/check_files.py": ["diagnostic_of(error)"],  # a document of the state
    "engine/check_plan.py": ["diagnostic_of", "diagnostic_of(why)"],  # what no longer holds in a saved plan
    "engine/doctor.py": ["diagnostic_of(error, entry.name)"],  # findings of an examination: the rest is examined, too
    "engine/examined_site.py": ["diagnostic_of(error, self.desired.ref.name)"],
    "engine/fleet.py": ["diagnostics_of(error, site.name)"],  # the one place that makes it a site's result
    "engine/state.py": ["diagnostic_of(error)"],  # an unreadable lock, which is removed all the same
    "worker.py": ["diagnostic_of(error)"],  # a part that failed as a whole
}
"""What turns an error into a problem. Only that of `over_sites` is about a site that could not be worked on."""


def turned(source: str) -> Iterator[str]:
    """Where an error is turned into a problem."""
    tree = parsed(source)
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in ("diagnostic_of", "diagnostics_of"):
            yield ast.unparse(called.get(id(node), node))


def made(source: str) -> Iterator[str]:
    """Where a site's failure is made, and not read or copied."""
    for node in ast.walk(parsed(source)):
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
    allowed = {name: sorted(SITES.get(name, []) + OTHERS.get(name, [])) for name in SITES | OTHERS}
    assert {name: found for name, source in _above() if (found := sorted(loops(source)))} == allowed


def test_nothing_else_works_on_several_sites_at_once() -> None:
    assert _calls(at_once) == AT_ONCE
    assert _calls(in_turn) == NOT_SITES


def test_one_module_makes_the_result_of_a_failure() -> None:
    assert _calls(made) == {
        "engine/fleet.py": ["SiteFailed(site.name, problems, refused, site.labels, turn.seconds, unseen)"],
    }


def test_one_place_turns_an_error_into_the_result_of_a_site() -> None:
    found = {name: sorted(set(turned(source))) for name, source in _above() if name != "engine/problems.py"}
    assert {name: calls for name, calls in found.items() if calls} == TURNED


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    await work()\nexcept StateError as error:\n    return Unread(diagnostic_of(error))",
        "return tuple(map(diagnostics_of, errors))",
    ],
)
def test_another_place_would_be_found(source: str) -> None:
    assert list(turned(f"async def f():\n{indent(source, '    ')}"))


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    for entry in self._index.entries:\n        await store.load(entry)",
        "async def f():\n    for id in sorted(ids):\n        found.append(await read(id))",
        "async def f():\n    return [await read(site) for site in sites]",
        "async def f():\n    async for site in former():\n        await read(site)",
        "async def f():\n    async for id in ids():\n        await read(id)",
        "async def f():\n    for desired in wanted:\n        yield await plan_site(desired)",
        "async def f():\n    while left:\n        await read(left.pop())",
        "async def f():\n    while await more():\n        pass",
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
        "def f():\n    for entry in entries:\n        asyncio.run(read(entry))",
    ],
)
def test_another_of_those_would_be_found(source: str) -> None:
    assert list(at_once(source))


def test_what_is_awaited_once_is_not_a_loop() -> None:
    assert not list(loops("async def f():\n    return {id.lower() for id in await store.ids()}"))
    assert not list(loops("def f():\n    for entry in index.entries:\n        print(entry)"))
