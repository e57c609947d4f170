"""Only `over_sites` works on sites: a separate loop would wait for one site after the other, bound nothing, and turn

errors into results by its own rules.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "reconciler" / "engine"

SITES = {"entries", "sites", "ids", "plans", "left_out", "labels", "known"}
"""The usual names of collections of sites."""

RESULTS = {"SiteFailed", "Failed"}

FEW = {
    "state.py: [await stack.enter_async_context(await state.leases.acquire(site, lock_timeout)) for site in sites]",
    "state.py: [site for site in found if site.id in recorded or await state.leases.inspect(site) is not None]",
    "workers.py: [await failed(site) for site in part.sites]",
    "checking.py: [await failed(plan) for plan in part.job.plans]",
}
"""Two sites of one repair, sites of one name, and the sites of one part whose worker was lost."""


def _names(node: ast.AST) -> set[str]:
    found = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return found | {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}


def _awaits(*nodes: ast.AST) -> bool:
    return any(isinstance(inner, ast.Await) for node in nodes for inner in ast.walk(node))


def loops(source: str) -> Iterator[str]:
    """The loops over sites that wait for something at each of them."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.For(iter=over, body=body) if _awaits(*body) and _names(over) & SITES:
                yield ast.unparse(ast.For(node.target, over, [ast.Pass()], [], lineno=0)).splitlines()[0]
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                # What is awaited to have the first collection is awaited once.
                first, *others = node.generators
                parts = [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.comprehension)]
                parts += [*first.ifs, *others]
                if _awaits(*parts) and (_names(first.iter) & SITES or _names(first.target) & {"site", "entry"}):
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


def test_each_loop_over_sites_is_the_one() -> None:
    found = {f"{file.name}: {loop}" for file in sorted(ENGINE.glob("*.py")) for loop in loops(file.read_text("utf-8"))}
    assert found == FEW


def test_one_module_makes_the_result_of_a_failure() -> None:
    makers = {file.name: list(made(file.read_text("utf-8"))) for file in sorted(ENGINE.glob("*.py"))}
    assert {name: calls for name, calls in makers.items() if calls} == {
        "fleet.py": ["SiteFailed(site.name, problems, refused, site.labels, seconds, unseen or UnseenPosts())"],
        "parts.py": ["SiteFailed(*(getattr(self, name) for name in self.__struct_fields__))"],  # as it came
    }


@pytest.mark.parametrize(
    "source",
    [
        "async def f():\n    for entry in self._index.entries:\n        await store.load(entry)",
        "async def f():\n    for id in sorted(ids):\n        found.append(await read(id))",
        "async def f():\n    return [await read(site) for site in sites]",
        "async def f():\n    return [post for entry in chosen for post in (await unseen(entry)).posts]",
    ],
)
def test_another_would_be_found(source: str) -> None:
    assert list(loops(source))


def test_what_is_awaited_once_is_no_loop() -> None:
    assert not list(loops("async def f():\n    return {id.lower() for id in await store.ids()}"))
    assert not list(loops("def f():\n    for entry in index.entries:\n        print(entry)"))
