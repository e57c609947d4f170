"""What git says: changes since the merge base, links and submodules, committed texts, and who decided."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.config.approval_files import ApprovalFiles
from reconciler.config.deciders import deciders_of
from reconciler.config.project import find_project
from reconciler.config.repository import GitError, Repository, trail
from reconciler.config.sites import open_project
from reconciler.config.trust import Trust, trust_of
from reconciler.model.approvals import Approvals
from reconciler.model.diagnostics import UsageError
from reconciler.reporters.diagnostics import sentence
from tests.config.conftest import HEAD, WriteProject

APPROVALS = """\
version: 1
site: shop
activities: []
"""


def git(folder: Path, *arguments: str, author: str = "Ada") -> str:
    identity = ("-c", f"user.name={author}", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str = "change", author: str = "Ada") -> None:
    git(folder, "add", "-A", "-f", author=author)
    git(folder, "commit", "-q", "-m", message, author=author)


def environment() -> dict[str, str]:
    return dict(trust_of(os.environ).environment)


def repository(folder: Path) -> Repository:
    return Repository(folder, environment())


@pytest.fixture
def checkout(write_project: WriteProject) -> Path:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/shop.yaml": HEAD})
    git(root, "-c", "init.defaultBranch=main", "init", "-q")
    commit(root)
    return root


def test_changes_count_from_the_merge_base(checkout: Path) -> None:
    """What main got after the branch left it is not a change of the branch."""
    git(checkout, "checkout", "-q", "-b", "branch")
    (checkout / "sites/mine.yaml").write_text("mine")
    commit(checkout)
    git(checkout, "checkout", "-q", "main")
    (checkout / "sites/shop.yaml").write_text("theirs")
    commit(checkout)
    git(checkout, "checkout", "-q", "branch")
    (checkout / "sites/new.yaml").write_text("not added yet")
    changed = repository(checkout).changed_since("main")
    assert changed.has(checkout / "sites/mine.yaml")
    assert changed.has(checkout / "sites/new.yaml")
    assert not changed.has(checkout / "sites/shop.yaml")
    assert not changed.has(Path("/elsewhere"))


@pytest.mark.parametrize("edit", ["what the link points to", "the link", "the link's link"])
def test_links_are_followed(edit: str, checkout: Path) -> None:
    (checkout / "common").mkdir()
    (checkout / "common/a.yaml").write_text("a")
    (checkout / "common/b.yaml").write_text("b")
    (checkout / "common/link.yaml").symlink_to("a.yaml")
    (checkout / "sites/linked.yaml").symlink_to("../common/link.yaml")
    (checkout / "folder").symlink_to("common")
    commit(checkout)
    assert not repository(checkout).changed_since("HEAD").has(checkout / "sites/linked.yaml")
    if edit == "what the link points to":
        (checkout / "common/a.yaml").write_text("other")
    else:
        link = checkout / ("sites/linked.yaml" if edit == "the link" else "common/link.yaml")
        link.unlink()
        link.symlink_to("../common/b.yaml" if edit == "the link" else "b.yaml")
    changed = repository(checkout).changed_since("HEAD")
    assert changed.has(checkout / "sites/linked.yaml")
    assert changed.has(checkout / "folder/a.yaml") == (edit == "what the link points to")
    assert not changed.has(checkout / "sites/shop.yaml")


def test_a_changed_submodule_covers_its_files(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "-c", "init.defaultBranch=main", "init", "-q")
    (other / "a.yaml").write_text("a")
    commit(other)
    git(checkout, "submodule", "add", "-q", str(other), "sites/eu")
    commit(checkout)
    file = checkout / "sites/eu/a.yaml"
    assert not repository(checkout).changed_since("HEAD").has(file)
    file.write_text("other")
    assert repository(checkout).changed_since("HEAD").has(file)
    commit(checkout / "sites/eu")
    assert repository(checkout).changed_since("HEAD").has(file)
    commit(checkout)
    assert repository(checkout).changed_since("HEAD~1").has(file)
    assert not repository(checkout).changed_since("HEAD").has(file)


@pytest.mark.parametrize("state", ["empty", "with a commit", "ignored"])
def test_a_repository_inside_that_is_no_submodule_is_new(state: str, checkout: Path) -> None:
    """For example a second checkout of a CI job: git names only its folder, and nothing in it is in HEAD."""
    if state == "ignored":
        (checkout / ".gitignore").write_text("eu\n")
        commit(checkout)
    inner = checkout / "sites/eu"
    inner.mkdir()
    git(inner, "init", "-q")
    file = inner / "a.yaml"
    file.write_text("a")
    if state != "empty":
        commit(inner)
    assert repository(checkout).changed_since("HEAD").has(file)
    assert not repository(checkout).changed_since("HEAD").has(checkout / "sites/shop.yaml")
    assert not repository(checkout).is_clean(file)
    assert repository(checkout).committed(file) is None


@pytest.mark.parametrize("where", ["checkout", "worktree"])
def test_a_sparse_checkout_names_the_site_files_that_it_leaves_out(
    where: str, checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sites are declared, although no file here says so: nobody should forget what the state knows of them."""
    (checkout / "sites/eu").mkdir()
    (checkout / "sites/eu/b.yaml").write_text(HEAD.replace("shop", "b").replace("3f0c", "3f0d"))
    (checkout / "other.yaml").write_text("a: 1")
    commit(checkout)
    folder = checkout
    if where == "worktree":
        folder = tmp_path_factory.mktemp("worktree") / "of-it"
        git(checkout, "worktree", "add", "-q", "--detach", str(folder))
    monkeypatch.chdir(folder)
    assert open_project()[1].warnings == ()
    git(folder, "sparse-checkout", "set", "--no-cone", "/reconciler.yaml", "/sites/shop.yaml")
    (warning,) = open_project()[1].run_warnings
    said = "sites/eu/b.yaml is left out of this sparse checkout, so it is not read"
    assert sentence(warning) == f"{said}; check it out: git sparse-checkout add sites/eu"
    git(folder, "sparse-checkout", "add", "sites/eu")
    assert open_project()[1].warnings == ()


