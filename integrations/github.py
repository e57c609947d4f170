"""What `action.yml` runs: the command with its reports, and one comment, issue or pull request kept up to date.

Its arguments are the action's inputs (`INPUT_...`) and what GitHub's runners set. It needs nothing but Python, git and
the `reconciler` beside its interpreter, and writes to the forge only what `--output markdown` has made harmless.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

MARKER = "<!-- reconciler -->"
"""The first line of what `--output markdown` writes."""

COMMANDS = ("validate", "plan", "apply", "drift", "review", "merge")
BOT = "github-actions[bot]"
LABEL = "reconciler-drift"
PARTS = ("--shard", "--target", "--exclude", "--changed-since")


class Failure(Exception):
    """Something that a person must fix; the text says what and how."""


class Inputs(NamedTuple):
    """The inputs of the action."""

    command: str
    path: str
    args: tuple[str, ...]
    plan_file: str
    parts: str
    allow_publish: bool
    comment: bool
    issue: bool
    branch: str
    approvals: str
    key: str
    token: str
    author: str


class Run(NamedTuple):
    """A command that has ended, and its reports."""

    code: int
    markdown: str
    report: Path


def inputs() -> Inputs:
    """As `action.yml` passes them. Raises Failure for an unknown command."""

    def value(name: str, default: str = "") -> str:
        return os.environ.get(f"INPUT_{name}", "").strip() or default

    command = value("COMMAND", "plan")
    if command not in COMMANDS:
        raise Failure(f"command: {command!r} must be one of: {', '.join(COMMANDS)}")
    path = value("PATH", ".")
    args = tuple(line.strip() for line in value("ARGS").splitlines() if line.strip())
    return Inputs(
        command,
        path,
        args,
        value("PLAN_FILE"),
        value("PARTS"),
        value("ALLOW_PUBLISH") == "true",
        value("COMMENT") == "true",
        value("ISSUE") == "true",
        value("BRANCH", "reconciler/review"),
        value("APPROVALS", "approvals"),
        value("KEY") or " ".join((path, *_narrowing(args))),
        value("TOKEN"),
        value("AUTHOR", BOT),
    )


def _narrowing(args: tuple[str, ...]) -> list[str]:
    """The arguments that limit a run to some of the sites, so that it says nothing about the others."""
    found: list[str] = []
    for number, arg in enumerate(args):
        name = arg.partition("=")[0].partition(" ")[0]
        if name in PARTS:
            found += args[number : number + (1 if name != arg else 2)]
    return [part.removeprefix("--").replace("=", " ") for part in found]


def main() -> int:
    """Runs the command that the inputs name. Returns the exit code of the step."""
    given = inputs()
    event = _event()
    if given.command == "plan" and _is_from_fork(event):
        print("::notice::This pull request comes from a fork, which has no secrets: its files are checked offline.")
        given = given._replace(command="validate", args=())
    match given.command:
        case "validate" | "plan" | "merge":
            return _plan(given, event)
        case "apply":
            return _run(given).code
        case "drift":
            return _drift(given)
        case _:
            return _review(given, event)


# --- commands --------------------------------------------------------------------------------------


def _plan(given: Inputs, event: dict[str, Any]) -> int:
    run = _run(given)
    number = event.get("pull_request", {}).get("number")
    if given.comment and number and not _is_from_fork(event):
        _output("url", _keep_comment(Forge(given), int(number), run.markdown))
    return 0 if run.code == 2 else run.code


def _drift(given: Inputs) -> int:
    run = _run(given)
    if given.issue:
        url = _keep_issue(Forge(given), run)
        if url:
            _output("url", url)
    return 0 if run.code == 2 else run.code


def _review(given: Inputs, event: dict[str, Any]) -> int:
    """Writes the approvals to their branch, on top of the decisions that people have made there."""
    base = event.get("repository", {}).get("default_branch") or os.environ.get("GITHUB_REF_NAME", "main")
    _git("config", "user.name", BOT)
    _git("config", "user.email", "41898282+github-actions[bot]@users.noreply.github.com")
    head = _git("rev-parse", "HEAD")
    if _git("ls-remote", "--heads", "origin", given.branch):
        _git("fetch", "--quiet", "origin", f"+refs/heads/{given.branch}:refs/remotes/origin/{given.branch}")
        _git("checkout", "--quiet", "-B", given.branch, f"origin/{given.branch}")
        try:
            _git("merge", "--quiet", "--no-edit", head)
        except Failure:
            _git("merge", "--abort")
            raise Failure(
                f"the branch {given.branch} conflicts with {base}: merge {base} into it, or merge its pull request, "
                "and run this again"
            ) from None
    else:
        _git("checkout", "--quiet", "-B", given.branch)
    run = _run(given)
    folder = Path(given.path) / given.approvals
    if folder.is_dir():
        _git("add", "--", str(folder))
    if _git("diff", "--cached", "--name-only"):
        _git("commit", "--quiet", "-m", "Review drafts of marketing plans")
    # A branch that was squash-merged still has commits of its own, but nothing to review.
    if _git("diff", "--name-only", head, "HEAD"):
        _git("push", "--quiet", "origin", f"HEAD:refs/heads/{given.branch}")
        _output("url", _keep_pull_request(Forge(given), given.branch, base, run.markdown))
    return run.code


def _run(given: Inputs) -> Run:
    """The command, with its annotations and outputs for the runner, and its reports in files."""
    folder = Path(os.environ["RUNNER_TEMP"]) / "reconciler-reports"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{given.command}-{hashlib.sha256(repr((given.key, given.args)).encode()).hexdigest()[:8]}"
    text, markdown, report = (folder / f"{name}.{ending}" for ending in ("txt", "md", "html"))
    plan_file = folder / f"{name}.plan"
    for file in (text, markdown, report, plan_file):
        file.unlink(missing_ok=True)  # left by an earlier step: this one must not report them
    arguments = [str(Path(sys.executable).with_name("reconciler")), given.command, given.path, *given.args]
    where = None
    match given.command:
        case "plan":
            arguments += ["--out", str(plan_file), "--detailed-exitcode"]
        case "merge":
            parts = sorted(glob.glob(given.parts, recursive=True))
            arguments[2:] = [*parts, "--out", str(plan_file)]
        case "apply":
            arguments += ["--auto-approve", *(["--allow-publish"] if given.allow_publish else [])]
            if given.plan_file:  # run in its project, because the plan is compared with that project's files
                project = Path(given.path)
                where = str(project if project.is_dir() else project.parent)
                arguments[2] = str(Path(given.plan_file).resolve())
        case _:
            pass
    outputs = ("github", f"text={text}", f"markdown={markdown}", f"html={report}")
    arguments += [part for output in outputs for part in ("--output", output)]
    code = _called(arguments, where)
    if text.is_file():
        print(f"::group::reconciler {given.command}", text.read_text("utf-8"), "::endgroup::", sep="\n")
    _output("name", name)
    if report.is_file():
        _output("report", str(report))
    if given.command in ("plan", "merge") and plan_file.is_file():
        _output("plan-file", str(plan_file))
    return Run(code, markdown.read_text("utf-8") if markdown.is_file() else "", report)


def _called(arguments: list[str], where: str | None = None) -> int:
    """Exit code of a program whose output goes into the log."""
    sys.stdout.flush()
    return subprocess.run(arguments, check=False, cwd=where).returncode


# --- the forge -------------------------------------------------------------------------------------


class Forge:
    """The REST API of the repository that the job runs in."""

    def __init__(self, given: Inputs) -> None:
        self._url = (
            f"{os.environ.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{os.environ['GITHUB_REPOSITORY']}"
        )
        self._token = given.token
        self._author = given.author
        self.key = re.sub(r"[^\w./ -]", "_", given.key).replace("--", "__")
        self.marker = f"<!-- reconciler: {self.key} -->"

    def body(self, markdown: str) -> str:
        """A text that can be found again by its first line."""
        return f"{self.marker}\n{markdown.removeprefix(MARKER).lstrip()}"

    def ours(self, found: dict[str, Any]) -> bool:
        """Whether an earlier run wrote a comment or an issue, and not a person who copied it."""
        author = found.get("user") or {}
        return author.get("login") == self._author and str(found.get("body") or "").startswith(self.marker)

    def all(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Every object of a list, from all its pages."""
        found: list[dict[str, Any]] = []
        for page in range(1, 101):
            more = self.call("GET", f"{path}?{urllib.parse.urlencode({**query, 'per_page': 100, 'page': page})}")
            found += more
            if len(more) < 100:
                break
        return found

    def call(self, method: str, path: str, **values: Any) -> Any:
        """One request. Raises Failure with what the forge said."""
        request = urllib.request.Request(  # noqa: S310 - the address is the runner's own
            f"{self._url}/{path}",
            json.dumps(values).encode() if values else None,
            {
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "reconciler",
            },
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            where = path.partition("?")[0]
            said = error.read(500).decode("utf-8", "replace")
            hint = "; give the job the permission for it" if error.code in (401, 403, 404) else ""
            raise Failure(f"{method} {where}: {error.code} {said}{hint}") from None
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise Failure(f"{method} {path.partition('?')[0]}: {error}") from None


def _keep_comment(forge: Forge, number: int, markdown: str) -> str:
    """Keeps one comment on the pull request up to date; returns its address."""
    for comment in forge.all(f"issues/{number}/comments"):
        if forge.ours(comment):
            return _url(forge.call("PATCH", f"issues/comments/{comment['id']}", body=forge.body(markdown)))
    return _url(forge.call("POST", f"issues/{number}/comments", body=forge.body(markdown)))


def _keep_issue(forge: Forge, run: Run) -> str | None:
    """Keeps one issue open as long as there is drift or an audit fails; returns its address."""
    opened = [issue for issue in forge.all("issues", state="open", labels=LABEL) if forge.ours(issue)]
    if run.code == 0:
        for issue in opened:
            forge.call("POST", f"issues/{issue['number']}/comments", body="The latest audit found no drift.")
            forge.call("PATCH", f"issues/{issue['number']}", state="closed", state_reason="completed")
        return _url(opened[0]) if opened else None
    what = "drift" if run.code == 2 else "the audit failed"
    title = f"reconciler: {what}" + (f" ({forge.key})" if forge.key != "." else "")
    if opened:
        return _url(forge.call("PATCH", f"issues/{opened[0]['number']}", title=title, body=forge.body(run.markdown)))
    return _url(forge.call("POST", "issues", title=title, body=forge.body(run.markdown), labels=[LABEL]))


def _keep_pull_request(forge: Forge, branch: str, base: str, markdown: str) -> str:
    """Keeps one pull request for the branch; returns its address."""
    owner = os.environ["GITHUB_REPOSITORY"].partition("/")[0]
    for found in forge.all("pulls", state="open", head=f"{owner}:{branch}", base=base):
        return _url(forge.call("PATCH", f"pulls/{found['number']}", body=forge.body(markdown)))
    title = "Review drafts of marketing plans"
    return _url(forge.call("POST", "pulls", title=title, head=branch, base=base, body=forge.body(markdown)))


def _url(found: dict[str, Any]) -> str:
    return str(found.get("html_url", ""))


# --- the runner ------------------------------------------------------------------------------------


def _event() -> dict[str, Any]:
    path = os.environ.get("GITHUB_EVENT_PATH")
    found = json.loads(Path(path).read_text("utf-8")) if path and Path(path).is_file() else {}
    return found if isinstance(found, dict) else {}


def _is_from_fork(event: dict[str, Any]) -> bool:
    request = event.get("pull_request")
    if not request:
        return False
    head = (request.get("head") or {}).get("repo") or {}
    return bool(head.get("full_name") != os.environ.get("GITHUB_REPOSITORY"))


def _git(*arguments: str) -> str:
    """What git printed. Raises Failure if it failed."""
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"git {' '.join(arguments[:2])}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def _output(name: str, value: str) -> None:
    """Sets an output of the step. None of the values has a line break."""
    path = os.environ.get("GITHUB_OUTPUT")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{name}={' '.join(value.split())}\n")


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    raise SystemExit(code)


if __name__ == "__main__":
    try:
        _end(main())
    except Failure as failure:
        said = " ".join(str(failure).split()).replace("%", "%25")
        print(f"::error title=reconciler::{said}")
        _end(1)
