"""`credentials` of the project file -> references. Values stay where they are until secrets.py fetches them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reconciler.config.layers import MergedDocument
from reconciler.config.secrets import ApiKeyRef, AppRef, CredentialRef, FromCommand, FromEnv, FromFile, SecretRef
from reconciler.config.trust import Trust, refused_command
from reconciler.config.words import KeyPath


def read_credentials(merged: MergedDocument, root: Path, trust: Trust) -> Mapping[str, CredentialRef]:
    """The references by name. Relative paths start from the project's folder, where commands also run."""
    found: dict[str, CredentialRef] = {}
    for name, written in merged.value["credentials"].items():
        path = ("credentials", name)
        if "apiKey" in written:
            found[name] = ApiKeyRef(_reference(written["apiKey"], (*path, "apiKey"), merged, root, trust))
        else:
            found[name] = AppRef(
                _reference(written["appId"], (*path, "appId"), merged, root, trust),
                _reference(written["appSecret"], (*path, "appSecret"), merged, root, trust),
            )
    return MappingProxyType(found)


def _reference(written: dict[str, Any], path: KeyPath, merged: MergedDocument, root: Path, trust: Trust) -> SecretRef:
    if "env" in written:
        return FromEnv(written["env"])
    if "file" in written:
        return FromFile(_file(written["file"], root, trust))
    if refused := refused_command(trust):
        merged.problem((*path, "command"), refused.message, refused.fix, key=True)
    return FromCommand(_words(written["command"], (*path, "command"), merged), root)


def _file(written: str, root: Path, trust: Trust) -> Path:
    if trust.home is not None and Path(written).parts[:1] == ("~",):
        return trust.home.joinpath(*Path(written).parts[1:])
    return root / written


def _words(written: str | list[str], path: KeyPath, merged: MergedDocument) -> tuple[str, ...]:
    """The words of a command. A single text is split as a shell would split it."""
    if isinstance(written, list):
        words = tuple(written)
    else:
        import shlex

        try:
            words = tuple(shlex.split(written))
        except ValueError:
            merged.problem(path, "a quote in the command is not closed", "write the command as a list of words")
            return ("",)
    if not words or not words[0].strip():
        merged.problem(path, "names no program", "write a list of words, such as [op, read, ...]", continues=True)
        return ("",)
    return words
