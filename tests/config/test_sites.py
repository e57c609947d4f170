"""Site files -> DesiredSite: what each section becomes, defaults, and streaming."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from reconciler.config import packed_sites
from reconciler.config.problems import MAX_EXPLAINED
from reconciler.config.project import find_project
from reconciler.config.sites import check_sites
from reconciler.model.activities import DesiredActivity, PostsRule, RemoveActivities, SetActivities
from reconciler.model.canonical import ABSENT, JsonObject
from reconciler.model.diagnostics import Place, UsageError
from reconciler.model.events import DesiredEvent
from reconciler.model.marketing_plan import DesiredMarketingPlan, Discard, KeywordResearch, When
from reconciler.model.schedule import DesiredSchedule, ScheduleRule
from reconciler.model.selectors import Match
from reconciler.model.settings import Field
from reconciler.model.sites import DesiredSite, Expect, SiteRef
from tests.config.conftest import HEAD
from tests.config.guids import guid

ID = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"


def head(name: str, more: str = "") -> str:
    """The beginning of a site file."""
    return f"version: 1\nsite: {{name: {name}, id: {guid(name)}{more}}}\n"


Load = Callable[..., DesiredSite]
WriteProject = Callable[[dict[str, str]], Path]

# As it is documented, with one line that is longer than ours may be.
DOCUMENTED_SITE = """\
# yaml-language-server: $schema=../schemas/site.schema.json
version: 1
site:
  name: janes-pottery              # unique in the project; the address in every output
  id: 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01
  labels: {team: emea, tier: gold}
  credentials: default             # a name from reconciler.yaml
settings:
  marketingPlanGoal: {goalKey: BOOST_SALES}       # or {customGoal: "..."}
  marketingTools: [SOCIAL_MARKETING, BLOGS]
  topics: {included: [handmade ceramics, studio life], excluded: [politics]}
  toneOfVoice: warm and playful
  pointOfView: SECOND_PERSON
  businessProfile: {valueProposition: hand-thrown stoneware, targetAudience: home cooks}
overrides:
  socialMarketing: {frequency: {interval: WEEK, count: 3}}
expect:                            # read-only facts: asserted, never written
  published: true
  language: en
  channels: [INSTAGRAM, FACEBOOK]  # connected
calendarEvents:
  prune: false                     # true: delete the site's own events that are not listed
  events:
    - {name: Black Friday sale, date: 2026-11-27, description: 30% off everything}
    - {name: Studio open day, recurringRule: {frequency: MONTHLY}}
marketingPlan:
  state: present                   # present | absent
  regenerate:
    when: on-change                # on-change | never
    keywordResearch: auto          # auto (when topics changed) | always | never
    discard: unapproved            # what a regeneration may throw away: nothing | unapproved | all
activities:
  - match: {title: "Summer*", from: 2026-12-01, to: 2026-12-31}
    set: {title: Summer sale, targetDate: 2026-12-03T09:00:00Z}   # title, description, targetDate
  - match: {title: "*crypto*"}
    state: absent
  - create: {title: Open studio, description: Come by, targetDate: 2026-12-05T10:00:00Z, marketingActivityType: SOCIAL_MARKETING}
posts:                             # which activities have posts
  - match: {within: 21d}
    state: present                 # present | absent
    max: 12
schedule:                          # which drafts go out
  approval: required               # required | none
  manage: declared                 # declared | all: also cancel scheduled plan posts no rule wants
  rules:
    - match: {within: 14d}
      channels: [INSTAGRAM, FACEBOOK]
      max: 6
      at: "09:30"                  # wall time in the site's time zone; left out: the API's own time
