"""The OpenMetrics format, for the textfile collector of a Prometheus exporter: gauges, and `# EOF`.

Each sample names its command, so that the files of an audit and of an apply can be in the same folder. A site without
anything to count has no sample. The time of the last success stays in the file while later runs fail: an alert checks
how old it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from reconciler.engine import adoption_results, results, site_results, state_results
from reconciler.executor.ledger import ActionResult, tally_of
from reconciler.model.address import ALL_SITES, Kind, SiteName
from reconciler.model.diagnostics import Severity
from reconciler.model.verdict import Verdict
from reconciler.model.writes import Verb
from reconciler.planner.actions import BlockedBy
from reconciler.planner.drift_report import DriftReport, DriftState, Finding
from reconciler.planner.review import ReviewStatus
from reconciler.reporters.context import ReporterContext
from reconciler.reporters.findings import Findings

_HELP: Final = {
    "pending": "Objects that are waiting for Wix, by site.",
    "blocked": "Objects that only a person can change, by site.",
    "still_going_out": "Posts that still go out although they are no longer wanted, by site.",
    "posts_published": "Posts that this run scheduled, by site.",
    "posts_failed": "Posts that could not be scheduled, or that failed to go out, by site.",
}


class OpenMetricsReporter:
    """Keeps what is not zero."""

    def __init__(self, context: ReporterContext) -> None:
        self._context = context
        self._began: datetime | None = None
        self._items: Counter[tuple[SiteName, Kind, Severity]] = Counter()
        self._counts: dict[str, Counter[SiteName]] = {name: Counter() for name in _HELP}
        self._sites = {"all": 0, "failed": 0, "refused": 0}
        self._sites_with_failures = 0
        """How many sites had a failed action, apart from those that an error stopped."""
        self._findings = Findings()
        self._problems: Counter[tuple[str, str, Severity]] = Counter()

    def handle(self, event: results.Event) -> None:  # noqa: C901 - a case for each event
        now = None if self._context.now is None else self._context.now()
        self._began = self._began or now
        for finding in self._findings.of(event):
            site = finding.address.site if finding.address not in (None, ALL_SITES) else ""
            self._problems[site, finding.code, finding.severity] += 1
        match event:
            case results.RunStarted(sites=sites) | results.Validated(sites=sites):
                self._sites["all"] = sites
            case site_results.SitePlanned(name=name, tally=tally, plan=plan):
                counts = {"pending": tally.pending, "blocked": tally.blocked}
                not_out = sum(problem.code == BlockedBy.FAILED for problem in plan.blocked)
                self._count(name, {**counts, "still_going_out": tally.still_going_out, "posts_failed": not_out})
            case site_results.SiteReviewed(review=review):
                going_out, not_out = len(review.going_out), review.count(ReviewStatus.FAILED)
                self._count(review.site, {"still_going_out": going_out, "posts_failed": not_out})
            case site_results.SiteNotReviewed(name=name, going_out=posts_left):
                self._count(name, {"still_going_out": len(posts_left)})
            case site_results.SiteHistory(name=name, not_out=not_out):
                self._count(name, {"posts_failed": not_out})
            case site_results.SiteDrifted(name=name, report=report):
                self._audited(name, report)
            case site_results.SiteApplied(name=name, ledger=ledger):
                done = tally_of((ledger,))
                ended = [(entry.verb, entry.result) for entry in ledger.entries if not entry.at_another_time]
                counts = {"pending": done.pending, "still_going_out": done.still_going_out}
                not_scheduled = ended.count((Verb.PUBLISH, ActionResult.FAILED))
                posts = {
                    "posts_published": done.all_published,
                    "posts_failed": self._counts["posts_failed"][name] + not_scheduled,
                }
                self._count(name, {**counts, **posts})
                self._sites_with_failures += bool(done.failed and not ledger.error)
            case results.PlanCompleted() | results.DriftCompleted():
                refused = results.refused_sites(event)
                self._sites = {"all": event.sites, "failed": event.failed, "refused": refused}
                unstopped = (found.post.address.site for found in event.still_going_out)
                self._counts["still_going_out"].update(unstopped)
            case results.ApplyCompleted(plan=plan):
                failed = plan.failed + event.failed + self._sites_with_failures
                refused = plan.refused + event.refused
                self._sites = {"all": plan.sites, "failed": failed, "refused": refused}
            case (
                results.ReviewCompleted(sites=sites, failed=failed) | results.HistoryListed(sites=sites, failed=failed)
            ):
                self._sites = {"all": sites, "failed": failed, "refused": 0}
            case adoption_results.ImportCompleted(sites=sites, failed=failed):
                self._sites = {"all": sites, "failed": failed, "refused": 0}
            case adoption_results.SiteExamined(findings=findings):
                self._sites["failed"] += any(finding.severity is Severity.ERROR for finding in findings)
            case adoption_results.DoctorCompleted(sites=sites):
                self._sites["all"] = sites
            case state_results.StateListed(sites=listed):
                self._sites |= {"all": len(listed), "failed": sum(bool(site.problem) for site in listed)}
            case site_results.SiteFailed(name=name, unseen=unseen):
                self._count(name, {"still_going_out": len(unseen.going_out)})
            case results.Refused(still_going_out=posts_left) | results.Interrupted(still_going_out=posts_left):
                self._counts["still_going_out"].update(found.post.address.site for found in posts_left)
            case results.Ended():
                self._agree(event.verdict)
                self._context.write("".join(f"{line}\n" for line in self._lines(event, now)))
            case _:
                pass

    def _agree(self, verdict: Verdict) -> None:
        """Counts a failure or refusal of the run as a whole for all sites, if no single site has one."""
        sites = self._sites
        if verdict is Verdict.FAILED:
            sites["failed"] = sites["failed"] or sites["all"]
        if verdict is Verdict.REFUSED:
            sites["refused"] = sites["refused"] or sites["all"]

    def _count(self, name: SiteName, counts: Mapping[str, int]) -> None:
        """Replaces these counts of a site: in an apply, those of the ledger replace those of the plan."""
        for key, count in counts.items():
            self._counts[key].pop(name, None)
            if count:
                self._counts[key][name] = count

    def _audited(self, name: SiteName, report: DriftReport) -> None:
        for item in report.of(DriftState.DRIFTED):
            assert item.problem is not None
            self._items[name, item.address.kind, item.problem.severity] += 1
        for refusal in report.refusals:
            self._items[name, refusal.about.kind, Severity.ERROR] += 1
        failed = sum(item.finding is Finding.FAILED_POST for item in report.items)
        self._count(name, {"pending": report.tally.pending, "blocked": report.tally.blocked, "posts_failed": failed})

    def _lines(self, ended: results.Ended, now: datetime | None) -> Iterator[str]:
        yield from _family("reconciler_drift_items", "Objects that differ from their file.")
        for (site, kind, severity), count in sorted(self._items.items()):
            yield self._sample("drift_items", count, site=site, kind=kind, severity=severity)
        yield from _family("reconciler_problems", "Problems of the run by code, and by site if they belong to one.")
        for (where, code, severity), count in sorted(self._problems.items()):
            labels = {"site": where} if where else {}
            yield self._sample("problems", count, code=code, severity=severity, **labels)
        for name, help in _HELP.items():
            yield from _family(f"reconciler_{name}", help)
            for site, count in sorted(self._counts[name].items()):
                yield self._sample(name, count, site=site)
        yield from _family("reconciler_sites", "Sites in the run, and how many of them failed or were refused.")
        for outcome, count in self._sites.items():
            yield self._sample("sites", count, outcome=outcome)
        yield from _family("reconciler_exit_code", "Exit code of the run.")
        yield self._sample("exit_code", ended.exit_code)
        yield from _family("reconciler_outcome", "How the run ended: 1 for the outcome that applies, 0 for the others.")
        for verdict in Verdict:
            yield self._sample("outcome", int(verdict is ended.verdict), outcome=verdict.value)
        if now is not None and self._began is not None:
            yield from _family("reconciler_duration_seconds", "How long the run took.", unit="seconds")
            yield self._sample("duration_seconds", (now - self._began).total_seconds())
        name = "last_success_timestamp_seconds"
        last = now.timestamp() if now is not None and ended.verdict.is_success else self._last_success(name)
        if last is not None:
            yield from _family(f"reconciler_{name}", "When a run last succeeded.", unit="seconds")
            yield self._sample(name, last)
        yield "# EOF"

    def _last_success(self, name: str) -> float | None:
        """The time in the report before this one, if it has one for the same command."""
        start = re.escape(self._sample(name, 0).removesuffix("0"))
        found = re.search(rf"^{start}(\d{{1,12}}(?:\.\d{{1,9}})?)$", self._context.before, re.MULTILINE)
        return float(found[1]) if found else None

    def _sample(self, name: str, value: float, **labels: str) -> str:
        pairs = ",".join(
            f'{key}="{_label(text)}"' for key, text in {"command": self._context.command, **labels}.items()
        )
        return f"reconciler_{name}{{{pairs}}} {value}"


def _family(name: str, help: str, *, unit: str = "") -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {help}"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
