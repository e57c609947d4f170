"""What to type next: the command, with those arguments of this run that keep it to the same sites and place."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.plurals import plural

if TYPE_CHECKING:
    from reconciler.planner.document import RunArguments
    from reconciler.planner.tally import PlanTally

NOTE: Final = "   ("
"""The beginning of the note after a command."""

MERGE: Final = "reconciler merge FILE... --out FILE   (once every shard is planned)"
"""The step after one of several shards is planned."""

PLAN_EACH: Final = (
    "reconciler plan --out FILE   (for each shard; then merge and apply, because a limit covers all shards together)"
)
"""The step after planning one of several shards that no apply may carry out alone."""

REGENERATE: Final = "--regenerate"
"""The option whose sites the next step leaves out once their generation has begun."""

_REACHING: Final = frozenset({"plan", "apply", "drift", "review"})
_OF_WHOLE_SITES: Final = frozenset({"review"})
_PLANNING: Final = frozenset({"plan", "apply"})


class Again(Struct, frozen=True):
    """The arguments of a run that the next command repeats.

    `paths` and `sites`: which sites; `reaching`: which API and state, and what is trusted; `planning`: what goes into a
    plan. Without them, `plan --target shop` would lead to an `apply` of every site.
    `is_part`: the plan is saved as one of several shards, which are merged first. `folder`: the project's folder, if
    `apply FILE` does not find it from here.
    """

    sites: tuple[str, ...] = ()
    reaching: tuple[str, ...] = ()
    planning: tuple[str, ...] = ()
    is_part: bool = False
    folder: str = ""
    paths: tuple[str, ...] = ()

    def with_those_of(self, plan: RunArguments, *, shown: bool) -> Again:
        """The same for the sites of a saved plan, and with what decided its content.

        If it is only `shown`, also with its state, unless another one is given, and with what it trusts.
        """
        own = tuple(word for word in self.planning if word not in plan.planning)
        sites, planning = (*plan.sites, *self.sites), (*plan.planning, *own)
        reaching = self.reaching
        if shown:
            reaching += without(plan.reached, "--state") if "--state" in reaching else plan.reached
        return replace(self, paths=plan.paths or self.paths, sites=sites, planning=planning, reaching=reaching)

    def without_regenerating(self, sites: Collection[str]) -> Again:
        """The same without `--regenerate` for these sites."""
        given, left = iter(self.planning), list[str]()
        for word in given:
            site = next(given) if word == REGENERATE else None
            if site is None:
                left.append(word)
            elif site not in sites:
                left += (word, site)
        return replace(self, planning=tuple(left))


def without(words: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The words without an option and its value."""
    at = words.index(option) if option in words else len(words)
    return words[:at] + words[at + 2 :]


def record_first(sites: int) -> str | None:
    """The step before approving drafts on sites without a record in the state; None if there are none."""
    which = "the site" if sites == 1 else plural(sites, "site")
    return f"reconciler apply   (run this first to record {which}; approvals count only after that)" if sites else None


def posts_to_publish(tally: PlanTally) -> str:
    """`2 posts and up to 5 more`: what a plan makes public; empty if there is nothing. Moves are not among them.

    Without a bound, it is `at least 2 posts`, or `posts` if none is certain.
    """
    certain, more = tally.publish - tally.moved, tally.promises.publish
    if tally.promises.unbounded_publish:
        return f"at least {plural(certain, 'post')}" if certain else "posts"
    posts = [plural(certain, "post")] if certain else []
    posts += [f"up to {more:,} more" if certain else f"up to {plural(more, 'post')}"] if more else []
    return " and ".join(posts)


def repeated(step: str, again: Again, saved_to: str = "") -> str:
    """A step such as `reconciler apply --allow-publish   (2 posts)`, with the arguments after its command.

    A saved plan (`saved_to`) contains its sites and everything that was planned, so the only arguments repeated
    are those that say where to carry it out.
    """
    if not step.startswith("reconciler "):  # "the same command again"
        return step
    typed, mark, note = step.partition(NOTE)
    program, command, *rest = typed.split(" ")
    if again.is_part and command == "apply":
        return MERGE
    saved = bool(saved_to) and command == "apply" and bool(rest)
    arguments = () if saved else (*again.paths, *again.sites)
    if command in _OF_WHOLE_SITES:
        arguments = tuple(_whole_sites(arguments))
    if command in _PLANNING and not saved:
        arguments += again.planning
    if command in _REACHING:
        arguments += again.reaching
    import shlex  # only a run that has a next step needs it

    enter = ("cd", shlex.quote(not_an_option(again.folder)), "&&") if again.folder and saved else ()
    words = (*enter, program, command, *((shlex.join(arguments),) if arguments else ()), *rest)
    if command == "approve" and again.reaching:
        # It reads files alone, so the step after it could not say which API and state these drafts are from.
        words += ("&&", repeated("reconciler plan", replace(again, planning=())))
    return " ".join(words) + mark + note


def not_an_option(path: str) -> str:
    """The path, in a form that no command takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def _whole_sites(arguments: tuple[str, ...]) -> Iterator[str]:
    """The arguments for a command that works on whole sites: the site of each target; no excluded drafts.

    Other excluded addresses are kept, so that the plan after it leaves out the same.
    """
    from reconciler.model.address import DRAFTLESS

    given = iter(arguments)
    targets: set[str] = set()
    for argument in given:
        if argument not in ("--target", "--exclude"):
            yield argument
            continue
        value = next(given)
        site, slash, rest = ("", "", "") if value.startswith("label:") else value.partition("/")
        if argument == "--target":
            value = site or value
            if value in targets:
                continue
            targets.add(value)
        elif slash and rest not in ("", "*", "site") and rest.partition("[")[0] not in DRAFTLESS:
            continue
        yield from (argument, value)
