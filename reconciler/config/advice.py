"""Warnings about files: what is allowed but almost certainly a mistake, such as a rule that publishes nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from reconciler.config.approval_files import SUFFIX
from reconciler.config.discovery import shown_path
from reconciler.config.layers import IS_OVER, MergedDocument
from reconciler.config.project import Defaults, ProjectConfig
from reconciler.config.regular_files import read_regular
from reconciler.config.rules import NEVER_MATCHES, covers
from reconciler.config.words import KeyPath, close_match, listed, quoted
from reconciler.model.activities import SOCIAL, DesiredActivity, RemoveActivities, SetActivities
from reconciler.model.address import Labels
from reconciler.model.approvals import FOR_NOBODY
from reconciler.model.diagnostics import Diagnostic, Place, warning
from reconciler.model.marketing_plan import When
from reconciler.model.policy import Policy
from reconciler.model.posts import CHANNELS_GONE, POST_TYPES, channel_name
from reconciler.model.schedule import ScheduleRule
from reconciler.model.selectors import WEEKDAYS, Match
from reconciler.model.sites import DesiredSite

SCHEMA_MISSING: Final = "schema-missing"
WITHOUT_POSTS: Final = "schedule-without-posts"

VALIDATE_ONLY: Final = frozenset({IS_OVER, SCHEMA_MISSING, WITHOUT_POSTS})
"""Warnings that only `validate` gives: they make no difference to a run."""

MADE_BY_GENERATION: Final = timedelta(days=14)
"""The furthest ahead that a generation makes posts by itself: to the end of next week (D 6.2)."""

LAST_ZONE: Final = timedelta(hours=12)
"""How long a day still lasts in the last time zone after it has ended in UTC."""

LONGEST_DAY: Final = timedelta(hours=25)
"""The longest time between an activity and an `at` on its day, if the clocks go back."""

_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*(?:[-+=?.:][^{}]*)?\}|\$\{\{[^{}]*\}\}"
"""What shells, Terraform (`${var.name}`) and CI services (`${{ vars.NAME }}`) replace."""

_SCHEMA = b"$schema="
_MODELINE = re.compile(rb"^#\s*yaml-language-server:\s*\$schema=(\S+)", re.MULTILINE)
_HEAD = 2048
"""How many bytes at the start of a file are searched for a modeline."""


def advice_about_text(
    data: bytes, written: Path | str, shown: str, root: Path, schema: str = "site"
) -> Iterator[Diagnostic]:
    """Advice about what only editors read in a file: a schema that does not exist. `root` is the project's folder."""
    if _SCHEMA not in data:  # much faster than the expression, and most files have none
        return
    found = _MODELINE.search(data[:_HEAD])
    if found is None:
        return
    file = Path(written)
    name = found[1].decode("utf-8", "replace")
    if "://" in name or "\0" in name or os.path.exists(file.parent / name):
        return
    line = data.count(b"\n", 0, found.start()) + 1
    missing, usual = Path(os.path.normpath(file.parent / name)), root / "schemas" / f"{schema}.schema.json"
    # The schema is to be written to the modeline's path if its folder exists in the project, otherwise to `schemas/`.
    if missing.is_relative_to(root) and (os.path.isdir(missing.parent) or missing == usual):
        fix = f"correct the path, or create the file: {_writing(schema, missing)}"
    else:
        fix = f"change it to $schema={Path(os.path.relpath(usual, file.parent)).as_posix()}"
        fix = fix if usual.exists() else f"{fix}, and create the file: {_writing(schema, usual)}"
    message = f"the modeline names the schema {quoted(name)}, which does not exist"
    yield warning(Place(shown, line, 1), message, fix, code=SCHEMA_MISSING)


def advice_about_seed(file: Path) -> Iterator[Diagnostic]:
    """`advice_about_text`, for the seed of a project's sandbox."""
    with suppress(OSError):  # reported where its content is needed
        yield from advice_about_text(read_regular(file, _HEAD), file, shown_path(file), file.parent, "sandbox")


def _writing(schema: str, path: Path) -> str:
    """The command that writes a schema, which can be typed as it is."""
    import shlex

    folder, written = (shlex.quote(quoted(shown_path(place)).strip("'")) for place in (path.parent, path))
    making = "" if path.parent.is_dir() else f"mkdir -p {folder} && "
    return f"{making}reconciler schema {schema} > {written}"