def test_a_program_called_git_that_is_another_one_gives_no_commit(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 1.7.1\n")
    (tmp_path / "git").chmod(0o755)
    assert Repository(checkout, {"PATH": str(tmp_path)}).head() is None


def test_invalid_revisions(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for revision in ("nonsense", "--output=x"):
        with pytest.raises(UsageError, match=f"does not know the revision '{revision}'; has the history been fetched"):
            repository(checkout).changed_since(revision)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(UsageError, match="not in a git repository; leave --changed-since out to look at all"):
        repository(elsewhere).changed_since("HEAD")
    assert repository(elsewhere).head() is None
    assert len(repository(checkout).head() or "") == 40
    git(checkout, "checkout", "-q", "--orphan", "other")
    commit(checkout, "of another beginning")
    with pytest.raises(UsageError, match="HEAD and main have no commit in common; fetch more of the history"):
        repository(checkout).changed_since("main")


def test_a_checkout_of_another_user_is_named_with_its_remedy(checkout: Path) -> None:
    """As in many containers; git behaves so with this variable set."""
    strange = Repository(checkout, {**environment(), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"})
    with pytest.raises(UsageError) as raised:
        strange.changed_since("HEAD")
    assert "detected dubious ownership in repository" in raised.value.message
    assert raised.value.fix.startswith("to allow it: git config --global --add safe.directory")
    assert "git config" not in raised.value.message


def test_git_gets_a_clean_environment(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\nexit 1\n")
    (tmp_path / "bin/git").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert repository(checkout).head() is None
    seen = (tmp_path / "seen").read_text()
    assert "PATH=" in seen
    assert "WIX_API_KEY" not in seen
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        _ = repository(checkout).top


@pytest.fixture
def approvals(checkout: Path) -> Path:
    path = checkout / "approvals/shop.yaml"
    path.parent.mkdir()
    path.write_text(APPROVALS)
    return path


def read(checkout: Path, *, committed: bool = True) -> bool:
    """Whether the approvals file counts."""
    trust = Trust(committed=committed, environment=tuple(environment().items()))
    return ApprovalFiles(find_project([checkout], trust)).read("shop", [])[1] is not None


def test_only_committed_approvals_count(checkout: Path, approvals: Path) -> None:
    assert read(checkout, committed=False)
    assert not read(checkout)
    (checkout / ".gitignore").write_text("approvals/\n")
    assert not read(checkout)
    git(checkout, "add", "-f", "approvals")
    assert not read(checkout)
    commit(checkout)
    assert read(checkout)
    committed = repository(checkout).committed(approvals)
    approvals.write_text(APPROVALS + "# and a yes that nobody reviewed\n")
    assert repository(checkout).committed(approvals) == committed == APPROVALS.encode()
    assert read(checkout)
    approvals.write_text("not approvals at all")  # what is on the disk is not looked at
    assert read(checkout)
    git(checkout, "rm", "-q", "--cached", "approvals/shop.yaml")
    assert read(checkout)  # HEAD still has it
    commit(checkout)


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_an_edit_that_git_is_told_to_ignore_is_not_committed(checkout: Path, approvals: Path, flag: str) -> None:
    commit(checkout)
    git(checkout, "update-index", flag, "approvals/shop.yaml")
    approvals.write_text(APPROVALS + "# and a yes that nobody reviewed\n")
    assert git(checkout, "status", "--porcelain") == ""
    assert repository(checkout).committed(approvals) == APPROVALS.encode()
    assert not repository(checkout).is_clean(approvals)
    assert repository(checkout).author_of_line(approvals, 1) is None
    assert repository(checkout).changed_since("HEAD").has(approvals)


def test_nothing_takes_the_place_of_what_is_committed(checkout: Path, approvals: Path) -> None:
    """`git replace` makes other commands show another text under the name of the committed one."""
    commit(checkout)
    approvals.write_text(APPROVALS + "# and a yes that nobody reviewed\n")
    ours, other = (
        git(checkout, "rev-parse", "HEAD:approvals/shop.yaml"),
        git(checkout, "hash-object", "-w", str(approvals)),
    )
    git(checkout, "replace", ours.strip(), other.strip())
    assert repository(checkout).committed(approvals) == APPROVALS.encode()


def test_a_folder_is_clean_with_everything_in_it(checkout: Path, approvals: Path) -> None:
    folder = approvals.parent

    def clean() -> tuple[bool, bool, bool]:
        found = repository(checkout)
        return found.is_clean_below(folder), found.is_clean_below(checkout / "sites"), found.is_clean_below(checkout)

    assert clean() == (False, True, False)
    commit(checkout)
    assert clean() == (True, True, True)
    approvals.write_text("changed")
    assert clean() == (False, True, False)
    approvals.unlink()
    folder.rmdir()
    assert clean() == (False, True, False)
    commit(checkout)
    assert clean() == (True, True, True)  # there is nothing, as in HEAD


def test_git_is_not_asked_about_each_site_without_approvals(
    checkout: Path, approvals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(checkout)
    files = ApprovalFiles(find_project([checkout], Trust(committed=True, environment=tuple(environment().items()))))
    assert files.read("one", []) == (Approvals(), None)
    monkeypatch.setattr(Repository, "is_clean", None)
    assert files.read("other", []) == (Approvals(), None)


def test_decisions_that_are_not_committed_are_known(checkout: Path, approvals: Path) -> None:
    def uncommitted() -> set[str]:
        trust = Trust(committed=True, environment=tuple(environment().items()))
        return set(ApprovalFiles(find_project([checkout], trust)).read("shop", [])[0].uncommitted)

    yes = (
        APPROVALS.rstrip().removesuffix("[]")
        + "\n- id: b3f9\n  title: Mugs\n  date: 2026-12-03T09:00:00Z\n  decision: keep\n  drafts:\n"
        + f"  - {{id: 834d, channel: INSTAGRAM, type: POST, decision: approve sha256:{'0' * 64}, media: []}}\n"
    )
    approvals.write_text(yes)
    assert uncommitted() == {"834d"}
    commit(checkout)
    assert uncommitted() == set()
    approvals.write_text(yes.replace("decision: keep", "decision: discard") + "# and more\n")
    assert uncommitted() == {"b3f9"}
    approvals.write_text(yes.replace("approve sha256:0", "approve sha256:1"))
    assert uncommitted() == {"834d"}
    approvals.write_text(yes.replace("decision: approve", "decision: pending"))
    assert uncommitted() == {"834d"}
    approvals.write_text(yes + "# only a remark\n")
    assert uncommitted() == set()
    approvals.unlink()
    assert uncommitted() == {"834d"}
    approvals.parent.rmdir()
    assert uncommitted() == {"834d"}
    commit(checkout)
    assert uncommitted() == set()


def test_a_deleted_link_to_approvals_counts_until_that_is_committed(checkout: Path, approvals: Path) -> None:
    (checkout / "elsewhere").mkdir()
    approvals.rename(checkout / "elsewhere/shop.yaml")
    approvals.symlink_to("../elsewhere/shop.yaml")
    commit(checkout)
    approvals.unlink()
    assert read(checkout)
    shutil.rmtree(checkout / "elsewhere")
    assert read(checkout)
    commit(checkout)
    assert not read(checkout)


def test_without_approvals_a_missing_repository_is_not_reported(write_project: WriteProject) -> None:
    root = write_project({"reconciler.yaml": "version: 1\n", "sites/shop.yaml": HEAD})
    trust = Trust(committed=True, environment=tuple(environment().items()))
    found = ApprovalFiles(find_project([root], trust))
    assert (found.read("shop", [])[1], found.warnings) == (None, ())


def test_a_committed_link_counts_with_what_it_leads_to(checkout: Path, approvals: Path) -> None:
    (checkout / "elsewhere").mkdir()
    approvals.rename(checkout / "elsewhere/shop.yaml")
    approvals.symlink_to("../elsewhere/shop.yaml")
    assert not read(checkout)
    commit(checkout)
    assert read(checkout)
    (checkout / "elsewhere/shop.yaml").write_text("changed")
    assert repository(checkout).committed(approvals) == APPROVALS.encode()
    (checkout / "elsewhere/other.yaml").write_text(APPROVALS)
    commit(checkout)
    approvals.unlink()
    approvals.symlink_to("../elsewhere/other.yaml")
    assert not read(checkout)


@pytest.mark.parametrize("hidden", ["untracked", "ignored", "assume-unchanged"])
def test_a_link_that_git_does_not_track_or_compare_counts_for_nothing(
    hidden: str, checkout: Path, approvals: Path
) -> None:
    """What it points to may well be committed: in another folder, it approved something else."""
    approvals.parent.rename(checkout / "old")
    (checkout / "older").mkdir()
    folder = checkout / "approvals"
    if hidden == "assume-unchanged":
        folder.symlink_to("older")
    else:
        (checkout / ".gitignore").write_text("approvals\n" if hidden == "ignored" else "")
    commit(checkout)
    if hidden == "assume-unchanged":
        git(checkout, "update-index", "--assume-unchanged", "approvals")
        folder.unlink()
    folder.symlink_to("old")
    found = repository(checkout)
    assert (found.committed(approvals), found.is_clean(approvals), found.is_clean_below(folder)) == (None, False, False)
    assert not read(checkout)


def test_outside_a_repository_no_approval_counts(write_project: WriteProject, tmp_path: Path) -> None:
    write_project({"sites/shop.yaml": HEAD, "approvals/shop.yaml": APPROVALS})
    assert not read(tmp_path)
    (warning,) = open_project([tmp_path], Trust(committed=True, environment=tuple(environment().items())))[1].warnings
    assert warning.message.startswith(
        "no approval counts: only committed approvals count here, and the project is not in a git repository"
    )


def test_the_author_of_a_line(checkout: Path, approvals: Path) -> None:
    commit(checkout, author="Ada")
    approvals.write_text(APPROVALS.replace("site: shop", "site: 'shop'"))
    commit(checkout, author="Grace")
    assert [repository(checkout).author_of_line(approvals, line) for line in (1, 2, 3)] == ["Ada", "Grace", "Ada"]
    assert repository(checkout).author_of_line(approvals, 99) is None
    approvals.write_text(APPROVALS)
    assert repository(checkout).author_of_line(approvals, 1) is None  # nobody, if the file is dirty


def test_a_shallow_history_does_not_know_who(
    checkout: Path, approvals: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    commit(checkout, author="Ada")
    (checkout / "sites/shop.yaml").write_text(HEAD + "# more\n")
    commit(checkout, author="Grace")
    shallow = tmp_path_factory.mktemp("shallow") / "x"
    git(checkout, "clone", "-q", "--depth", "1", f"file://{checkout}", str(shallow))
    assert repository(shallow).author_of_line(shallow / "approvals/shop.yaml", 1) is None
    assert repository(checkout).author_of_line(approvals, 1) == "Ada"


def test_trail_of_links_in_circles_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert len(trail(tmp_path / "a")) < 50


def test_the_approver_is_whoever_changed_the_line_of_the_decision(checkout: Path, approvals: Path) -> None:
    """Whoever ran `review`, and whoever touched the file since, approved nothing."""
    drafts = "".join(
        f"      - id: draft-{number}\n        decision: {word} sha256:{number:064}\n        caption: x\n"
        for number, word in enumerate(("pending", "pending", "pending"))
    )
    text = f"version: 1\nsite: shop\nactivities:\n  - id: activity\n    drafts:\n{drafts}"
    approvals.write_text(text)
    commit(checkout, author="Review Bot")
    approvals.write_text(text := text.replace(f"pending sha256:{1:064}", f"approve sha256:{1:064}"))
    commit(checkout, author="Ada")
    approvals.write_text(text := text.replace(f"pending sha256:{2:064}", f"approve sha256:{2:064}"))
    commit(checkout, author="Grace")
    approvals.write_text(text := text.replace("caption: x", "caption: y"))
    commit(checkout, author="Somebody Else")
    assert deciders_of(approvals, repository(checkout)) == {"draft-1": "Ada", "draft-2": "Grace"}
    approvals.write_text(text + "# dirty\n")
    assert deciders_of(approvals, repository(checkout)) == {}


def test_nobody_approved_outside_a_repository(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(APPROVALS)
    assert deciders_of(tmp_path / "shop.yaml", repository(tmp_path)) == {}


def test_a_folder_that_only_looks_like_a_repository_is_not_used(
    checkout: Path, approvals: Path, tmp_path: Path
) -> None:
    """A change can commit such a folder, and its configuration names programs; its HEAD would say what is committed."""
    commit(checkout)
    for folder in (approvals.parent, checkout / "sites"):
        for name in ("objects", "refs"):
            shutil.copytree(checkout / ".git" / name, folder / name)
        shutil.copy(checkout / ".git/index", folder / "index")
        (folder / "HEAD").write_text("ref: refs/heads/main\n")
        ran = tmp_path / "ran"
        settings = f"repositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {ran}; false"
        (folder / "config").write_text(f"[core]\n\t{settings}\n")
        commit(checkout, "the change")
        inner = repository(folder)
        assert inner.top == checkout
        assert inner.is_clean(approvals)
        assert inner.head() == git(checkout, "rev-parse", "HEAD").strip()
        assert not ran.exists()


def test_no_folder_is_a_repository_without_its_mark(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path)], check=True)
    assert repository(tmp_path).head() is None
    with pytest.raises(GitError, match="not in a git repository"):
        _ = repository(tmp_path).top


def test_nothing_that_a_change_can_write_moves_a_line_to_somebody_else(checkout: Path, approvals: Path) -> None:
    git(checkout, "config", "blame.ignoreRevsFile", "ignored")
    (checkout / "ignored").write_text("")
    commit(checkout, author="Boss")
    approvals.write_text(APPROVALS.replace("site: shop", "site: 'shop'"))
    (checkout / ".mailmap").write_text("The Boss <boss@example.org> <a@example.org>\n")
    commit(checkout, author="Intern")
    (checkout / "ignored").write_text(git(checkout, "rev-parse", "HEAD"))
    commit(checkout, author="Intern")
    assert repository(checkout).author_of_line(approvals, 2) == "Intern"


def test_lines_are_counted_as_git_counts_them(checkout: Path, approvals: Path) -> None:
    """YAML also ends lines at U+2028 and others, which would name the author of another line."""
    approvals.write_bytes(
        f"version: 1\nsite: shop # a\u2028# b\x85# c\r# d\nactivities: [{{id: a, drafts: [\n"
        f"  {{id: draft, decision: approve sha256:{'0' * 64}}},\n".encode()
        + b"  ]}]\n# nobody's\n# nobody's\n# nobody's\n"
    )
    commit(checkout, author="Ada")
    approvals.write_bytes(approvals.read_bytes().replace(b"nobody's", b"Grace's"))
    commit(checkout, author="Grace")
    assert deciders_of(approvals, repository(checkout)) == {"draft": "Ada"}
