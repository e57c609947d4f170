"""`credentials` of the project file -> references. Values stay where they are until secrets.py fetches them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from reconciler.config.layers import Layers
from reconciler.config.secrets import ApiKeyRef, AppRef, CredentialRef, FromCommand, FromEnv, FromFile, SecretRef
from reconciler.config.trust import Trust, refused_command
from reconciler.config.words import KeyPath


def read_credentials(layers: Layers, root: Path, trust: Trust) -> Mapping[str, CredentialRef]:
    """The references by name. Relative paths start from the project's folder, where commands also run."""
    found: dict[str, CredentialRef] = {}
    for name, written in layers.value["credentials"].items():
        path = ("credentials", name)
        if "apiKey" in written:
            found[name] = ApiKeyRef(_reference(written["apiKey"], (*path, "apiKey"), layers, root, trust))
        else:
            found[name] = AppRef(
                _reference(written["appId"], (*path, "appId"), layers, root, trust),
                _reference(written["appSecret"], (*path, "appSecret"), layers, root, trust),
            )
    return MappingProxyType(found)


def _reference(written: dict[str, Any], path: KeyPath, layers: Layers, root: Path, trust: Trust) -> SecretRef:
    if "env" in written:
        return FromEnv(written["env"])
    if "file" in written:
        return FromFile(_file(written["file"], root, trust))
    if refused := refused_command(trust):
        layers.problem((*path, "command"), *refused, key=True)
    return FromCommand(_words(written["command"], (*path, "command"), layers), root)


def _file(written: str, root: Path, trust: Trust) -> Path:
    if trust.home is not None and Path(written).parts[:1] == ("~",):
        return trust.home.joinpath(*Path(written).parts[1:])
    return root / written


def _words(written: str | list[str], path: KeyPath, layers: Layers) -> tuple[str, ...]:
    """The words of a command. A single text is split as a shell would split it."""
    if isinstance(written, list):
        words = tuple(written)
    else:
        import shlex

        try:
            words = tuple(shlex.split(written))
        except ValueError:
            layers.problem(path, "a quote in the command is not closed", "write the command as a list of words")
            return ("",)
    if not words or not words[0].strip():
        layers.problem(path, "has no command", "write a list of words, such as [op, read, ...]")
        return ("",)
    return words