def advice_about_values(
    site: DesiredSite, merged: MergedDocument, project: ProjectConfig, now: datetime | None = None
) -> Iterator[Diagnostic]:
    """Advice about values that are almost certainly a mistake, by themselves or with the project's policy.

    If `now` is given, also about dates that have passed in every time zone.
    """
    yield from merged.doubtful
    for at, rule in enumerate(site.activities):
        path: KeyPath = ("activities", at)
        if isinstance(rule, DesiredActivity):
            if now is not None and rule.target_date < now:
                what = "has passed, so runs no longer create the activity"
                yield merged.is_over((*path, "create", "targetDate"), what)
        elif isinstance(rule, SetActivities) and rule.max == 0:
            yield from _allows_nothing((*path, "max"), site.activities[at + 1 :], merged)
        else:
            yield from _never_matches(rule.match, (*path, "match"), now, merged)
    for at, posts in enumerate(site.posts):
        if posts.present and posts.max == 0:
            yield from _allows_nothing(("posts", at, "max"), site.posts[at + 1 :], merged)
        else:
            yield from _posts_of_none(posts.match, ("posts", at, "match"), now, merged)
    rules = site.schedule.rules if site.schedule is not None else ()
    for at, of_schedule in enumerate(rules):
        if of_schedule.max == 0:
            yield from _allows_nothing(("schedule", "rules", at, "max"), rules[at + 1 :], merged)
        else:
            where = ("schedule", "rules", at)
            yield from _never_lets_through(of_schedule, where, site, project.policy, now, merged)
    yield from _without_posts(site, rules, merged)


def _allows_nothing(path: KeyPath, below: Sequence[object], merged: MergedDocument) -> Iterator[Diagnostic]:
    """A warning about a `max` of 0, unless the rule keeps what it matches from the rules below it."""
    if not below:
        fix = "write a larger number, or remove the rule"
        yield merged.warning(path, "allows no matches", fix, code=NEVER_MATCHES, continues=True)


def _without_posts(site: DesiredSite, rules: Sequence[ScheduleRule], merged: MergedDocument) -> Iterator[Diagnostic]:
    """A schedule for drafts that nothing makes: no rule of `posts`, and no generation that reaches far enough.

    `posts: []` says that they are made elsewhere. Also warns about posts or a schedule if no tool generates drafts.
    """
    if (by_tools := _without_social(site, rules, merged)) is not None:
        yield by_tools
        return
    if "posts" in merged.value or not rules:
        return
    fix = "add rules under `posts`, or write `posts: []` if the drafts are made elsewhere"
    if site.marketing_plan is None:
        message = "this file generates no posts, so only drafts that are made elsewhere can go out"
        yield merged.warning(("schedule",), message, fix, code=WITHOUT_POSTS, key=True)
        return
    for at, rule in enumerate(rules):
        if rule.match.within is not None and rule.match.within > MADE_BY_GENERATION:
            message = (
                "reaches beyond the posts that a generation creates (to the end of next week at most), "
                "and there are no `posts` rules"
            )
            path = ("schedule", "rules", at, "match", "within")
            yield merged.warning(path, message, fix, code=WITHOUT_POSTS, continues=True)
            return


def _without_social(site: DesiredSite, rules: Sequence[ScheduleRule], merged: MergedDocument) -> Diagnostic | None:
    """A warning that the marketing plan is generated without the tool that drafts come from (D 6.2)."""
    tools, plan = (merged.value.get("settings") or {}).get("marketingTools"), site.marketing_plan
    if tools is None or SOCIAL in tools or plan is None or not plan.present or plan.when is When.NEVER:
        return None
    if any(isinstance(rule, DesiredActivity) and rule.type == SOCIAL for rule in site.activities):
        return None
    by_rule = any(posts.present for posts in site.posts)
    if not by_rule and ("posts" in merged.value or not rules):
        return None
    message, fix = f"without {SOCIAL} no drafts are generated", f"add {SOCIAL}, or remove "
    fix += "`posts`" if by_rule else "`schedule`"
    return merged.warning(("settings", "marketingTools"), message, fix, code=WITHOUT_POSTS)