"""  # noqa: E501 - as it is documented


def test_documented_site_is_read_whole(write_project: WriteProject) -> None:
    write_project({"sites/shop.yaml": DOCUMENTED_SITE})
    (site,) = (entry.load() for entry in check_sites(find_project()).entries)
    moment = datetime(2026, 12, 3, 9, tzinfo=UTC)
    assert site == DesiredSite(
        ref=SiteRef("janes-pottery", ID),  # type: ignore[arg-type]
        place=Place("sites/shop.yaml", 2, 1),
        digest=site.digest,
        labels=(("team", "emea"), ("tier", "gold")),
        settings=(
            Field("overrides.socialMarketing.frequency", JsonObject({"interval": "WEEK", "count": 3})),
            Field("settings.businessProfile.targetAudience", "home cooks"),
            Field("settings.businessProfile.valueProposition", "hand-thrown stoneware"),
            Field("settings.marketingPlanGoal", JsonObject({"goalKey": "BOOST_SALES"})),
            Field("settings.marketingTools", ("SOCIAL_MARKETING", "BLOGS")),
            Field("settings.pointOfView", "SECOND_PERSON"),
            Field("settings.toneOfVoice", "warm and playful"),
            Field("settings.topics.excluded", ("politics",)),
            Field("settings.topics.included", ("handmade ceramics", "studio life")),
        ),
        expect=Expect(True, "en", ("INSTAGRAM", "FACEBOOK")),
        events=site.events,
        marketing_plan=DesiredMarketingPlan(True, When.ON_CHANGE, KeywordResearch.AUTO, Discard.UNAPPROVED),
        activities=(
            SetActivities(
                Match("Summer*", start=date(2026, 12, 1), end=date(2026, 12, 31)), "Summer sale", target_date=moment
            ),
            RemoveActivities(Match("*crypto*")),
            DesiredActivity("Open studio", "Come by", datetime(2026, 12, 5, 10, tzinfo=UTC), "SOCIAL_MARKETING"),
        ),
        posts=(PostsRule(Match(within=timedelta(days=21)), max=12),),
        schedule=DesiredSchedule(
            (ScheduleRule(Match(within=timedelta(days=14)), ("INSTAGRAM", "FACEBOOK"), max=6, at=time(9, 30)),)
        ),
    )
    assert site.events is not None
    assert site.events.events == (
        DesiredEvent("Black Friday sale", "30% off everything", datetime(2026, 11, 27, tzinfo=UTC), whole_day=True),
        DesiredEvent("Studio open day", ABSENT, recurring_rule=JsonObject({"frequency": "MONTHLY"})),
    )


def test_least_site_manages_nothing(load: Load) -> None:
    site = load("")
    assert (site.settings, site.events, site.marketing_plan, site.schedule) == ((), None, None, None)
    assert (site.activities, site.posts, site.expect) == ((), (), Expect())


def test_left_out_is_not_null(load: Load) -> None:
    site = load("settings: {toneOfVoice: null, topics: {included: ~, excluded: []}, calendar: null}\n")
    assert site.settings == (
        Field("settings.calendar", None),
        Field("settings.toneOfVoice", None),
        Field("settings.topics.excluded", ()),
        Field("settings.topics.included", None),
    )
    events = load("calendarEvents: {events: [{name: a, date: 2026-01-01, description: null}]}\n").events
    assert events is not None
    assert events.events[0].description is None


@pytest.mark.parametrize("between", ["t", "T", " "])  # with a blank as PyYAML writes them
def test_moments_are_utc_in_whole_milliseconds(load: Load, between: str) -> None:
    events = load(f"calendarEvents: {{events: [{{name: a, date: '2026-11-27{between}01:30:00.1239+02:00'}}]}}\n").events
    assert events is not None
    assert events.events[0].date == datetime(2026, 11, 26, 23, 30, 0, 123000, tzinfo=UTC)
    assert not events.events[0].whole_day


@pytest.mark.parametrize(
    ("text", "length"), [("2h", timedelta(hours=2)), ("21d", timedelta(days=21)), ("2w", timedelta(weeks=2))]
)
def test_times_ahead(load: Load, text: str, length: timedelta) -> None:
    assert load(f"posts: [{{match: {{within: {text}}}}}]\n").posts[0].match.within == length


@pytest.mark.parametrize("text", ["1m", "50ms", "5s"])
def test_a_month_is_not_1m(text: str, problems_of: Callable[[dict[str, str]], list[str]]) -> None:
    head = f"version: 1\nsite: {{name: shop, id: {ID}}}\n"
    (said,) = problems_of({"sites/shop.yaml": f"{head}posts: [{{match: {{within: {text}}}}}]\n"})
    assert said.endswith(f"'{text}' is in minutes or smaller units; write hours, days or weeks; a month is 30d")


def test_weekdays_in_any_case_and_length(load: Load) -> None:
    match = load("posts: [{match: {weekdays: [MONDAY, tue, Friday]}, state: absent}]\n").posts[0].match
    assert match.weekdays == {"MONDAY", "TUESDAY", "FRIDAY"}


def test_yaml_1_1_words_are_text_in_a_site(load: Load) -> None:
    site = load("settings: {toneOfVoice: no, topics: {included: [on, yes, 12:30]}}\nschedule: {rules: [{at: 09:30}]}\n")
    assert Field("settings.toneOfVoice", "no") in site.settings
    assert Field("settings.topics.included", ("on", "yes", "12:30")) in site.settings
    assert site.schedule is not None
    assert site.schedule.rules[0].at == time(9, 30)


DEFAULTS = """\
defaults:
  - settings: {toneOfVoice: plain, marketingPlanGoal: {goalKey: BOOST_SALES}, topics: {included: [a], excluded: [b]}}
    posts: [{max: 3}]
  - where: {labels: {team: emea}}
    site: {credentials: agency}
    settings: {toneOfVoice: warm, marketingTools: [BLOGS]}
  - where: {labels: {team: emea, tier: gold}}
    settings: {toneOfVoice: playful}
