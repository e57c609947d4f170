"""`merge`: joins the saved plans, or the JSON reports, of all parts of a run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.engine.plan_file import LARGEST_WHOLE, StoredPlans, readable_plan, write_file, write_plan
from reconciler.engine.results import PartsMerged
from reconciler.engine.saved import check_destination
from reconciler.model.canonical import ABSENT, Absent
from reconciler.model.codec import Malformed, ascii_text, from_plain, parse
from reconciler.model.diagnostics import UsageError
from reconciler.model.text import printable
from reconciler.model.verdict import Verdict, verdict_with, worst
from reconciler.planner.document import KIND, RunArguments, RunBackground, RunPart, SavedPlan
from reconciler.version import __version__

Report = Mapping[str, Any]


def merge_files(files: Sequence[Path], out: Path) -> SavedPlan | PartsMerged:
    """Joins the saved plans, or the JSON reports, in some files, and writes the whole to `out`.

    Raises UsageError for files that are not all parts of one whole.
    """
    check_destination(out)
    plans = [_is_plan(file) for file in files]
    if any(plans) and not all(plans):
        raise UsageError("these are plans and reports", "merge plans and reports separately")
    if all(plans):
        write_plan(out, merged_plans([(printable(str(file)), readable_plan(file)) for file in files]))
        return readable_plan(out)
    report = merged_reports([(printable(str(file)), _report(file)) for file in files])
    write_file(out, [ascii_text(report).encode("ascii"), b"\n"])
    return PartsMerged(len(files), len(report.get("sites", ())), report_verdict(report))


def _is_plan(file: Path) -> bool:
    """Whether a file looks like a saved plan rather than a report."""
    return re.search(rf'"kind"\s*:\s*"{KIND}"'.encode(), _read(file, 1000)) is not None


def _report(file: Path) -> dict[str, Any]:
    """The JSON report in a file."""
    name, data = printable(str(file)), _read(file, LARGEST_WHOLE + 1)
    try:
        document = parse(data) if len(data) <= LARGEST_WHOLE else None
    except Malformed:
        document = None
    if not isinstance(document, dict) or "command" not in document:
        raise UsageError(
            f"{name} is neither a saved plan nor a JSON report", "make it with plan --out or --output json=FILE"
        )
    return document


def _read(file: Path, limit: int) -> bytes:
    name = printable(str(file))
    try:
        return read_regular(file, limit)
    except NotRegular:
        raise UsageError(f"{name} is not a regular file", "give the files that the --shard runs wrote") from None
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}", "check the path") from None


def merged_plans(found: Sequence[tuple[str, SavedPlan]]) -> SavedPlan:
    """One saved plan of all sites of these parts, valid until the first of them expires.

    `found` has each part with the name of its file. Raises UsageError for parts that do not belong together.
    """
    check_parts([(file, saved.part) for file, saved in found])
    first_file, first = found[0]
    sites: dict[str, str] = {}
    for file, saved in found:
        if (saved.api, saved.valid_for) != (first.api, first.valid_for):
            raise UsageError(
                f"{file} is for the API {printable(saved.api)}, but {first_file} is for {printable(first.api)}",
                "merge the shards of one run",
            )
        for plan in saved.plans:
            id = plan.site.id.lower()
            if id in sites:
                raise UsageError(f"{file} and {sites[id]} both have the site {plan.site.name}", "plan all shards again")
            sites[id] = file
    plans = StoredPlans()
    for _, saved in found:
        for plan in saved.plans:
            plans.add(plan)
    made_at = min(saved.made_at for _, saved in found)
    commit = first.commit if all(saved.commit == first.commit for _, saved in found) else None
    whole = SavedPlan(str(uuid.uuid4()), __version__, first.api, made_at, plans, first.valid_for)
    return replace(whole, project=first.project, commit=commit, background=_background([saved for _, saved in found]))


def _background(parts: Sequence[SavedPlan]) -> RunBackground | None:
    """What is known about the run that made all parts; None if an earlier version made one of them."""
    known = [part.background for part in parts if part.background is not None]
    if len(known) < len(parts):
        return None
    refusals = tuple(dict.fromkeys(why for each in known for why in each.refusals))
    return RunBackground(known[0].of, all(each.covers_all for each in known), refusals, _arguments(known[0]))


def _arguments(part: RunBackground) -> RunArguments | Absent:
    """The arguments of all parts, without the one that tells the parts apart."""
    if isinstance(part.arguments, Absent) or "--shard" not in part.arguments.sites:
        return part.arguments
    at = part.arguments.sites.index("--shard")
    without = replace(part.arguments, sites=part.arguments.sites[:at] + part.arguments.sites[at + 2 :])
    return ABSENT if without == RunArguments() else without


def check_parts(found: Sequence[tuple[str, RunPart | None]]) -> None:
    """Raises UsageError unless these are all parts of one whole, each once."""
    parts: dict[int, str] = {}
    first: RunPart | None = None
    for file, part in found:
        if part is None:
            raise UsageError(
                f"{file} is not a shard: it was made without --shard", "merge only files made with --shard"
            )
        first = first or part
        if part.count != first.count:
            raise UsageError(
                f"{file} is shard {part.number:,} of {part.count:,}, "
                f"but {found[0][0]} is shard {first.number:,} of {first.count:,}",
                "merge the shards of one run",
            )
        if part.config != first.config:
            raise UsageError(
                f"{file} and {found[0][0]} were made from different files or with different options",
                "run all shards from the same commit with the same options",
            )
        if part.number in parts:
            raise UsageError(f"{file} and {parts[part.number]} are both shard {part.number:,}", "name each shard once")
        parts[part.number] = file
    assert first is not None
    if missing := [number for number in range(1, first.count + 1) if number not in parts]:
        shown = ", ".join(map(str, missing[:8])) + (" and more" if len(missing) > 8 else "")
        one = len(missing) == 1
        raise UsageError(
            f"{'shard' if one else 'shards'} {shown} of {first.count:,} {'is' if one else 'are'} missing",
            "name the files of all shards",
        )


def merged_reports(found: Sequence[tuple[str, Report]]) -> dict[str, Any]:
    """One JSON report of all parts: sites and problems in the order of the parts, counts added up.

    Raises UsageError for reports that do not belong together.
    """
    check_parts([(file, part_of(file, report)) for file, report in found])
    in_order = [report for _, report in sorted(found, key=lambda pair: pair[1]["run"]["part"]["number"])]
    commands = sorted({str(report.get("command")) for report in in_order})
    if len(commands) > 1:
        raise UsageError(f"these are reports of different commands: {', '.join(map(printable, commands))}")
    whole: dict[str, Any] = {}
    for key in dict.fromkeys(key for report in in_order for key in report):
        values = [report[key] for report in in_order if key in report]
        if key in ("verdict", "exitCode"):
            continue
        if key == "formatVersion":
            whole[key] = values[0]
        elif key == "run":
            whole[key] = {**_joined(values), "of": max(run.get("of", 0) for run in values)}
            whole[key].pop("part")
        else:
            whole[key] = _joined(values)
            if key == "problems" and isinstance(whole[key], list):  # every part repeats the warnings about files
                whole[key] = list({ascii_text(problem): problem for problem in whole[key]}.values())
    verdict = worst(map(report_verdict, in_order))
    return {**whole, "verdict": verdict.value, "exitCode": verdict.exit_code}


def part_of(file: str, report: Report) -> RunPart | None:
    """The part that a report says it is."""
    run = report.get("run")
    part = run.get("part") if isinstance(run, dict) else None
    if part is None:
        return None
    try:
        return from_plain(RunPart, part)
    except Malformed as error:
        raise UsageError(f"{file} is not a report that can be merged: {error}", "run its shard again") from None


def report_verdict(report: Report) -> Verdict:
    """How the run of a report ended. A report that does not say was cut short, and counts as a failure."""
    return verdict_with(report.get("exitCode"))


def _joined(values: list[Any]) -> Any:
    """One member's values from several reports: lists concatenated, counts added, objects merged by member."""
    first = values[0]
    if all(isinstance(value, bool) for value in values):
        return any(values)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return sum(values)
    if all(isinstance(value, list) for value in values):
        return [member for value in values for member in value]
    if all(isinstance(value, dict) for value in values):
        return {key: _joined([value[key] for value in values if key in value]) for key in _keys(values)}
    return first


def _keys(values: Iterable[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for value in values for key in value))
