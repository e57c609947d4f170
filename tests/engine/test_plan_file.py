"""Saved plans on disk are read and written a site at a time, with the same result as if read whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.engine.plan_file import StoredPlans, plans_of_sites, read_plan, write_plan
from reconciler.model.address import SiteName
from reconciler.model.canonical import Digest
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import Plan
from reconciler.planner.document import AlteredPlan, RunPart, SavedPlan, UnreadablePlan, from_text
from tests import strategies
from tests.planner.pure_world import to_text

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
PART = RunPart(2, 8, Digest("sha256:" + "1" * 64))


def named(number: int) -> Plan:
    return Plan(
        SiteRef(SiteName(f"shop-{number}"), f"id-{number}"),
        config=Digest(f"sha256:{number}"),
        notes=(Diagnostic.note("test", "ä\n"),),
    )


def saved(*plans: Plan, part: RunPart | None = None) -> SavedPlan:
    return SavedPlan("one", "1.0", "wix", NOW, tuple(sorted(plans, key=lambda plan: plan.site.name)), part=part)


@FOLDER
@given(st.lists(strategies.plans, max_size=3, unique_by=lambda plan: plan.site.name), st.none() | st.just(PART))
def test_a_plan_is_read_as_it_was_written(tmp_path: Path, plans: list[Plan], part: RunPart | None) -> None:
    one = replace(saved(*plans, part=part), project=PART.config if part else None)
    stored = StoredPlans()
    for plan in reversed(one.plans):  # type: ignore[call-overload]
        stored.add(plan)
    file = tmp_path / "a.plan"
    write_plan(file, replace(one, plans=stored))
    assert file.read_text() == to_text(one)
    again = read_plan(file)
    assert isinstance(again.plans, StoredPlans if plans else tuple)  # the quick way was taken
    whole = from_text(file.read_bytes(), "a.plan")
    assert tuple(again.plans) == tuple(whole.plans) == one.plans
    assert (again.seal, again.digest, again.part) == (whole.seal, whole.digest, part) == (one.seal, one.digest, part)
    assert again.project == whole.project == one.project
    assert len(again.plans) == len(plans)
    assert all(plan in again.plans for plan in plans)


def test_another_layout_is_read_whole(tmp_path: Path) -> None:
    one, file = saved(named(1), named(2), part=PART), tmp_path / "a.plan"
    for text in (json.dumps(json.loads(to_text(one)), indent=4), json.dumps(json.loads(to_text(one)))):
        file.write_text(text)
        again = read_plan(file)
        assert isinstance(again.plans, tuple)
        assert (again.seal, again.plans) == (one.seal, one.plans)


def swapped(text: str) -> str:
    first, second = (line for line in text.splitlines() if line.startswith("    {"))
    return text.replace(first, "X").replace(second, first.rstrip(",")).replace("X", second + ",")


@pytest.mark.parametrize(
    "altered",
    [
        lambda text: text.replace("shop-1", "shop-3", 1),
        lambda text: text.replace("wix", "sandbox", 1),
        lambda text: text.replace('"number": 2', '"number": 3'),
        lambda text: text.replace(NOW.strftime("%Y-%m-%d"), "2026-12-05"),
        lambda text: text.replace('"seal": "sha256:', '"seal": "sha256:0'),
        lambda text: "".join(line for line in text.splitlines(keepends=True) if "shop-1" not in line),
        swapped,
    ],
)
def test_an_altered_plan_is_noticed(tmp_path: Path, altered: Callable[[str], str]) -> None:
    text = to_text(saved(named(1), named(2), part=PART))
    assert altered(text) != text
    (tmp_path / "a.plan").write_text(altered(text))
    with pytest.raises(AlteredPlan):
        read_plan(tmp_path / "a.plan")


def test_whatever_is_cut_off_is_never_read_as_a_plan(tmp_path: Path) -> None:
    data, file = to_text(saved(named(1), named(2))).encode(), tmp_path / "a.plan"
    for length in range(0, len(data) - 1, 7):
        file.write_bytes(data[:length])
        with pytest.raises((AlteredPlan, UnreadablePlan)):
            read_plan(file)
    file.write_bytes(data + b"x")
    with pytest.raises((AlteredPlan, UnreadablePlan)):
        read_plan(file)


def test_what_is_not_a_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UnreadablePlan):
            read_plan(path)


def test_the_plans_of_some_sites_can_be_read_without_the_others() -> None:
    stored = StoredPlans()
    for number in range(9, 0, -1):
        stored.add(named(number))

    def odd(name: SiteName) -> bool:
        return int(name[-1]) % 2 == 1

    for plans in (stored, tuple(stored)):
        found: Any = plans_of_sites(plans, odd)
        assert [plan.site.name for plan in found] == [f"shop-{number}" for number in (1, 3, 5, 7, 9)]
    assert len(stored) == 9
