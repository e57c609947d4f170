"""What is wrong with a sandbox.yaml is said all at once, each with its place, in whatever way the sandbox is opened."""

from __future__ import annotations

from contextlib import closing

import pytest

from reconciler.sandbox.world import World
from reconciler.wiring import open_sandbox
from tests.cli.projects import Command, Project

SHOP = "3f0c2a9e-8d0b-4b7c-9a55-0c5a6f9a1e01"

CONFLICT = "<<<<<<< HEAD\nfreeze: true\n=======\nfreeze: false\n>>>>>>> theirs\n"
EXPLODING = "a: &a [1, 1]\n" + "".join(
    f"{key}: &{key} [{', '.join(12 * [f'*{before}'])}]\n" for before, key in zip("abcdef", "bcdefg", strict=True)
)
BROKEN: dict[str, tuple[str, list[str]]] = {
    "keys twice": (
        f"latency: {{}}\nlatency: {{}}\nclock: 2026-11-02\nclock: 2026-11-03\n"
        f"sites:\n- id: {SHOP}\n  name: a\n  name: b\n",
        [":2:1: 'latency' is defined twice (first on line 1)", ":4:1: 'clock' is defined", ":8:3: 'name' is defined"],
    ),
    "and a wrong value": ("freeze: true\nfreeze: true\nclock: soon\n", [":2:1: 'freeze' is", ":3:8: clock: 'soon' is"]),
    "a conflict": (f"clock: 2026-11-02\n{CONFLICT}", [":2:1: an unresolved merge conflict; keep what is right"]),
    "anchors": (EXPLODING, [":6:32: this has more than 500,000 values once its anchors are expanded"]),
    "a merge key": (f"defaults: &a {{}}\nsites: [{{<<: *a, id: {SHOP}}}]\n",
                    [":2:10: YAML 1.2 has no merge keys; write the keys out, or use `defaults`"]),
    "itself": ("defaults: &a {settings: *a}\n", [":1:25: *a refers to something that contains it"]),
    "not UTF-8": ("freeze: true\ncontentSeed: \udce9\n", [":2:14: this is not UTF-8: the byte 0xe9"]),
    "a list": ("# sites\n- 1\n", [":2:1: not a mapping; write keys such as sites and clock"]),
    "two documents": ("freeze: true\n---\nsites: 7\n", [":3:1: this file can hold only one document"]),
    "no YAML": ("a: 1\nb: {c\n", [":2:4: this `{` is not closed"]),
    "a control character": ("a: \x00", [":1:4: YAML does not allow this control character"]),
    "depth": ("a: " + "[" * 200, [":1:103: this is nested more than 100 levels deep"]),
    "no number": (f"sites: [{{id: {SHOP}, contentSeed: .nan}}]", [":1:65: '.nan' is not a number in JSON"]),
    "values": (
        "freeze: no\nclock: soon\nsite: []\nunknowns: {idleDays: six}\n",
        [":1:9: freeze is 'no', but", ":2:8: clock: 'soon'", ":3:1: unknown key 'site'", ":4:22: unknowns.idleDays is"],
    ),
    "sites by id": (f"sites:\n  {SHOP}:\n    chanels: []\n", [f":3:5: sites.{SHOP}: unknown key 'chanels'"]),
    "what is missing": (
        f"sites: [{{id: {SHOP}, events: [{{date: 2026-12-01}}, {{name: x}}]}}, {{}}]",
        [":1:81: sites[0].events[1] needs a date or", ":1:94: sites[1] needs an id"],
    ),
    "settings": (
        "defaults:\n  settings:\n    topics: {included: 7}\n    toneOfVoice: 7\n",
        [":3:24: defaults.settings.topics.included must be", ":4:18: defaults.settings.toneOfVoice has a value of"],
    ),
    "faults": ("faults:\n- {do: {kind: slow, s: 2}}\n- {}\n", [":2:21: faults[0]: do: unknown", ":3:3: faults[1]:"]),
    "a key with a dot": ("keys: {a.b: {scopes: [x]}, c: {scope: 1}}", [":1:1: keys: `api: sandbox` sends none",
                         ":1:23: keys[0].scopes[0] is 'x'", ":1:32: keys[1]: unknown key 'scope'"]),
    "another key with a dot": ("freeze: true\na.b: 1\n", [":2:1: unknown key 'a.b'"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_everything_that_is_wrong_is_said_at_once_with_its_place(
    text: str, said: list[str], project: Project, reconciler: Command
) -> None:
    file = project.root / "sandbox.yaml"
    file.write_bytes(text.encode(errors="surrogateescape"))
    in_process = list(said)
    served = [each for each in said if "sends none" not in each]
    for command, expected in (("validate", in_process), ("plan", in_process), ("sandbox serve", served)):
        done = reconciler(*command.split(), project.root)
        lines = [line for line in done.err.splitlines() if line.startswith(str(file))]
        assert done.code == 1
        assert len(lines) == len(expected), done.err
        for line, each in zip(lines, expected, strict=True):
            assert line.startswith(f"{file}{each}")
    assert not (project.root / ".reconciler").exists()


@pytest.mark.parametrize("command", ["validate", "plan", "sandbox show"])
def test_a_link_to_nothing_is_not_passed_over(command: str, project: Project, reconciler: Command) -> None:
    file = project.root / "sandbox.yaml"
    file.unlink()
    file.symlink_to("nowhere")
    done = reconciler(*command.split(), project.root)
    assert (done.code, f"{file} is a link to nowhere, which does not exist; correct the link" in done.err) == (1, True)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "language: no\n"])
def test_an_empty_file_is_a_sandbox_as_usual(text: str, project: Project, reconciler: Command) -> None:
    seed = f"defaults: {{{text.strip()}}}\n" if text.startswith("l") else text
    project.write({"sandbox.yaml": seed})
    assert reconciler("validate", project.root).code == 0
    assert reconciler("plan", project.root).code == 0


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"keys": {"a-key": {}}}, "sandbox.yaml: keys: `api: sandbox` sends none"),
        ({"switches": {}}, ".reconciler/sandbox.db: unknown key 'switches'; it is called unknowns"),
    ],
)
def test_what_is_wrong_with_a_seed_whose_file_is_gone_is_said_too(
    seed: dict[str, object], said: str, project: Project, reconciler: Command
) -> None:
    open_sandbox(project.root).close()
    (project.root / "sandbox.yaml").unlink()
    with closing(World(project.root / ".reconciler" / "sandbox.db")) as world, world.transaction() as store:
        store.set_meta("seed", seed)
    done = reconciler("plan", project.root)
    assert (done.code, f"{project.root}/{said}" in done.err) == (1, True), done.err
