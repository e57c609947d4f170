"""A plan as lines of text: each action with its reason, what is blocked, refused or waits for review."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from reconciler.engine.results import SiteFailed, SitePlanned
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.operations import Deferred, Verb, class_of
from reconciler.planner.actions import Action, Plan, StillGoingOut
from reconciler.reporters import words
from reconciler.reporters.context import CallsOf
from reconciler.reporters.diagnostics import of_its_site
from reconciler.reporters.layout import Screen, Span, Style, wrapped

STYLES: dict[Verb, Style] = {
    Verb.CREATE: Style.GREEN,
    Verb.UPDATE: Style.YELLOW,
    Verb.DELETE: Style.RED,
    Verb.GENERATE: Style.CYAN,
    Verb.PUBLISH: Style.MAGENTA,
    Verb.CANCEL: Style.RED,
    Verb.WAIT: Style.DIM,
}

INDENT = 14
"""Where an action's address starts, and where its further lines do."""


class PlanText(Struct, frozen=True):
    """Writes plans. `calls_of` names an operation's API calls; it is given with `--explain` only."""

    screen: Screen
    calls_of: CallsOf | None = None

    def site(self, result: SitePlanned | SiteFailed) -> Iterator[str]:
        """All lines of one site; none for a converged one."""
        if isinstance(result, SiteFailed):
            symbol, word = ("=", "refused") if result.refused else ("E", "failed")
            yield from self._entry(symbol, word, Style.RED, result.name, of_its_site(result.problem))
            return
        plan = result.plan
        for goes_out in plan.still_going_out:
            yield from going_out_lines(goes_out, plan.time_zone, self.screen)
        if self.calls_of and result.reads:
            yield from wrapped((Span(f"  read: {', '.join(result.reads)}", Style.DIM),), self.screen, hang=8)
        for action in plan.actions:
            yield from self.action(action, plan)
        for one in plan.to_review:
            yield from self._entry(
                "?",
                "review",
                Style.CYAN,
                str(one.address),
                f"{one.channel} {words.value(one.title)}",
                words.IN_REVIEW[one.state],
            )
        for blocked in plan.blocked:
            yield from self.blocked(blocked)
        for refusal in plan.refusals:
            yield from self.refusal(refusal)
        for note in plan.notes:
            yield from wrapped((Span(f"  note: {note}"),), self.screen, hang=8)

    def action(self, action: Action, plan: Plan) -> Iterator[str]:
        """An action: symbol, word, address, what it does, and why."""
        explain = self.calls_of is not None
        verb = action.operation.verb
        what = words.describe(action.operation, plan.time_zone, whole=explain)
        spans = [Span(f"({words.reason(action)})", Style.DIM)]
        if what.phrase:
            spans.insert(0, Span(what.phrase))
        if isinstance(action.operation, Deferred):
            head = f"  {words.SYMBOLS[verb]} {verb} {what.phrase}"
            spans = [Span(head, STYLES[verb]), spans[-1]]
        else:
            head = f"  {words.SYMBOLS[verb]} {verb:<8}"
            spans = [Span(head, STYLES[verb]), Span(str(action.address), Style.BOLD), *spans]
        yield from wrapped(spans, self.screen, hang=INDENT)
        for line in what.lines:
            yield from wrapped((Span(line),), self.screen, indent=INDENT, hang=INDENT + 2)
        if self.calls_of:
            yield from self._explanation(action, plan, self.calls_of)

    def _explanation(self, action: Action, plan: Plan, calls_of: CallsOf) -> Iterator[str]:
        lines = [f"class: {class_of(action.operation)}"]
        if isinstance(action.operation, Deferred):
            lines.insert(0, f"address: {action.address}")
        lines += [f"call: {call}" for call in calls_of(action.operation, plan.site)]
        lines += [f"needs: {words.precondition(required)}" for required in action.requires]
        for line in lines:
            yield from wrapped((Span(line, Style.DIM),), self.screen, indent=INDENT, hang=INDENT + 2)

    def blocked(self, blocked: Diagnostic) -> Iterator[str]:
        """A blocked item, with what a person can do about it."""
        yield from self._entry("#", "blocked", Style.YELLOW, str(blocked.address), blocked.message)
        yield from self._fix(blocked.fix)

    def refusal(self, refusal: Diagnostic) -> Iterator[str]:
        """A guard's no, with how to lift it."""
        yield from self._entry("=", "refused", Style.RED, str(refusal.address), refusal.message)
        yield from self._fix(refusal.fix)

    def _entry(self, symbol: str, word: str, style: Style, address: str, text: str, why: str = "") -> Iterator[str]:
        spans = [Span(f"  {symbol} {word:<8}", style), Span(address, Style.BOLD), Span(text)]
        if why:
            spans.append(Span(f"({why})", Style.DIM))
        yield from wrapped(spans, self.screen, hang=INDENT)

    def _fix(self, fix: str) -> Iterator[str]:
        if fix:
            yield from wrapped((Span(f"fix: {fix}"),), self.screen, indent=INDENT, hang=INDENT + 5)


def going_out_lines(post: StillGoingOut, zone: str, screen: Screen) -> Iterator[str]:
    """A post that goes out although nobody wants it any more: what, when, why, and where to stop it by hand."""
    when = f" on {words.moment(post.moment, zone)}" if post.moment else ""
    account = f" ({post.account})" if post.account else ""
    what = f"{post.channel}{account} {words.value(post.title)} still goes out{when}: {post.obstacle}"
    why = "; ".join((words.REASONS[post.reason], *post.because))
    spans = (
        Span("  ! unwanted", Style.RED),
        Span(str(post.address), Style.BOLD),
        Span(what),
        Span(f"({why})", Style.DIM),
    )
    yield from wrapped(spans, screen, hang=INDENT)
    yield from wrapped((Span(f"fix: {post.stop}"),), screen, indent=INDENT, hang=INDENT + 5)
