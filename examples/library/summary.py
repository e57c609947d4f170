"""Plans and applies the sites of one team, with one line per site: `python summary.py emea`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from reconciler import ApplyCompleted, Diagnostic, Project, SiteFailed

HERE = Path(__file__).parent


def message(problem: Diagnostic) -> str:
    return f"{problem.message}; {problem.fix}" if problem.fix else problem.message


async def main(team: str) -> int:
    target = f"label:team={team}"
    async with Project.open(HERE) as project:
        async for site in project.plan(targets=[target]):
            if isinstance(site, SiteFailed):
                print(f"{site.name}: {message(site.problem)}")
            else:
                print(f"{site.name}: {len(site.plan.actions)} to do")
        applied = await project.apply(targets=[target])  # publishes nothing without allow_publish=True
        match applied.outcome:
            case ApplyCompleted(tally=tally):
                print(f"{tally.changed} changed, {tally.generated} generated: {applied.verdict}")
            case refused:
                print(f"refused: {message(refused.reason)}")
        return applied.verdict.exit_code  # not 0 if a site failed or was refused, or if anything was left undone


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:2] or ["emea"])))
