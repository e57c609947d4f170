"""Kill anywhere: a run that is killed at any moment is finished by the next one, and nothing is done twice.

The moments are: at every request of a full scenario, just before it is sent, after it took effect and after its answer;
and before and after every note in the state. `-m exhaustive` tries every moment, a normal run a sample.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laws.guillotine import killed_at, left_behind, moments_of, run_again
from tests.laws.pool import SOME_OR_ALL, Say, some, work_off
from tests.laws.scenario import STAGES, Undisturbed


def test_the_scenario_does_everything_that_must_not_be_done_twice(played: tuple[Undisturbed, ...]) -> None:
    routes = {f"{write['method']} {write['path'].rpartition('/')[2]}" for stage in played for write in stage.writes}
    assert routes >= {
        "POST events",
        "POST marketing-settings",
        "POST generate-marketing-plan",
        "POST regenerate-marketing-plan-with-keyword-research",
        "POST items",
        "DELETE plan-marketing-activity",
        "POST generate-social-posts",
        "POST regenerate-marketing-activity-posts",
        "POST regenerate-marketing-activity-posts-media",
        "PATCH clear-marketing-activity-posts",
        "POST schedule-drafts",
        "POST reschedule",
        "PATCH cancel",
        "DELETE marketing-plan",
    }


@SOME_OR_ALL
@pytest.mark.parametrize("place", range(len(STAGES)), ids=[stage.name for stage in STAGES])
def test_a_run_killed_at_any_moment_is_finished_by_the_next(
    place: int, every: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    moments = moments_of(stage, tmp_path / "moments")
    tried = some(range(len(moments)), every, place)
    known: dict[str, str | None] = {}

    def attempt(case: int, folder: Path) -> str | None:
        killed_at(stage, tried[case], folder)
        left = left_behind(folder)
        if left not in known:
            known[left] = _finish(stage, folder)
        return known[left]

    failures = work_off(len(tried), attempt, tmp_path)
    say(f"kill anywhere, {stage.stage.name}: {len(tried)} of {len(moments)} boundaries tried, {len(failures)} failures")
    assert not failures, "\n".join(f"{tried[at]} ({moments[tried[at]]}): {why}" for at, why in sorted(failures.items()))


def _finish(stage: Undisturbed, folder: Path) -> str | None:
    try:
        run_again(stage, folder)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
