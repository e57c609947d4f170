"""Over random sandbox worlds: after an import a plan is `No changes.`, and a second import changes nothing."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cli.main import run
from tests.hostile import CAPTIONS

ACCOUNT = "1f0c2a9e-0000-4000-8000-000000000000"
NAMES = st.sampled_from(
    ("Shop", "shop!", "Café Ünï", "日本", "", "a" * 80, "1", "1e5", "Null", "No", "3-D", *CAPTIONS.values())
)
WORDS = st.sampled_from(("warm", "null", "1", "a: b", "2026-11-27", "no", *CAPTIONS.values())).filter(
    lambda text: bool(text.strip())
)
TOPICS = st.lists(WORDS, max_size=2, unique=True)
DAYS = st.integers(1, 27).map(lambda day: f"2026-12-{day:02d}T{day % 24:02d}:00:00Z")


def some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these members."""
    return st.fixed_dictionaries({}, optional=fields)


SETTINGS = some(
    {
        "marketingPlanGoal": st.one_of(
            st.just({"goalKey": "BOOST_SALES"}), WORDS.map(lambda text: {"customGoal": text})
        ),
        "marketingTools": st.lists(st.sampled_from(("SOCIAL_MARKETING", "BLOGS")), unique=True),
        "topics": some({"included": TOPICS, "excluded": TOPICS, "coreTopic": WORDS}),
        "businessProfile": some({"valueProposition": WORDS, "targetAudience": WORDS}),
        "toneOfVoice": WORDS,
        "pointOfView": st.sampled_from(("FIRST_PERSON", "THIRD_PERSON")),
        "frequency": st.just({"interval": "MONTH", "count": 30}),
    }
)
OVERRIDES = some({"blogs": st.just({"frequency": {"interval": "WEEK", "count": 1}})})
EVENTS = st.lists(
    st.fixed_dictionaries({"name": WORDS}).flatmap(
        lambda event: st.one_of(
            DAYS.map(lambda day: {**event, "date": day}),
            st.sampled_from(("WEEKLY", "MONTHLY")).map(lambda how: {**event, "recurringRule": {"frequency": how}}),
        )
    ),
    max_size=3,
)
ITEMS = st.lists(
    st.tuples(st.sampled_from(("INSTAGRAM", "FACEBOOK")), st.sampled_from(("DRAFT", "SCHEDULED")), WORDS).map(
        lambda item: {
            "channel": item[0],
            "status": item[1],
            "caption": item[2],
            **({"scheduledDate": "2026-12-28T09:00:00Z"} if item[1] == "SCHEDULED" else {}),
        }
    ),
    max_size=2,
)
PLAN = st.one_of(
    st.sampled_from(("NEVER_CREATED", "GENERATING", "INACTIVE", "FAILED", "ACTIVE")),
    st.lists(st.fixed_dictionaries({"date": DAYS, "title": WORDS, "items": ITEMS}), min_size=1, max_size=2).map(
        lambda activities: {"activities": activities}
    ),
)
SITES = st.lists(
    some(
        {
            "name": NAMES,
            "settings": SETTINGS,
            "overrides": OVERRIDES,
            "events": EVENTS,
            "foreignEvents": EVENTS,
            "plan": PLAN,
            "published": st.booleans(),
            "channels": st.just([]),
            "namespace": st.just("HEADLESS"),
        }
    ),
    min_size=1,
    max_size=4,
).flatmap(
    lambda sites: SETTINGS.map(
        lambda shared: [{**site, "settings": {**shared, **site.get("settings", {})}} for site in sites]
    )
)


def check(sites: list[dict[str, Any]], *lift: str) -> None:
    """One world: import, with or without moving shared values to defaults, plan, import again."""
    folder = Path(tempfile.mkdtemp())
    try:
        numbered = [{"id": f"3f0c2a9e-8d0b-4b7c-9a55-{at:012d}", **site} for at, site in enumerate(sites)]
        seed = {"clock": "2026-11-02T09:00:00Z", "freeze": True, "accountId": ACCOUNT, "sites": numbered}
        (folder / "sandbox.yaml").write_text(yaml.safe_dump(seed, allow_unicode=True), "utf-8")
        (folder / "reconciler.yaml").write_text(f"version: 1\napi: sandbox\naccount: {{id: {ACCOUNT}}}\n", "utf-8")
        assert run(("import", "--all", "--into", str(folder), "--quiet", *lift)) == 0
        assert run(("plan", str(folder), "--detailed-exitcode", "--strict")) == 0
        before = {path: path.read_bytes() for path in folder.rglob("*.yaml")}
        assert run(("import", "--all", "--into", str(folder), "--quiet")) == 0
        assert run(("import", "--update", str(folder), "--quiet")) == 0
        assert {path: path.read_bytes() for path in folder.rglob("*.yaml")} == before
    finally:
        shutil.rmtree(folder)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(SITES, st.sampled_from(((), ("--defaults",))))
def test_after_an_import_nothing_is_left_to_change(sites: list[dict[str, Any]], lift: tuple[str, ...]) -> None:
    check(sites, *lift)


@pytest.mark.exhaustive
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(SITES, st.sampled_from(((), ("--defaults",))))
def test_after_any_import_nothing_is_left_to_change(sites: list[dict[str, Any]], lift: tuple[str, ...]) -> None:
    check(sites, *lift)
