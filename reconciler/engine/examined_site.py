"""What `doctor` checks about one site: whether it lacks anything that its file needs. Only reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from reconciler.api.client import ReadClient
from reconciler.api.errors import ApiError, ErrorKind
from reconciler.engine import facts
from reconciler.engine.examined_project import ProjectFindings
from reconciler.engine.known_reader import KnownReader
from reconciler.engine.plan import judged
from reconciler.engine.problems import diagnostic_of
from reconciler.engine.run_context import RunContext
from reconciler.engine.session import Session, plan_options
from reconciler.executor.observe import merged, observe_and_plan
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.marketing_plan import PlanStatus
from reconciler.model.plurals import plural
from reconciler.model.posts import channel_name
from reconciler.model.sites import ChannelStatus, DesiredSite, Need, ObservedSite, RecordedSite
from reconciler.planner.candidates import SUPPORTED_CHANNELS
from reconciler.planner.channel_rules import not_connected
from reconciler.planner.doubt import with_known_status

SHORT_HORIZON: Final = timedelta(days=7)
"""A marketing plan with less time left is reported: it covers two months at most (D 6.2), and ends without notice."""

STOPPING: Final = frozenset({ErrorKind.UNAUTHENTICATED, ErrorKind.NOT_FOUND, ErrorKind.NETWORK, ErrorKind.REDIRECT})
"""After one of these, any other read of the site would fail in the same way."""


class SiteExamination:
    """The examination of one site."""

    def __init__(self, session: Session[ReadClient], desired: DesiredSite, found: ProjectFindings) -> None:
        self.session = session
        self.desired = desired
        self.found = found
        self.observed = ObservedSite(desired.ref, session.clock.now())
        self.denied = False
        self._unmet: list[Diagnostic] = []
        """How the site differs from the file's `expect`.

        Added only if no plan is made: a plan's refusals say the same.
        """

    async def examine(self) -> None:
        """Reads what is needed, and judges it."""
        recorded = await self.session.store.load(self.desired.ref)
        if not await self._read(Need.SETTINGS):
            return
        self.found.facts.append(facts.KeyAccepted())
        await self._read(Need.MARKETING_PLAN)
        await self._read(Need.PUBLISHED)
        await self._read(Need.PROPERTIES)
        self._published()
        if self.observed.time_zone is None:
            fix = (
                "set it in the dashboard, or let the key read site properties; "
                "until then, the zone of its scheduled posts is used, or UTC"
            )
            self.found.add(Diagnostic("no-time-zone", "the site's time zone cannot be read", fix, Severity.NOTE))
        else:
            self.found.facts.append(facts.InTimeZone(self.observed.time_zone))
        if self.desired.events is not None and await self._read(Need.EVENTS):
            self.found.facts.append(facts.EventsCounted(len(self.observed.events or ())))
        self._marketing_plan(recorded)
        if self.desired.schedule is not None or self.desired.expect.channels:
            await self._publishing()
        self._record(recorded)
        await self._refusals(recorded)

    async def _read(self, need: Need, channels: tuple[str, ...] = ()) -> bool:
        """Reads a part and returns whether that worked; if not, the reason is a finding."""
        reader = self.session.client.reader()
        try:
            read = await reader.read(self.desired.ref, frozenset({need}), channels=channels)
        except ApiError as error:
            if not (self.denied and error.kind in STOPPING):
                self.found.add(diagnostic_of(error, self.desired.ref.name))
            self.denied = True
            return False
        self.observed = merged(self.observed, read)
        return True

    def _add(self, problem: Diagnostic, *, expected: bool) -> None:
        """Adds what was found. What concerns the file's `expect` is kept apart: a plan's refusal may say the same."""
        if expected:
            self._unmet.append(problem)
        else:
            self.found.add(problem)

    def _published(self) -> None:
        match self.observed.published:
            case True:
                self.found.facts.append(facts.IsPublished())
            case False:
                fix = "publish it in the dashboard; nothing is generated for it until then"
                self._add(
                    Diagnostic("not-published", "the site is not published", fix, Severity.WARNING),
                    expected=self.desired.expect.published is True,
                )
            case None:
                fix = (
                    "give the key the permission SITE_URLS.READ; nothing is generated for a site that is not published"
                )
                what = "cannot tell whether the site is published"
                expected = self.desired.expect.published is not None
                self._add(Diagnostic("published-unknown", what, fix, Severity.NOTE), expected=expected)

    def _marketing_plan(self, recorded: RecordedSite) -> None:
        live = with_known_status(self.observed, recorded).marketing_plan
        if live is None:
            return
        now = self.session.clock.now()
        ahead = [activity.date for activity in live.activities if activity.date > now]
        until = max(ahead, default=None)
        days = (until - now).days if until else 0
        self.found.facts.append(facts.PlanFound(live.status, len(ahead), until, days))
        if live.status is PlanStatus.ACTIVE and self.desired.marketing_plan is not None:
            left = max(ahead, default=now) - now
            if left < SHORT_HORIZON:
                what = (
                    f"the marketing plan has activities for only {plural(left.days, 'more day')}"
                    if left.days
                    else "the marketing plan has no activities beyond the next 24 hours"
                )
                fix = "`reconciler apply --regenerate SITE` generates the next ones"
                self.found.add(Diagnostic("short-horizon", what, fix, Severity.WARNING))
        elif live.status in (PlanStatus.INACTIVE, PlanStatus.FAILED) and self.desired.marketing_plan is not None:
            what, fix = f"the marketing plan is {live.status}", "`reconciler apply` generates it again"
            self.found.add(Diagnostic("plan-not-active", what, fix, Severity.NOTE))

    async def _publishing(self) -> None:
        """Checks channels, features and quotas, if posts are to go out."""
        schedule = self.desired.schedule
        rules = schedule.rules if schedule is not None else ()
        named = {channel for rule in rules for channel in rule.channels} | set(self.desired.expect.channels)
        asked = tuple(sorted(named | (set(SUPPORTED_CHANNELS) if any(not rule.channels for rule in rules) else set())))
        if asked and await self._read(Need.CHANNELS, asked):
            self._channels(frozenset(named))
        if rules and await self._read(Need.FEATURES):
            self._features()

    def _channels(self, named: frozenset[str]) -> None:
        connected = [channel for channel, status in self.observed.channels if status is ChannelStatus.VALID]
        others = [
            (channel, status)
            for channel, status in self.observed.channels
            if status is not ChannelStatus.VALID and (channel in named or status is not ChannelStatus.NEVER_CREATED)
        ]
        self.found.facts.append(facts.ChannelsFound(tuple(connected), tuple(others)))
        if not connected and not named:
            fix = "connect one in the site's dashboard; nothing can go out until then"
            self.found.add(Diagnostic("no-channel", "no channel is connected", fix, Severity.WARNING))
        for channel, status in self.observed.channels:
            if channel in named and status is ChannelStatus.UNKNOWN:
                what = f"cannot tell whether {channel_name(channel)} is connected"
                fix = "give the key the permission Manage Social Posts (SCOPE.PROMOTE.MANAGE-SOCIAL-POSTS)"
                expected = channel in self.desired.expect.channels
                self._add(Diagnostic("channel-unknown", what, fix, Severity.NOTE), expected=expected)
            elif channel in named and (lost := not_connected(channel, status)) is not None:
                self._add(lost, expected=channel in self.desired.expect.channels)

    def _features(self) -> None:
        for feature in self.observed.features or ():
            self.found.facts.append(facts.FeatureFound(feature))
            if not feature.enabled:
                what = f"the site's premium plan does not include {feature.type}"
                self.found.add(Diagnostic("feature-missing", what, "choose a premium plan that does", Severity.WARNING))
            elif feature.remaining == 0:
                what = f"the quota for {feature.type} is used up"
                fix = "wait for the next period, or choose a larger premium plan"
                self.found.add(Diagnostic("quota-exhausted", what, fix, Severity.WARNING))

    def _record(self, recorded: RecordedSite) -> None:
        name, where = self.desired.ref.name, self.session.store.where
        self.found.facts.append(facts.Recorded(recorded.is_known))
        if count := len(recorded.open):
            what = f"an earlier run left {plural(count, 'unconfirmed call')}"
            them = "it" if count == 1 else "them"
            fix = f"the next apply checks what became of {them}; `reconciler state show {name}{where}` lists {them}"
            self.found.add(Diagnostic("unconfirmed-calls", what, fix, Severity.WARNING))

    async def _refusals(self, recorded: RecordedSite) -> None:
        """Checks what would stop a plan of the site."""
        if self.denied:
            self.found.findings += self._unmet
            return
        options = plan_options(self.session, RunContext(), self.desired.ref.name)
        reader = KnownReader(self.session.client.reader(), self.observed)
        observed, plan = await observe_and_plan(reader, self.desired, recorded, options)
        plan, _ = judged(self.session, RunContext(), self.desired, observed, plan)
        for refusal in plan.refusals:
            self.found.add(refusal)
