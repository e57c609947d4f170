"""Where secrets are kept, and how they are fetched when they are needed.

A project file names a secret only by reference. Its value never appears in a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.config.environment import clean_environment
from reconciler.config.regular_files import NotRegular, read_regular
from reconciler.config.words import quoted
from reconciler.model.credentials import ApiKey, AppCredentials, Credential
from reconciler.model.diagnostics import UsageError
from reconciler.model.frozen import Variant
from reconciler.model.secret import Secret

COMMAND_SECONDS: Final = 60
"""How long a command may take to print a secret: somebody may have to unlock a vault."""

SHORTEST: Final = 8
"""The minimum length of a key, in characters. A shorter one is a mistake, and masking it would mask half the screen."""

_FILE_BYTES: Final = 65536


class FromEnv(Variant, frozen=True):
    """`{env: NAME}`."""

    name: str

    def __str__(self) -> str:
        return f"the environment variable {self.name}"


class FromFile(Variant, frozen=True):
    """`{file: PATH}`; `path` is absolute."""

    path: Path

    def __str__(self) -> str:
        return f"the file {self.path}"


class FromCommand(Variant, frozen=True):
    """`{command: [...]}`, run without a shell in the project's folder."""

    argv: tuple[str, ...]
    folder: Path

    def __str__(self) -> str:
        return f"the command {quoted(self.argv[0])}"


SecretRef: TypeAlias = FromEnv | FromFile | FromCommand


class ApiKeyRef(Variant, frozen=True):
    """An account's API key, by reference."""

    key: SecretRef


class AppRef(Variant, frozen=True):
    """An app's id and secret, by reference."""

    app_id: SecretRef
    app_secret: SecretRef


CredentialRef: TypeAlias = ApiKeyRef | AppRef


class UnsetVariables(UsageError):
    """Environment variables with secrets that are not set, each with the member of its credentials that names it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        if len(variables) == 1:
            ((name, what),) = variables.items()
            super().__init__(f"{what}: the environment variable {name} is not set", "set it to the secret")
        else:
            names = ", ".join(sorted(variables))
            super().__init__(f"the environment variables {names} are not set", "set each of them to its secret")


def resolve(ref: CredentialRef, environ: Mapping[str, str]) -> Credential:
    """The credentials that a reference names. Reads `environ` or a file, or runs a command.

    Raises UsageError, which names the reference and says what to do, but never what was found there.
    """
    check_variables((ref,), environ)
    match ref:
        case ApiKeyRef(key=key):
            return ApiKey(_fetch(key, "apiKey", environ))
        case AppRef(app_id=app_id, app_secret=app_secret):
            return AppCredentials(_fetch(app_id, "appId", environ), _fetch(app_secret, "appSecret", environ))


def check_variables(refs: Iterable[CredentialRef], environ: Mapping[str, str]) -> None:
    """Raises UnsetVariables with all environment variables that credentials name and that are not set."""
    unset: dict[str, str] = {}
    for ref in refs:
        members = (
            {"apiKey": ref.key} if isinstance(ref, ApiKeyRef) else {"appId": ref.app_id, "appSecret": ref.app_secret}
        )
        for what, secret in members.items():
            if isinstance(secret, FromEnv) and secret.name not in environ:
                unset.setdefault(secret.name, what)
    if unset:
        raise UnsetVariables(unset)


def _fetch(ref: SecretRef, what: str, environ: Mapping[str, str]) -> Secret:
    match ref:
        case FromEnv(name=name):
            value = environ[name]
        case FromFile(path=path):
            value = _from_file(path, what)
        case FromCommand():
            value = _from_command(ref, what, environ)
    value = value.rstrip("\r\n")
    if not value.strip():
        raise UsageError(f"{what}: {ref} is empty", "put the secret there, and nothing else")
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        reason = (
            "contains more than one line"
            if "\n" in value or "\r" in value
            else "contains characters that are not allowed in a key"
        )
        raise UsageError(f"{what}: {ref} {reason}", "put the secret there, and nothing else")
    if what == "apiKey" and " " in value:
        fix = "put only the key there, without `Bearer` and quotes"
        raise UsageError(f"{what}: {ref} contains a space, and no key does", fix)
    if len(value) < SHORTEST:
        raise UsageError(
            f"{what}: {ref} has fewer than {SHORTEST} characters, too few for a key", "put the secret there"
        )
    return Secret(value)


def _from_file(path: Path, what: str) -> str:
    try:
        data = read_regular(path, _FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = "it is not a file" if isinstance(error, NotRegular) else getattr(error, "strerror", None) or "bad name"
        raise UsageError(
            f"{what}: the file {path} cannot be read: {reason}", "check the path and its permissions"
        ) from None
    if len(data) > _FILE_BYTES:
        raise UsageError(f"{what}: the file {path} is over 64 KiB", "put the secret there, and nothing else")
    return data.decode("utf-8", "replace")


def _from_command(ref: FromCommand, what: str, environ: Mapping[str, str]) -> str:
    import subprocess

    try:
        # Commands were allowed from outside the repository (trust.py), and no shell reads this one.
        done = subprocess.run(  # noqa: S603 - see above
            ref.argv,
            cwd=ref.folder,
            env=clean_environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"{what}: {ref} took longer than {COMMAND_SECONDS} s", "run it by hand to see why") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{what}: {ref} cannot be run: {reason}", "check its name and the PATH") from None
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = f": {quoted(lines[0])}" if lines else ""
        raise UsageError(f"{what}: {ref} exited with code {done.returncode}{said}", "run it by hand to see why")
    return done.stdout.decode("utf-8", "replace")
