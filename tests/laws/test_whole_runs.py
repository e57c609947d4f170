"""Laws of whole runs against the sandbox: from YAML to HTTP and back."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from reconciler.executor.ledger import ActionResult
from reconciler.model.canonical import freeze
from reconciler.model.diagnostics import InvalidFiles
from reconciler.model.settings import mask_of, same_setting
from reconciler.model.sites import Need
from reconciler.planner.actions import Plan
from tests.canary import leaks_in_folder
from tests.laws.whole_run import Json, WholeRun

laws = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

words = st.sampled_from(["warm", "no", "yes", "1", "2026-12-01", "null", "سلام", "naïve 👩‍🎨", "- list", "a: b"])
nullable_words = st.none() | words
word_lists = st.lists(words, max_size=3, unique=True)
frequency = st.fixed_dictionaries({"interval": st.sampled_from(["WEEK", "MONTH"]), "count": st.integers(1, 4)})
channels = st.lists(st.sampled_from(["INSTAGRAM", "FACEBOOK", "PINTEREST"]), max_size=2, unique=True)


def settings_trees(text: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {},
        optional={
            "toneOfVoice": text,
            "customContentGuidelines": text,
            "pointOfView": st.sampled_from(["FIRST_PERSON", "THIRD_PERSON"]),
            "marketingTools": st.lists(
                st.sampled_from(["SOCIAL_MARKETING", "BLOGS"]), min_size=1, max_size=2, unique=True
            ),
            "topics": st.fixed_dictionaries({}, optional={"included": word_lists, "excluded": word_lists}),
            "businessProfile": st.fixed_dictionaries({}, optional={"targetAudience": text, "businessGoal": text}),
            "marketingPlanGoal": st.sampled_from([{"goalKey": "BOOST_SALES"}, {"customGoal": "more people"}]),
            "socialChannels": channels,
        },
    )


override_trees = st.fixed_dictionaries(
    {},
    optional={
        "socialMarketing": st.fixed_dictionaries({"frequency": frequency}),
        "blogs": st.fixed_dictionaries({"frequency": frequency}),
    },
)
event_kinds: st.SearchStrategy[Json] = st.sampled_from(
    [
        {"date": "2026-12-24"},
        {"date": "2026-12-31T18:00:00Z"},
        {"recurringRule": {"frequency": "MONTHLY"}},
        {"recurringRule": {"frequency": "YEARLY"}},
    ]
)
live_event_kinds = event_kinds.map(
    lambda kind: {"date": "2026-12-24T00:00:00Z"} if kind.get("date") == "2026-12-24" else kind
)
descriptions: st.SearchStrategy[Json] = st.sampled_from([{}, {"description": "x"}, {"description": None}])
event_names = st.sampled_from(["Sale", "Open day", "Fair"])


@st.composite
def calendars(draw: st.DrawFn) -> Json:
    names = draw(st.lists(event_names, max_size=3, unique=True))
    events = [{"name": name, **draw(event_kinds), **draw(descriptions)} for name in names]
    return {"prune": draw(st.booleans()), "events": events}


matches = st.sampled_from([{"title": "*mugs*"}, {"within": "7d"}, {"within": "3w"}, {"weekdays": ["MONDAY", "FRIDAY"]}])
activity_rules = st.one_of(
    st.builds(
        lambda match, values: {"match": match, "set": values}, matches, st.sampled_from([{"description": "By hand"}])
    ),
    st.builds(lambda match: {"match": match, "state": "absent"}, matches),
    st.just(
        {
            "create": {
                "title": "Open studio",
                "description": "Come by",
                "targetDate": "2026-12-05T10:00:00Z",
                "marketingActivityType": "SOCIAL_MARKETING",
            }
        }
    ),
)
posts_rules = st.one_of(
    st.builds(lambda match, most: {"match": match, "max": most}, matches, st.integers(1, 5)),
    st.builds(lambda match: {"match": match, "state": "absent"}, matches),
)


def by_match(rules: list[Json]) -> list[Json]:
    """Each match once: a second rule with the same match could never apply, and is refused."""
    return list({json.dumps(rule.get("match", "create")): rule for rule in rules}.values())


site_files = st.fixed_dictionaries(
    {},
    optional={
        "settings": settings_trees(nullable_words),
        "overrides": override_trees,
        "calendarEvents": calendars(),
        "marketingPlan": st.fixed_dictionaries(
            {"state": st.just("present")},
            optional={
                "regenerate": st.fixed_dictionaries(
                    {"discard": st.just("all")},
                    optional={
                        "when": st.sampled_from(["on-change", "never"]),
                        "keywordResearch": st.sampled_from(["auto", "always", "never"]),
                    },
                )
            },
        ),
        "activities": st.lists(activity_rules, min_size=1, max_size=2).map(by_match),
        "posts": st.lists(posts_rules, min_size=1, max_size=2).map(by_match),
    },
)
worlds = st.fixed_dictionaries(
    {
        "plan": st.sampled_from(["NEVER_CREATED", "ACTIVE", "ACTIVE", "FAILED", "INACTIVE", "GENERATING"]),
        "contentSeed": st.integers(0, 50),
    },
    optional={
        "settings": settings_trees(words),
        "overrides": override_trees,
        "events": st.lists(
            st.builds(lambda name, kind: {"name": name, **kind}, event_names | words, live_event_kinds), max_size=4
        ),
        "timeZone": st.sampled_from(["UTC", "Pacific/Auckland", "America/Los_Angeles"]),
    },
)


@contextmanager
def whole_run(site: Mapping[str, Any], world: Json) -> Iterator[WholeRun]:
    root = Path(tempfile.mkdtemp())
    try:
        yield WholeRun.of(root, site, world)
        assert list(leaks_in_folder(root)) == []
    finally:
        shutil.rmtree(root)


def refused(plan: Plan) -> bool:
    return bool(plan.refusals)


def plan_of(run: WholeRun) -> Plan:
    try:
        return run.plan()
    except InvalidFiles:  # two rules of which the second could never decide anything
        reject()


@laws
@given(site_files, worlds)
def test_what_is_applied_needs_nothing_more(site: Json, world: Json) -> None:
    with whole_run(site, world) as run:
        if refused(plan_of(run)):
            return
        assert run.writes() == []
        ledger = run.apply()
        assert ledger.error is None
        assert {entry.result for entry in ledger.entries} <= {ActionResult.DONE, ActionResult.SKIPPED}, ledger.entries
        if any(entry.result is ActionResult.SKIPPED for entry in ledger.entries):
            return  # a deferred action that turned out to contradict another rule
        again = run.plan()
        if refused(again):
            return
        assert again.actions == ()
        before = len(run.writes())
        assert run.apply().entries == ()
        assert len(run.writes()) == before


@laws
@given(site_files, worlds)
def test_what_is_not_declared_is_sent_as_it_was(site: Json, world: Json) -> None:
    """Settings are sent field by field, each whole: what the file does not name in one keeps its live value."""
    declared = {path for root in ("settings", "overrides") for path, _ in leaves(site.get(root, {}), root)}
    with whole_run(site, world) as run:
        if refused(plan_of(run)):
            return
        before = asyncio.run(run.observe(frozenset({Need.SETTINGS}))).settings
        assert before is not None
        run.apply()
        for write in run.writes():
            if write["method"] == "POST" and write["path"].endswith("/marketing-settings"):
                body = json.loads(write["body"])
                sent = body["marketingSettings"]
                for path, value in (pair for root in sent for pair in leaves(sent[root], root)):
                    assert path in declared or same_setting(path, freeze(value), before.value_of(path))
                assert set(body["fieldMask"].split(",")) <= {mask_of(path) for path in declared}


def leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The fields of a written tree; a goal and a frequency are one value each."""
    if isinstance(tree, dict) and path.rsplit(".", 1)[-1] not in ("marketingPlanGoal", "frequency"):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}")
    else:
        yield path, tree
