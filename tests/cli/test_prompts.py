"""Questions on a terminal."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.cli import prompts
from reconciler.planner.tally import PlanTally, Promises


def test_what_follows_an_interrupted_question_begins_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def nobody_answers() -> str:
        await asyncio.Event().wait()
        return ""

    async def interrupted() -> None:
        question = asyncio.ensure_future(prompts.agreed("Do it?", lambda: None))
        await asyncio.sleep(0)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question

    monkeypatch.setattr(prompts, "_line", nobody_answers)
    asyncio.run(interrupted())
    assert capsys.readouterr().err.endswith("accepted: \n")


ENDLESS = Promises(unbounded=1, unbounded_publish=1)


@pytest.mark.parametrize(
    ("tally", "asked"),
    [
        (PlanTally(publish=1), "make 1 post public? If not, it is withheld and"),
        (PlanTally(publish=2), "make 2 posts public? If not, they are withheld and"),
        (PlanTally(promises=Promises(publish=1)), "make up to 1 post public? If not, it is withheld and"),
        (PlanTally(promises=Promises(publish=4)), "make up to 4 posts public? If not, they are withheld and"),
        (PlanTally(publish=1, promises=Promises(publish=4)), "make 1 post and up to 4 more public? If not, they are"),
        (PlanTally(promises=Promises(unbounded=1)), "make posts public? If not, they are withheld and"),
        (PlanTally(promises=ENDLESS), "make posts public? If not, they are withheld and"),
        (PlanTally(publish=1, promises=ENDLESS), "make at least 1 post public? If not, they are withheld and"),
        (
            PlanTally(publish=3, promises=ENDLESS + Promises(publish=4)),
            "make at least 3 posts public? If not, they are",
        ),
        (PlanTally(publish=3, promises=Promises(unbounded=1)), "make 3 posts public? If not, they are"),
        (PlanTally(publish=1, moved=1), "Do you want to move 1 scheduled post to another time? If not, it is withheld"),
        (PlanTally(publish=5, moved=3), "make 2 posts public and move 3 scheduled posts to another time? If not, they"),
    ],
)
def test_the_question_names_what_would_go_public(tally: PlanTally, asked: str) -> None:
    assert asked in prompts.public_question("SANDBOX", tally)
