"""A worker's side of a run: one part, from the bytes of its task to the bytes of its answer.

It runs in a process that shares nothing with the run but the state store and what the task says. Credentials, proxies
and certificates come from its own environment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import assert_never

from reconciler.api.client import ReadClient
from reconciler.engine.drift import AuditedSite, audits
from reconciler.engine.parts import (
    Answer,
    Audited,
    Auditing,
    Failed,
    Job,
    OtherVersion,
    Outcome,
    Planned,
    Planning,
    Task,
    Told,
    entry_of,
    from_bytes,
    project_of,
    to_bytes,
    told_of,
)
from reconciler.engine.plan import plans
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.results import Emit, SiteFailed, SitePlanned
from reconciler.engine.selection import Selection
from reconciler.engine.session import Session
from reconciler.model.diagnostics import Diagnostic
from reconciler.version import __version__
from reconciler.wiring import open_session


def run_part(data: bytes) -> bytes:
    """Works on a part. Whatever happens is in the answer."""
    try:
        task = from_bytes(Task, data)
    except OtherVersion:
        what = f"a worker runs version {__version__}, and this run another one"
        return to_bytes(Answer(problem=Diagnostic("other-version", what, "install the same version on all of them")))
    try:
        return to_bytes(asyncio.run(_worked(task, os.environ)))
    except Exception as error:
        return to_bytes(Answer(problem=diagnostic_of(error)))


async def _worked(task: Task, environ: Mapping[str, str]) -> Answer:
    told: list[Told] = []

    def emit(event: object) -> None:
        if (travels := told_of(event)) is not None:
            told.append(travels)

    setup = task.setup
    project = project_of(setup.project, environ)
    entries = tuple(map(entry_of, task.sites))
    async with open_session(
        project,
        ReadClient,
        environ=environ,
        api=setup.api,
        state=setup.state,
        parallelism=setup.parallelism,
        commit=lambda _: setup.commit,
    ) as session:
        results = _results(session, Selection(project, entries, task.job.context.targets, len(entries)), task.job, emit)
        outcomes = [_outcome(result) async for result in results]
    return Answer(tuple(told), tuple(outcomes))


def _results(
    session: Session[ReadClient], selection: Selection, job: Job, emit: Emit
) -> AsyncIterator[SitePlanned | AuditedSite | SiteFailed]:
    match job:
        case Planning(context=context):
            return plans(session, selection, context, emit)
        case Auditing(context=context):
            return audits(session, selection, context, emit)
        case _:
            assert_never(job)


def _outcome(result: SitePlanned | AuditedSite | SiteFailed) -> Outcome:
    match result:
        case SitePlanned():
            return Planned.of(result)
        case AuditedSite(site=site, would=would, reached=reached):
            return Audited(site.report, site.labels, site.seconds, would, reached)
        case SiteFailed():
            return Failed.of(result)
        case _:
            assert_never(result)