def _never_lets_through(
    rule: ScheduleRule,
    path: KeyPath,
    site: DesiredSite,
    policy: Policy,
    now: datetime | None,
    merged: MergedDocument,
) -> Iterator[Diagnostic]:
    """At most one warning that a rule never lets a post through."""

    def never(key: KeyPath, message: str, fix: str, *, continues: bool = False) -> Diagnostic:
        return merged.warning((*path, *key), message, fix, code=NEVER_MATCHES, continues=continues)

    quiet, match = policy.quiet_hours, rule.match
    after = LONGEST_DAY if rule.at is not None else timedelta(0)
    if (nothing := _matches_nothing(match, (*path, "match"), merged)) is not None:
        yield nothing
    elif rule.at is not None and quiet is not None and quiet.covers(rule.at):
        hours = f"{quiet.start:%H:%M} to {quiet.end:%H:%M}"
        message = f"{rule.at:%H:%M} is within the project's quiet hours ({hours}), so nothing ever goes out"
        yield never(("at",), message, "choose another time, or change `policy.quietHours`")
    elif match.within is not None and match.within + after <= policy.min_lead:
        message = "does not reach beyond the project's `minLead`, so every match comes too late"
        yield never(("match", "within"), message, "look further ahead, or change `policy.minLead`", continues=True)
    elif (found := next(_posts_of_none(match, (*path, "match"), now, merged), None)) is not None:
        yield found
    elif match.end and now is not None and _end_of(match.end) <= now + policy.min_lead:
        message = "is closer than the project's `minLead`, so every match comes too late"
        yield merged.is_over((*path, "match", "to"), message)
    elif match.start and match.end and _last_day(match.start, match.end, match.weekdays, policy.blackout_dates) is None:
        yield never(("match",), "every matching day is a blackout date of the project", "choose other days")
    elif rule.channels and all(_is_gone(channel, match, now) for channel in rule.channels):
        names = " and ".join(channel_name(channel) for channel in rule.channels)
        last = max(CHANNELS_GONE[channel] for channel in rule.channels) - timedelta(days=1)
        message = f"nothing can be posted on {names} after {last:%Y-%m-%d}, so the rule lets nothing through"
        yield never(("channels",), message, "add another channel, or remove the rule")
    elif rule.types and rule.channels and not any(_has_type(channel, rule.types) for channel in rule.channels):
        names, types = listed(map(channel_name, rule.channels), "and"), listed(rule.types, "or")
        has = "has" if len(rule.channels) == 1 else "have"
        message = f"{names} {has} no posts of type {types}, so the rule lets nothing through"
        yield never(("types",), message, "add another type or channel, or remove the rule")
    elif (removed := _removed(path, match, site, merged)) is not None:
        yield removed


def _removed(path: KeyPath, match: Match, site: DesiredSite, merged: MergedDocument) -> Diagnostic | None:
    """A warning that another rule of the file removes all posts that could match; None if some may be left."""
    fix = "remove one of the two rules"
    if not any(isinstance(rule, DesiredActivity) for rule in site.activities):
        for at, rule in enumerate(site.activities):
            if not isinstance(rule, RemoveActivities):
                break
            if covers(rule.match, match):
                message = f"lets nothing through: activities[{at}] deletes all activities that it could match"
                return merged.warning(path, message, fix, code=NEVER_MATCHES, continues=True)
    for at, posts in enumerate(site.posts):
        if posts.present:
            break
        if covers(posts.match, match):
            message = f"lets nothing through: posts[{at}] removes the posts of all activities that it could match"
            return merged.warning(path, message, fix, code=NEVER_MATCHES, continues=True)
    return None


def _has_type(channel: str, types: Iterable[str]) -> bool:
    """Whether a channel has posts of one of the types; assumed of a channel that is not known."""
    known = POST_TYPES.get(channel)
    return known is None or not known.isdisjoint(types)


def _is_gone(channel: str, match: Match, now: datetime | None) -> bool:
    """Whether a channel has stopped taking posts before the first one that a rule lets through."""
    until = CHANNELS_GONE.get(channel)
    return until is not None and (
        (now is not None and now >= until)
        # A day begins up to 14 hours before it does in UTC.
        or (match.start is not None and match.start > until.date())
    )


def _posts_of_none(match: Match, path: KeyPath, now: datetime | None, merged: MergedDocument) -> Iterator[Diagnostic]:
    if match.type not in (None, SOCIAL):
        message, fix = f"only activities of the type {SOCIAL} have posts", "remove the rule, or change the type"
        yield merged.warning((*path, "type"), message, fix, code=NEVER_MATCHES)
    else:
        yield from _never_matches(match, path, now, merged)


def _matches_nothing(match: Match, path: KeyPath, merged: MergedDocument) -> Diagnostic | None:
    """A warning that no day at all is within a selector's bounds."""
    if match.within is not None and match.within <= timedelta(0):
        key, message, fix = "within", "is zero, so nothing ever matches", "write a duration like 21d or 2w"
    elif match.start and match.end and match.start > match.end:
        key, message, fix = "to", f"is before `from`, {match.start}, so nothing ever matches", "swap the two"
    else:
        return None
    return merged.warning((*path, key), message, fix, code=NEVER_MATCHES, continues=True)


def _never_matches(match: Match, path: KeyPath, now: datetime | None, merged: MergedDocument) -> Iterator[Diagnostic]:
    """At most one warning that a selector matches no activity, because of its days."""
    if (found := _matches_nothing(match, path, merged)) is not None:
        yield found
        return
    if match.end is None:
        return
    last = _last_day(match.start, match.end, match.weekdays) if match.start else match.end
    if last is None:
        days = listed((day.capitalize() for day in WEEKDAYS if day in match.weekdays), "or")
        message = f"no {days} falls between {match.start} and {match.end}"
        if match.start == match.end:
            message = f"{match.end} is not a {days}"
        yield merged.warning((*path, "weekdays"), message, "choose other days", code=NEVER_MATCHES)
    elif now is not None and _end_of(last) <= now:
        yield merged.is_over((*path, "to"), "has passed, so the rule no longer matches anything")


