"""A plan on the screen: every line that a person reads, at 80 columns, without colours."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from reconciler.engine.results import Phase, PhaseStarted, PlanCompleted, SiteFailed, SitePlanned
from reconciler.model.activities import PostsRule
from reconciler.model.address import Address, Kind, SiteName
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.events import DesiredEvent, EventId
from reconciler.model.operations import CreateEvent, Deferred, DeleteEvent, FieldChange, Part, UpdateSettings
from reconciler.model.selectors import Match
from reconciler.model.sites import SiteRef
from reconciler.planner.actions import Action, BlockedBy, Plan, Reason, RefusedBy, blocked, refusal
from reconciler.planner.tally import PlanTally, tally_of
from reconciler.reporters.context import CallsOf, ReporterContext
from reconciler.reporters.layout import Screen
from reconciler.reporters.registry import make

ONE_SITE = """\
site           add  change  destroy  generate  publish  blocked
janes-pottery    2       2        1         2        1        1

  + create    janes-pottery/event[Black Friday sale]
              2026-12-03: "30% off everything"  (declared, not there yet)
  ~ update    janes-pottery/event[Open day]  (differs from the file)
              description: "Come" -> "Come by"
              date: nothing -> "2026-12-03"
  ~ update    janes-pottery/settings  toneOfVoice: "dry" -> "warm and playful"
              (differs from the file)
  * generate  janes-pottery/marketing-plan  again, with keyword research
              (generation inputs changed: settings.toneOfVoice,
              settings.topics.included)
              discards 2 drafts: 834dc801-3e5c-416a-bd14-b130a95d100e,
                ac01c174-5244-49df-8085-84d87cd0345a
  + create    janes-pottery/activity[Open studio 2026-12-05]  SOCIAL_MARKETING
              "Open studio" on Thu 2026-12-03 09:30 Europe/Berlin
              (declared, not there yet: activities[2])
  - delete    janes-pottery/activity[b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30]
              "Crypto news"  (the file wants it absent)
  * generate  janes-pottery/posts[b3f9d2e1-7a4c-4d68-9f02-1c5e8a6b4d30]
              posts for "Summer collection launch"
              (matched by a rule: posts[0])
  * generate posts for at most 12 activities matching posts[0]
              (known after generation)
  ! publish   janes-pottery/draft[834dc801-3e5c-416a-bd14-b130a95d100e]
              INSTAGRAM "Summer launch" on Thu 2026-12-03 09:30 Europe/Berlin
              (approved in review: ann)
  x cancel    janes-pottery/draft[ac01c174-5244-49df-8085-84d87cd0345a]
              FACEBOOK "Crypto news", scheduled for Thu 2026-12-03 09:30
              Europe/Berlin  (no rule wants it, and manage is all)
  ? review    janes-pottery/draft[834dc801-3e5c-416a-bd14-b130a95d100e]
              INSTAGRAM "Summer launch"  (waits for a decision)
  # blocked   janes-pottery/draft[ac01c174-5244-49df-8085-84d87cd0345a]
              FACEBOOK is not connected
              fix: connect FACEBOOK in the site's dashboard, under Social Media
                   Marketing
  note: first contact: the live values are taken as those in force

site           add  change  destroy  generate  publish  blocked
janes-pottery    2       2        1         2        1        1

