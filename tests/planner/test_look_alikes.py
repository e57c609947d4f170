"""What is created beside something whose name only looks the same is named, with both names spelled out."""

from __future__ import annotations

import pytest

from reconciler.model.address import Kind
from reconciler.planner.look_alikes import look_alike_notes
from tests.planner.pure_world import NOW
from tests.planner.test_activities_and_posts import OPEN
from tests.planner.test_activities_and_posts import live as activity
from tests.planner.test_activities_and_posts import plan as plan_activities
from tests.planner.test_events import declared
from tests.planner.test_events import live as event
from tests.planner.test_events import plan as plan_events


@pytest.mark.parametrize(
    ("name", "twin", "said"),
    [
        ("Black\u00a0Friday", "Black Friday", r'"Black\xa0Friday" in the file is not event "Black·Friday" on the site'),
        ("S\u0430le", "Sale", '"S(Cyrillic \u0430)le" in the file is not event "S(Latin a)le" on the site'),
        ("Sale", "Sales", ""),
        ("Sale", "Sale", ""),
    ],
)
def test_both_names_are_spelled_out(name: str, twin: str, said: str) -> None:
    notes = look_alike_notes(Kind.EVENT, [name], ["Other", twin])
    assert [said in note.message for note in notes] == ([True] if said else [])


def test_an_event_that_is_created_beside_a_look_alike() -> None:
    (note,) = plan_events(declared("Big\u00a0sale"), on=(event(name="Big sale"),)).notes
    assert note.message.endswith("their names only look the same")
    assert plan_events(declared("Big sale"), on=(event(name="Big sale"),)).notes == ()


def test_an_activity_that_is_created_beside_a_look_alike_of_the_same_day() -> None:
    days = (OPEN.target_date - NOW).total_seconds() / 86_400
    (note,) = plan_activities(OPEN, on=(activity("a", "Open\u00a0studio", days),)).notes
    assert note.message.startswith('activity "Open·studio" in the file is not activity "Open\\xa0studio" on the site')
    for other in activity("a", "Open\u00a0studio", days + 1), activity("a", "Open house", days):
        assert plan_activities(OPEN, on=(other,)).notes == ()
