"""Fetching secrets: the value never prints itself, and no message contains it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reconciler.config.secrets import ApiKeyRef, AppRef, FromCommand, FromEnv, FromFile, SecretRef, resolve
from reconciler.model.credentials import ApiKey, AppCredentials
from reconciler.model.diagnostics import UsageError
from reconciler.model.secret import Secret

KEY = "IST.hunter2"


def command(code: str, folder: Path) -> FromCommand:
    return FromCommand((sys.executable, "-c", code), folder)


def refused(ref: SecretRef) -> str:
    with pytest.raises(UsageError) as raised:
        resolve(ApiKeyRef(ref), os.environ)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
    return str(raised.value)


def test_from_every_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    (tmp_path / "key").write_text(f"{KEY}\r\n")
    for ref in (FromEnv("A_KEY"), FromFile(tmp_path / "key"), command(f"print('{KEY}')", tmp_path)):
        found = resolve(ApiKeyRef(ref), os.environ)
        assert found == ApiKey(Secret(KEY))
        assert "hunter2" not in repr(found)


def test_of_an_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AN_ID", "app-id-01")
    ref = AppRef(FromEnv("AN_ID"), command("import os; print(os.path.basename(os.getcwd()))", tmp_path))
    assert resolve(ref, os.environ) == AppCredentials(Secret("app-id-01"), Secret(tmp_path.name))


def test_variable_that_is_not_set_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    assert refused(FromEnv("A_KEY")) == "apiKey: the environment variable A_KEY is not set; set it to the secret"
    monkeypatch.setenv("A_KEY", " ")
    assert "the environment variable A_KEY is empty" in refused(FromEnv("A_KEY"))


def test_every_variable_of_an_app_that_is_not_set_is_named() -> None:
    ref = AppRef(FromEnv("AN_ID"), FromEnv("A_SECRET"))
    with pytest.raises(UsageError) as raised:
        resolve(ref, {})
    assert str(raised.value) == (
        "the environment variables AN_ID, A_SECRET are not set; set each of them to its secret"
    )
    with pytest.raises(
        UsageError, match="appSecret: the environment variable A_SECRET is not set; set it to the secret"
    ):
        resolve(ref, {"AN_ID": "app-id-01"})


def test_file_that_is_not_there_empty_too_long_or_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert f"the file {path} cannot be read: No such file or directory" in refused(FromFile(path))
    assert "cannot be read: it is not a file" in refused(FromFile(tmp_path))
    path.write_text("\n\n")
    assert "is empty" in refused(FromFile(path))
    path.write_text("hunter2" * 20_000)
    assert "is over 64 KiB" in refused(FromFile(path))


@pytest.mark.parametrize(
    "text",
    [
        "hunter2\nhunter2",
        "hunter2\r\nx: y",
        "h\u00e9hunter2",
        "hunter2\x00",
        "hunter2\x7f",
        " hunter2",
        "\ufeffhunter2",
    ],
)
def test_what_no_header_can_hold(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text, "utf-8")
    assert "put the secret there, and nothing else" in refused(FromFile(tmp_path / "key"))


@pytest.mark.parametrize("text", ["Bearer hunter2hunter2", '"hunter2 hunter2"'])
def test_a_key_with_a_space_is_named(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", text)
    said = refused(FromEnv("A_KEY"))
    assert "A_KEY contains a space" in said
    assert "without `Bearer`" in said


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xffhunter2")
    assert "contains characters that are not allowed in a key" in refused(FromFile(tmp_path / "key"))


def test_command_that_fails_says_why_and_nothing_it_printed(tmp_path: Path) -> None:
    code = "import sys; print('hunter2'); print('not\\x1b signed in\\nmore', file=sys.stderr); sys.exit(3)"
    said = refused(command(code, tmp_path))
    assert said.endswith("exited with code 3: 'not\\x1b signed in'; run it by hand to see why")
    assert "exited with code 3; run" in refused(command("import sys; sys.exit(3)", tmp_path))


def test_command_that_is_not_there(tmp_path: Path) -> None:
    said = refused(FromCommand(("no-such-command", "hunter2"), tmp_path))
    assert (
        said
        == "apiKey: the command 'no-such-command' cannot be run: No such file or directory; check its name and the PATH"
    )
    assert "cannot be run" in refused(FromCommand(("a\0b",), tmp_path))


def test_command_that_prints_nothing(tmp_path: Path) -> None:
    assert "is empty" in refused(command("pass", tmp_path))


def test_command_gets_no_input(tmp_path: Path) -> None:
    assert "is empty" in refused(command("import sys; print(sys.stdin.read())", tmp_path))