credentials: {default: {apiKey: {env: A}}, agency: {apiKey: {env: B}}}
"""


def of_labels(labels: str) -> str:
    return f"version: 1\nsite: {{name: shop, id: {ID}, labels: {labels}}}\n"


def test_defaults_go_under_the_site_by_label(load: Load) -> None:
    own = "settings: {marketingPlanGoal: {customGoal: mine}, topics: {included: [c]}}\n"
    site = load(own, head=of_labels("{team: emea}"), project=DEFAULTS)
    assert site.settings == (
        Field("settings.marketingPlanGoal", JsonObject({"customGoal": "mine"})),  # one value, replaced whole
        Field("settings.marketingTools", ("BLOGS",)),
        Field("settings.toneOfVoice", "warm"),
        Field("settings.topics.excluded", ("b",)),
        Field("settings.topics.included", ("c",)),  # lists replace
    )
    assert site.posts[0].max == 3
    assert site.ref.credentials == "agency"


def test_later_defaults_win_over_earlier_and_null_over_all(load: Load) -> None:
    gold = load("", head=of_labels("{team: emea, tier: gold}"), project=DEFAULTS)
    assert Field("settings.toneOfVoice", "playful") in gold.settings
    cleared = load("settings: {toneOfVoice: null}\nposts: []\n", head=of_labels("{team: emea}"), project=DEFAULTS)
    assert Field("settings.toneOfVoice", None) in cleared.settings
    assert cleared.posts == ()


def test_defaults_of_other_labels_change_nothing(load: Load) -> None:
    site = load("", head=of_labels("{team: apac}"), project=DEFAULTS)
    assert Field("settings.toneOfVoice", "plain") in site.settings
    assert site.ref.credentials == "default"


def test_digest_is_of_values_not_of_writing(load: Load) -> None:
    one = load("settings: {toneOfVoice: warm, pointOfView: null}\n").digest
    same = load("settings:\n  # why\n  pointOfView: ~\n  'toneOfVoice': \"warm\"\n").digest
    other = load("settings: {toneOfVoice: cold, pointOfView: null}\n").digest
    assert one == same != other


def test_digest_moves_with_defaults_and_approvals(load: Load) -> None:
    plain = load("").digest
    assert load("", project="defaults: [{settings: {toneOfVoice: warm}}]\n").digest != plain
    assert load("", project="limits: {parallelism: 3}\n").digest == plain
    approvals = {"approvals/shop.yaml": "version: 1\nsite: shop\nactivities: []\n"}
    assert load("", project="limits: {parallelism: 3}\n", **approvals).digest != plain


def test_index_finds_each_site_again(write_project: WriteProject) -> None:
    two = f"{head('two', ', labels: {team: emea}')}---\n{head('three')}"
    write_project({"sites/b.yaml": two, "sites/a.yaml": head("one")})
    project = find_project()
    index = check_sites(project)
    assert [entry.name for entry in index.entries] == ["one", "two", "three"]
    assert (index.files, len(index)) == (2, 3)
    assert index.entries[1].labels == (("team", "emea"),)
    assert str(index.entries[2].place) == "sites/b.yaml:4:1"
    assert [entry.load().place for entry in index.entries] == [entry.place for entry in index.entries]
    assert index.entries[2].load().ref.id == guid("three")


def test_files_are_read_once_in_a_run(write_project: WriteProject) -> None:
    """What was checked is what is used, whatever happens to the file in between."""
    root = write_project({"sites/a.yaml": head("one") + "settings: {toneOfVoice: warm}\n"})
    project = find_project()
    (entry,) = check_sites(project).entries
    (root / "sites/a.yaml").unlink()
    site = entry.load()
    assert (site.ref.name, site.settings) == ("one", (Field("settings.toneOfVoice", "warm"),))


@pytest.mark.parametrize(
    ("written", "nothing", "expected"),
    [
        ("", "schedule: {rules: []}", "reconciler.yaml:3:5: defaults[0].schedule needs a marketing plan"),
        ("schedule: {manage: all}", "schedule: {rules: []}", "sites/shop.yaml:4:1: schedule needs a marketing plan"),
        ("schedule: null", "{rules: []}", "sites/shop.yaml:4:11: schedule: expected keys and values, got nothing"),
        ("schedule:", "{rules: []}", "sites/shop.yaml:4:10: schedule: expected keys and values, got nothing"),
    ],
    ids=["left out", "its own", "null", "empty"],
)
def test_a_site_without_a_marketing_plan_switches_inherited_rules_off(
    problems_of: Callable[[dict[str, str]], list[str]], written: str, nothing: str, expected: str
) -> None:
    """There is one problem, and what it says to write resolves it."""
    project = "version: 1\ndefaults:\n  - schedule: {approval: required, rules: [{match: {within: 14d}}]}\n"
    site = f"{head('shop')}marketingPlan: {{state: absent}}\n"
    [said] = problems_of({"reconciler.yaml": project, "sites/shop.yaml": f"{site}{written}\n"})
    assert said.startswith(expected)
    assert f"; write `{nothing}`" in said
    assert problems_of({"reconciler.yaml": project, "sites/shop.yaml": f"{site}schedule: {{rules: []}}\n"}) == []


def test_problem_of_the_defaults_is_reported_once_for_all_sites(
    problems_of: Callable[[dict[str, str]], list[str]],
) -> None:
    sites = "---\n".join(f"{head(f's{at}')}marketingPlan: {{state: absent}}\n" for at in range(9))
    said = problems_of({"reconciler.yaml": "version: 1\ndefaults: [{posts: [{max: 3}]}]\n", "sites/all.yaml": sites})
    assert said == [
        "reconciler.yaml:2:13: defaults[0].posts needs a marketing plan, but `marketingPlan.state` is absent"
        " (see sites/all.yaml:3:24 and 8 other places); write `posts: []` in the site's file, or `state: present`"
    ]


@pytest.mark.parametrize(
    ("defaults", "site", "expected"),
    [
        (
            "posts: [{max: 3}]",
            "marketingPlan: {state: absent}",
            "reconciler.yaml:3:5: defaults[0].posts needs a marketing plan, but `marketingPlan.state` is absent"
            " (see sites/shop.yaml:3:24); write `posts: []` in the site's file, or `state: present`",
        ),
        (
            "marketingPlan: {state: absent}",
            "posts: [{max: 3}]",
            "sites/shop.yaml:3:1: posts needs a marketing plan, but `marketingPlan.state` is absent"
            " (see reconciler.yaml:3:28); remove `posts`, or write `state: present`",
        ),
        (
            "settings: {topics: {excluded: [politics]}}",
            "settings: {topics: {included: [politics]}}",
            "sites/shop.yaml:3:32: settings.topics.included[0]: 'politics' is both included and excluded"
            " (see reconciler.yaml:3:35); keep one of them",
        ),
        (
            "schedule: {manage: all}",
            "",
            "reconciler.yaml:3:15: defaults[0].schedule: rules is missing (see sites/shop.yaml:1:1);"
            " write the rules, or `rules: []` for none",
        ),
        (
            "calendarEvents: {prune: true}",
            "",
            "reconciler.yaml:3:21: defaults[0].calendarEvents: events is missing (see sites/shop.yaml:1:1);"
            " list them, or write `events: []` for none",
        ),
        (
            "site: {credentials: agency}\ncredentials: {agency: {appId: {env: A}, appSecret: {env: B}}}",
            "",
            "sites/shop.yaml:2:7: site: instanceId is missing; an app's credentials need it (see reconciler.yaml:3:25);"
            " add `instanceId`, the id of the app's instance on this site",
        ),
    ],
    ids=["posts", "no plan", "topics", "rules", "events", "app"],
)
def test_a_default_that_makes_a_site_invalid_is_reported_with_both_places(
    problems_of: Callable[[dict[str, str]], list[str]], defaults: str, site: str, expected: str
) -> None:
    project = f"version: 1\ndefaults:\n  - {defaults}\n"
    assert problems_of({"reconciler.yaml": project, "sites/shop.yaml": f"{head('shop')}{site}\n"}) == [expected]


@pytest.mark.parametrize(
    "wrong", ["posts: [{max: 3}]", "settings: {topics: {included: [a], excluded: [a]}}", "site: {credentials: none}"]
)
def test_a_problem_of_the_defaults_does_not_count_for_each_site(
    problems_of: Callable[[dict[str, str]], list[str]], wrong: str
) -> None:
    sites = [f"{head(f's{at}')}marketingPlan: {{state: absent}}\n" for at in range(MAX_EXPLAINED + 1)]
    files = {"reconciler.yaml": f"version: 1\ndefaults: [{{{wrong}}}]\n", "sites/all.yaml": "---\n".join(sites)}
    said = problems_of(files | {"sites/z.yaml": "version: 1\nsite: {name: z}\n"})
    assert [line.split(":")[0] for line in said] == ["reconciler.yaml", "sites/z.yaml"]


def test_sites_are_not_kept(write_project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_sites, "ROOM", 65536)  # as after many files
    text = "---\n".join(f"{head(f's{at}')}settings: {{toneOfVoice: {'warm ' * 400}}}\n" for at in range(600))
    write_project({"sites/all.yaml": text})
    project = find_project()
    check_sites(project)  # what is imported and compiled once does not count
    tracemalloc.start()
    try:
        assert len(check_sites(project)) == 600
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)  # the bytes, the text, the parser's own copy; not 600 sites as well


def test_a_project_without_site_files_is_reported_clearly(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\nsites: ['shops/**/*.yml']\n"})
    with pytest.raises(UsageError) as raised:
        check_sites(find_project())
    assert str(raised.value) == (
        f"no site file in {root}: `sites` is shops/**/*.yml; write one, or change `sites` in reconciler.yaml"
    )


def test_files_that_no_pattern_matches_are_named_if_there_are_no_others(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\nsites: ['sites/*.yaml']\n", "sites/eu/a.yaml": HEAD})
    said = f"no site file in {root}: `sites` is sites/*.yaml, which does not match sites/eu/a.yaml"
    fix = "widen `sites` in reconciler.yaml, or move the files"
    with pytest.raises(UsageError) as raised:
        check_sites(find_project())
    assert str(raised.value) == f"{said}; {fix}"
    copy = HEAD.replace("shop", "copy")
    write_project({f"sites/eu/{name}.yaml": copy for name in "bcd"} | {"sites/b.yaml": HEAD.replace("3f0c", "3f0d")})
    with pytest.raises(UsageError) as raised:
        check_sites(find_project(), [Path("sites/eu")])
    files = "sites/eu/a.yaml, sites/eu/b.yaml, sites/eu/c.yaml and 1 more"
    assert f"is in sites/eu: `sites` is sites/*.yaml, which does not match {files}; {fix}" in str(raised.value)


def test_a_folder_instead_of_files(problems_of: Callable[[dict[str, str]], list[str]]) -> None:
    project = {"reconciler.yaml": "version: 1\nsites: [sites/]\n"}
    assert problems_of(project | {"sites/shop.yaml": HEAD}) == [
        "sites is a folder; `sites` must match files; write sites/**/*.yaml in reconciler.yaml"
    ]


def test_a_folder_that_is_not_a_project_says_how_to_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^no site file in .*, and no reconciler\.yaml there or above; .* init$"):
        check_sites(find_project())