def _last_day(start: date, end: date, weekdays: frozenset[str], but: frozenset[date] = frozenset()) -> date | None:
    """The last day of a period on which something can match, not counting `but`; None if there is none."""
    for number in range((end - start).days + 1):
        day = end - timedelta(days=number)
        if day not in but and (not weekdays or WEEKDAYS[day.weekday()] in weekdays):
            return day
    return None


def _end_of(day: date) -> datetime:
    """When a day is over in every time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + LAST_ZONE


def unreplaced_variables(merged: MergedDocument, *, but: str = "") -> Iterator[Diagnostic]:
    """Texts that contain `${NAME}` or the like: files are read as they are, and variables are not replaced.

    `but` is a member that is left out: the `defaults` of a project are reported with the sites that inherit them.
    """
    for path, text in _texts(merged.value, ()):
        found = re.search(_VARIABLE, text)
        if found is not None and path[:1] != (but,):
            message = f"{found[0]} is taken literally: variables are not replaced in files"
            yield merged.warning(path, message, "write the value itself", code="variable-not-replaced")


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        if "${" in value:
            yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _texts(member, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, (*path, at))


def advice_about_policy(project: ProjectConfig) -> Iterator[Diagnostic]:
    """Limits under which no post of any site ever goes out; `paused` would say so more clearly."""
    limits = (
        ("maxPublish", project.policy.max_publish, "so every run that would publish is refused"),
        ("maxPublishPerSitePerDay", project.policy.max_publish_per_site_per_day, "so nothing ever goes out"),
    )
    for name, limit, so in limits:
        if limit == 0:
            fix = "write a larger number; to hold posts back, write `paused: hold`"
            yield warning(project.policy.place_of(name), f"policy.{name} is 0, {so}", fix, code=NEVER_MATCHES)


def unmatched_defaults(project: ProjectConfig, labels: Iterable[Labels]) -> Iterator[Diagnostic]:
    """The `defaults` whose `where` matches no site of the project. `labels` are those of each site."""
    known = {tuple(sorted(of_site)) for of_site in labels}
    for at, defaults in enumerate(project.defaults):
        if not any(defaults.applies(dict(of_site)) for of_site in known):
            yield _for_nobody(at, defaults, known)


def _shown(labels: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels)


def _for_nobody(index: int, defaults: Defaults, known: Iterable[Labels]) -> Diagnostic:
    """A warning that the `defaults` at a position match no site; its fix names the closest labels in use."""
    fix, pairs = "each is in use, but not together on one site", {pair for of_site in known for pair in of_site}
    names = sorted({name for name, _ in pairs})
    for name, value in defaults.labels:
        if name not in names:
            near = close_match(name, names)
            fix = f"did you mean {near}?" if near else f"labels in use: {listed(names) or 'none'}"
            break
        values = sorted({other for label, other in pairs if label == name})
        if value not in values:
            near = close_match(value, values)
            fix = f"did you mean {name}={near}?" if near else f"values of {name} in use: {listed(values[:8])}"
            break
    labels = f"{'label' if len(defaults.labels) == 1 else 'labels'} {_shown(defaults.labels)}"
    message = f"defaults[{index}].where: no site has the {labels}"
    return warning(defaults.place, message, fix, code="defaults-for-nobody")


def unread_approvals(project: ProjectConfig, file: Path) -> Diagnostic:
    """An approvals file in a folder or with an extension that no site reads; its decisions have no effect."""
    message = f"is an approvals file that nothing reads; approvals files are named {project.approvals}/<site>{SUFFIX}"
    return warning(Place(shown_path(file)), message, "move it there", code="file-not-read", continues=True)


def unowned_approvals(project: ProjectConfig, unowned: Sequence[str], sites: Sequence[str]) -> Iterator[Diagnostic]:
    """The approvals files that belong to no site of the project; their decisions have no effect."""
    for name in unowned:
        file = project.approvals_file(name)
        near = close_match(name, sites, alone=True)
        if near is not None and project.approvals_file(near).exists():  # that site has its own decisions
            near = None
        fix, shared = (
            f"if the site was renamed: git mv {shown_path(old)} {shown_path(project.approvals_file(new))} "
            "(deleting the file would withdraw its approvals); "
            "if the site is gone, delete the file (this cancels no posts)"
            for old, new in ((file, near or "NEW"), (project.approvals_file("OLD"), "NEW"))
        )
        message = f"no site is called {quoted(name)}, so no decision in this file counts"
        found = warning(Place(shown_path(file)), message, fix, code=FOR_NOBODY)
        yield replace(found, shared=("no site has the name of this file, so no decision in it counts", shared))
