"""Warnings: what is allowed in files but almost certainly a mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.config.sites import open_project
from reconciler.model.diagnostics import Severity
from reconciler.reporters.diagnostics import sentence
from tests.config.conftest import HEAD, WriteProject

POSTS = "posts: [{match: {within: 21d}}]\n"


def warnings(*, only_check: bool = False) -> list[tuple[str, str]]:
    """Codes and sentences."""
    found = open_project(only_check=only_check)[1].warnings
    assert all(warning.severity is Severity.WARNING for warning in found)
    return [(warning.code, sentence(warning)) for warning in found]


def test_a_good_project_has_none(write_project: WriteProject) -> None:
    policy = "policy: {quietHours: {from: '21:00', to: '07:00'}, minLead: 2h, blackoutDates: [2026-12-25]}\n"
    rules = "schedule: {rules: [{match: {within: 14d}, at: '07:00'}]}\n"
    write_project({"reconciler.yaml": f"version: 1\n{policy}", "sites/a.yaml": HEAD + POSTS + rules})
    assert warnings() == []


@pytest.mark.parametrize(
    ("rule", "place", "message"),
    [
        ("at: '21:00'", "4:25", "schedule.rules[0].at: 21:00 is within the project's quiet hours (21:00 to 07:00)"),
        ("at: '06:59'", "4:25", "schedule.rules[0].at: 06:59 is within"),
        ("max: 0", "4:26", "schedule.rules[0].max allows no matches"),
        ("match: {within: 2h}", "4:37", "schedule.rules[0].match.within does not reach beyond the project's `minL"),
        ("match: {from: 2026-12-24, to: 2026-12-26}", "4:28", "schedule.rules[0].match: every matching day is a bl"),
    ],
)  # fmt: skip
def test_a_rule_that_never_lets_anything_through(
    rule: str, place: str, message: str, write_project: WriteProject
) -> None:
    policy = (
        "policy: {quietHours: {from: '21:00', to: '07:00'}, minLead: 2h,"
        " blackoutDates: [2026-12-24, 2026-12-25, 2026-12-26]}\n"
    )
    body = f"schedule: {{rules: [{{{rule}}}]}}\n"
    write_project({"reconciler.yaml": f"version: 1\n{policy}", "sites/a.yaml": HEAD + POSTS + body})
    ((code, said),) = warnings()
    assert code == "rule-never-lets-through"
    assert said.startswith(f"sites/a.yaml:{place}: {message}")


def test_limits_by_which_nothing_ever_goes_out(write_project: WriteProject) -> None:
    policy = "policy:\n  maxPublish: 0\n  maxPublishPerSitePerDay: 0\n"
    write_project({"reconciler.yaml": f"version: 1\n{policy}", "sites/a.yaml": HEAD})
    (run, of_run), (day, of_day) = warnings()
    assert run == day == "rule-never-lets-through"
    assert of_run.startswith("reconciler.yaml:3:3: policy.maxPublish is 0, so every run that would publish")
    assert of_day.startswith("reconciler.yaml:4:3: policy.maxPublishPerSitePerDay is 0, so nothing ever goes out")


def test_days_that_are_not_all_black(write_project: WriteProject) -> None:
    body = "schedule: {rules: [{match: {from: 2026-12-24, to: 2026-12-26}}]}\n"
    write_project(
        {"reconciler.yaml": "version: 1\npolicy: {blackoutDates: [2026-12-25]}\n", "sites/a.yaml": HEAD + POSTS + body}
    )
    assert warnings() == []


def test_variables_that_nobody_replaces(write_project: WriteProject) -> None:
    body = "settings: {toneOfVoice: 'as ${BRAND} speaks', topics: {included: ['$5 off', '${x y}', '${TOPIC}']}}\n"
    write_project({"sites/a.yaml": HEAD + body})
    assert [said for _, said in warnings()] == [
        "sites/a.yaml:3:25: settings.toneOfVoice: ${BRAND} is taken literally: variables are not replaced in files; "
        "write the value itself",
        "sites/a.yaml:3:87: settings.topics.included[2]: ${TOPIC} is taken literally: variables are not replaced in "
        "files; write the value itself",
    ]


@pytest.mark.parametrize("variable", ["${BRAND:-Acme}", "${BRAND-Acme}", "${BRAND:?}", "${var.brand}", "${{ vars.X }}"])
def test_variables_of_other_tools(variable: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + f"settings: {{toneOfVoice: 'as {variable} speaks'}}\n"})
    ((code, said),) = warnings()
    assert code == "variable-not-replaced"
    assert f"settings.toneOfVoice: {variable} is taken literally" in said


def test_a_variable_is_found_however_its_text_is_written(write_project: WriteProject) -> None:
    for text in (r'"\x24{BRAND}"', '"$\\\n  {BRAND}"', ">-\n    ${BRAND}", "&a ${BRAND}"):
        write_project({"sites/a.yaml": HEAD + f"settings:\n  toneOfVoice: {text}\n"})
        assert [code for code, _ in warnings()] == ["variable-not-replaced"], text


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("WEEKY", "did you mean WEEKLY?"),
        ("DAILY", "use one of: WEEKLY, MONTHLY, YEARLY"),
    ],
)
def test_a_frequency_that_the_api_does_not_know(written: str, fix: str, write_project: WriteProject) -> None:
    body = f"calendarEvents: {{events: [{{name: x, recurringRule: {{frequency: {written}}}}}]}}\n"
    write_project({"sites/a.yaml": HEAD + body})
    ((code, said),) = warnings()
    assert code == "unknown-frequency"
    assert said.endswith(f"'{written}' is not a frequency that the API is known to accept; {fix}")
    write_project({"sites/a.yaml": HEAD + body.replace(written, "YEARLY")})
    assert warnings() == []


def test_a_modeline_whose_schema_is_missing(write_project: WriteProject) -> None:
    line = "# yaml-language-server: $schema=../schemas/site.schema.json\n"
    write_project({"sites/a.yaml": "\n" + line + HEAD})
    ((code, said),) = warnings()
    assert code == "schema-missing"
    assert said.startswith(
        "sites/a.yaml:2:1: the modeline names the schema '../schemas/site.schema.json', which does not exist"
    )
    writing = "mkdir -p schemas && reconciler schema site > schemas/site.schema.json"
    assert said.endswith(f"; correct the path, or create the file: {writing}")
    write_project({"schemas/site.schema.json": "{}"})
    assert warnings() == []
    write_project({"sites/a.yaml": line.replace("../schemas", "https://example.org") + HEAD})
    assert warnings() == []


@pytest.mark.parametrize(
    ("labels", "fix"),
    [
        ("{taem: emea}", "did you mean team?"),
        ("{team: emae}", "did you mean team=emea?"),
        ("{team: apac}", "values of team in use: emea"),
        ("{colour: blue}", "labels in use: team, tier"),
        ("{team: emea, tier: tin}", "values of tier in use: gold"),
    ],
)
def test_defaults_for_nobody(labels: str, fix: str, write_project: WriteProject) -> None:
    defaults = f"defaults:\n  - where: {{labels: {labels}}}\n    settings: {{toneOfVoice: warm}}\n"
    head = HEAD.replace("}\n", ", labels: {team: emea, tier: gold}}\n")
    write_project({"reconciler.yaml": f"version: 1\n{defaults}", "sites/a.yaml": head})
    ((code, said),) = warnings()
    assert code == "defaults-for-nobody"
    noun = "labels" if ", " in labels else "label"
    assert said.startswith(f"reconciler.yaml:3:5: defaults[0].where: no site has the {noun} ")
    assert said.endswith(fix)
    write_project({"reconciler.yaml": f"version: 1\n{defaults}".replace(labels, "{team: emea, tier: gold}")})
    assert warnings() == []


@pytest.mark.parametrize(
    ("rest", "place", "message"),
    [
        ("", "3:1", "schedule: this file generates no posts, so only drafts that are made elsewhere can go out"),
        ("marketingPlan: {state: present}\n", "3:37", "schedule.rules[0].match.within reaches beyond the posts that"),
    ],
)
def test_a_schedule_of_posts_that_nothing_makes(
    rest: str, place: str, message: str, write_project: WriteProject
) -> None:
    schedule = "schedule: {rules: [{match: {within: 15d}}]}\n"
    write_project({"sites/a.yaml": HEAD + schedule + rest})
    ((code, said),) = warnings()
    assert code == "schedule-without-posts"
    assert said.startswith(f"sites/a.yaml:{place}: {message}")
    assert said.endswith("add rules under `posts`, or write `posts: []` if the drafts are made elsewhere")
    for made in (POSTS, "posts: []\n"):
        write_project({"sites/a.yaml": HEAD + schedule + rest + made})
        assert warnings() == []


TOOLS = "settings: {marketingTools: [BLOGS]}\nmarketingPlan: {state: present}\n"


@pytest.mark.parametrize(
    "rest", [POSTS, "schedule: {rules: [{match: {within: 7d}}]}\n", POSTS + "schedule: {rules: [{match: {}}]}\n"]
)
def test_tools_that_generate_no_drafts(rest: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + TOOLS + rest})
    ((code, said),) = warnings()
    assert code == "schedule-without-posts"
    part = "posts" if POSTS in rest else "schedule"
    assert said == (
        "sites/a.yaml:3:28: settings.marketingTools: without SOCIAL_MARKETING no drafts are generated; "
        f"add SOCIAL_MARKETING, or remove `{part}`"
    )


@pytest.mark.parametrize(
    "body",
    [
        TOOLS,
        TOOLS + "posts: []\nschedule: {rules: [{match: {}}]}\n",
        TOOLS + "posts: [{match: {}, state: absent}]\n",
        TOOLS.replace("[BLOGS]", "[BLOGS, SOCIAL_MARKETING]") + POSTS,
        TOOLS.replace("state: present", "regenerate: {when: never}") + POSTS,
        TOOLS.partition("\n")[0] + "\n" + POSTS,
        TOOLS + POSTS + "activities: [{create: {title: x, description: x, targetDate: 2030-01-01T09:00:00Z,"
        " marketingActivityType: SOCIAL_MARKETING}}]\n",
    ],
    ids=["nothing wanted", "made elsewhere", "none wanted", "social", "never generated", "plan left alone", "created"],
)
def test_tools_under_which_drafts_can_be(body: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + body})
    assert warnings() == []


def test_a_generation_makes_the_posts_of_the_nearest_weeks_itself(write_project: WriteProject) -> None:
    schedule = "schedule: {rules: [{match: {within: 14d}}]}\nmarketingPlan: {state: present}\n"
    write_project({"sites/a.yaml": HEAD + schedule})
    assert warnings() == []


def test_rules_that_can_do_nothing(write_project: WriteProject) -> None:
    write_project(
        {
            "sites/a.yaml": HEAD
            + "posts: [{max: 0}]\nschedule: {rules: [{match: {from: 2026-12-01, to: 2026-12-02, weekdays: [SUN]}}]}\n"
        }
    )
    assert [said.split(": ", 1)[1] for _, said in warnings()] == [
        "posts[0].max allows no matches; write a larger number, or remove the rule",
        "schedule.rules[0].match.weekdays: no Sunday falls between 2026-12-01 and 2026-12-02; choose other days",
    ]


@pytest.mark.parametrize(
    "body",
    [
        POSTS + "schedule: {rules: [{channels: [INSTAGRAM], max: 0}, {match: {within: 14d}}]}\n",
        "posts: [{match: {title: 'Staff*'}, max: 0}, {match: {within: 21d}}]\n",
        "activities: [{match: {title: S*}, set: {title: x}, max: 0}, {match: {to: 2030-01-01}, state: absent}]\n",
    ],
)
def test_a_rule_that_keeps_what_it_matches_from_the_rules_below(body: str, write_project: WriteProject) -> None:
    """The first rule that matches decides, so one with `max: 0` is how to say what not to publish."""
    write_project({"sites/a.yaml": HEAD + body})
    assert warnings() == []


def test_the_schema_of_the_project_file_and_where_to_write_it(write_project: WriteProject) -> None:
    line = "# yaml-language-server: $schema=../schemas/{}.schema.json\n"
    project = "version: 1\n"
    write_project(
        {"reconciler.yaml": line.format("project") + project, "sites/shops/a.yaml": line.format("site") + HEAD}
    )
    first, second = (said for _, said in warnings())
    assert first.startswith("reconciler.yaml:1:1: the modeline names the schema '../schemas/project.schema.json'")
    assert first.endswith(
        "; change it to $schema=schemas/project.schema.json,"
        " and create the file: mkdir -p schemas && reconciler schema project > schemas/project.schema.json"
    )
    assert second.endswith(
        "; change it to $schema=../../schemas/site.schema.json,"
        " and create the file: mkdir -p schemas && reconciler schema site > schemas/site.schema.json"
    )
    write_project({"schemas/site.schema.json": "{}", "sites/schemas/README": ""})
    first, second = (said for _, said in warnings())
    assert first.endswith(" and create the file: reconciler schema project > schemas/project.schema.json")
    assert second.endswith(
        "; correct the path, or create the file: reconciler schema site > sites/schemas/site.schema.json"
    )
    write_project({"sites/shops/a.yaml": line.replace("schemas/", "../../").format("site") + HEAD})
    assert warnings()[1][1].endswith("does not exist; change it to $schema=../../schemas/site.schema.json")


def test_modelines_of_approvals_files_and_of_the_sandbox(write_project: WriteProject) -> None:
    line = "# yaml-language-server: $schema=../schemas/{}.schema.json\n"
    write_project(
        {
            "sites/a.yaml": HEAD,
            "approvals/shop.yaml": line.format("approvals") + "version: 1\nsite: shop\nactivities: []\n",
            "sandbox.yaml": line.format("sandbox").replace("../", "") + "sites: []\n",
        }
    )
    (_, first), (_, second) = warnings(only_check=True)
    assert first.startswith("approvals/shop.yaml:1:1: the modeline names the schema '../schemas/approvals.schema.json'")
    assert first.endswith("reconciler schema approvals > schemas/approvals.schema.json")
    assert second.startswith("sandbox.yaml:1:1: the modeline names the schema 'schemas/sandbox.schema.json'")
    assert second.endswith("reconciler schema sandbox > schemas/sandbox.schema.json")
    write_project({"schemas/approvals.schema.json": "{}", "schemas/sandbox.schema.json": "{}"})
    assert warnings(only_check=True) == []


NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
"""The first moment at which the 3rd is over in every time zone."""


def warnings_at(now: datetime) -> list[tuple[str, str]]:
    """Codes and sentences of what `validate` says at a time."""
    found = open_project((), only_check=True, now=lambda _: now)[1].warnings
    return [(warning.code, sentence(warning).split(":", 1)[1]) for warning in found]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "schedule: {rules: [{match: {to: 2026-12-03}}]}\nposts: []\n",
            "3:33: schedule.rules[0].match.to has passed, so the rule no longer matches anything; "
            "remove it, or choose a later date",
        ),
        ("posts: [{match: {from: 2026-12-01, to: 2026-12-03}}]\n", "3:40: posts[0].match.to has passed, so the rule"),
        (
            "activities: [{match: {from: 2026-12-01, to: 2026-12-06, weekdays: [TUE]}, state: absent}]\n",
            "3:45: activities[0].match.to has passed, so the rule",
        ),
        (
            "activities: [{create: {title: Sale, description: x, targetDate: 2026-12-04T11:59:59Z,"
            " marketingActivityType: BLOG}}]\n",
            "3:65: activities[0].create.targetDate has passed, so runs no longer create the activity; "
            "remove it, or choose a later date",
        ),
        (
            "calendarEvents: {events: [{name: Sale, date: 2024-10-01}]}\n",
            "3:46: calendarEvents.events[0].date has passed, so runs leave the event alone; remove it, or choose",
        ),
    ],
    ids=["schedule", "posts", "activities", "create", "event"],
)  # fmt: skip
def test_what_has_passed(body: str, said: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + body})
    ((code, found),) = warnings_at(NOW)
    assert code == "time-has-passed"
    assert found.startswith(said)
    earlier = {"events": timedelta(days=800), "TUE": timedelta(days=4)}
    before = next((by for word, by in earlier.items() if word in body), timedelta(seconds=1))
    assert warnings_at(NOW - before) == []
    assert warnings() == []  # a run does not care


def test_a_rule_whose_last_day_comes_before_the_minimum_lead(write_project: WriteProject) -> None:
    rule = "schedule: {rules: [{match: {to: 2026-12-03}}]}\nposts: []\n"
    write_project({"reconciler.yaml": "version: 1\npolicy: {minLead: 40d}\n", "sites/a.yaml": HEAD + rule})
    assert warnings_at(NOW - timedelta(days=40)) == [
        (
            "time-has-passed",
            "3:33: schedule.rules[0].match.to is closer than the project's `minLead`, so every match comes too late; "
            "remove it, or choose a later date",
        )
    ]
    assert warnings_at(NOW - timedelta(days=40, seconds=1)) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "posts: [{match: {from: 2026-12-01, to: 2026-12-02, weekdays: [SUN]}}]\n",
            "3:62: posts[0].match.weekdays: no Sunday falls between 2026-12-01 and 2026-12-02; choose other days",
        ),
        (
            "activities: [{match: {from: 2026-12-01, to: 2026-12-02, weekdays: [SUN, SAT]}, state: absent}]\n",
            "3:67: activities[0].match.weekdays: no Saturday or Sunday falls between 2026-12-01 and 2026-12-02",
        ),
        (
            "posts: [{match: {from: 2026-12-01, to: 2026-12-01, weekdays: [SUN]}}]\n",
            "3:62: posts[0].match.weekdays: 2026-12-01 is not a Sunday; choose other days",
        ),
        (
            "posts: [{match: {from: 2026-12-31, to: 2026-12-01, weekdays: [SUN]}}]\n",
            "3:40: posts[0].match.to is before `from`, 2026-12-31, so nothing ever matches; swap the two",
        ),
        (
            "posts: []\nschedule: {rules: [{match: {from: 2020-12-31, to: 2020-12-01}, at: '09:00'}]}\n",
            "4:51: schedule.rules[0].match.to is before `from`, 2020-12-31, so nothing ever matches; swap the two",
        ),
        (
            "posts: []\nschedule: {rules: [{match: {within: 0d}}]}\n",
            "4:37: schedule.rules[0].match.within is zero, so nothing ever matches; write a duration like 21d or 2w",
        ),
        (
            "posts: [{match: {within: 21d}}, {match: {within: 14d}}]\n",
            "3:33: posts[1] never applies: posts[0] above it already matches everything it could match; "
            "put the narrower rule first, or remove one",
        ),
        (
            "activities: [{match: {title: 'Summer*'}, set: {title: a}}, {match: {title: 's*'}, state: absent},"
            " {match: {title: 'summer*', type: BLOG}, state: absent}]\n",
            "3:99: activities[2] never applies: activities[0] above it already matches",
        ),
        (
            "posts: [{match: {title: '*sale*'}}, {match: {title: Summer Sale}}]\n",
            "3:37: posts[1] never applies: posts[0] above it already matches",
        ),
        (
            "posts: []\nschedule: {rules: [{match: {title: '*sale*'}}, {match: {title: 'Summer sale*?'}}]}\n",
            "4:48: schedule.rules[1] never applies: schedule.rules[0] above it already matches",
        ),
        (
            "activities: [{match: {title: '*', within: 21d}, set: {description: b}},"
            " {match: {title: 'Winter*', within: 14d}, state: absent}]\n",
            "3:73: activities[1] never applies: activities[0] above it already matches",
        ),
        (
            "posts: []\nschedule: {rules: [{channels: [INSTAGRAM]}, {channels: [FACEBOOK]},"
            " {match: {within: 1w}, channels: [INSTAGRAM]}]}\n",
            "4:69: schedule.rules[2] never applies: schedule.rules[0] above it already matches",
        ),
        ("activities: [{match: {title: S*}, set: {title: x}, max: 0}]\n", "3:57: activities[0].max allows no matches"),
        (
            "posts: [{match: {type: BLOG}}]\n",
            "3:24: posts[0].match.type: only activities of the type SOCIAL_MARKETING have posts; "
            "remove the rule, or change the type",
        ),
        (
            "posts: []\nschedule: {rules: [{match: {type: BLOG}}]}\n",
            "4:35: schedule.rules[0].match.type: only activities of the type SOCIAL_MARKETING have posts; "
            "remove the rule, or change the type",
        ),
        (
            "posts: [{match: {within: 21d}, state: absent}]\nschedule: {rules: [{match: {within: 14d}}]}\n",
            "4:20: schedule.rules[0] lets nothing through: posts[0] removes the posts of all activities that it could "
            "match; remove one of the two rules",
        ),
        (
            "posts: [{match: {from: 2026-08-02}, state: absent}, {match: {title: 'S*'}, state: absent}]\n"
            "schedule: {rules: [{match: {title: 's*', within: 14d}}]}\n",
            "4:20: schedule.rules[0] lets nothing through: posts[1] removes",
        ),
        (
            "activities: [{match: {title: S*}, state: absent}]\nposts: []\nschedule: {rules: [{match: {title: S*}}]}\n",
            "5:20: schedule.rules[0] lets nothing through: activities[0] deletes all activities that it could match; "
            "remove one of the two rules",
        ),
        (
            "posts: []\nschedule: {rules: [{match: {from: 2026-08-02}, channels: [TWITTER]}]}\n",
            "4:58: schedule.rules[0].channels: nothing can be posted on X after 2026-07-31, so the rule lets nothing "
            "through; add another channel, or remove the rule",
        ),
        (
            "posts: []\nschedule: {rules: [{channels: [LINKEDIN], types: [STORY, REEL]}]}\n",
            "4:50: schedule.rules[0].types: LinkedIn has no posts of type STORY or REEL, so the rule lets nothing "
            "through; add another type or channel, or remove the rule",
        ),
    ],
    ids=[
        "posts by weekday",
        "activities by weekday",
        "one day",
        "the other way round",
        "long ago, the other way round",
        "within zero",
        "a wider rule of posts",
        "a wider rule with the same title",
        "a wider title",
        "a wider pattern",
        "a rule for all titles",
        "a wider rule for the channel",
        "none set",
        "posts of a blog",
        "drafts of a blog",
        "all removed",
        "removed",
        "deleted",
        "X",
        "types",
    ],
)
def test_other_rules_that_can_do_nothing(body: str, said: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + body})
    ((code, found),) = warnings()
    assert code == "rule-never-lets-through"
    assert found.startswith(f"sites/a.yaml:{said}")


@pytest.mark.parametrize(
    ("first", "second"),
    [("S?le*", "S*le"), ("*a*", "[ab]c"), ("Summer*", "*"), ("[S]ale", "Sale?"), ("S*", "Winter sale"), ("*a", "a*")],
)
def test_titles_that_an_earlier_pattern_does_not_cover(first: str, second: str, write_project: WriteProject) -> None:
    rules = f"posts: [{{match: {{title: '{first}'}}}}, {{match: {{title: '{second}'}}}}]\n"
    write_project({"sites/a.yaml": HEAD + rules})
    assert warnings() == []


CREATED = "{title: x, description: x, targetDate: 2030-01-01T09:00:00Z, marketingActivityType: SOCIAL_MARKETING}"


@pytest.mark.parametrize(
    "rules",
    [
        "posts: [{match: {within: 7d}, state: absent}]",
        "posts: [{match: {title: 'S*'}, state: absent}]",
        "posts: [{match: {title: 'S*'}}, {match: {within: 21d}, state: absent}]",
        "posts: []\nactivities: [{match: {title: S*}, set: {title: x}}, {match: {within: 21d}, state: absent}]",
        f"posts: []\nactivities: [{{match: {{within: 21d}}, state: absent}}, {{create: {CREATED}}}]",
    ],
)
def test_posts_of_which_some_are_left(rules: str, write_project: WriteProject) -> None:
    write_project({"sites/a.yaml": HEAD + f"{rules}\nschedule: {{rules: [{{match: {{within: 14d}}}}]}}\n"})
    assert warnings() == []


def test_days_of_which_none_is_left_by_weekday_and_blackout(write_project: WriteProject) -> None:
    body = "schedule: {rules: [{match: {from: 2026-12-01, to: 2026-12-08, weekdays: [FRI]}}]}\n"
    policy = "version: 1\npolicy: {blackoutDates: [2026-12-04]}\n"
    write_project({"reconciler.yaml": policy, "sites/a.yaml": HEAD + POSTS + body})
    ((_, found),) = warnings()
    assert "schedule.rules[0].match: every matching day is a blackout date" in found


def test_an_hour_later_on_the_day_can_be_far_enough_ahead(write_project: WriteProject) -> None:
    """`at` moves a post to a later time of its activity's day, beyond `within`."""
    body = "schedule: {rules: [{match: {within: 2h}, at: '22:00'}]}\n"
    write_project({"reconciler.yaml": "version: 1\npolicy: {minLead: 2h}\n", "sites/a.yaml": HEAD + POSTS + body})
    assert warnings() == []
