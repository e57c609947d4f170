"""The facts behind a reason are values until a reporter words them."""

from __future__ import annotations

from typing import get_args

import pytest

from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.content import Difference
from reconciler.model.diagnostics import Diagnostic, Place
from reconciler.planner.actions import BlockedBy, Grounds, Reason, ReasonFact
from reconciler.planner.gone_out import WhyNot, no_longer_wanted
from reconciler.planner.reasons import FACTS, REASONS, facts_behind
from reconciler.reporters.words import reason_behind

QUIET = Diagnostic(
    BlockedBy.POLICY, "policy.quietHours: 22:10 is between 21:00 and 07:00", "edit it", place=Place("r.yaml", 3)
)
MOVED = Difference("date", "2026-12-03T09:00:00.000Z", "2026-12-06T09:00:00.000Z")
BERLIN = "Thu 2026-12-03 -> Sun 2026-12-06"


def test_every_fact_has_words() -> None:
    assert FACTS.keys() == set(ReasonFact)


def test_a_reason_has_the_same_words_in_plan_drift_and_history() -> None:
    for reason in Reason:
        assert reason_behind(reason) in ("", REASONS[reason], f"because {REASONS[reason]}")
    for reason in get_args(WhyNot):
        assert no_longer_wanted(reason).message in (REASONS[reason], f"it was {REASONS[reason]}")


@pytest.mark.parametrize(
    ("reason", "details", "grounds", "words"),
    [
        (Reason.WITHDRAWN, (ReasonFact.NO_APPROVALS_FILE,), ABSENT, ("there is no approvals file",)),
        (Reason.RULE, ("posts[0]",), ABSENT, ("posts[0]",)),
        (Reason.FORBIDDEN, (), Grounds((QUIET,)), (f"{QUIET.message} (r.yaml:3:0)",)),
        (Reason.DATE_MOVED, (), Grounds(differences=(MOVED,)), (BERLIN,)),
        (
            Reason.EDITED,
            (),
            Grounds(differences=(Difference("caption", "Buy now", "Come by"),)),
            ("in the file -> on the site: caption: Buy now -> Come by",),
        ),
        (
            Reason.CHANGED,
            (ReasonFact.NOT_APPROVED_NOW.value,),  # as a saved plan has it
            Grounds(differences=(Difference("account", "17841", ""), MOVED)),
            (f"account: 17841 -> (not set); date: {BERLIN}", "nobody has approved it as it is now"),
        ),
    ],
)
def test_facts_are_worded_in_the_zone_of_the_site(
    reason: Reason, details: tuple[str, ...], grounds: Grounds | Absent, words: tuple[str, ...]
) -> None:
    assert facts_behind(reason, details, grounds, "Europe/Berlin") == words
