"""Objects of one name are told apart by date, and a rule of later deletions says what it matches."""

from __future__ import annotations

import pytest

from tests.cli.conftest import reconciler as reconciler
from tests.cli.projects import PROJECT, SANDBOX, Command, Project

SHOP = "3f0c2a9e-8d0b-4b7c-9a55-000000000001"
HEAD = f"version: 1\nsite: {{name: shop, id: {SHOP}}}\n"
WORLD = f"""{SANDBOX}sites:
  {SHOP}:
    settings: {{toneOfVoice: dry}}
    events:
      - {{name: Sale, date: '2026-11-20T00:00:00Z'}}
      - {{name: Sale, date: '2026-12-20T00:00:00Z'}}
      - {{name: Fair, date: '2026-12-20T00:00:00Z'}}
    plan:
      status: ACTIVE
      activities:
        - {{title: Open day, date: '2026-11-04T08:00:00Z'}}
        - {{title: Open day, date: '2026-11-05T09:00:00Z'}}
        - {{title: Old, date: '2026-11-06T09:00:00Z'}}
        - {{title: Older, date: '2026-11-07T09:00:00Z'}}
"""
EVENTS = "calendarEvents: {prune: true, events: [{name: Sale, date: 2026-11-21}]}\n"
ABSENT = "  - match: {title: TITLE}\n    state: absent\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write({"reconciler.yaml": PROJECT, "sandbox.yaml": WORLD})
    return project


def test_deletions_give_the_date_if_something_else_has_the_same_name(shop: Project, reconciler: Command) -> None:
    rules = "activities:\n  - match: {title: Open*, to: 2026-11-04}\n    state: absent\n" + ABSENT.replace(
        "TITLE", "Old"
    )
    shop.write({"sites/shop.yaml": HEAD + EVENTS + rules})
    one, other = "the one on 2026-12-20", "the one on Wed 2026-11-04 08:00 UTC"
    planned = reconciler("plan", shop.root).out
    assert f'- event "Sale"      delete {one}, not in the file (prune is on)' in planned
    assert f'- activity "Open day"  delete {other}, declared absent in the file' in planned
    assert '- event "Fair"      delete, not' in planned
    assert '- activity "Old"    delete, declared' in planned
    done = reconciler("apply", shop.root, "--auto-approve").out
    assert f'- event "Sale"      done  deleted {one}\n' in done
    assert f'- activity "Open day"  done  deleted {other}\n' in done


def test_names_of_many_deletions_have_their_dates(shop: Project, reconciler: Command) -> None:
    shop.write({"sites/shop.yaml": HEAD + "activities:\n" + ABSENT.replace("TITLE", "O*")})
    planned = " ".join(reconciler("plan", shop.root).out.split())
    assert '"Open day" on Wed 2026-11-04 08:00 UTC, "Open day" on Thu 2026-11-05 09:00 UTC, "Old", "Older"' in planned


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("{title: '*old*', from: 2026-11-04, to: 2026-11-30}", ' title: "*old*", from: 2026-11-04, to: 2026-11-30'),
        ("{within: 10d, type: SOCIAL_MARKETING}", " within: 10d, type: SOCIAL_MARKETING"),
        ("{weekdays: [FRIDAY, MONDAY]}", " weekdays: MONDAY, FRIDAY"),
        (f"{{ids: [{SHOP}]}}", f" ids: {SHOP}"),
        ("{}", ""),
    ],
)
@pytest.mark.parametrize(
    ("section", "what"),
    [("activities", "delete all activities that match"), ("posts", "cleared for all activities that match")],
)
def test_later_deletions_say_what_they_match(
    shop: Project, reconciler: Command, section: str, what: str, match: str, words: str
) -> None:
    changed = HEAD + "settings: {toneOfVoice: warm}\nmarketingPlan: {state: present, regenerate: {discard: all}}\n"
    shop.write({"sites/shop.yaml": f"{changed}{section}:\n  - match: {match}\n    state: absent\n"})
    assert f"{what}{words} (decided after generation)" in " ".join(reconciler("plan", shop.root).out.split())


def test_updates_give_the_date_if_something_else_has_the_same_name(shop: Project, reconciler: Command) -> None:
    event = "calendarEvents:\n  events: [{name: Sale, date: 2026-11-21}, {name: Fair, date: 2026-12-21}]\n"
    rules = [
        f"  - {{match: {{title: {old}}}, set: {{title: {new}}}}}\n" for old, new in (("Open*", "Hi"), ("Old", "New"))
    ]
    shop.write({"sites/shop.yaml": HEAD + event + "activities:\n" + "".join(rules)})
    days = ("Wed 2026-11-04 08:00 UTC", "Thu 2026-11-05 09:00 UTC")
    planned = reconciler("plan", shop.root).out
    for day in days:
        assert f'~ activity "Open day"  the one on {day}\n' in planned
    assert '~ event "Sale"      the one on 2026-11-20\n' in planned
    assert '~ event "Fair"\n' in planned
    assert '~ activity "Old"\n' in planned
    done = reconciler("apply", shop.root, "--auto-approve").out
    for day in days:
        assert f'~ activity "Open day"  done  the one on {day}\n' in done
    assert '~ event "Sale"      done  the one on 2026-11-20\n' in done
