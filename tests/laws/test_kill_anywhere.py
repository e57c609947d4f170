"""Kill anywhere: a run that is killed at any moment is finished by the next one, and nothing is done twice.

At every request of a full scenario, just before it is sent, after it took effect and after its answer, and before
and after every note in the state. Every moment is tried, none is sampled.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.laws.guillotine import fork, killed_at, left_behind, moments_of, run_again
from tests.laws.scenario import STAGES, Undisturbed, play

BLOCK = 12
"""Moments that one worker tries in a row; neighbours often leave the same behind."""

Say = Callable[[str], None]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Undisturbed, ...]]:
    folder = tmp_path_factory.mktemp("scenario")
    yield play(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def say(request: pytest.FixtureRequest) -> Say:
    """Prints a line whatever is captured."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def show(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", end="")

    return show


def test_the_scenario_does_everything_that_must_not_be_done_twice(played: tuple[Undisturbed, ...]) -> None:
    routes = {f"{one['method']} {one['path'].rpartition('/')[2]}" for stage in played for one in stage.writes}
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
        "POST publish-by-id",
        "POST reschedule",
        "PATCH cancel",
        "DELETE marketing-plan",
    }


@pytest.mark.parametrize("place", range(len(STAGES)), ids=[one.name for one in STAGES])
def test_a_run_killed_at_any_moment_is_finished_by_the_next(
    place: int, played: tuple[Undisturbed, ...], tmp_path: Path, say: Say
) -> None:
    stage = played[place]
    moments = moments_of(stage, tmp_path / "moments")
    blocks = [range(start, min(start + BLOCK, len(moments))) for start in range(0, len(moments), BLOCK)]
    workers = min(os.cpu_count() or 1, len(blocks))
    children = []
    for number in range(workers):
        child = fork()
        if child == 0:
            _work(stage, [at for block in blocks[number::workers] for at in block], tmp_path / str(number))
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * workers
    results = [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(workers)]
    tried = sum(one["tried"] for one in results)
    failures = {int(at): why for one in results for at, why in one["failures"].items()}
    say(f"kill anywhere, {stage.stage.name}: {tried} boundaries tried, {len(failures)} failures")
    assert tried == len(moments)
    assert not failures, "\n".join(f"{at} ({moments[at]}): {why}" for at, why in sorted(failures.items()))


def _work(stage: Undisturbed, moments: list[int], folder: Path) -> None:
    """Kills at each of these moments, and leaves the figures in a file. Ends the process."""
    status, tried, failures = 1, 0, {}
    known: dict[str, str | None] = {}
    try:
        for moment in moments:
            killed_at(stage, moment, folder)
            left = left_behind(folder)
            if left not in known:
                known[left] = _finish(stage, folder)
            if (why := known[left]) is not None:
                failures[moment] = why
            tried += 1
        folder.with_suffix(".json").write_text(json.dumps({"tried": tried, "failures": failures}))
        status = 0
    finally:
        os._exit(status)


def _finish(stage: Undisturbed, folder: Path) -> str | None:
    try:
        run_again(stage, folder)
    except Exception as error:  # whatever it is, it is this moment's failure
        return f"{type(error).__name__}: {error}"
    return None
