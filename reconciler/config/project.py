"""The project: reconciler.yaml -> which sites, which API, credentials by reference, policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.config import times
from reconciler.config.credentials import read_credentials
from reconciler.config.discovery import find_root, shown_path
from reconciler.config.layers import Layer, Layers
from reconciler.config.locations import check_api, check_state
from reconciler.config.rules import NotUsable, read_activities, read_posts, read_schedule, read_time
from reconciler.config.schema import check
from reconciler.config.secrets import ApiKeyRef, CredentialRef, FromEnv
from reconciler.config.sections import read_events, read_settings
from reconciler.config.yaml_source import only_document
from reconciler.model.canonical import EMPTY, Digest, digest_of, freeze
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, UsageError
from reconciler.model.policy import Policy, QuietHours

DEFAULT_CREDENTIALS: Final[Mapping[str, CredentialRef]] = MappingProxyType(
    {"default": ApiKeyRef(FromEnv("WIX_API_KEY"))}
)


class Defaults(Struct, frozen=True):
    """One entry of `defaults`: what is merged under each site that has these labels."""

    labels: tuple[tuple[str, str], ...]
    layer: Layer

    def applies(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(name) == value for name, value in self.labels)


class Project(Struct, frozen=True):
    """A project as its reconciler.yaml says it; each field has the default that holds without one.

    `state` and `api` are as written; `approvals` is a folder below `root`. `file` is None where there is no
    reconciler.yaml. `digest` is of the file's values.
    """

    root: Path
    file: Path | None = None
    sites: tuple[str, ...] = ("sites/*.yaml",)
    api: str = "wix"
    credentials: Mapping[str, CredentialRef] = field(default_factory=lambda: DEFAULT_CREDENTIALS)
    state: str = ".reconciler"
    approvals: str = "approvals"
    parallelism: int = 10
    requests_per_minute: int = 200
    poll_interval: timedelta = timedelta(seconds=5)
    poll_timeout: timedelta = timedelta(minutes=15)
    policy: Policy = Policy()
    digest: Digest = digest_of(EMPTY)
    defaults: tuple[Defaults, ...] = ()

    @property
    def approvals_folder(self) -> Path:
        return self.root / self.approvals

    def approvals_file(self, name: str) -> Path:
        """Where the approvals of a site are, whether or not there are any."""
        return self.approvals_folder / f"{name}.yaml"


def find_project(paths: Sequence[Path] = ()) -> Project:
    """The project that the paths lie in; the current directory's without a path.

    Raises UsageError where a path is not there or there are several projects, and InvalidFiles where
    reconciler.yaml has problems: with those of the site files too, so that all are seen at once.
    """
    root, file = find_root(paths)
    if file is None:
        return Project(root)
    problems: list[Diagnostic] = []
    project = _read_project(root, file, problems)
    if problems:
        raise InvalidFiles((*problems, *_problems_of_sites(project, paths)))
    return project


def _problems_of_sites(project: Project, paths: Sequence[Path]) -> tuple[Diagnostic, ...]:
    from reconciler.config.sites import check_sites

    try:
        check_sites(project, paths)
    except InvalidFiles as invalid:
        return invalid.problems
    except UsageError:  # the project file itself is what has to be put right first
        pass
    return ()


def _read_project(root: Path, file: Path, problems: list[Diagnostic]) -> Project:
    """The project file; where it has problems, what can be used of it, so that the site files can be checked."""
    document = only_document(file, shown_path(file), problems, "write `version: 1`, or delete it")
    if document is None:
        return Project(root, file, credentials=_AnyCredentials())
    checked = check(document, "project", problems)
    project = _project(root, file, Layers((Layer(document, checked.value),), problems))
    return project if checked.usable("credentials") else replace(project, credentials=_AnyCredentials())


class _AnyCredentials(dict[str, CredentialRef]):
    """Stands for credentials that cannot be read, so that the sites that name them are not wrong as well."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name, default or DEFAULT_CREDENTIALS["default"])


def _project(root: Path, file: Path, layers: Layers) -> Project:
    written: dict[str, Any] = layers.value
    for key, problem_of in (("api", check_api), ("state", check_state)):
        if key in written and (wrong := problem_of(written[key])):
            layers.problem((key,), *wrong)
    usable = Project(root, file)
    limits = written.get("limits", {})
    interval = _duration(layers, ("poll", "interval"), usable.poll_interval, positive=True)
    timeout = _duration(layers, ("poll", "timeout"), usable.poll_timeout, positive=True)
    if interval > timeout:
        layers.problem(("poll",), "the interval is longer than the timeout", "make the timeout the longer one")
    return Project(
        root=root,
        file=file,
        sites=tuple(written.get("sites", usable.sites)),
        api=written.get("api", usable.api),
        credentials=read_credentials(layers, root) if "credentials" in written else DEFAULT_CREDENTIALS,
        state=written.get("state", usable.state),
        approvals=written.get("approvals", usable.approvals),
        parallelism=int(limits.get("parallelism", usable.parallelism)),
        requests_per_minute=int(limits.get("requestsPerMinute", usable.requests_per_minute)),
        poll_interval=interval,
        poll_timeout=timeout,
        policy=_policy(layers),
        digest=digest_of(freeze(written)),
        defaults=_defaults(layers),
    )


def _duration(layers: Layers, path: tuple[str, str], default: timedelta, *, positive: bool = False) -> timedelta:
    text = layers.value.get(path[0], {}).get(path[1])
    if text is None:
        return default
    try:
        length: timedelta = read_time(times.duration, text, path, layers)
    except NotUsable:
        return default
    if positive and not length:
        layers.problem(path, "no time at all", "write a time like 5s or 15m")
    return length


def _policy(layers: Layers) -> Policy:
    written = layers.value.get("policy", {})
    quiet = None
    if "quietHours" in written:
        start, end = written["quietHours"]["from"], written["quietHours"]["to"]
        if start == end:
            layers.problem(
                ("policy", "quietHours"), "begin and end at the same time", "leave them out if there are none"
            )
        quiet = QuietHours(times.wall_time(start), times.wall_time(end))
    dates = set()
    for at, text in enumerate(written.get("blackoutDates", ())):
        try:
            dates.add(read_time(times.day, text, ("policy", "blackoutDates", at), layers))
        except NotUsable:
            continue
    return Policy(
        max_publish=written.get("maxPublish"),
        max_publish_per_site_per_day=written.get("maxPublishPerSitePerDay"),
        max_delete=written.get("maxDelete"),
        min_lead=_duration(layers, ("policy", "minLead"), timedelta(0)),
        quiet_hours=quiet,
        blackout_dates=frozenset(dates),
        banned_words=tuple(written.get("bannedWords", ())),
        require_media=written.get("requireMedia", False),
        place=str(layers.document.place(("policy",), key=True)) if written else layers.document.file,
    )


def _defaults(layers: Layers) -> tuple[Defaults, ...]:
    found: list[Defaults] = []
    for at, written in enumerate(layers.value.get("defaults", ())):
        if written is None:  # a bad one, told already
            continue
        labels = written.get("where", {}).get("labels", {})
        layer = Layer(layers.document, written, ("defaults", at))
        # What is wrong here is wrong for any site, also if no site has these labels yet.
        alone = Layers((layer,), layers.problems)
        for read in (read_settings, read_activities, read_posts):
            read(alone)
        if "events" in written.get("calendarEvents", {}):
            read_events(alone)
        if "rules" in written.get("schedule", {}):
            read_schedule(alone)
        found.append(Defaults(tuple(sorted(labels.items())), layer))
    return tuple(found)
