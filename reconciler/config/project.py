"""The project: reconciler.yaml -> which sites, which API, credentials by reference, policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.config import times
from reconciler.config.credentials import read_credentials
from reconciler.config.discovery import find_root, shown_path
from reconciler.config.events import read_default_events
from reconciler.config.layers import Layer, MergedDocument
from reconciler.config.locations import check_api, check_state
from reconciler.config.patterns import wrong_pattern
from reconciler.config.problems import Problems
from reconciler.config.rules import NotUsable, read_activities, read_pause, read_posts, read_schedule, read_time
from reconciler.config.schema import check
from reconciler.config.secrets import ApiKeyRef, CredentialRef, FromEnv
from reconciler.config.sections import read_settings
from reconciler.config.stamps import Stamp, stamp_of
from reconciler.config.trust import Trust, refused_api, refused_path
from reconciler.config.words import KeyPath, listed
from reconciler.config.yaml_source import only_document, read_file
from reconciler.model.address import Labels
from reconciler.model.canonical import EMPTY, Digest, digest_of, freeze
from reconciler.model.diagnostics import Diagnostic, InvalidFiles, Place
from reconciler.model.policy import Policy, QuietHours

SEED: Final = "sandbox.yaml"
"""The seed of the sandbox's world, in the project's folder."""

DEFAULT_STATE: Final = ".reconciler"

DEFAULT_CREDENTIALS: Final[Mapping[str, CredentialRef]] = MappingProxyType(
    {"default": ApiKeyRef(FromEnv("WIX_API_KEY"))}
)


class Defaults(Struct, frozen=True):
    """One entry of `defaults`: what is merged under each site with these labels."""

    labels: Labels
    layer: Layer

    @property
    def place(self) -> Place:
        """Where it says which sites it is for; if it does not say, where it begins."""
        return self.layer.document.place((*self.layer.prefix, "where"), key=True)

    def applies(self, labels: Mapping[str, str]) -> bool:
        """Whether it applies to a site with these labels."""
        return all(labels.get(name) == value for name, value in self.labels)


class ProjectAccount(Struct, frozen=True):
    """The `account` of a project: whose sites `import --all` and `doctor` list, and with which credentials."""

    id: str
    credentials: str = "default"


PARALLELISM: Final = 32
"""Number of sites processed in parallel by default."""

SANDBOX_POLL: Final = timedelta(milliseconds=500)
"""How often the sandbox is polled by default: it is ready within seconds, and reading it costs nothing."""


class ProjectConfig(Struct, frozen=True):
    """A project as defined in its reconciler.yaml; each field has the default that applies without that file.

    `state` and `api` are as written; `approvals` is a folder below `root`. `file` is None if there is no
    reconciler.yaml. `digest` covers the file's values; `stamp` is that of the file when it was read. `trust` is
    what was allowed from outside the repository.
    """

    root: Path
    file: Path | None = None
    sites: tuple[str, ...] = ("sites/**/*.yaml", "sites/**/*.yml")
    api: str = "wix"
    credentials: Mapping[str, CredentialRef] = field(default_factory=lambda: DEFAULT_CREDENTIALS)
    state: str = DEFAULT_STATE
    approvals: str = "approvals"
    parallelism: int = PARALLELISM
    parallelism_adapts: bool = True
    """Whether no number was given, so that a run may find a better one."""
    requests_per_minute: int = 200
    poll_interval: timedelta = timedelta(seconds=5)
    poll_timeout: timedelta = timedelta(minutes=15)
    policy: Policy = Policy()
    digest: Digest = digest_of(EMPTY)
    defaults: tuple[Defaults, ...] = ()
    account: ProjectAccount | None = None
    trust: Trust = Trust()
    stamp: Stamp = None
    content: bytes = b""
    """The file as it was read."""
    is_whole: bool = True
    """Whether its sites, approvals, defaults and policy are complete: nothing in them was wrong and left out."""

    @property
    def approvals_folder(self) -> Path:
        """The folder of the approvals files."""
        return self.root / self.approvals

    def approvals_file(self, name: str) -> Path:
        """Where the approvals of a site belong, whether or not there are any."""
        return self.approvals_folder / f"{name}.yaml"


class InvalidProject(InvalidFiles):
    """A project file with problems. `project` is the usable part of it, so that the site files can be checked too."""

    def __init__(self, problems: Sequence[Diagnostic], project: ProjectConfig) -> None:
        super().__init__(problems)
        self.project = project


def find_project(paths: Sequence[Path] = (), trust: Trust | None = None) -> ProjectConfig:
    """The project that the paths belong to; without paths, the current directory's.

    Raises UsageError if a path does not exist or there are several projects, and InvalidProject if reconciler.yaml has
    problems. To read the site files too, use `open_project`, which reports the problems of both.
    """
    root, file = find_root(paths)
    trust = trust or Trust()
    problems = Problems()
    project = ProjectConfig(root, trust=trust) if file is None else _read_project(root, file, trust, problems)
    if file is None:
        problems.extend(refused.at(Place(shown_path(root / name))) for _, name, refused in _places_outside(project))
    if problems:
        raise InvalidProject(problems.reported(), project)
    return project


def project_of_content(root: Path, file: Path | None, content: bytes, trust: Trust) -> ProjectConfig:
    """A project from the content of its file, which was read elsewhere. Raises InvalidProject."""
    problems = Problems()
    project = ProjectConfig(root, trust=trust) if file is None else _project_in(content, root, file, trust, problems)
    if problems:
        raise InvalidProject(problems.reported(), project)
    return project


def _read_project(root: Path, file: Path, trust: Trust, problems: list[Diagnostic]) -> ProjectConfig:
    """The project file. If it has problems: the usable part of it, so that the site files can be checked."""
    stamp = stamp_of(file)
    content = None
    if refused := refused_path(file, root, trust):
        problems.append(refused.at(Place(shown_path(file))))
    else:
        content = read_file(file, shown_path(file), problems)
    if content is None:
        return ProjectConfig(root, file, credentials=_AnyCredentials(), trust=trust, is_whole=False)
    return _project_in(content, root, file, trust, problems, stamp)


def _project_in(
    content: bytes, root: Path, file: Path, trust: Trust, problems: list[Diagnostic], stamp: Stamp = None
) -> ProjectConfig:
    """What a project file says, or the usable part of it: without a stamp if none of it is usable."""
    unusable = ProjectConfig(root, file, credentials=_AnyCredentials(), trust=trust, content=content, is_whole=False)
    document = only_document(file, shown_path(file), problems, "write `version: 1`, or delete it", content)
    if document is None:
        return unusable
    checked = check(document, "project", problems)
    misfits = len(problems)
    project = _project(root, file, trust, MergedDocument((Layer(document, checked.value),), problems))
    is_whole = len(problems) == misfits and all(map(checked.usable, OF_SITES))
    project = replace(project, content=content, stamp=stamp, is_whole=is_whole)
    return project if checked.usable("credentials") else replace(project, credentials=_AnyCredentials())


OF_SITES: Final = ("sites", "approvals", "defaults", "policy")
"""The sections that warnings about site files depend on."""


class _AnyCredentials(dict[str, CredentialRef]):
    """Stands in for credentials that cannot be read, so that the sites that name them are not reported as well."""

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name, default or DEFAULT_CREDENTIALS["default"])


def _project(root: Path, file: Path, trust: Trust, merged: MergedDocument) -> ProjectConfig:
    written: dict[str, Any] = merged.value
    usable = ProjectConfig(root, file)
    limits = written.get("limits", {})
    often = SANDBOX_POLL if written.get("api") == "sandbox" else usable.poll_interval
    interval = _duration(merged, ("poll", "interval"), often, positive=True)
    timeout = _duration(merged, ("poll", "timeout"), usable.poll_timeout, positive=True)
    if interval > timeout:
        merged.problem(("poll",), "the interval is longer than the timeout", "make the timeout longer")
    credentials = read_credentials(merged, root, trust) if "credentials" in written else DEFAULT_CREDENTIALS
    project = ProjectConfig(
        root=root,
        file=file,
        sites=tuple(pattern for pattern in written.get("sites", usable.sites) if not wrong_pattern(pattern)),
        api=written.get("api", usable.api),
        credentials=credentials,
        state=written.get("state", usable.state),
        approvals=written.get("approvals", usable.approvals),
        parallelism=int(limits.get("parallelism", usable.parallelism)),
        parallelism_adapts="parallelism" not in limits,
        requests_per_minute=int(limits.get("requestsPerMinute", usable.requests_per_minute)),
        poll_interval=interval,
        poll_timeout=timeout,
        policy=_policy(merged),
        digest=digest_of(freeze(written)),
        defaults=_defaults(merged),
        account=_account(merged, credentials),
        trust=trust,
    )
    _check_places(project, merged)
    return project


def _check_places(project: ProjectConfig, merged: MergedDocument) -> None:
    """Reports what the file may not say about the API, the state or folders."""
    trust, written = project.trust, merged.value
    wrong = check_api(project.api) or (refused_api(project.api, trust) if trust.api is None else None)
    if wrong and "api" in written:
        merged.problem(("api",), wrong.message, wrong.fix)
    if (wrong := check_state(project.state)) and "state" in written:
        merged.problem(("state",), wrong.message, wrong.fix)
    for key, name, refused in _places_outside(project):
        path: KeyPath = (key,) if key in written else ()
        message = refused.message if path else f"{name} {refused.message}"
        merged.problem(path, message, refused.fix, continues=True)
    for at, pattern in enumerate(written.get("sites", ())):
        if wrong := wrong_pattern(pattern):
            merged.problem(("sites", at), wrong.message, wrong.fix)


def _places_outside(project: ProjectConfig) -> Iterator[tuple[str, str, Diagnostic]]:
    """The folders and files of a project that lead outside it: the key that names each, its name, and the problem."""
    places = [("approvals", project.approvals), ("", SEED)]
    if project.trust.state is None and "://" not in project.state and "\0" not in project.state:
        places.append(("state", project.state))
    places.append(("", f"{DEFAULT_STATE}/sandbox.db"))
    covered: list[str] = []
    for key, name in places:
        if any(name.startswith(f"{folder}/") for folder in covered):  # one cause is one problem
            continue
        if refused := refused_path(project.root / name, project.root, project.trust):
            covered.append(name)
            yield key, name, refused


def _account(merged: MergedDocument, credentials: Mapping[str, CredentialRef]) -> ProjectAccount | None:
    written = merged.value.get("account")
    if written is None or "id" not in written:  # an invalid id is left out, and already reported
        return None
    account = ProjectAccount(written["id"], written.get("credentials", "default"))
    if account.credentials not in credentials:
        path = ("account", "credentials") if "credentials" in written else ("account",)
        merged.problem(path, "no credentials have this name", f"use one of: {listed(sorted(credentials))}")
    return account


def _duration(
    merged: MergedDocument, path: tuple[str, str], default: timedelta, *, positive: bool = False
) -> timedelta:
    text = merged.value.get(path[0], {}).get(path[1])
    if text is None:
        return default
    try:
        length: timedelta = read_time(times.duration, text, path, merged)
    except NotUsable:
        return default
    if positive and not length:
        merged.problem(path, "must be longer than zero", "write a duration such as 5s or 15m", continues=True)
    return length


def _policy(merged: MergedDocument) -> Policy:
    written = merged.value.get("policy", {})
    quiet = None
    if "quietHours" in written:
        start, end = written["quietHours"]["from"], written["quietHours"]["to"]
        if start == end:
            merged.problem(
                ("policy", "quietHours"),
                "begin and end at the same time",
                "leave them out, or write two different times",
                continues=True,
            )
        quiet = QuietHours(times.wall_time(start), times.wall_time(end))
    dates = set()
    for at, text in enumerate(written.get("blackoutDates", ())):
        try:
            dates.add(read_time(times.day, text, ("policy", "blackoutDates", at), merged))
        except NotUsable:
            continue
    return Policy(
        max_publish=written.get("maxPublish"),
        max_publish_per_site_per_day=written.get("maxPublishPerSitePerDay"),
        max_delete=written.get("maxDelete"),
        min_lead=_duration(merged, ("policy", "minLead"), timedelta(0)),
        quiet_hours=quiet,
        blackout_dates=frozenset(dates),
        banned_words=tuple(written.get("bannedWords", ())),
        require_media=written.get("requireMedia", False),
        paused=read_pause(written.get("paused", False)),
        max_discard=written.get("maxDiscard"),
        checks=tuple(written.get("checks", ())),
        place=merged.document.place(("policy",), key=True) if written else Place(merged.document.file),
        places=tuple((key, merged.document.place(("policy", key), key=True)) for key in sorted(written)),
    )


def _defaults(merged: MergedDocument) -> tuple[Defaults, ...]:
    found: list[Defaults] = []
    for at, written in enumerate(merged.value.get("defaults", ())):
        if written is None:  # an invalid one, already reported
            continue
        labels = written.get("where", {}).get("labels", {})
        layer = Layer(merged.document, written, ("defaults", at))
        # What is wrong here is wrong for any site, even if no site has these labels yet.
        alone = MergedDocument((layer,), merged.problems)
        for read in (read_settings, read_activities, read_posts):
            read(alone)
        read_default_events(alone)
        if "rules" in written.get("schedule", {}):
            read_schedule(alone)
        found.append(Defaults(tuple(sorted(labels.items())), layer))
    return tuple(found)