Plan: 2 to add, 2 to change, 1 to destroy, 2 to generate, 1 to publish, 1 to cancel; 0 pending, 1 blocked.
"""


def text_of(
    *results: SitePlanned | SiteFailed, sites: int = 0, screen: Screen | None = None, calls_of: CallsOf | None = None
) -> str:
    out = io.StringIO()
    reporter = make("text", ReporterContext("plan", out.write, screen or Screen(), calls_of))
    reporter.handle(PhaseStarted(Phase.PLANNING, len(results)))
    tally = PlanTally()
    for result in results:
        reporter.handle(result)
        tally += result.tally if isinstance(result, SitePlanned) else PlanTally()
    failed = sum(isinstance(result, SiteFailed) for result in results)
    refused = sum(isinstance(result, SitePlanned) and bool(result.plan.refusals) for result in results)
    reporter.handle(PlanCompleted(sites or len(results), tally, failed, refused))
    return out.getvalue()


def planned(*actions: Action, site: str = "shop", **rest: object) -> SitePlanned:
    plan = Plan(SiteRef(SiteName(site), "1"), actions, **rest)  # type: ignore[arg-type]
    return SitePlanned(plan, tally_of(plan), ("settings",))


def failed(site: SiteName, message: str) -> SiteFailed:
    return SiteFailed(site, (Diagnostic("odd", message, address=Address(site)),))


def tone(site: str, after: str = "warm") -> Action:
    changes = (FieldChange("settings.toneOfVoice", None, after),)
    return Action(Address(SiteName(site), Kind.SETTINGS), UpdateSettings(changes), Reason.DIFFERS)


def test_a_plan_with_one_of_everything(everything: SitePlanned) -> None:
    assert text_of(everything) == ONE_SITE


def test_no_line_but_the_last_is_wider_than_the_screen(everything: SitePlanned) -> None:
    for width in (60, 80, 120):
        lines = text_of(everything, screen=Screen(width)).splitlines()
        identifiers = [line for line in lines[:-1] if "[" in line or line.startswith("site")]
        assert all(len(line) <= width or line in identifiers for line in lines[:-1]), width


def test_sites_without_changes_are_a_count() -> None:
    text = text_of(planned(), planned(tone("shop-2"), site="shop-2"), failed(SiteName("shop-3"), "503"), sites=40)
    assert text.splitlines() == [
        "site          add  change  destroy  generate  publish  blocked",
        "shop-2          -       1        -         -        -        -",
        "shop-3        failed",
        "all 40 sites    -       1        -         -        -        -",
        "",
        "shop-2",
        '  ~ update    shop-2/settings  toneOfVoice: nothing -> "warm"',
        "              (differs from the file)",
        "",
        "shop-3",
        "  E failed    shop-3  503",
        "",
        "38 sites without changes",
        "",
        "site          add  change  destroy  generate  publish  blocked",
        "shop-2          -       1        -         -        -        -",
        "shop-3        failed",
        "all 40 sites    -       1        -         -        -        -",
        "",
        "1 of 40 sites could not be read; the counts say nothing about them",
        "Plan: 0 to add, 1 to change, 0 to destroy, 0 to generate, 0 to publish; 0 pending, 0 blocked.",
    ]


def test_a_note_that_many_sites_share_is_said_once() -> None:
    shared = [planned(site=f"shop-{number}", notes=("first contact",)) for number in range(5)]
    assert text_of(*shared, sites=7).splitlines() == [
        "  note: 5 sites (shop-0, shop-1, shop-2, ...): first contact",
        "",
        "7 sites without changes",
        "",
        "No changes.",
    ]


def test_nothing_to_do_is_one_line() -> None:
    assert text_of(planned(), planned(), sites=2) == "No changes.\n"


def test_a_site_that_could_not_be_read_is_not_without_changes() -> None:
    text = text_of(failed(SiteName("shop"), "GET: 503"), sites=1)
    assert "No changes." not in text
    assert text.splitlines()[-1].startswith("Plan: 0 to add")


def test_blocked_items_stand_above_no_changes() -> None:
    item = blocked(Address(SiteName("shop")), BlockedBy.SITE_NOT_PUBLISHED, "not published", "publish the site")
    lines = text_of(planned(blocked=(item,))).splitlines()
    assert lines[-1] == "No changes."
    assert "  # blocked   shop  not published" in lines
    assert "              fix: publish the site" in lines


def test_a_promise_alone_is_a_change() -> None:
    rules = (PostsRule(Match(), max=1),)
    promise = Action(
        Address(SiteName("shop"), Kind.RULE, "posts.0"),
        Deferred(Part.POSTS, 0, posts_rules=rules, at_most=1),
        Reason.RULE,
    )
    text = text_of(planned(promise))
    assert (
        "  * generate posts for at most 1 activity matching posts[0]\n              (known after generation)\n" in text
    )
    assert "No changes." not in text


def test_a_refusal_is_the_last_line(refused: SitePlanned) -> None:
    lines = text_of(refused).splitlines()
    assert lines[-1] == "Refused: janes-pottery: expect.published: the file expects published; publish the site"
    assert lines[-2].startswith("Plan: ")
    assert "  = refused   janes-pottery  expect.published: the file expects published" in lines


def test_what_is_refused_is_not_without_changes(refused: SitePlanned) -> None:
    nothing_else = planned(refusals=refused.plan.refusals)
    assert "No changes." not in text_of(nothing_else)
    assert text_of(nothing_else).splitlines()[-2:] == [
        "",
        "Refused: janes-pottery: expect.published: the file expects published; publish the site",
    ]


def test_a_refusal_of_the_run_comes_before_those_of_sites(refused: SitePlanned) -> None:
    out = io.StringIO()
    reporter = make("text", ReporterContext("plan", out.write))
    reporter.handle(refused)
    whole = refusal(Address(SiteName("all-sites")), RefusedBy.MAX_DELETE, "the run would destroy 11", "raise maxDelete")
    reporter.handle(PlanCompleted(1, refused.tally, refused=1, refusals=(whole,)))
    assert out.getvalue().splitlines()[-1] == (
        "Refused: all-sites: the run would destroy 11; raise maxDelete (and 1 more, above)"
    )


def test_explain_shows_class_calls_preconditions_and_reads(everything: SitePlanned) -> None:
    text = text_of(everything, calls_of=lambda _operation, site: (f"PATCH /settings of {site.id}",))
    assert "  read: settings, marketing plan\n" in text
    assert (
        '  ~ update    janes-pottery/settings  toneOfVoice: "dry" -> "warm and playful"\n'
        "              (differs from the file)\n"
        "              class: safe\n"
        "              call: PATCH /settings of 3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01\n"
        '              needs: settings.toneOfVoice is "dry"\n'
    ) in text
    assert "              address: janes-pottery/rule[posts.0]\n" in text


def test_a_long_value_is_cut_with_a_word_about_it_and_whole_with_explain() -> None:
    site = planned(tone("shop", "long " * 100))
    assert "(342 characters more)" in text_of(site)
    explained = text_of(site, calls_of=lambda _operation, _site: ())
    assert explained.count("long") == 100
    assert "characters more" not in explained


@pytest.mark.parametrize("colour", [False, True])
def test_remote_text_cannot_act_on_the_terminal(colour: bool) -> None:
    nasty = "\x1b]0;owned\x07\u202egnirts\nPlan: 0 to add\r\x9b2J"
    site = planned(
        tone("shop", nasty),
        Action(Address(SiteName("shop"), Kind.EVENT, nasty), DeleteEvent(EventId("e"), nasty), Reason.NOT_LISTED),
        notes=(nasty,),
        blocked=(blocked(Address(SiteName("shop")), BlockedBy.POLICY, nasty, nasty),),
    )
    text = text_of(site, failed(SiteName("other"), nasty), screen=Screen(80, colour))
    for character in "\x07\u202e\r\x9b":
        assert character not in text
    assert "\x1b]" not in text
    assert not [line for line in text.splitlines() if line.startswith("Plan: 0 to add\\r")]
    if not colour:
        assert "\x1b" not in text


def test_colours_change_no_word(everything: SitePlanned) -> None:
    import re

    coloured = text_of(everything, screen=Screen(80, colour=True))
    assert "\x1b[32m" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == ONE_SITE


def test_a_long_name_has_a_line_of_its_own_in_the_table() -> None:
    name = "a" * 63
    lines = text_of(planned(tone(name), site=name), sites=2).splitlines()
    assert lines[1] == name
    assert lines[2].split() == ["-", "1", "-", "-", "-", "-"]
    assert all(len(line) <= 80 for line in lines[:4])


def test_very_many_sites_share_a_row() -> None:
    results = [planned(tone(f"shop-{n}"), site=f"shop-{n}") for n in range(200)]
    lines = text_of(*results).splitlines()
    assert lines[51].split()[:4] == ["150", "more", "-", "150"]
    assert lines[52].split()[:4] == ["all", "200", "sites", "-"]
    assert sum(line.endswith("shop-199") for line in lines) == 1


def test_wide_characters_are_counted_as_two_columns() -> None:
    event = DesiredEvent("陶器" * 30, recurring_rule=None, date=None)
    action = Action(Address(SiteName("shop"), Kind.EVENT, "e"), CreateEvent(event), Reason.DECLARED)
    change = replace(tone("shop"), operation=UpdateSettings((FieldChange("settings.x", "陶 器 " * 20, "器"),)))
    from reconciler.reporters.layout import columns

    for line in text_of(planned(action, change)).splitlines()[:-1]:
        assert columns(line) <= 80


def test_a_changed_list_is_shown_by_what_is_new_in_it_and_what_is_gone() -> None:
    changes = (FieldChange("settings.topics.included", ("mugs", "bowls"), ("bowls", "plates", "vases")),)
    action = Action(Address(SiteName("shop"), Kind.SETTINGS), UpdateSettings(changes), Reason.DIFFERS)
    text = text_of(planned(action), screen=Screen(width=200))
    assert 'topics.included: adds "plates", "vases"; removes "mugs"' in text
