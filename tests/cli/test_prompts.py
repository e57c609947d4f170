"""Questions on a terminal."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.cli import prompts


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
